"""Users, roles, accounts, bucket policies and access control lists with boto3 and the aws CLI."""

import json
import shutil
import subprocess
import sys
import unittest

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, *resources, **more):
    return {"Effect": "Allow", "Action": action, "Resource": list(resources), **more}


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("boto3", boto3.__version__, file=sys.stderr)
        cls.server = StrataServer()
        cls.server.start()
        cls.s3 = cls.server.boto3()
        cls.iam = cls.client("iam", ACCESS_KEY, SECRET_KEY)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    @classmethod
    def client(cls, service, key, secret, token=None):
        return boto3.client(service, endpoint_url=cls.server.endpoint, region_name="us-east-1",
                            aws_access_key_id=key, aws_secret_access_key=secret,
                            aws_session_token=token,
                            config=Config(retries={"max_attempts": 1},
                                          s3={"addressing_style": "path"}))

    def user(self, name, *statements):
        """The keys of a new user with one inline policy."""
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="p",
                                     PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def bucket(self, name, **more):
        self.s3.create_bucket(Bucket=name, **more)
        self.s3.put_object(Bucket=name, Key="k", Body=b"bytes")
        return f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"

    def test_a_user_may_do_what_its_policy_says(self):
        _, objects = self.bucket("users")
        alice = self.client("s3", *self.user("alice", allow("s3:GetObject", objects)))
        self.assertEqual(alice.get_object(Bucket="users", Key="k")["Body"].read(), b"bytes")
        self.assertEqual(code_of(alice.put_object, Bucket="users", Key="k", Body=b""), "AccessDenied")
        self.assertEqual(code_of(alice.list_objects_v2, Bucket="users"), "AccessDenied")
        self.assertEqual(code_of(alice.get_object, Bucket="users", Key="none"), "AccessDenied")
        why = self.server.run_verb("explain-access", "alice", "s3:PutObject", "users/k").stdout
        self.assertIn("denied", why)

    def test_a_role_is_assumed_and_narrowed(self):
        bucket, objects = self.bucket("roles")
        key, secret = self.user("robin", allow("sts:AssumeRole", "*"))
        role = self.iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document(
            {"Effect": "Allow", "Action": "sts:AssumeRole",
             "Principal": {"AWS": "arn:aws:iam::000000000001:user/robin"}}))["Role"]
        self.iam.put_role_policy(RoleName="reader", PolicyName="p",
                                 PolicyDocument=document(allow("s3:*", bucket, objects)))
        sts = self.client("sts", key, secret)
        self.assertTrue(sts.get_caller_identity()["Arn"].endswith(":user/robin"))

        def session(**more):
            made = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="one", **more)["Credentials"]
            return self.client("s3", made["AccessKeyId"], made["SecretAccessKey"],
                               made["SessionToken"])
        wide = session()
        narrow = session(Policy=document(allow("s3:GetObject", objects)))
        wide.put_object(Bucket="roles", Key="other", Body=b"x")
        self.assertEqual(narrow.get_object(Bucket="roles", Key="other")["Body"].read(), b"x")
        self.assertEqual(code_of(narrow.delete_object, Bucket="roles", Key="other"), "AccessDenied")

    def test_a_public_bucket(self):
        _, objects = self.bucket("site")
        everybody = boto3.client("s3", endpoint_url=self.server.endpoint, region_name="us-east-1",
                                 config=Config(signature_version=UNSIGNED,
                                               s3={"addressing_style": "path"}))
        policy = document(allow("s3:GetObject", objects, Principal="*"))
        self.assertEqual(code_of(self.s3.put_bucket_policy, Bucket="site", Policy=policy),
                         "AccessDenied")
        self.s3.delete_public_access_block(Bucket="site")
        self.s3.put_bucket_policy(Bucket="site", Policy=policy)
        self.assertTrue(self.s3.get_bucket_policy_status(Bucket="site")["PolicyStatus"]["IsPublic"])
        self.assertEqual(everybody.get_object(Bucket="site", Key="k")["Body"].read(), b"bytes")
        self.assertEqual(code_of(everybody.put_object, Bucket="site", Key="k", Body=b""),
                         "AccessDenied")
        self.s3.delete_bucket_policy(Bucket="site")
        self.assertEqual(code_of(everybody.get_object, Bucket="site", Key="k"), "AccessDenied")

    def test_accounts_are_closed_until_they_are_opened(self):
        bucket, objects = self.bucket("ours")
        made = json.loads(self.server.run_verb("account", "create", "team-b", "--json").stdout)
        theirs = self.client("s3", made["access_key"], made["secret"])
        self.assertEqual(code_of(theirs.get_object, Bucket="ours", Key="k"), "AccessDenied")
        self.assertEqual(theirs.list_buckets()["Buckets"], [])
        self.s3.put_bucket_policy(Bucket="ours", Policy=document(
            allow("s3:*", bucket, objects, Principal={"AWS": made["id"]})))
        self.assertEqual(theirs.get_object(Bucket="ours", Key="k")["Body"].read(), b"bytes")
        bob = json.loads(self.server.run_verb(
            "user", "create", "bob", "--account", "team-b", "--json").stdout)
        poor = self.client("s3", bob["access_key"], bob["secret"])
        self.assertEqual(code_of(poor.get_object, Bucket="ours", Key="k"), "AccessDenied")
        self.server.run_verb("user", "delete", "bob", "--account", "team-b")
        self.assertEqual(code_of(poor.list_buckets), "InvalidAccessKeyId")
        theirs.create_bucket(Bucket="theirs")
        self.assertNotEqual(self.server.run_verb("account", "delete", "team-b",
                                                 check=False).returncode, 0)
        theirs.delete_bucket(Bucket="theirs")
        self.server.run_verb("account", "delete", "team-b")

    def test_lists_where_they_count(self):
        self.bucket("lists", ObjectOwnership="ObjectWriter")
        self.bucket("nolists")
        self.assertEqual(code_of(self.s3.put_bucket_acl, Bucket="nolists", ACL="public-read"),
                         "AccessControlListNotSupported")
        self.assertEqual(code_of(self.s3.put_bucket_acl, Bucket="lists", ACL="public-read"),
                         "AccessDenied")
        self.s3.delete_public_access_block(Bucket="lists")
        self.s3.put_bucket_acl(Bucket="lists", ACL="public-read")
        grants = self.s3.get_bucket_acl(Bucket="lists")["Grants"]
        self.assertEqual([g["Permission"] for g in grants], ["FULL_CONTROL", "READ"])
        self.assertEqual(grants[1]["Grantee"]["Type"], "Group")
        self.s3.put_object_acl(Bucket="lists", Key="k", AccessControlPolicy={
            key: value for key, value in self.s3.get_object_acl(Bucket="lists", Key="k").items()
            if key in ("Owner", "Grants")})

    @unittest.skipIf(shutil.which("aws") is None, "the aws CLI is not installed")
    def test_the_aws_cli(self):
        self.bucket("cli")
        policy = document(allow("s3:ListAllMyBuckets", "*"))

        def aws(*arguments, **more):
            run = subprocess.run(["aws", "--endpoint-url", self.server.endpoint, *arguments], env=self.server.client_environment() | more,
                                 capture_output=True, text=True, timeout=120)
            self.assertEqual(run.returncode, 0, run.stderr)
            return json.loads(run.stdout) if run.stdout.startswith("{") else run.stdout
        aws("iam", "create-user", "--user-name", "carol")
        aws("iam", "put-user-policy", "--user-name", "carol", "--policy-name", "p",
            "--policy-document", policy)
        key = aws("iam", "create-access-key", "--user-name", "carol", "--output", "json")["AccessKey"]
        listed = aws("s3", "ls", AWS_ACCESS_KEY_ID=key["AccessKeyId"],
                     AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
        self.assertIn("cli", listed)


if __name__ == "__main__":
    unittest.main()

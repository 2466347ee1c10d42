"""boto3 and curl: CORS, lifecycle, encryption, websites and browser forms, as an application uses them."""

import http.client
import json
import os
import subprocess
import unittest

from botocore.exceptions import ClientError

from strata_server import StrataServer, wait_for

MARKER = b"THE-PLAIN-TEXT-THAT-MUST-NOT-BE-ON-THE-DISK-"
WAIT_S_MAX = 60


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


class Features(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = StrataServer(arguments=["--lifecycle-day", "1s", "--website", "127.0.0.1:0"])
        cls.server.start()
        cls.site = cls.server.status()["listeners"]["website"]
        cls.s3 = cls.server.boto3()
        cls.s3.create_bucket(Bucket="bucket")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def curl(self, *arguments):
        """The head and body of the answer."""
        run = subprocess.run(["curl", "--silent", "--show-error", "--include", "--max-time", "20", *arguments],
                             capture_output=True, text=True, timeout=30, check=True)
        return run.stdout

    def test_cors(self):
        rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["http://*.example.com"], "MaxAgeSeconds": 5}
        self.s3.put_bucket_cors(Bucket="bucket", CORSConfiguration={"CORSRules": [rule]})
        self.assertEqual(self.s3.get_bucket_cors(Bucket="bucket")["CORSRules"], [rule])
        host = self.server.endpoint.split("//")[1]
        for origin, status in (("http://a.example.com", 200), ("http://evil.org", 403)):
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request("OPTIONS", "/bucket/key", headers={
                "Origin": origin, "Access-Control-Request-Method": "GET"})
            self.assertEqual(connection.getresponse().status, status)
            connection.close()
        preflight = self.curl("-X", "OPTIONS", "-H", "Origin: http://a.example.com", "-H",
                              "Access-Control-Request-Method: GET", self.server.endpoint + "/bucket/key")
        self.assertIn("access-control-max-age: 5", preflight.lower())
        self.assertIn("access-control-allow-origin: http://a.example.com", preflight.lower())
        self.s3.delete_bucket_cors(Bucket="bucket")
        self.assertEqual(code_of(self.s3.get_bucket_cors, Bucket="bucket"), "NoSuchCORSConfiguration")

    def test_lifecycle_expires_objects(self):
        s3 = self.s3
        s3.create_bucket(Bucket="aging")
        rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}}
        s3.put_bucket_lifecycle_configuration(Bucket="aging", LifecycleConfiguration={"Rules": [rule]})
        self.assertEqual(s3.get_bucket_lifecycle_configuration(Bucket="aging")["Rules"], [rule])
        put = s3.put_object(Bucket="aging", Key="logs/a", Body=b"x")
        self.assertIn('rule-id="old"', put["Expiration"])
        s3.put_object(Bucket="aging", Key="kept", Body=b"x")

        def only_kept():
            listed = s3.list_objects_v2(Bucket="aging").get("Contents", [])
            return [entry["Key"] for entry in listed] == ["kept"]

        wait_for(only_kept, WAIT_S_MAX, "the old object to expire")

    def test_encryption_round_trips(self):
        s3 = self.s3
        body = MARKER * 5000
        key = os.urandom(32)
        customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
        for name, write, read in (
                ("s3", {"ServerSideEncryption": "AES256"}, {}),
                ("kms", {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "team"}, {}),
                ("customer", customer, customer)):
            s3.put_object(Bucket="bucket", Key=name, Body=body, **write)
            got = s3.get_object(Bucket="bucket", Key=name, **read)
            self.assertEqual(got["Body"].read(), body)
            part = s3.get_object(Bucket="bucket", Key=name, Range="bytes=65530-65550", **read)
            self.assertEqual(part["Body"].read(), body[65530:65551])
        self.assertEqual(code_of(s3.get_object, Bucket="bucket", Key="customer"), "InvalidRequest")
        other = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
        self.assertEqual(code_of(s3.get_object, Bucket="bucket", Key="customer", **other), "AccessDenied")
        self.assertFalse(self.found_on_disk(MARKER), "plain bytes are on a drive")

    def found_on_disk(self, text):
        for folder, _, names in os.walk(self.server.data):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        if text in file.read():
                            return path
        return None

    def test_default_encryption(self):
        s3 = self.s3
        s3.create_bucket(Bucket="sealed")
        self.assertEqual(code_of(s3.get_bucket_encryption, Bucket="sealed"),
                         "ServerSideEncryptionConfigurationNotFoundError")
        s3.put_bucket_encryption(Bucket="sealed", ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
        put = s3.put_object(Bucket="sealed", Key="a", Body=b"x")
        self.assertEqual(put["ServerSideEncryption"], "AES256")

    def test_kms_headers_and_the_keys_of_the_command_line(self):
        s3 = self.s3
        self.server.run_verb("key", "create", "projects")
        put = s3.put_object(Bucket="bucket", Key="project", Body=b"plan", ServerSideEncryption="aws:kms",
                            SSEKMSKeyId="projects", BucketKeyEnabled=True)
        self.assertEqual(put["ServerSideEncryption"], "aws:kms")
        self.assertEqual(put["SSEKMSKeyId"], "projects")
        self.assertTrue(put["BucketKeyEnabled"])
        self.server.run_verb("key", "rotate", "projects")
        keys = json.loads(self.server.run_verb("key", "list", "--json").stdout)["keys"]
        self.assertEqual({key["name"]: key["generations"] for key in keys}["projects"], 2)
        self.assertEqual(s3.get_object(Bucket="bucket", Key="project")["Body"].read(), b"plan")
        head = s3.head_object(Bucket="bucket", Key="project")
        self.assertEqual((head["ServerSideEncryption"], head["SSEKMSKeyId"]), ("aws:kms", "projects"))
        self.assertEqual(code_of(s3.put_object, Bucket="bucket", Key="x", Body=b"x", ServerSideEncryption="aws:kms",
                                 SSEKMSKeyId="arn:aws:kms:us-east-1:000000000001:key/unknown"),
                         "KMS.NotFoundException")

    def test_parts_under_a_customers_key(self):
        s3 = self.s3
        customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
        where = {"Bucket": "bucket", "Key": "parts"}
        upload = s3.create_multipart_upload(**where, **customer)
        where["UploadId"] = upload["UploadId"]
        first, last = os.urandom(5 * 1024 * 1024), b"the end"
        other = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
        self.assertEqual(code_of(s3.upload_part, PartNumber=1, Body=last, **where, **other), "InvalidRequest")
        parts = [{"PartNumber": number, "ETag": s3.upload_part(PartNumber=number, Body=body, **where, **customer)["ETag"]}
                 for number, body in ((1, first), (2, last))]
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
        got = s3.get_object(Bucket="bucket", Key="parts", Range=f"bytes={len(first) - 3}-", **customer)
        self.assertEqual(got["Body"].read(), first[-3:] + last)

    def test_website(self):
        s3 = self.s3
        s3.create_bucket(Bucket="site")
        self.assertIn("NoSuchWebsiteConfiguration", self.curl(f"http://{self.site}/site/"))
        s3.put_bucket_website(Bucket="site", WebsiteConfiguration={
            "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
            "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]})
        self.assertEqual(s3.get_bucket_website(Bucket="site")["IndexDocument"], {"Suffix": "index.html"})
        s3.put_object(Bucket="site", Key="index.html", Body=b"home", ContentType="text/html")
        moved = self.curl("-H", "Host: site.s3-website.localhost", f"http://{self.site}/old/page")
        self.assertIn("301", moved.splitlines()[0])
        self.assertIn("location: http://site.s3-website.localhost/new/page", moved.lower())
        refused = self.curl(f"http://{self.site}/site/")
        self.assertIn("403", refused.splitlines()[0])
        self.assertIn("AccessDenied", refused)
        # A new bucket is closed to everybody; its owner opens it in two steps.
        public = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}]})
        self.assertEqual(code_of(s3.put_bucket_policy, Bucket="site", Policy=public), "AccessDenied")
        s3.delete_public_access_block(Bucket="site")
        s3.put_bucket_policy(Bucket="site", Policy=public)
        home = self.curl(f"http://{self.site}/site/")
        self.assertIn("200", home.splitlines()[0])
        self.assertTrue(home.endswith("home"), home)
        s3.put_bucket_website(Bucket="site", WebsiteConfiguration={
            "RedirectAllRequestsTo": {"HostName": "example.org", "Protocol": "https"}})
        self.assertIn("location: https://example.org/x", self.curl(f"http://{self.site}/site/x").lower())
        s3.delete_bucket_website(Bucket="site")
        self.assertEqual(code_of(s3.get_bucket_website, Bucket="site"), "NoSuchWebsiteConfiguration")

    def test_a_browsers_form(self):
        post = self.s3.generate_presigned_post(
            "bucket", "forms/${filename}", Fields={"Content-Type": "text/plain", "success_action_status": "201"},
            Conditions=[["starts-with", "$key", "forms/"], {"Content-Type": "text/plain"},
                        {"success_action_status": "201"}, ["content-length-range", 1, 100]])
        fields = [word for name, value in post["fields"].items() for word in ("-F", f"{name}={value}")]
        stored = self.curl(*fields, "-F", "file=some text;filename=a.txt", post["url"])
        self.assertIn("201", stored.splitlines()[0])
        self.assertIn("<Key>forms/a.txt</Key>", stored)
        got = self.s3.get_object(Bucket="bucket", Key="forms/a.txt")
        self.assertEqual((got["Body"].read(), got["ContentType"]), (b"some text", "text/plain"))
        large = self.curl(*fields, "-F", f"file={'x' * 200};filename=b.txt", post["url"])
        self.assertIn("EntityTooLarge", large)
        post["fields"]["key"] = "elsewhere"
        fields = [word for name, value in post["fields"].items() for word in ("-F", f"{name}={value}")]
        self.assertIn("AccessDenied", self.curl(*fields, "-F", "file=x;filename=a.txt", post["url"]))

    def test_what_aws_has_in_directory_buckets_only_is_refused(self):
        s3 = self.s3
        s3.put_object(Bucket="bucket", Key="log", Body=b"one")
        self.assertEqual(code_of(s3.put_object, Bucket="bucket", Key="log", Body=b"two", WriteOffsetBytes=3),
                         "NotImplemented")
        self.assertEqual(s3.get_object(Bucket="bucket", Key="log")["Body"].read(), b"one")
        self.assertEqual(code_of(s3.rename_object, Bucket="bucket", Key="log2", RenameSource="log"), "NotImplemented")

    def test_what_comes_later_says_so(self):
        s3 = self.s3
        notification = {"QueueConfigurations": [{"QueueArn": "arn:aws:sqs:us-east-1:000000000001:q",
                                                 "Events": ["s3:ObjectCreated:*"]}]}
        self.assertEqual(code_of(s3.put_bucket_notification_configuration, Bucket="bucket",
                                 NotificationConfiguration=notification), "NotImplemented")
        logging = {"LoggingEnabled": {"TargetBucket": "bucket", "TargetPrefix": "log/"}}
        self.assertEqual(code_of(s3.put_bucket_logging, Bucket="bucket", BucketLoggingStatus=logging),
                         "NotImplemented")
        replication = {"Role": "arn:aws:iam::000000000001:role/r", "Rules": [
            {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::bucket"}}]}
        self.assertEqual(code_of(s3.put_bucket_replication, Bucket="bucket", ReplicationConfiguration=replication),
                         "NotImplemented")
        self.assertEqual(code_of(
            s3.select_object_content, Bucket="bucket", Key="log", Expression="SELECT * FROM s3object",
            ExpressionType="SQL", InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}}), "NotImplemented")

    def test_what_was_never_configured_answers_as_on_aws(self):
        s3 = self.s3
        self.assertNotIn("TopicConfigurations", s3.get_bucket_notification_configuration(Bucket="bucket"))
        s3.put_bucket_notification_configuration(Bucket="bucket", NotificationConfiguration={})
        self.assertNotIn("Status", s3.get_bucket_accelerate_configuration(Bucket="bucket"))
        self.assertNotIn("LoggingEnabled", s3.get_bucket_logging(Bucket="bucket"))
        self.assertEqual(s3.get_bucket_request_payment(Bucket="bucket")["Payer"], "BucketOwner")
        self.assertEqual(code_of(s3.get_bucket_replication, Bucket="bucket"), "ReplicationConfigurationNotFoundError")
        s3.delete_bucket_replication(Bucket="bucket")
        for kind in ("analytics", "inventory", "metrics", "intelligent_tiering"):
            listed = getattr(s3, f"list_bucket_{kind}_configurations")(Bucket="bucket")
            self.assertFalse(listed["IsTruncated"], kind)
            for verb in ("get", "delete"):
                one = getattr(s3, f"{verb}_bucket_{kind}_configuration")
                self.assertEqual(code_of(one, Bucket="bucket", Id="x"), "NoSuchConfiguration", kind)


if __name__ == "__main__":
    unittest.main()

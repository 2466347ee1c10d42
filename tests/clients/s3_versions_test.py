"""Versions, tags and object lock with boto3, the newest."""

import datetime
import sys
import unittest

import boto3
from botocore.exceptions import ClientError

from strata_server import StrataServer


def error_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response
    return None


def code_of(call, **arguments):
    response = error_of(call, **arguments)
    return response["Error"]["Code"] if response else None


class Versions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("boto3", boto3.__version__, file=sys.stderr)
        cls.server = StrataServer()
        cls.server.start()
        cls.s3 = cls.server.boto3()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def versioned(self, bucket):
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return bucket

    def test_versions_come_and_go(self):
        s3, bucket = self.s3, self.versioned("versioned")
        self.assertEqual(s3.get_bucket_versioning(Bucket=bucket)["Status"], "Enabled")
        ids = [s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % i)["VersionId"] for i in range(3)]
        listed = s3.list_object_versions(Bucket=bucket)["Versions"]
        self.assertEqual([v["VersionId"] for v in listed], ids[::-1])
        self.assertEqual([v["IsLatest"] for v in listed], [True, False, False])
        for number, version in enumerate(ids):
            got = s3.get_object(Bucket=bucket, Key="k", VersionId=version)
            self.assertEqual((got["Body"].read(), got["VersionId"]), (b"%d" % number, version))
        marker = s3.delete_object(Bucket=bucket, Key="k")
        self.assertTrue(marker["DeleteMarker"])
        missing = error_of(s3.get_object, Bucket=bucket, Key="k")
        self.assertEqual(missing["Error"]["Code"], "NoSuchKey")
        self.assertEqual(missing["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"], "true")
        self.assertEqual(code_of(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]),
                         "MethodNotAllowed")
        self.assertNotIn("Contents", s3.list_objects_v2(Bucket=bucket))
        self.assertEqual(code_of(s3.delete_bucket, Bucket=bucket), "BucketNotEmpty")
        s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
        self.assertEqual(s3.get_object(Bucket=bucket, Key="k")["Body"].read(), b"2")
        boto3_objects = [{"Key": "k", "VersionId": version} for version in ids]
        deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": boto3_objects})["Deleted"]
        self.assertEqual(len(deleted), 3)
        s3.delete_bucket(Bucket=bucket)

    def test_a_paginator_sees_every_version_once(self):
        s3, bucket = self.s3, self.versioned("pages")
        made = set()
        for key in ("a", "b", "a", "c", "a"):
            made.add((key, s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]))
        made.add(("b", s3.delete_object(Bucket=bucket, Key="b")["VersionId"]))
        seen = []
        for page in s3.get_paginator("list_object_versions").paginate(
                Bucket=bucket, PaginationConfig={"PageSize": 2}):
            for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
                seen.append((version["Key"], version["VersionId"]))
        self.assertEqual(len(seen), 6)
        self.assertEqual(set(seen), made)

    def test_a_multipart_upload_makes_a_version(self):
        s3, bucket = self.s3, self.versioned("parts")
        upload = s3.create_multipart_upload(Bucket=bucket, Key="k", Tagging="a=b")["UploadId"]
        etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
        done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": etag}]})
        self.assertEqual(s3.head_object(Bucket=bucket, Key="k")["VersionId"], done["VersionId"])
        self.assertEqual(s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], [{"Key": "a", "Value": "b"}])

    def test_tags(self):
        s3, bucket = self.s3, self.versioned("tags")
        first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", Tagging="team=blue")["VersionId"]
        s3.put_object(Bucket=bucket, Key="k", Body=b"2")
        self.assertEqual(s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"], [])
        tags = s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=first)
        self.assertEqual(tags["TagSet"], [{"Key": "team", "Value": "blue"}])
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a b", "Value": "ü"}]})
        self.assertEqual(s3.get_object(Bucket=bucket, Key="k")["TagCount"], 1)
        s3.delete_object_tagging(Bucket=bucket, Key="k")
        many = [{"Key": str(i), "Value": ""} for i in range(11)]
        self.assertEqual(code_of(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": many}),
                         "BadRequest")
        self.assertEqual(code_of(s3.get_bucket_tagging, Bucket=bucket), "NoSuchTagSet")
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": many})
        self.assertEqual(len(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]), 11)

    def test_object_lock(self):
        s3 = self.s3
        s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        version = s3.put_object(Bucket="locked", Key="k", Body=b"1", ObjectLockMode="GOVERNANCE",
                                ObjectLockRetainUntilDate=until)["VersionId"]
        head = s3.head_object(Bucket="locked", Key="k")
        self.assertEqual(head["ObjectLockMode"], "GOVERNANCE")
        named = {"Bucket": "locked", "Key": "k", "VersionId": version}
        self.assertEqual(code_of(s3.delete_object, **named), "AccessDenied")
        s3.put_object_legal_hold(**named, LegalHold={"Status": "ON"})
        self.assertEqual(code_of(s3.delete_object, **named, BypassGovernanceRetention=True), "AccessDenied")
        s3.put_object_legal_hold(**named, LegalHold={"Status": "OFF"})
        self.assertEqual(s3.get_object_retention(**named)["Retention"]["Mode"], "GOVERNANCE")
        s3.delete_object(**named, BypassGovernanceRetention=True)
        s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}})
        version = s3.put_object(Bucket="locked", Key="c", Body=b"1")["VersionId"]
        self.assertEqual(code_of(s3.delete_object, Bucket="locked", Key="c", VersionId=version,
                                 BypassGovernanceRetention=True), "AccessDenied")
        self.assertEqual(code_of(s3.get_object_lock_configuration, Bucket="no-such-bucket"), "NoSuchBucket")


if __name__ == "__main__":
    unittest.main(verbosity=2)

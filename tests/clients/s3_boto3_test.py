"""boto3, the newest: what an application does with S3, with today's defaults."""

import base64
import hashlib
import io
import os
import sys
import unittest
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from strata_server import StrataServer

MIB = 1024 * 1024


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def status_of(call, **arguments):
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


class Boto3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("boto3", boto3.__version__, file=sys.stderr)
        cls.server = StrataServer()
        cls.server.start()
        cls.s3 = cls.server.boto3()
        cls.s3.create_bucket(Bucket="bucket")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def put(self, key, body, **options):
        return self.s3.put_object(Bucket="bucket", Key=key, Body=body, **options)

    def get(self, key, **options):
        return self.s3.get_object(Bucket="bucket", Key=key, **options)

    def test_buckets(self):
        s3 = self.s3
        self.assertEqual(s3.create_bucket(Bucket="other")["ResponseMetadata"]["HTTPStatusCode"], 200)
        self.assertIn("other", [b["Name"] for b in s3.list_buckets()["Buckets"]])
        s3.head_bucket(Bucket="other")
        self.assertIn(s3.get_bucket_location(Bucket="other")["LocationConstraint"], (None, "us-east-1"))
        s3.create_bucket(Bucket="other")  # as in us-east-1
        self.assertEqual(code_of(s3.create_bucket, Bucket="UPPER"), "InvalidBucketName")
        s3.put_object(Bucket="other", Key="x", Body=b"")
        self.assertEqual(code_of(s3.delete_bucket, Bucket="other"), "BucketNotEmpty")
        s3.delete_object(Bucket="other", Key="x")
        s3.delete_bucket(Bucket="other")
        self.assertEqual(status_of(s3.head_bucket, Bucket="other"), 404)
        self.assertEqual(code_of(s3.list_objects_v2, Bucket="other"), "NoSuchBucket")

    def test_bodies_of_every_size_class_come_back(self):
        for size in (0, 1, 1000, 65536, 65537, 128 * 1024, 128 * 1024 + 1, MIB + 3, 9 * MIB + 1):
            body = os.urandom(size)
            etag = self.put(f"size/{size}", body)["ETag"]
            self.assertEqual(etag, '"%s"' % hashlib.md5(body).hexdigest())
            got = self.get(f"size/{size}")
            self.assertEqual(got["ContentLength"], size)
            self.assertEqual(got["Body"].read(), body, size)

    def test_names_come_back_as_they_were(self):
        for key in ("plain", "with space", "a+b", "a%20b", "ünï/cödé/日本", "a//b", "/lead", "dots/../x",
                    "quote'\"<&>", "tail/", "x" * 1024):
            self.put(key, key.encode())
            self.assertEqual(self.get(key)["Body"].read(), key.encode(), key)
            keys = [o["Key"] for o in self.s3.list_objects_v2(Bucket="bucket", Prefix=key)["Contents"]]
            self.assertIn(key, keys)
        self.assertEqual(code_of(self.put, key="x" * 1025, body=b""), "KeyTooLongError")

    def test_metadata_and_standard_headers(self):
        self.put("meta", b"x", Metadata={"colour": "blue", "empty": ""}, ContentType="text/plain",
                 ContentEncoding="gzip", CacheControl="max-age=5", ContentDisposition="inline",
                 ContentLanguage="de", Expires="Thu, 01 Jan 2032 00:00:00 GMT")
        head = self.s3.head_object(Bucket="bucket", Key="meta")
        self.assertEqual(head["Metadata"]["colour"], "blue")
        self.assertEqual(head["ContentType"], "text/plain")
        self.assertEqual(head["ContentEncoding"], "gzip")
        self.assertEqual(head["CacheControl"], "max-age=5")
        self.assertEqual(head["ContentDisposition"], "inline")
        self.assertEqual(head["ContentLanguage"], "de")
        self.assertEqual(self.get("meta", ResponseContentType="a/b")["ContentType"], "a/b")
        self.assertEqual(code_of(self.put, key="meta", body=b"", Metadata={"a": "b" * 2100}),
                         "MetadataTooLarge")

    def test_ranges(self):
        body = os.urandom(300_000)
        self.put("range", body)
        for text, want in (("bytes=0-9", body[:10]), ("bytes=299990-", body[-10:]), ("bytes=-5", body[-5:]),
                           ("bytes=65530-65545", body[65530:65546]), ("bytes=100-999999", body[100:])):
            got = self.get("range", Range=text)
            self.assertEqual(got["ResponseMetadata"]["HTTPStatusCode"], 206)
            self.assertEqual(got["Body"].read(), want, text)
        self.assertEqual(self.get("range", Range="bytes=0-9")["ContentRange"], "bytes 0-9/300000")
        self.assertEqual(code_of(self.get, key="range", Range="bytes=300000-"), "InvalidRange")

    def test_conditions(self):
        etag = self.put("cond", b"one")["ETag"]
        self.assertEqual(status_of(self.get, key="cond", IfNoneMatch=etag), 304)
        self.assertEqual(status_of(self.get, key="cond", IfMatch='"nothing"'), 412)
        self.assertEqual(self.get("cond", IfMatch=etag)["Body"].read(), b"one")
        self.assertEqual(code_of(self.put, key="cond", body=b"two", IfNoneMatch="*"), "PreconditionFailed")
        self.assertEqual(code_of(self.put, key="cond", body=b"two", IfMatch='"wrong"'), "PreconditionFailed")
        self.put("cond", b"two", IfMatch=etag)
        self.assertEqual(self.get("cond")["Body"].read(), b"two")
        self.put("cond-new", b"new", IfNoneMatch="*")

    def test_checksums(self):
        for algorithm in ("CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"):
            try:
                self.put(f"sum/{algorithm}", b"hello" * 1000, ChecksumAlgorithm=algorithm)
            except Exception as error:  # boto3 without awscrt cannot compute some of them
                if "crt" in str(error).lower():
                    continue
                raise
            got = self.s3.head_object(Bucket="bucket", Key=f"sum/{algorithm}", ChecksumMode="ENABLED")
            self.assertIn(f"Checksum{algorithm}", got)
            self.assertEqual(self.get(f"sum/{algorithm}", ChecksumMode="ENABLED")["Body"].read(), b"hello" * 1000)
        wrong = base64.b64encode(b"\0" * 32).decode()
        self.assertEqual(code_of(self.put, key="sum/bad", body=b"x", ChecksumSHA256=wrong), "BadDigest")
        self.assertEqual(code_of(self.get, key="sum/bad"), "NoSuchKey")
        self.assertEqual(code_of(self.put, key="sum/bad", body=b"x",
                                 ContentMD5=base64.b64encode(b"\0" * 16).decode()), "BadDigest")

    def test_listing(self):
        for i in range(25):
            self.put(f"list/{i % 5}/{i:03}", b"x")
        page = self.s3.list_objects_v2(Bucket="bucket", Prefix="list/", Delimiter="/")
        self.assertEqual([p["Prefix"] for p in page["CommonPrefixes"]], [f"list/{i}/" for i in range(5)])
        keys = []
        for page in self.s3.get_paginator("list_objects_v2").paginate(
                Bucket="bucket", Prefix="list/", PaginationConfig={"PageSize": 7}):
            keys += [o["Key"] for o in page["Contents"]]
        self.assertEqual(keys, sorted(f"list/{i % 5}/{i:03}" for i in range(25)))
        old = []
        for page in self.s3.get_paginator("list_objects").paginate(
                Bucket="bucket", Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 2}):
            old += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        self.assertEqual(old, [f"list/{i}/" for i in range(5)])

    def test_copy_and_delete(self):
        self.put("source key", os.urandom(200_000), Metadata={"a": "1"})
        self.s3.copy_object(Bucket="bucket", Key="copied", CopySource="bucket/source key")
        self.assertEqual(self.get("copied")["Body"].read(), self.get("source key")["Body"].read())
        self.s3.copy_object(Bucket="bucket", Key="copied", CopySource={"Bucket": "bucket", "Key": "copied"},
                            MetadataDirective="REPLACE", Metadata={"a": "2"})
        self.assertEqual(self.get("copied")["Metadata"], {"a": "2"})
        self.assertEqual(code_of(self.s3.copy_object, Bucket="bucket", Key="copied",
                                 CopySource="bucket/copied"), "InvalidRequest")
        self.assertEqual(code_of(self.s3.copy_object, Bucket="bucket", Key="y", CopySource="bucket/none"), "NoSuchKey")
        self.s3.delete_object(Bucket="bucket", Key="copied")
        self.s3.delete_object(Bucket="bucket", Key="copied")
        self.assertEqual(code_of(self.get, key="copied"), "NoSuchKey")
        for i in range(10):
            self.put(f"many/{i}", b"")
        gone = self.s3.delete_objects(Bucket="bucket", Delete={
            "Objects": [{"Key": f"many/{i}"} for i in range(10)] + [{"Key": "never"}]})
        self.assertEqual(len(gone["Deleted"]), 11)
        self.assertNotIn("Errors", gone)
        self.assertEqual(self.s3.list_objects_v2(Bucket="bucket", Prefix="many/")["KeyCount"], 0)

    def test_multipart(self):
        s3 = self.s3
        upload = s3.create_multipart_upload(Bucket="bucket", Key="mp", Metadata={"m": "p"})["UploadId"]
        parts = [os.urandom(5 * MIB), os.urandom(5 * MIB), os.urandom(1000)]
        done = []
        for number, body in enumerate(parts, 1):
            etag = s3.upload_part(Bucket="bucket", Key="mp", UploadId=upload, PartNumber=number, Body=body)
            done.append({"PartNumber": number, "ETag": etag["ETag"],
                         **({"ChecksumCRC32": etag["ChecksumCRC32"]} if "ChecksumCRC32" in etag else {})})
        self.assertEqual(len(s3.list_parts(Bucket="bucket", Key="mp", UploadId=upload)["Parts"]), 3)
        self.assertIn(upload, [u["UploadId"] for u in s3.list_multipart_uploads(Bucket="bucket")["Uploads"]])
        self.assertEqual(code_of(self.get, key="mp"), "NoSuchKey")
        result = s3.complete_multipart_upload(Bucket="bucket", Key="mp", UploadId=upload,
                                              MultipartUpload={"Parts": done})
        digests = b"".join(hashlib.md5(p).digest() for p in parts)
        self.assertEqual(result["ETag"], '"%s-3"' % hashlib.md5(digests).hexdigest())
        got = self.get("mp")
        self.assertEqual(got["Body"].read(), b"".join(parts))
        self.assertEqual(got["Metadata"], {"m": "p"})
        self.assertEqual(self.get("mp", PartNumber=2)["Body"].read(), parts[1])
        self.assertEqual(self.get("mp", Range="bytes=5242870-5242889")["Body"].read(),
                         parts[0][-10:] + parts[1][:10])

        upload = s3.create_multipart_upload(Bucket="bucket", Key="mp2")["UploadId"]
        one = s3.upload_part(Bucket="bucket", Key="mp2", UploadId=upload, PartNumber=1, Body=b"small")
        two = s3.upload_part(Bucket="bucket", Key="mp2", UploadId=upload, PartNumber=2, Body=b"small")
        small = [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": two["ETag"]}]
        complete = lambda parts: code_of(s3.complete_multipart_upload, Bucket="bucket", Key="mp2",
                                         UploadId=upload, MultipartUpload={"Parts": parts})
        self.assertEqual(complete(small), "EntityTooSmall")
        self.assertEqual(complete(small[::-1]), "InvalidPartOrder")
        self.assertEqual(complete([{"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'}]), "InvalidPart")
        s3.abort_multipart_upload(Bucket="bucket", Key="mp2", UploadId=upload)
        self.assertEqual(code_of(s3.list_parts, Bucket="bucket", Key="mp2", UploadId=upload), "NoSuchUpload")

    def test_managed_transfer(self):
        body = os.urandom(40 * MIB)
        config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
        self.s3.upload_fileobj(io.BytesIO(body), "bucket", "managed", Config=config)
        out = io.BytesIO()
        self.s3.download_fileobj("bucket", "managed", out, Config=config)
        self.assertEqual(out.getvalue(), body)

    def test_presigned(self):
        url = self.s3.generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "pre signed"})
        urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT"), timeout=10)
        url = self.s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "pre signed"})
        self.assertEqual(urllib.request.urlopen(url, timeout=10).read(), b"by url")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url.replace("pre%20signed", "other"), timeout=10)
        self.assertEqual(refused.exception.code, 403)

    def test_strangers_are_refused(self):
        wrong = self.server.boto3(secret_key="wrong")
        self.assertEqual(code_of(wrong.list_buckets), "SignatureDoesNotMatch")
        self.assertEqual(code_of(wrong.put_object, Bucket="bucket", Key="evil", Body=b"x"), "SignatureDoesNotMatch")
        self.assertEqual(code_of(self.server.boto3(access_key="nobody").list_buckets), "InvalidAccessKeyId")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(self.server.endpoint + "/bucket/meta", timeout=10)
        self.assertEqual(refused.exception.code, 403)

    def test_a_changed_byte_in_a_signed_body_is_refused(self):
        s3 = self.server.boto3(config={"s3": {"addressing_style": "path", "payload_signing_enabled": True},
                                       "request_checksum_calculation": "when_required"})

        def tamper(request, **_):
            request.body = b"altered!"
        s3.meta.events.register("before-send.s3.PutObject", tamper)
        self.assertEqual(code_of(s3.put_object, Bucket="bucket", Key="tampered", Body=b"original"),
                         "XAmzContentSHA256Mismatch")
        self.assertEqual(code_of(self.get, key="tampered"), "NoSuchKey")

    def test_what_a_new_bucket_refuses_has_the_code_of_aws(self):
        s3 = self.s3
        self.assertEqual(code_of(s3.put_bucket_acl, Bucket="bucket", ACL="public-read"),
                         "AccessControlListNotSupported")
        self.assertEqual(code_of(self.put, key="acl", body=b"", ACL="public-read"),
                         "AccessControlListNotSupported")
        self.assertEqual(code_of(s3.put_bucket_policy, Bucket="bucket", Policy="{}"), "MalformedPolicy")

    def test_what_is_not_there_says_so(self):
        self.assertEqual(code_of(self.put, key="sse", body=b"", ServerSideEncryption="aws:kms:dsse"),
                         "NotImplemented")


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""boto3: CORS, lifecycle, encryption and websites, as an application uses them."""

import http.client
import os
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
        cls.server = StrataServer(arguments=["--lifecycle-day", "1s"])
        cls.server.start()
        cls.s3 = cls.server.boto3()
        cls.s3.create_bucket(Bucket="bucket")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

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


if __name__ == "__main__":
    unittest.main()

"""Debian 12's own boto3: signed bodies, no trailing checksums."""

import os
import unittest

try:
    import boto3
except ImportError:
    boto3 = None

from strata_server import StrataServer


@unittest.skipIf(boto3 is None, "Debian's python3-boto3 is not installed")
class OldBoto3(unittest.TestCase):
    def test_objects_go_round(self):
        with StrataServer() as server:
            s3 = server.boto3()
            s3.create_bucket(Bucket="old")
            for size in (0, 10, 200_000):
                body = os.urandom(size)
                s3.put_object(Bucket="old", Key=str(size), Body=body, Metadata={"k": "v"})
                got = s3.get_object(Bucket="old", Key=str(size))
                self.assertEqual(got["Body"].read(), body)
                self.assertEqual(got["Metadata"], {"k": "v"})
            self.assertEqual(s3.list_objects(Bucket="old")["Contents"][0]["Key"], "0")
            s3.delete_objects(Bucket="old", Delete={"Objects": [{"Key": str(s)} for s in (0, 10, 200_000)]})
            s3.delete_bucket(Bucket="old")


if __name__ == "__main__":
    unittest.main(verbosity=2)

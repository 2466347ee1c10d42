"""S3 over TLS with real clients, and a certificate that is replaced while the server serves."""

import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from strata_server import StrataServer, wait_for

MIB = 1024 * 1024


def make_pair(folder):
    """As ./dev cert does."""
    certificate, key = folder / "public.crt", folder / "private.key"
    fresh = folder / "fresh"
    fresh.mkdir(parents=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(fresh / "key"), "-out", str(fresh / "crt")],
                   check=True, capture_output=True)
    os.replace(fresh / "key", key)
    os.replace(fresh / "crt", certificate)
    fresh.rmdir()
    return certificate, key


@unittest.skipIf(shutil.which("openssl") is None, "the openssl command is not installed")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-tls-"))
        cls.certificate, cls.key = make_pair(cls.folder)
        cls.server = StrataServer(environment={"STRATA_BUCKETS": "bucket"},
                                  arguments=["--tls-cert", str(cls.certificate), "--tls-key", str(cls.key)])
        cls.server.start()
        cls.server.endpoint = f"https://{cls.server.s3_address}"
        cls.port = int(cls.server.s3_address.rsplit(":", 1)[1])

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        shutil.rmtree(cls.folder)

    def connect(self, trusted, **options):
        context = ssl.create_default_context(cafile=trusted)
        for name, value in options.items():
            setattr(context, name, value)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        try:
            return context.wrap_socket(raw, server_hostname="localhost")
        except Exception:
            raw.close()
            raise

    @staticmethod
    def answer(client, request):
        """Head and body of an error, which may come in several records."""
        client.sendall(request)
        text = b""
        while b"</Error>" not in text:
            piece = client.recv(65536)
            if not piece:
                break
            text += piece
        return text

    def test_boto3_with_a_ca_bundle(self):
        s3 = self.server.boto3(verify=str(self.certificate))
        body = os.urandom(20 * MIB)
        s3.put_object(Bucket="bucket", Key="big", Body=body)
        self.assertEqual(s3.get_object(Bucket="bucket", Key="big")["Body"].read(), body)
        self.assertEqual(s3.get_object(Bucket="bucket", Key="big", Range="bytes=5-9")["Body"].read(), body[5:10])

    def test_curl_and_plain_http_on_the_same_port(self):
        run = subprocess.run(["curl", "-sS", "--cacert", str(self.certificate), "-w", "%{http_code}",
                              f"https://localhost:{self.port}/bucket"], capture_output=True, text=True, timeout=60)
        self.assertTrue(run.stdout.endswith("403"), run.stdout + run.stderr)
        plain = subprocess.run(["curl", "-sS", "-w", "%{http_code}", f"http://localhost:{self.port}/"],
                               capture_output=True, text=True, timeout=60)
        self.assertIn("HTTPS", plain.stdout)
        self.assertTrue(plain.stdout.endswith("400"))

    @unittest.skipIf(shutil.which("aws") is None, "the aws CLI is not installed")
    def test_aws_cli_with_a_ca_bundle(self):
        large = self.folder / "large"
        large.write_bytes(os.urandom(18 * MIB))
        environment = {**self.server.client_environment(), "AWS_CA_BUNDLE": str(self.certificate)}
        for source, target in ((str(large), "s3://bucket/large"), ("s3://bucket/large", str(self.folder / "back"))):
            run = subprocess.run(["aws", "s3", "cp", "--no-progress", source, target], env=environment,
                                 capture_output=True, text=True, timeout=280)
            self.assertEqual(run.returncode, 0, run.stderr[-2000:])
        self.assertEqual(large.read_bytes(), (self.folder / "back").read_bytes())

    def test_old_versions_are_refused_and_both_new_ones_served(self):
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with self.connect(self.certificate, maximum_version=version) as client:
                self.assertEqual(client.version(), name)
        with self.assertRaises((ssl.SSLError, OSError)):
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as raw:
                old.wrap_socket(raw)

    def test_a_new_certificate_is_used_without_dropping_connections(self):
        old = self.folder / "old.crt"
        shutil.copy(self.certificate, old)
        ask = b"GET /bucket HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with self.connect(old) as kept:
            self.assertIn(b" 403 ", self.answer(kept, ask))
            make_pair(self.folder)

            def renewed():
                try:
                    with self.connect(self.certificate):
                        return True
                except ssl.SSLError:
                    return False
            wait_for(renewed, 20, "the new certificate to be used")
            self.assertIn(b" 403 ", self.answer(kept, ask))
        with self.assertRaises(ssl.SSLError):
            self.connect(old)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The program's face: start, refuse, drain, come back, report."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from strata_server import BINARY, SECRET_KEY, StrataServer, wait_for


def fetch(url, **options):
    with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=10) as answer:
        return answer.read().decode()


class Serve(unittest.TestCase):
    def test_prints_what_a_newcomer_needs(self):
        with StrataServer() as server:
            text = wait_for(lambda: server.log() if "compare" in server.log() else None, 10, "the banner")
            self.assertIn(server.endpoint, text)
            self.assertIn("nbd://" + server.nbd_address, text)
            self.assertIn(str(server.data), text)
            self.assertIn("strata compare --quick", text)
            self.assertRegex(text, r"aws .*--endpoint-url|AWS_ENDPOINT_URL")
            self.assertNotIn(SECRET_KEY, text, "a secret that the user chose is not printed")

    def test_a_second_start_on_the_same_data_is_refused(self):
        with StrataServer() as server:
            second = subprocess.run(server.command(), env=server.environment, capture_output=True,
                                    text=True, timeout=30)
            self.assertEqual(second.returncode, 4, second.stderr)
            self.assertIn("in use", second.stderr)

    def test_data_and_volumes_outlive_a_restart(self):
        with StrataServer(environment={"STRATA_BUCKETS": "first,second", "STRATA_VOLUMES": "db:64M"}) as server:
            server.boto3().put_object(Bucket="first", Key="k", Body=b"v")
            self.assertEqual(server.stop(), 0)
            server.start()
            self.assertEqual(server.boto3().get_object(Bucket="first", Key="k")["Body"].read(), b"v")
            self.assertEqual([v["name"] for v in server.status()["volumes"]], ["db"])

    def test_relaxed_durability_is_said_wherever_it_matters(self):
        with StrataServer(environment={"STRATA_BUCKETS": "box", "STRATA_DURABILITY": "relaxed"}) as server:
            server.boto3().put_object(Bucket="box", Key="k", Body=b"v")
            self.assertTrue(server.status()["durability"].startswith("relaxed"))
            for verb in (("status",), ("drive", "list"), ("verify", "box/k"), ("verify", "box/k", "--json")):
                self.assertIn("relaxed", server.run_verb(*verb).stdout, verb)
            self.assertIn("Durability   relaxed", server.log())
            self.assertIn("strata_durability_relaxed 1", fetch(server.admin + "/metrics"))
            server.boto3().put_object(Bucket="box", Key="last", Body=b"w")
            server.kill()  # the kernel has what was written
            server.environment["STRATA_DURABILITY"] = "strict"
            server.start()
            self.assertEqual(server.boto3().get_object(Bucket="box", Key="last")["Body"].read(), b"w")
            self.assertTrue(server.status()["durability"].startswith("strict"))
            self.assertNotIn("relaxed", server.run_verb("drive", "list").stdout)
            self.assertIn("strata_durability_relaxed 0", fetch(server.admin + "/metrics"))

    def test_one_copy_is_not_several(self):
        with StrataServer(environment={"STRATA_REPLICAS": "1"}) as server:
            self.assertIn("\n1 copy of everything\n", server.run_verb("drive", "list").stdout)
            self.assertIn("1 copy of each object", server.log())

    def test_sigterm_lets_an_upload_end(self):
        import socket
        with StrataServer(environment={"STRATA_BUCKETS": "drain"}) as server:
            url = server.boto3().generate_presigned_url("put_object", Params={"Bucket": "drain", "Key": "slow"})
            path = url[len(server.endpoint):]
            host, _, port = server.s3_address.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=20) as client:
                client.sendall(f"PUT {path} HTTP/1.1\r\nHost: {server.s3_address}\r\n"
                               "Content-Length: 10\r\n\r\nhello".encode())
                # The half-sent request is being served once the server counts its connection.
                wait_for(lambda: re.search(r'strata_http_connections\{wire="s3"\} 1\b', fetch(server.admin + "/metrics")),
                         10, "the connection to be counted")
                server.process.send_signal(signal.SIGTERM)
                client.sendall(b"world")
                self.assertIn(b" 200 ", client.recv(4096).split(b"\r\n")[0])
            self.assertEqual(server.process.wait(40), 0)
            server.start()
            self.assertEqual(server.boto3().get_object(Bucket="drain", Key="slow")["Body"].read(), b"helloworld")

    def test_health_and_metrics(self):
        with StrataServer() as server:
            for path in ("/health/live", "/health/ready", "/minio/health/live", "/minio/health/ready",
                         "/minio/health/cluster"):
                fetch(server.admin + path)
            server.boto3().list_buckets()
            metrics = fetch(server.admin + "/metrics")
            self.assertIn("ListBuckets", metrics)
            self.assertIn("# TYPE", metrics)
            with self.assertRaises(urllib.error.HTTPError):
                fetch(server.admin + "/bucket/key")
            with self.assertRaises(urllib.error.HTTPError):
                fetch(server.endpoint + "/metrics")

    def test_logs_are_json_and_hold_no_secret(self):
        with StrataServer(arguments=["--log-format", "json", "--log-level", "info"],
                          environment={"STRATA_BUCKETS": "logs"}) as server:
            s3 = server.boto3()
            answer = s3.put_object(Bucket="logs", Key="k", Body=b"v")
            url = s3.generate_presigned_url("get_object", Params={"Bucket": "logs", "Key": "k"})
            self.assertEqual(fetch(url), "v")
            request_id = answer["ResponseMetadata"]["RequestId"]
            wait_for(lambda: request_id in server.log(), 10, "the request's line")
            lines = [line for line in server.log().splitlines() if line.startswith("{")]
            self.assertTrue(all("event" in json.loads(line) for line in lines))
            self.assertNotIn(SECRET_KEY, server.log())
            self.assertNotIn("X-Amz-Signature", server.log())

    def test_development_credentials_stay_on_loopback(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {k: v for k, v in os.environ.items()
                           if not k.startswith(("STRATA_", "MINIO_", "AWS_"))}
            run = subprocess.run([BINARY, "serve", "--data", folder + "/data", "--s3", "0.0.0.0:0"],
                                 env=environment, capture_output=True, text=True, timeout=30)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn("STRATA_ROOT_USER", run.stderr)

    def test_configuration_file_and_errors(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder, "strata.toml")
            config.write_text("no_such_key = 1\n")
            run = subprocess.run([BINARY, "serve", "--config", str(config), "--data", folder + "/d"],
                                 capture_output=True, text=True, timeout=30)
            self.assertEqual(run.returncode, 2)
            self.assertIn("no_such_key", run.stderr)
        run = subprocess.run([BINARY, "status", "--data", "/nonexistent"], capture_output=True, text=True, timeout=30)
        self.assertEqual(run.returncode, 3)
        self.assertIn("strata serve", run.stderr)
        self.assertEqual(subprocess.run([BINARY, "serv"], capture_output=True, timeout=30).returncode, 2)
        self.assertEqual(subprocess.run([BINARY, "--help"], capture_output=True, timeout=30).returncode, 0)
        self.assertEqual(subprocess.run([BINARY, "version"], capture_output=True, timeout=30).returncode, 0)

    def test_idle_memory_is_small(self):
        with StrataServer() as server:
            pages = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
            self.assertLess(pages * os.sysconf("SC_PAGE_SIZE"), 64 * 1024 * 1024)


if __name__ == "__main__":
    unittest.main(verbosity=2)

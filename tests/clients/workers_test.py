"""Workers, scrub and receipts with the real program: damage on one drive is found, told and mended."""

import json
import os
import unittest
import urllib.request

from strata_server import StrataServer, wait_for


class Workers(unittest.TestCase):
    def test_damage_is_told_by_verify_and_mended_by_scrub(self):
        with StrataServer(environment={"STRATA_BUCKETS": "box"}) as server:
            s3 = server.boto3()
            for i in range(5):
                s3.put_object(Bucket="box", Key=f"large{i}", Body=os.urandom(300_000))
                s3.put_object(Bucket="box", Key=f"small{i}", Body=os.urandom(3_000))
            self.assertIn("10 objects", server.run_verb("verify", "box").stdout)
            file = sorted((server.data / "drive2" / "blobs").glob("*/*"))[0]
            good = file.read_bytes()
            file.write_bytes(good[:50_000] + bytes([good[50_000] ^ 1]) + good[50_001:])
            self.assertEqual(self.bad_objects(server), 1)
            server.run_verb("scrub", "start")
            wait_for(lambda: file.read_bytes() == good, 20, "the file to be mended")
            self.assertEqual(self.bad_objects(server), 0)
            scrub = json.loads(server.run_verb("scrub", "status", "--json").stdout)
            self.assertEqual(scrub["findings"]["bad"], 1)
            metrics = urllib.request.urlopen(server.admin + "/metrics", timeout=10).read().decode()
            self.assertIn('strata_scrub_findings{kind="bad"} 1', metrics)
            receipt = server.run_verb("verify", "box/large0").stdout
            self.assertIn("all copies are good", receipt)
            self.assertIn("drive3", receipt)

    def bad_objects(self, server):
        run = server.run_verb("verify", "box", "--json", check=False)
        receipts = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual(len(receipts), 10)
        bad = sum(not receipt["good"] for receipt in receipts)
        self.assertEqual(run.returncode, 1 if bad else 0, run.stderr)
        return bad

    def test_what_was_asked_of_the_workers_outlives_a_restart(self):
        with StrataServer() as server:
            server.run_verb("worker", "pause", "scrub")
            server.run_verb("worker", "rate", "orphans", "1M")
            self.assertEqual(server.stop(), 0)
            server.start()
            workers = {w["name"]: w for w in json.loads(server.run_verb("worker", "list", "--json").stdout)["workers"]}
            self.assertEqual(workers["scrub"]["state"], "paused")
            self.assertEqual(workers["orphans"]["rate"], 1024 * 1024)
            self.assertEqual(server.run_verb("scrub", "start", check=False).returncode, 1)
            self.assertIn("uploads", server.run_verb("worker", "list").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Drives that go while the real program serves, and drives that never come back: what is left is served,
what is missing is refused in S3's words, and a loss is one only when somebody has said so."""

import json
import shutil
import subprocess
import unittest

from s3_wire import Wire
from strata_server import ACCESS_KEY, BINARY, SECRET_KEY, StrataServer, wait_for

BODIES = {f"k{n}": bytes([n]) * (250_000 if n % 3 == 0 else 3_000) for n in range(48)}


class LostDrives(unittest.TestCase):
    def serve(self, drives, replicas):
        server = StrataServer(environment={"STRATA_BUCKETS": "box"})
        self.addCleanup(server.__exit__)
        self.folders = [server.folder / f"disk{n}" for n in range(drives)]
        server.arguments = [part for folder in self.folders for part in ("--drive", str(folder))]
        server.arguments += ["--replicas", str(replicas)]
        server.start()
        self.server = server
        for key, body in BODIES.items():
            self.assertEqual(self.ask("PUT", key, body).status, 200)

    def ask(self, method, key="", body=b""):
        wire = Wire(self.server.s3_address, ACCESS_KEY, SECRET_KEY)
        try:
            return wire.request(method, f"/box/{key}", body=body)
        finally:
            wire.close()

    def drives(self):
        return json.loads(self.server.run_verb("drive", "list", "--json").stdout)["drives"]

    def states(self):
        return [drive["state"] for drive in self.drives()]

    def refused(self, *arguments):
        run = self.server.run_verb("drive", *arguments, check=False)
        self.assertEqual(run.returncode, 1, run.stdout)
        return run.stderr

    def look(self):
        """How many keys are served whole, absent, and refused."""
        counts = {200: 0, 404: 0, 503: 0}
        for key, body in BODIES.items():
            answer = self.ask("GET", key)
            counts[answer.status] += 1
            if answer.status == 200:
                self.assertEqual(answer.body, body, key)
            if answer.status == 503:
                self.assertIn("<Code>ServiceUnavailable</Code><Message>Too few of the drives", answer.text())
        return counts[200], counts[404], counts[503]

    def listed(self):
        answer = self.ask("GET")
        return answer.text().count("<Key>") if answer.status == 200 else answer.status

    def folder_without_the_bucket(self):
        for folder in self.folders:
            rows = subprocess.run([BINARY, "inspect", str(folder), "--table", "rows", "--limit", "1000", "--json"],
                                  capture_output=True, text=True, timeout=60, check=True).stdout
            if not any(row["what"] == "bucket" for row in json.loads(rows)["details"]):
                yield folder

    def test_with_one_copy_the_other_drives_go_on_and_one_that_was_pulled_comes_back(self):
        self.serve(4, 1)
        candidates = list(self.folder_without_the_bucket())
        self.assertGreaterEqual(len(candidates), 2)
        gone = candidates[0]
        away = self.server.folder / "away"
        # Pulled while it serves: the next large object that belongs there finds out.
        gone.rename(away)
        def is_out():
            for key, body in BODIES.items():
                if len(body) > 200_000:
                    self.ask("PUT", key, body)
            return any("out of service" in state for state in self.states())
        wait_for(is_out, 30, "the drive to go out")
        whole, absent, refused = self.look()
        self.assertEqual(absent, 0)
        self.assertGreater(refused, 0)
        self.assertGreater(whole, len(BODIES) // 3)
        self.assertEqual(self.listed(), 503)
        # It comes back, without a restart and without a word.
        away.rename(gone)
        wait_for(lambda: self.states() == ["in service"] * 4, 60, "the drive to be found again")
        self.assertEqual(self.look(), (len(BODIES), 0, 0))
        self.assertEqual(self.listed(), len(BODIES))
        self.assertIn("is in service", self.refused("accept-loss", str(gone)))

    def test_with_three_copies_one_drive_of_three_is_enough_when_the_others_are_given_up(self):
        self.serve(3, 3)
        ids = [drive["id"] for drive in self.drives()]
        self.server.stop()
        for n in (0, 2):
            shutil.rmtree(self.folders[n])
        self.server.begin()
        self.assertEqual(self.server.process.wait(30), 1)
        told = self.server.log()
        for word in (ids[0], ids[2], "--accept-loss", "only 1 of 3 drives"):
            self.assertIn(word, told)
        arguments = list(self.server.arguments)
        self.server.arguments += ["--accept-loss", ids[0], "--accept-loss", ids[2]]
        self.server.start()
        self.assertEqual(self.look(), (len(BODIES), 0, 0))
        self.assertEqual(self.ask("PUT", "new", b"x").status, 503)
        for n in (0, 2):
            self.server.run_verb("drive", "replace", self.drives()[n]["id"], str(self.folders[n]))
            wait_for(lambda: self.states()[n] == "in service", 30, "the new drive to serve")
        self.assertEqual(self.states(), ["in service"] * 3)
        self.assertEqual(self.ask("PUT", "new", b"x").status, 200)
        self.assertEqual(self.server.stop(), 0)
        self.server.arguments = arguments
        shutil.rmtree(self.folders[1])
        self.server.start()
        self.assertEqual(self.look(), (len(BODIES), 0, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)

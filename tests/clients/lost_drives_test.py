"""Drives that go while the real program serves, and drives that never come back: what is left is served,
what is missing is refused in S3's words, and a loss is one only when somebody has said so."""

import json
import re
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
            if "bucket" not in self.kinds_of_rows(folder, "box"):
                yield folder

    def kinds_of_rows(self, folder, key=""):
        rows = subprocess.run([BINARY, "inspect", str(folder), "--table", "rows", "--key", key, "--limit", "1000", "--json"],
                              capture_output=True, text=True, timeout=60, check=True).stdout
        return {row["what"] for row in json.loads(rows)["details"]}

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

    def test_with_one_copy_any_drive_but_the_one_with_the_accounts_may_be_missing_at_a_start(self):
        self.serve(3, 1)
        team = json.loads(self.server.run_verb("account", "create", "team", "--json").stdout)
        ids = [drive["id"] for drive in self.drives()]
        away = self.server.folder / "away"
        refused = []
        for n, folder in enumerate(self.folders):
            self.server.stop()
            has_bucket = "bucket" in self.kinds_of_rows(folder, "box")
            has_accounts = "account record" in self.kinds_of_rows(folder)
            folder.rename(away)
            try:
                self.server.start()
                self.look_without_a_drive(has_bucket, team)
                self.assertFalse(has_accounts)
                self.assertEqual(self.server.stop(), 0)
            except RuntimeError as ended:
                self.assertIn("the accounts, users and policies are on a drive that is not there: bring it back, or, if "
                              "it is gone for good and they with it, start with `--accept-loss ID`: too few drives are in "
                              f"service for this; drive {folder}: the folder is empty", str(ended))
                self.assertIn(ids[n], str(ended))
                self.assertTrue(has_accounts)
                refused.append(n)
            shutil.rmtree(folder)  # the empty one that a start makes
            away.rename(folder)
            self.server.start()
            self.assertEqual(self.look(), (len(BODIES), 0, 0))
            self.assertEqual(self.code_for(team), "AccessDenied")
        self.assertEqual(len(refused), 1, "they lie together, on one drive")
        self.server.stop()
        shutil.rmtree(self.folders[refused[0]])
        self.server.arguments += ["--accept-loss", ids[refused[0]]]
        self.server.start()
        self.assertEqual(self.code_for(team), "InvalidAccessKeyId")

    def look_without_a_drive(self, has_bucket, team):
        """One of three drives is not there: what is on it is refused, never absent, and everybody can sign."""
        whole, absent, refused = self.look()
        self.assertEqual(absent, 0)
        self.assertGreater(refused, 0)
        # Without the drive that has the bucket's own record nothing of the bucket is served.
        self.assertEqual(whole == 0, has_bucket)
        self.assertEqual(self.listed(), 503)
        self.assertEqual(self.code_for(team), "ServiceUnavailable" if has_bucket else "AccessDenied")

    def code_for(self, team):
        """Whom the server takes the account's key for: it may sign, and may not read the bucket."""
        wire = Wire(self.server.s3_address, team["access_key"], team["secret"])
        try:
            return re.search("<Code>(.*?)</Code>", wire.request("GET", "/box/k1").text()).group(1)
        finally:
            wire.close()

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

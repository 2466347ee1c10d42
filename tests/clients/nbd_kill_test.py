"""fio writes over NBD, keeps account of what was answered, and kills the server with -9 in the middle;
after a restart every answered write is there, by fio's own account."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from strata_server import StrataServer

MIB = 1024 * 1024


def why_not():
    if shutil.which("fio") is None:
        return "fio not installed"
    engines = subprocess.run(["fio", "--enghelp"], capture_output=True, text=True, timeout=60).stdout
    return "" if "nbd" in engines.split() else "this fio has no nbd engine"


class NbdKill(unittest.TestCase):
    def setUp(self):
        reason = why_not()
        if reason:
            self.skipTest(reason)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-nbd-kill-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.server = StrataServer(folder=self.folder / "server", environment={"STRATA_VOLUMES": "db:64M"})
        self.server.start()
        self.addCleanup(self.server.stop)

    def fio(self, *more):
        """fio's job, the same writes in the same order at every run."""
        return subprocess.run(
            ["fio", "--name=job", "--ioengine=nbd", f"--uri={self.server.nbd_uri('db')}", "--rw=randwrite",
             "--bsrange=4k-32k", "--iodepth=16", "--size=64m", "--randrepeat=1", "--randseed=11",
             "--verify=crc32c", "--verify_fatal=1", "--output-format=json", *more],
            cwd=self.folder, capture_output=True, text=True, timeout=200)

    def verify(self):
        return self.fio("--verify_only=1", "--verify_state_load=1")

    def test_what_was_answered_before_kill_9_is_there(self):
        # The trigger saves the account and then kills. The rate keeps the writes from being done before.
        self.fio("--do_verify=0", "--verify_state_save=1", "--rate_iops=1500", "--trigger-timeout=2",
                 f"--trigger=kill -9 {self.server.process.pid}")
        self.assertEqual(self.server.process.wait(60), -9)
        self.assertTrue(list(self.folder.glob("*.state")), "fio saved no account")
        self.server.start()
        run = self.verify()
        self.assertEqual(run.returncode, 0, run.stdout[-2000:] + run.stderr[-2000:])
        read = json.loads(run.stdout[run.stdout.index("{"):])["jobs"][0]["read"]["total_ios"]
        self.assertGreater(read, 200, "hardly anything was written, so hardly anything is proved")
        # The account finds what is missing: without a third of the image it must fail.
        self.server.stop()
        image = self.server.data / "volumes/db/image"
        os.truncate(image, 40 * MIB)
        os.truncate(image, 64 * MIB)
        self.server.start()
        self.assertNotEqual(self.verify().returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

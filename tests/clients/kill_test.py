"""kill -9 under load, against a ledger of what was acknowledged: nothing acknowledged is lost, nothing
is torn, nothing deleted returns. The short form; the long one is kill_load.py (./dev test --kill).

STRATA_KILL_SEED repeats a run, as far as threads allow."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import kill_load
from kill_ledger import Ledger
from strata_server import StrataServer, wait_for

SEED = int(os.environ.get("STRATA_KILL_SEED", str(random.SystemRandom().randrange(2**32))))
KILLS = 9  # and six more at the end, when each drive in turn is taken away


class WhatALedgerAllows(unittest.TestCase):
    def digests(self, ledger, since=None):
        return [write.digest for write in ledger.possible("k", since)]

    def test_an_acknowledged_write_replaces_what_was_there_before_it_was_asked_for(self):
        ledger = Ledger()
        first = ledger.ask("k", "1")
        self.assertEqual(self.digests(ledger), [None, "1"])
        ledger.acknowledge("k", first)
        self.assertEqual(self.digests(ledger), ["1"])
        ledger.ask("k", None)  # never acknowledged
        self.assertEqual(self.digests(ledger), ["1", None])

    def test_of_two_writes_at_once_either_may_be_the_last(self):
        ledger = Ledger()
        first, second = ledger.ask("k", "1"), ledger.ask("k", "2")
        ledger.acknowledge("k", second)
        ledger.acknowledge("k", first)
        self.assertEqual(self.digests(ledger), ["1", "2"])

    def test_a_read_may_find_what_was_there_when_it_began(self):
        ledger = Ledger()
        since = ledger.now()
        ledger.acknowledge("k", ledger.ask("k", "1"))
        self.assertEqual(self.digests(ledger, since), [None, "1"])
        self.assertEqual(self.digests(ledger, ledger.now()), ["1"])

    def test_a_write_in_doubt_is_settled_by_what_is_found(self):
        ledger = Ledger()
        ledger.ask("k", "1")
        ledger.settle("k", None, 0)
        self.assertEqual(self.digests(ledger), [None])


class KillObjects(unittest.TestCase):
    def test_acknowledged_objects_survive(self):
        print(f"STRATA_KILL_SEED={SEED}", file=sys.stderr)
        totals = kill_load.run(KILLS, SEED, load_s=(0.05, 0.35))
        print(kill_load.summary(totals), file=sys.stderr)
        self.assertGreaterEqual(totals["kills"], KILLS)
        self.assertGreater(totals["operations"], 100)

    def test_relaxed_durability_loses_nothing_by_a_program_that_dies(self):
        totals = kill_load.run(2, SEED, load_s=(0.05, 0.35), durability="relaxed")
        self.assertGreater(totals["operations"], 20)

    def test_a_run_does_as_many_kills_as_were_wanted_or_fails(self):
        self.assertRaises(kill_load.TooSlow, kill_load.run, 5, SEED, load_s=(0.05, 0.1), seconds_max=1e-9)
        self.assertGreaterEqual(kill_load.LONG_FORM_KILLS, 1000)

    def test_a_store_that_loses_something_is_found_out(self):
        with StrataServer(environment={"STRATA_BUCKETS": kill_load.BUCKET}) as server:
            state = kill_load.State(server)
            state.write_seeds()
            server.kill()
            shutil.copytree(server.data, server.folder / "old", ignore=shutil.ignore_patterns("*.sock"))
            server.start()
            wire = state.wire()
            write = state.ledger.ask("new", kill_load.md5(b"new"), 3, "the test")
            self.assertEqual(wire.request("PUT", f"/{kill_load.BUCKET}/new", body=b"new").status, 200)
            state.ledger.acknowledge("new", write)
            wire.close()
            state.check_all(settle=False)
            server.kill()
            shutil.rmtree(server.data)
            (server.folder / "old").rename(server.data)
            server.start()
            self.assertRaises(kill_load.Lost, state.check_all)


def writes_served(server):
    metrics = urllib.request.urlopen(server.admin + "/metrics", timeout=10).read().decode()
    found = re.search(r'^strata_nbd_requests_total\{[^}]*op="write"[^}]*\} (\S+)', metrics, re.M)
    return float(found.group(1)) if found else 0


class KillVolume(unittest.TestCase):
    @unittest.skipIf(shutil.which("fio") is None, "fio is not installed")
    def test_flushed_blocks_survive(self):
        if "nbd" not in subprocess.run(["fio", "--enghelp"], capture_output=True, text=True).stdout.split():
            self.skipTest("this fio has no nbd engine")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-kill-"))
        self.addCleanup(shutil.rmtree, folder)
        chance = random.Random(SEED)
        with StrataServer(environment={"STRATA_VOLUMES": "v:64M"}) as server:
            for round_number in range(3):
                # Written and flushed first; then the server dies under writes elsewhere in the volume.
                common = ["--name=j", "--ioengine=nbd", f"--uri={server.nbd_uri('v')}", "--bs=4k", "--iodepth=16",
                          "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", f"--randseed={SEED + round_number}"]
                half = ["--offset=0", "--size=32m"]
                write = subprocess.run(["fio", *common, *half, "--rw=randwrite", "--do_verify=0", "--end_fsync=1"],
                                       capture_output=True, text=True, timeout=100, cwd=folder)
                self.assertEqual(write.returncode, 0, write.stdout + write.stderr)
                other = subprocess.Popen(["fio", *common, "--offset=32m", "--size=32m", "--rw=randwrite",
                                          "--do_verify=0", "--time_based", "--runtime=30"], cwd=folder,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                written = lambda: writes_served(server)
                goal = written() + chance.randrange(500, 5000)
                wait_for(lambda: written() >= goal, 30, "writes")
                server.kill()
                other.kill()
                other.wait(30)
                server.start()
                common[2] = f"--uri={server.nbd_uri('v')}"
                check = subprocess.run(["fio", *common, *half, "--rw=randwrite", "--verify_only"],
                                       capture_output=True, text=True, timeout=100, cwd=folder)
                self.assertEqual(check.returncode, 0, check.stdout + check.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

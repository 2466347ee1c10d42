"""strata compare with the real program: numbers that stand in the raw data, a page that can be read, nothing
left behind, also after Ctrl-C."""

import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import unittest

from strata_server import ACCESS_KEY, BINARY, SECRET_KEY, StrataServer, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN_SECONDS = 280

def left_over(folder):
    """Mounts, loop devices and processes that belong to a folder."""
    mounts = pathlib.Path("/proc/self/mounts").read_text()
    loops = subprocess.run(["losetup", "--list", "--noheadings", "-O", "NAME,BACK-FILE"], capture_output=True,
                           text=True, timeout=20).stdout if shutil.which("losetup") else ""
    out = [line for line in (mounts + loops).splitlines() if f"{folder}/" in line]
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"{folder}/scratch" in entry.read_text(errors="replace"):
                out.append(str(entry))
        except OSError:
            continue
    return out


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        built = subprocess.run([ROOT / "tools/build_fio.sh"], capture_output=True, text=True, timeout=280)
        if built.returncode != 0:
            raise unittest.SkipTest("fio with the http engine could not be built: " + built.stderr[-300:])

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-compare-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def command(self, *arguments):
        return [BINARY, "compare", "--quick", "--seconds", "0.3", "--out", str(self.folder), *arguments]

    def run_it(self, *arguments, status=0):
        run = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=RUN_SECONDS)
        self.assertEqual(run.returncode, status, run.stderr[-3000:])
        return run

    def assert_clean(self):
        # A process that was told to end may still be ending.
        wait_for(lambda: not left_over(self.folder), 30, "everything of the run to be gone")
        self.assertEqual(list(self.folder.glob("scratch-*")), [])

    def report(self):
        return json.loads((self.folder / "report.json").read_text())

    def test_every_number_comes_from_the_load_tools_own_output(self):
        self.run_it("--rows", "uploads,website,sharing", "--runs", "2")
        self.assert_clean()
        website = self.report()["rows"][1]
        self.assertIn("endpoint-object", json.dumps(website["contests"]), "the bucket was not opened to everybody")
        self.assertEqual(website["facts"], [])
        checked = 0
        for row in self.report()["rows"]:
            for contest in row["contests"]:
                for point in contest["points"]:
                    self.assertIsNone(point["failed"])
                    rates = []
                    for run in point["runs"]:
                        raw = self.folder / run["raw"].replace(".run.json", ".fio.json")
                        text = raw.read_text()
                        job = json.loads(text[text.index("{"):])["jobs"][0]
                        rates.append(job["read"]["iops"] + job["write"]["iops"])
                        self.assertEqual(run["operations"], job["read"]["total_ios"] + job["write"]["total_ios"])
                    self.assertAlmostEqual(point["operations_per_second"]["median"], statistics.median(rates))
                    self.assertEqual(point["operations_per_second"]["max"], max(rates))
                    checked += 1
        self.assertGreaterEqual(checked, 12)
        sharing = self.report()["rows"][-1]
        self.assertEqual(sharing["facts"][0]["excludes"], "volume", "a second writer was let in")
        # Made anew from the raw data it says the same.
        before = self.report()
        (self.folder / "report.json").unlink()
        self.run_it("--render", str(self.folder))
        self.assertEqual({**self.report(), "rendered": 0}, {**before, "rendered": 0})
        told = self.run_it("--against", str(self.folder)).stdout
        self.assertIn("| uploads | upload-object-8 | p99 |", told)
        self.assertNotIn("differs", told)

    def test_an_interrupted_run_leaves_nothing_and_goes_on(self):
        arguments = ("--rows", "database,filesystem", "--runs", "1")
        with open(self.folder / "log", "w") as log:
            running = subprocess.Popen(self.command(*arguments), stdout=log, stderr=log)
        try:
            wait_for(lambda: list(self.folder.glob("raw/filesystem/*.run.json"))
                     or running.poll() is not None, RUN_SECONDS, "the first measurement of the last row")
            running.send_signal(signal.SIGINT)
            self.assertIn(running.wait(120), (130, 0), (self.folder / "log").read_text()[-2000:])
        finally:
            running.kill()
        self.assert_clean()
        kept = {path: path.stat().st_mtime_ns for path in self.folder.glob("raw/database/*.run.json")}
        self.assertTrue(kept)
        if json.loads((self.folder / "settings.json").read_text())["finished"]:
            self.skipTest("the run ended before it could be interrupted")
        told = self.run_it(*arguments).stderr
        self.assertIn("going on with a run that was interrupted", told)
        self.assertEqual({path: path.stat().st_mtime_ns for path in kept}, kept)
        self.assertEqual([row["name"] for row in self.report()["rows"]], ["database", "filesystem"])
        self.assertNotEqual(self.report()["rows"][0]["verdict"]["winner"], "object")
        self.assert_clean()

    def test_a_slow_half_loses_what_a_fast_one_wins(self):
        # It answers in 5 ms in the middle and in 20 ms at p99, where 10 ms are needed.
        self.run_it("--rows", "random-io", "--runs", "1", "--profile", "st1")
        slow = self.report()["rows"][0]
        volume = next(point for contest in slow["contests"] for point in contest["points"]
                      if point["id"] == "read-volume-32")
        self.assertGreater(volume["latency_us"]["99"]["median"], 10_000)
        self.assertNotEqual(slow["verdict"]["winner"], "volume")
        # 30 ms in the middle and 200 ms at p99, where 100 ms are needed.
        self.run_it("--rows", "website", "--runs", "1", "--s3-profile", "s3-standard")
        self.assertNotEqual(self.report()["rows"][0]["verdict"]["winner"], "object")

    def test_things_that_are_not_ours_are_compared_and_left_as_they_were(self):
        with StrataServer(folder=self.folder / "other", environment={"STRATA_BUCKETS": "other"}) as server:
            s3 = server.boto3()
            s3.put_object(Bucket="other", Key="mine", Body=b"kept")
            environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
            device = self.loop_device()
            blocks = ("--block-device", device, "--erase") if device else ()
            run = subprocess.run(self.command("--rows", "uploads,sharing", "--runs", "1", "--s3-endpoint",
                                              server.endpoint, "--bucket", "other", *blocks),
                                 capture_output=True, text=True, timeout=RUN_SECONDS, env=environment)
            self.assertEqual(run.returncode, 0, run.stderr[-3000:])
            self.assertEqual([one["Key"] for one in s3.list_objects_v2(Bucket="other")["Contents"]], ["mine"])
        report = self.report()
        self.assertEqual(report["stage"]["object_half"], server.endpoint)
        for row in report["rows"]:
            for contest in row["contests"]:
                for point in contest["points"]:
                    self.assertIsNone(point["failed"])
                    if point["side"] == "object" or device:
                        self.assertIsNone(point["server_cpu_us"], "somebody else's processor time is known")
        for path in self.folder.glob("raw/**/*"):
            if path.is_file():
                self.assertNotIn(SECRET_KEY, path.read_text(errors="replace"), path)

    def loop_device(self):
        """A block device to overwrite; None where there is none to be had."""
        if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
            return None
        image = self.folder / "device.img"
        with open(image, "wb") as file:
            file.truncate(600 << 20)
        made = subprocess.run(["losetup", "-f", "--show", str(image)], capture_output=True, text=True, timeout=20)
        if made.returncode != 0:
            return None
        self.addCleanup(subprocess.run, ["losetup", "-d", made.stdout.strip()], timeout=20)
        return made.stdout.strip()

    def test_what_is_asked_wrongly_is_refused_before_anything_starts(self):
        for wrong in (("--rows", "tape"), ("--runs", "99"), ("--block-device", "/dev/null"),
                      ("--block-device", "/dev/null", "--erase", "--profile", "gp2")):
            self.run_it(*wrong, status=2)
        os.environ.pop("AWS_ACCESS_KEY_ID", None)
        self.run_it("--rows", "uploads", "--s3-endpoint", "http://127.0.0.1:1", status=1)
        self.run_it("--rows", "uploads", "--block-device", "/dev/null", "--erase", "--fresh", status=1)
        self.assert_clean()

    def test_without_its_package_the_verb_says_what_is_missing(self):
        lonely = self.folder / "a" / "b" / "strata"
        lonely.parent.mkdir(parents=True)
        shutil.copy(BINARY, lonely)
        run = subprocess.run([lonely, "compare", "--help"], capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertIn("STRATA_COMPARE_DIR", run.stderr)
        run = subprocess.run([lonely, "compare", "--help"], capture_output=True, text=True, timeout=60,
                             env={**os.environ, "STRATA_COMPARE_DIR": str(ROOT)})
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("--against", run.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)

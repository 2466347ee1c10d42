#!/usr/bin/env python3
"""The object bench: what it reads from its tools, what it makes of the numbers, what it leaves behind."""

import datetime
import hashlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench.common import command, processes, report, setting, stats  # noqa: E402
from bench.common.processes import BenchError  # noqa: E402
from bench.common.row import Row  # noqa: E402
from bench.common.stats import Sample  # noqa: E402
from bench.object import baselines, rows_memory, rows_stored, wrk  # noqa: E402
from bench.object.__main__ import BENCH  # noqa: E402
from bench.object.presign import Presigner  # noqa: E402
from bench.object.rows import KEY_BYTES, SMALL_BYTES, SmallBodies, key_of  # noqa: E402


class Numbers(unittest.TestCase):
    def test_a_ratio_is_the_median_of_neighbouring_runs(self):
        # The second pair was disturbed on both sides alike; a ratio of medians would see 1.5.
        ours = [Sample(200), Sample(20), Sample(300)]
        against = [Sample(100), Sample(10), Sample(200)]
        self.assertEqual(stats.ratio_of_pairs(ours, against), 2.0)

    def test_a_ratio_needs_pairs_and_something_to_divide_by(self):
        for ours, against in (([], []), ([Sample(1)], []), ([Sample(1)], [Sample(0)])):
            with self.assertRaises(ValueError):
                stats.ratio_of_pairs(ours, against)

    def test_a_median_leaves_out_what_was_not_measured(self):
        samples = [Sample(1, server_cpu_us=5.0), Sample(2), Sample(3, server_cpu_us=7.0)]
        self.assertEqual(stats.median_of(samples, "server_cpu_us"), 6.0)
        self.assertIsNone(stats.median_of(samples, "latency_us_p50"))

    def test_one_disturbed_run_marks_the_row(self):
        row = Row("r", "t", "a", "ops/s", 1.0, ours=[Sample(1), Sample(1, others_share=0.4)],
                  other=[Sample(1, steal_share=0.2)])
        self.assertEqual(row.busy_share(), 0.4)
        self.assertFalse(report.trusted(row))


class ToolOutput(unittest.TestCase):
    def test_fio(self):
        text = "fio: a warning first\n" + json.dumps({"jobs": [{"error": 0, "write": {
            "iops": 4000.5, "bw_bytes": 16386048,
            "clat_ns": {"percentile": {"50.000000": 200000, "99.000000": 900000}}}}]})
        self.assertEqual(baselines.parse_fio(text), (4000.5, 16386048, 200.0, 900.0))
        with self.assertRaises(BenchError):
            baselines.parse_fio(text.replace('"error": 0', '"error": 5'))
        with self.assertRaises(BenchError):
            baselines.parse_fio("fio: no such engine")

    def test_openssl_gives_the_sum_of_its_processes_last(self):
        text = ("Got: +F:3:md5:137560064.00 from 0\nGot: +F:3:md5:137756672.00 from 1\n"
                "+F:3:md5:275316736.00\n")
        self.assertEqual(baselines.parse_md5(text), 275316736.0)
        with self.assertRaises(BenchError):
            baselines.parse_md5("speed: unknown algorithm")

    def test_wrk_with_any_error_is_worthless(self):
        good = {"requests": 10, "microseconds": 1000, "bytes": 5, "p50": 1, "p99": 2, "connect": 0,
                "read": 0, "write": 0, "status": 0, "timeout": 0, "cpu_us": 3}
        self.assertEqual(wrk.parse_output("Running 1s test\n" + json.dumps(good))["requests"], 10)
        for bad in ({"status": 1}, {"read": 1}, {"timeout": 1}, {"requests": 0}):
            with self.assertRaises(BenchError):
                wrk.parse_output(json.dumps({**good, **bad}))
        with self.assertRaises(BenchError):
            wrk.parse_output("unable to connect")

    def test_processor_time_of_a_process_with_a_hostile_name(self):
        text = "42 (a) b ( c) S 1 2 3 4 5 6 7 8 9 10 30 12 13 14 15"
        self.assertEqual(processes.parse_stat_cpu(text), 30 + 12)

    def test_processor_time_and_storage_of_the_machine(self):
        self.assertEqual(processes.parse_machine_cpu("cpu  1 2 4 1000 2000 8 16 5 1 0"), (7, 5))
        self.assertEqual(processes.parse_io("rchar: 9\nread_bytes: 4096\nwrite_bytes: 8\n"), (4096, 8))

    def test_a_page_of_a_listing(self):
        page = (b"<R><Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents>"
                b"<NextContinuationToken>t=</NextContinuationToken></R>")
        self.assertEqual(rows_stored.parse_page(page), (["a", "b"], "t="))
        self.assertEqual(rows_stored.parse_page(b"<R></R>"), ([], None))

    def test_the_ends_of_a_walk_are_compared(self):
        self.assertEqual(rows_stored.ends_ratio([0, 1, 2, 10, 12, 14], 2), 2.0)
        with self.assertRaises(BenchError):
            rows_stored.ends_ratio([0, 0, 0, 1, 2], 2)


class Requests(unittest.TestCase):
    def test_a_presigned_url_is_as_in_the_documentation_of_s3(self):
        now = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
        signer = Presigner("examplebucket.s3.amazonaws.com", "AKIAIOSFODNN7EXAMPLE",
                           "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", now=now)
        self.assertEqual(signer.signature("GET", "/test.txt"),
                         "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")

    def test_keys_and_bodies_have_their_length_and_differ(self):
        keys = {key_of(n, "p-") for n in range(1000)}
        self.assertEqual(len(keys), 1000)
        self.assertEqual({len(key) for key in keys}, {KEY_BYTES})
        bodies = SmallBodies()
        self.assertEqual({len(bodies.of(key)) for key in keys}, {SMALL_BYTES})
        self.assertEqual(len({bodies.of(key) for key in keys}), 1000)

    def test_the_etag_of_an_upload_in_pieces(self):
        self.assertEqual(rows_memory.etag_of(b"ab", 3), hashlib.md5(b"ababab").hexdigest())


def some_rows():
    reached = Row("fast", "a fast job", "fio", "ops/s", 2.0, ours=[Sample(500, server_cpu_us=12.5)],
                  other=[Sample(200)]).finish_ratio()
    limit = Row("big", "memory", "a limit", "MiB", 256, at_least=False, reached_unit="MiB",
                ours=[Sample(300)], reached=300)
    busy = Row("noisy", "a job", "nginx", "B/s", 0.5, ours=[Sample(2e6, others_share=0.3)],
               other=[Sample(4e6)]).finish_ratio()
    return [reached, limit, busy]


class Reports(unittest.TestCase):
    machine = {"memory_bytes": 2**34, "cores": 2, "virtual": True, "processor": "P", "kernel": "6.1",
               "disk": "vda", "filesystem": "ext4"}
    options = {"runs": 5, "seconds": 5, "out": "build/bench-object"}

    def test_the_table_says_what_was_reached_and_what_is_not_to_be_trusted(self):
        lines = report.table(some_rows()).splitlines()
        self.assertRegex(lines[1], r"2\.50 x +>= 2 x +reached +12\.5")
        self.assertRegex(lines[2], r"300\.00 MiB +<= 256 MiB +missed")
        self.assertRegex(lines[3], r"2 MB/s +4 MB/s +0\.50 x +>= 0\.5 x +reached \(machine busy\)")

    def test_json_and_markdown_hold_every_row(self):
        document = json.loads(report.to_json(BENCH.words, some_rows(), self.machine, self.options))
        self.assertEqual(document["schema"], BENCH.words.schema)
        self.assertEqual([row["ok"] for row in document["rows"]], [True, False, True])
        self.assertEqual(document["rows"][0]["ours"][0]["server_cpu_us"], 12.5)
        text = report.markdown(BENCH.words, some_rows(), self.machine, self.options)
        for row in some_rows():
            self.assertIn(f"- **{row.name}**", text)
        self.assertIn("Others used 30% of the cores", text)


class Bounds(unittest.TestCase):
    def make(self, folder, disk):
        return setting.Setting(binary="", out=pathlib.Path(folder), folder=pathlib.Path(folder),
                               seconds=1, runs=1, quick=False, disk_bytes_max=disk,
                               wait_quiet_seconds=0, patience=1, profile=False,
                               say=lambda text: None)

    def test_a_row_that_would_fill_the_disk_is_refused_before_it_begins(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(BenchError, "--disk-max"):
                self.make(folder, 10).need(11)
            with self.assertRaisesRegex(BenchError, "GiB free"):
                self.make(folder, 2**62).need(2**61)

    def test_a_disturbed_round_is_done_again_on_all_sides_while_patience_lasts(self):
        setting_ = self.make("/", 1)
        setting_.runs = 3
        shares = iter([0.5, 0.0, 0.5, 0.0])  # one is done again, one is kept as the patience is over
        ours, other = setting_.interleaved(
            "a job", lambda n: Sample(n, others_share=next(shares)), lambda n: Sample(10 * n))
        self.assertEqual([s.value for s in ours], [2, 3, 4])
        self.assertEqual([s.value for s in other], [20, 30, 40])

    def test_bad_options_are_refused(self):
        for arguments in (["--rows", "nothing"], ["--rows", ","], ["--runs", "0"],
                          ["--seconds", "61"], ["--disk-max", "0"], ["--wait-quiet", "-1"]):
            with self.subTest(arguments), open(os.devnull, "w", encoding="ascii") as sink:
                stderr, sys.stderr = sys.stderr, sink
                try:
                    with self.assertRaises(SystemExit):
                        command.parse(BENCH, arguments)
                finally:
                    sys.stderr = stderr
        self.assertEqual(command.parse(BENCH, ["--quick", "--runs", "1"]).runs, 1)

    def test_what_a_killed_bench_left_is_removed_and_what_a_living_one_uses_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            ended = subprocess.Popen(["true"])
            ended.wait()
            (out / f"{setting.PREFIX}{ended.pid}" / "data").mkdir(parents=True)
            living = out / f"{setting.PREFIX}{os.getppid()}"
            living.mkdir()
            mine = setting.make_scratch(out)
            self.assertEqual(sorted(out.iterdir()), sorted([living, mine]))


def ended(pid):
    """Whether the process is gone, or becomes so within some seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


class Children(unittest.TestCase):
    def test_what_the_bench_starts_works_for_it_and_what_others_start_does_not(self):
        unmarked = {name: value for name, value in os.environ.items() if name != processes.RUN_MARK}
        command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
        with (subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ours,
              subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=unmarked) as theirs):
            for one in (ours, theirs):
                one.stdout.readline()  # it has begun, so its environment is its own
            company = processes.ticks_of_company()
            self.assertIn(ours.pid, company)
            self.assertNotIn(theirs.pid, company)
            self.assertNotIn(os.getpid(), company)
            for one in (ours, theirs):
                one.stdin.close()

    def test_the_kernels_threads_work_for_the_bench_and_have_no_environment(self):
        with tempfile.TemporaryDirectory() as folder:
            proc = pathlib.Path(folder)
            mark = f"{processes.RUN_MARK}={os.getpid()}".encode()
            # 7 is a thread of the kernel, 8 a database of ours, 9 its backend, 10 a stranger.
            for pid, parent, environment in ((7, 2, None), (8, 1, b"A=1\0" + mark + b"\0"), (9, 8, b"postgres: idle"),
                                             (10, 1, b"A=1\0")):
                (proc / str(pid)).mkdir()
                (proc / str(pid) / "stat").write_text(
                    f"{pid} (a) (b) S {parent} " + "0 " * 9 + "4 3 2 1 20 0 1 0 0\n")
                if environment is not None:
                    (proc / str(pid) / "environ").write_bytes(environment)
            self.assertEqual(processes.ticks_of_company(proc), {7: 10, 8: 10, 9: 10})

    def test_a_tool_that_fails_is_an_error_with_its_words(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(BenchError, "status 3: no such thing"):
                processes.run_tool(["sh", "-c", "echo no such thing; exit 3"], folder + "/log", 20)
            with self.assertRaisesRegex(BenchError, "did not end within"):
                processes.run_tool(["tail", "-f", "/dev/null"], folder + "/log", 0.1)

    def test_an_interrupt_ends_the_server_and_removes_everything(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            fake = folder / "strata"  # starts, and never answers
            pid_pipe = folder / "pid"
            os.mkfifo(pid_pipe)
            fake.write_text(f"#!/bin/sh\necho $$ > {pid_pipe}\nexec tail -f /dev/null\n")
            fake.chmod(0o755)
            bench = subprocess.Popen(
                [sys.executable, "-m", "bench.object", "--rows", "memory-idle", "--quick",
                 "--strata", str(fake), "--out", str(folder / "out")],
                cwd=ROOT, stderr=subprocess.PIPE, text=True)
            server = int(pid_pipe.read_text())  # waits for the server to have started
            bench.send_signal(signal.SIGINT)
            _, errors = bench.communicate(timeout=60)
            self.assertEqual(bench.returncode, 130, errors)
            self.assertTrue(ended(server))
            self.assertEqual(list((folder / "out").iterdir()), [])


if __name__ == "__main__":
    unittest.main()

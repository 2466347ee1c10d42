#!/usr/bin/env python3
"""The block bench: what it reads from fio, and what its rows say of the runs."""

import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench.block import fio, rows, rows_wires, servers  # noqa: E402
from bench.common.processes import BenchError  # noqa: E402
from bench.common.stats import Sample  # noqa: E402


def output(**more):
    side = {"iops": 1000.0, "total_ios": 5000,
            "clat_ns": {"percentile": {"50.000000": 200000, "99.000000": 900000}}}
    return "a warning\n" + json.dumps({"jobs": [{"error": 0, "read": {**side, **more},
                                                 "write": {**side, "iops": 7.0}}]})


class Fio(unittest.TestCase):
    def test_the_side_that_was_asked_for_is_read(self):
        self.assertEqual(fio.parse(output(), write=False), (1000.0, 5000, 200.0, 900.0))
        self.assertEqual(fio.parse(output(), write=True)[0], 7.0)

    def test_a_job_that_failed_or_did_nothing_is_worthless(self):
        for text in ("fio: no such engine", output().replace('"error": 0', '"error": 5'),
                     output(total_ios=0)):
            with self.assertRaises(BenchError):
                fio.parse(text, write=False)

    def test_the_same_job_goes_to_servers_and_to_the_file(self):
        job = rows.PLANS[0].job
        raw = job.options(servers.RawFile("/x", 1), 1 << 20, 2)
        nbd = job.options(servers.QemuNbd("/x", 1), 1 << 20, 2)
        self.assertEqual([o for o in raw if o in nbd], raw[:len(nbd) - 2])
        self.assertIn("--ioengine=nbd", nbd)
        self.assertIn("--direct=1", raw)


class Rows(unittest.TestCase):
    def samples(self, value, cpu, p99):
        return [Sample(value, server_cpu_us=cpu, latency_us_p99=p99)] * 2

    def test_a_plan_gives_rate_processor_time_and_tail_against_the_best_peer(self):
        plan = rows.Plan("r", "a job", None, (), 1.5, 0.6, tail=True)
        best = self.samples(100, 10.0, 50.0)
        made = rows._rows(plan, self.samples(200, 5.0, 60.0), best, "best",
                          {"best": best, "other": self.samples(50, 1.0, 1.0)})
        self.assertEqual([(row.reached, row.ok()) for row in made],
                         [(2.0, True), (0.5, True), (1.2, False)])
        self.assertEqual(made[0].against, "best")
        self.assertIn("other 50 ops/s", made[0].notes[0])

    def test_names_are_unique(self):
        names = rows.NAMES + rows_wires.NAMES
        self.assertEqual(len(set(names)), len(names))

    def test_what_the_load_of_a_guest_says_is_read(self):
        said = {"rate": 5.0, "requests": 9, "latency_us_p50": 1.0, "latency_us_p99": 2.0}
        self.assertEqual(rows_wires.parse(json.dumps(said)), (5.0, 9, 1.0, 2.0))
        with self.assertRaises(BenchError):
            rows_wires.parse("no server there")


if __name__ == "__main__":
    unittest.main()

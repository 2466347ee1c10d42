#!/usr/bin/env python3
"""The block bench: what it reads from fio, and what its rows say of the runs."""

import json
import pathlib
import socket
import struct
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench.block import fio, rows, rows_guest, rows_volume, rows_wires, servers  # noqa: E402
from bench.common import nbd_wire  # noqa: E402
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
        names = rows.NAMES + rows_wires.NAMES + rows_guest.NAMES + rows_volume.NAMES
        self.assertEqual(len(set(names)), len(names))

    def test_what_the_load_of_a_guest_says_is_read(self):
        said = {"rate": 5.0, "requests": 9, "latency_us_p50": 1.0, "latency_us_p99": 2.0}
        self.assertEqual(rows_wires.parse(json.dumps(said)), (5.0, 9, 1.0, 2.0))
        with self.assertRaises(BenchError):
            rows_wires.parse("no server there")


class Guest(unittest.TestCase):
    """What fio's terse form in a guest becomes: five fields, then 41 of reads and 41 of writes."""

    def line(self, side, kind, ticks, rate, error=0, kib=8000):
        percentiles = [f"{p}.000000%={p * 10}" for p in (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)]
        mine = [str(kib), "4000", str(rate), "2000", *["0"] * 8, *percentiles, *["0%=0"] * 7, *["0"] * 9]
        none = ["0"] * 12 + ["0%=0"] * 20 + ["0"] * 9
        fields = ["3", "fio-3.33", "job", "0", str(error), *(mine + none if kind == "randread" else none + mine)]
        return f"RAN {side} {kind} {ticks} {';'.join(fields)}"

    def test_the_sides_of_one_guest_are_held_against_each_other(self):
        text = "\n".join(["GUEST BOOTED", *(self.line(side, "randwrite", ticks, rate) for side, ticks, rate in
                          (("ublk", 10, 900), ("nbd", 50, 300), ("brd", 0, 1800)) * 2)])
        made = rows_guest.make_rows("guest-ublk-write", rows_guest.parse(text))
        self.assertEqual([(row.reached, row.ok()) for row in made], [(3.0, True), (0.5, True)])
        ours = made[0].ours[0]
        self.assertEqual((ours.operations, ours.latency_us_p50, ours.latency_us_p99, ours.server_cpu_us),
                         (2000, 500.0, 990.0, 50.0))
        self.assertIsNone(made[1].other[0].server_cpu_us)

    def test_a_run_that_failed_or_did_nothing_is_worthless(self):
        for text in (self.line("ublk", "randread", 1, 5, error=5), self.line("ublk", "randread", 1, 5, kib=0),
                     "RAN ublk randread 1 fio: no such device"):
            with self.assertRaises(BenchError):
                rows_guest.parse(text)

    def test_the_guest_runs_the_sides_in_turn(self):
        done = [line.split()[1] for line in rows_guest.script("/bin/strata", 2, 2, ["randread"]).splitlines()
                if line.startswith("run ")]
        self.assertEqual(done, ["ublk", "nbd", "brd"] * 2)


class NbdWire(unittest.TestCase):
    """The bench's own client against a server that says what the test gives it."""

    def talk(self, replies, use):
        """What the server received, while it sent `replies` and `use` had the path."""
        received = []
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(folder + "/s")
            listener.listen(1)

            def serve():
                connection, _ = listener.accept()
                with connection:
                    for expected, reply in replies:
                        received.append(connection.recv(expected, socket.MSG_WAITALL) if expected else b"")
                        connection.sendall(reply)
                    received.append(connection.recv(100))
            server = threading.Thread(target=serve)
            server.start()
            try:
                use(folder + "/s")
            finally:
                server.join(20)
        return received

    GREETING = b"NBDMAGIC" + b"IHAVEOPT" + b"\0\3"
    ASKED = 4 + 16 + 4 + 4 + 2  # flags, the option's head, the name `vol1`

    def option_reply(self, kind, body=b""):
        return struct.pack(">QIII", 0x3E889045565A9, 7, kind, len(body)) + body

    def accepted(self):
        return self.option_reply(3, struct.pack(">HQH", 0, 1 << 20, 0)) + self.option_reply(1)

    def test_a_durable_write_has_the_flag_or_is_followed_by_a_flush(self):
        answer = struct.pack(">IIQ", 0x67446698, 0, 1)

        def use(path):
            with nbd_wire.Wire(path, "vol1") as wire:
                self.assertEqual(wire.size_bytes, 1 << 20)
                wire.request(nbd_wire.WRITE, nbd_wire.FUA, 4096, b"x" * 8)
                wire.request(nbd_wire.FLUSH)
        received = self.talk([(0, self.GREETING), (self.ASKED, self.accepted()), (36, answer), (28, answer)], use)
        self.assertEqual(received[1][20:28], struct.pack(">I", 4) + b"vol1")
        self.assertEqual(received[2], struct.pack(">IHHQQI", 0x25609513, 1, 1, 1, 4096, 8) + b"x" * 8)
        self.assertEqual(received[3][4:8], struct.pack(">HH", 0, 3))
        self.assertEqual(received[4][6:8], struct.pack(">H", 2), "it says goodbye")

    def test_a_refusal_or_an_error_ends_the_measurement(self):
        refused = self.option_reply((1 << 31) | 6)
        failed = struct.pack(">IIQ", 0x67446698, 5, 1)

        def use(path):
            with self.assertRaises(BenchError), nbd_wire.Wire(path, "vol1") as wire:
                wire.request(nbd_wire.WRITE, 0, 0, b"x" * 8)
        self.talk([(0, self.GREETING), (self.ASKED, refused)], use)
        self.talk([(0, self.GREETING), (self.ASKED, self.accepted()), (36, failed)], use)


if __name__ == "__main__":
    unittest.main()

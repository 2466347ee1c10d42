"""The rows of vhost-user: a guest's load through shared memory, beside our own NBD and the raw file.

One program serves the disk on both wires (tests/load), so that only the wire differs. NBD is loaded
by fio, vhost-user by that program's driver of a guest."""

import json
import pathlib

from bench.block import rows, servers
from bench.block.fio import Job, fill
from bench.common.processes import BenchError, Meter, run_tool

KIB = 1024
MEMORY_BYTES = 1 << 30
GRACE_SECONDS = 60

PLANS = (
    rows.Plan("vhost-memory-read", "vhost-user, memory disk, random read 4 KiB, depth 32",
              Job("randread", 4 * KIB, 32), (), 2.0, 0.5),
    rows.Plan("vhost-memory-write", "vhost-user, memory disk, random write 4 KiB, depth 32",
              Job("randwrite", 4 * KIB, 32), (), 2.0, 0.5),
    rows.Plan("vhost-raw-read", "vhost-user, image direct, random read 4 KiB, depth 32",
              Job("randread", 4 * KIB, 32), (), 0.9),
    rows.Plan("vhost-raw-write", "vhost-user, image direct, random write 4 KiB, depth 32",
              Job("randwrite", 4 * KIB, 32), (), 0.9),
)
NAMES = tuple(plan.name for plan in PLANS)


class Wires(servers.NbdTarget):
    """wire_load, serving one disk over NBD and vhost-user."""

    name = "wires"
    binary = "build/release/wire_load"

    def __init__(self, folder, size_bytes, kind):
        super().__init__(folder, size_bytes)
        self.kind = kind
        self.socket = self.folder / "nbd.sock"
        self.vhost_socket = self.folder / "vhost.sock"
        if not pathlib.Path(self.binary).exists():
            raise BenchError(f"{self.binary} is missing: ./dev bench block builds it")

    def prepare(self):
        if self.kind == "image":
            super().prepare()

    def command(self):
        what = self.image if self.kind == "image" else self.size_bytes
        return [self.binary, "serve", self.folder, self.kind, str(what)]

    def uri(self):
        return f"nbd+unix:///disk?socket={self.socket}"


def parse(text):
    """(requests a second, requests, p50 us, p99 us) of a run of wire_load."""
    try:
        found = json.loads(text)
        return (found["rate"], found["requests"], found["latency_us_p50"], found["latency_us_p99"])
    except (json.JSONDecodeError, KeyError) as error:
        raise BenchError(f"wire_load said: {text[-600:]}") from error


def load(job, server, folder, seconds):
    """A Sample of the job over vhost-user."""
    meter = Meter(server.pids()).start()
    output, _ = run_tool([server.binary, "run", server.vhost_socket, job.rw, str(job.block),
                          str(job.depth), str(server.size_bytes), str(seconds)],
                         folder / "wire_load.log", seconds + GRACE_SECONDS)
    meter.stop()
    rate, requests, p50, p99 = parse(output)
    return meter.sample(rate, requests, latency_us_p50=p50, latency_us_p99=p99)


def measure(setting, plan, server, other, size):
    def ours(_):
        return load(plan.job, server, setting.folder, setting.seconds)

    def theirs(_):
        return plan.job.run(other, size, setting.folder, setting.seconds)

    name = "our own NBD" if other is server else other.name
    samples = setting.interleaved(plan.name, ours, theirs)
    return rows._rows(plan, samples[0], samples[1], name, {name: samples[1]})


def run(setting, wanted):
    plans = [plan for plan in PLANS if plan.name in wanted]
    for kind in ("memory", "image"):
        mine = [plan for plan in plans if (kind == "memory") == ("memory" in plan.name)]
        if not mine:
            continue
        size = rows.QUICK_DISK_BYTES if setting.quick else rows.DISK_BYTES
        size = min(size, MEMORY_BYTES) if kind == "memory" else size
        if kind == "image":
            setting.need(2 * size)
        with Wires(setting.folder, size, kind) as server:
            setting.say(f"filling the disk in {'memory' if kind == 'memory' else 'a file'}")
            fill(server, size, setting.folder)
            if kind == "memory":
                for plan in mine:
                    yield from measure(setting, plan, server, server, size)
                continue
            with servers.RawFile(setting.folder, size) as raw:
                fill(raw, size, setting.folder)
                for plan in mine:
                    yield from measure(setting, plan, server, raw, size)

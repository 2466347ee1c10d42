"""The rows of what a volume does besides serving: a snapshot while it is written to, a limit that is
kept, writes that are durable one by one. A volume is held against itself, in the same minute."""

import json
import signal
import time

from bench.block import rows, servers
from bench.block.fio import Job, fill, parse
from bench.common.nbd_wire import durable_writes
from bench.common.processes import BenchError, Child, Meter, run_tool
from bench.common.row import Row
from bench.common.stats import Sample

KIB = 1024
SNAPSHOT_SECONDS_MAX = 300
VERB_SECONDS = 120
SETTLE_SECONDS = 1  # fio is under way before the snapshot begins
LIMITS = (1000, 10000)
THROTTLE_SECONDS_MIN = 6  # what fio has under way at the end is then a small part of what it did
NAMES = ("snapshot-write-32", *(f"throttle-{limit}" for limit in LIMITS), "fua-1")
WRITES = Job("randwrite", 4 * KIB, 32)


class Volume(servers.Strata):
    """A server with its command line."""

    def verb(self, *arguments, seconds=VERB_SECONDS):
        output, _ = run_tool([self.binary, *arguments, "--data", self.folder / "data"],
                             self.folder / "verb.log", seconds, self.environment())
        return output


def _during_snapshot(server, size, attempt):
    """Writes from the first to the last moment of a snapshot of the whole volume. What earlier ones
    left is deleted before, and every chunk was written to since, so that all of it is new."""
    for old in json.loads(server.verb("snapshot", "list", "--json"))["snapshots"]:
        server.verb("snapshot", "delete", old["name"])
    log = server.folder / "fio-snapshot.log"
    log.unlink(missing_ok=True)
    meter = Meter(server.pids())
    with Child(["fio", *WRITES.options(server, size, SNAPSHOT_SECONDS_MAX)], log) as load:
        time.sleep(SETTLE_SECONDS + 1)  # fio's own ramp is a second
        meter.start()
        began = _written(server)
        started = time.monotonic()
        server.verb("snapshot", "create", servers.VOLUME, "--name", f"s{attempt}",
                    seconds=SNAPSHOT_SECONDS_MAX)
        passed = time.monotonic() - started
        count = _written(server) - began
        meter.stop()
        load.process.send_signal(signal.SIGINT)
        load.process.wait(60)
    p50, p99 = parse(log.read_text(errors="replace"), True)[2:]
    if count <= 0:
        raise BenchError("nothing was written while the snapshot was made")
    return meter.sample(count / passed, count, latency_us_p50=p50, latency_us_p99=p99,
                        extra={"snapshot_seconds": passed})


def _written(server):
    """Write requests that the volume has answered, by its meter."""
    meter = json.loads(server.verb("volume", "show", servers.VOLUME, "--json")).get("meter", {})
    return meter.get("write", {}).get("requests", 0)


def snapshot(setting, server, size):
    samples = setting.interleaved(
        "snapshot-write-32",
        lambda attempt: _during_snapshot(server, size, attempt),
        lambda _: WRITES.run(server, size, setting.folder, setting.seconds))
    row = Row("snapshot-write-32", "random write 4 KiB, depth 32, while a whole snapshot is made",
              "the same without", "ops/s", 0.5, ours=samples[0], other=samples[1])
    took = ", ".join(f"{one.extra['snapshot_seconds']:.1f}" for one in samples[0])
    row.notes.append(f"The snapshots of {size >> 20} MiB took {took} s.")
    return [row.finish_ratio()]


def throttle(setting, server, size, limit):
    """Two rows: not less, and not more."""
    server.verb("volume", "set", servers.VOLUME, "--iops", str(limit))
    try:
        job = Job("randread", 4 * KIB, 32)
        samples = setting.interleaved(
            f"throttle-{limit}",
            lambda _: job.run(server, size, setting.folder, max(setting.seconds, THROTTLE_SECONDS_MIN)),
            lambda _: Sample(float(limit)))
    finally:
        server.verb("volume", "set", servers.VOLUME, "--iops", "0")
    name, against = f"throttle-{limit}", f"the limit of {limit} IOPS"
    return [Row(name, f"random read 4 KiB, depth 32, limited to {limit} IOPS: {what}", against, "ops/s",
                bound, at_least=least, ours=samples[0], other=samples[1]).finish_ratio()
            for what, bound, least in (("not less", 0.98, True), ("not more", 1.02, False))]


def durable(setting, server):
    def side(fua):
        meter = Meter(server.pids()).start()
        count, passed = durable_writes(server.socket, servers.VOLUME, 4 * KIB, setting.seconds, fua)
        meter.stop()
        return meter.sample(count / passed, count)

    samples = setting.interleaved("fua-1", lambda _: side(True), lambda _: side(False))
    row = Row("fua-1", "durable random write 4 KiB, one at a time, by FUA", "a write and a flush", "ops/s",
              1.0, ours=samples[0], other=samples[1])
    return [row.finish_ratio()]


def run(setting, wanted):
    size = rows.QUICK_DISK_BYTES if setting.quick else rows.DISK_BYTES
    # The image, what is preserved of it, and the chunks of two snapshots.
    setting.need(4 * size)
    servers.Strata.binary = setting.binary
    with Volume(setting.folder, size, setting.profile_path("strata-volume")) as server:
        server.verb("volume", "set", servers.VOLUME, "--layer", "meter")
        setting.say("filling the volume")
        fill(server, size, setting.folder)
        if "snapshot-write-32" in wanted:
            yield from snapshot(setting, server, size)
        for limit in LIMITS:
            if f"throttle-{limit}" in wanted:
                yield from throttle(setting, server, size, limit)
        if "fua-1" in wanted:
            yield from durable(setting, server)

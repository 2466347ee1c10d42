"""fio: over NBD by its nbd engine, on a file by io_uring."""

import json

from bench.common.processes import BenchError, Meter, run_tool

GRACE_SECONDS = 60
FILL_SECONDS = 300


def parse(text, write):
    """(operations a second, operations, p50 us, p99 us), of all jobs together."""
    start = text.find("{")
    if start < 0:
        raise BenchError("fio gave no JSON: " + text[-600:])
    job = json.loads(text[start:])["jobs"][0]
    if job["error"] != 0:
        raise BenchError(f"fio's job ended with error {job['error']}")
    side = job["write" if write else "read"]
    if side["total_ios"] == 0:
        raise BenchError("fio did nothing")
    percentile = side["clat_ns"].get("percentile", {})
    return (side["iops"], side["total_ios"], percentile.get("50.000000", 0) / 1000,
            percentile.get("99.000000", 0) / 1000)


class Job:
    """One kind of load. rw: randread, randwrite, read or write; block: bytes."""

    def __init__(self, rw, block, depth, jobs=1, direct=True):
        self.rw, self.block, self.depth, self.jobs, self.direct = rw, block, depth, jobs, direct

    def options(self, target, size_bytes, seconds):
        common = ["--name=job", f"--rw={self.rw}", f"--bs={self.block}", f"--iodepth={self.depth}",
                  f"--numjobs={self.jobs}", "--group_reporting", f"--size={size_bytes}",
                  "--time_based", f"--runtime={seconds}", "--ramp_time=1", "--norandommap",
                  "--randrepeat=0", "--refill_buffers", "--output-format=json"]
        return [*common, *target.fio_options(self.direct)]

    def run(self, target, size_bytes, folder, seconds):
        """A Sample of this load on a target; the processor time is that of the target's server."""
        meter = Meter(target.pids()).start()
        output, _ = run_tool(["fio", *self.options(target, size_bytes, seconds)], folder / "fio.log",
                             seconds + GRACE_SECONDS)
        meter.stop()
        rate, _, p50, p99 = parse(output, "write" in self.rw)
        # The meter saw the ramp too: its operations are those of the whole time.
        return meter.sample(rate, max(1, int(rate * (seconds + 1))), latency_us_p50=p50,
                            latency_us_p99=p99)


def fill(target, size_bytes, folder):
    """Bytes that nobody can compress or leave out, everywhere."""
    run_tool(["fio", "--name=fill", "--rw=write", "--bs=1m", "--iodepth=8", f"--size={size_bytes}",
              "--refill_buffers", "--output-format=json", *target.fio_options(True)],
             folder / "fio.log", FILL_SECONDS)

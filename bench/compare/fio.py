"""fio: the jobs on each side, and what its JSON says.

fio's http engine makes one object of each block and is synchronous: its concurrency is the number of its
processes. fio flushes a job's writes in turn, so the concurrency of durable block writes is processes too.
A durable block write is a write and a flush; fio times them apart. Its percentile here is the sum of the
two, which is never better than the truth by much and usually a little worse.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess

from bench.common.processes import BenchError, Child, Meter
from bench.compare.model import Measurement

PERCENTILES = ("1", "5", "10", "25", "50", "75", "90", "95", "99", "99.5", "99.9")
ENGINES = ("http", "nbd", "io_uring")
BUILT = pathlib.Path(__file__).resolve().parents[2] / "build/fio/fio"  # by tools/build_fio.sh
GRACE_SECONDS = 60
FILL_SECONDS = 300


@dataclasses.dataclass
class Job:
    """secrets: options whose values come from the environment, so that the job file can be shown."""

    options: dict
    secrets: dict = dataclasses.field(default_factory=dict)


def load_options(load, concurrency, seconds):
    options = {"rw": load.rw, "bs": load.bytes, "randrepeat": 0, "refill_buffers": 1}
    if load.rw.startswith("rand"):
        options["norandommap"] = 1
    if load.read_percent is not None:
        options["rwmixread"] = load.read_percent
    if seconds:
        options |= {"time_based": 1, "runtime": f"{int(seconds * 1000)}ms"}
    return options | {"group_reporting": 1, "lat_percentiles": 1, "clat_percentiles": 0,
                      "percentile_list": ":".join(PERCENTILES), "numjobs": concurrency}


def find(asked):
    """The fio to use: one with the engines that are needed."""
    candidates = [asked] if asked else [str(BUILT), shutil.which("fio")]
    missing = "no fio was found"
    for candidate in filter(None, candidates):
        try:
            engines = subprocess.run([candidate, "--enghelp"], capture_output=True, text=True,
                                     timeout=20, check=False).stdout.split()
        except (OSError, subprocess.TimeoutExpired):
            continue
        lacking = [engine for engine in ENGINES if engine not in engines]
        if not lacking:
            return str(pathlib.Path(candidate).absolute())
        missing = f"{candidate} lacks the engine {lacking[0]}"
    raise BenchError(f"{missing}; './dev compare' builds a fio with the engines http, nbd and io_uring, "
                     "or give one with --fio PATH")


def document(text):
    """fio writes warnings before the JSON, on the same stream."""
    start = text.find("{")
    if start < 0:
        raise BenchError("fio gave no JSON: " + text[-600:])
    try:
        return json.loads(text[start:])
    except json.JSONDecodeError as error:
        raise BenchError(f"fio's JSON is broken: {error}") from None


def _percentiles(part):
    found = part.get("lat_ns", {}).get("percentile") or part.get("clat_ns", {}).get("percentile", {})
    return {f"{float(name):g}": value / 1000 for name, value in found.items()}


def parse(text, durable=False):
    """A Measurement of fio's JSON: of all its processes together."""
    job = document(text)["jobs"][0]
    if job["error"] != 0:
        raise BenchError(f"fio's job ended with error {job['error']}")
    sides = [job[name] for name in ("read", "write") if job[name]["total_ios"]]
    if not sides:
        raise BenchError("fio completed no operation")
    out = Measurement(operations=sum(side["total_ios"] for side in sides),
                      operations_per_second=sum(side["iops"] for side in sides),
                      bytes_per_second=sum(side["bw_bytes"] for side in sides))
    # Of a mixed load the slower direction is what its users wait for.
    slowest = max(sides, key=lambda side: _percentiles(side).get("99", 0))
    out.latency_us = _percentiles(slowest)
    out.latency_us_mean = slowest["lat_ns"]["mean"] / 1000
    flush = job.get("sync", {})
    if durable and flush.get("total_ios"):
        more = _percentiles(flush)
        out.latency_us = {name: value + more.get(name, 0) for name, value in out.latency_us.items()}
        out.latency_us_mean += flush["lat_ns"]["mean"] / 1000
    # job_runtime is the sum over the processes that the group report covers, in milliseconds.
    busy = (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] * 1000
    out.client_cpu_us = busy / out.operations
    out.extra["written_bytes"] = job["write"]["io_bytes"]
    return out


def write_job_file(path, name, job):
    lines = [f"[{name}]", *(f"{key}={value}" for key, value in job.options.items())]
    # fio reads ${NAME} from its environment.
    lines += [f"{key}=${{{key}}}" for key in job.secrets]
    path.write_text("\n".join(lines) + "\n")


def execute(program, job, files, seconds, environment):
    """Runs a job to its end. files: a path without its suffix; the job, its JSON and its messages
    stay there."""
    json_path, job_path = files.with_suffix(".fio.json"), files.with_suffix(".fio")
    log = files.with_suffix(".log")
    log.unlink(missing_ok=True)
    json_path.unlink(missing_ok=True)
    write_job_file(job_path, files.name, job)
    with Child([program, "--output-format=json", f"--output={json_path}", job_path], log,
               environment | {key: str(value) for key, value in job.secrets.items()}) as child:
        try:
            status = child.process.wait(seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchError(f"fio did not end within {seconds + GRACE_SECONDS:.0f} s") from None
    text = json_path.read_text(errors="replace") if json_path.exists() else ""
    for secret in map(str, job.secrets.values()):  # fio tells the options it was given
        text = text.replace(secret, "(secret)")
    if text:
        json_path.write_text(text)
    if status != 0:
        raise BenchError(f"fio ended with status {status}: {child.tail(400)}{text[-200:]}".strip())
    if not child.tail(1):
        log.unlink(missing_ok=True)
    return text


def measure(stage, job, files, durable=False, pids=()):
    """Runs a job beside a Meter: fio's numbers, and what the servers (pids) spent meanwhile."""
    before = stage.requests()
    meter = Meter(pids).start()
    text = execute(stage.fio, job, files, stage.seconds, stage.environment)
    meter.stop()
    out = parse(text, durable)
    out.seconds = meter.seconds
    out.others_share, out.steal_share = meter.others_share, meter.steal_share
    written = out.extra["written_bytes"]
    if pids:
        out.server_cpu_us = meter.server_cpu * 1e6 / out.operations
        if written:
            out.storage_written_bytes = meter.written / written
        out.requests = stage.requests_since(before)
    return out

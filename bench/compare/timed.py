"""Our own load programs: each writes every latency of its processes as JSON, and this makes a Measurement of
it."""

import json
import sys

from bench.common.processes import BenchError, Meter, run_tool
from bench.compare import spread
from bench.compare.model import Measurement

GRACE_SECONDS = 60
SECONDS_MIN = 2


def seconds(stage):
    """Of a measurement: long enough, in the quick form too, for some hundred operations of milliseconds."""
    return max(stage.seconds, SECONDS_MIN)


def measure(stage, side, module, arguments, files, operation_bytes, writes):
    """Runs a module of this package: its arguments, and then where its output goes."""
    output = files.with_suffix(".latencies.json")
    before = stage.requests()
    meter = Meter(stage.pids(side)).start()
    run_tool([sys.executable, "-m", f"bench.compare.{module}", *arguments, output],
             files.with_suffix(".log"), seconds(stage) + GRACE_SECONDS, stage.tool_environment())
    meter.stop()
    told = json.loads(output.read_text())["processes"]
    latencies = [one for process in told for one in process["latency_us"]]
    if not latencies:
        raise BenchError("not one operation ended in the time")
    out = Measurement(operations=len(latencies), seconds=meter.seconds, others_share=meter.others_share,
                      steal_share=meter.steal_share)
    out.operations_per_second = sum(len(one["latency_us"]) / one["seconds"] for one in told)
    out.bytes_per_second = out.operations_per_second * operation_bytes
    out.latency_us = spread.percentiles(latencies)
    out.latency_us_mean = sum(latencies) / len(latencies)
    out.client_cpu_us = sum(one["cpu_seconds"] for one in told) * 1e6 / out.operations
    if stage.pids(side):
        out.server_cpu_us = meter.server_cpu * 1e6 / out.operations
        out.requests = stage.requests_since(before)
        if writes:
            out.storage_written_bytes = meter.written / (out.operations * operation_bytes)
    return out

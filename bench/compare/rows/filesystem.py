"""One VM's filesystem: many small files, flushed and renamed into place."""

import json
import sys

from bench.common.processes import BenchError, Meter, run_tool
from bench.compare import mounts, small_files, spread
from bench.compare.model import MIB, OBJECT, VOLUME, Fact, Load, Measurement, Need, Point, Row, Workload

PROCESSES = 4
VOLUME_BYTES = 512 * MIB
GRACE_SECONDS = 60
SAVE = Load("save", "a file of 4 KiB written, flushed and renamed into place", "small files",
            small_files.FILE_BYTES, durable=True)


def _run(stage, files, folder, processes):
    output = files.with_suffix(".files.json")
    before = stage.requests()
    meter = Meter(stage.server_pids()).start()
    run_tool([sys.executable, "-m", "bench.compare.small_files", folder, stage.seconds, processes, output],
             files.with_suffix(".log"), stage.seconds + GRACE_SECONDS, stage.tool_environment())
    meter.stop()
    told = json.loads(output.read_text())["processes"]
    latencies = [one for process in told for one in process["latency_us"]]
    if not latencies:
        raise BenchError("not one file was saved in the time")
    out = Measurement(operations=len(latencies), seconds=meter.seconds,
                      others_share=meter.others_share, steal_share=meter.steal_share)
    out.operations_per_second = sum(len(one["latency_us"]) / one["seconds"] for one in told)
    out.bytes_per_second = out.operations_per_second * small_files.FILE_BYTES
    out.latency_us = spread.percentiles(latencies)
    out.latency_us_mean = sum(latencies) / len(latencies)
    out.client_cpu_us = sum(one["cpu_seconds"] for one in told) * 1e6 / out.operations
    out.server_cpu_us = meter.server_cpu * 1e6 / out.operations
    out.storage_written_bytes = meter.written / (out.operations * small_files.FILE_BYTES)
    out.requests = stage.requests_since(before)
    return out


def _on_volume(filesystem):
    def measure(stage, files, processes):
        folder = stage.once(f"volume-{filesystem}",
                            lambda: mounts.volume(stage, filesystem, VOLUME_BYTES, filesystem))
        return _run(stage, files, folder, processes)
    return measure


def _on_bucket(stage, files, processes):
    folder, _ = stage.once("bucket-mount", lambda: mounts.bucket(stage))
    return _run(stage, files, folder, processes)


def points(stage):
    out = []
    for level in stage.levels(PROCESSES):
        if level > 16:
            continue  # one machine's programs, not thousands
        out += [Point(SAVE, OBJECT, level,
                      lambda stage, files, level=level: _on_bucket(stage, files, level),
                      "on the bucket, mounted"),
                Point(SAVE, VOLUME, level,
                      lambda stage, files, level=level: _on_volume("ext4")(stage, files, level),
                      "on ext4 on the attached volume")]
    return out


def facts(_stage):
    return [Fact("rename", "a filesystem renames in one step; a mounted bucket copies the object and deletes the "
                           "old one, and programs in between see both or an old state")]


ROW = Row(
    name="filesystem",
    need="one VM's filesystem",
    conventional=VOLUME,
    conventional_words="block",
    question="Programs of one machine create, flush, rename and delete small files. Can a bucket be their disk?",
    what=(
        "Volume: ext4 on a volume that is attached and mounted (NBD, FUSE and a loop device where the kernel "
        "has no NBD client).",
        "Objects: the bucket, mounted by s3fs or rclone.",
        "The same program on both: it writes a file of 4 KiB, flushes it, renames it into place, and deletes "
        "the oldest.",
    ),
    held_equal=("program", "processes", "a flush before each rename"),
    limits=("s3fs and rclone answer a flush when the object has been PUT; what they keep in memory of names "
            "and sizes may differ from what another machine sees.",),
    loads=(SAVE,),
    needs=(Need("save", PROCESSES, 50),),
    workload=Workload("50 GB; 10 million reads and 10 million files saved a month", 50, 10e6, 10e6,
                      write_operation="save"),
    points=points, facts=facts)

"""One VM's filesystem: many small files, flushed and renamed into place."""

from bench.compare import mounts, small_files, timed
from bench.compare.model import MIB, OBJECT, VOLUME, Fact, Load, Need, Point, Row, Workload

PROCESSES = 4
VOLUME_BYTES = 512 * MIB
LEVEL_MAX = 16  # one machine's programs, not thousands
SAVE = Load("save", "a file of 4 KiB written, flushed and renamed into place", "small files",
            small_files.FILE_BYTES, durable=True)
SAVE_XFS = Load("save-xfs", "the same on xfs", "small files", small_files.FILE_BYTES, durable=True)


def _run(stage, side, files, folder, processes):
    return timed.measure(stage, side, "small_files", [folder, timed.seconds(stage), processes], files,
                         small_files.FILE_BYTES, writes=True)


def _on_volume(stage, files, processes, filesystem):
    folder = stage.once(f"volume-{filesystem}",
                        lambda: mounts.volume(stage, filesystem, VOLUME_BYTES, filesystem))
    return _run(stage, VOLUME, files, folder, processes)


def _on_bucket(stage, files, processes):
    return _run(stage, OBJECT, files, stage.once("bucket-mount", lambda: mounts.bucket(stage)), processes)


def points(stage):
    out = []
    for level in stage.levels(PROCESSES):
        if level > LEVEL_MAX:
            continue
        out += [Point(SAVE, OBJECT, level,
                      lambda stage, files, level=level: _on_bucket(stage, files, level),
                      "on the bucket, mounted"),
                Point(SAVE, VOLUME, level,
                      lambda stage, files, level=level: _on_volume(stage, files, level, "ext4"),
                      "on ext4 on the attached volume")]
    if not stage.quick:
        out.append(Point(SAVE_XFS, VOLUME, PROCESSES,
                         lambda stage, files: _on_volume(stage, files, PROCESSES, "xfs"),
                         "on xfs on the attached volume"))
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
        "Volume: ext4, in the full form also xfs, on a volume that is attached and mounted (NBD, FUSE and a "
        "loop device where the kernel has no NBD client).",
        "Objects: the bucket, mounted by s3fs (by rclone where there is no s3fs).",
        "The same program on both: it writes a file of 4 KiB, flushes it, renames it into place, and deletes "
        "the oldest.",
    ),
    held_equal=("program", "processes", "a flush before each rename"),
    limits=("s3fs and rclone answer a flush when the object has been PUT; what they keep in memory of names "
            "and sizes may differ from what another machine sees.",),
    loads=(SAVE, SAVE_XFS),
    needs=(Need("save", PROCESSES, 50),),
    workload=Workload("50 GB; 10 million reads and 10 million files saved a month", 50, 10e6, 10e6,
                      write_operation="save"),
    points=points, facts=facts)

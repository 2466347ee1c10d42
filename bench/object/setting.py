"""What rows are run with, and the bounds they keep: disk space, quiet, folders that go away."""

import dataclasses
import os
import pathlib
import shutil
import time

from bench.object.processes import BenchError, others_share
from bench.object.scratch_server import ScratchServer

GIB = 1 << 30
FREE_RESERVE_BYTES = 5 * GIB  # stays free on the disk whatever a row needs
QUIET_SHARE_MAX = 0.05  # of all cores used by others: quiet enough to begin
QUIET_PROBE_SECONDS = 1
REPLICAS = 3
PREFIX = "scratch-"


@dataclasses.dataclass
class Setting:
    binary: str
    out: pathlib.Path  # for what stays
    folder: pathlib.Path  # for what is made while rows run; on the filesystem that is measured
    seconds: int
    runs: int
    quick: bool
    disk_bytes_max: int  # rows that could use more stay within it
    wait_quiet_seconds: int  # at most, before each measurement
    profile: bool  # of each server, beside the results
    say: object  # a function of a text: progress

    def server(self, name):
        """A Strata server with a folder of this name."""
        profile = self.out / f"{name}.profile.txt" if self.profile else None
        return ScratchServer(self.binary, self.folder / name, REPLICAS, profile)

    def need(self, wanted_bytes):
        """Refuses a row that would fill the disk. Called before anything is made."""
        free = shutil.disk_usage(self.folder).free
        if wanted_bytes > self.disk_bytes_max:
            raise BenchError(f"this needs up to {wanted_bytes / GIB:.0f} GiB of disk: allow it with "
                             "--disk-max, or make it smaller with --quick")
        if wanted_bytes + FREE_RESERVE_BYTES > free:
            raise BenchError(f"this needs up to {wanted_bytes / GIB:.0f} GiB of disk and "
                             f"{FREE_RESERVE_BYTES / GIB:.0f} GiB to spare, but {self.folder} has "
                             f"{free / GIB:.0f} GiB free")

    def quiet(self):
        """Waits until nobody else keeps the machine busy, or until the patience is over."""
        deadline = time.monotonic() + self.wait_quiet_seconds
        told = False
        while time.monotonic() < deadline and others_share(QUIET_PROBE_SECONDS) > QUIET_SHARE_MAX:
            if not told:
                self.say("waiting for the machine to be quiet")
            told = True


def make_scratch(out):
    """A folder of this process; those of benches that were killed are removed."""
    for old in out.glob(PREFIX + "*"):
        pid = old.name[len(PREFIX):]
        if pid.isdigit() and not pathlib.Path(f"/proc/{pid}").exists():
            shutil.rmtree(old, ignore_errors=True)
    folder = out / f"{PREFIX}{os.getpid()}"
    folder.mkdir()
    return folder

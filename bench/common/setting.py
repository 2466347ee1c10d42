"""What rows are run with, and the bounds they keep: disk space, quiet, folders that go away."""

import dataclasses
import os
import pathlib
import shutil
import time

from bench.common.processes import BenchError, others_share
from bench.common.stats import BUSY_SHARE_MAX, busy_share

GIB = 1 << 30
FREE_RESERVE_BYTES = 5 * GIB  # stays free on the disk whatever a row needs
QUIET_SHARE_MAX = 0.05  # of all cores used by others: quiet enough to begin
QUIET_PROBE_SECONDS = 1
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
    patience: int  # rounds that may be done again because others kept the machine busy
    profile: bool  # of each server, beside the results
    say: object  # a function of a text: progress

    def profile_path(self, name):
        """Where the profile of a server of this name goes; none: it is not wanted."""
        return self.out / f"{name}.profile.txt" if self.profile else None

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

    def interleaved(self, what, *sides):
        """Measures each side in turn, and again: a list of `runs` samples for each. A side is a
        function of the number of the attempt and gives a Sample. A round during which others kept
        the machine busy is dropped and done anew while the patience lasts, whatever it gave."""
        kept, dropped, attempt = [], 0, 0
        while len(kept) < self.runs:
            self.say(f"{what}, run {len(kept) + 1} of {self.runs}")
            attempt += 1
            samples = []
            for side in sides:
                self.quiet()
                samples.append(side(attempt))
            share = busy_share(samples)
            if share > BUSY_SHARE_MAX and dropped < self.patience:
                dropped += 1
                self.say(f"  others used {share:.0%} of the cores: again")
                continue
            kept.append(samples)
        return [list(one) for one in zip(*kept)]


def make_scratch(out):
    """A folder of this process; those of benches that were killed are removed."""
    for old in out.glob(PREFIX + "*"):
        pid = old.name[len(PREFIX):]
        if pid.isdigit() and not pathlib.Path(f"/proc/{pid}").exists():
            shutil.rmtree(old, ignore_errors=True)
    folder = out / f"{PREFIX}{os.getpid()}"
    folder.mkdir()
    return folder

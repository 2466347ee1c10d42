"""What a row of the table is, and what the rows share."""

import dataclasses
import hashlib
import os

from bench.object import stats

SMALL_BYTES = 4096
LARGE_BYTES = 64 << 20
KEY_BYTES = 32


@dataclasses.dataclass
class Row:
    name: str  # as --rows takes it
    title: str
    against: str  # what it is held against
    unit: str  # of the samples' values
    asked: float  # the least ratio, or the most of a limit
    at_least: bool = True  # False: `reached` must not be more than `asked`
    reached: float | None = None
    reached_unit: str = "x"
    ours: list = dataclasses.field(default_factory=list)
    other: list = dataclasses.field(default_factory=list)
    details: dict = dataclasses.field(default_factory=dict)  # further numbers, by name
    notes: list = dataclasses.field(default_factory=list)

    def ok(self):
        return self.reached >= self.asked if self.at_least else self.reached <= self.asked

    def busy_share(self):
        return stats.busy_share([*self.ours, *self.other])

    def finish_ratio(self):
        self.reached = stats.ratio_of_pairs(self.ours, self.other)
        return self


def key_of(number, prefix=""):
    """A key of KEY_BYTES characters; neighbours in number are not neighbours in order."""
    return (prefix + hashlib.sha256(str(number).encode()).hexdigest())[:KEY_BYTES]


class SmallBodies:
    """Bodies of SMALL_BYTES that differ: the key, then bytes that no one can compress."""

    def __init__(self):
        self.filler = os.urandom(SMALL_BYTES - KEY_BYTES)

    def of(self, key):
        return key.encode() + self.filler

    def file(self, folder):
        path = folder / "filler"
        path.write_bytes(self.filler)
        return path

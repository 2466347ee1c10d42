"""What a row of the table is."""

import dataclasses

from bench.common import stats


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
        """Reached is how many times the other side's value ours is."""
        self.reached = stats.ratio_of_pairs(self.ours, self.other)
        return self

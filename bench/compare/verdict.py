"""The rule by which a row is decided, in one place. The report prints RULE; nothing else decides.

It knows nothing of how things were measured: it gets, for each half, what it did and what it costs.
"""

import dataclasses


COST_TIE = 0.10  # costs that differ by less are the same
ONE_RUN = 0.25  # the range of a single run, in proportion

RULE = (
    "A half that cannot do the job at all is out (a second writer refused, a program that fails on it).",
    "A half whose median p99 is above what the row needs, for any of the row's operations, is out.",
    "If one half is left, it wins. If none is left, the one that misses its need by less is named as the "
    "nearer; if their ranges over the runs overlap, neither is.",
    f"If both are left, the lower cost a month at list prices wins. Costs that differ by less than "
    f"{COST_TIE:.0%} are equal.",
    "At equal cost the one with the lower p99 in proportion to the need wins; if their ranges over the "
    "runs overlap, it is a tie.",
    f"What was run once is taken to be uncertain by {ONE_RUN:.0%} either way.",
)
TIE, NEITHER, UNKNOWN = "tie", "neither", "not measured"


@dataclasses.dataclass(frozen=True)
class Met:
    """One need and what a half did: p99 in milliseconds, median and range over the runs."""

    operation: str
    limit_ms: float
    median_ms: float
    min_ms: float
    max_ms: float
    runs: int = 2

    def range_ms(self):
        """(least, most); of a single run a guess, because its noise is unknown."""
        if self.runs > 1:
            return self.min_ms, self.max_ms
        return self.median_ms * (1 - ONE_RUN), self.median_ms * (1 + ONE_RUN)

    def ok(self):
        return self.median_ms <= self.limit_ms

    def times(self, value):
        """In proportion to the need: 1 is just enough, less is better."""
        return value / self.limit_ms


@dataclasses.dataclass(frozen=True)
class Half:
    """needs: empty if nothing could be measured. excluded: why it cannot do the job at all."""

    side: str
    needs: tuple = ()
    cost_per_month: float | None = None
    excluded: str | None = None

    def missed(self):
        return [met for met in self.needs if not met.ok()]

    def worst(self):
        return max(self.needs, key=lambda met: met.times(met.median_ms))


@dataclasses.dataclass(frozen=True)
class Verdict:
    winner: str  # the side, TIE, NEITHER or UNKNOWN
    steps: tuple  # the reasons in words, in the order of the rule
    nearer: str | None = None  # of NEITHER

    def agrees(self, conventional):
        """Whether the table's choice came out; None where nothing was decided."""
        return None if self.winner == UNKNOWN else self.winner == conventional


def _overlap(one, other):
    """Whether the ranges of what two halves did, in proportion to their needs, overlap."""
    (least, most), (other_least, other_most) = one.range_ms(), other.range_ms()
    return (one.times(least) <= other.times(other_most)
            and other.times(other_least) <= one.times(most))


def _milliseconds(value):
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"


def _screen(halves):
    """The halves that are left after the first two sentences of the rule, and why."""
    left, steps = [], []
    for half in halves:
        if half.excluded:
            steps.append(f"The {half.side} half cannot do this job: {half.excluded}.")
            continue
        missed = half.missed()
        for met in missed:
            steps.append(f"The {half.side} half misses the need: {met.operation} takes "
                         f"{_milliseconds(met.median_ms)} at p99, {_milliseconds(met.limit_ms)} are needed.")
        if not missed:
            met = half.worst()
            steps.append(f"The {half.side} half meets the need: {met.operation} takes "
                         f"{_milliseconds(met.median_ms)} at p99 of {_milliseconds(met.limit_ms)}.")
            left.append(half)
    return left, steps


def _faster(halves, steps, winner_of):
    """The last sentence: by p99 in proportion, unless the ranges overlap."""
    first, second = halves
    one, other = first.worst(), second.worst()
    if _overlap(one, other):
        steps.append("Their ranges over the runs overlap: within the noise they are equal.")
        return winner_of(None)
    better = first if one.times(one.median_ms) < other.times(other.median_ms) else second
    steps.append(f"In proportion to the need the {better.side} half is faster.")
    return winner_of(better.side)


def decide(objects, volume):
    """The Verdict on two Halves."""
    halves = (objects, volume)
    unknown = [half for half in halves if not half.excluded and not half.needs]
    if unknown:
        return Verdict(UNKNOWN, tuple(f"The {half.side} half was not measured." for half in unknown))
    left, steps = _screen(halves)
    if len(left) == 1:
        steps.append(f"The {left[0].side} half is the only one left.")
        return Verdict(left[0].side, tuple(steps))
    if not left:
        able = [half for half in halves if not half.excluded]
        if len(able) == 1:
            return Verdict(NEITHER, tuple(steps), able[0].side)
        if not able:
            return Verdict(NEITHER, tuple(steps))
        return _faster(able, steps, lambda side: Verdict(NEITHER, tuple(steps), side))
    if None not in (objects.cost_per_month, volume.cost_per_month):
        cheap, dear = sorted(halves, key=lambda half: half.cost_per_month)
        prices = f"${cheap.cost_per_month:,.2f} a month against ${dear.cost_per_month:,.2f}"
        if dear.cost_per_month > cheap.cost_per_month * (1 + COST_TIE):
            steps.append(f"Both meet it; the {cheap.side} half costs less: {prices}.")
            return Verdict(cheap.side, tuple(steps))
        steps.append(f"Both meet it and cost the same: {prices}.")
    return _faster(left, steps, lambda side: Verdict(side or TIE, tuple(steps)))



"""Medians and ratios of interleaved runs."""

import dataclasses
import statistics

BUSY_SHARE_MAX = 0.10  # of all cores used by others: beyond, a run is not to be trusted


@dataclasses.dataclass
class Sample:
    """One measurement of one side."""

    value: float  # in the row's unit: operations or bytes per second
    operations: int = 0
    server_cpu_us: float | None = None  # processor time of the server per operation
    client_cpu_us: float | None = None  # and of the load tool
    latency_us_p50: float | None = None
    latency_us_p99: float | None = None
    disk_read_bytes: float | None = None  # by the server from storage, per operation: 0 is cached
    disk_written_bytes: float | None = None  # and to storage
    extra: dict = dataclasses.field(default_factory=dict)  # further numbers of this run, by name
    others_share: float = 0.0  # of all cores, used by processes that are not part of the run
    steal_share: float = 0.0  # of all cores, taken by the machine below ours


def median_of(samples, field):
    """The median of a field over the samples that have it; None when none has."""
    values = [getattr(s, field) for s in samples if getattr(s, field) is not None]
    return statistics.median(values) if values else None


def ratio_of_pairs(ours, against):
    """The median of the ratios of neighbouring runs: what disturbs both cancels out."""
    if not ours or len(ours) != len(against):
        raise ValueError("a ratio needs as many runs of one side as of the other")
    if any(b.value <= 0 for b in against):
        raise ValueError("a ratio to nothing")
    return statistics.median(a.value / b.value for a, b in zip(ours, against))


def extra_of(samples, name):
    """What each run has under a name."""
    return [sample.extra[name] for sample in samples]


def busy_share(samples):
    """The worst share of the cores that others used during any of the runs."""
    return max((s.others_share + s.steal_share for s in samples), default=0.0)

"""Medians, ranges and percentiles."""

import statistics

from bench.compare.fio import PERCENTILES


def percentiles(values):
    """By name, nearest rank: as fio does it."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return {f"{float(name):g}": ordered[min(last, int(len(ordered) * float(name) / 100))]
            for name in PERCENTILES}


def summary(values):
    """Median and range; None of nothing."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "min": min(known), "max": max(known)}


def overlap(one, other):
    """Whether the ranges of two summaries overlap."""
    return one["min"] <= other["max"] and other["min"] <= one["max"]

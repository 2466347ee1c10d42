"""The rows as people and machines read them."""

import dataclasses
import json

from bench.object.stats import median_of

SCHEMA = "strata-bench-object-1"
BUSY_SHARE_MAX = 0.10  # of all cores used by others: beyond, a run is not to be trusted


def number(value, unit):
    if value is None:
        return "-"
    if unit == "B/s":
        return f"{value / 1e6:,.0f} MB/s"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{text} {unit}" if unit else text


def reached(row):
    return f"{row.reached:.2f} {row.reached_unit}"


def asked(row):
    return f"{'>=' if row.at_least else '<='} {row.asked:g} {row.reached_unit}"


def verdict(row):
    return "reached" if row.ok() else "missed"


def _cpu(samples, field):
    value = median_of(samples, field)
    return "-" if value is None else f"{value:,.1f}"


def _cells(row):
    return [row.title, number(median_of(row.ours, "value"), row.unit),
            number(median_of(row.other, "value"), row.unit), reached(row), asked(row),
            verdict(row) + ("" if row.busy_share() <= BUSY_SHARE_MAX else " (machine busy)"),
            _cpu(row.ours, "server_cpu_us"), _cpu(row.other, "server_cpu_us"),
            _cpu(row.ours, "client_cpu_us")]


HEADS = ["job", "Strata", "against", "reached", "asked", "", "server CPU us", "its CPU us",
         "client CPU us"]


def table(rows):
    cells = [HEADS, *[_cells(row) for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEADS))]
    lines = ["  ".join(text.ljust(width) if i == 0 else text.rjust(width)
                       for i, (text, width) in enumerate(zip(line, widths))) for line in cells]
    return "\n".join(lines) + "\n"


def remarks(rows):
    out = []
    for row in rows:
        out.append(f"{row.name} against {row.against}: " + " ".join(row.notes))
        if row.busy_share() > BUSY_SHARE_MAX:
            out.append(f"{row.name}: others used {row.busy_share():.0%} of the cores during a run: "
                       "not to be trusted")
    return out


def to_json(rows, machine, options):
    return json.dumps({"schema": SCHEMA, "machine": machine, "options": options,
                       "rows": [{**dataclasses.asdict(row), "ok": row.ok(),
                                 "busy_share": row.busy_share()} for row in rows]},
                      indent=2, default=str) + "\n"

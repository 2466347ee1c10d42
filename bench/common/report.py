"""The rows as people and machines read them."""

import dataclasses
import json

from bench.common.stats import BUSY_SHARE_MAX, median_of


@dataclasses.dataclass(frozen=True)
class Words:
    """What differs between the benches' reports."""

    schema: str  # of the JSON; a change of meaning changes the number
    command: str  # as in ./dev bench object
    title: str
    conditions: str  # what else is held equal, and what an operation is


HEADS = ["job", "Strata", "against", "reached", "asked", "", "server CPU us", "its CPU us",
         "client CPU us"]


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


def trusted(row):
    return row.busy_share() <= BUSY_SHARE_MAX


def verdict(row):
    return ("reached" if row.ok() else "missed") + ("" if trusted(row) else " (machine busy)")


def _cpu(samples, field):
    value = median_of(samples, field)
    return "-" if value is None else f"{value:,.1f}"


def cells(row):
    return [row.title, number(median_of(row.ours, "value"), row.unit),
            number(median_of(row.other, "value"), row.unit), reached(row), asked(row), verdict(row),
            _cpu(row.ours, "server_cpu_us"), _cpu(row.other, "server_cpu_us"),
            _cpu(row.ours, "client_cpu_us")]


def table(rows):
    lines = [HEADS, *[cells(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    return "\n".join("  ".join(text.ljust(width) if i == 0 else text.rjust(width)
                               for i, (text, width) in enumerate(zip(line, widths)))
                     for line in lines) + "\n"


def _bytes(value):
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} bytes"


def _spread(row):
    parts = []
    for name, samples in (("Strata", row.ours), ("against", row.other)):
        values = [sample.value for sample in samples]
        if len(values) > 1:
            parts.append(f"{name} {number(min(values), row.unit)} to {number(max(values), row.unit)}")
    return f"Over the runs: {', '.join(parts)}." if parts else ""


def _latency(row):
    p50, p99 = median_of(row.ours, "latency_us_p50"), median_of(row.ours, "latency_us_p99")
    if p50 is None:
        return ""
    return f"Latency p50 {p50 / 1000:.2f} ms, p99 {p99 / 1000:.2f} ms."


def _storage(row):
    read, written = median_of(row.ours, "disk_read_bytes"), median_of(row.ours, "disk_written_bytes")
    if read is None or row.unit == "us/page":
        return ""
    return (f"The server's storage traffic per operation: {_bytes(read)} read, {_bytes(written)} "
            "written.")


def remark(row):
    """Everything about a row that its line in the table does not hold."""
    parts = [f"Against {row.against}." if row.against != "a limit" else "", *row.notes, _spread(row),
             _latency(row), _storage(row)]
    if not trusted(row):
        parts.append(f"Others used {row.busy_share():.0%} of the cores during a run: not to be trusted.")
    return " ".join(part for part in parts if part)


def remarks(rows):
    return [f"{row.name}: {remark(row)}" for row in rows]


def conditions(words, machine, options):
    gib = machine["memory_bytes"] / 2**30
    return (f"{options['runs']} interleaved runs of {options['seconds']} s; a ratio is the median of the "
            "ratios of neighbouring runs. Clients, servers and whatever they are held against share "
            f"{machine['cores']} cores of {'a virtual machine with ' if machine['virtual'] else ''}"
            f"{machine['processor']}, {gib:.0f} GiB of memory; Linux {machine['kernel']}; disk "
            f"{machine['disk']} with {machine['filesystem']}. {words.conditions}")


def markdown(words, rows, machine, options):
    lines = [f"# {words.title}", "",
             f"Written by `{words.command} --markdown FILE`; `--help` lists what else it takes, and "
             "`--rows NAME` runs one row alone. The numbers belong to the machine below; what counts are "
             "the ratios.", "", conditions(words, machine, options), "",
             "| " + " | ".join(HEADS) + " |", "|---|---:|---:|---:|---:|---|---:|---:|---:|"]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
    lines += ["", "## What was done", ""]
    lines += [f"- **{row.name}** {remark(row)}" for row in rows]
    lines += ["", "## The JSON", "", _json_text(words, options)]
    return "\n".join(lines)


def _json_text(words, options):
    return f"""\
`report.json` in the folder of `--out` (`{options['out']}`) holds every run:

- `schema`: `{words.schema}`; a change of meaning changes the number.
- `machine`: processor, cores, memory, kernel, disk, filesystem, load at the start, versions of the tools.
- `options`: as given.
- `rows`: for each its `name`, `title`, what it is held `against`, `asked` and `reached` (in `reached_unit`),
  `at_least` (false: `asked` is a limit from above), `ok`, `busy_share` (the worst share of all cores that
  processes outside the bench used during a run; beyond {BUSY_SHARE_MAX} the row is marked), `notes`,
  `details` by row, and the runs: `ours` and `other`, each a list of samples.
- a sample: `value` in the row's `unit`, `operations`, `server_cpu_us` and `client_cpu_us` per operation,
  `latency_us_p50` and `latency_us_p99`, `disk_read_bytes` and `disk_written_bytes` of the server per
  operation, `extra` numbers of that run by name, `others_share` and `steal_share` of the cores. Null is what does not apply.
"""


def to_json(words, rows, machine, options):
    return json.dumps({"schema": words.schema, "machine": machine, "options": options,
                       "rows": [{**dataclasses.asdict(row), "ok": row.ok(),
                                 "busy_share": row.busy_share()} for row in rows]},
                      indent=2, default=str) + "\n"

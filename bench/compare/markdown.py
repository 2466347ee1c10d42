"""report.md: the same as the page, for a README."""

from bench.compare import words
from bench.compare.numbers import plain


def _row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _table(heads, rows):
    return [_row(heads), "|" + "---|" * len(heads), *(_row(row) for row in rows), ""]


def summary(report):
    """The table of verdicts, as lines."""
    rows = []
    for number, row in enumerate(report["rows"]):
        at = f"rows/{number}/costs/per_month"
        rows.append([row["need"], row["conventional_words"], f"**{words.winner(row['verdict'])}**",
                     words.agreement_of(row), deciding(report, number, "object"),
                     deciding(report, number, "volume"), plain(report, f"{at}/object", "dollars"),
                     plain(report, f"{at}/volume", "dollars")])
    return _table(["need", "the table says", "measured verdict", "", "object p99", "volume p99",
                   "object $/month", "volume $/month"], rows)


def deciding(report, number, side):
    path = words.deciding_path(report, number, side)
    return plain(report, path, "time") if path else "-"


def _points(report, number, c):
    rows = []
    for p, point in enumerate(report["rows"][number]["contests"][c]["points"]):
        at = f"rows/{number}/contests/{c}/points/{p}"
        cells = [words.SIDE_NAMES[point["side"]], point["concurrency"]]
        if point["failed"]:
            rows.append([*cells, point["failed"], "-", "-", "-", "-", "-"])
            continue
        rows.append([*cells, plain(report, f"{at}/operations_per_second/median", "rate"),
                     *(plain(report, f"{at}/latency_us/{name}/median", "time")
                       if name in point["latency_us"] else "-" for name in ("50", "99", "99.9")),
                     plain(report, f"{at}/server_cpu_us/median", "time") if point["server_cpu_us"] else "-",
                     plain(report, f"{at}/client_cpu_us/median", "time") if point["client_cpu_us"] else "-"])
    return _table(["side", "under way", "operations/s", "p50", "p99", "p99.9", "server CPU", "client CPU"],
                  rows)


def _section(report, number):
    row = report["rows"][number]
    lines = [f"## {row['need']}", "", row["question"], "",
             f"**Verdict: {words.winner(row['verdict'])}** ({words.agreement(row['verdict'])}).", ""]
    lines += [f"- {step}" for step in row["verdict"]["steps"]]
    if not row["trusted"]:
        lines += ["", f"Others used {plain(report, f'rows/{number}/busy_share', 'share')} of the processor "
                      "during most runs of a point: not to be trusted."]
    lines += ["", *(f"- {one}" for one in row["what"]), f"- Held equal: {', '.join(row['held_equal'])}."]
    lines += [f"- {fact['name']}: {fact['words']}" for fact in row["facts"]] + [""]
    for c, contest in enumerate(row["contests"]):
        lines += [f"### {contest['title']}", "", *_points(report, number, c)]
    even = plain(report, f"rows/{number}/costs/break_even_per_second", "rate")
    lines += [f"Cost of a month ({row['costs']['workload']}): object "
              f"{plain(report, f'rows/{number}/costs/per_month/object', 'dollars')}, volume "
              f"{plain(report, f'rows/{number}/costs/per_month/volume', 'dollars')}; "
              + (f"equal at {even} requests a second of this mix." if even != "-"
                 else "equal at no rate of these requests."), "",
              f"With the latency that {row['cloud']['services']['object']} and "
              f"{row['cloud']['services']['volume']} are known for on top: "
              f"{words.winner(row['cloud'])}.", ""]
    return lines + ["Not shown:", *(f"- {one}" for one in row["limits"]), ""]


def render(report):
    lines = ["# Object or block?", "", *summary(report)]
    busy = words.busy(report)
    if busy:
        lines += [f"Other programs kept the machine busy during {', '.join(busy)}: not to be trusted.", ""]
    for number in range(len(report["rows"])):
        lines += _section(report, number)
    lines += ["## How it is decided", "", *(f"{n}. {one}" for n, one in enumerate(report["rule"], 1)), "",
              "## What the numbers belong to", "", *(f"- {one}" for one in words.conditions(report)), "",
              "## What this machine cannot show", "", *(f"- {one}" for one in words.LIMITS), ""]
    return "\n".join(lines)

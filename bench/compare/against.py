"""Two runs side by side: what differs by more than its noise."""

from bench.compare import words
from bench.compare.numbers import rate, time
from bench.compare.spread import overlap


def points(report):
    return {(row["name"], point["id"]): (row, contest, point) for row in report["rows"]
            for contest in row["contests"] for point in contest["points"]}


def compare(ours, other):
    """[(row, point, what, one summary, other summary, whether they differ beyond their noise)]."""
    out, theirs = [], points(other)
    for key, (_, _, point) in points(ours).items():
        if key not in theirs or point["failed"] or theirs[key][2]["failed"]:
            continue
        before = theirs[key][2]
        pairs = [("operations/s", point["operations_per_second"], before["operations_per_second"])]
        if "99" in point["latency_us"] and "99" in before["latency_us"]:
            pairs.append(("p99", point["latency_us"]["99"], before["latency_us"]["99"]))
        for what, one, two in pairs:
            enough = len(point["runs"]) > 1 and len(before["runs"]) > 1
            out.append((*key, what, one, two, None if not enough else not overlap(one, two)))
    return out


def render(ours, other):
    lines = ["| row | point | what | --against | --out | ratio | |", "|---|---|---|---|---|---|---|"]
    said = {True: "differs", False: "within the noise", None: "one run: noise unknown"}
    for row, point, what, one, two, differs in compare(ours, other):
        form = rate if what == "operations/s" else time
        ratio = one["median"] / two["median"] if two["median"] else float("inf")
        lines.append(f"| {row} | {point} | {what} | {form(two['median'])} | {form(one['median'])} | "
                     f"{ratio:.2f} | {said[differs]} |")
    before = {row["name"]: row["verdict"] for row in other["rows"]}
    for row in ours["rows"]:
        if row["name"] in before:
            one, two = words.winner(row["verdict"]), words.winner(before[row["name"]])
            lines.append(f"\n{row['name']}: {two}" + (f" then, {one} now" if one != two else " in both"))
    return "\n".join(lines)

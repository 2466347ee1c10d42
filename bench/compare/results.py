"""From the measurements that are kept to the report, as data: report.json is this, and the pages show nothing
that is not in it. Its shape: report.schema.json."""

import datetime
import statistics

from bench.common.stats import BUSY_SHARE_MAX
from bench.compare import costs, verdict
from bench.compare.model import OBJECT, SIDES, UNTRIED, VOLUME
from bench.compare.rows import ROWS
from bench.compare.spread import summary
from bench.compare.verdict import Half, Met

SCHEMA = "strata-compare-2"
FIELDS = ("operations_per_second", "bytes_per_second", "latency_us_mean", "client_cpu_us", "server_cpu_us",
          "storage_written_bytes")
FEW = 100  # operations of all runs: with fewer p99 is just the slowest


def point_of(records):
    """One cell: its runs and their medians. A run that failed is told; others count all the same."""
    good = [record for record in records if not record["failed"]]
    first = records[0]
    operations = sum(record["operations"] for record in good)
    out = {"id": first["point"], "operations": operations, "few": operations < FEW,
           "operation": first["operation"], "side": first["side"],
           "concurrency": first["concurrency"], "note": first["note"], "runs": records,
           "failed": None if good else records[-1]["failed"],
           # Half of the runs were less disturbed, as what is told of them is their median.
           "busy_share": statistics.median(one["others_share"] + one["steal_share"] for one in records),
           "requests_per_operation": requests_per_operation(good), "latency_us": {}}
    for field in FIELDS:
        out[field] = summary([record[field] for record in good])
    for name in sorted({name for record in good for name in record["latency_us"]}, key=float):
        out["latency_us"][name] = summary([record["latency_us"].get(name) for record in good])
    return out


def requests_per_operation(records):
    """The server's own count, over all runs: by name, for each operation of the client."""
    operations = sum(record["operations"] for record in records)
    counts = {}
    for record in records:
        for name, count in record["requests"].items():
            counts[name] = counts.get(name, 0) + count
    return {name: count / operations for name, count in sorted(counts.items())} if operations else {}


def _met(row, points, side):
    """What a half did for each need; nothing where it was not measured."""
    out = []
    titles = {load.operation: load.title for load in row.loads}
    for need in row.needs:
        found = points.get(f"{need.operation}-{side}-{need.concurrency}")
        latency = found["latency_us"].get("99") if found else None
        if latency:
            out.append(Met(titles[need.operation], need.latency_ms_p99_max, latency["median"] / 1000,
                           latency["min"] / 1000, latency["max"] / 1000,
                           sum(not run["failed"] for run in found["runs"])))
    return tuple(out)


def _half(row, points, facts, side, money):
    excluded = next((f"{fact['name']} {fact['words']}" for fact in facts if fact["excludes"] == side), None)
    failures = [point["failed"] for point in points.values() if point["side"] == side and point["failed"]]
    met = _met(row, points, side)
    if not met and failures and not excluded and not failures[0].startswith(UNTRIED):
        excluded = failures[0]
    return Half(side, met, money["per_month"][side], excluded)


def _requests_of_a_write(row, points):
    """Where a write with objects is more than a PUT: what the server counted with the fewest under way."""
    mine = [point for point in points.values() if point["side"] == OBJECT and not point["failed"]
            and point["operation"] == row.workload.write_operation]
    if not mine:
        return costs.ONE_PUT
    return costs.priced_requests(min(mine, key=lambda point: point["concurrency"])["requests_per_operation"])


def decided(row, points, facts, money):
    made = verdict.decide(_half(row, points, facts, OBJECT, money),
                          _half(row, points, facts, VOLUME, money))
    return {"winner": made.winner, "nearer": made.nearer, "steps": list(made.steps),
            "conventional": row.conventional, "agrees": made.agrees(row.conventional)}


def cloud_steps(row, points, facts, money, prices):
    """The verdict if each half had, on top of what was measured, the first-byte time that the cloud's own
    service is known for."""
    def slower(half, milliseconds):
        needs = tuple(Met(met.operation, met.limit_ms, met.median_ms + milliseconds,
                          met.min_ms + milliseconds, met.max_ms + milliseconds, met.runs) for met in half.needs)
        return Half(half.side, needs, half.cost_per_month, half.excluded)
    names = prices["rules"]
    service = {OBJECT: prices[names["object"]], VOLUME: prices[names["volume"]]}
    added = {OBJECT: service[OBJECT]["first_byte_ms_p99"], VOLUME: service[VOLUME]["latency_ms_p99"]}
    made = verdict.decide(*(slower(_half(row, points, facts, side, money), added[side])
                            for side in (OBJECT, VOLUME)))
    return {"winner": made.winner, "nearer": made.nearer, "steps": list(made.steps),
            "added_ms": added, "services": {side: service[side]["name"] for side in service}}


def row_of(row, store, prices):
    records = store.runs(row.name)
    points = {name: point_of(some) for name, some in records.items()}
    if not points:
        return None
    facts = store.noted(f"{row.name}-facts", [])
    money = costs.reckon(prices, row.workload, _requests_of_a_write(row, points))
    order = {side: number for number, side in enumerate(SIDES)}
    contests = []
    for load in row.loads:
        mine = sorted((point for point in points.values() if point["operation"] == load.operation),
                      key=lambda point: (order[point["side"]], point["concurrency"]))
        if not mine:
            continue  # the quick form leaves it out
        need = next((need for need in row.needs if need.operation == load.operation), None)
        contests.append({
            "operation": load.operation, "title": load.title, "durable": load.durable,
            "need": need and {"concurrency": need.concurrency,
                              "latency_ms_p99_max": need.latency_ms_p99_max},
            "points": mine})
    busy = max(point["busy_share"] for point in points.values())
    return {"name": row.name, "need": row.need, "conventional": row.conventional,
            "conventional_words": row.conventional_words, "question": row.question,
            "what": list(row.what), "held_equal": list(row.held_equal), "limits": list(row.limits),
            "contests": contests, "facts": facts, "costs": money,
            "verdict": decided(row, points, facts, money),
            "cloud": cloud_steps(row, points, facts, money, prices),
            "busy_share": busy, "trusted": busy <= BUSY_SHARE_MAX}


def report(store, prices=None):
    """The whole report as data."""
    prices = prices or costs.load()
    settings = store.settings()
    rows = [made for made in (row_of(row, store, prices) for row in ROWS) if made]
    return {"schema": SCHEMA,
            "rendered": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "settings": settings, "machine": store.noted("machine", {}), "stage": store.noted("stage", {}),
            "elapsed_seconds": store.noted("elapsed", {}).get("seconds"),
            "rule": list(verdict.RULE), "prices": prices, "busy_share_max": BUSY_SHARE_MAX, "rows": rows}

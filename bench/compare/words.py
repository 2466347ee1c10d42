"""Verdicts and conditions in words, the same on every page."""

from bench.compare.model import OBJECT, VOLUME
from bench.compare.verdict import NEITHER, TIE, UNKNOWN

WINNERS = {OBJECT: "object", VOLUME: "block", TIE: "a tie", NEITHER: "neither", UNKNOWN: "not measured"}
SIDE_NAMES = {"object": "object", "volume": "volume", "raw": "raw file"}


def winner(verdict):
    text = WINNERS[verdict["winner"]]
    return f"{text} (nearer: {WINNERS[verdict['nearer']]})" if verdict["nearer"] else text


def agreement(verdict):
    if verdict["agrees"] is None:
        return "not decided"
    if verdict["nearer"] == verdict["conventional"]:
        return "the table's choice is nearer"
    return "as the table says" if verdict["agrees"] else "not as the table says"


def agreement_of(row):
    """The same, with a warning where it is not to be trusted."""
    return agreement(row["verdict"]) + ("" if row["trusted"] else ", machine busy")


def conditions(report):
    """What the numbers belong to, as sentences."""
    machine, settings, stage = report["machine"], report["settings"], report["stage"]
    gib = machine.get("memory_bytes", 0) / 2**30
    return [
        f"{'Quick' if settings['quick'] else 'Full'} form: up to {settings['runs']} interleaved runs of "
        f"{settings['seconds']:g} s for each point; medians, with the range over the runs.",
        f"Machine: {'a virtual machine with ' if machine.get('virtual') else ''}{machine.get('processor')}, "
        f"{machine.get('cores')} cores, {gib:.0f} GiB of memory, Linux {machine.get('kernel')}, disk "
        f"{machine.get('disk')} with {machine.get('filesystem')}. Clients and servers share its cores.",
        f"Strata {stage.get('version')}; {stage.get('durability')}. A PUT is answered when "
        f"{stage.get('replicas')} copies are flushed (folders of the one disk here: that is "
        f"{stage.get('replicas')} times the writing of a volume); a durable block write is a write and a "
        "flush.",
        "The volume and the raw file are used past the page cache (cold); objects that were just written may "
        "come from it (warm). The latency of a durable block write is the sum of its write's and its "
        "flush's percentile.",
        f"The volume's profile: {stage.get('volume_profile')}. The objects' profile: "
        f"{stage.get('s3_profile', 'local')}" + (
            "; its emulation is in the servers' processor time." if "s3_profile" in stage else "."),
    ]


def deciding_path(report, number, side):
    """Where in the report the p99 of a row's first need on a side is; None where there is none."""
    for c, contest in enumerate(report["rows"][number]["contests"]):
        need = contest["need"]
        for p, point in enumerate(contest["points"]):
            if (need and point["side"] == side and point["concurrency"] == need["concurrency"]
                    and point["latency_us"]):
                return f"rows/{number}/contests/{c}/points/{p}/latency_us/99/median"
    return None


def busy(report):
    """The rows whose runs were disturbed."""
    return [row["name"] for row in report["rows"] if not row["trusted"]]


LIMITS = (
    "Everything is on one machine: no network between clients and servers, one disk for all drives, so that "
    "three copies compete for it. On separate disks objects would be written faster.",
    "A cloud's own latencies and limits are not emulated unless a profile says so; the section of each row "
    "tells what they would change.",
    "Prices are list prices of the dates shown, without transfer, taxes, or discounts.",
)

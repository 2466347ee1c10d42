"""The command line, and the order in which things are measured."""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

from bench.common import machine
from bench.common.command import catch_interrupts, say
from bench.common.processes import BenchError
from bench.common.setting import FREE_RESERVE_BYTES, GIB, make_scratch
from bench.compare import against, markdown, mounts, page, results
from bench.compare.model import Measurement
from bench.compare.rows import ROWS
from bench.compare.stage import ROOT, Stage
from bench.compare.store import Store, write_json

PROFILES = ("gp2", "gp3", "io2", "st1")
S3_PROFILES = ("s3-standard", "s3-express")
QUICK_SECONDS, QUICK_RUNS = 0.7, 3
FULL_SECONDS, FULL_RUNS = 3.5, 5
# The quick form does the runs after the first only while they end within this time.
QUICK_BUDGET_SECONDS = 95
QUICK_DISK_BYTES, FULL_DISK_BYTES = 4 * GIB, 20 * GIB


def parse(arguments):
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(
        prog="strata compare", description="The storage-choice table, answered by experiment: each row's job "
        "on objects and on a volume, with numbers, pictures, dollars and a verdict.",
        epilog="Starts a server of its own on loopback, with its data in a folder below --out, and removes "
               "all of it at the end. A run that was interrupted goes on when it is started again with the "
               "same options. Rows: " + ", ".join(names) + ".")
    parser.add_argument("--quick", action="store_true",
                        help="short measurements, ends within two minutes; more runs only as time allows")
    parser.add_argument("--rows", default=",".join(names), help="which, by comma (default: all)")
    parser.add_argument("--out", type=pathlib.Path, default=None, metavar="DIR",
                        help="where the reports and the raw data go (default strata-compare/quick or /full)")
    parser.add_argument("--runs", type=int, default=None,
                        help=f"interleaved runs of each point, 1 to 25 (default {FULL_RUNS})")
    parser.add_argument("--seconds", type=float, default=None,
                        help=f"of each measurement, 0.2 to 60 (default {FULL_SECONDS})")
    parser.add_argument("--profile", choices=PROFILES, default=None, dest="volume_profile",
                        help="let the volume behave like this EBS type")
    parser.add_argument("--s3-profile", choices=S3_PROFILES, default=None,
                        help="let our objects answer no sooner than this service does (its first-byte time in "
                             "prices.toml)")
    parser.add_argument("--s3-endpoint", metavar="URL",
                        help="compare this S3 endpoint instead of our objects; the keys come from "
                             "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Requests there cost money")
    parser.add_argument("--bucket", help="a bucket there, of which only objects that were made are deleted")
    parser.add_argument("--block-device", metavar="PATH",
                        help="compare this device instead of our volume; ALL DATA ON IT IS OVERWRITTEN, so it "
                             "needs --erase too")
    parser.add_argument("--erase", action="store_true", help="allow that")
    parser.add_argument("--fresh", action="store_true", help="discard an interrupted run in --out")
    parser.add_argument("--fio", default=None, help="a fio with the engines http, nbd and io_uring")
    parser.add_argument("--strata", default=default_program(), help="the program to measure")
    parser.add_argument("--render", type=pathlib.Path, metavar="DIR",
                        help="make the reports of DIR anew from its raw data, and nothing else")
    parser.add_argument("--against", type=pathlib.Path, metavar="DIR",
                        help="tell what differs between the run in --out and that in DIR, and nothing else")
    options = parser.parse_args(arguments)
    options.names = [name for name in options.rows.split(",") if name]
    unknown = [name for name in options.names if name not in names]
    if unknown or not options.names:
        parser.error(f"there is no row {', '.join(unknown) or 'asked for'}; there are {', '.join(names)}")
    options.runs = options.runs or (QUICK_RUNS if options.quick else FULL_RUNS)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else FULL_SECONDS)
    if not 1 <= options.runs <= 25 or not 0.2 <= options.seconds <= 60:
        parser.error("--runs is 1 to 25, --seconds 0.2 to 60")
    if options.block_device and not options.erase:
        parser.error(f"--block-device overwrites all data on {options.block_device}: say --erase to allow it")
    if options.block_device and options.volume_profile:
        parser.error("--profile is for our own volume")
    if options.s3_endpoint and options.s3_profile:
        parser.error("--s3-profile is for our own objects")
    options.out = options.out or pathlib.Path("strata-compare", "quick" if options.quick else "full")
    return options


def default_program():
    built = (ROOT / "build/release/strata", ROOT / "build/test/strata")
    return str(next((path for path in built if path.exists()), shutil.which("strata") or built[0]))


class Progress:
    """Says what runs, and how long the rest will take."""

    def __init__(self, total):
        self.total, self.done, self.spent = total, 0, 0.0

    def left_seconds(self, count=None):
        count = self.total - self.done if count is None else count
        return self.spent / self.done * count if self.done else None

    def say(self, text):
        left = self.left_seconds()
        about = f", about {left:.0f} s left" if left is not None else ""
        say(f"[{self.done + 1}/{self.total}{about}] {text}")

    def add(self, seconds):
        self.done, self.spent = self.done + 1, self.spent + seconds

    def skip(self):
        self.total -= 1


def plan(rows, stage, options):
    """[(run, [(row, point)])]: all points, and again. The quick form repeats only what decides."""
    points = [(row, point) for row in rows for point in row.points(stage)]
    decisive = [(row, point) for row, point in points if row.decides(point)]
    return [(run, [(row, point) for row, point in (points if run == 1 or not options.quick else decisive)
                   if run <= point.runs_max]) for run in range(1, options.runs + 1)]


def measure_one(stage, store, row, point, run):
    try:
        if row.prepare:
            stage.once(f"prepare-{row.name}", lambda: row.prepare(stage) or True)
        made = point.measure(stage, store.files(row.name, point.id, run))
    except (BenchError, OSError, subprocess.SubprocessError) as error:
        made = Measurement(failed=str(error))
        say(f"  failed: {error}")
    store.put(row.name, point, run, made)
    return made


def measure(stage, store, rows, options, started):
    rounds = plan(rows, stage, options)
    progress = Progress(sum(len(points) for _, points in rounds))
    failed = set()
    for run, points in rounds:
        left = progress.left_seconds(len(points))
        if options.quick and run > 1 and left and time.monotonic() - started + left > QUICK_BUDGET_SECONDS:
            say(f"leaving out run {run}: the time of the quick form is over")
            break
        for row, point in points:
            if store.has(row.name, point.id, run) or (row.name, point.id) in failed:
                progress.skip()
                continue
            begun = time.monotonic()
            progress.say(f"{row.name}: {point.load.title}, {point.side}, {point.concurrency} under way, "
                         f"run {run}")
            if measure_one(stage, store, row, point, run).failed:
                failed.add((row.name, point.id))
            progress.add(time.monotonic() - begun)
    for row in rows:
        if row.facts and store.noted(f"{row.name}-facts") is None:
            store.note(f"{row.name}-facts", [vars(fact) for fact in row.facts(stage)])


def render(store, out):
    report = results.report(store)
    if not report["rows"]:
        raise BenchError(f"{out} holds no measurement yet")
    write_json(out / "report.json", report)
    # Read back, so that the pages cannot show what the file does not hold.
    report = json.loads((out / "report.json").read_text())
    (out / "report.md").write_text(markdown.render(report))
    (out / "report.html").write_text(page.render(report))
    return report


def _settings(options):
    return {"quick": options.quick, "rows": options.names, "runs": options.runs,
            "seconds": options.seconds, "volume_profile": options.volume_profile,
            "s3_profile": options.s3_profile,
            "s3_endpoint": options.s3_endpoint, "block_device": options.block_device}


def _run(options, store):
    started = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    mounts.remove_left_over(options.out, options.strata)
    needed = QUICK_DISK_BYTES if options.quick else FULL_DISK_BYTES
    free = shutil.disk_usage(options.out).free
    if free < needed + FREE_RESERVE_BYTES:
        raise BenchError(f"{options.out} has {free / GIB:.0f} GiB free; this needs up to {needed / GIB:.0f} GiB "
                         f"and {FREE_RESERVE_BYTES / GIB:.0f} GiB to spare: choose another --out")
    if store.begin(_settings(options), options.fresh):
        say("going on with a run that was interrupted")
    rows = [row for row in ROWS if row.name in options.names]
    folder = make_scratch(options.out.absolute())
    try:
        store.note("machine", machine.describe(folder, {"fio": ["fio", "--version"]}))
        with Stage(options, folder, say) as stage:
            store.note("stage", stage.describe())
            measure(stage, store, rows, options, started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    store.note("elapsed", {"seconds": time.monotonic() - started})
    store.finish()


def main(arguments):
    options = parse(arguments)
    try:
        if options.render:
            render(Store(options.render), options.render)
            print(f"Made anew: {options.render / 'report.html'}")
            return 0
        if options.against:
            print(against.render(results.report(Store(options.out)), results.report(Store(options.against))))
            return 0
        catch_interrupts()
        store, status = Store(options.out), 0
        try:
            _run(options, store)
        except KeyboardInterrupt:
            say("interrupted: what was made is removed, what was measured is kept; start it again with the "
                "same options to go on")
            status = 130
        report = render(store, options.out)
        print("\n".join(markdown.summary(report)))
        print(f"Report: {options.out / 'report.html'}, report.md, report.json; raw data in "
              f"{options.out / 'raw'}")
        return status
    except BenchError as error:
        print(f"strata compare: {error}", file=sys.stderr)
        return 1

"""The command line of `./dev bench object`."""

import argparse
import pathlib
import shutil
import signal
import sys
import time

from bench.object import (machine, report, rows_large, rows_memory, rows_small, rows_stored)
from bench.object.processes import BenchError
from bench.object.setting import GIB, Setting, make_scratch

# In the order in which they run: names, and the function that gives the rows of these names.
STEPS = (
    (("put-small",), rows_small.put_small),
    (("get-small",), rows_small.get_small),
    (("get-large",), rows_large.get_large),
    (("put-large",), rows_large.put_large),
    (rows_stored.NAMES, rows_stored.run),
    (("memory-uploads",), rows_memory.uploads),
    (("memory-idle",), rows_memory.idle),
)
NAMES = [name for names, _ in STEPS for name in names]
QUICK_RUNS = 2
QUICK_SECONDS = 2


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev bench object",
        description="Measures the object half beside what the machine itself can do: ratios within "
                    "one run, medians of interleaved runs, processor time per operation.",
        epilog="Everything is made in a folder below --out, on the disk that is thereby measured, and "
               "is removed at the end. All rows together take about half an hour; a row alone "
               "some two minutes, those of stored keys ten.")
    parser.add_argument("--rows", default=",".join(NAMES), help="which, by comma: " + ", ".join(NAMES))
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of a row (1 to 25)")
    parser.add_argument("--seconds", type=int, default=5, help="of a measurement (1 to 60)")
    parser.add_argument("--quick", action="store_true",
                        help="two runs of two seconds, 100,000 keys, uploads of 64 MiB, 2,000 connections")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-object"),
                        help="where report.json goes (default %(default)s)")
    parser.add_argument("--markdown", type=pathlib.Path, help="also write the report as Markdown")
    parser.add_argument("--disk-max", type=int, default=40, metavar="GIB",
                        help="most disk space in use at once (default %(default)s)")
    parser.add_argument("--wait-quiet", type=int, default=0, metavar="SECONDS",
                        help="wait so long at most, before each run, while others use the machine")
    parser.add_argument("--patience", type=int, default=0, metavar="ROUNDS",
                        help="repeat so many rounds of a row that others disturbed (0 to 100)")
    parser.add_argument("--profile", action="store_true",
                        help="perf beside each server, a text in --out; it slows them down a little")
    parser.add_argument("--strata", default="build/release/strata", help="the program to measure")
    options = parser.parse_args(arguments)
    options.names = [name for name in options.rows.split(",") if name]
    unknown = [name for name in options.names if name not in NAMES]
    if unknown or not options.names:
        parser.error(f"there is no row {', '.join(unknown) or 'asked for'}")
    for value, name, most in ((options.runs, "--runs", 25), (options.seconds, "--seconds", 60),
                              (options.disk_max, "--disk-max", 1024)):
        if not 1 <= value <= most:
            parser.error(f"{name} is 1 to {most}")
    if not 0 <= options.wait_quiet <= 3600 or not 0 <= options.patience <= 100:
        parser.error("--wait-quiet is 0 to 3600, --patience 0 to 100")
    if options.quick:
        options.runs = min(options.runs, QUICK_RUNS)
        options.seconds = min(options.seconds, QUICK_SECONDS)
    return options


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def _interrupt(*_):
    # Once: what cleans up must come to its end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_rows(options, setting):
    """(rows, exit status). A row that fails is told and left out; the others still run."""
    rows, status = [], 0
    wanted = set(options.names)
    for names, step in STEPS:
        mine = wanted & set(names)
        if not mine:
            continue
        try:
            rows += step(setting, mine)
        except BenchError as error:
            print(f"bench: {', '.join(sorted(mine))}: {error}", file=sys.stderr)
            status = 1
        except KeyboardInterrupt:
            print("bench: interrupted; what was made is removed", file=sys.stderr)
            return rows, 130
    return rows, status


def main(arguments):
    options = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    options.out.mkdir(parents=True, exist_ok=True)
    folder = make_scratch(options.out.absolute())
    try:
        about = machine.describe(folder)
        setting = Setting(
            binary=options.strata, out=options.out, folder=folder, seconds=options.seconds,
            runs=options.runs, quick=options.quick, disk_bytes_max=options.disk_max * GIB,
            wait_quiet_seconds=options.wait_quiet, patience=options.patience,
            profile=options.profile, say=say)
        rows, status = run_rows(options, setting)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if rows:
        (options.out / "report.json").write_text(report.to_json(rows, about, vars(options)))
        if options.markdown:
            options.markdown.write_text(report.markdown(rows, about, vars(options)))
        print(report.table(rows))
        print("\n".join(report.remarks(rows)))
        print("\n" + report.conditions(about, vars(options)))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

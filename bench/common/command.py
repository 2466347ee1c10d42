"""The command line of a bench: which rows, how long, where the report goes."""

import argparse
import dataclasses
import pathlib
import shutil
import signal
import sys
import time

from bench.common import machine, report
from bench.common.processes import BenchError
from bench.common.setting import GIB, Setting, make_scratch

QUICK_RUNS = 2
QUICK_SECONDS = 2


@dataclasses.dataclass(frozen=True)
class Bench:
    words: report.Words
    description: str
    epilog: str
    quick: str  # what --quick does
    out: str  # the default of --out
    disk_gib: int  # the default of --disk-max
    tools: dict  # name: the command that tells its version
    # In the order in which they run: names, and the function that gives the rows of these names.
    steps: tuple
    setting: type = Setting

    def names(self):
        return [name for names, _ in self.steps for name in names]


def parse(bench, arguments):
    names = bench.names()
    parser = argparse.ArgumentParser(
        prog=bench.words.command, description=bench.description,
        epilog="Everything is made in a folder below --out, on the disk that is thereby measured, and "
               "is removed at the end. " + bench.epilog)
    parser.add_argument("--rows", default=",".join(names), help="which, by comma: " + ", ".join(names))
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of a row (1 to 25)")
    parser.add_argument("--seconds", type=int, default=5, help="of a measurement (1 to 60)")
    parser.add_argument("--quick", action="store_true", help=bench.quick)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(bench.out),
                        help="where report.json goes (default %(default)s)")
    parser.add_argument("--markdown", type=pathlib.Path, help="also write the report as Markdown")
    parser.add_argument("--disk-max", type=int, default=bench.disk_gib, metavar="GIB",
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
    unknown = [name for name in options.names if name not in names]
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


def catch_interrupts():
    """Ctrl-C and SIGTERM become a KeyboardInterrupt, once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _run_rows(bench, options, setting):
    """(rows, exit status). A row that fails is told and left out, the others still run; what was measured before
    an interruption stays."""
    rows, status = [], 0
    wanted = set(options.names)
    for names, step in bench.steps:
        mine = wanted & set(names)
        if not mine:
            continue
        try:
            for row in step(setting, mine):
                rows.append(row)
        except BenchError as error:
            print(f"bench: {', '.join(sorted(mine))}: {error}", file=sys.stderr)
            status = 1
        except KeyboardInterrupt:
            print("bench: interrupted; what was made is removed", file=sys.stderr)
            return rows, 130
    return rows, status


def _write(bench, options, rows, about):
    settings = vars(options)
    (options.out / "report.json").write_text(report.to_json(bench.words, rows, about, settings))
    if options.markdown:
        options.markdown.write_text(report.markdown(bench.words, rows, about, settings))
    print(report.table(rows))
    print("\n".join(report.remarks(rows)))
    print("\n" + report.conditions(bench.words, about, settings))


def run(bench, arguments):
    options = parse(bench, arguments)
    catch_interrupts()
    options.out.mkdir(parents=True, exist_ok=True)
    folder = make_scratch(options.out.absolute())
    try:
        about = machine.describe(folder, bench.tools)
        setting = bench.setting(
            binary=options.strata, out=options.out, folder=folder, seconds=options.seconds,
            runs=options.runs, quick=options.quick, disk_bytes_max=options.disk_max * GIB,
            wait_quiet_seconds=options.wait_quiet, patience=options.patience,
            profile=options.profile, say=say)
        rows, status = _run_rows(bench, options, setting)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if rows:
        _write(bench, options, rows, about)
    return status

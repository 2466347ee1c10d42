"""The command line of `./dev bench object`."""

import argparse
import pathlib
import shutil
import signal
import sys
import time

from bench.object import machine, report, rows_large, rows_small
from bench.object.processes import BenchError
from bench.object.rows import Setting

ROWS = {
    "put-small": rows_small.put_small,
    "get-small": rows_small.get_small,
    "get-large": rows_large.get_large,
    "put-large": rows_large.put_large,
}


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev bench object",
        description="Measures the object half beside what the machine itself can do: ratios within "
                    "one run, medians of interleaved runs, processor time per operation.")
    parser.add_argument("--rows", default=",".join(ROWS), help="which, by comma: " + ", ".join(ROWS))
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs of a row (1 to 25)")
    parser.add_argument("--seconds", type=int, default=5, help="of a measurement (1 to 60)")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: for trying out")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-object"),
                        help="where the results go, and what is made on the way; its disk is "
                             "the one that is measured")
    parser.add_argument("--strata", default="build/release/strata", help="the program to measure")
    options = parser.parse_args(arguments)
    options.names = [name for name in options.rows.split(",") if name]
    unknown = [name for name in options.names if name not in ROWS]
    if unknown or not options.names:
        parser.error(f"there is no row {', '.join(unknown) or 'asked for'}")
    if not 1 <= options.runs <= 25 or not 1 <= options.seconds <= 60:
        parser.error("--runs is 1 to 25 and --seconds 1 to 60")
    if options.quick:
        options.runs, options.seconds = min(options.runs, 3), min(options.seconds, 2)
    return options


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def _interrupt(*_):
    raise KeyboardInterrupt


def main(arguments):
    options = parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    options.out.mkdir(parents=True, exist_ok=True)
    folder = options.out.absolute() / "scratch"
    folder.mkdir(exist_ok=True)
    setting = Setting(options.strata, folder, options.seconds, options.runs, options.quick,
                      40 << 30, say)
    about = machine.describe(folder)
    rows = []
    status = 0
    try:
        for name in options.names:
            rows.append(ROWS[name](setting))
    except BenchError as error:
        print(f"bench: {name}: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("bench: interrupted; what was made is removed", file=sys.stderr)
        status = 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if rows:
        (options.out / "report.json").write_text(report.to_json(rows, about, vars(options)))
        print(report.table(rows))
        print("\n".join(report.remarks(rows)))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

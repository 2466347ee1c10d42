"""`./dev bench object`: what it measures, in which order."""

import sys

from bench.common import command, report
from bench.object import rows_large, rows_memory, rows_small, rows_stored
from bench.object.setting import ObjectSetting

BENCH = command.Bench(
    words=report.Words(
        schema="strata-bench-object-1", command="./dev bench object",
        title="The object half beside the machine",
        conditions="The three drives are folders of that one disk. CPU is processor time per operation "
                   "(a request, or a key of LIST) in microseconds."),
    description="Measures the object half beside what the machine itself can do: ratios within one "
                "run, medians of interleaved runs, processor time per operation.",
    epilog="All rows together take about half an hour; a row alone some two minutes, those of stored "
           "keys ten.",
    quick="two runs of two seconds, 100,000 keys, uploads of 64 MiB, 2,000 connections",
    out="build/bench-object", disk_gib=40,
    tools={"wrk": ["wrk", "--version"], "fio": ["fio", "--version"],
           "openssl": ["openssl", "version"]},
    steps=(
        (("put-small",), rows_small.put_small),
        (("get-small",), rows_small.get_small),
        (("get-large",), rows_large.get_large),
        (("put-large",), rows_large.put_large),
        (rows_stored.NAMES, rows_stored.run),
        (("memory-uploads",), rows_memory.uploads),
        (("memory-idle",), rows_memory.idle),
    ),
    setting=ObjectSetting)

if __name__ == "__main__":
    sys.exit(command.run(BENCH, sys.argv[1:]))

"""`./dev bench block`: what it measures, in which order."""

import sys

from bench.block import rows, rows_guest, rows_volume, rows_wires
from bench.common import command, report


BENCH = command.Bench(
    words=report.Words(
        schema="strata-bench-block-1", command="./dev bench block",
        title="The block half beside other NBD servers",
        conditions="All servers serve a file of the same size on that disk to fio's nbd engine over a "
                   "Unix socket; `against` is the best of the peers named in the row. CPU is processor "
                   "time per request in microseconds."),
    description="Measures volumes over NBD beside qemu-nbd, qemu-storage-daemon, nbdkit and fio on the raw "
                "file: ratios within one run, processor time of the server per request.",
    epilog="All rows together take about twenty minutes.",
    quick="two runs of two seconds, disks of 256 MiB",
    out="build/bench-block", disk_gib=24,
    tools={"fio": ["fio", "--version"], "qemu-nbd": ["qemu-nbd", "--version"],
           "qemu-storage-daemon": ["qemu-storage-daemon", "--version"],
           "nbdkit": ["nbdkit", "--version"]},
    steps=((rows.NAMES, rows.run), (rows_wires.NAMES, rows_wires.run),
           (rows_guest.NAMES, rows_guest.run), (rows_volume.NAMES, rows_volume.run)))

if __name__ == "__main__":
    sys.exit(command.run(BENCH, sys.argv[1:]))

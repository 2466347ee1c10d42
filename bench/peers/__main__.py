"""`./dev bench peers`: the jobs, the order, the table."""

import argparse
import contextlib
import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

from bench.common import machine
from bench.common.command import catch_interrupts, say
from bench.common.processes import BenchError
from bench.common.setting import make_scratch
from bench.common.stats import BUSY_SHARE_MAX
from bench.compare import fio
from bench.compare.model import KIB, MIB, Load
from bench.compare.numbers import rate, time
from bench.compare.spread import summary
from bench.peers import blocks, objects
from bench.peers.ground import Ground

SCHEMA = "strata-bench-peers-1"
# (load, operations under way, how many objects)
OBJECT_JOBS = ((Load("put-4k", "PUT of 4 KiB", "randwrite", 4 * KIB, durable=True), 16, 1024),
               (Load("get-4k", "GET of 4 KiB", "randread", 4 * KIB), 16, 1024),
               (Load("put-1m", "PUT of 1 MiB", "randwrite", MIB, durable=True), 4, 64),
               (Load("get-1m", "GET of 1 MiB", "randread", MIB), 4, 64))
BLOCK_JOBS = ((Load("read-4k", "random read of 4 KiB", "randread", 4 * KIB), 32, 0),
              (Load("write-4k", "durable random write of 4 KiB", "randwrite", 4 * KIB, durable=True), 16, 0),
              (Load("read-1m", "sequential read of 1 MiB", "read", MIB), 8, 0))
HALVES = {"object": (objects.PEERS, OBJECT_JOBS), "block": (blocks.PEERS, BLOCK_JOBS)}


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev bench peers", description="Both halves beside whatever else of their kind is installed: the "
        "same fio jobs, one server at a time; what is missing is listed.")
    parser.add_argument("--half", choices=(*HALVES, "both"), default="both")
    parser.add_argument("--only", help="these servers, by comma")
    parser.add_argument("--runs", type=int, default=3, choices=range(1, 26), metavar="N")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench-peers"))
    parser.add_argument("--fio", default=None)
    parser.add_argument("--strata", default="build/release/strata")
    options = parser.parse_args(arguments)
    if not 0.2 <= options.seconds <= 60:
        parser.error("--seconds is 0.2 to 60")
    objects.Strata.binary = blocks.servers.Strata.binary = options.strata
    return options


def prepare(peer, ground, jobs):
    """Writes what reads will ask for."""
    for size, count in {(load.bytes, count) for load, _, count in jobs}:
        job = peer.job(Load("fill", "", "write", size), 4, None, count)
        fio.execute(ground.fio, job, ground.folder / f"fill-{size}", fio.FILL_SECONDS, ground.environment)


def measure_peer(kind, ground, jobs, run, raw):
    """{operation: record} of one start of one server."""
    out = {}
    with kind(ground) as peer:
        prepare(peer, ground, jobs)
        for load, concurrency, count in jobs:
            say(f"run {run}: {kind.name}, {load.title}")
            files = raw / f"{kind.name}-{load.operation}-run{run}"
            made = fio.measure(ground, peer.job(load, concurrency, ground.seconds, count), files, load.durable,
                               peer.pids())
            out[load.operation] = dataclasses.asdict(made)
    return out


def measure(half, options, ground, raw):
    """[{name, durability, missing, runs}] of all peers of a half; their runs alternate."""
    kinds, jobs = HALVES[half]
    wanted = options.only.split(",") if options.only else [kind.name for kind in kinds]
    peers = [{"name": kind.name, "durability": kind.durability, "missing": kind.missing(), "runs": []}
             for kind in kinds if kind.name in wanted]
    by_name = {kind.name: kind for kind in kinds}
    for run in range(1, options.runs + 1):
        for peer in peers:
            if peer["missing"]:
                continue
            try:
                peer["runs"].append(measure_peer(by_name[peer["name"]], ground, jobs, run, raw))
            except (BenchError, OSError, subprocess.SubprocessError) as error:
                peer["missing"] = f"failed: {error}"
                say(f"{peer['name']} {peer['missing']}")
    return peers


def cells(peer, operation):
    runs = [run[operation] for run in peer["runs"]]
    if not runs:
        return [peer["missing"] or "-", "-", "-", "-"]
    cpu = summary([run["server_cpu_us"] for run in runs])
    return [rate(summary([run["operations_per_second"] for run in runs])["median"]),
            time(summary([run["latency_us"]["50"] for run in runs])["median"]),
            time(summary([run["latency_us"]["99"] for run in runs])["median"]),
            time(cpu["median"]) if cpu else "-"]


def markdown(report):
    lines = ["# Both halves beside their peers", "",
             f"{report['settings']['runs']} runs of {report['settings']['seconds']:g} s each, in turn; medians. "
             "Clients and servers share the cores. Durability differs: it is stated, and an answer that "
             "promises less is cheaper.", ""]
    for half, peers in report["halves"].items():
        for load, concurrency, _ in HALVES[half][1]:
            lines += [f"## {load.title}, {concurrency} under way", "",
                      "| server | operations/s | p50 | p99 | server CPU | durability |",
                      "|---|---:|---:|---:|---:|---|"]
            lines += ["| " + " | ".join([peer["name"], *cells(peer, load.operation), peer["durability"]]) + " |"
                      for peer in peers] + [""]
    busy = max((run["others_share"] + run["steal_share"] for peers in report["halves"].values()
                for peer in peers for some in peer["runs"] for run in some.values()), default=0)
    if busy > BUSY_SHARE_MAX:
        lines += [f"Others used up to {busy:.0%} of the cores: not to be trusted.", ""]
    return "\n".join(lines)


def main(arguments):
    options = parse(arguments)
    catch_interrupts()
    raw = options.out / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    report = {"schema": SCHEMA, "settings": vars(options), "halves": {}}
    folder = make_scratch(options.out.absolute())
    try:
        ground = Ground(folder, fio.find(options.fio), options.seconds)
        report["machine"] = machine.describe(folder, {"fio": [ground.fio, "--version"]})
        with contextlib.suppress(KeyboardInterrupt):
            for half in HALVES if options.half == "both" else (options.half,):
                report["halves"][half] = measure(half, options, ground, raw)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    (options.out / "report.json").write_text(json.dumps(report, indent=1, default=str) + "\n")
    (options.out / "report.md").write_text(markdown(report))
    print(markdown(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""PostgreSQL with pgbench on a folder: the real thing behind "database data files".

A cluster of its own with Debian's settings but for its sizes, run as the user postgres, reached by a socket,
flushing as it always does (fsync and synchronous_commit stay on), with checksums.
"""

import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import subprocess

from bench.common.processes import BenchError, Meter
from bench.compare import spread
from bench.compare.model import UNTRIED, Measurement

USER = "postgres"
SCALE = 10  # 150 MB: a million accounts
CREATE_SECONDS = 150
STOP_SECONDS = 60
GRACE_SECONDS = 60
LOG_LINES_MAX = 5_000_000


def programs():
    """The folder of PostgreSQL's programs; None if it is not installed."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    return pathlib.Path(folders[-1]) if folders else None


def why_not(folder):
    if os.geteuid() != 0:
        return "PostgreSQL is run as another user, which needs root"
    if not programs():
        return "postgresql is not installed"
    if subprocess.run(["runuser", "-u", USER, "--", "test", "-x", str(folder)], check=False).returncode:
        return f"the user {USER} may not enter {folder}: choose another --out"
    return ""


class Cluster:
    """On a folder that belongs to the user postgres; stopped when the stage is left."""

    def __init__(self, stage, folder, name):
        reason = why_not(stage.folder)
        if reason:
            raise BenchError(UNTRIED + reason)
        self.stage, self.data = stage, folder / "pg"
        self.sockets = stage.folder / f"pg-{name}"
        self.sockets.mkdir()
        shutil.chown(self.sockets, USER, USER)
        stage.on_exit(self.stop)
        self._create()

    def run(self, program, *arguments, seconds=CREATE_SECONDS):
        try:
            made = subprocess.run(["runuser", "-u", USER, "--", str(programs() / program),
                                   *map(str, arguments)], capture_output=True, text=True, cwd="/",
                                  timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{program} did not end within {seconds} s") from None
        if made.returncode != 0:
            raise BenchError(f"{program} failed: {(made.stderr or made.stdout).strip()[-300:]}")
        return made.stdout

    def _create(self):
        self.data.mkdir()
        with contextlib.suppress(OSError):  # a mounted bucket has one owner for all
            shutil.chown(self.data, USER, USER)
            self.data.chmod(0o700)
        self.run("initdb", "-D", self.data, "--auth=trust", "--data-checksums")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{self.sockets}'\n"
                           "shared_buffers = 64MB\nmax_wal_size = 256MB\n")
        self.start()
        self.run("pgbench", "-h", self.sockets, "-i", "-q", "-s", SCALE, "postgres")
        self.stop()

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-t", CREATE_SECONDS, "-l", self.sockets / "log", "start",
                 seconds=CREATE_SECONDS + 10)

    def stop(self):
        """In order if it can be; at the end of the stage it may be anything."""
        for how in ("fast", "immediate"):
            if not (self.data / "postmaster.pid").exists():
                return
            with contextlib.suppress(BenchError):
                self.run("pg_ctl", "-D", self.data, "-w", "-t", STOP_SECONDS, "-m", how, "stop",
                         seconds=STOP_SECONDS + 10)

    def measure(self, side, clients, files):
        """It runs only while it is measured: its checkpoints are not to disturb the other rows."""
        self.start()
        try:
            return self._measure(side, clients, files)
        finally:
            self.stop()

    def _measure(self, side, clients, files):
        """A Measurement of pgbench's own transaction (TPC-B like): three updates, a select, an insert."""
        stage = self.stage
        log = self.sockets / f"pgbench-{clients}"
        for old in self.sockets.glob(f"{log.name}.*"):
            old.unlink()
        before = stage.requests()
        meter = Meter(stage.pids(side)).start()
        told = self.run("pgbench", "-h", self.sockets, "-n", "-c", clients, "-j", min(clients, 2), "-T",
                        max(1, round(stage.seconds)), "-l", "--log-prefix", log, "postgres",
                        seconds=stage.seconds + GRACE_SECONDS)
        meter.stop()
        files.with_suffix(".pgbench.txt").write_text(told)
        latencies = self._latencies(log)
        out = Measurement(operations=len(latencies), latency_us=spread.percentiles(latencies),
                          latency_us_mean=sum(latencies) / len(latencies), seconds=meter.seconds,
                          others_share=meter.others_share, steal_share=meter.steal_share)
        out.operations_per_second = parse_rate(told)
        if stage.pids(side):
            out.server_cpu_us = meter.server_cpu * 1e6 / out.operations
            out.requests = stage.requests_since(before)
        out.extra["storage_written_bytes_per_transaction"] = meter.written / out.operations
        return out

    def _latencies(self, log):
        out = []
        for path in self.sockets.glob(f"{log.name}.*"):
            with open(path, encoding="ascii") as lines:
                out += [float(line.split()[2]) for _, line in zip(range(LOG_LINES_MAX), lines)]
        if not out:
            raise BenchError("pgbench ended no transaction")
        return out


def parse_rate(text):
    """Transactions a second of pgbench's summary."""
    for line in text.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    raise BenchError("pgbench gave no summary: " + text[-300:])


def owner():
    """(uid, gid) of the user that PostgreSQL runs as; None without it."""
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam(USER)
        return entry.pw_uid, entry.pw_gid
    return None

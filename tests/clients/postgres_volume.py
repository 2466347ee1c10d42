"""PostgreSQL on an attached volume, and what must be true of it after the server was killed.

    python3 tests/clients/postgres_volume.py [ROUNDS] [SECONDS-A-ROUND]

runs the long form (20 rounds of 15 seconds, alternating between ext4 and xfs) and prints what it saw.
Needs root, FUSE, loop devices and Debian's postgresql.
"""

import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import unittest

from attached_volume import AttachedVolumes, why_not
from strata_server import wait_for


def binaries():
    """The folder of PostgreSQL's programs; None if it is not installed."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    return pathlib.Path(folders[-1]) if folders else None


def why_not_postgres(filesystem):
    reason = why_not(f"mkfs.{filesystem}", "runuser")
    return reason or ("" if binaries() else "postgresql not installed")


class Postgres:
    """One cluster on a folder, run as the user postgres, reached by a socket beside it."""

    def __init__(self, folder, socket_folder):
        self.bin, self.data, self.sockets = binaries(), folder / "pg", socket_folder
        self.log = socket_folder / "log"
        self.postmaster = None

    def run(self, program, *arguments, check=True, timeout=120, **options):
        run = subprocess.run(["runuser", "-u", "postgres", "--", str(self.bin / program),
                              *map(str, arguments)], capture_output=True, text=True, cwd="/",
                             timeout=timeout, **options)
        if check and run.returncode != 0:
            raise RuntimeError(f"{program} {arguments}: {run.stdout[-1500:]} {run.stderr[-1500:]}")
        return run

    def create(self):
        self.data.mkdir()
        shutil.chown(self.data, "postgres", "postgres")
        self.data.chmod(0o700)
        self.run("initdb", "-D", self.data, "--auth=trust", "--data-checksums")
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{self.sockets}'\n"
                           "shared_buffers = 64MB\nmax_wal_size = 128MB\ncheckpoint_timeout = 30s\n"
                           # Recovery flushes the filesystem as a whole, not each of a thousand files.
                           "recovery_init_sync_method = syncfs\n")
            # initdb has flushed what it wrote. What is not flushed may be gone, or zeroes, after a kill.
            settings.flush()
            os.fsync(settings.fileno())

    def start(self):
        """Starts the postmaster as this process's own child, without pg_ctl: a killed one is then reaped
        here. Left to process 1, which does not reap in every container, it would stay in the process
        table, and the next one would take its lock file for that of a living server."""
        with open(self.log, "ab") as log:
            self.postmaster = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data], user="postgres", group="postgres",
                extra_groups=[], cwd="/", start_new_session=True, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        try:
            wait_for(self._ready, 200, "PostgreSQL to accept connections")
        except TimeoutError as late:
            raise TimeoutError(f"{late}: {self.log_end()}") from late

    def _ready(self):
        if self.postmaster.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended with {self.postmaster.returncode}: {self.log_end()}")
        return self.run("pg_isready", "-q", "-h", self.sockets, check=False).returncode == 0

    def log_end(self):
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self):
        self.postmaster.send_signal(signal.SIGINT)  # the fast shutdown
        self.postmaster.wait(60)

    def processes(self):
        """The cluster's living processes. They rename themselves, but all work in the data folder."""
        found = []
        for entry in glob.glob("/proc/[0-9]*/cwd"):
            try:
                if os.readlink(entry) == str(self.data):
                    found.append(int(entry.split("/")[2]))
            except OSError:
                continue  # it has ended
        return found

    def kill(self):
        """As the power would: the disk is gone, so nothing can be ended in order."""
        if self.postmaster is None:
            return
        self.postmaster.kill()
        self.postmaster.wait(30)
        wait_for(self._none_left, 30, "PostgreSQL to be gone")

    def _none_left(self):
        left = self.processes()
        for process in left:
            try:
                signal.pidfd_send_signal(os.pidfd_open(process), signal.SIGKILL)
            except OSError:
                pass
        return not left

    def sql(self, text):
        return self.run("psql", "-h", self.sockets, "-d", "postgres", "-X", "-A", "-t", "-q",
                        "-v", "ON_ERROR_STOP=1", "-c", text).stdout.strip()

    def client(self, program, *arguments, **options):
        return subprocess.Popen(["runuser", "-u", "postgres", "--", str(self.bin / program), "-h",
                                 str(self.sockets), *map(str, arguments)], cwd="/", text=True,
                                stderr=subprocess.DEVNULL, **options)


class Ledger:
    """Inserts 1, 2, 3 ... one transaction each, and remembers what was answered."""

    def __init__(self, postgres, first):
        self.first = self.acknowledged = first
        self.psql = postgres.client("psql", "-d", "postgres", "-X", "-A", "-t", "-q", stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        number = self.first
        try:
            while True:
                number += 1
                self.psql.stdin.write(f"INSERT INTO ledger VALUES ({number}) RETURNING number;\n")
                self.psql.stdin.flush()
                if self.psql.stdout.readline().strip() != str(number):
                    return
                self.acknowledged = number
        except (OSError, ValueError):
            pass

    def end(self):
        self.psql.kill()
        self.psql.wait(30)
        self.thread.join(30)
        return self.acknowledged


class PostgresOnVolume(AttachedVolumes):
    """Kill, restart, attach, recover, check; `rounds` times."""

    def crash_rounds(self, filesystem, rounds, seconds):
        reason = why_not_postgres(filesystem)
        if reason:
            self.skipTest(reason)
        for folder in (self.folder, self.mount.parent):
            folder.chmod(0o755)
        sockets = self.folder / "run"
        sockets.mkdir()
        shutil.chown(sockets, "postgres", "postgres")
        self.verb("create", "db", "1G")
        self.attach("db", "--mkfs", filesystem, "--mount", str(self.mount))
        self.mount.chmod(0o755)
        postgres = Postgres(self.mount, sockets)
        self.addCleanup(postgres.kill)
        postgres.create()
        postgres.start()
        postgres.sql("CREATE TABLE ledger (number bigint PRIMARY KEY)")
        postgres.run("pgbench", "-h", sockets, "-i", "-q", "-s", "4", "postgres")
        known = 0
        for _ in range(rounds):
            known = self.one_round(postgres, known, seconds)
        postgres.stop()
        return known

    def one_round(self, postgres, known, seconds):
        load = postgres.client("pgbench", "-n", "-c", "4", "-T", str(seconds + 60), "postgres",
                               stdout=subprocess.DEVNULL)
        ledger = Ledger(postgres, known)
        threading.Event().wait(seconds)  # the load that the kill is to hit
        self.server.kill()
        acknowledged = ledger.end()
        load.terminate()
        load.wait(60)
        postgres.kill()
        self.assertGreater(acknowledged, known, "nothing was written in this round")
        self.server.start()
        self.assertEqual(self.attach("db")["mount"], str(self.mount))
        postgres.start()
        self.check(postgres, acknowledged)
        return int(postgres.sql("SELECT coalesce(max(number), 0) FROM ledger"))

    def check(self, postgres, acknowledged):
        # Every answered insert is there; at most the one under way may be there too.
        count, top = map(int, postgres.sql("SELECT count(*), max(number) FROM ledger").split("|"))
        self.assertEqual(count, top, "a hole in the ledger")
        self.assertGreaterEqual(top, acknowledged)
        self.assertLessEqual(top, acknowledged + 1)
        # pgbench moves money: the four sums are one number.
        sums = postgres.sql("SELECT (SELECT sum(abalance) FROM pgbench_accounts),"
                            "(SELECT sum(bbalance) FROM pgbench_branches),"
                            "(SELECT sum(tbalance) FROM pgbench_tellers),"
                            "(SELECT coalesce(sum(delta), 0) FROM pgbench_history)").split("|")
        self.assertEqual(len(set(sums)), 1, sums)
        postgres.run("pg_amcheck", "-h", postgres.sockets, "--install-missing", "--heapallindexed",
                     "-d", "postgres", timeout=300)


class LongForm(PostgresOnVolume):
    rounds, seconds = 20, 15

    def test_ext4(self):
        print("acknowledged:", self.crash_rounds("ext4", (self.rounds + 1) // 2, self.seconds))

    def test_xfs(self):
        print("acknowledged:", self.crash_rounds("xfs", self.rounds // 2, self.seconds))


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:3]]
    LongForm.rounds, LongForm.seconds = (numbers + [20, 15][len(numbers):])[:2]
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(LongForm)
    sys.exit(0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1)

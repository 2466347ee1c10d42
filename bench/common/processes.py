"""Processes that the bench starts: ended by their own id, never left behind, their cost measured."""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time

from bench.common.stats import Sample

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 40
TICKS = os.sysconf("SC_CLK_TCK")
KERNEL_PID = 2  # the parent of its threads
CORES = os.cpu_count() or 1
_libc = ctypes.CDLL(None)


class BenchError(Exception):
    """An expected failure; the message says what to do."""


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process of ours. Ctrl-C reaches only the bench, which stops its children in order; they
    die with it when it is killed."""

    def __init__(self, arguments, log, environment=None):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=environment, process_group=0, preexec_fn=_die_with_parent)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def running(self):
        return self.process.poll() is None

    def stop(self):
        if not self.running():
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_listening(self, port, name, seconds):
        """Returns when something of ours listens on the port of loopback."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if not self.running() or time.monotonic() > deadline:
                    raise BenchError(f"{name} did not start: " + self.tail()) from None
                time.sleep(0.02)

    def with_workers(self):
        """The ids of the process and of those that it started."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [self.pid, *map(int, children.read_text().split())]

    def tail(self, count=2000):
        return self.log.read_text(errors="replace")[-count:] if self.log.exists() else ""


def run_tool(arguments, log, seconds, environment=None):
    """Runs a load tool to its end. Gives its output and the processor time it used, in seconds."""
    log = pathlib.Path(log)
    log.unlink(missing_ok=True)
    before = children_cpu_seconds()
    with Child(arguments, log, environment) as child:
        try:
            status = child.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{arguments[0]} did not end within {seconds} s; see {log}") from None
    if status != 0:
        raise BenchError(f"{arguments[0]} ended with status {status}: {child.tail(600)}")
    return log.read_text(errors="replace"), children_cpu_seconds() - before


def children_cpu_seconds():
    """Processor time of our children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def parse_stat_cpu(text):
    """utime + stime of a /proc/PID/stat line, in ticks (proc(5)); the name may hold anything."""
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[11]) + int(fields[12])


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        total += parse_stat_cpu(pathlib.Path(f"/proc/{pid}/stat").read_text())
    return total / TICKS


def memory_bytes(pid, field):
    """VmRSS or VmHWM of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise BenchError(f"process {pid} has no {field}")


def parse_machine_cpu(line):
    """(busy, steal) ticks of the first line of /proc/stat. Interrupts are left out: they are nobody's,
    and most of them are our own traffic over loopback."""
    user, nice, system, _idle, _iowait, _irq, _softirq, steal = map(int, line.split()[1:9])
    return user + nice + system, steal


def parse_io(text):
    """(read, written) bytes that reached the storage, of a /proc/PID/io (proc(5))."""
    fields = dict(line.split(": ") for line in text.splitlines())
    return int(fields["read_bytes"]), int(fields["write_bytes"])


def storage_bytes(pids):
    """(read, written) bytes of the processes; zeros where the kernel does not count them."""
    read = written = 0
    for pid in pids:
        try:
            one = parse_io(pathlib.Path(f"/proc/{pid}/io").read_text())
        except (OSError, KeyError):
            continue
        read, written = read + one[0], written + one[1]
    return read, written


# In the environment of everything that the bench starts, also of what detaches itself from it.
RUN_MARK = "BENCH_RUN"
os.environ[RUN_MARK] = str(os.getpid())


def ticks_of_company(proc=pathlib.Path("/proc")):
    """{pid: ticks} of what works for the bench without being its child or a metered server: databases and
    mounts that it started, by the mark in their environment or their parent's (PostgreSQL's backends write
    their titles over it), and the kernel's own threads."""
    mark, ticks, parents, marked = f"{RUN_MARK}={os.getpid()}".encode(), {}, {}, {KERNEL_PID}
    for folder in proc.glob("[0-9]*"):
        pid = int(folder.name)
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        # Its own, and of its children that have ended: a backend lives as long as its connection.
        ticks[pid], parents[pid] = sum(map(int, fields[11:15])), int(fields[1])
        if mark in _environment(folder):
            marked.add(pid)
    return {pid: used for pid, used in ticks.items()
            if pid != os.getpid() and (pid in marked or parents[pid] in marked)}


def _environment(folder):
    """Of a process; nothing if we may not look, and of the kernel's threads: they have none to be read."""
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return ()


class Meter:
    """What goes on between start() and stop(): processor time of the servers, of ourselves and the
    load tools, and of everybody else; storage traffic of the servers. On a machine where others work
    no number is to be trusted."""

    def __init__(self, server_pids):
        self.server_pids = list(server_pids)

    def _machine(self):
        with open("/proc/stat", encoding="ascii") as file:
            return parse_machine_cpu(file.readline())

    def start(self):
        self._own = time.process_time()
        self._children = children_cpu_seconds()
        self._servers = cpu_seconds(self.server_pids)
        self._storage = storage_bytes(self.server_pids)
        self._company = ticks_of_company()
        self._busy, self._steal = self._machine()
        self._since = time.monotonic()
        return self

    def stop(self):
        self.seconds = time.monotonic() - self._since
        busy, steal = self._machine()
        self.server_cpu = cpu_seconds(self.server_pids) - self._servers
        read, written = storage_bytes(self.server_pids)
        self.read, self.written = read - self._storage[0], written - self._storage[1]
        self.client_cpu = (time.process_time() - self._own
                           + children_cpu_seconds() - self._children)
        whole = max(self.seconds, 1e-9) * CORES
        used = (busy - self._busy) / TICKS
        company = sum(ticks - self._company.get(pid, 0) for pid, ticks in ticks_of_company().items()
                      if pid not in self.server_pids) / TICKS
        self.others_share = max(0.0, used - self.server_cpu - self.client_cpu - company) / whole
        self.steal_share = (steal - self._steal) / TICKS / whole
        return self

    def sample(self, value, operations, **more):
        """A Sample with what was metered, per operation."""
        served = bool(self.server_pids)
        return Sample(
            value=value, operations=operations,
            server_cpu_us=self.server_cpu * 1e6 / operations if served else None,
            client_cpu_us=self.client_cpu * 1e6 / operations,
            disk_read_bytes=self.read / operations if served else None,
            disk_written_bytes=self.written / operations if served else None,
            others_share=self.others_share, steal_share=self.steal_share, **more)


def others_share(seconds):
    """The share of all cores that anybody but us uses, over the next `seconds`."""
    meter = Meter([]).start()
    time.sleep(seconds)
    return meter.stop().others_share + meter.steal_share

"""Resident memory: 64 uploads of 1 GiB at once, and 10,000 idle connections."""

import contextlib
import hashlib
import os
import pathlib
import random
import resource
import threading

from bench.common.processes import BenchError, Meter, memory_bytes
from bench.common.row import Row
from bench.common.setting import GIB
from bench.object import client
from bench.object.rows import SmallBodies, key_of
from bench.object.setting import REPLICAS

MIB = 1 << 20
UPLOADS = 64
UPLOAD_BYTES = GIB
QUICK_UPLOAD_BYTES = 64 * MIB
PIECE_BYTES = MIB
IDLE = 10_000
QUICK_IDLE = 2_000
IDLE_CHECKED = 200
SPARE_DESCRIPTORS = 500
IDLE_DISK_BYTES = GIB


def _limit(name, title, mib):
    return Row(name, title, "a limit", "MiB", mib, at_least=False, reached_unit="MiB")


def _reset_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM begins anew, proc(5)


class Upload:
    """One PUT of a length that is declared at once and sent in pieces."""

    def __init__(self, server, key, length, piece, etag):
        self.server, self.key, self.length = server, key, length
        self.piece, self.etag = piece, etag

    def run(self, connection, together):
        connection.send_head("PUT", self.server.target("PUT", self.key), self.length)
        together.wait(client.TIMEOUT_SECONDS)
        for _ in range(self.length // PIECE_BYTES - 1):
            connection.socket.sendall(self.piece)
        together.wait(client.TIMEOUT_SECONDS)  # all are under way until the last piece is sent
        connection.socket.sendall(self.piece)
        status, headers, _ = connection.read_head()
        if status != 200 or headers.get("etag", "").strip('"') != self.etag:
            raise BenchError(f"an upload was answered {status} or with the wrong ETag")


def etag_of(piece, count):
    digest = hashlib.md5(usedforsecurity=False)
    for _ in range(count):
        digest.update(piece)
    return digest.hexdigest()


def uploads(setting, _wanted):
    full = QUICK_UPLOAD_BYTES if setting.quick else UPLOAD_BYTES
    # What the disk does not hold is not declared, the server would refuse it: an upload's memory
    # does not depend on how long it is.
    budget = setting.disk_bytes_max // (UPLOADS * REPLICAS) // PIECE_BYTES * PIECE_BYTES
    length = max(min(full, budget), PIECE_BYTES)
    setting.need(length * UPLOADS * REPLICAS)
    row = _limit("memory-uploads",
                 f"memory, {UPLOADS} uploads of {length // MIB:,} MiB at once", 512)
    row.notes.append("Peak resident memory (VmHWM) of the server, reset before; single PUTs, three "
                     "replicas, every upload open until all were sent.")
    if length < full:
        row.notes.append(f"Uploads of {length // MIB} MiB instead of {full // MIB:,} MiB, because "
                         "of --disk-max: all of them would need "
                         f"{full * UPLOADS * REPLICAS / GIB:.0f} GiB.")
    piece = os.urandom(PIECE_BYTES)
    etag = etag_of(piece, length // PIECE_BYTES)
    with setting.server("memory-uploads") as server:
        setting.say(f"{UPLOADS} uploads of {length // MIB} MiB")
        row.details["resident_before_bytes"] = memory_bytes(server.pid, "VmRSS")
        _reset_peak(server.pid)
        together = threading.Barrier(UPLOADS)

        def job(number):
            upload = Upload(server, f"upload-{number}", length, piece, etag)

            def send(connection):
                try:
                    upload.run(connection, together)
                except BaseException:
                    together.abort()  # the others must not wait for this one
                    raise
            return send

        meter = Meter([server.pid]).start()
        client.in_parallel(server.address, [job(n) for n in range(UPLOADS)])
        meter.stop()
        peak = memory_bytes(server.pid, "VmHWM")
        row.details["resident_after_bytes"] = memory_bytes(server.pid, "VmRSS")
        row.details["bytes_per_second"] = length * UPLOADS / meter.seconds
        row.ours.append(meter.sample(peak / MIB, UPLOADS))
    row.reached = peak / MIB
    row.notes.append(f"Resident before {row.details['resident_before_bytes'] / MIB:.0f} MiB, after "
                     f"{row.details['resident_after_bytes'] / MIB:.0f} MiB; received "
                     f"{row.details['bytes_per_second'] / 1e6:,.0f} MB/s.")
    return [row]


def _allow_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise BenchError(f"{count:,} open files are needed, 'ulimit -Hn' allows {hard:,}")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))  # the server inherits it


def idle(setting, _wanted):
    count = QUICK_IDLE if setting.quick else IDLE
    row = _limit("memory-idle", f"memory, {count:,} idle connections", 256)
    row.notes.append("Peak resident memory (VmHWM) of the server. Each connection had one GET of "
                     f"4 KiB answered and stays open; {IDLE_CHECKED} of them, picked at random, "
                     "answer again at the end.")
    setting.need(IDLE_DISK_BYTES)
    _allow_descriptors(count + SPARE_DESCRIPTORS)
    bodies, key = SmallBodies(), key_of(0)
    with setting.server("memory-idle") as server:
        setting.say(f"{count:,} connections")
        client.fill(server, [key], bodies.of, connections=1)
        row.details["resident_before_bytes"] = memory_bytes(server.pid, "VmRSS")
        _reset_peak(server.pid)
        target, body = server.target("GET", key), bodies.of(key)
        meter = Meter([server.pid]).start()
        with contextlib.ExitStack() as stack:
            connections = []
            for _ in range(count):
                connection = client.Connection(server.address)
                stack.callback(connection.socket.close)
                connections.append(connection)
                if connection.get(target) != body:
                    raise BenchError("GET gave other bytes than were put")
            row.details["resident_idle_bytes"] = memory_bytes(server.pid, "VmRSS")
            for connection in random.sample(connections, IDLE_CHECKED):
                if connection.get(target) != body:
                    raise BenchError("an idle connection answered wrongly")
            peak = memory_bytes(server.pid, "VmHWM")
        row.ours.append(meter.stop().sample(peak / MIB, count))
    row.reached = peak / MIB
    row.notes.append(f"Resident before {row.details['resident_before_bytes'] / MIB:.0f} MiB, idle "
                     f"{row.details['resident_idle_bytes'] / MIB:.0f} MiB.")
    return [row]

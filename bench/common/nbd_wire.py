"""A client of NBD's own wire, for what fio's nbd engine cannot say: writes with FUA, and what a second
writer is told. One request after the other, simple replies (doc/proto.md of NetworkBlockDevice/nbd)."""

import os
import socket
import struct
import time

from bench.common.processes import BenchError

OPTION_MAGIC, REPLY_MAGIC = b"IHAVEOPT", 0x3E889045565A9
REQUEST_MAGIC, ANSWER_MAGIC = 0x25609513, 0x67446698
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
OPTION_GO, REP_ACK, REP_INFO, REP_ERROR = 7, 1, 3, 1 << 31
WRITE, FLUSH, DISCONNECT = 1, 3, 2
FUA = 1
TIMEOUT_SECONDS = 60
REPLY_BYTES_MAX = 4096
REPLIES_MAX = 16


class Refused(BenchError):
    """The server does not give the export; in its words."""


class Wire:
    def __init__(self, path, export):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.socket.connect(str(path))
        self.size_bytes = 0
        try:
            self._greet(export.encode())
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.socket.sendall(struct.pack(">IHHQQI", REQUEST_MAGIC, 0, DISCONNECT, 0, 0, 0))
        except OSError:
            pass
        self.socket.close()

    def _take(self, count):
        data = self.socket.recv(count, socket.MSG_WAITALL)
        if len(data) != count:
            raise BenchError("the NBD server closed the connection")
        return data

    def _greet(self, export):
        if self._take(18)[:16] != b"NBDMAGIC" + OPTION_MAGIC:
            raise BenchError("this is no NBD server of today")
        asked = struct.pack(">I", len(export)) + export + struct.pack(">H", 0)
        self.socket.sendall(struct.pack(">I", FIXED_NEWSTYLE | NO_ZEROES) + OPTION_MAGIC
                            + struct.pack(">II", OPTION_GO, len(asked)) + asked)
        for _ in range(REPLIES_MAX):
            magic, _, kind, length = struct.unpack(">QIII", self._take(20))
            if magic != REPLY_MAGIC or length > REPLY_BYTES_MAX:
                raise BenchError("this is no NBD server of today")
            body = self._take(length)
            if kind & REP_ERROR:
                raise Refused(body.decode(errors="replace") or f"error {kind & ~REP_ERROR}")
            if kind == REP_ACK:
                return
            if kind == REP_INFO and body[:2] == b"\0\0":
                self.size_bytes = struct.unpack(">Q", body[2:10])[0]
        raise BenchError("the NBD server does not come to an end")

    def request(self, kind, flags=0, offset=0, data=b""):
        """Sends one and waits for its answer."""
        head = struct.pack(">IHHQQI", REQUEST_MAGIC, flags, kind, 1, offset, len(data))
        self.socket.sendall(head + data)
        magic, error, _ = struct.unpack(">IIQ", self._take(16))
        if magic != ANSWER_MAGIC or error:
            raise BenchError(f"the NBD server answered with error {error}")


def durable_writes(path, export, block, seconds, fua):
    """(writes, seconds): random writes, each on stable media before the next: by FUA, or by a flush."""
    with Wire(path, export) as wire:
        blocks = wire.size_bytes // block
        data = os.urandom(block)
        offsets = iter(struct.unpack(f"<{1 << 16}Q", os.urandom(8 << 16)) * (seconds * 4))
        count, started = 0, time.monotonic()
        while (passed := time.monotonic() - started) < seconds:
            at = next(offsets) % blocks * block
            if fua:
                wire.request(WRITE, FUA, at, data)
            else:
                wire.request(WRITE, 0, at, data)
                wire.request(FLUSH)
            count += 1
        return count, passed

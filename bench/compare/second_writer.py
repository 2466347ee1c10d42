"""Two clients that both want to write to one volume: what the second is told (the NBD protocol's
handshake, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md)."""

import secrets
import socket
import struct

from bench.common.processes import BenchError

TIMEOUT_SECONDS = 60
OPTION_MAGIC = 0x49484156454F5054
REPLY_MAGIC = 0x3E889045565A9
OPT_GO = 7
REP_ACK = 1
ERROR_BIT = 1 << 31
REPLY_BYTES_MAX = 64 * 1024
REPLIES_MAX = 16


class Client:
    """A connection that is in use, until it is closed, if `refused` is None."""

    def __init__(self, path, export):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_SECONDS)
        try:
            self.socket.connect(str(path))
            self.refused = self._go(export.encode())
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise BenchError("the server closed an NBD connection within its handshake")
            data += piece
        return data

    def _go(self, name):
        self._read(18)  # NBDMAGIC, IHAVEOPT and the server's flags
        self.socket.sendall(struct.pack(">I", 3))  # fixed newstyle, no zeroes
        body = struct.pack(">I", len(name)) + name + struct.pack(">H", 0)
        self.socket.sendall(struct.pack(">QII", OPTION_MAGIC, OPT_GO, len(body)) + body)
        for _ in range(REPLIES_MAX):
            magic, _, kind, length = struct.unpack(">QIII", self._read(20))
            if magic != REPLY_MAGIC or length > REPLY_BYTES_MAX:
                raise BenchError("that is no NBD server")
            text = self._read(length)
            if kind == REP_ACK:
                return None
            if kind & ERROR_BIT:
                return text.decode(errors="replace") or f"error {kind & ~ERROR_BIT}"
        raise BenchError("the NBD server does not come to an end")


def ask(path, volume):
    """What the server tells a second client that wants to write; None if it may."""
    with Client(path, f"{volume}:attach-{secrets.token_hex(16)}") as first:
        if first.refused:
            raise BenchError(f"even the first writer was refused: {first.refused}")
        with Client(path, f"{volume}:attach-{secrets.token_hex(16)}") as second:
            return second.refused

"""Thousands of connections at once: most idle, a thousand busy, some that send byte by byte and some that
close their half. All that asked are answered, memory stays bounded, and descriptors return."""

import os
import resource
import selectors
import socket
import time
import unittest

from s3_wire import Wire
from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer, wait_for

IDLE, BUSY, SLOW, HALF_CLOSED = 10_000, 1_000, 100, 100
SPARE_DESCRIPTORS = 600
ROUNDS = 3
BODY = b"busy " * 400
MEMORY_BYTES_MAX = 400 << 20
ANSWER_SECONDS = 60


class Signer(Wire):
    """Gives the bytes of a signed request, as it would send them."""

    def bytes_of(self, method, path, body=b""):
        head = f"{method} {path} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self._sign(method, path, "", {}).items())
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


class Connections(unittest.TestCase):
    def connect(self, count):
        host, port = self.server.s3_address.rsplit(":", 1)
        made = []
        for _ in range(count):
            made.append(socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS))
            self.open.append(made[-1])
        return made

    def answers(self, connections):
        """The status of one answer each, read as they come."""
        waiting = selectors.DefaultSelector()
        got = {}
        for connection in connections:
            connection.setblocking(False)
            waiting.register(connection, selectors.EVENT_READ, bytearray())
        deadline = time.monotonic() + ANSWER_SECONDS
        while waiting.get_map() and time.monotonic() < deadline:
            for entry, _ in waiting.select(1):
                piece = entry.fileobj.recv(65536)
                entry.data.extend(piece)
                head, end, rest = bytes(entry.data).partition(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                if not piece or (end and len(rest) >= length):
                    got[entry.fileobj] = int(head.split()[1]) if end else 0
                    waiting.unregister(entry.fileobj)
        for connection in connections:
            connection.setblocking(True)
        return [got.get(connection, 0) for connection in connections]

    def round_of(self, connections, signer, number):
        for at, connection in enumerate(connections):
            method, body = ("GET", b"") if (at + number) % 3 else ("PUT", BODY)
            connection.sendall(signer.bytes_of(method, f"/box/k{at % 50}", body))
        return self.answers(connections)

    def test_many_connections_are_served_within_bounds_and_let_go(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        idle = min(IDLE, hard - BUSY - SLOW - HALF_CLOSED - SPARE_DESCRIPTORS)
        if idle < 1_000:
            self.skipTest(f"{hard} descriptors are too few for this")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.open = []
        with StrataServer(environment={"STRATA_BUCKETS": "box"}) as self.server:
            pid = self.server.process.pid
            signer = Signer(self.server.s3_address, ACCESS_KEY, SECRET_KEY)
            for n in range(50):
                self.assertEqual(signer.request("PUT", f"/box/k{n}", body=BODY).status, 200)
            signer.close()
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            resting = self.connect(idle)
            slow = self.connect(SLOW)
            started = signer.bytes_of("GET", "/box/k0")
            busy = self.connect(BUSY)
            for number in range(ROUNDS):
                for connection in slow:
                    connection.sendall(started[number:number + 1])
                statuses = self.round_of(busy, signer, number)
                self.assertEqual(set(statuses), {200}, {s: statuses.count(s) for s in set(statuses)})
            half = self.connect(HALF_CLOSED)
            for connection in half:
                connection.sendall(started)
                connection.shutdown(socket.SHUT_WR)
            self.assertEqual(set(self.answers(half)), {200})
            # One of the slow ends what it began, and those that rested are there.
            slow[0].sendall(started[ROUNDS:])
            self.assertEqual(self.answers(slow[:1]), [200])
            self.assertEqual(set(self.round_of(resting[::97], signer, 0)), {200})
            self.assertLess(resident_bytes(pid), MEMORY_BYTES_MAX)
            for connection in self.open:
                connection.close()
            wait_for(lambda: self.server.status()["connections"]["http"] == 0, 60, "the connections to end")
            # The tables of the index open and close files of their own.
            wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= descriptors + 12, 60, "the descriptors")
            self.assertEqual(signer.request("GET", "/box/k1").body, BODY)
            signer.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)

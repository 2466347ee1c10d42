"""A small HTTP client for what wrk cannot do: exact counts, large bodies, checked answers.

wrk counts only transfers that ended within its time, copies a Lua body for every request, and reads
8 KiB at a time: for large objects it would measure itself. Here sends and receives are single system
calls of large buffers, and every status and ETag is checked.
"""

import hashlib
import selectors
import socket
import threading

from bench.common.processes import BenchError

TIMEOUT_SECONDS = 120
HEAD_BYTES_MAX = 64 * 1024
RECEIVE_BYTES = 256 * 1024


class Connection:
    """One keep-alive connection, one request at a time, blocking."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = f"{address[0]}:{address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send_head(self, method, target, length=None):
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\n"
        if length is not None:
            head += f"Content-Length: {length}\r\n"
        self.socket.sendall((head + "\r\n").encode())

    def read_head(self):
        """(status, headers in lower case, what came of the body)."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(HEAD_BYTES_MAX)
            if not piece or len(data) > HEAD_BYTES_MAX:
                raise BenchError("the server closed a connection within an answer")
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(lines[0].split()[1]), headers, rest

    def body(self, headers, rest):
        pieces = [rest]
        left = int(headers.get("content-length", 0)) - len(rest)
        while left > 0:
            piece = self.socket.recv(min(left, RECEIVE_BYTES))
            if not piece:
                raise BenchError("the server closed a connection within a body")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def get(self, target):
        self.send_head("GET", target)
        status, headers, rest = self.read_head()
        body = self.body(headers, rest)
        if status != 200:
            raise BenchError(f"GET was answered {status}: {body[:300]!r}")
        return body

    def drain(self, target):
        """GET, the bytes received and dropped. Gives their number."""
        self.send_head("GET", target)
        status, headers, rest = self.read_head()
        if status != 200:
            raise BenchError(f"GET was answered {status}: {rest[:300]!r}")
        buffer = bytearray(RECEIVE_BYTES)
        whole = left = int(headers["content-length"])
        left -= len(rest)
        while left > 0:
            count = self.socket.recv_into(buffer, min(left, RECEIVE_BYTES))
            if count == 0:
                raise BenchError("the server closed a connection within a body")
            left -= count
        return whole

    def put(self, target, body, etag=None):
        self.send_head("PUT", target, len(body))
        self.socket.sendall(body)
        status, headers, rest = self.read_head()
        answer = self.body(headers, rest)
        if status != 200:
            raise BenchError(f"PUT was answered {status}: {answer[:300]!r}")
        if etag is not None and headers.get("etag", "").strip('"') != etag:
            raise BenchError("PUT was answered with the wrong ETag")

    def delete(self, target):
        self.send_head("DELETE", target)
        status, headers, rest = self.read_head()
        self.body(headers, rest)
        if status != 204:
            raise BenchError(f"DELETE was answered {status}")


def in_parallel(address, jobs):
    """Runs each job, a function of a connection, on a thread of its own. The first error is raised."""
    failures = []

    def run(job):
        try:
            with Connection(address) as connection:
                job(connection)
        except (OSError, BenchError, threading.BrokenBarrierError) as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # so that Ctrl-C is seen
    if failures:
        # A broken barrier only tells that another job failed.
        first = next((f for f in failures if not isinstance(f, threading.BrokenBarrierError)), failures[0])
        raise BenchError(str(first) or type(first).__name__) from first


def md5(body):
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class _FillSlot:
    """One connection of fill(): the request under way and what came of its answer."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = b""


def fill(server, keys, body_of, connections=64, progress=None):
    """PUTs every key once, each answer checked. body_of(key) gives equally long bodies that fit into
    a socket's buffer."""
    keys = iter(keys)
    done = 0
    selector = selectors.DefaultSelector()
    slots = []
    try:
        for _ in range(connections):
            slot = _FillSlot(server.address)
            slots.append(slot)
            if _send_next(server, slot, keys, body_of):
                selector.register(slot.socket, selectors.EVENT_READ, slot)
        while selector.get_map():
            ready = selector.select(TIMEOUT_SECONDS)
            if not ready:
                raise BenchError("the server answers no more")
            for key, _ in ready:
                slot = key.data
                if not _answered(slot):
                    continue
                done += 1
                if progress and done % 10_000 == 0:
                    progress(done)
                if not _send_next(server, slot, keys, body_of):
                    selector.unregister(slot.socket)
    finally:
        for slot in slots:
            slot.socket.close()
        selector.close()
    return done


def _send_next(server, slot, keys, body_of):
    key = next(keys, None)
    if key is None:
        return False
    body = body_of(key)
    head = (f"PUT {server.target('PUT', key)} HTTP/1.1\r\nHost: {server.host}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    slot.answer = b""
    slot.socket.sendall(head.encode() + body)
    return True


def _answered(slot):
    """Whether the answer is whole; an answer other than 200 is an error."""
    piece = slot.socket.recv(HEAD_BYTES_MAX)
    if not piece:
        raise BenchError("the server closed a connection within an answer")
    slot.answer += piece
    if b"\r\n\r\n" not in slot.answer:
        return False
    if not slot.answer.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"PUT was answered {slot.answer[:300]!r}")
    return True

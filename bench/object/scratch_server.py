"""A Strata server of the bench's own: fresh data, a free port, removed with everything at the end."""

import json
import os
import pathlib
import secrets
import shutil
import socket
import time

from bench.common.processes import BenchError, Child
from bench.common.profile import Profile
from bench.object.presign import Presigner

READY_SECONDS = 60
BUCKET = "bench"
ACCESS_KEY = "benchkey"


class ScratchServer:
    def __init__(self, binary, folder, replicas=3, profile_path=None):
        """profile_path: where a profile of the server's life goes; none: no profile."""
        self.binary = binary
        self.profile_path = profile_path
        self.folder = pathlib.Path(folder)
        self.replicas = replicas
        self.secret = secrets.token_hex(16)

    def __enter__(self):
        self.folder.mkdir(parents=True)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "profile"):
            self.profile.stop()
        if hasattr(self, "child"):
            self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("STRATA_", "MINIO_", "AWS_"))}
        environment.update({"STRATA_ROOT_USER": ACCESS_KEY, "STRATA_ROOT_PASSWORD": self.secret,
                            "STRATA_BUCKETS": BUCKET})
        data = self.folder / "data"
        self.child = Child(
            [self.binary, "serve", "--data", data, "--s3", "127.0.0.1:0", "--admin", "127.0.0.1:0",
             "--nbd", "off", "--replicas", self.replicas, "--log-level", "warning"],
            self.folder / "server.log", environment)
        self.pid = self.child.pid
        deadline = time.monotonic() + READY_SECONDS
        while not (status := control_status(data / "control.sock")):
            if not self.child.running() or time.monotonic() > deadline:
                raise BenchError("the server for the bench did not start: " + self.child.tail())
            time.sleep(0.02)
        self.host = status["listeners"]["s3"]
        address, _, port = self.host.rpartition(":")
        self.address = (address, int(port))
        if status["store"]["replicas"] != self.replicas:
            raise BenchError("the server keeps another number of copies than asked")
        if not status["durability"].startswith("strict"):
            raise BenchError(f"the server answers before it has flushed: {status['durability']}")
        self.presigner = Presigner(self.host, ACCESS_KEY, self.secret)
        if self.profile_path:
            self.profile = Profile(self.pid, self.folder, self.profile_path)

    def path(self, key):
        return f"/{BUCKET}/{key}"

    def target(self, method, key, more=""):
        return self.presigner.target(method, self.path(key), more)


def control_status(path):
    """The server's status by its control socket; None while it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(path))
            connection.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    return json.loads(body) if head.startswith(b"HTTP/1.1 200") else None

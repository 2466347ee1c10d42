"""Strata and its peers: each serves one disk on a Unix socket until it is left."""

import os
import pathlib
import secrets
import shutil
import socket
import time

from bench.common.processes import BenchError, Child
from bench.common.profile import Profile

READY_SECONDS = 60
VOLUME = "bench"


def needs(tool, package):
    if not shutil.which(tool):
        raise BenchError(f"{tool} is missing (Debian: {package})")
    return tool


class NbdTarget:
    """A server of its own, with an image file of its own, used with direct I/O."""

    name = ""

    def __init__(self, folder, size_bytes, profile_path=None):
        self.folder = pathlib.Path(folder) / self.name
        self.size_bytes = size_bytes
        self.profile_path = profile_path
        self.socket = self.folder / "s"
        self.image = self.folder / "image"

    def __enter__(self):
        self.folder.mkdir(parents=True)
        try:
            self.prepare()
            self.child = Child(self.command(), self.folder / "server.log", self.environment())
            self._wait()
            if self.profile_path:
                self.profile = Profile(self.child.pid, self.folder, self.profile_path)
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

    def prepare(self):
        with open(self.image, "wb") as file:
            file.truncate(self.size_bytes)

    def environment(self):
        return None

    def uri(self):
        return f"nbd+unix:///?socket={self.socket}"

    def pids(self):
        return [self.child.pid]

    def fio_options(self, _direct):
        return ["--ioengine=nbd", f"--uri={self.uri()}"]

    def _wait(self):
        deadline = time.monotonic() + READY_SECONDS
        while not answers(self.socket):
            if not self.child.running() or time.monotonic() > deadline:
                raise BenchError(f"{self.name} did not start: {self.child.tail()}")
            time.sleep(0.02)


def answers(path):
    """Whether somebody greets there as an NBD server does."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(path))
            return connection.recv(8) == b"NBDMAGIC"
    except OSError:
        return False


class Strata(NbdTarget):
    name = "strata"
    binary = "build/release/strata"

    def command(self):
        return [self.binary, "serve", "--data", self.folder / "data", "--s3", "off", "--admin", "off",
                "--nbd", "off", "--nbd-socket", self.socket, "--log-level", "warning",
                "--drive", self.folder / "data" / "drive1"]

    def prepare(self):
        pass

    def environment(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_")}
        environment["STRATA_ROOT_PASSWORD"] = secrets.token_hex(16)
        environment["STRATA_ROOT_USER"] = "benchkey"
        environment["STRATA_VOLUMES"] = f"{VOLUME}:{self.size_bytes}"
        return environment

    def uri(self):
        return f"nbd+unix:///{VOLUME}?socket={self.socket}"


class StrataPageCache(Strata):
    """The same through the page cache."""

    name = "strata-page-cache"

    def command(self):
        return [*super().command(), "--volume-cache", "page"]


class StrataMemory(Strata):
    """A volume in memory: what the wire costs."""

    name = "strata-memory"

    def environment(self):
        environment = super().environment()
        del environment["STRATA_VOLUMES"]
        environment["STRATA_MEMORY_VOLUMES"] = f"{VOLUME}:{self.size_bytes}"
        return environment


class QemuNbd(NbdTarget):
    name = "qemu-nbd"

    def command(self):
        return [needs("qemu-nbd", "qemu-utils"), "-t", "-e", "16", "-f", "raw", "--cache=none",
                "--aio=io_uring", "-k", self.socket, self.image]


class QemuNbdPageCache(NbdTarget):
    name = "qemu-nbd-page-cache"

    def command(self):
        return [needs("qemu-nbd", "qemu-utils"), "-t", "-e", "16", "-f", "raw", "--cache=writeback",
                "--aio=threads", "-k", self.socket, self.image]


class NbdkitFile(NbdTarget):
    name = "nbdkit-file"

    def command(self):
        return [needs("nbdkit", "nbdkit"), "-f", "-U", self.socket, "file", self.image]


class NbdkitMemory(NbdTarget):
    name = "nbdkit-memory"

    def prepare(self):
        pass

    def command(self):
        return [needs("nbdkit", "nbdkit"), "-f", "-U", self.socket, "memory", str(self.size_bytes)]


class QemuStorageDaemon(NbdTarget):
    name = "qemu-storage-daemon"

    def command(self):
        return [needs("qemu-storage-daemon", "qemu-system-common"),
                "--blockdev", f"file,node-name=f,filename={self.image},cache.direct=on,aio=io_uring",
                "--blockdev", "raw,node-name=r,file=f",
                "--nbd-server", f"addr.type=unix,addr.path={self.socket},max-connections=16",
                "--export", "nbd,id=e,node-name=r,name=,writable=on"]


class RawFile:
    """The file itself, as fio's io_uring engine uses it."""

    name = "fio on the raw file"

    def __init__(self, folder, size_bytes):
        self.image = pathlib.Path(folder) / "raw-image"
        self.size_bytes = size_bytes

    def __enter__(self):
        with open(self.image, "wb") as file:
            file.truncate(self.size_bytes)
        return self

    def __exit__(self, *_):
        self.image.unlink(missing_ok=True)

    def pids(self):
        return []

    def fio_options(self, direct):
        return ["--ioengine=io_uring", f"--filename={self.image}", f"--direct={int(direct)}",
                "--allow_file_create=0"]

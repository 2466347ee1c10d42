"""Servers of blocks, each serving one disk over a Unix socket."""

import os
import shutil

from bench.block import servers
from bench.block.servers import NbdTarget
from bench.compare.targets import Nbd

DISK_BYTES = 256 << 20


class NbdKit(NbdTarget):
    name = "nbdkit"

    def command(self):
        return ["nbdkit", "--foreground", "--exit-with-parent", "--unix", self.socket, "--threads", "32",
                "file", self.image]


class BlockPeer:
    """One of the block bench's servers, as this bench wants it."""

    server = None
    programs = ()
    durability = "one copy; a flush reaches the disk"

    def __init__(self, ground):
        self.target = self.server(ground.folder, DISK_BYTES)

    @classmethod
    def missing(cls):
        absent = [program for program in cls.programs if not shutil.which(program)]
        return f"missing: {absent[0]} is not installed" if absent else ""

    def __enter__(self):
        self.target.__enter__()
        return self

    def __exit__(self, *_):
        self.target.__exit__()

    def pids(self):
        return self.target.pids()

    def job(self, load, concurrency, seconds, _count):
        return Nbd(self.target.uri()).job(load, concurrency, seconds, DISK_BYTES)


class Strata(BlockPeer):
    name = "strata"
    server = servers.Strata

    @classmethod
    def missing(cls):
        return "" if os.path.exists(servers.Strata.binary) else f"missing: {servers.Strata.binary} is not built"


class Kit(BlockPeer):
    name, server, programs = "nbdkit", NbdKit, ("nbdkit",)
    durability = "one copy; a flush reaches the disk; reads and writes go through the page cache"


class QemuNbd(BlockPeer):
    name, server, programs = "qemu-nbd", servers.QemuNbd, ("qemu-nbd",)


class QemuStorageDaemon(BlockPeer):
    name, server, programs = "qemu-storage-daemon", servers.QemuStorageDaemon, ("qemu-storage-daemon",)


PEERS = (Strata, Kit, QemuNbd, QemuStorageDaemon)

"""Every NBD tool against every kind of export, over every way to it.

kinds  image (direct and through the page cache), memory, block device, layered volume, volume that is
       restored from a snapshot, and read-only: snapshot, volume with a read-only layer
ways   Unix socket and TCP, each plain and with TLS: certificates, or pre-shared keys
tools  qemu-io, qemu-img, nbdinfo, nbdcopy, nbdsh, nbddump; the kernel's client is in nbd_guest_test.py
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from attached_volume import why_not
from nbd_certificates import make_authority, sign
from strata_server import StrataServer

KIB, MIB = 1024, 1024 * 1024
SIZE = 8 * MIB
TOOLS = [tool for tool in ("openssl", "nbdinfo", "nbdcopy", "nbdsh", "nbddump", "qemu-img", "qemu-io")
         if shutil.which(tool) is None]
# What is written by the pattern, and read again: aligned, unaligned, across chunks, zeroed, discarded.
WRITES = ("write -P 17 0 64k", "write -P 34 70001 513", "write -f -P 51 500k 40k", "write -P 68 1M 1M",
          "aio_write -P 85 3M 300k", "aio_flush", "writev -P 102 4M 4096 512 8192", "write -z 1088k 64k",
          "write -z -u 1280k 64k", "write -z -f 1472k 1000", "discard 6M 1M", "flush")
READS = ("read -P 17 0 64k", "read -P 34 70001 513", "read -P 0 65536 4465", "read -P 51 500k 40k",
         "read -P 68 1M 64k", "read -P 0 1088k 64k", "read -P 68 1152k 128k", "read -P 0 1280k 64k",
         "read -P 0 1472k 1000", "read -P 68 1508328 100", "aio_read -P 85 3M 300k", "aio_flush",
         "readv -P 102 4M 4096 512 8192", "read -P 0 6M 1M")


class Way:
    """How a client gets to a server."""

    def __init__(self, name, libnbd, qemu, objects=()):
        self.name = name
        self._libnbd = libnbd  # a URI with EXPORT for the export
        self._qemu = qemu  # --image-opts without the export
        self.objects = [part for one in objects for part in ("--object", one)]

    def uri(self, export):
        return self._libnbd.replace("EXPORT", export)

    def image(self, export):
        return [*self.objects, "--image-opts", f"driver=nbd,export={export},{self._qemu}"]


class Exports:
    """The tests; what serves is in the classes below."""

    memory = ()
    arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-exports-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.secrets()
        cls.server = StrataServer(
            folder=cls.folder / "server", arguments=[str(a) for a in cls.arguments],
            environment={"STRATA_MEMORY_VOLUMES": f"memory:{SIZE}"})
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.port = int(cls.server.nbd_address.rsplit(":", 1)[1])
        cls.content = os.urandom(3 * MIB) + bytes(MIB) + os.urandom(4 * MIB)
        cls.image = cls.folder / "image"
        cls.image.write_bytes(cls.content)
        cls.make_volumes()

    @classmethod
    def make_volumes(cls):
        verb = cls.server.run_verb
        verb("volume", "create", "image", str(SIZE))
        verb("volume", "create", "layered", str(SIZE), "--layer", "meter", "--layer",
             "throttle:iops=100000", "--layer", "delay:10us")
        verb("volume", "create", "source", str(SIZE))
        cls.run_tool("nbdcopy", cls.image, cls.server.nbd_uri("source"))
        verb("snapshot", "create", "source", "--name", "s1")
        verb("snapshot", "restore", "s1", "restored")
        verb("volume", "set", "source", "--layer", "read-only")
        cls.writable = ["image", "memory", "layered", "restored"]
        cls.read_only = ["snap:s1", "source"]
        cls.reason = why_not("losetup")
        if cls.reason is None:
            disk = cls.folder / "disk"
            disk.write_bytes(bytes(SIZE))
            device = cls.run_tool("losetup", "--find", "--show", disk).strip()
            cls.addClassCleanup(cls.run_tool, "losetup", "--detach", device)
            # Before the device goes: the server lets go of it.
            cls.addClassCleanup(cls.server.stop)
            verb("volume", "create", "device", "--device", device)
            cls.writable.append("device")

    @classmethod
    def run_tool(cls, *command, good=True):
        run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
        told = f"{command}: {run.stdout[-1500:]} {run.stderr[-1500:]}"
        if (run.returncode == 0) != good:
            raise AssertionError(told)
        return run.stdout

    def qemu_io(self, way, export, commands, read_only=False, good=True):
        options = [part for command in commands for part in ("-c", command)]
        output = self.run_tool("qemu-io", *(["-r"] if read_only else []), *options, *way.image(export), good=good)
        # qemu-io ends well though a pattern was another one.
        self.assertNotIn("failed", output, self.now)

    def each(self, exports):
        for way in self.ways():
            for export in exports:
                self.now = f"{export} by {way.name}"
                yield way, export

    def test_qemu_io_reads_what_it_wrote_zeroed_and_discarded(self):
        for way, export in self.each(self.writable):
            self.qemu_io(way, export, ("write -z 0 8M", *WRITES, *READS))
            # From a connection of its own, too.
            self.qemu_io(way, export, READS, read_only=True)

    def test_images_go_there_and_back(self):
        back = self.folder / "back"
        for way, export in self.each(self.writable):
            self.run_tool("nbdcopy", "--flush", self.image, way.uri(export))
            back.unlink(missing_ok=True)
            self.run_tool("nbdcopy", way.uri(export), back)
            self.assertTrue(back.read_bytes() == self.content, self.now)
            # qemu-img knows what a disk holds by what it is told of holes.
            self.run_tool("qemu-img", "convert", "-O", "raw", *way.image(export), back)
            self.assertTrue(back.read_bytes() == self.content, self.now)
            self.run_tool("qemu-io", "-c", "write -z 0 8M", *way.image(export))
            self.run_tool("qemu-img", "convert", "-n", *way.objects, "-f", "raw", "--target-image-opts",
                          self.image, way.image(export)[-1])
            self.run_tool("nbdcopy", way.uri(export), back)
            self.assertTrue(back.read_bytes() == self.content, self.now)

    def test_what_is_read_only_is_read_and_written_by_nobody(self):
        back = self.folder / "back-read-only"
        for way, export in self.each(self.read_only):
            info = self.info(way, export)
            self.assertTrue(info["is_read_only"], self.now)
            self.run_tool("nbdcopy", way.uri(export), back)
            self.assertTrue(back.read_bytes() == self.content, self.now)
            self.run_tool("qemu-img", "convert", "-O", "raw", *way.image(export), back)
            self.assertTrue(back.read_bytes() == self.content, self.now)
            self.qemu_io(way, export, ("read -P 0 3M 1M",), read_only=True)
            self.run_tool("nbdcopy", self.image, way.uri(export), good=False)
            self.run_tool("qemu-io", "-c", "write 0 4k", *way.image(export), good=False)

    def info(self, way, export):
        told = json.loads(self.run_tool("nbdinfo", "--json", way.uri(export)))
        self.assertEqual(told["TLS"], "tls" in way.name, self.now)
        return told["exports"][0]

    def test_what_is_told_of_each(self):
        for way, export in self.each(self.writable + self.read_only):
            info = self.info(way, export)
            self.assertEqual((info["export-name"], info["export-size"]), (export, SIZE), self.now)
            self.assertEqual(int(self.run_tool("nbdinfo", "--size", way.uri(export))), SIZE)
            told = json.loads(self.run_tool("qemu-img", "info", "--output=json", *way.image(export)))
            self.assertEqual(told["virtual-size"], SIZE, self.now)
            told = json.loads(self.run_tool("nbdinfo", "--map", "--json", way.uri(export)))
            self.assertEqual(sum(extent["length"] for extent in told), SIZE, self.now)
            told = json.loads(self.run_tool("qemu-img", "map", "--output=json", *way.image(export)))
            self.assertEqual(sum(extent["length"] for extent in told), SIZE, self.now)
            listed = json.loads(self.run_tool("nbdinfo", "--list", "--json", way.uri("")))["exports"]
            self.assertIn(export, {one["export-name"] for one in listed})

    def test_nbdsh_and_nbddump(self):
        for way, export in self.each(self.writable):
            # As nbdsh does, with the system's Python, which has libnbd's module.
            # A URI that names files has to be allowed.
            self.run_tool("/usr/bin/python3", "-m", "nbd", "-c", "h.set_uri_allow_local_file(True)",
                          "-c", f"h.connect_uri('{way.uri(export)}')", "-c", SHELL)
            dump = self.run_tool("nbddump", "-n", "8192", way.uri(export))
            self.assertIn("strata strata st", dump)


SHELL = """
body = bytearray(b'strata ' * 1000)
h.pwrite(body, 0, nbd.CMD_FLAG_FUA)
h.cache(65536, 0) if h.can_cache() else None
assert h.pread(len(body), 0) == body
h.zero(4096, 8192, nbd.CMD_FLAG_NO_HOLE)
assert h.pread(4096, 8192) == bytearray(4096)
h.trim(4096, 16384)
assert h.pread_structured(4096, 16384, lambda *_: 0, nbd.CMD_FLAG_DF) == bytearray(4096) if h.can_df() else True
h.flush()
try:
    h.set_strict_mode(0)
    h.pwrite(body, h.get_size())
    raise SystemExit('a write past the end')
except nbd.Error as error:
    assert error.errnum == 28, error.errnum
try:
    h.pread(4096, h.get_size())
    raise SystemExit('a read past the end')
except nbd.Error as error:
    assert error.errnum == 22, error.errnum
"""


@unittest.skipIf(TOOLS, ", ".join(TOOLS) + " not installed")
class DirectWithCertificates(Exports, unittest.TestCase):
    """Images with direct I/O. TLS for who asks."""

    @classmethod
    def secrets(cls):
        authority = make_authority(cls.folder, "ca")
        pair = sign(cls.folder, "server", authority, "DNS:localhost,IP:127.0.0.1", "serverAuth")
        cls.certificates = cls.folder / "certificates"
        cls.certificates.mkdir()
        shutil.copy(authority[0], cls.certificates / "ca-cert.pem")
        cls.arguments = ("--nbd-tls-cert", pair[0], "--nbd-tls-key", pair[1])

    def ways(self):
        creds = f"tls-creds-x509,id=tls,endpoint=client,dir={self.certificates}"
        unix = f"server.type=unix,server.path={self.server.nbd_socket}"
        yield Way("unix", f"nbd+unix:///EXPORT?socket={self.server.nbd_socket}", unix)
        yield Way("tcp", f"nbd://localhost:{self.port}/EXPORT",
                  f"server.type=inet,server.host=localhost,server.port={self.port}")
        yield Way("tcp tls", f"nbds://localhost:{self.port}/EXPORT?tls-certificates={self.certificates}",
                  f"server.type=inet,server.host=localhost,server.port={self.port},tls-creds=tls", [creds])
        yield Way("unix tls", f"nbds+unix://localhost/EXPORT?socket={self.server.nbd_socket}"
                              f"&tls-certificates={self.certificates}&tls-verify-peer=false",
                  unix + ",tls-creds=tls,tls-hostname=localhost", [creds])


@unittest.skipIf(TOOLS, ", ".join(TOOLS) + " not installed")
class PageCacheWithKeys(Exports, unittest.TestCase):
    """Images through the page cache. Over TCP with pre-shared keys only."""

    @classmethod
    def secrets(cls):
        keys = cls.folder / "keys"
        keys.mkdir()
        cls.keys = keys / "keys.psk"
        cls.keys.write_text(f"alice:{'a1' * 32}\n")
        cls.arguments = ("--nbd-tls-psk", cls.keys, "--volume-cache", "page")

    def ways(self):
        yield Way("unix", f"nbd+unix:///EXPORT?socket={self.server.nbd_socket}",
                  f"server.type=unix,server.path={self.server.nbd_socket}")
        yield Way("tcp tls", f"nbds://alice@localhost:{self.port}/EXPORT?tls-psk-file={self.keys}",
                  f"server.type=inet,server.host=localhost,server.port={self.port},tls-creds=tls",
                  [f"tls-creds-psk,id=tls,endpoint=client,dir={self.keys.parent},username=alice"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

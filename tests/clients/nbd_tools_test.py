"""libnbd's tools, qemu-img, fio and a real filesystem on a volume."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from strata_server import StrataServer, wait_for


def missing(*tools):
    absent = [tool for tool in tools if shutil.which(tool) is None]
    return ", ".join(absent) + " not installed" if absent else ""


class NbdTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = StrataServer(environment={"STRATA_VOLUMES": "v1:256M,v2:256M,fs:512M"})
        cls.server.start()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-nbd-"))

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        shutil.rmtree(cls.folder)

    def run_tool(self, *command, expected=0):
        run = subprocess.run(command, capture_output=True, text=True, timeout=200)
        self.assertEqual(run.returncode, expected, f"{command}: {run.stdout[-1500:]} {run.stderr[-1500:]}")
        return run.stdout

    @unittest.skipIf(missing("nbdinfo"), missing("nbdinfo"))
    def test_nbdinfo(self):
        info = json.loads(self.run_tool("nbdinfo", "--json", self.server.nbd_uri("v1")))["exports"][0]
        self.assertEqual(info["export-size"], 256 * 1024 * 1024)
        for flag in ("can_flush", "can_fua", "can_multi_conn", "can_trim", "can_zero"):
            self.assertTrue(info[flag], flag)
        self.assertFalse(info["is_read_only"])
        tcp = self.run_tool("nbdinfo", "--size", f"nbd://{self.server.nbd_address}/v2")
        self.assertEqual(int(tcp), 256 * 1024 * 1024)
        listed = json.loads(self.run_tool("nbdinfo", "--list", "--json", f"nbd://{self.server.nbd_address}"))
        self.assertEqual({e["export-name"] for e in listed["exports"]}, {"v1", "v2", "fs"})
        self.run_tool("nbdinfo", self.server.nbd_uri("none"), expected=1)

    @unittest.skipIf(missing("nbdinfo", "qemu-io"), missing("nbdinfo", "qemu-io"))
    def test_what_is_allocated_is_told(self):
        server, mib = self.server, 1024 * 1024
        server.run_verb("volume", "create", "map", "16M")
        uri = server.nbd_uri("map")
        self.run_tool("qemu-io", "-f", "raw", "-c", "write -P 7 1M 1M", "-c", "write -z 4M 1M", uri)
        told = json.loads(self.run_tool("nbdinfo", "--map", "--json", uri))
        self.assertEqual([(e["offset"], e["length"], e["type"]) for e in told],
                         [(0, mib, 3), (mib, mib, 0), (2 * mib, 2 * mib, 3), (4 * mib, mib, 2),
                          (5 * mib, 11 * mib, 3)])
        told = json.loads(self.run_tool("qemu-img", "map", "--output=json", "-f", "raw", uri))
        self.assertEqual([e["start"] for e in told if e["data"] and not e["zero"]], [mib])
        info = json.loads(self.run_tool("nbdinfo", "--json", uri))["exports"][0]
        for flag in ("can_cache", "can_df", "can_fast_zero"):
            self.assertTrue(info[flag], flag)
        self.assertEqual(info["contexts"], ["base:allocation"])
        self.assertEqual((info["block_size_minimum"], info["block_size_preferred"]), (1, 4096))
        server.run_verb("volume", "delete", "map")

    @unittest.skipIf(missing("nbdcopy", "qemu-img"), missing("nbdcopy", "qemu-img"))
    def test_images_go_round(self):
        image = self.folder / "image"
        with open(image, "wb") as file:
            for i in range(64):
                file.seek(i * 4 * 1024 * 1024)
                file.write(os.urandom(1024 * 1024))
            file.truncate(256 * 1024 * 1024)
        uri = self.server.nbd_uri("v1")
        self.run_tool("nbdcopy", str(image), uri)
        self.run_tool("nbdcopy", uri, str(self.folder / "back"))
        self.run_tool("cmp", str(image), str(self.folder / "back"))
        self.run_tool("qemu-img", "compare", "-f", "raw", "-F", "raw", str(image), uri)
        self.assertIn("256 MiB", self.run_tool("qemu-img", "info", uri))
        self.run_tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri, str(self.folder / "q.qcow2"))
        self.run_tool("qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw",
                      str(self.folder / "q.qcow2"), self.server.nbd_uri("v2"))
        self.run_tool("qemu-img", "compare", "-f", "raw", "-F", "raw", uri, self.server.nbd_uri("v2"))

    @unittest.skipIf(missing("fio"), missing("fio"))
    def test_fio_verifies_what_it_wrote(self):
        if "nbd" not in self.run_tool("fio", "--enghelp").split():
            self.skipTest("this fio has no nbd engine")
        self.run_tool("fio", "--name=verify", "--ioengine=nbd", f"--uri={self.server.nbd_uri('v2')}",
                      "--rw=randwrite", "--bsrange=512-128k", "--bs_unaligned=1", "--iodepth=32", "--size=64m",
                      "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--fsync=64")

    def test_volume_verbs(self):
        server = self.server
        server.run_verb("volume", "create", "extra", "64M")
        self.assertIn("extra", server.run_verb("volume", "list").stdout)
        shown = json.loads(server.run_verb("volume", "show", "extra", "--json").stdout)
        self.assertEqual(shown["size_bytes"], 64 * 1024 * 1024)
        for arguments in (("create", "extra", "64M"), ("create", "../x", "64M"), ("create", "y", "12"),
                          ("show", "none"), ("delete", "none")):
            refused = server.run_verb("volume", *arguments, check=False)
            self.assertNotEqual(refused.returncode, 0, arguments)
            self.assertTrue(refused.stderr.strip(), arguments)
        server.run_verb("volume", "delete", "extra")
        self.assertNotIn("extra", server.run_verb("volume", "list").stdout)


class Filesystem(unittest.TestCase):
    """ext4 made, filled, unmounted, checked and mounted again, through nbdfuse and a loop device."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, for losetup and mount")
        if not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control"):
            self.skipTest("this machine has no FUSE or no loop devices")
        if missing("nbdfuse", "mkfs.ext4", "losetup", "fusermount3"):
            self.skipTest(missing("nbdfuse", "mkfs.ext4", "losetup", "fusermount3"))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-fs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.server = StrataServer(environment={"STRATA_VOLUMES": "fs:256M"})
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def run_tool(self, *command):
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, f"{command}: {run.stdout[-1500:]} {run.stderr[-1500:]}")
        return run.stdout.strip()

    def attach(self):
        point = self.folder / "nbd"
        point.touch()
        fuse = subprocess.Popen(["nbdfuse", str(point), self.server.nbd_uri("fs")])
        wait_for(lambda: point.stat().st_size > 0, 20, "nbdfuse")
        try:
            device = self.run_tool("losetup", "--find", "--show", "--direct-io=off", str(point))
        except AssertionError:
            self.run_tool("fusermount3", "-u", str(point))
            fuse.wait(20)
            raise
        return point, fuse, device

    def detach(self, point, fuse, device):
        self.run_tool("losetup", "--detach", device)
        wait_for(lambda: device not in self.run_tool("losetup", "--list", "--noheadings", "-O", "NAME"),
                 20, "the loop device to go")
        self.run_tool("fusermount3", "-u", str(point))
        fuse.wait(20)

    def test_ext4(self):
        mount = self.folder / "mnt"
        mount.mkdir()
        files = {f"dir{i % 7}/file{i}": os.urandom(1000 * i % 70_000) for i in range(300)}
        point, fuse, device = self.attach()
        try:
            self.assertTrue(device.startswith("/dev/loop"))
            self.run_tool("mkfs.ext4", "-q", device)
            self.run_tool("mount", device, str(mount))
            try:
                for name, body in files.items():
                    (mount / name).parent.mkdir(exist_ok=True)
                    (mount / name).write_bytes(body)
            finally:
                self.run_tool("umount", str(mount))
            self.run_tool("fsck.ext4", "-f", "-n", device)
        finally:
            self.detach(point, fuse, device)
        self.server.stop()
        self.server.start()
        point, fuse, device = self.attach()
        try:
            self.run_tool("fsck.ext4", "-f", "-n", device)
            self.run_tool("mount", "-o", "ro", device, str(mount))
            try:
                for name, body in files.items():
                    self.assertEqual((mount / name).read_bytes(), body, name)
            finally:
                self.run_tool("umount", str(mount))
        finally:
            self.detach(point, fuse, device)


if __name__ == "__main__":
    unittest.main(verbosity=2)

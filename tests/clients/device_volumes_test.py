"""Volumes on block devices: made, filled, taken from one volume to the next, refused, swapped. The
device is a loop device over a file of the test's own."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from attached_volume import why_not
from strata_server import StrataServer

MIB = 1024 * 1024
DISK_BYTES = 64 * MIB


class DeviceVolumes(unittest.TestCase):
    def setUp(self):
        reason = why_not("mkfs.ext4", "nbdcopy", "nbdinfo")
        if reason:
            self.skipTest(reason)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-device-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.backing = self.folder / "disk"
        self.backing.write_bytes(b"")
        os.truncate(self.backing, DISK_BYTES)
        self.device = self.run_tool("losetup", "--find", "--show", self.backing)
        self.addCleanup(self.release, self.device)
        self.server = StrataServer(folder=self.folder / "server")
        self.server.start()
        self.addCleanup(self.server.stop)

    def release(self, device):
        """Only if it is still over a file of ours."""
        if str(self.folder) in self.behind(device):
            self.run_tool("losetup", "--detach", device)

    def behind(self, device):
        return self.run_tool("losetup", "--list", "--noheadings", "-O", "BACK-FILE", device)

    def run_tool(self, *command, good=True):
        run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode == 0, good, f"{command}: {run.stdout[-1500:]} {run.stderr[-1500:]}")
        return run.stdout.strip()

    def verb(self, *arguments, check=True):
        return self.server.run_verb("volume", *arguments, check=check)

    def refused(self, *arguments):
        run = self.verb(*arguments, check=False)
        self.assertEqual(run.returncode, 1, f"{arguments}: {run.stdout}{run.stderr}")
        return run.stderr

    def test_a_volume_is_its_device_and_leaves_every_byte_when_it_is_deleted(self):
        self.assertIn("64 MiB", self.verb("create", "db", "--device", self.device).stdout)
        self.assertIn(f"loop:{self.backing}", self.verb("show", "db").stdout)
        body = os.urandom(DISK_BYTES)
        (self.folder / "body").write_bytes(body)
        self.run_tool("nbdcopy", "--flush", self.folder / "body", self.server.nbd_uri("db"))
        self.assertTrue(self.backing.read_bytes() == body)
        self.assertIn("is the volume 'db'", self.refused("create", "again", "--device", self.device, "--adopt"))
        self.assertIn("clean", self.verb("fsck", "db", "--read").stdout)
        self.verb("delete", "db")
        self.assertTrue(self.backing.read_bytes() == body)
        self.assertIn("not blank", self.refused("create", "db", "--device", self.device))
        self.verb("create", "db", "--device", self.device, "--adopt")
        self.run_tool("nbdcopy", self.server.nbd_uri("db"), self.folder / "back")
        self.assertTrue((self.folder / "back").read_bytes() == body)
        # The first snapshot has what was adopted, though no client ever wrote it.
        self.server.run_verb("snapshot", "create", "db", "--name", "first")
        self.server.run_verb("snapshot", "restore", "first", "copy")
        self.run_tool("nbdcopy", self.server.nbd_uri("copy"), self.folder / "copy")
        self.assertTrue((self.folder / "copy").read_bytes() == body)

    def test_what_is_no_free_block_device_is_refused(self):
        self.run_tool("mkfs.ext4", "-q", self.device)
        self.assertIn("not blank", self.refused("create", "db", "--device", self.device))
        mount = self.folder / "mnt"
        mount.mkdir()
        self.run_tool("mount", self.device, mount)
        try:
            for more in ((), ("--adopt",)):
                self.assertIn("in use", self.refused("create", "db", "--device", self.device, *more))
        finally:
            self.run_tool("umount", mount)
        self.assertIn("not a block device", self.refused("create", "db", "--device", str(self.backing)))
        self.assertIn("No such file", self.refused("create", "db", "--device", "/dev/none-such"))
        for usage in (("64M", "--device", self.device), ("64M", "--adopt")):
            self.assertNotEqual(self.verb("create", "db", *usage, check=False).returncode, 0, usage)
        self.assertIn("no volumes", self.verb("list").stdout)
        # And adopted, it is the filesystem that it was.
        self.verb("create", "db", "--device", self.device, "--adopt")
        self.run_tool("nbdcopy", self.server.nbd_uri("db"), self.folder / "back")
        self.run_tool("fsck.ext4", "-fn", self.folder / "back")

    def test_another_device_at_the_path_is_noticed_after_a_restart(self):
        self.verb("create", "db", "--device", self.device)
        self.verb("create", "file", "16M")
        self.server.stop()
        self.run_tool("losetup", "--detach", self.device)
        other = self.folder / "other"
        other.write_bytes(b"")
        os.truncate(other, DISK_BYTES)
        self.run_tool("losetup", self.device, other)
        self.server.start()
        self.assertIn("volume.device_unusable", self.server.log())
        self.run_tool("nbdinfo", self.server.nbd_uri("db"), good=False)
        self.run_tool("nbdinfo", self.server.nbd_uri("file"))
        self.assertIn("is another device", self.verb("fsck", "db", check=False).stdout)
        self.run_tool("losetup", "--detach", self.device)
        self.run_tool("losetup", self.device, self.backing)
        self.run_tool("nbdinfo", self.server.nbd_uri("db"))

    def test_a_device_that_was_made_larger_is_followed(self):
        self.verb("create", "db", "--device", self.device)
        self.assertIn("make it larger first", self.refused("resize", "db", "96M"))
        os.truncate(self.backing, 2 * DISK_BYTES)
        self.run_tool("losetup", "--set-capacity", self.device)
        self.verb("resize", "db", "128M")
        self.assertEqual(self.run_tool("nbdinfo", "--size", self.server.nbd_uri("db")), str(2 * DISK_BYTES))


if __name__ == "__main__":
    unittest.main()

"""strata volume attach and detach: twice, busy, blank or not, after kill -9."""

import os
import pathlib
import shutil
import unittest

from attached_volume import AttachedVolumes


class Attach(AttachedVolumes):
    def test_a_filesystem_is_made_used_detached_and_found_again(self):
        self.verb("create", "db", "128M")
        for _ in range(2):  # the second time finds it attached
            attached = self.attach("db", "--mount", str(self.mount), *(["--mkfs", "ext4"] if _ == 0 else []))
            self.assertTrue(attached["device"].startswith("/dev/loop"), attached)
            self.assertEqual(attached["already"], _ == 1)
            self.assertIn("FUSE" if attached["method"] == "fuse" else "NBD", attached["why"] + "FUSE" * _)
        bodies = {f"file{i}": os.urandom(5000 * i) for i in range(20)}
        for name, body in bodies.items():
            (self.mount / name).write_bytes(body)
        self.assertIn("writer: the attachment", self.verb("show", "db").stdout)
        self.assertIn("its writer is the attachment", self.refused("delete", "db"))
        self.assertIn("is detached", self.verb("detach", "db").stdout)
        self.assertIn("was not attached", self.verb("detach", "db").stdout)
        self.assertEqual(self.left_over(), "")
        self.server.stop()
        self.server.start()
        self.attach("db", "--mount", str(self.mount), "--read-only")
        for name, body in bodies.items():
            self.assertEqual((self.mount / name).read_bytes(), body, name)
        with self.assertRaises(OSError):
            (self.mount / "new").write_bytes(b"x")

    def test_a_volume_that_is_not_blank_gets_no_filesystem(self):
        self.verb("create", "db", "64M")
        self.attach("db", "--mount", str(self.mount), "--mkfs", "ext4")
        self.verb("detach", "db")
        self.assertIn("not blank", self.refused("attach", "db", "--mkfs", "ext4"))
        self.assertEqual(self.left_over(), "", "an attach that failed leaves nothing")
        self.verb("create", "one", "64M")
        device = self.attach("one")["device"]
        with open(device, "r+b") as disk:
            disk.seek(40 * 1024 * 1024 + 7)
            disk.write(b"x")
        self.verb("detach", "one")
        self.assertIn("data at byte 41943047", self.refused("attach", "one", "--mkfs", "ext4"))

    def test_a_busy_volume_stays_attached_and_says_who_has_it(self):
        self.verb("create", "db", "64M")
        device = self.attach("db", "--mount", str(self.mount), "--mkfs", "ext4")["device"]
        with open(self.mount / "open", "wb"):
            self.assertIn(f"{os.getpid()} (", self.refused("detach", "db"))
        self.assertTrue(os.path.ismount(self.mount))
        self.verb("detach", "db")
        device = self.attach("db")["device"]
        with open(device, "rb"):
            self.assertIn(f"{os.getpid()} (", self.refused("detach", "db"))
        self.verb("detach", "db")

    def test_there_is_one_writer(self):
        self.verb("create", "db", "64M")
        self.attach("db")
        if shutil.which("nbdinfo"):
            uri = self.server.nbd_uri("db")
            self.run_tool("nbdinfo", "--is", "read-only", uri)
        self.assertIn("detach it first", self.refused("attach", "db", "--read-only"))
        self.assertIn("writer", self.verb("show", "db").stdout)
        self.verb("detach", "db")

    def test_after_kill_9_it_is_attached_and_mounted_again(self):
        self.verb("create", "db", "128M")
        self.attach("db", "--mount", str(self.mount), "--mkfs", "ext4")
        body = os.urandom(100_000)
        with open(self.mount / "kept", "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.sync()
        self.server.kill()
        self.server.start()
        attached = self.attach("db")
        self.assertEqual(attached["mount"], str(self.mount))
        self.assertEqual((self.mount / "kept").read_bytes(), body)
        self.server.kill()
        self.verb("detach", "db")
        self.assertEqual(self.left_over(), "")
        self.server.start()

    def test_a_device_whose_server_died_is_not_taken_for_a_living_one(self):
        # nbdfuse and the loop device go on, and what was read before is read from the page cache.
        self.verb("create", "db", "64M")
        old = self.attach("db")
        block = os.urandom(4096)
        for attempt in range(2):
            with open(old["device"], "r+b", buffering=0) as disk:
                if attempt == 0:
                    disk.write(block)
                    os.fsync(disk.fileno())
                    disk.seek(0)
                self.assertEqual(disk.read(4096), block)
            self.server.kill()
            self.server.start()
            old = self.attach("db")
            self.assertFalse(old["already"], "that device leads nowhere")
            self.assertIn("writer: the attachment", self.verb("show", "db").stdout)

    def test_wrong_wishes_are_refused_and_leave_nothing(self):
        self.verb("create", "db", "64M")
        full = self.folder / "full"
        full.mkdir()
        (full / "file").write_bytes(b"x")
        self.assertIn("not empty", self.refused("attach", "db", "--mkfs", "ext4", "--mount", str(full)))
        self.assertIn("no volume", self.refused("attach", "none"))
        self.assertIn("read-only", self.refused("attach", "db", "--read-only", "--mkfs", "ext4"))
        if not pathlib.Path("/sys/module/nbd").exists():
            self.assertIn("no NBD client", self.refused("attach", "db", "--as", "nbd"))
        self.assertEqual(self.left_over(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)

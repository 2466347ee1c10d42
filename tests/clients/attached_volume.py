"""Volumes as block devices for the tests: what is attached is detached, whatever happens."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from strata_server import BINARY, StrataServer

NEEDED = ("nbdfuse", "losetup", "mount", "umount", "blkid", "wipefs", "fusermount3")


def why_not(*more):
    """Why block devices cannot be attached here; empty if they can."""
    if os.geteuid() != 0:
        return "needs root, for losetup and mount"
    for node in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(node):
            return f"this machine has no {node}"
    absent = [tool for tool in (*NEEDED, *more) if shutil.which(tool) is None]
    return ", ".join(absent) + " not installed" if absent else ""


class AttachedVolumes(unittest.TestCase):
    """A server of its own, and a folder to mount on. Detaches every volume in the end, twice if the
    first time something was in the way, and then looks that nothing is left."""

    def setUp(self):
        reason = why_not()
        if reason:
            self.skipTest(reason)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-attach-"))
        self.mount = self.folder / "mnt"
        self.server = StrataServer(folder=self.folder / "server")
        self.server.start()
        self.addCleanup(self.clean_up)

    def clean_up(self):
        try:
            for state in sorted((self.server.data / "attached").glob("*.json")):
                if self.verb("detach", state.stem, check=False).returncode != 0:
                    self.server.kill()  # then it is dead, and whatever is in use has to go
                    self.verb("detach", state.stem, check=False)
            self.server.stop()
            self.assertEqual(self.left_over(), "")
        finally:
            if not self.left_over():
                shutil.rmtree(self.folder, ignore_errors=True)

    def left_over(self):
        """Mounts and loop devices that belong to this test's folder."""
        mounts = pathlib.Path("/proc/self/mounts").read_text()
        loops = subprocess.run(["losetup", "--list", "--noheadings", "-O", "NAME,BACK-FILE"],
                               capture_output=True, text=True, timeout=20).stdout
        return "\n".join(line for line in (mounts + loops).splitlines() if str(self.folder) in line)

    def verb(self, *arguments, check=True):
        return self.server.run_verb("volume", *arguments, check=check)

    def attach(self, name, *arguments):
        return json.loads(self.verb("attach", name, "--json", *arguments).stdout)

    def refused(self, *arguments):
        run = self.verb(*arguments, check=False)
        self.assertEqual(run.returncode, 1, f"{arguments}: {run.stdout}{run.stderr}")
        return run.stderr

    def run_tool(self, *command, timeout=120, **options):
        run = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                             timeout=timeout, **options)
        self.assertEqual(run.returncode, 0, f"{command}: {run.stdout[-1500:]} {run.stderr[-1500:]}")
        return run.stdout.strip()


__all__ = ["AttachedVolumes", "BINARY", "why_not"]

"""Random file operations on a mounted volume against a model, across detach and mount.

    python3 tests/clients/filesystem_torture.py [OPERATIONS] [SEED]

runs the long form (20,000 operations on each filesystem).
"""

import random
import sys
import unittest

from attached_volume import AttachedVolumes, why_not
from file_model import Model


class Torture(AttachedVolumes):
    def torture(self, filesystem, operations, seed):
        reason = why_not(f"mkfs.{filesystem}")
        if reason:
            self.skipTest(reason)
        print(f"{filesystem}: {operations} operations, seed {seed}")
        self.verb("create", "fs", "512M")
        self.attach("fs", "--mkfs", filesystem, "--mount", str(self.mount))
        model = Model(self.mount, seed)
        rounds = 4
        for turn in range(rounds):
            for _ in range(operations // rounds):
                model.step()
            self.assertEqual(model.check(), [], f"before the detach; seed {seed}")
            self.verb("detach", "fs")
            if turn % 2 == 1:
                self.server.stop()
                self.server.start()
            device = self.attach("fs")["device"]
            check = ["fsck.ext4", "-f", "-n", device] if filesystem == "ext4" else ["xfs_repair", "-n", device]
            self.run_tool(*check)
            self.attach("fs", "--mount", str(self.mount))
            self.assertEqual(model.check(), [], f"after the detach; seed {seed}")
        self.verb("detach", "fs")
        self.assertIn("clean", self.verb("fsck", "fs", "--read").stdout)


class LongForm(Torture):
    operations, seed = 20_000, random.randrange(1 << 32)

    def test_ext4(self):
        self.torture("ext4", self.operations, self.seed)

    def test_xfs(self):
        self.torture("xfs", self.operations, self.seed)


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:3]]
    LongForm.operations, LongForm.seed = (numbers + [20_000, LongForm.seed][len(numbers):])[:2]
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(LongForm)
    sys.exit(0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1)

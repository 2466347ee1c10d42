"""The short form of filesystem_torture.py."""

import random
import unittest

import filesystem_torture


class TortureShort(filesystem_torture.Torture):
    def test_ext4(self):
        self.torture("ext4", 2000, random.randrange(1 << 32))

    def test_xfs(self):
        self.torture("xfs", 2000, random.randrange(1 << 32))


if __name__ == "__main__":
    unittest.main(verbosity=2)

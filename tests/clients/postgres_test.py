"""The short form of postgres_volume.py: one kill -9 under load on each filesystem."""

import unittest

import postgres_volume


class PostgresCrash(postgres_volume.PostgresOnVolume):
    def test_on_ext4(self):
        self.crash_rounds("ext4", 1, 4)

    def test_on_xfs(self):
        self.crash_rounds("xfs", 1, 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)

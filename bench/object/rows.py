"""What the rows share."""

import hashlib
import os

SMALL_BYTES = 4096
LARGE_BYTES = 64 << 20
KEY_BYTES = 32


def key_of(number, prefix=""):
    """A key of KEY_BYTES characters; neighbours in number are not neighbours in order."""
    return (prefix + hashlib.sha256(str(number).encode()).hexdigest())[:KEY_BYTES]


class SmallBodies:
    """Bodies of SMALL_BYTES that differ: the key, then bytes that no one can compress."""

    def __init__(self):
        self.filler = os.urandom(SMALL_BYTES - KEY_BYTES)

    def of(self, key):
        return key.encode() + self.filler

    def file(self, folder):
        path = folder / "filler"
        path.write_bytes(self.filler)
        return path

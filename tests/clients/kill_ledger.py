"""What was asked of a store and what it acknowledged: from it follows what each key may hold.

A write that was not acknowledged (the connection broke, or the answer was a server error) may have
happened at any time since it was asked for, or never. One that was acknowledged happened between
the two moments. So a key may hold a write unless another one was acknowledged that was asked for
after the first had been acknowledged."""

import itertools
import threading


class Write:
    __slots__ = ("digest", "size", "asked", "acknowledged", "source")

    def __init__(self, digest, size, asked, source):
        self.digest, self.size, self.asked, self.source = digest, size, asked, source
        self.acknowledged = None

    def __repr__(self):
        what = "delete" if self.digest is None else f"{self.digest} ({self.size} bytes)"
        return f"{what} by {self.source}, asked {self.asked}, acknowledged {self.acknowledged}"


class Ledger:
    """Any thread. Digests are MD5 in hex; None is a key that is not there."""

    def __init__(self):
        self.clock = itertools.count(1)
        self.lock = threading.Lock()
        self.writes = {}
        self.known = {}  # every digest that was ever asked for, by key: to name what returns

    def ask(self, key, digest, size=0, source="?"):
        with self.lock:
            if key not in self.writes:
                self.writes[key] = [self._settled(None, 0)]
            write = Write(digest, size, next(self.clock), source)
            self.writes[key].append(write)
            self.known.setdefault(key, {})[digest] = write
            return write

    def acknowledge(self, key, write):
        with self.lock:
            write.acknowledged = next(self.clock)

    def refuse(self, key, write):
        """The answer says that it did not happen (a condition failed)."""
        with self.lock:
            self.writes[key].remove(write)

    def now(self):
        return next(self.clock)

    def possible(self, key, reading_since=None):
        """What a read that began at that moment and has just ended may have found; without a moment,
        what a read finds while nobody writes."""
        with self.lock:
            return list(self._possible(self.writes.get(key) or [self._settled(None, 0)], reading_since))

    def settle(self, key, digest, size):
        """Nobody writes, and a read found this: from now on it is what the key holds."""
        with self.lock:
            self.writes[key] = [self._settled(digest, size)]

    def keys(self):
        with self.lock:
            return list(self.writes)

    def _settled(self, digest, size):
        write = Write(digest, size, next(self.clock), "what was found")
        write.acknowledged = next(self.clock)
        return write

    @staticmethod
    def _possible(writes, reading_since):
        # A write that was acknowledged before the read began hides what it came after.
        limit = max((w.asked for w in writes if w.acknowledged is not None
                     and (reading_since is None or w.acknowledged < reading_since)), default=0)
        return [w for w in writes if w.acknowledged is None or w.acknowledged >= limit]

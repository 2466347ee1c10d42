"""Real directories moved away and back under load, replaced, added and drained: no acknowledged object is
lost, no deleted one returns, and no request fails while a majority of the drives is there."""

import hashlib
import json
import os
import random
import shutil
import sys
import threading
import unittest

from strata_server import StrataServer, wait_for

SEED = int(os.environ.get("STRATA_DRIVES_SEED", str(random.SystemRandom().randrange(2**32))))
WORKERS = 3
KEYS_PER_WORKER = 15


class Load(threading.Thread):
    """Puts and deletes keys of its own, and remembers what was acknowledged."""

    def __init__(self, server, number, seed):
        super().__init__(daemon=True)
        self.s3, self.number, self.random = server.boto3(), number, random.Random(seed)
        self.known, self.errors, self.done, self.ends = {}, [], 0, threading.Event()

    def run(self):
        while not self.ends.is_set() and not self.errors:
            key = f"w{self.number}/{self.random.randrange(KEYS_PER_WORKER)}"
            try:
                if self.random.random() < 0.25:
                    self.s3.delete_object(Bucket="drives", Key=key)
                    self.known.pop(key, None)
                else:
                    large = self.random.random() < 0.3
                    body = self.random.randbytes(self.random.randrange(150_000, 400_000) if large else 2_000)
                    self.s3.put_object(Bucket="drives", Key=key, Body=body)
                    self.known[key] = hashlib.sha256(body).digest()
                self.done += 1
            except Exception as error:  # whatever it is, the test shows it
                self.errors.append(repr(error))


class Drives(unittest.TestCase):
    def drives(self):
        return json.loads(self.server.run_verb("drive", "list", "--json").stdout)["drives"]

    def all_serve(self, count):
        def look():
            states = [drive for drive in self.drives() if drive["id"]]
            return len(states) == count and all(d["in_service"] and not d["leaving"] for d in states)
        wait_for(look, 60, f"{count} drives in service, not {[d['state'] for d in self.drives()]}")

    def load_goes_on(self, count=15):
        goal = sum(load.done for load in self.loads) + count
        wait_for(lambda: sum(load.done for load in self.loads) >= goal or any(l.errors for l in self.loads), 60, "load")
        self.assertEqual([e for load in self.loads for e in load.errors], [])

    def start_load(self):
        self.loads = [Load(self.server, n, self.chance.random()) for n in range(WORKERS)]
        for load in self.loads:
            load.known = self.known.get(load.number, {})
            load.start()

    def stop_load(self):
        for load in self.loads:
            load.ends.set()
        for load in self.loads:
            load.join(60)
            self.assertFalse(load.is_alive())
            self.assertEqual(load.errors, [])
            self.known[load.number] = load.known

    def check(self):
        s3 = self.server.boto3()
        known = {key: digest for of_one in self.known.values() for key, digest in of_one.items()}
        listed = set()
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="drives"):
            listed |= {entry["Key"] for entry in page.get("Contents", [])}
        self.assertEqual(listed, set(known))
        for key, digest in known.items():
            body = s3.get_object(Bucket="drives", Key=key)["Body"].read()
            self.assertEqual(hashlib.sha256(body).digest(), digest, key)

    def refused(self, *arguments):
        run = self.server.run_verb("drive", *arguments, check=False)
        self.assertEqual(run.returncode, 1, run.stdout)
        return run.stderr

    def test_drives_come_and_go_under_load(self):
        print(f"STRATA_DRIVES_SEED={SEED}", file=sys.stderr)
        self.chance, self.known = random.Random(SEED), {}
        with StrataServer(environment={"STRATA_BUCKETS": "drives"}) as server:
            self.server = server
            first, second, third = (server.data / f"drive{n}" for n in (1, 2, 3))
            self.start_load()
            self.load_goes_on()
            # Pulled while the server is down, written around, put back while it serves.
            self.stop_load()
            server.stop()
            shutil.move(second, server.folder / "pulled")
            server.start()
            self.assertIn("empty", self.drives()[1]["state"])
            self.start_load()
            self.load_goes_on()
            self.assertIn("is empty", self.refused("return", str(second)))
            shutil.rmtree(second)
            shutil.move(server.folder / "pulled", second)
            self.server.run_verb("drive", "return", str(second))
            self.load_goes_on()
            self.all_serve(3)
            # Moved away while it serves, written around, moved back: nobody has to say so.
            third.rename(server.folder / "elsewhere")
            wait_for(lambda: not self.drives()[2]["in_service"], 60, "the drive to be missed")
            self.load_goes_on()
            self.assertFalse(third.exists(), "something was written to what the path means now")
            (server.folder / "elsewhere").rename(third)
            self.load_goes_on()
            self.all_serve(3)
            # Replaced by an empty folder; the old one is refused from then on.
            fresh = server.folder / "fresh"
            out = server.run_verb("drive", "replace", str(first), str(fresh)).stdout
            self.assertIn("remembered", out)
            self.load_goes_on()
            self.all_serve(3)
            self.assertIn("has left this cluster", self.refused("return", str(first)))
            # One more, and one less.
            server.run_verb("drive", "add", str(server.folder / "more"))
            self.load_goes_on()
            self.all_serve(4)
            server.run_verb("drive", "drain", self.drives()[1]["id"][:8])
            self.load_goes_on()
            self.all_serve(3)
            self.assertIn("need 3 drives", self.refused("drain", str(third)))
            self.stop_load()
            self.check()
            # Killed, it finds the drives that were added, and any of them may be missing.
            server.kill()
            shutil.move(fresh, server.folder / "away")
            server.start()
            self.check()
            server.stop()
            shutil.rmtree(fresh)
            shutil.move(server.folder / "away", fresh)
            server.start()
            self.all_serve(3)
            self.check()
            # The data folder's own drives that have left are not looked for any more.
            self.assertEqual([drive["path"] for drive in self.drives() if not drive["id"]], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""A full disk under the real program: a 64 MiB tmpfs in a mount namespace of its own. PUT is refused
with S3's words and leaves nothing, DELETE works, space comes back, the server goes on."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from s3_wire import Wire
from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer, wait_for

INSIDE = "STRATA_DISK_FULL_MOUNT"
SIZE = "64m"
BODY = os.urandom(1024 * 1024)
ROUNDS = 2


class DiskFull(unittest.TestCase):
    def test_a_full_drive_refuses_and_recovers(self):
        mount = pathlib.Path(os.environ[INSIDE])
        for drives in (1, 3):
            with self.subTest(drives=drives):
                folders = [mount / f"of{drives}" / str(n) for n in range(drives)]
                arguments = [part for folder in folders for part in ("--drive", str(folder))]
                with StrataServer(arguments=arguments, environment={"STRATA_BUCKETS": "full"}) as server:
                    for round_number in range(ROUNDS):
                        self.fill_and_empty(server, 1024 * 1024 if round_number % 2 == 0 else 50_000)
                    drives_now = server.status()["store"]["drives"]
                    self.assertTrue(all(drive["in_service"] for drive in drives_now), drives_now)
                subprocess.run(["rm", "-rf", str(mount / f"of{drives}")], check=True)

    def fill_and_empty(self, server, size):
        wire = Wire(server.s3_address, ACCESS_KEY, SECRET_KEY)
        body, kept = BODY[:size], []
        for number in range(4000):
            answer = wire.request("PUT", f"/full/o{number}", body=body)
            if answer.status != 200:
                break
            kept.append(f"o{number}")
        self.assertEqual(answer.status, 507, answer.text())
        self.assertIn("<Code>InsufficientStorage</Code>", answer.text())
        self.assertGreater(len(kept) * size, 4 * 1024 * 1024)
        # Refused means refused: no trace of it, everything else is served, full or not.
        self.assertEqual(wire.request("GET", f"/full/o{len(kept)}").status, 404)
        self.assertEqual(self.listed(wire), set(kept))
        for key in (kept[0], kept[-1]):
            self.assertEqual(wire.request("GET", f"/full/{key}").body, body)
        wire.close()
        server.kill()
        server.start()
        wire = Wire(server.s3_address, ACCESS_KEY, SECRET_KEY)
        self.assertEqual(self.listed(wire), set(kept))
        for key in kept:
            answer = wire.request("DELETE", f"/full/{key}")
            self.assertEqual(answer.status, 204, answer.text())
        self.assertEqual(self.listed(wire), set())
        wait_for(lambda: wire.request("PUT", "/full/again", body=BODY).status == 200, 30, "space to come back")
        self.assertEqual(wire.request("DELETE", "/full/again").status, 204)
        wire.close()

    def listed(self, wire):
        found, token = set(), None
        while True:
            query = {"list-type": 2, **({"continuation-token": token} if token else {})}
            text = wire.request("GET", "/full", query).text()
            found |= set(re.findall("<Key>(.*?)</Key>", text))
            token = (re.findall("<NextContinuationToken>(.*?)</NextContinuationToken>", text) or [None])[0]
            if not token:
                return found


def in_own_namespace():
    """Starts this file again where it may mount; the mount ends with the namespace."""
    folder = tempfile.mkdtemp(prefix="strata-full-")
    try:
        tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder],
                               capture_output=True, text=True)
        if tried.returncode != 0:
            print(f"SKIPPED: a tmpfs cannot be mounted here: {tried.stderr.strip()}\nOK (skipped=1)", file=sys.stderr)
            return 0
        script = f'mount -t tmpfs -o size={SIZE} tmpfs "$1" && exec "$2" "$3"'
        return subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", folder, sys.executable, __file__],
                              env={**os.environ, INSIDE: folder}).returncode
    finally:
        os.rmdir(folder)


if __name__ == "__main__":
    if INSIDE in os.environ:
        unittest.main(verbosity=2)
    sys.exit(in_own_namespace())

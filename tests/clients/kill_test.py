"""kill -9 under load, many times, against a ledger of what was acknowledged: nothing acknowledged is
lost, nothing is torn, nothing deleted returns.

STRATA_KILL_ROUNDS sets how often (default 6); STRATA_KILL_SEED repeats a run."""

import hashlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import botocore.exceptions

from strata_server import StrataServer, wait_for

ROUNDS = int(os.environ.get("STRATA_KILL_ROUNDS", "6"))
SEED = int(os.environ.get("STRATA_KILL_SEED", str(random.SystemRandom().randrange(2**32))))
WORKERS = 4
KEYS_PER_WORKER = 12
PART = 5 * 1024 * 1024


def body_of(seed, size):
    return random.Random(seed).randbytes(size)


class Ledger:
    """What each key may hold: the last acknowledged body, or one of those asked for since."""

    def __init__(self):
        self.possible = {}

    def asked(self, key, digest):
        self.possible.setdefault(key, [None]).append(digest)

    def acknowledged(self, key, digest):
        self.possible[key] = [digest]


class Worker(threading.Thread):
    def __init__(self, server, number, seed, ledger):
        super().__init__(daemon=True)
        self.s3 = server.boto3(config={"retries": {"max_attempts": 0}, "connect_timeout": 5, "read_timeout": 20,
                                       "s3": {"addressing_style": "path"}})
        self.number, self.random, self.ledger = number, random.Random(seed), ledger
        self.done = 0

    def run(self):
        try:
            while True:
                self.one()
                self.done += 1
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, ConnectionError) as error:
            self.error = error

    def one(self):
        key = f"w{self.number}/{self.random.randrange(KEYS_PER_WORKER)}"
        kind = self.random.choices(("small", "large", "delete", "copy", "multipart"), (50, 20, 15, 10, 5))[0]
        if kind == "delete":
            self.ledger.asked(key, None)
            self.s3.delete_object(Bucket="kill", Key=key)
            self.ledger.acknowledged(key, None)
            return
        if kind == "copy":
            body = body_of(self.random.random(), 3000)
            self.ledger.asked(key + "-src", hashlib.sha256(body).digest())
            self.s3.put_object(Bucket="kill", Key=key + "-src", Body=body)
            self.ledger.acknowledged(key + "-src", hashlib.sha256(body).digest())
            digest = hashlib.sha256(body).digest()
            self.ledger.asked(key, digest)
            self.s3.copy_object(Bucket="kill", Key=key, CopySource=f"kill/{key}-src")
            self.ledger.acknowledged(key, digest)
            return
        if kind == "multipart":
            parts = [body_of(self.random.random(), PART), body_of(self.random.random(), 70_000)]
            digest = hashlib.sha256(b"".join(parts)).digest()
            upload = self.s3.create_multipart_upload(Bucket="kill", Key=key)["UploadId"]
            etags = [{"PartNumber": n, "ETag": self.s3.upload_part(
                Bucket="kill", Key=key, UploadId=upload, PartNumber=n, Body=part)["ETag"]}
                for n, part in enumerate(parts, 1)]
            self.ledger.asked(key, digest)
            self.s3.complete_multipart_upload(Bucket="kill", Key=key, UploadId=upload,
                                              MultipartUpload={"Parts": etags})
            self.ledger.acknowledged(key, digest)
            return
        size = self.random.randrange(0, 20_000) if kind == "small" else self.random.randrange(150_000, 900_000)
        body = body_of(self.random.random(), size)
        digest = hashlib.sha256(body).digest()
        self.ledger.asked(key, digest)
        self.s3.put_object(Bucket="kill", Key=key, Body=body)
        self.ledger.acknowledged(key, digest)


class KillObjects(unittest.TestCase):
    def check(self, server, ledger):
        s3 = server.boto3()
        listed = set()
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="kill"):
            listed |= {o["Key"] for o in page.get("Contents", [])}
        for key, possible in ledger.possible.items():
            digest = None
            if key in listed:
                body = s3.get_object(Bucket="kill", Key=key)["Body"].read()
                digest = hashlib.sha256(body).digest()
            self.assertIn(digest, possible, f"{key} holds something that nobody wrote, or lost what was acknowledged")
            ledger.possible[key] = [digest]
        self.assertLessEqual(listed, set(ledger.possible))

    def test_acknowledged_objects_survive(self):
        print(f"STRATA_KILL_SEED={SEED}", file=sys.stderr)
        chance = random.Random(SEED)
        ledger = Ledger()
        with StrataServer(environment={"STRATA_BUCKETS": "kill"}) as server:
            for _ in range(ROUNDS):
                workers = [Worker(server, n, chance.random(), ledger) for n in range(WORKERS)]
                for worker in workers:
                    worker.start()
                goal = chance.randrange(10, 120)
                limit = time.monotonic() + 30
                wait_for(lambda: sum(w.done for w in workers) >= goal or time.monotonic() > limit, 40, "load")
                server.kill()
                for worker in workers:
                    worker.join(30)
                    self.assertFalse(worker.is_alive())
                server.start()
                self.check(server, ledger)
            drives = server.status()["store"]["drives"]
            self.assertTrue(all(drive["in_service"] for drive in drives), drives)


def writes_served(server):
    metrics = urllib.request.urlopen(server.admin + "/metrics", timeout=10).read().decode()
    found = re.search(r'^strata_nbd_requests_total\{[^}]*op="write"[^}]*\} (\S+)', metrics, re.M)
    return float(found.group(1)) if found else 0


class KillVolume(unittest.TestCase):
    @unittest.skipIf(shutil.which("fio") is None, "fio is not installed")
    def test_flushed_blocks_survive(self):
        if "nbd" not in subprocess.run(["fio", "--enghelp"], capture_output=True, text=True).stdout.split():
            self.skipTest("this fio has no nbd engine")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-kill-"))
        self.addCleanup(shutil.rmtree, folder)
        chance = random.Random(SEED)
        with StrataServer(environment={"STRATA_VOLUMES": "v:64M"}) as server:
            for round_number in range(3):
                # Written and flushed first; then the server dies under writes elsewhere in the volume.
                common = ["--name=j", "--ioengine=nbd", f"--uri={server.nbd_uri('v')}", "--bs=4k", "--iodepth=16",
                          "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", f"--randseed={SEED + round_number}"]
                half = ["--offset=0", "--size=32m"]
                write = subprocess.run(["fio", *common, *half, "--rw=randwrite", "--do_verify=0", "--end_fsync=1"],
                                       capture_output=True, text=True, timeout=100, cwd=folder)
                self.assertEqual(write.returncode, 0, write.stdout + write.stderr)
                other = subprocess.Popen(["fio", *common, "--offset=32m", "--size=32m", "--rw=randwrite",
                                          "--do_verify=0", "--time_based", "--runtime=30"], cwd=folder,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                written = lambda: writes_served(server)
                goal = written() + chance.randrange(500, 5000)
                wait_for(lambda: written() >= goal, 30, "writes")
                server.kill()
                other.kill()
                other.wait(30)
                server.start()
                common[2] = f"--uri={server.nbd_uri('v')}"
                check = subprocess.run(["fio", *common, *half, "--rw=randwrite", "--verify_only"],
                                       capture_output=True, text=True, timeout=100, cwd=folder)
                self.assertEqual(check.returncode, 0, check.stdout + check.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

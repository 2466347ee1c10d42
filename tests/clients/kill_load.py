"""Load on a server that is killed, and the check of what is left against the ledger.

kill_test.py runs it shortly; as a program it is the long form: kill_load.py [KILLS] (./dev test --kill), 1,000 without
a number. It does all of them, or fails: when something was lost, or when they take too long."""

import hashlib
import http.client
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as tree

from kill_ledger import Ledger
from s3_wire import Wire
from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer

BUCKET = "kill"
WORKERS = 8
OWN_KEYS = 8      # of each worker, written by it alone
SHARED_KEYS = 10  # written by all
PART = 5 * 1024 * 1024
POOL = random.Random(7).randbytes(8 * 1024 * 1024)
BROKEN = (OSError, http.client.HTTPException)
DRIVES = 3
LONG_FORM_KILLS = 1000
SECONDS_A_KILL_MAX = 6  # on average; a busy machine takes one


class Lost(AssertionError):
    pass


class TooSlow(AssertionError):
    """The time was up before there were as many kills as were wanted."""


def body_of(source, number, chance, size):
    """Bytes that say who wrote them, and differ from all others at every place."""
    head = f"{source} {number} {size}\n".encode()[:size]
    start = chance.randrange(len(POOL) - size)
    return head + POOL[start:start + size - len(head)]


def size_of(chance):
    return chance.choice((0, chance.randrange(1, 200), chance.randrange(200, 20_000), chance.randrange(200, 20_000),
                          chance.randrange(60_000, 140_000), chance.randrange(150_000, 900_000)))


def md5(body):
    return hashlib.md5(body).hexdigest()


class Upload:
    """A multipart upload that one worker makes, over as many lives of the server as it takes."""

    def __init__(self, key):
        self.key, self.id, self.parts = key, None, {}
        self.bodies = {}
        self.end = None  # the write of its completion, once that was asked for


class Worker(threading.Thread):
    """One client: random operations until the connection breaks. What it finds wrong is in `wrong`."""

    def __init__(self, number, state, seed):
        super().__init__(daemon=True)
        self.number, self.state, self.ledger = number, state, state.ledger
        self.chance = random.Random(seed)
        self.wire = state.wire()
        self.done, self.refused, self.wrong = 0, 0, None

    def run(self):
        kinds = {"put": 40, "own_put": 22, "put_new": 5, "delete": 10, "get": 12, "copy": 6, "multipart": 5}
        steps = [getattr(self, name) for name in kinds]
        try:
            while True:
                self.chance.choices(steps, list(kinds.values()))[0]()
                self.done += 1
        except BROKEN:
            pass
        except Lost as wrong:
            self.wrong = wrong
        finally:
            self.wire.close()

    def own_key(self):
        return f"own/{self.number}/{self.chance.randrange(OWN_KEYS)}"

    def any_key(self):
        return self.own_key() if self.chance.random() < 0.6 else f"shared/{self.chance.randrange(SHARED_KEYS)}"

    def ask(self, key, body):
        return self.ledger.ask(key, None if body is None else md5(body), len(body or b""), f"worker {self.number}")

    def judge(self, answer, good, what):
        """True: done. False: refused for a reason that means nothing happened. Else it is wrong."""
        if answer.status in good:
            return True
        if answer.status in (409, 412, 503):
            self.refused += 1
            return False
        raise Lost(f"{what} was answered {answer.status}: {answer.text()[:500]}")

    def write(self, key, headers=None):
        body = body_of(f"worker {self.number}", self.ledger.now(), self.chance, size_of(self.chance))
        write = self.ask(key, body)
        answer = self.wire.request("PUT", f"/{BUCKET}/{key}", body=body, headers=headers)
        if self.judge(answer, (200,), f"PUT {key}"):
            if answer.etag != write.digest:
                raise Lost(f"PUT {key}: ETag {answer.etag}, not {write.digest}")
            self.ledger.acknowledge(key, write)
        elif answer.status == 412:
            self.ledger.refuse(key, write)

    def put(self):
        self.write(self.any_key())

    def own_put(self):
        self.write(self.own_key())

    def put_new(self):
        self.write(self.any_key(), {"if-none-match": "*"})

    def delete(self):
        key = self.any_key()
        write = self.ask(key, None)
        if self.judge(self.wire.request("DELETE", f"/{BUCKET}/{key}"), (204,), f"DELETE {key}"):
            self.ledger.acknowledge(key, write)

    def get(self):
        key = self.any_key()
        since = self.ledger.now()
        self.state.check_read(self.wire, key, since)

    def copy(self):
        source = f"seed/{self.chance.randrange(len(self.state.seeds))}"
        body = self.state.seeds[source]
        key = self.any_key()
        write = self.ask(key, body)
        answer = self.wire.request("PUT", f"/{BUCKET}/{key}", headers={"x-amz-copy-source": f"/{BUCKET}/{source}"})
        if self.judge(answer, (200,), f"copy to {key}"):
            self.ledger.acknowledge(key, write)

    def multipart(self):
        """One step of an upload, which may be one that an earlier life of the server began."""
        upload = self.state.uploads.get(self.number)
        if upload is None:
            upload = Upload(self.own_key())
            answer = self.wire.request("POST", f"/{BUCKET}/{upload.key}", {"uploads": ""})
            if self.judge(answer, (200,), "create upload"):
                upload.id = re.search("<UploadId>(.*?)</UploadId>", answer.text()).group(1)
                self.state.uploads[self.number] = upload
        elif len(upload.parts) < 2:
            number = 1 + len(upload.parts)
            size = PART if number == 1 else self.chance.randrange(1, 200_000)
            body = body_of(f"worker {self.number} part {number}", self.ledger.now(), self.chance, size)
            answer = self.wire.request("PUT", f"/{BUCKET}/{upload.key}", {"partNumber": number, "uploadId": upload.id},
                                       body)
            if self.judge(answer, (200,), "upload part"):
                upload.parts[number], upload.bodies[number] = md5(body), body
        else:
            self.end_upload(upload)

    def end_upload(self, upload):
        path = f"/{BUCKET}/{upload.key}"
        if self.chance.random() < 0.2 and upload.end is None:
            self.state.aborted.add(upload.id)
            self.state.uploads[self.number] = None
            self.judge(self.wire.request("DELETE", path, {"uploadId": upload.id}), (204,), "abort")
            self.state.gone.add(upload.id)
            return
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>"
                        for n, e in sorted(upload.parts.items()))
        in_doubt = upload.end is not None
        upload.end = self.ask(upload.key, b"".join(upload.bodies[n] for n in sorted(upload.bodies)))
        answer = self.wire.request("POST", path, {"uploadId": upload.id},
                                   f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())
        if answer.status == 200 and "<Error>" in answer.text():
            raise Lost(f"complete {upload.key}: {answer.text()[:500]}")
        if in_doubt and answer.status == 404:
            # It had been completed, and something else was written over it since.
            self.ledger.refuse(upload.key, upload.end)
            self.state.uploads[self.number] = None
        elif self.judge(answer, (200,), f"complete {upload.key}"):
            self.ledger.acknowledge(upload.key, upload.end)
            self.state.gone.add(upload.id)
            self.state.uploads[self.number] = None


class State:
    """What outlives the server: the ledger, the uploads under way, the server's folder."""

    def __init__(self, server):
        self.server = server
        self.ledger = Ledger()
        self.uploads = {}     # by worker
        self.aborted = set()  # ids whose abortion was asked for
        self.gone = set()     # ids that were completed or aborted, acknowledged
        self.seeds = {}

    def wire(self):
        return Wire(self.server.s3_address, ACCESS_KEY, SECRET_KEY)

    def write_seeds(self):
        """Objects that are only read: the sources of copies."""
        chance, wire = random.Random(1), self.wire()
        for number, size in enumerate((0, 100, 9_000, 131_072, 131_073, 700_000)):
            key, body = f"seed/{number}", body_of("seed", number, chance, size)
            write = self.ledger.ask(key, md5(body), len(body), "seed")
            if wire.request("PUT", f"/{BUCKET}/{key}", body=body).status != 200:
                raise Lost("a seed was refused")
            self.ledger.acknowledge(key, write)
            self.seeds[key] = body
        wire.close()

    def check_read(self, wire, key, since=None):
        """GETs the key and holds it against the ledger; the write that was found."""
        answer = wire.request("GET", f"/{BUCKET}/{key}")
        if answer.status not in (200, 404):
            raise Lost(f"GET {key} was answered {answer.status}: {answer.text()[:500]}")
        digest = md5(answer.body) if answer.status == 200 else None
        possible = self.ledger.possible(key, since)
        for write in possible:
            if write.digest == digest:
                if digest is not None and "-" not in answer.etag and answer.etag != digest:
                    raise Lost(f"GET {key}: ETag {answer.etag} of bytes whose MD5 is {digest}")
                return write
        known = self.ledger.known.get(key, {}).get(digest)
        what = ("nothing" if digest is None else f"an old write, {known}" if known
                else f"{len(answer.body)} bytes that nobody wrote, beginning with {answer.body[:60]!r}")
        raise Lost(f"{key} holds {what}; possible: {possible}")

    def listed(self, wire):
        found, token = {}, None
        while True:
            query = {"list-type": 2, "max-keys": 40}
            if token:
                query["continuation-token"] = token
            answer = wire.request("GET", f"/{BUCKET}", query)
            if answer.status != 200:
                raise Lost(f"the listing was answered {answer.status}: {answer.text()[:500]}")
            root = tree.fromstring(answer.body)
            space = root.tag.partition("}")[0] + "}"
            for entry in root.iter(space + "Contents"):
                found[entry.findtext(space + "Key")] = (int(entry.findtext(space + "Size")),
                                                        entry.findtext(space + "ETag").strip('"'))
            token = root.findtext(space + "NextContinuationToken")
            if not token:
                return found

    def check_all(self, settle=True):
        """Nobody writes: listing, every key, every upload. Then what was found is what there is."""
        wire = self.wire()
        try:
            return self._check_all(wire, settle)
        finally:
            wire.close()

    def _check_all(self, wire, settle):
        listing = self.listed(wire)
        strangers = set(listing) - set(self.ledger.keys())
        if strangers:
            raise Lost(f"listed, and never written: {sorted(strangers)[:10]}")
        failed = []

        def check(keys):
            mine = self.wire()
            try:
                for key in keys:
                    self.check_key(mine, key, listing.get(key), settle)
            except (Lost, *BROKEN) as wrong:
                failed.append(wrong)
            finally:
                mine.close()

        keys = self.ledger.keys()
        threads = [threading.Thread(target=check, args=(keys[n::3],)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise Lost(str(failed[0]))
        self.check_uploads(wire)
        return len(keys)

    def check_key(self, wire, key, listed, settle):
        write = self.check_read(wire, key)
        if (write.digest is not None) != (listed is not None):
            raise Lost(f"{key}: GET finds {write}, the listing says {listed}")
        if listed and listed[0] != write.size:
            raise Lost(f"{key}: listed with {listed[0]} bytes, has {write.size}")
        if settle:
            self.ledger.settle(key, write.digest, write.size)

    def check_uploads(self, wire):
        """Uploads and parts that were acknowledged are there; what was ended does not return."""
        answer = wire.request("GET", f"/{BUCKET}", {"uploads": "", "max-uploads": 1000})
        present = set(re.findall("<UploadId>(.*?)</UploadId>", answer.text()))
        if present & self.gone:
            raise Lost(f"uploads that were completed or aborted are back: {present & self.gone}")
        for worker, upload in list(self.uploads.items()):
            if upload is None:
                continue
            if upload.id not in present:
                if upload.end is None:
                    raise Lost(f"upload {upload.id} of {upload.key} is lost")
                found = self.ledger.possible(upload.key)[0]
                if found.digest != upload.end.digest:
                    raise Lost(f"upload {upload.id} has ended, and {upload.key} holds {found}")
                self.gone.add(upload.id)
                self.uploads[worker] = None
                continue
            answer = wire.request("GET", f"/{BUCKET}/{upload.key}", {"uploadId": upload.id})
            parts = dict(re.findall(r"<PartNumber>(\d+)</PartNumber>.*?<ETag>(?:&quot;|\")(\w+)", answer.text(), re.S))
            for number, etag in upload.parts.items():
                if parts.get(str(number)) != etag:
                    raise Lost(f"part {number} of upload {upload.id} is lost: {answer.text()[:500]}")


def load(state, seed, seconds, dies):
    """Workers until the server is killed after that time; how many operations ended."""
    workers = [Worker(n, state, f"{seed} {n}") for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    workers[0].join(seconds)  # returns early when something is wrong
    if dies:
        state.server.kill()
    for worker in workers:
        worker.join(60)
        if worker.is_alive():
            raise Lost("a client is still waiting 60 s after the server died")
    for worker in workers:
        if worker.wrong:
            raise worker.wrong
    return sum(w.done for w in workers), sum(w.refused for w in workers)


def start_and_perhaps_kill(server, chance):
    """Now and then the server is killed while it recovers. How often."""
    kills = 0
    while chance.random() < 0.25:
        server.begin()
        try:
            server.process.wait(chance.uniform(0, 0.25))
            raise Lost("the server ended by itself: " + server.log()[-3000:])
        except subprocess.TimeoutExpired:
            pass
        server.kill()
        kills += 1
    server.start()
    return kills


class Without:
    """One drive's folder is away while this lasts; the server is not running at either end."""

    def __init__(self, server, drive):
        self.path = server.data / f"drive{drive + 1}"
        self.away = server.folder / "away"

    def __enter__(self):
        self.path.rename(self.away)

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)  # the server makes an empty one
        self.away.rename(self.path)


def check_each_two(state):
    """Everything is on every drive: any two serve all of it."""
    for drive in range(DRIVES):
        state.server.kill()
        with Without(state.server, drive):
            state.server.start()
            try:
                state.check_all()
            finally:
                state.server.kill()
        state.server.start()
        drives_are_in(state.server)


def drives_are_in(server):
    drives = server.status()["store"]["drives"]
    if len(drives) != DRIVES or not all(drive["in_service"] for drive in drives):
        raise Lost(f"not all drives are in service: {drives}")
    if server.status()["store"]["corrupt_found"]:
        raise Lost(f"kill -9 made copies that are corrupt: {server.status()['store']}")


def run(kills_wanted, seed, load_s=(0.05, 0.45), report=None, durability="strict", seconds_max=None):
    """Kills the server at least that often, checking after each. Returns the totals. Relaxed durability is held to the
    same: what the kernel was given outlives the program."""
    deadline = time.monotonic() + (seconds_max or max(120, kills_wanted * SECONDS_A_KILL_MAX))
    chance = random.Random(seed)
    totals = {"kills": 0, "in recovery": 0, "operations": 0, "refused": 0, "reads checked": 0, "drive away": 0}
    with StrataServer(environment={"STRATA_BUCKETS": BUCKET, "STRATA_DURABILITY": durability}) as server:
        state = State(server)
        state.write_seeds()
        try:
            while totals["kills"] < kills_wanted:
                if time.monotonic() > deadline:
                    raise TooSlow(f"only {totals['kills']} of {kills_wanted} kills when the time was up")
                done, refused = load(state, chance.random(), chance.uniform(*load_s), dies=True)
                totals["kills"] += 1
                if chance.random() < 0.1:
                    totals["drive away"] += 1
                    with Without(server, chance.randrange(DRIVES)):
                        server.start()
                        state.check_all()
                        more, _ = load(state, chance.random(), chance.uniform(*load_s), dies=True)
                        done += more
                        totals["kills"] += 1
                early = start_and_perhaps_kill(server, chance)
                totals["kills"] += early
                totals["in recovery"] += early
                totals["operations"] += done
                totals["refused"] += refused
                totals["reads checked"] += state.check_all()
                if report:
                    report(totals)
            drives_are_in(server)
            check_each_two(state)
            totals["kills"] += 2 * DRIVES
        except Lost:
            keep = pathlib.Path(os.environ.get("STRATA_KILL_KEEP", server.folder.parent)) / f"strata-kill-{seed}"
            server.kill()
            shutil.copytree(server.folder, keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
            print(f"what is left is in {keep}", file=sys.stderr)
            raise
    return totals


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else LONG_FORM_KILLS
    seed = int(os.environ.get("STRATA_KILL_SEED", str(random.SystemRandom().randrange(2**32))))
    print(f"STRATA_KILL_SEED={seed}", flush=True)
    began = last = time.monotonic()

    def report(totals):
        nonlocal last
        if time.monotonic() - last > 10:
            last = time.monotonic()
            print(f"{last - began:.0f} s: {summary(totals)}", flush=True)

    try:
        totals = run(wanted, seed, report=report, durability=os.environ.get("STRATA_KILL_DURABILITY", "strict"))
    except (Lost, TooSlow) as wrong:
        print(f"FAILED with STRATA_KILL_SEED={seed}: {wrong}")
        return 1
    print(f"passed in {time.monotonic() - began:.0f} s: {summary(totals)}; "
          "nothing lost, nothing torn, nothing resurrected")
    return 0


def summary(totals):
    return ", ".join(f"{count} {what}" for what, count in totals.items())


if __name__ == "__main__":
    sys.exit(main())

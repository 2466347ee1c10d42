"""Where the experiments run: a server of our own with a bucket and a volume, and a raw file beside them,
all on one disk, all removed at the end. Either half may be somebody else's: an S3 endpoint, a block device."""

import contextlib
import http.client
import json
import os
import pathlib
import secrets
import shutil
import sys
import time

from bench.common.processes import BenchError, Child
from bench.compare import costs, fio, metrics, mounts
from bench.compare.model import MIB, OBJECT, RAW, VOLUME, Load
from bench.compare.targets import Bucket, Device, Disk, Nbd
from bench.object.presign import Presigner
from bench.object.scratch_server import control_status

READY_SECONDS = 120
NAME = "compare"  # of the bucket and of the volume
ACCESS_KEY = "compare"
QUICK_SPAN_BYTES = 256 * MIB
FULL_SPAN_BYTES = 2048 * MIB
ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLIC = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{NAME}/*"}]})
WEBSITE = ('<WebsiteConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IndexDocument>'
           "<Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>")
FILL = Load("fill", "fill the disk", "write", MIB)


class Stage:
    """What rows are measured on. Leaving it stops and removes everything."""

    def __init__(self, options, folder, say):
        self.options, self.say = options, say
        self.folder = pathlib.Path(folder)
        self.seconds = options.seconds
        self.quick = options.quick
        self.profile = options.volume_profile
        self.span_bytes = QUICK_SPAN_BYTES if options.quick else FULL_SPAN_BYTES
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(("STRATA_", "MINIO_", "AWS_"))}
        self.binary = str(pathlib.Path(options.strata).absolute())
        self.volume_name, self.nbd_socket = NAME, None
        self.website = None  # HOST:PORT where our bucket is served unsigned, once it is public
        self._stack = contextlib.ExitStack()
        self._server, self._admin, self._slow = None, None, None
        self._made = {}
        self._about = {"span_bytes": self.span_bytes, "volume_profile": self.profile or "local"}

    def __enter__(self):
        try:
            self.fio = fio.find(self.options.fio)
            self._find()
            self._fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def on_exit(self, function, *arguments):
        """Something to undo at the end; the last made is undone first."""
        self._stack.callback(function, *arguments)

    def _find(self):
        """Both halves: ours, unless others are named."""
        endpoint, device = self.options.s3_endpoint, self.options.block_device
        self._sizes = set()
        self.device = Device(device, self.span_bytes) if device else None
        if endpoint:
            self.bucket = Bucket.from_environment(endpoint, self.options.bucket)
            self.on_exit(self._remove_objects)
        if not endpoint or not device:
            self._start()
        self._volume = self.device.raw() if device else Nbd(f"nbd+unix:///{NAME}?socket={self.nbd_socket}")
        self._raw = Disk(str(self.folder / "raw.img"))
        self._about |= {"object_half": endpoint or "Strata", "block_half": device or "Strata"}

    def _start(self):
        data = self.folder / "data"
        secret = secrets.token_hex(16)
        environment = self.environment | {
            "STRATA_ROOT_USER": ACCESS_KEY, "STRATA_ROOT_PASSWORD": secret, "STRATA_BUCKETS": NAME,
            "STRATA_VOLUMES": f"{NAME}:{self.span_bytes}"}
        self._stack.callback(shutil.rmtree, data, True)
        self._server = Child(
            [self.binary, "serve", "--data", data, "--s3", "127.0.0.1:0", "--admin", "127.0.0.1:0",
             "--nbd", "off", "--website", "127.0.0.1:0", "--log-level", "warning"],
            self.folder / "server.log", environment)
        self._stack.callback(self._server.stop)
        deadline = time.monotonic() + READY_SECONDS
        while not (status := control_status(data / "control.sock")):
            if not self._server.running() or time.monotonic() > deadline:
                raise BenchError("the server for the comparison did not start: " + self._server.tail())
            time.sleep(0.02)
        self.data = data
        self._check_durability(status)
        self._admin = status["listeners"]["admin"]
        if not self.options.s3_endpoint:
            self.bucket = Bucket(status["listeners"]["s3"], NAME, ACCESS_KEY, secret)
            self.website = status["listeners"].get("website")
        if self.options.s3_profile:
            self._slow_down(self.options.s3_profile)
        self.nbd_socket = None if self.options.block_device else status["listeners"]["nbd_socket"]

    def _slow_down(self, name):
        """Puts the emulation of a cloud's first-byte time before our objects."""
        service, port_file = costs.load()[name], self.folder / "slow-s3"
        self._slow = Child(
            [sys.executable, "-m", "bench.compare.slow_s3", self.bucket.host,
             service["first_byte_ms_typical"], service["first_byte_ms_p99"], port_file],
            self.folder / "slow-s3.log", self.tool_environment())
        self.on_exit(self._slow.stop)
        deadline = time.monotonic() + READY_SECONDS
        while not port_file.exists() or not port_file.read_text():
            if not self._slow.running() or time.monotonic() > deadline:
                raise BenchError("the emulation of S3 did not start: " + self._slow.tail())
            time.sleep(0.02)
        self.bucket.host = port_file.read_text()
        self.website = None  # it is not slowed down
        self._about["s3_profile"] = service["name"]

    def _check_durability(self, status):
        """Same durability is a condition of the comparison, so it is looked at, not assumed."""
        replicas = status["store"]["replicas"]
        if not status["durability"].startswith("strict") or replicas < 1:
            raise BenchError("the server answers before what it was given is flushed: "
                             f"{status['durability']}")
        self._about |= {"version": status["version"], "durability": status["durability"],
                        "replicas": replicas}

    def _fill(self):
        """Every byte of the volume and of the raw file is written once, so that neither is measured
        while its space is being allocated."""
        self.say("filling the volume and the raw file")
        for blocks, name in ((self._volume, "volume"), (self._raw, "raw")):
            job = blocks.job(FILL, 4, None, self.span_bytes)
            job.options |= {"end_fsync": 1}
            fio.execute(self.fio, job, self.folder / f"fill-{name}", fio.FILL_SECONDS,
                        self.environment)
        if self.profile and not self.device:
            mounts.run(self, self.binary, "volume", "set", NAME, "--profile", self.profile, "--data",
                       self.data)

    def levels(self, decisive):
        """Operations under way, from one on; the one that decides is always among them."""
        return sorted({1, decisive} if self.quick else {1, 4, decisive, 64})

    def blocks(self, side):
        return self._raw if side == RAW else self._volume

    def ours(self, side):
        """Whether a server of our own works when a side is used."""
        return not {OBJECT: self.options.s3_endpoint, VOLUME: self.options.block_device, RAW: True}[side]

    def pids(self, side):
        """The servers that work when a side is used, if they are ours."""
        if not self.ours(side):
            return []
        return [self._server.pid, *([self._slow.pid] if self._slow and side == OBJECT else [])]

    def requests(self):
        """Our server's own counts of requests."""
        return metrics.requests(metrics.fetch(f"http://{self._admin}/metrics")) if self._admin else {}

    def requests_since(self, before):
        """What was counted since; only what changed."""
        return {name: count - before.get(name, 0) for name, count in self.requests().items()
                if count != before.get(name, 0)}

    def once(self, name, make):
        """What make() gave the first time it was asked for by this name, or its failure again."""
        if name not in self._made:
            try:
                self._made[name] = make()
            except BenchError as error:
                self._made[name] = error
        if isinstance(self._made[name], BenchError):
            raise self._made[name]
        return self._made[name]

    def forget(self, *folders):
        """Takes the files of folders out of the page cache, so that what is read next comes from the disk."""
        os.sync()  # only what is on the disk can be taken out
        for folder in folders:
            for file in (path for path in folder.rglob("*") if path.is_file()):
                with contextlib.suppress(FileNotFoundError), open(file, "rb") as opened:
                    os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def tool_environment(self):
        """For our own Python programs."""
        return self.environment | {"PYTHONPATH": str(ROOT)}

    def presign(self, method, key, more=""):
        """The request target for a key of the bucket, or for the bucket itself, signed."""
        bucket = self.bucket
        sign = Presigner(bucket.host, bucket.access_key, bucket.secret, bucket.region)
        return sign.target(method, f"/{bucket.bucket}/{key}" if key else f"/{bucket.bucket}", more)

    def public(self):
        """Whether everybody may read our bucket and it is a website: made so the first time it is asked."""
        return bool(self.website) and self.once("public", self._publish)

    def _publish(self):
        """False from a server that knows no policies of buckets."""
        # A new bucket refuses a policy for everybody until its block of public access is taken away.
        for method, what, body in (("DELETE", "publicAccessBlock", None), ("PUT", "policy", PUBLIC),
                                   ("PUT", "website", WEBSITE)):
            connection = http.client.HTTPConnection(self.bucket.host, timeout=READY_SECONDS)
            connection.request(method, self.presign(method, "", f"{what}="), body)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            if answer.status == 501:
                return False
            if answer.status not in (200, 204):
                raise BenchError(f"the bucket's {what} was refused: {answer.status} {text[:200]!r}")
        return True

    def put_objects(self, load, count, processes=8):
        """Makes the objects that reads of this size will ask for."""
        self.say(f"making {count} objects of {load.bytes} bytes")
        self._sizes.add((load.bytes, count))
        job = self.bucket.job(Load("fill", "", "write", load.bytes), min(processes, count), None, count)
        fio.execute(self.fio, job, self.folder / f"fill-{load.bytes}", fio.FILL_SECONDS,
                    self.environment)

    def note_objects(self, load, count):
        """That a load makes objects of its own, to be removed from a bucket that is not ours."""
        self._sizes.add((load.bytes, count))

    def _remove_objects(self):
        self.bucket.remove(self._sizes, self.presign, self.say)

    def describe(self):
        """What was held equal, as the servers themselves say it."""
        return self._about

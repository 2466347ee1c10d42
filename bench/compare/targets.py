"""What fio is aimed at: a bucket, a volume over NBD, a file or a device, a folder."""

import dataclasses
import http.client
import os
import stat
import urllib.parse

from bench.common.processes import BenchError
from bench.compare import fio
from bench.compare.model import OBJECT, RAW, VOLUME, Point


REMOVE_TIMEOUT_SECONDS = 30


@dataclasses.dataclass
class Bucket:
    host: str  # HOST:PORT
    bucket: str
    access_key: str
    secret: str
    region: str = "us-east-1"
    https: bool = False

    @classmethod
    def from_environment(cls, url, bucket):
        """Any S3 endpoint, such as https://s3.us-east-1.amazonaws.com, with the AWS tools' variables."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise BenchError(f"{url} is no endpoint: it is http:// or https:// and a host")
        keys = [os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
        if not bucket or not all(keys):
            raise BenchError("--s3-endpoint needs --bucket, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
                             "in the environment")
        return cls(parts.netloc, bucket, *keys, os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
                   parts.scheme == "https")

    def remove(self, sizes, presign, say):
        """Deletes what fio made: (bytes, count) of each kind. What cannot be deleted is told."""
        kind = http.client.HTTPSConnection if self.https else http.client.HTTPConnection
        connection, failed = kind(self.host, timeout=REMOVE_TIMEOUT_SECONDS), 0
        for size, count in sizes:
            for number in range(count):
                try:
                    connection.request("DELETE", presign("DELETE", f"o{size}_{number * size}_{size}"))
                    answer = connection.getresponse()
                    answer.read()
                    failed += answer.status not in (204, 404)
                except (OSError, http.client.HTTPException):
                    failed += 1
                    connection.close()
        connection.close()
        if failed:
            say(f"{failed} objects named o... could not be deleted from {self.bucket}")

    def url(self):
        return f"{'https' if self.https else 'http'}://{self.host}"

    def job(self, load, concurrency, seconds, count):
        """`count` objects of the load's size; their names hold their place in the whole."""
        options = fio.load_options(load, concurrency, seconds)
        options |= {"ioengine": "http", "http_mode": "s3", "https": "on" if self.https else "off",
                    "http_host": self.host, "http_s3_region": self.region,
                    "http_s3_keyid": self.access_key, "filename": f"/{self.bucket}/o{load.bytes}"}
        if load.rw.startswith("rand"):
            options["size"] = count * load.bytes
        else:  # each process walks its own part
            options["size"] = options["offset_increment"] = max(1, count // concurrency) * load.bytes
        return fio.Job(options, {"http_s3_key": self.secret})


class Blocks:
    """A disk, however it is reached."""

    def engine(self):
        raise NotImplementedError

    def job(self, load, concurrency, seconds, span_bytes):
        depth, processes = (1, concurrency) if load.durable else (concurrency, 1)
        options = fio.load_options(load, processes, seconds) | self.engine() | {"iodepth": depth}
        options["size"] = span_bytes
        if load.durable:
            options["fsync"] = 1
        if not load.rw.startswith("rand"):
            each = span_bytes // processes // load.bytes * load.bytes
            options["size"] = options["offset_increment"] = each
        return fio.Job(options)


@dataclasses.dataclass
class Nbd(Blocks):
    uri: str

    def engine(self):
        return {"ioengine": "nbd", "uri": self.uri}


@dataclasses.dataclass
class Disk(Blocks):
    """A file or a block device, past the page cache."""

    path: str

    def engine(self):
        return {"ioengine": "io_uring", "filename": self.path, "direct": 1}


class Device:
    """A block device that is not ours and whose content is overwritten: the first part is used as it is, the
    rest for filesystems."""

    def __init__(self, path, span_bytes):
        if not stat.S_ISBLK(os.stat(path).st_mode):
            raise BenchError(f"{path} is no block device")
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            if any(line.split()[0].startswith(path) for line in mounts):
                raise BenchError(f"{path} is mounted: nothing is done to it")
        with open(path, "rb") as device:
            self.bytes = device.seek(0, os.SEEK_END)
        if self.bytes < 2 * span_bytes:
            raise BenchError(f"{path} is too small: {2 * span_bytes} bytes are used of it")
        self.path, self.used = path, span_bytes

    def raw(self):
        return Disk(self.path)

    def part(self, size_bytes):
        """Where a filesystem of this size may begin."""
        if self.used + size_bytes > self.bytes:
            raise BenchError(f"{self.path} has no room for another filesystem")
        first, self.used = self.used, self.used + size_bytes
        return first


def object_point(load, concurrency, count, note=""):
    def measure(stage, files):
        stage.note_objects(load, count)
        return fio.measure(stage, stage.bucket.job(load, concurrency, stage.seconds, count), files,
                           pids=stage.pids(OBJECT))
    return Point(load, OBJECT, concurrency, measure, note)


def block_point(load, side, concurrency, note=""):
    def measure(stage, files):
        job = stage.blocks(side).job(load, concurrency, stage.seconds, stage.span_bytes)
        return fio.measure(stage, job, files, load.durable, stage.pids(side))
    return Point(load, side, concurrency, measure, note)


def sweep(stage, load, count, decisive):
    """A load on both halves over the levels, the sides in turn; on the raw file where it decides."""
    points = []
    for level in stage.levels(decisive):
        points += [object_point(load, level, count), block_point(load, VOLUME, level)]
        if level == decisive:
            points.append(block_point(load, RAW, level))
    return points

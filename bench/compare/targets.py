"""What fio is aimed at: a bucket, a volume over NBD, a file or a device, a folder."""

import dataclasses
import urllib.parse

from bench.compare import fio
from bench.compare.model import OBJECT, RAW, VOLUME, Point


@dataclasses.dataclass
class Bucket:
    host: str  # HOST:PORT
    bucket: str
    access_key: str
    secret: str
    region: str = "us-east-1"
    https: bool = False

    @classmethod
    def from_url(cls, url, bucket, access_key, secret, region):
        """Any S3 endpoint, such as https://s3.us-east-1.amazonaws.com."""
        parts = urllib.parse.urlsplit(url)
        return cls(parts.netloc, bucket, access_key, secret, region, parts.scheme == "https")

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


def object_point(load, concurrency, count, note=""):
    def measure(stage, files):
        return fio.measure(stage, stage.bucket.job(load, concurrency, stage.seconds, count), files)
    return Point(load, OBJECT, concurrency, measure, note)


def block_point(load, side, concurrency, note=""):
    def measure(stage, files):
        job = stage.blocks(side).job(load, concurrency, stage.seconds, stage.span_bytes)
        return fio.measure(stage, job, files, load.durable, side != RAW)
    return Point(load, side, concurrency, measure, note)


def sweep(stage, load, count, decisive):
    """A load on both halves over the levels, the sides in turn; on the raw file where it decides."""
    points = []
    for level in stage.levels(decisive):
        points += [object_point(load, level, count), block_point(load, VOLUME, level)]
        if level == decisive:
            points.append(block_point(load, RAW, level))
    return points

"""Servers of objects, each started on loopback as its own documentation says for one machine."""

import http.client
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import time

from bench.common.processes import BenchError, Child
from bench.compare import fio
from bench.compare.targets import Bucket
from bench.object.nginx import find_nginx, free_port
from bench.object.presign import Presigner
from bench.object.scratch_server import ScratchServer

READY_SECONDS = 60
COMMAND_SECONDS = 60
BUCKET = "bench"


class ObjectPeer:
    """A server of its own; entered it serves the bucket `bench`."""

    name = ""
    programs = ()  # one of them has to be installed
    durability = ""  # what its answer to a PUT promises by default, as documented
    region = "us-east-1"

    def __init__(self, ground):
        self.ground = ground
        self.folder = pathlib.Path(ground.folder) / self.name
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.access_key, self.secret = "benchkey", secrets.token_hex(16)

    @classmethod
    def found(cls):
        return next(filter(None, map(shutil.which, cls.programs)), None)

    @classmethod
    def missing(cls):
        return "" if cls.found() else f"missing: {' or '.join(cls.programs)} is not installed"

    def __enter__(self):
        self.folder.mkdir(parents=True)
        try:
            self.child = Child(self.command(), self.folder / "server.log",
                               self.ground.environment | self.environment())
            self.wait()
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "child"):
            self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def pids(self):
        return [self.child.pid]

    def wait(self):
        """Until somebody speaks HTTP there."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            connection = http.client.HTTPConnection(self.host, timeout=5)
            try:
                connection.request("GET", "/")
                connection.getresponse().read()
                return
            except (OSError, http.client.HTTPException):
                if not self.child.running() or time.monotonic() > deadline:
                    raise BenchError(f"{self.name} did not start: {self.child.tail(400)}") from None
                time.sleep(0.05)
            finally:
                connection.close()

    def prepare(self):
        """Makes the bucket."""
        sign = Presigner(self.host, self.access_key, self.secret, self.region)
        connection = http.client.HTTPConnection(self.host, timeout=READY_SECONDS)
        connection.request("PUT", sign.target("PUT", f"/{BUCKET}"))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise BenchError(f"{self.name} did not make a bucket: {answer.status} {text[:200]!r}")

    def job(self, load, concurrency, seconds, count):
        bucket = Bucket(self.host, BUCKET, self.access_key, self.secret, self.region)
        return bucket.job(load, concurrency, seconds, count)

    def run(self, *command):
        made = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False,
                              timeout=COMMAND_SECONDS, env=self.ground.environment | self.environment())
        if made.returncode != 0:
            raise BenchError(f"{self.name}: {' '.join(map(str, command[:4]))}: {made.stderr[-300:]}")
        return made.stdout


class Strata(ObjectPeer):
    name = "strata"
    durability = "three copies, each flushed with its record, before 200"
    binary = "build/release/strata"

    @classmethod
    def missing(cls):
        return "" if os.path.exists(cls.binary) else f"missing: {cls.binary} is not built"

    def __enter__(self):
        self.server = ScratchServer(self.binary, self.folder)
        self.server.__enter__()
        self.host, self.secret = self.server.host, self.server.secret
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def pids(self):
        return [self.server.pid]


class Nginx(ObjectPeer):
    """Not S3: plain files by WebDAV, as the floor of what HTTP costs."""

    name = "nginx"
    durability = "none: one copy, in the page cache, without a flush"

    @classmethod
    def missing(cls):
        try:
            find_nginx()
            return ""
        except BenchError as error:
            return f"missing: {error}"

    def command(self):
        folder = self.folder.absolute()
        (folder / "files").mkdir()
        paths = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; {'user root; ' if os.geteuid() == 0 else ''}worker_processes auto; pid {folder}/pid;\n"
            f"error_log {folder}/error.log;\nevents {{ worker_connections 1024; }}\n"
            f"http {{ access_log off; sendfile on; keepalive_requests 1000000000; {paths}"
            f"client_max_body_size 0; server {{ listen {self.host}; root {folder}/files; "
            "dav_methods PUT DELETE; } }\n")
        return [find_nginx(), "-p", folder, "-c", folder / "nginx.conf"]

    def pids(self):
        return self.child.with_workers()

    def prepare(self):
        """There are no buckets."""

    def job(self, load, concurrency, seconds, count):
        made = super().job(load, concurrency, seconds, count)
        return fio.Job({key: value for key, value in made.options.items() if not key.startswith("http_s3")}
                       | {"http_mode": "webdav", "filename": f"/o{load.bytes}"})


class Minio(ObjectPeer):
    name = "minio"
    programs = ("minio",)
    durability = "erasure coded over four folders; data flushed, folders not"

    def command(self):
        return [self.found(), "server", "--quiet", "--address", self.host, "--console-address",
                f"127.0.0.1:{free_port()}", *(self.folder / f"d{number}" for number in range(1, 5))]

    def environment(self):
        return {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret,
                "MINIO_CI_CD": "1"}  # allows four folders of one disk


class VersityGateway(ObjectPeer):
    name = "versitygw"
    programs = ("versitygw",)
    durability = "one copy, a file on the filesystem, without a flush"

    def command(self):
        (self.folder / "data").mkdir()
        return [self.found(), "--access", self.access_key, "--secret", self.secret, "--port", self.host, "posix",
                self.folder / "data"]


class RustFs(ObjectPeer):
    name = "rustfs"
    programs = ("rustfs",)
    durability = "one folder; data flushed"

    def command(self):
        (self.folder / "data").mkdir()
        return [self.found(), self.folder / "data"]

    def environment(self):
        return {"RUSTFS_ACCESS_KEY": self.access_key, "RUSTFS_SECRET_KEY": self.secret,
                "RUSTFS_ADDRESS": self.host, "RUSTFS_CONSOLE_ENABLE": "false"}


class SeaweedFs(ObjectPeer):
    name = "seaweedfs"
    programs = ("weed",)
    durability = "one copy, without a flush"

    def command(self):
        (self.folder / "data").mkdir()
        keys = {"identities": [{"name": "bench", "actions": ["Admin", "Read", "Write", "List"],
                                "credentials": [{"accessKey": self.access_key, "secretKey": self.secret}]}]}
        (self.folder / "s3.json").write_text(json.dumps(keys))
        # Its gRPC ports are 10,000 above the others unless named.
        ports = [f"-{part}={free_port()}" for part in
                 ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
                  "filer.port.grpc", "s3.port.grpc")]
        return [self.found(), "server", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                *ports, "-s3", f"-s3.port={self.port}", f"-s3.config={self.folder / 's3.json'}"]


class Garage(ObjectPeer):
    name = "garage"
    programs = ("garage",)
    durability = "one copy; nothing flushed by default (data_fsync and metadata_fsync are off)"
    region = "garage"

    def __init__(self, ground):
        super().__init__(ground)
        self.access_key, self.secret = "GK" + secrets.token_hex(12), secrets.token_hex(32)
        self.config = self.folder / "garage.toml"

    def command(self):
        self.config.write_text(
            f'metadata_dir = "{self.folder}/meta"\ndata_dir = "{self.folder}/data"\ndb_engine = "lmdb"\n'
            f'replication_factor = 1\nrpc_bind_addr = "127.0.0.1:{free_port()}"\n'
            f'rpc_secret = "{secrets.token_hex(32)}"\n[s3_api]\ns3_region = "{self.region}"\n'
            f'api_bind_addr = "{self.host}"\n')
        return [self.found(), "-c", self.config, "server"]

    def prepare(self):
        program = (self.found(), "-c", self.config)
        node = self.run(*program, "node", "id", "-q").split("@")[0].strip()
        self.run(*program, "layout", "assign", "-z", "here", "-c", "10G", node)
        self.run(*program, "layout", "apply", "--version", 1)
        self.run(*program, "key", "import", "--yes", "-n", "bench", self.access_key, self.secret)
        self.run(*program, "bucket", "create", BUCKET)
        self.run(*program, "bucket", "allow", "--read", "--write", "--owner", BUCKET, "--key", "bench")


class RadosGateway(ObjectPeer):
    """Beside a Ceph cluster that is there: one is too much to start here."""

    name = "radosgw"
    programs = ("radosgw",)
    durability = "as many copies as its pools have, flushed, before 200"
    user = "strata-bench"

    @classmethod
    def missing(cls):
        if not super().missing() and not os.environ.get("CEPH_CONF"):
            return "missing: radosgw needs a Ceph cluster; name its configuration in CEPH_CONF"
        return super().missing()

    def command(self):
        return [self.found(), "-f", "-n", os.environ.get("CEPH_RGW_NAME", "client.admin"),
                f"--rgw-frontends=beast endpoint={self.host}"]

    def prepare(self):
        self.run("radosgw-admin", "user", "create", f"--uid={self.user}", "--display-name=bench",
                 f"--access-key={self.access_key}", f"--secret-key={self.secret}")
        super().prepare()

    def __exit__(self, *_):
        if shutil.which("radosgw-admin"):
            subprocess.run(["radosgw-admin", "user", "rm", f"--uid={self.user}", "--purge-data"],
                           capture_output=True, check=False, timeout=COMMAND_SECONDS)
        super().__exit__()


PEERS = (Strata, Nginx, RadosGateway, Minio, Garage, SeaweedFs, RustFs, VersityGateway)

"""nginx as people put it in front of their assets: serving a folder, and as a cache before a bucket."""

import os

from bench.common.processes import BenchError, Child
from bench.compare import fio
from bench.compare.model import UNTRIED
from bench.object.nginx import find_nginx, free_port
from bench.object.presign import Presigner

READY_SECONDS = 60

_CONFIG = """
daemon off;
{user}
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  sendfile on;
  access_log off;
  default_type application/octet-stream;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
  server {{ listen 127.0.0.1:{port}; {server} }}
}}
"""
_CACHE = """
  proxy_cache_path {folder}/cache keys_zone=assets:8m max_size=1g;
  map_hash_bucket_size 1024;
  map_hash_max_size 65536;
  map $uri $signed {{ {signed} }}
  upstream bucket {{ server {host}; keepalive 32; }}
"""
_PROXY = """location / {{
    proxy_pass {scheme}://bucket/{bucket}$uri{query};
    proxy_set_header Host {host};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_cache assets;
    proxy_cache_key $uri;
    proxy_cache_valid 200 10m;
    proxy_ignore_headers Set-Cookie Cache-Control Expires;
  }}"""


def names(load, count):
    """The keys that fio's http engine makes of so many blocks."""
    return [f"o{load.bytes}_{number * load.bytes}_{load.bytes}" for number in range(count)]


class Nginx:
    """A server of our own on loopback; gone when the stage is left."""

    def __init__(self, stage, name, server, http=""):
        try:
            program = find_nginx()
        except BenchError as error:
            raise BenchError(UNTRIED + str(error)) from None
        self.folder = (stage.folder / f"nginx-{name}").absolute()
        self.folder.mkdir()
        port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(_CONFIG.format(
            folder=self.folder, port=port, server=server, http=http.replace("@FOLDER@", str(self.folder)),
            user="user root;" if os.geteuid() == 0 else ""))
        self.host = f"127.0.0.1:{port}"
        self.child = Child([program, "-p", self.folder, "-c", config], self.folder / "nginx.log")
        stage.on_exit(self.child.stop)
        self.child.wait_listening(port, "nginx", READY_SECONDS)

    def pids(self):
        return self.child.with_workers()

    def job(self, stage, load, concurrency, count):
        """fio GETs the files, unsigned."""
        return unsigned_job(stage, self.host, "", load, concurrency, count)

    def measure(self, stage, job, files, more_pids):
        return fio.measure(stage, job, files, pids=self.pids() + more_pids)


def serving_folder(stage, folder, load, count):
    """nginx on a folder that holds the files."""
    files = folder / "assets"
    files.mkdir()
    for name in names(load, count):
        (files / name).write_bytes(os.urandom(load.bytes))
    os.sync()
    return Nginx(stage, "folder", f"root {files};")


def caching_bucket(stage, load, count):
    """nginx as a cache before the bucket: before its website endpoint if it is ours, else before S3, with URLs
    signed beforehand."""
    bucket = stage.bucket
    host, scheme, query = bucket.host, "https" if bucket.https else "http", "?$signed"
    signed = ""
    if stage.public():
        host, scheme, query = stage.website, "http", ""
    else:
        sign = Presigner(bucket.host, bucket.access_key, bucket.secret, bucket.region)
        signed = " ".join(f'/{name} "{sign.target("GET", f"/{bucket.bucket}/{name}").partition("?")[2]}";'
                          for name in names(load, count))
    return Nginx(stage, "cache",
                 _PROXY.format(scheme=scheme, bucket=bucket.bucket, host=host, query=query),
                 _CACHE.format(folder="@FOLDER@", signed=signed, host=host))


def website_job(stage, load, concurrency, count):
    """fio GETs assets from our website endpoint, unsigned."""
    return unsigned_job(stage, stage.website, f"/{stage.bucket.bucket}", load, concurrency, count)


def first_visit(job, load, concurrency, count):
    """The same job with each file read once, by one of the clients, and then no more."""
    for name in ("time_based", "runtime", "norandommap"):
        job.options.pop(name, None)
    share = count // concurrency * load.bytes
    job.options |= {"size": share, "offset_increment": share}
    return job


def unsigned_job(stage, host, folder, load, concurrency, count):
    return fio.Job(fio.load_options(load, concurrency, stage.seconds) | {
        "ioengine": "http", "http_mode": "webdav", "https": "off", "http_host": host,
        "filename": f"{folder}/o{load.bytes}", "size": count * load.bytes})

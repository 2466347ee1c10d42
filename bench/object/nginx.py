"""An nginx of the bench's own: loopback only, files from the bench's folder, stopped by its id."""

import os
import pathlib
import shutil
import socket

from bench.common.processes import BenchError, Child

READY_SECONDS = 20

# Debian's own settings, without the access log, and with connections kept for as many requests as
# come: what costs time without serving a byte is off.
_CONFIG = """
daemon off;
{user}
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
  sendfile on;
  tcp_nopush on;
  access_log off;
  default_type application/octet-stream;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""


def find_nginx():
    built = pathlib.Path("build/nginx/usr/sbin/nginx")
    for candidate in (str(built.resolve()) if built.exists() else None, shutil.which("nginx"),
                      "/usr/sbin/nginx"):
        if candidate and pathlib.Path(candidate).exists():
            return candidate
    raise BenchError("no nginx was found; './dev bench object' fetches it")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.files = self.folder / "files"

    def __enter__(self):
        self.files.mkdir(parents=True)
        port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(_CONFIG.format(
            folder=self.folder.absolute(), port=port,
            # Root's workers would run as another user, who cannot read our folder.
            user="user root;" if os.geteuid() == 0 else ""))
        self.host = f"127.0.0.1:{port}"
        self.address = ("127.0.0.1", port)
        self.child = Child([find_nginx(), "-p", self.folder.absolute(), "-c", config.absolute()],
                           self.folder / "nginx.log")
        try:
            self.child.wait_listening(port, "nginx", READY_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pids(self):
        """The master and its workers."""
        return self.child.with_workers()

"""A Strata server for one test: fresh data folder, free ports, stopped at the end."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

BINARY = os.environ.get("STRATA_BINARY", "build/test/strata")
ACCESS_KEY = "testkey"
SECRET_KEY = "testsecret-0123456789"
READY_SECONDS = 20


def wait_for(condition, seconds, what):
    """Polls the condition until it gives something true; the deadline is an error."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        threading.Event().wait(0.02)  # between two polls; the condition is what is waited for


class StrataServer:
    def __init__(self, folder=None, arguments=(), environment=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="strata-test-"))
        self.own_folder = folder is None
        self.data = self.folder / "data"
        self.arguments = list(arguments)
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith(("STRATA_", "MINIO_", "AWS_"))}
        self.environment.update({"STRATA_ROOT_USER": ACCESS_KEY, "STRATA_ROOT_PASSWORD": SECRET_KEY})
        self.environment.update(environment or {})
        self.process = None
        self.binary = BINARY
        self.nbd_listen = "127.0.0.1:0"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def command(self):
        return [self.binary, "serve", "--data", str(self.data), "--s3", "127.0.0.1:0",
                "--admin", "127.0.0.1:0", "--nbd", self.nbd_listen, *self.arguments]

    def begin(self):
        """Starts the process without waiting for it to be ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(self.command(), env=self.environment, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)

    def start(self):
        self.begin()
        listeners = wait_for(self._ready, READY_SECONDS, "the server to be ready")["listeners"]
        self.s3_address = listeners["s3"]
        self.endpoint = f"http://{self.s3_address}"
        self.admin = f"http://{listeners['admin']}"
        self.nbd_address = listeners["nbd"]
        self.nbd_socket = listeners["nbd_socket"]

    def _ready(self):
        if self.process.poll() is not None:
            raise RuntimeError("the server ended: " + self.log()[-3000:])
        run = self.run_verb("status", "--json", check=False)
        return json.loads(run.stdout) if run.returncode == 0 else None

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")

    def run_verb(self, *arguments, check=True):
        run = subprocess.run([self.binary, *arguments, "--data", str(self.data)], env=self.environment,
                             capture_output=True, text=True, timeout=120)
        if check and run.returncode != 0:
            raise RuntimeError(f"strata {' '.join(arguments)}: {run.stderr}")
        return run

    def status(self):
        return json.loads(self.run_verb("status", "--json").stdout)

    def metric(self, name, **labels):
        """The value of a counter or gauge, 0 if there is none."""
        with urllib.request.urlopen(self.admin + "/metrics", timeout=20) as answer:
            for line in answer.read().decode().splitlines():
                found = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
                if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
                    return float(found[2])
        return 0

    def nbd_uri(self, volume):
        return f"nbd+unix:///{volume}?socket={self.nbd_socket}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(30)
                raise
        return self.process.returncode if self.process else None

    def client_environment(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        environment.update({
            "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        })
        return environment

    def boto3(self, **options):
        import boto3
        from botocore.config import Config
        settings = {"retries": {"max_attempts": 1}, "s3": {"addressing_style": "path"},
                    "signature_version": "s3v4"}
        settings.update(options.pop("config", {}))
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1",
                            aws_access_key_id=options.pop("access_key", ACCESS_KEY),
                            aws_secret_access_key=options.pop("secret_key", SECRET_KEY),
                            config=Config(**settings), **options)

"""The aws CLI and rclone: large files and whole folders, up and down."""

import filecmp
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer

# STRATA_TEST_LARGE=1 moves a file of 1 GiB instead of 128 MiB.
LARGE_BYTES = (1024 if os.environ.get("STRATA_TEST_LARGE") else 128) * 1024 * 1024
FILES = 1100  # more than one page of a listing


def same_folders(a, b):
    compared = filecmp.dircmp(a, b)
    if compared.left_only or compared.right_only or compared.funny_files:
        return False
    _, different, errors = filecmp.cmpfiles(a, b, compared.common_files, shallow=False)
    return not different and not errors and all(
        same_folders(pathlib.Path(a) / d, pathlib.Path(b) / d) for d in compared.common_dirs)


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = StrataServer(environment={"STRATA_BUCKETS": "tools"})
        cls.server.start()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-tools-"))
        cls.many = cls.folder / "many"
        for i in range(FILES):
            path = cls.many / f"d{i % 20}" / f"file {i}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(i % 3000))

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        shutil.rmtree(cls.folder)

    def run_tool(self, *command, **environment):
        run = subprocess.run(command, env={**self.server.client_environment(), **environment},
                             capture_output=True, text=True, timeout=280)
        self.assertEqual(run.returncode, 0, run.stderr[-2000:])
        return run.stdout

    def make_large(self):
        path = self.folder / "large"
        with open(path, "wb") as file:
            block = os.urandom(1024 * 1024)
            for i in range(LARGE_BYTES // len(block)):
                file.write(block[i % 1000:] + block[:i % 1000])
        return path

    @unittest.skipIf(shutil.which("aws") is None, "the aws CLI is not installed")
    def test_aws_cli(self):
        large = self.make_large()
        self.run_tool("aws", "s3", "cp", "--no-progress", str(large), "s3://tools/large")
        self.run_tool("aws", "s3", "cp", "--no-progress", "s3://tools/large", str(self.folder / "back"))
        self.assertTrue(filecmp.cmp(large, self.folder / "back", shallow=False))
        self.run_tool("aws", "s3", "sync", "--no-progress", str(self.many), "s3://tools/many")
        self.run_tool("aws", "s3", "sync", "--no-progress", "s3://tools/many", str(self.folder / "many-back"))
        self.assertTrue(same_folders(self.many, self.folder / "many-back"))
        again = self.run_tool("aws", "s3", "sync", "--no-progress", str(self.many), "s3://tools/many")
        self.assertEqual(again.strip(), "", "a second sync has nothing to do")
        listing = self.run_tool("aws", "s3", "ls", "--recursive", "s3://tools/many/")
        self.assertEqual(len(listing.splitlines()), FILES)
        self.run_tool("aws", "s3", "rm", "--recursive", "--only-show-errors", "s3://tools/many")
        self.assertEqual(self.run_tool("aws", "s3api", "list-objects-v2", "--no-paginate", "--bucket", "tools", "--prefix",
                                       "many/", "--query", "KeyCount").strip(), "0")

    @unittest.skipIf(shutil.which("rclone") is None, "rclone is not installed")
    def test_rclone(self):
        remote = (f":s3,provider=Other,access_key_id={ACCESS_KEY},secret_access_key={SECRET_KEY},"
                  f"endpoint='{self.server.endpoint}',region=us-east-1:tools/rclone")
        options = ("--config", "/dev/null", "--transfers", "8", "--s3-chunk-size", "5Mi")
        self.run_tool("rclone", "sync", *options, str(self.many), remote)
        self.run_tool("rclone", "check", *options, "--download", str(self.many), remote)
        big = self.folder / "rclone-large"
        big.mkdir()
        (big / "file").write_bytes(os.urandom(24 * 1024 * 1024))
        self.run_tool("rclone", "copy", *options, "--s3-upload-cutoff", "5Mi", str(big), remote + "-large")
        self.run_tool("rclone", "check", *options, "--download", str(big), remote + "-large")
        self.run_tool("rclone", "purge", *options, remote)


if __name__ == "__main__":
    unittest.main(verbosity=2)

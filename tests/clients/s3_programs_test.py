"""s3cmd, s3fs, restic and minio-py: each does what its users do most."""

import datetime
import filecmp
import io
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer, wait_for

try:
    import minio
    import minio.commonconfig
    import minio.deleteobjects
    import minio.error
except ImportError:
    minio = None

LARGE_BYTES = 40 * 1024 * 1024


def needs(tool):
    return unittest.skipIf(shutil.which(tool) is None, f"{tool} is not installed")


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = StrataServer(environment={"STRATA_BUCKETS": "cmd,mount,backup,minio"})
        cls.server.start()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-programs-"))
        cls.tree = cls.folder / "tree"
        for i in range(60):
            path = cls.tree / f"d{i % 5}" / f"file {i} ü+%.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(i * 100))
        cls.large = cls.folder / "large"
        cls.large.write_bytes(os.urandom(LARGE_BYTES))

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        shutil.rmtree(cls.folder)

    def run_tool(self, *command, check=True, **environment):
        run = subprocess.run([str(part) for part in command],
                             env={**self.server.client_environment(), "HOME": str(self.folder), **environment},
                             capture_output=True, text=True, timeout=200)
        if check:
            self.assertEqual(run.returncode, 0, run.stderr[-2000:] + run.stdout[-500:])
        return run.stdout

    def assert_same_tree(self, other):
        for path in self.tree.rglob("*"):
            if path.is_file():
                copy = other / path.relative_to(self.tree)
                self.assertTrue(filecmp.cmp(path, copy, shallow=False), str(copy))

    @needs("s3cmd")
    def test_s3cmd(self):
        config = self.folder / "s3cfg"
        config.write_text(f"""[default]
access_key = {ACCESS_KEY}
secret_key = {SECRET_KEY}
host_base = {self.server.s3_address}
host_bucket = {self.server.s3_address}
use_https = False
""")
        s3cmd = ("s3cmd", "-c", config, "--no-progress")
        self.run_tool(*s3cmd, "mb", "s3://made")
        self.assertIn("s3://made", self.run_tool(*s3cmd, "ls"))
        self.run_tool(*s3cmd, "put", "--multipart-chunk-size-mb=15", self.large, "s3://cmd/large")
        self.run_tool(*s3cmd, "get", "s3://cmd/large", self.folder / "large-back")
        self.assertTrue(filecmp.cmp(self.large, self.folder / "large-back", shallow=False))
        self.run_tool(*s3cmd, "sync", f"{self.tree}/", "s3://cmd/tree/")
        self.run_tool(*s3cmd, "sync", "s3://cmd/tree/", f"{self.folder / 'tree-back'}/")
        self.assert_same_tree(self.folder / "tree-back")
        self.assertEqual(len(self.run_tool(*s3cmd, "ls", "--recursive", "s3://cmd/tree/").splitlines()), 60)
        self.run_tool(*s3cmd, "cp", "s3://cmd/large", "s3://made/copy")
        self.run_tool(*s3cmd, "mv", "s3://made/copy", "s3://made/moved")
        self.assertIn(str(LARGE_BYTES), self.run_tool(*s3cmd, "info", "s3://made/moved"))
        url = self.run_tool(*s3cmd, "signurl", "s3://made/moved", "+60").strip()
        self.assertTrue(url.startswith("http://"), url)
        self.run_tool(*s3cmd, "rb", "--recursive", "--force", "s3://made")
        self.assertNotIn("s3://made", self.run_tool(*s3cmd, "ls"))

    @needs("s3fs")
    @unittest.skipIf(not os.path.exists("/dev/fuse"), "this kernel has no FUSE")
    def test_s3fs(self):
        passwords = self.folder / "passwd-s3fs"
        passwords.write_text(f"{ACCESS_KEY}:{SECRET_KEY}\n")
        passwords.chmod(0o600)
        mount = self.folder / "mount"
        mount.mkdir()
        process = subprocess.Popen(
            ["s3fs", "mount", str(mount), "-f", "-o", f"passwd_file={passwords}", "-o", f"url={self.server.endpoint}",
             "-o", "use_path_request_style", "-o", "endpoint=us-east-1", "-o", "sigv4"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            try:
                wait_for(lambda: os.path.ismount(mount) or process.poll() is not None, 20, "the mount")
            except TimeoutError:
                self.skipTest("s3fs did not mount here in 20 s")
            if process.poll() is not None:
                self.skipTest("s3fs cannot mount here: " + process.stderr.read()[-200:])
            shutil.copytree(self.tree, mount / "tree")
            self.assert_same_tree(mount / "tree")
            shutil.copyfile(self.large, mount / "large")
            self.assertTrue(filecmp.cmp(self.large, mount / "large", shallow=False))
            (mount / "large").rename(mount / "renamed")
            self.assertEqual((mount / "renamed").stat().st_size, LARGE_BYTES)
            shutil.rmtree(mount / "tree")
            self.assertEqual(os.listdir(mount), ["renamed"])
        finally:
            subprocess.run(["umount", str(mount)], check=False, capture_output=True)
            process.wait(20)
            process.stderr.close()
        head = self.server.boto3().head_object(Bucket="mount", Key="renamed")
        self.assertEqual(head["ContentLength"], LARGE_BYTES)

    @needs("restic")
    def test_restic(self):
        settings = {"RESTIC_REPOSITORY": f"s3:{self.server.endpoint}/backup/repo", "RESTIC_PASSWORD": "a password",
                    "RESTIC_CACHE_DIR": str(self.folder / "restic-cache")}
        home = self.folder / "home"
        shutil.copytree(self.tree, home)
        self.run_tool("restic", "init", **settings)
        self.run_tool("restic", "backup", home, self.large, **settings)
        (home / "new").write_bytes(b"new")
        self.run_tool("restic", "backup", home, self.large, **settings)
        self.run_tool("restic", "check", "--read-data", **settings)
        self.run_tool("restic", "restore", "latest", "--target", self.folder / "restored", **settings)
        restored = self.folder / "restored" / str(home).lstrip("/")
        self.assert_same_tree(restored)
        self.assertEqual((restored / "new").read_bytes(), b"new")
        self.run_tool("restic", "forget", "--keep-last", "1", "--prune", **settings)
        self.assertIn("1 snapshots", self.run_tool("restic", "snapshots", **settings))

    @unittest.skipIf(minio is None, "minio-py is not installed")
    def test_minio_py(self):
        client = minio.Minio(self.server.s3_address, access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False,
                             region="us-east-1")
        self.assertTrue(client.bucket_exists(bucket_name="minio"))
        self.assertFalse(client.bucket_exists(bucket_name="not-there"))
        client.make_bucket(bucket_name="made-by-minio")
        put = client.put_object(bucket_name="minio", object_name="a b/ü", data=io.BytesIO(b"bytes"), length=5,
                                metadata={"color": "blue"})
        self.assertTrue(put.etag)
        stat = client.stat_object(bucket_name="minio", object_name="a b/ü")
        self.assertEqual((stat.size, stat.metadata["x-amz-meta-color"]), (5, "blue"))
        client.fput_object(bucket_name="minio", object_name="large", file_path=str(self.large),
                           part_size=8 * 1024 * 1024)
        client.fget_object(bucket_name="minio", object_name="large", file_path=str(self.folder / "minio-back"))
        self.assertTrue(filecmp.cmp(self.large, self.folder / "minio-back", shallow=False))
        client.copy_object(bucket_name="minio", object_name="copy",
                           source=minio.commonconfig.CopySource(bucket_name="minio", object_name="a b/ü"))
        names = [one.object_name for one in client.list_objects(bucket_name="minio", recursive=True)]
        self.assertEqual(names, ["a b/ü", "copy", "large"])
        top = [one.object_name for one in client.list_objects(bucket_name="minio")]
        self.assertEqual(sorted(top), ["a b/", "copy", "large"])
        url = client.presigned_get_object(bucket_name="minio", object_name="copy",
                                          expires=datetime.timedelta(minutes=1))
        with urllib.request.urlopen(url) as answer:
            self.assertEqual(answer.read(), b"bytes")
        part = client.get_object(bucket_name="minio", object_name="copy", offset=1, length=3)
        self.assertEqual(part.read(), b"yte")
        part.close()
        with self.assertRaises(minio.error.S3Error) as missing:
            client.stat_object(bucket_name="minio", object_name="none")
        self.assertEqual(missing.exception.code, "NoSuchKey")
        gone = [minio.deleteobjects.DeleteObject(name) for name in names]
        self.assertEqual(list(client.remove_objects(bucket_name="minio", delete_object_list=gone)), [])
        client.remove_bucket(bucket_name="made-by-minio")


if __name__ == "__main__":
    unittest.main(verbosity=2)

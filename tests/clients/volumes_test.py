"""Limits, layers, resize, rename, import, export and fsck of volumes, by the command line."""

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

from strata_server import StrataServer

MIB = 1024 * 1024


class Volumes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-volumes-"))
        cls.server = StrataServer(folder=cls.folder / "server")
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.folder)

    def verb(self, *arguments, check=True):
        return self.server.run_verb("volume", *arguments, check=check)

    def show(self, name):
        return json.loads(self.verb("show", name, "--json").stdout)

    def need(self, *tools):
        absent = [tool for tool in tools if shutil.which(tool) is None]
        if absent:
            self.skipTest(", ".join(absent) + " not installed")

    def run_tool(self, *command, expected=0):
        run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, expected, f"{command}: {run.stdout[-1500:]} {run.stderr[-1500:]}")
        return run.stdout

    def test_limits_are_kept_and_changed_while_used(self):
        self.need("fio")
        if "nbd" not in self.run_tool("fio", "--enghelp").split():
            self.skipTest("this fio has no nbd engine")
        self.verb("create", "slow", "64M", "--iops", "1000", "--layer", "meter")
        measure = ["fio", "--name=r", "--ioengine=nbd", f"--uri={self.server.nbd_uri('slow')}",
                   "--rw=randread", "--bs=4k", "--iodepth=16", "--size=64m", "--time_based",
                   "--ramp_time=1", "--output-format=json"]
        def iops_of(output):  # fio may say something before its JSON
            return json.loads(output[output.index("{"):])["jobs"][0]["read"]["iops"]

        for limit in (1000, 400):
            self.verb("set", "slow", "--iops", str(limit))
            iops = iops_of(self.run_tool(*measure, "--runtime=3"))
            self.assertLess(iops, limit * 1.02)
            self.assertGreater(iops, limit * 0.5, "a busy machine may be late, not this late")
        # From 400 to 4000 while fio runs.
        fio = subprocess.Popen([*measure, "--runtime=4"], stdout=subprocess.PIPE, text=True)
        self.verb("set", "slow", "--iops", "4000")
        self.assertGreater(iops_of(fio.communicate(timeout=60)[0]), 1000)

    def test_layers_are_set_shown_and_removed(self):
        self.verb("create", "layered", "16M", "--layer", "meter", "--layer", "read-only")
        self.assertEqual(self.show("layered")["layers"], ["meter", "read-only"])
        if shutil.which("nbdinfo"):
            self.run_tool("nbdinfo", "--is", "read-only", self.server.nbd_uri("layered"))
        self.verb("set", "layered", "--layer", "none")
        self.assertEqual(self.show("layered")["layers"], [])
        for wrong in (("--layer", "fault:effect=explode"), ("--profile", "gp9"), ("--latency", "soon"),
                      ("--profile", "gp3", "--iops", "1"), ()):
            refused = self.verb("set", "layered", *wrong, check=False)
            self.assertNotEqual(refused.returncode, 0, wrong)
            self.assertTrue(refused.stderr.strip(), wrong)

    def test_a_fault_layer_reaches_the_client(self):
        self.need("qemu-io")
        self.verb("create", "faulty", "16M", "--layer", "fault:on=write,from=1M,to=2M")
        uri = self.server.nbd_uri("faulty")
        self.run_tool("qemu-io", "-f", "raw", "-c", "write 0 4k", uri)
        self.run_tool("qemu-io", "-f", "raw", "-c", "write 1M 4k", uri, expected=1)
        self.verb("set", "faulty", "--layer", "none")
        self.run_tool("qemu-io", "-f", "raw", "-c", "write 1M 4k", uri)

    def test_size_name_and_limits_survive_kill_9(self):
        self.verb("create", "grow", "16M", "--profile", "gp3")
        self.verb("resize", "grow", "32M")
        self.verb("rename", "grow", "grown")
        self.server.kill()
        self.server.start()
        shown = self.show("grown")
        self.assertEqual((shown["size_bytes"], shown["profile"]), (32 * MIB, "gp3"))
        self.assertNotEqual(self.verb("resize", "grown", "16M", check=False).returncode, 0)
        self.assertIn("clean", self.verb("fsck", "grown", "--read").stdout)

    def test_fsck_says_what_is_wrong_and_repairs_what_is_safe(self):
        self.verb("create", "checked", "16M")
        leftover = self.server.data / "volumes/checked/metadata.tmp"
        leftover.write_bytes(b"half")
        self.assertEqual(self.verb("fsck", "checked", check=False).returncode, 1)
        self.assertTrue(leftover.exists())
        self.assertIn("repaired", self.verb("fsck", "checked", "--repair").stdout)
        self.assertFalse(leftover.exists())
        self.verb("fsck", "checked")

    def test_images_come_in_and_go_out(self):
        self.need("qemu-img")
        raw = self.folder / "in.raw"
        raw.write_bytes(os.urandom(3 * MIB) + bytes(5 * MIB) + os.urandom(1000))
        qcow2 = self.folder / "in.qcow2"
        self.run_tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, qcow2)
        self.verb("import", "fromraw", str(raw), "--format", "raw")
        self.verb("import", "fromqcow2", str(qcow2), "--size", "16M")
        self.assertEqual(self.show("fromqcow2")["size_bytes"], 16 * MIB)
        for name in ("fromraw", "fromqcow2"):
            out = self.folder / (name + ".out")
            self.verb("export", name, str(out))
            self.assertEqual(out.read_bytes()[:raw.stat().st_size], raw.read_bytes(), name)
            self.assertNotEqual(self.verb("export", name, str(out), check=False).returncode, 0)
        self.verb("export", "fromraw", str(self.folder / "out.qcow2"), "--format", "qcow2")
        self.assertIn("qcow2", self.run_tool("qemu-img", "info", self.folder / "out.qcow2"))
        self.assertNotEqual(self.verb("import", "fromraw", str(raw), check=False).returncode, 0)
        missing = self.verb("import", "nothing", str(self.folder / "absent"), check=False)
        self.assertNotEqual(missing.returncode, 0)
        backed = self.folder / "backed.qcow2"
        self.run_tool("qemu-img", "create", "-f", "qcow2", "-b", qcow2, "-F", "qcow2", backed)
        self.assertIn("flatten", self.verb("import", "backed", str(backed), check=False).stderr)
        names = {one["name"] for one in json.loads(self.verb("list", "--json").stdout)["volumes"]}
        self.assertFalse({name for name in names if name.startswith("importing-")})

    def test_a_volume_is_made_of_a_snapshot(self):
        self.need("qemu-io")
        self.verb("create", "source", "16M")
        self.run_tool("qemu-io", "-f", "raw", "-c", "write -P 5 3M 1M", self.server.nbd_uri("source"))
        self.server.run_verb("snapshot", "create", "source", "--name", "monday")
        made = self.verb("create", "of-snapshot", "--from-snapshot", "monday", "--profile", "gp3")
        self.assertIn("of 16 MiB is ready", made.stdout)
        self.assertEqual(self.show("of-snapshot")["profile"], "gp3")
        self.verb("create", "larger", "32M", "--from-snapshot", "monday")
        self.assertEqual(self.show("larger")["size_bytes"], 32 * MIB)
        for name in ("of-snapshot", "larger"):
            self.run_tool("qemu-io", "-f", "raw", "-c", "read -P 5 3M 1M", "-c", "read -P 0 4M 12M",
                          self.server.nbd_uri(name))
        for wrong, word in ((("8M", "--from-snapshot", "monday"), "more than"),
                            (("--from-snapshot", "tuesday"), "tuesday"),
                            (("--from-snapshot", "monday", "--profile", "gp9"), "no profile of that name"), ((), "how large"),
                            (("--from-snapshot", "monday", "--from-image", "x"), "exclude")):
            refused = self.verb("create", "wrong", *wrong, check=False)
            self.assertNotEqual(refused.returncode, 0, wrong)
            self.assertIn(word, refused.stderr + refused.stdout)
            self.assertNotEqual(self.verb("show", "wrong", check=False).returncode, 0, wrong)
        again = self.verb("create", "larger", "--from-snapshot", "monday", check=False)
        self.assertIn("exist", again.stderr)
        self.assertEqual(self.show("larger")["size_bytes"], 32 * MIB, "what was there stays")

    def test_a_volume_is_made_of_an_image(self):
        self.need("qemu-img")
        raw = self.folder / "made-of.raw"
        raw.write_bytes(os.urandom(2 * MIB))
        self.verb("create", "of-image", "8M", "--from-image", str(raw), "--format", "raw", "--iops", "5000")
        shown = self.show("of-image")
        self.assertEqual((shown["size_bytes"], shown["limits"]["iops"]), (8 * MIB, 5000))
        out = self.folder / "made-of.out"
        self.verb("export", "of-image", str(out))
        self.assertEqual(out.read_bytes()[:2 * MIB], raw.read_bytes())
        absent = self.verb("create", "absent", "--from-image", str(self.folder / "absent"), check=False)
        self.assertNotEqual(absent.returncode, 0)

    def test_an_image_comes_from_a_url(self):
        self.need("qemu-img", "curl")
        body = os.urandom(2 * MIB)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/image" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        try:
            url = f"http://127.0.0.1:{web.server_address[1]}"
            self.verb("import", "fromurl", url + "/image", "--format", "raw")
            refused = self.verb("import", "fromnowhere", url + "/absent", check=False)
            self.assertIn("404", refused.stderr)
        finally:
            web.shutdown()
            web.server_close()
        self.verb("export", "fromurl", str(self.folder / "url.out"))
        self.assertEqual((self.folder / "url.out").read_bytes(), body)
        self.assertFalse(list(self.server.data.glob("download-*")))


if __name__ == "__main__":
    unittest.main(verbosity=2)

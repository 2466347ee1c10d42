"""The bench beside peers: every adapter stays on loopback and says what it lacks; the table tells both."""

import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench.compare.model import KIB, Load  # noqa: E402
from bench.peers import __main__ as bench  # noqa: E402
from bench.peers import blocks, objects  # noqa: E402
from bench.peers.ground import Ground  # noqa: E402


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.ground = Ground(pathlib.Path(folder.name), "fio", 1)

    def test_whatever_is_not_installed_is_named(self):
        with mock.patch.dict(os.environ, {"PATH": "/nonexistent"}):
            for kind in (*objects.PEERS[2:], *blocks.PEERS[1:]):
                self.assertRegex(kind.missing(), r"^missing: .+ is not installed$", kind.name)

    def test_every_server_of_objects_listens_on_loopback_alone(self):
        for kind in objects.PEERS[2:]:
            with mock.patch.object(kind, "found", return_value="/bin/" + kind.name):
                peer = kind(self.ground)
                peer.folder.mkdir()
                command = [str(part) for part in peer.command()] + list(peer.environment().values())
                command += [path.read_text() for path in peer.folder.glob("*.toml")]
            text = " ".join(command)
            self.assertIn("127.0.0.1", text, kind.name)
            self.assertIn(str(peer.port), text, kind.name)
            self.assertNotIn("0.0.0.0", text, kind.name)

    def test_nginx_is_asked_without_a_signature(self):
        job = objects.Nginx(self.ground).job(Load("o", "", "randread", KIB), 2, 1, 8)
        self.assertEqual(job.options["http_mode"], "webdav")
        self.assertEqual(job.secrets, {})

    def test_the_table_has_a_line_for_each_server_missing_or_not(self):
        run = {load.operation: {"operations_per_second": 1234.0, "latency_us": {"50": 10.0, "99": 20.0},
                                "server_cpu_us": 3.0, "others_share": 0, "steal_share": 0}
               for load, _, _ in bench.OBJECT_JOBS}
        text = bench.markdown({"settings": {"runs": 1, "seconds": 1}, "halves": {"object": [
            {"name": "strata", "durability": "three copies", "missing": "", "runs": [run]},
            {"name": "minio", "durability": "none", "missing": "missing: minio is not installed", "runs": []}]}})
        self.assertEqual(text.count("| strata | 1,234 | 10 us | 20 us | 3 us | three copies |"), 4)
        self.assertEqual(text.count("| minio | missing: minio is not installed |"), 4)
        self.assertNotIn("trusted", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""strata compare, in small: a table whose numbers stand in fio's JSON, and nothing left behind."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from strata_server import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Compare(unittest.TestCase):
    def test_numbers_come_from_fio(self):
        built = subprocess.run([ROOT / "tools/build_fio.sh"], capture_output=True, text=True, timeout=280)
        if built.returncode != 0:
            self.skipTest("fio with the http engine could not be built: " + built.stderr[-300:])
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([BINARY, "compare", "--runtime", "1", "--runs", "1", "--out", folder,
                                  "--fio", str(ROOT / "build/fio/fio")],
                                 capture_output=True, text=True, timeout=200)
            self.assertEqual(run.returncode, 0, run.stderr[-3000:])
            report = json.loads(pathlib.Path(folder, "report.json").read_text())
            self.assertEqual({row["path"] for row in report["rows"]}, {"object", "volume", "raw file"})
            for row in report["rows"]:
                path = {"raw file": "raw"}.get(row["path"], row["path"])
                raw = pathlib.Path(folder, "raw", f"{row['job']}-{path}-run1.json").read_text()
                job = json.loads(raw[raw.index("{"):])["jobs"][0]
                iops = job["read"]["iops"] + job["write"]["iops"]
                self.assertAlmostEqual(row["iops"], iops, places=3)
                self.assertGreater(iops, 0)
                self.assertIn(row["title"], run.stdout)
            left = [name for name in os.listdir(folder) if name.startswith("scratch")]
            self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

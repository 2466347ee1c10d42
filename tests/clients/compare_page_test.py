"""The report's page in a browser: at the width of a desk and of a phone, light and dark."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from strata_server import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a browser says of a page: does anything stick out, is a picture empty, is a number missing.
PROBE = """<script>addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(one => !one.closest("svg, .wide") &&
    one.getBoundingClientRect().right > innerWidth + 1).map(one => one.tagName);
  const empty = [...document.querySelectorAll("figure")].filter(one => { const svg = one.querySelector("svg");
    return !svg || svg.getBoundingClientRect().height < 80 || svg.querySelectorAll("path").length < 5; }).length;
  const odd = [...document.querySelectorAll("data")].filter(one => !/[0-9]/.test(one.textContent) ||
    /NaN|None|undefined|inf/.test(one.textContent)).length;
  document.title = JSON.stringify({width: innerWidth, scroll: document.documentElement.scrollWidth, wide, empty, odd,
    figures: document.querySelectorAll("figure").length}); });</script>"""


class ComparePage(unittest.TestCase):
    def setUp(self):
        built = subprocess.run([ROOT / "tools/build_fio.sh"], capture_output=True, text=True, timeout=280)
        if built.returncode != 0:
            self.skipTest("fio with the http engine could not be built: " + built.stderr[-300:])
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-compare-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        run = subprocess.run([BINARY, "compare", "--quick", "--seconds", "0.3", "--runs", "1", "--rows",
                              "uploads,sharing", "--out", str(self.folder)], capture_output=True, text=True,
                             timeout=280)
        self.assertEqual(run.returncode, 0, run.stderr[-3000:])

    def test_nothing_sticks_out_and_nothing_is_missing_at_any_width(self):
        browser = shutil.which("chromium")
        if not browser:
            self.skipTest("chromium is not installed: nobody has looked at the page")
        if not pathlib.Path("/usr/lib/python3/dist-packages/matplotlib").exists():
            self.skipTest("python3-matplotlib is not installed: there are no charts to look at")
        page = (self.folder / "report.html").read_text()
        probed = self.folder / "probed.html"
        probed.write_text(page.replace("</body>", PROBE + "</body>"))
        for width, dark in ((1280, False), (500, True)):
            picture = self.folder / f"page-{width}.png"
            options = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                       f"--user-data-dir={self.folder}/browser", f"--window-size={width},4000",
                       *(["--blink-settings=preferredColorScheme=0"] if dark else [])]
            seen = subprocess.run([*options, "--dump-dom", f"file://{probed}"], capture_output=True, text=True,
                                  timeout=120)
            found = re.search(r"<title>(\{.*?\})</title>", seen.stdout)
            self.assertTrue(found, seen.stderr[-500:])
            told = json.loads(found[1])
            self.assertLessEqual(told["scroll"], told["width"], told)
            self.assertEqual((told["wide"], told["empty"], told["odd"]), ([], 0, 0), told)
            self.assertGreater(told["figures"], 5)
            subprocess.run([*options, f"--screenshot={picture}", f"file://{probed}"], capture_output=True,
                           timeout=120)
            self.assertGreater(picture.stat().st_size, 50_000)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Where a server spends its processor time: perf beside it, from its start to its end."""

import re
import shutil
import subprocess

from bench.common.processes import BenchError, Child

SAMPLES_PER_SECOND = 499
LEAST_PERCENT = 0.5
REPORT_SECONDS = 120
LINE_CHARACTERS = 160


class Profile:
    """Records a process until stop(), which writes a text: by function, then by who called it."""

    def __init__(self, pid, folder, text_path):
        if not shutil.which("perf"):
            raise BenchError("--profile needs perf (Debian: linux-perf)")
        self.data, self.text_path = folder / "perf.data", text_path
        # The clock of the processor, not its counters: virtual machines often have none.
        self.child = Child(["perf", "record", "-o", self.data, "-e", "cpu-clock", "-F",
                            SAMPLES_PER_SECOND, "-g", "-p", pid], folder / "perf.log")

    def stop(self):
        self.child.stop()
        parts = []
        for options in (["--no-children", "-g", "none", "--sort", "dso,symbol"],
                        ["--children", "-g", "none", "--sort", "symbol"]):
            made = subprocess.run(
                ["perf", "report", "-i", str(self.data), "--stdio", "--percent-limit",
                 str(LEAST_PERCENT), *options], capture_output=True, text=True, check=False,
                timeout=REPORT_SECONDS)
            parts += tidy(made.stdout)
        self.text_path.write_text("\n".join(parts) + "\n")


def tidy(text):
    """perf's table without empty lines and without the padding after its longest name."""
    lines = (re.sub(r" {3,}", "  ", line).rstrip() for line in text.splitlines())
    return [line[:LINE_CHARACTERS] for line in lines if line and not line.startswith("# ....")]

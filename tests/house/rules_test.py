#!/usr/bin/env python3
"""The house rules that a program can check: length of files, a README of at most 40 lines in each
folder of code, no folder for leftovers, no unfinished business, no sleeping tests, nothing that
only makes sense on one machine."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 500
README_LINES_MAX = 40
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|for now)\b")
SLEEPS = re.compile(r"\b(sleep_for|usleep|time\.sleep)\b|\bsleep [0-9]")
HOSTS = re.compile(r"deb\.debian\.org|pypi\.org|crates\.io|npmjs\.(org|com)|repo1?\.maven")
CODE = (".h", ".cc", ".py", ".sh")


def main():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, text=True, check=True)
    files = [p for p in listed.stdout.splitlines() if (ROOT / p).is_file()]
    problems = []
    folders = set()
    for path in files:
        parts = pathlib.PurePosixPath(path)
        if any(part in ("utils", "util", "helpers", "misc") for part in parts.parts):
            problems.append(f"{path}: name the folder after what is in it")
        if parts.suffix not in CODE and parts.name not in ("dev", "run"):
            continue
        text = (ROOT / path).read_text()
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            problems.append(f"{path}: {lines} lines; which second concept lives in it?")
        if path != "tests/house/rules_test.py":
            for number, line in enumerate(text.splitlines(), 1):
                if UNFINISHED.search(line):
                    problems.append(f"{path}:{number}: unfinished: {line.strip()[:80]}")
                if path.startswith("tests/") and SLEEPS.search(line):
                    problems.append(f"{path}:{number}: wait for a condition with a deadline, not for time")
                if HOSTS.search(line):
                    problems.append(f"{path}:{number}: names a package registry")
        if parts.suffix in (".h", ".cc") and not path.startswith("tests/unit/"):
            folders.add(str(parts.parent))
        if parts.suffix == ".h" and "#pragma once" not in text:
            problems.append(f"{path}: has no #pragma once")
    for folder in sorted(folders):
        readme = ROOT / folder / "README.md"
        if not readme.is_file():
            problems.append(f"{folder}: has no README.md")
        elif readme.read_text().count("\n") > README_LINES_MAX:
            problems.append(f"{folder}/README.md: more than {README_LINES_MAX} lines")
    for problem in problems:
        print(problem)
    print(f"rules: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

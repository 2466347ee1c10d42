#!/usr/bin/env python3
"""Runs clang-tidy over every source file of a compilation database, as many at once as there are
cores. A file that was clean and has not changed, nor anything it includes, is not checked again:
what was clean is remembered beside the database by a hash of the preprocessed text."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

TIDY = "clang-tidy-19"
FILE_SECONDS_MAX = 300


def fingerprint(entry, config):
    command = shlex.split(entry["command"])
    out = command.index("-o")
    del command[out:out + 2]
    command = [part for part in command if part != "-c" and not part.endswith("ccache")]
    command.insert(1, "-E")
    text = subprocess.run(command, cwd=entry["directory"], capture_output=True, check=True).stdout
    return hashlib.sha256(config + text).hexdigest()


def check(entry, build, config, clean):
    try:
        # Nothing is remembered on a fresh checkout that will not be used again.
        key = "clean" if os.environ.get("CI") else fingerprint(entry, config)
    except subprocess.CalledProcessError as error:
        return entry["file"], None, error.stderr.decode(errors="replace")[:4000]
    if key in clean and not os.environ.get("CI"):
        return entry["file"], key, ""
    run = subprocess.run([TIDY, "-p", build, "--quiet", entry["file"]], capture_output=True,
                         text=True, timeout=FILE_SECONDS_MAX)
    return entry["file"], key if run.returncode == 0 else None, "" if run.returncode == 0 else run.stdout + run.stderr


def main():
    build = sys.argv[1]
    only = sys.argv[2:]
    entries = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    # Tests are formatted and compiled with every warning; tidying them would double the time.
    entries = [e for e in entries if "/tests/" not in e["file"]]
    entries = [e for e in entries if not only or any(o in e["file"] for o in only)]
    config = pathlib.Path(".clang-tidy").read_bytes()
    memory = pathlib.Path(build, "tidy-clean.txt")
    clean = set(memory.read_text().split()) if memory.exists() else set()
    failed = 0
    still_clean = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, key, output in pool.map(lambda e: check(e, build, config, clean), entries):
            if key:
                still_clean.add(key)
            else:
                failed += 1
                print(f"--- {os.path.relpath(file)}\n{output}")
    if not only:
        memory.write_text("\n".join(sorted(still_clean)))
    print(f"clang-tidy: {len(entries) - failed} files clean, {failed} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

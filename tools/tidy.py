#!/usr/bin/env python3
"""Runs clang-tidy over every source file of a compilation database, as many at once as there are
cores. Most of a file's time goes into the headers it includes, so the files of a folder are read
up to 32 at a time, as one text that includes them; a batch that does not compile that way (two files
of it give one name to two things) is halved until it does. A file that was clean and has not
changed, nor anything it includes, is not checked again: what was clean is remembered beside the
database by a hash of the preprocessed text."""

import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import shlex
import subprocess
import sys

TIDY = "clang-tidy-19"
BATCH_SECONDS_MAX = 600
BATCH_FILES_MAX = 32


def fingerprint(entry, config):
    command = shlex.split(entry["command"])
    out = command.index("-o")
    del command[out:out + 2]
    command = [part for part in command if part != "-c" and not part.endswith("ccache")]
    command.insert(1, "-E")
    text = subprocess.run(command, cwd=entry["directory"], capture_output=True, check=True).stdout
    return hashlib.sha256(config + text).hexdigest()


def tidy(database, file):
    run = subprocess.run([TIDY, "-p", str(database), "--quiet", "--config-file=.clang-tidy", str(file)],
                         capture_output=True, text=True, timeout=BATCH_SECONDS_MAX)
    return "" if run.returncode == 0 else run.stdout + run.stderr


class Lint:
    """One run over a compilation database; `check` may be called from several threads."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.batches = itertools.count()

    def together(self, entries):
        """What clang-tidy says of one text that includes the files."""
        folder = self.build / "tidy" / str(next(self.batches))
        folder.mkdir(parents=True, exist_ok=True)
        text = (folder / "batch.cc").resolve()
        text.write_text("".join(f'#include "{entry["file"]}"  // NOLINT\n' for entry in entries))
        first = entries[0]
        command = first["command"].replace(first["file"], str(text))
        (folder / "compile_commands.json").write_text(
            json.dumps([{"directory": first["directory"], "command": command, "file": str(text)}]))
        return tidy(folder, text)

    def check(self, entries):
        """The files that are not clean, each with what clang-tidy said."""
        if len(entries) == 1:
            output = tidy(self.build, entries[0]["file"])
            return {entries[0]["file"]: output} if output else {}
        if not self.together(entries):
            return {}
        half = len(entries) // 2
        return self.check(entries[:half]) | self.check(entries[half:])


def unchanged(entries, config, memory):
    """The entries that were clean as they are, and every entry's key."""
    known = set(memory.read_text().split()) if memory.exists() else set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        def key(entry):
            try:
                return fingerprint(entry, config)
            except subprocess.CalledProcessError:
                return None  # it does not compile: clang-tidy will say so
        keys = dict(zip((e["file"] for e in entries), pool.map(key, entries)))
    return {file for file, one in keys.items() if one in known}, keys


def batches_of(entries):
    for _, folder in itertools.groupby(sorted(entries, key=lambda e: e["file"]),
                                       key=lambda e: os.path.dirname(e["file"])):
        files = list(folder)
        for start in range(0, len(files), BATCH_FILES_MAX):
            yield files[start:start + BATCH_FILES_MAX]


def main():
    build = sys.argv[1]
    only = sys.argv[2:]
    entries = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    # Tests are formatted and compiled with every warning; tidying them would double the time.
    entries = [e for e in entries if "/tests/" not in e["file"]]
    entries = [e for e in entries if not only or any(o in e["file"] for o in only)]
    memory = pathlib.Path(build, "tidy-clean.txt")
    clean, keys = set(), {}
    if not os.environ.get("CI"):  # nothing is remembered on a fresh checkout that will not be used again
        clean, keys = unchanged(entries, pathlib.Path(".clang-tidy").read_bytes(), memory)
    batches = list(batches_of([e for e in entries if e["file"] not in clean]))
    lint, failed = Lint(build), {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lint.check, batches):
            failed |= found
    for file, output in failed.items():
        print(f"--- {os.path.relpath(file)}\n{output}")
    if keys:
        known = set(memory.read_text().split()) if only and memory.exists() else set()
        known |= {key for file, key in keys.items() if key and file not in failed}
        memory.write_text("\n".join(sorted(known)))
    print(f"clang-tidy: {len(entries) - len(failed)} files clean, {len(failed)} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The files of a room are compiled several at a time, as one text (CMAKE_UNITY_BUILD), and read so by
clang-tidy. So what two of them keep to themselves has two names: nothing stands in the unnamed namespaces of
two files of one folder by the same name."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPE = re.compile(r"(?:template\s*<.*>\s*)?(?:struct|class|enum class|enum) (\w+)|using (\w+) =")
CONSTANT = re.compile(r"const\w* .*?\b(k[A-Z]\w*)")
FUNCTION = re.compile(r"(\w+)\(")
MACROS = re.compile(r"[A-Z_]+_P\(|[A-Z_]+\(")


def local_names(text):
    """What the unnamed namespaces of a formatted file declare at their outermost level."""
    inside, found = False, set()
    for line in text.splitlines():
        if line == "namespace {":
            inside = True
        elif line == "}  // namespace":
            inside = False
        elif inside and line and line[0].isalpha() and not MACROS.match(line):
            match = TYPE.match(line) or CONSTANT.match(line) or FUNCTION.search(line)
            if match:
                found.add(next(filter(None, match.groups())))
    return found


def main():
    problems = 0
    folders = collections.defaultdict(lambda: collections.defaultdict(list))
    for top in ("common", "objstore", "blockdev", "strata", "tests"):
        for file in sorted((ROOT / top).rglob("*.cc")):
            if file.parent.name != "fuzz":  # each a program of its own
                for name in local_names(file.read_text()):
                    folders[file.parent.relative_to(ROOT)][name].append(file.name)
    for folder, names in folders.items():
        for name, files in sorted(names.items()):
            if len(files) > 1:
                print(f"{folder}: '{name}' is local to {' and to '.join(files)}: name them apart")
                problems += 1
    print(f"names: {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

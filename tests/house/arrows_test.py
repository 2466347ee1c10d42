#!/usr/bin/env python3
"""The dependency picture in ARCHITECTURE.md is the truth: no include that it does not allow, none
that it allows and nobody uses, and every foreign header behind its wall."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def block(text, name):
    return re.search(rf"^```{name}\n(.*?)^```", text, re.M | re.S).group(1).strip().splitlines()


def sources():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--",
                             "*.h", "*.cc"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [p for p in listed.stdout.splitlines() if (ROOT / p).is_file()]


def room_of(path, rooms):
    return max((r for r in rooms if path.startswith(r + "/")), key=len, default=None)


def main():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    allowed = {}
    for line in block(text, "arrows"):
        room, _, targets = line.partition("->")
        allowed[room.strip()] = set(targets.split())
    walls = {}
    for line in block(text, "walls"):  # a header may have several lines
        walls.setdefault(line.split()[0], set()).update(line.split()[1:])

    problems, used, walls_used = [], set(), set()
    for path in sources():
        room = room_of(path, allowed)
        inside_tests = path.startswith("tests/")
        if room is None and not inside_tests:
            problems.append(f"{path}: is in no room of the table")
            continue
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, header = match.group(1) == '"', match.group(2)
            where = f"{path}:{number}"
            if not quoted:
                for prefix, homes in walls.items():
                    if header.startswith(prefix):
                        walls_used |= {(prefix, room)}
                        if not inside_tests and room not in homes:
                            problems.append(f"{where}: <{header}> belongs behind {', '.join(sorted(homes))}")
                continue
            target = room_of(header, allowed)
            if inside_tests:
                continue
            if target is None:
                problems.append(f"{where}: \"{header}\" is not a path from the root of the project")
            elif target != room:
                used.add((room, target))
                if target not in allowed[room] and "*" not in allowed[room]:
                    problems.append(f"{where}: {room} may not include {target}")
    for room, targets in allowed.items():
        for target in sorted(targets - {"*"}):
            if (room, target) not in used:
                problems.append(f"ARCHITECTURE.md: the arrow {room} -> {target} is no longer used")
    for prefix, homes in walls.items():
        for home in homes:
            if (prefix, home) not in walls_used:
                problems.append(f"ARCHITECTURE.md: {home} no longer includes <{prefix}...>")
    for problem in problems:
        print(problem)
    print(f"arrows: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

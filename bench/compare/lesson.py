"""Puts the tables of a run into docs/choosing-storage.md, between its marks:

    python3 -m bench.compare.lesson DIR [FILE]

What stands outside the marks is written by people.
"""

import pathlib
import re
import sys

from bench.common.processes import BenchError
from bench.compare import markdown, results, words
from bench.compare.stage import ROOT
from bench.compare.store import Store

FILE = ROOT / "docs/choosing-storage.md"
_MARK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.S)


def steps(report):
    """Each row's verdict with its reasons, as a list."""
    lines = []
    for row in report["rows"]:
        lines.append(f"- **{row['need']}**: {words.winner(row['verdict'])} ({words.agreement_of(row)}). "
                     + " ".join(row["verdict"]["steps"]))
    return lines + [""]


def rule(report):
    return [*(f"{number}. {one}" for number, one in enumerate(report["rule"], 1)), ""]


def conditions(report):
    return [*(f"- {one}" for one in words.conditions(report)), ""]


PARTS = {"summary": markdown.summary, "steps": steps, "rule": rule, "conditions": conditions}


def fill(text, report):
    """The document with the parts between its marks made anew."""
    def part(match):
        if match[2] not in PARTS:
            raise BenchError(f"there is no generated part {match[2]}; there are {', '.join(PARTS)}")
        return match[1] + "\n".join(PARTS[match[2]](report)) + "\n" + match[3]
    return _MARK.sub(part, text)


def main(folder, path=FILE):
    path = pathlib.Path(path)
    path.write_text(fill(path.read_text(), results.report(Store(pathlib.Path(folder)))))


if __name__ == "__main__":
    main(*sys.argv[1:3])

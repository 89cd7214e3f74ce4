#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks which files of Xen's contexts call which others: tests/style/floors.py FOLDER

ctx.h in the folder lists the files, one line for each floor, after a line
"Floors:". A file may call functions of the floors below its own. This prints
each call that goes up or stays on its floor, and each file that the list lacks.
"""
import pathlib
import re
import sys

LIST = re.compile(r"^ \* Floors:\n((?: \*   \S.*\n)+)", re.M)
BLANK = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
# A name in the first lines of a function, which begin in the first column.
DEFINED = re.compile(r"^(?!static\b)[a-z](?:[\w \t*\n]*[ *])?(\w+)\(([^;{}]*)\)\n\{",
                     re.M)
CALL = re.compile(r"\b(\w+)\b")


def floors(header):
    """Return {file: number of its floor}; the top floor is 0."""
    found = LIST.search(header)
    if not found:
        return {}
    return {name: nr for nr, line in enumerate(found.group(1).splitlines())
            for name in re.findall(r"[\w./-]+\.c\b", line)}


def blanked(path):
    """Return the code with comments and strings blanked, and all line breaks."""
    return BLANK.sub(lambda m: re.sub(r"[^\n]", " ", m.group()),
                     path.read_text())


def calls(code, owner):
    """Yield (line, function, file that defines it) for each use of a function."""
    for nr, line in enumerate(code.split("\n"), 1):
        for name in CALL.findall(line):
            if name in owner:
                yield nr, name, owner[name]


def check(folder):
    floor = floors((folder / "ctx.h").read_text())
    here = {path.name for path in folder.glob("*.c")}
    for name in sorted(here - set(floor)):
        yield f"{name}: not among the floors of ctx.h"
    for name in sorted(n for n in floor if not (folder / n).exists()):
        yield f"{name}: among the floors of ctx.h, but there is no such file"
    code = {n: blanked(folder / n) for n in floor if (folder / n).exists()}
    owner = {m.group(1): n for n, text in code.items()
             for m in DEFINED.finditer(text)}
    for name, text in code.items():
        for nr, function, other in calls(text, owner):
            if other != name and floor[other] <= floor[name]:
                yield f"{name}:{nr}: calls {function}() of {other}, which is not below"


def main():
    found = list(check(pathlib.Path(sys.argv[1])))
    for hit in found:
        print(hit)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

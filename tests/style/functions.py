#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Figures of our C code: lengths of functions, forbidden macros.

Prints a table, then xpi: lines. A function body is the text between a '{' and a '}' in
the first column.
"""
import pathlib
import re
import statistics
import subprocess
import sys

MAX_LINES = 80
MEDIAN = 12
PRODUCT = ("drivers/", "xen/overlay/")
FORBIDDEN = {
    r"\bBUG_ON\s*\(": ("drivers/", "xen/overlay/"),
    r"\bLINUX_VERSION_CODE\b|\bKERNEL_VERSION\s*\(": ("drivers/",),
}


def tracked(top):
    out = subprocess.run(["git", "-C", top, "ls-files", "-co",
                          "--exclude-standard", "*.c", "*.h"],
                         check=True, capture_output=True, text=True).stdout
    return [f for f in out.split() if (pathlib.Path(top) / f).exists()]


def bodies(text):
    """Return (line number, length) of every function body."""
    start = None
    found = []
    for nr, line in enumerate(text.split("\n"), 1):
        if line.startswith("{"):
            start = nr
        elif line.startswith("}") and start is not None:
            if line.rstrip() == "}":
                found.append((start, nr - start - 1))
            start = None
    return found


def row(name, lengths):
    lengths.sort()
    p90 = lengths[min(len(lengths) - 1, int(len(lengths) * 0.9))]
    short = sum(n <= 40 for n in lengths) * 100 // len(lengths)
    print(f"xpi: info {name:44} {len(lengths):4} functions, median "
          f"{statistics.median(lengths):4}, p90 {p90:3}, max {lengths[-1]:3}, "
          f"{short}% up to 40 lines")


def forbidden(files, texts):
    hits = []
    for pattern, where in FORBIDDEN.items():
        for f in files:
            if not f.startswith(where) or f.endswith("compat.h"):
                continue
            for nr, line in enumerate(texts[f].split("\n"), 1):
                if re.search(pattern, line):
                    hits.append(f"{f}:{nr}")
    return hits


def verdict(name, bad, why):
    if bad:
        print(f"xpi: fail {name}: {why}: {', '.join(bad[:10])}")
    else:
        print(f"xpi: pass {name}")
    return not bad


def main():
    top = sys.argv[1]
    files = tracked(top)
    texts = {f: (pathlib.Path(top) / f).read_text() for f in files}
    functions = {f: bodies(texts[f]) for f in files}
    product = []
    for f in files:
        if f.startswith(PRODUCT) and functions[f]:
            row(f, [n for _, n in functions[f]])
            product += [n for _, n in functions[f]]
    if not product:
        print("xpi: fail style.functions: no function found")
        return 1
    row("all", product)
    long = [f"{f}:{nr} ({n} lines)" for f in files for nr, n in functions[f]
            if n > MAX_LINES]
    ok = verdict("style.function-length", long, f"longer than {MAX_LINES}")
    over = statistics.median(product) > MEDIAN
    ok &= verdict("style.function-median", ["all"] if over else [],
                  f"median is above {MEDIAN}")
    ok &= verdict("style.forbidden", forbidden(files, texts), "must not be")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

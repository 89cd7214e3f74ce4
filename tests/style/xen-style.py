#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks the rules of Xen's CODING_STYLE that apply to single lines, for xen/overlay.

Xen has no tool for its style. Comments and strings are blanked first, so that only code
is checked.
"""
import pathlib
import re
import sys

RULES = (
    (r"\t", "tab"),
    (r"[ \t]+$", "space at the end"),
    # Except messages, which Xen does not split, so that grep finds them.
    (r'^(?!\s*(\[\w+\] = |printk\()?").{81,}', "more than 80 columns"),
    (r"\b(if|while|switch)\(", "no space before ("),
    (r"\b(?:if|while|for|switch) \((?! )", "no space after ("),
    (r"\b(?:if|while|switch) \( .*[^ ]\)$", "no space before )"),
    (r"^\s*(?:if|for|while|switch|do|else)\b.*\{$", "brace not on its own line"),
    (r"^\s*\}\s*else\b", "else not on its own line"),
    (r"//", "C++ comment"),
)
FOOTER = """
/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
"""
# Xen writes '} while (...)' and array initialisers like this.
EXEMPT = re.compile(r"^\s*(\} while|do \{$)|#define|\\$")


def blank(text):
    """Replace comments, strings and characters by spaces, keep the lines."""
    pattern = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                         re.S)

    def spaces(m):
        s = m.group(0)
        if s.startswith("/*"):
            # Trailing comments must not look like trailing space.
            return re.sub(r"[^\n]", "x", s)
        return '"' + "s" * (len(s) - 2) + '"'
    return pattern.sub(spaces, text)


def check(path):
    raw = path.read_text()
    for nr, (line, orig) in enumerate(zip(blank(raw).split("\n"),
                                          raw.split("\n")), 1):
        for pattern, why in RULES:
            if EXEMPT.search(orig) and "brace" in why:
                continue
            if re.search(pattern, line):
                yield f"{path}:{nr}: {why}"
    if not raw.endswith(FOOTER):
        yield f"{path}: does not end with Emacs' local variables"


def main():
    found = 0
    for top in sys.argv[1:]:
        for path in sorted(pathlib.Path(top).rglob("*.[ch]")):
            for hit in check(path):
                print(hit)
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

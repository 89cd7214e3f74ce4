#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks for plain English, as far as a script can.

usage: prose.py TOP FILE...

Finds words that hide the actor (WORDS), and comments and paragraphs that open with
a word of OPENERS. In the files of STRICT each is an error. For all other files only
their number is printed."""

import os
import re
import sys

# "nobody cared" is a message of Linux.
WORDS = re.compile(r'\b(whoever|nobody(?! cared)|somebody|anybody|everybody|for\s+want\s+of)\b', re.I)
OPENERS = re.compile(r'(Of|What|Who|Such|Mostly|Likewise)\b(?!:)')
STRICT = re.compile(r'(drivers|include|kunit|linux|Documentation|packaging|testbed|xen|\.ci)/|'
                    r'tests/(bench|dom0|fuzz|host|matrix|micro-dom0|packaging|testbed)/|tests/mutants/(run$|linux/|xen/)|'
                    r'(README|CODING)\.md$|Makefile$|Kconfig$|Kbuild$')
TEXT = ('.md', '.rst')
C = ('.c', '.h', '.S')
HASH = ('.sh', '.py', '.mk', '.list', '.config')
BARE = re.compile(r'Documentation/ABI/')


def comments_of_c(source):
    """Line number and lines of each comment, without its stars."""
    for found in re.finditer(r'/\*.*?\*/|(?<!:)//[^\n]*', source, re.S):
        text = re.sub(r'^\s*/[*/]+|\*+/\s*$', '', found[0])
        yield source.count('\n', 0, found.start()) + 1, [re.sub(r'^\s*\*+ ?', '', line) for line in text.split('\n')]


def comments_of_hash(source):
    """The same of lines that begin with #, next to each other."""
    lines = source.split('\n')
    first = 0
    while first < len(lines):
        last = first
        while last < len(lines) and re.match(r'\s*#(?!!|include|define)', lines[last]):
            last += 1
        if last > first:
            yield first + 1, [re.sub(r'^\s*#+ ?', '', line) for line in lines[first:last]]
        first = max(last, first + 1)


def is_title(lines, i):
    return lines[i].startswith('#') or i + 1 < len(lines) and re.fullmatch(r'([=*~-])\1{2,}', lines[i + 1])


def openings(lines):
    """Offset and text of the first line of each paragraph that is no title."""
    before = ''
    for i, line in enumerate(lines):
        if line.strip() and not before.strip() and not is_title(lines, i):
            yield i, re.sub(r'^\s*(?:[-*]|\d+\.)?\s*', '', line)
        before = line


def blocks(path, source):
    if path.endswith(TEXT) or BARE.match(path):
        yield 1, source.split('\n')
    elif path.endswith(C):
        yield from comments_of_c(source)
    elif path.endswith(HASH) or '.' not in os.path.basename(path):
        yield from comments_of_hash(source)


def complaints(path, source):
    """Line and reason of everything found in one file."""
    for found in WORDS.finditer(source):
        yield source.count('\n', 0, found.start()) + 1, f'"{" ".join(found[0].split())}" hides the actor'
    for first, lines in blocks(path, source):
        for i, text in openings(lines):
            found = OPENERS.match(text)
            if found:
                yield first + i, f'opens with "{found[0]}": {text.strip()[:50]}'


def read(path):
    try:
        with open(path, encoding='utf-8') as f:
            return f.read()
    except (UnicodeDecodeError, FileNotFoundError):
        return ''


def main(top, files):
    bad = other = 0
    for path in files:
        found = list(complaints(path, read(os.path.join(top, path))))
        if not STRICT.match(path):
            other += len(found)
            continue
        bad += len(found)
        for line, why in sorted(found):
            print(f'{path}:{line}: {why}')
    print(f'prose: {bad} where none is allowed, {other} elsewhere', file=sys.stderr)
    return bad > 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))

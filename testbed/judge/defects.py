# SPDX-License-Identifier: GPL-2.0
"""Reads tests/known-defects: defects of similar code, and the tests that show that
ours lacks them.

testbed/check calls judge_rows() after its parts have run; a row becomes one test,
known-defects.ROW. tests/testbed/test_defects.py checks that a source defines each
named test, and that this source names the advisory of the row.
"""

import fnmatch
import glob
import os
import re
from dataclasses import dataclass, field

from judge.judgement import Test

FILE = os.path.join('tests', 'known-defects')
LAYERS = ('host', 'micro')
ROW = re.compile(r'([a-z0-9-]+): (\S.*)')
EXCUSE = re.compile(r'(not host|not micro|linux): (\S.*)')


@dataclass
class Row:
    name: str
    what: str
    tests: list = field(default_factory=list)
    excuses: dict = field(default_factory=dict)     # 'not host', 'not micro', 'linux'

    def layers(self):
        """The layers that test this row. Fuzzing runs on the host, the matrix in micro-dom0."""
        return {{'fuzz': 'host', 'matrix': 'micro'}.get(t.split('.')[0], t.split('.')[0]) for t in self.tests}


# --- reading the file ---------------------------------------------------

def expand(word):
    """micro.*.NAME stands for two tests, both of which must exist."""
    if word.startswith('micro.*.'):
        return [f'micro.{kind}.{word[len("micro.*."):]}' for kind in ('pv', 'pvh')]
    return [word]


def problem(row):
    """Return what is wrong with a row: each layer has a test, or a reason why not."""
    if 'linux' in row.excuses:
        return 'has tests, but is marked as about Linux' if row.tests else ''
    for layer in LAYERS:
        excused, has = f'not {layer}' in row.excuses, layer in row.layers()
        if excused and has:
            return f'has {layer} tests and also a reason why not'
        if not excused and not has:
            return f'needs a {layer} test, or "not {layer}: why"'
    twice = [t for t in row.tests if row.tests.count(t) > 1]
    return f'names {twice[0]} twice' if twice else ''


def add_line(row, line):
    excuse = EXCUSE.fullmatch(line)
    if excuse:
        row.excuses[excuse[1]] = excuse[2]
    else:
        row.tests += [t for word in line.split() for t in expand(word)]


def load(path):
    """Return the rows in order. Raises ValueError with the place and the problem."""
    rows = {}
    with open(path, encoding='utf-8') as f:
        for nr, line in enumerate(f, 1):
            text, head = line.split('#')[0].strip(), ROW.fullmatch(line.strip())
            if not text:
                continue
            if line[0].isspace() and rows:
                add_line(list(rows.values())[-1], text)
            elif head and head[1] not in rows:
                rows[head[1]] = Row(head[1], head[2])
            else:
                raise ValueError(f'{path}:{nr}: expected "ROW: what went wrong" once, then its tests on indented lines')
    for row in rows.values():
        if problem(row):
            raise ValueError(f'{path}: {row.name} {problem(row)}')
    return list(rows.values())


# --- after the run ------------------------------------------------------

def matches(name, tests):
    if '*' in name:
        return [t for n, t in tests.items() if fnmatch.fnmatch(n, name)]
    return [tests[name]] if name in tests else []


def not_shown(row, tests, full):
    """Return why the tests that ran do not show that the defect is absent; '' if they do."""
    for name in row.tests:
        found = matches(name, tests)
        if full and not found:
            return f'{FILE} names {name}, but there is no such test'
        for test in found:
            if test.verdict != 'pass' and (full or test.verdict != 'skip'):
                return f'{test.name} did not pass ({test.verdict}: {test.reason})'
    return ''


def judge_row(row, tests, full):
    name, found = f'known-defects.{row.name}', [t for n in row.tests for t in matches(n, tests)]
    reason = not_shown(row, tests, full)
    if reason:
        return Test(name, 'fail', reason)
    if any(t.verdict == 'pass' for t in found):
        return Test(name, 'pass')
    why = next(iter(row.excuses.values()), '') if not row.tests else 'none of its tests ran'
    return Test(name, 'skip', why)


def judge_rows(rows, tests, full, some=False):
    """Return one test a row.

    @full: all tests ran, so a missing one does not exist.
    @some: only chosen parts ran; rows without a test among them are left out.
    """
    tests = {t.name: t for t in tests}
    touched = [r for r in rows if not some or any(matches(n, tests) for n in r.tests)]
    return [judge_row(r, tests, full) for r in touched]


# --- tests that the sources define --------------------------------------

def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def micro_tests(top):
    """Tests of micro-dom0, including those of its runner, as {(kind, name): source}."""
    tests = {}
    for path in glob.glob(os.path.join(top, 'tests', 'micro-dom0', 't-*.c')):
        for name, more in re.findall(r'\{\s*\.name = "([^"]+)"([^}]*)\}', read(path)):
            tests |= {(kind, name): path for kind, other in (('pv', 'pvh'), ('pvh', 'pv'))
                      if not re.search(rf'\.only_{other}\b', more)}
    run = os.path.join(top, 'testbed', 'run', 'micro.py')
    own = re.findall(r"machine\.name(?: \+ '|\})\.([a-z0-9.-]+)'", read(run))
    return tests | {(kind, name): run for name in own for kind in ('pv', 'pvh')}


def host_tests(top):
    tests = {'fuzz.iommu-op': os.path.join(top, 'tests', 'fuzz', 'fuzz.c')}
    for path in glob.glob(os.path.join(top, 'tests', 'host', '*.c')):
        file = os.path.basename(path)[:-2]
        tests |= {f'host.{file}.{t.replace("_", "-")}': path for t in re.findall(r'^TEST\((\w+)\)', read(path), re.M)}
    return tests


def defined(top, suffixes):
    """All names that a test can have, with the source. @suffixes: {(kind, suffix of a part)}."""
    micro = micro_tests(top)
    known = host_tests(top) | {f'micro.{kind}.{name}': path for (kind, name), path in micro.items()}
    return known | {f'micro.{kind}.{name}.{suffix}': path for (kind, name), path in micro.items()
                    for k, suffix in suffixes if k == kind}


def named(rows):
    return [(r, n) for r in rows for n in r.tests if n != 'matrix.row-*']


def undefined(rows, known):
    """Names in the rows that no source defines."""
    return [n for _, n in named(rows) if n not in known]


def unsaid(rows, known):
    """Tests whose C source does not name the advisory of their row."""
    return [f'{n} ({r.name})' for r, n in named(rows) if r.name.startswith('xsa-') and n in known and
            os.path.basename(known[n]) not in ('micro.py', 'fuzz.c') and
            not re.search(rf'\b{r.name.upper()}\b', read(known[n]))]

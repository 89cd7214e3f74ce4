#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tests/known-defects: its rows must name tests that exist, and in testbed/judge/defects.py
a row may pass only if its tests did."""

import argparse
import contextlib
import io
import os
import tempfile

from xpi import TOP, finish, script
from judge import defects
from judge.judgement import Test

check = script('testbed', 'check')

ROW = 'a: b\n\thost.ctx.one micro.*.dma.two\n'
GOOD = {'host.ctx.one': 'pass', 'micro.pv.dma.two': 'pass', 'micro.pvh.dma.two': 'pass'}
ADVISORIES = ('78 80 275 285 288 291 302 306 311 321 337 346 347 373 378 384 386 389 390 399 400 409 410 442 445 449 '
              '450 460 461 467 476 480 492 493 499 502')

# name, file, {test: verdict}, full, some, the verdicts of its rows ('' none)
JUDGED = [
    ('all-passed', ROW, GOOD, True, False, 'pass'),
    ('one-failed', ROW, GOOD | {'micro.pv.dma.two': 'fail'}, False, False, 'fail'),
    ('one-crashed', ROW, GOOD | {'micro.pv.dma.two': 'crash'}, False, False, 'fail'),
    ('part-not-run', ROW, {'host.ctx.one': 'pass'}, False, False, 'pass'),
    ('missing-in-full-run', ROW, {'host.ctx.one': 'pass', 'micro.pv.dma.two': 'pass'}, True, False, 'fail'),
    ('skipped', ROW, GOOD | {'micro.pv.dma.two': 'skip'}, False, False, 'pass'),
    ('skipped-in-full-run', ROW, GOOD | {'micro.pv.dma.two': 'skip'}, True, False, 'fail'),
    ('only-skips', ROW, {'host.ctx.one': 'skip'}, False, False, 'skip'),
    ('nothing-run', ROW, {}, False, False, 'skip'),
    ('chosen-parts-elsewhere', ROW, {'style.spdx': 'pass'}, False, True, ''),
    ('chosen-parts-here', ROW, {'host.ctx.one': 'pass'}, False, True, 'pass'),
    ('suffix-is-another-test', ROW, GOOD | {'micro.pv.dma.two.smp': 'fail'}, True, False, 'pass'),
    ('pattern', 'a: b\n\thost.x.y matrix.row-*\n',
     {'host.x.y': 'pass', 'matrix.row-01': 'pass', 'matrix.row-02': 'fail'}, False, False, 'fail'),
    ('excused-has-nothing-to-run', 'a: b\n\tnot host: c\n\tnot micro: c\n', {}, True, False, 'skip'),
    ('linux', 'a: b\n\tlinux: c\n', {}, True, False, 'skip'),
]

# name, file that must be refused, text of the error
REFUSED = [
    ('no-test', 'a: b\n', 'needs a host test'),
    ('no-micro-test', 'a: b\n\thost.ctx.one\n', 'needs a micro test'),
    ('excuse-and-test', 'a: b\n\thost.ctx.one micro.pv.x\n\tnot micro: c\n', 'reason why not'),
    ('linux-with-test', 'a: b\n\thost.ctx.one\n\tlinux: c\n', 'about Linux'),
    ('row-twice', ROW + ROW, ':3: expected'),
    ('no-row', 'host.ctx.one\n', ':1: expected'),
    ('test-twice', ROW + '\thost.ctx.one\n', 'twice'),
]


def load(text):
    with tempfile.NamedTemporaryFile('w', suffix='.defects') as f:
        f.write(text)
        f.flush()
        return defects.load(f.name)


def judged(text, tests, full, some):
    tests = [Test(name, verdict, 'why') for name, verdict in tests.items()]
    return ' '.join(t.verdict for t in defects.judge_rows(load(text), tests, full, some))


def refused(text, want):
    try:
        load(text)
    except ValueError as e:
        return '' if want in str(e) else f'it said: {e}'
    return 'it was taken'


def known():
    return defects.defined(TOP, {(kind, p.suffix) for kind in check.LONG for p in check.boots_of_their_own(kind)})


def rows():
    return defects.load(os.path.join(TOP, defects.FILE))


def sources_name_the_advisory():
    missing = defects.unsaid(rows(), known())
    return f'no comment in the source names the advisory: {" ".join(missing)}' if missing else ''


def names_are_defined():
    missing = defects.undefined(rows(), known())
    return f'named in {defects.FILE}, but there is no such test: {" ".join(missing)}' if missing else ''


def unknown_names_are_found():
    """names: tests that do not exist, of all kinds; good: similar tests that do."""
    names = ('host.ctx.no-such host.no-such.mapped micro.pv.dma.no-such micro.pvh.frames.page-table-writable '
             'micro.pv.dma.mapped.no-such micro.pvh.dma.mapped.smp matrix.row-1 dma.mapped')
    good = ('host.ctx.order-clear-flush-put micro.*.dma.mapped micro.pv.frames.page-table-writable micro.pv.selftest '
            'micro.pv.smp.same-context.smp micro.pv.dma.faults-logged fuzz.iommu-op matrix.row-*')
    row = defects.Row('a', 'b', [t for w in f'{names} {good}'.split() for t in defects.expand(w)])
    found = defects.undefined([row], known())
    return '' if found == names.split() else f'found {" ".join(found)}'


def all_are_there():
    """There must be rows for the 15 defects of earlier code, and for each advisory about such code."""
    names = {r.name for r in rows()}
    missing = [f'xsa-{n}' for n in ADVISORIES.split() if f'xsa-{n}' not in names]
    missing += [f'defect-{n:02}' for n in range(1, 16) if not any(name.startswith(f'defect-{n:02}-') for name in names)]
    return f'no row for {" ".join(missing)}' if missing else ''


def check_counts_a_failed_row():
    part = check.Part('x', [], tests=[Test('host.ctx.structs-keep-to-their-size', 'fail', 'why')])
    with contextlib.redirect_stdout(io.StringIO()):
        got = check.known_defects([part], argparse.Namespace(xen=False, parts=[], v=False))
    failed = [t.name for t in got.tests if t.verdict == 'fail']
    return '' if failed == ['known-defects.defect-06-falls-through'] else f'failed: {" ".join(failed) or "none"}'


def outcomes():
    for name, text, tests, full, some, want in JUDGED:
        seen = judged(text, tests, full, some)
        yield name, '' if seen == want else f'wanted "{want}", got "{seen}"'
    for name, text, want in REFUSED:
        yield f'refuses-{name}', refused(text, want)
    for fn in (names_are_defined, sources_name_the_advisory, unknown_names_are_found, all_are_there,
               check_counts_a_failed_row):
        yield fn.__name__, fn()


if __name__ == '__main__':
    finish('defects', outcomes())

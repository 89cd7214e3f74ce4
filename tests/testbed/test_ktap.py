#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""testbed/judge/ktap.py: an incomplete or inconsistent report of a suite must not pass."""

from xpi import finish
from judge import ktap

GOOD = '''KTAP version 1
1..1
    KTAP version 1
    # Subtest: xpi-one
    # module: xpi_kunit
    1..3
    ok 1 first_case
        KTAP version 1
        # Subtest: second
        ok 1 small
        ok 2 large
    # second: pass:2 fail:0 skip:0 total:2
    ok 2 second
    ok 3 third # SKIP one CPU cannot interrupt another
# xpi-one: pass:2 fail:0 skip:1 total:3
ok 1 xpi-one
'''
FAILED = '''KTAP version 1
1..1
    KTAP version 1
    # Subtest: xpi-two
    1..2
    # broken: EXPECTATION FAILED at /somewhere/kunit/xpi-two-test.c:12
    Expected a == b, but
        a == 1 (0x1)
    not ok 1 broken
    ok 2 fine
not ok 1 xpi-two
'''
WANTED = {'first-case': 'pass', 'second': 'pass', 'third': 'skip'}


def verdicts(text, *wanted):
    return {t.name.split('.')[1]: t.verdict for t in ktap.tests(text, wanted)}


def refused(text):
    try:
        ktap.tests(text, [])
    except ktap.KtapError:
        return True
    return False


def without(text, line):
    assert line in text
    return text.replace(line, '', 1)


def broken_reason():
    return [t.reason for t in ktap.tests(FAILED, []) if t.verdict == 'fail']


CHECKS = {
    'good': lambda: verdicts(GOOD, 'xpi-one') == WANTED,
    'fail': lambda: verdicts(FAILED) == {'broken': 'fail', 'fine': 'pass'},
    'fail-has-reason': lambda: broken_reason() == ['xpi-two-test.c:12: Expected a == b, but a == 1 (0x1)'],
    'two-documents': lambda: len(ktap.tests(GOOD + FAILED, ['xpi-one', 'xpi-two'])) == 5,
    'suite-that-is-silent': lambda: verdicts(GOOD, 'xpi-one', 'xpi-two')['suite'] == 'fail',
    'nothing-at-all': lambda: verdicts('', 'xpi-one') == {'suite': 'fail'},
    'case-missing': lambda: refused(without(GOOD, '    ok 3 third # SKIP one CPU cannot interrupt another\n')),
    'first-missing': lambda: refused(without(GOOD, '    ok 1 first_case\n')),
    'suite-line-missing': lambda: refused(without(GOOD, 'ok 1 xpi-one\n')),
    'cut-short': lambda: refused(GOOD[:GOOD.index('    ok 2 second')]),
    'ok-over-not-ok': lambda: refused(FAILED.replace('not ok 1 xpi-two', 'ok 1 xpi-two')),
    'suite-fails-alone': lambda: verdicts(GOOD.replace('ok 1 xpi-one', 'not ok 1 xpi-one'))['suite'] == 'fail',
    'timeout-is-no-pass': lambda: verdicts(GOOD.replace('SKIP one', 'TIMEOUT one').replace('ok 1 xpi-one', 'not ok 1 xpi-one'))['third'] == 'fail',
}


if __name__ == '__main__':
    finish('ktap', ((name, '' if right() else 'it was read otherwise') for name, right in CHECKS.items()))

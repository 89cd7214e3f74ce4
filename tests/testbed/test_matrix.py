#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The boot matrix' choice of rows: every pair is met, nothing forbidden is."""

import importlib.machinery
import importlib.util
import itertools
import os
import random
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tests', 'matrix'))
import pairwise  # noqa: E402

loader = importlib.machinery.SourceFileLoader('matrix_run', os.path.join(TOP, 'tests', 'matrix', 'run'))
matrix = importlib.util.module_from_spec(importlib.util.spec_from_loader('matrix_run', loader))
loader.exec_module(matrix)
FORBIDDEN = [pair for pair, _ in matrix.IMPOSSIBLE]


def check(what, ok):
    if not ok:
        raise AssertionError(what)


def meets_all(factors, forbidden, rows):
    """Counted anew, without the generator's own notion of pairs."""
    for (one, ones), (other, others) in itertools.combinations(factors.items(), 2):
        for a, b in itertools.product(ones, others):
            never = {one: a, other: b} in forbidden
            met = sum(r[one] == a and r[other] == b for r in rows)
            check(f'{one}={a} and {other}={b} meet {met} times', (met == 0) if never else met)


def real_rows():
    rows = list(matrix.all_rows(1).values())
    check(f'{len(rows)} rows', len(rows) <= matrix.AT_MOST)
    meets_all(matrix.FACTORS, FORBIDDEN, rows)


def same_every_time():
    check('two calls differ', matrix.all_rows(1) == matrix.all_rows(1))


def fast_rows():
    kinds = {r['dom0'] for r in list(matrix.all_rows(1).values())[:3]}
    check(f'the first three rows boot only {kinds}', kinds == {'pv', 'pvh'})


def random_tables():
    for seed in range(30):
        rng = random.Random(seed)
        factors = {f'f{i}': [f's{j}' for j in range(rng.randint(2, 4))] for i in range(rng.randint(3, 6))}
        forbidden = [{'f0': 's0', 'f1': 's1'}] * rng.randint(0, 1)
        meets_all(factors, forbidden, pairwise.rows(factors, forbidden, seed))


def impossible_table():
    factors = {'a': ['x', 'y'], 'b': ['x', 'y'], 'c': ['x', 'y']}
    try:
        pairwise.rows(factors, [{'a': 'x', 'c': 'x'}, {'a': 'x', 'c': 'y'}], 1)
    except ValueError:
        return
    check('pairs that no row may have were passed over in silence', False)


def main():
    tests = [real_rows, same_every_time, fast_rows, random_tables, impossible_table]
    failed = 0
    for test in tests:
        name = 'host.matrix.' + test.__name__.replace('_', '-')
        try:
            test()
            print(f'xpi: pass {name}')
        except Exception as e:
            failed += 1
            print(f'xpi: fail {name}: {type(e).__name__}: {e}')
    print(f'xpi: end {len(tests) - failed} {failed} 0')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

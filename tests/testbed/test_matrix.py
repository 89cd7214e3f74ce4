#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The boot matrix must have every pair of settings in a row, except the forbidden ones."""

import itertools
import random

from xpi import finish, named, script
import pairwise

matrix = script('tests', 'matrix', 'run')
FORBIDDEN = [pair for pair, _ in matrix.IMPOSSIBLE]


def check(what, ok):
    if not ok:
        raise AssertionError(what)


def meets_all(factors, forbidden, rows):
    """Count the pairs without the functions of the generator."""
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
    check('pairs that no row may have caused no error', False)


if __name__ == '__main__':
    finish('matrix', named(real_rows, same_every_time, fast_rows, random_tables, impossible_table))

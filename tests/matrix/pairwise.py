# SPDX-License-Identifier: GPL-2.0
"""Finds few rows such that every two settings of different factors are in one row.

    rows(factors, forbidden, seed)

factors is {name: [setting, ...]}. forbidden lists pairs that cannot be together, as
dicts of two settings, {factor: setting, factor: setting}. A row is a dict. The same
arguments give the same rows on every machine.
"""

import itertools
import random

TRIES = 60      # candidates for each row; more candidates save hardly any row


def pairs_of(row):
    return {frozenset(two) for two in itertools.combinations(sorted(row.items()), 2)}


def banned(forbidden):
    return {frozenset(two.items()) for two in forbidden}


def all_pairs(factors, forbidden):
    """Return all pairs that must be in a row."""
    pairs = set()
    for one, other in itertools.combinations(sorted(factors), 2):
        pairs |= {frozenset(((one, a), (other, b))) for a in factors[one] for b in factors[other]}
    return pairs - banned(forbidden)


def allowed(row, never):
    return not pairs_of(row) & never


def candidate(factors, wanted, never, rng):
    """Return a row with one wanted pair; each other factor gets the setting with most wanted pairs."""
    row = dict(rng.choice(sorted(wanted, key=sorted)))
    names = [n for n in factors if n not in row]
    rng.shuffle(names)
    for name in names:
        fits = [s for s in factors[name] if allowed({**row, name: s}, never)]
        if not fits:
            return None
        rng.shuffle(fits)
        row[name] = max(fits, key=lambda s: len(pairs_of({**row, name: s}) & wanted))
    return row


def rows(factors, forbidden, seed):
    rng, never = random.Random(seed), banned(forbidden)
    wanted, found = all_pairs(factors, forbidden), []
    while wanted:
        tries = [candidate(factors, wanted, never, rng) for _ in range(TRIES)]
        tries = [row for row in tries if row]
        if not tries:
            raise ValueError(f'{len(wanted)} pairs are in no row that forbidden allows; forbid them too')
        best = max(tries, key=lambda row: len(pairs_of(row) & wanted))
        wanted -= pairs_of(best)
        found.append({name: best[name] for name in factors})
    return found

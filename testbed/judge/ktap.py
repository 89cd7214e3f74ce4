# SPDX-License-Identifier: GPL-2.0
"""Read KTAP, in which KUnit reports, and turn it into the testbed's own tests.

Only what KTAP states counts: a plan and as many results, each with its number;
a parent that is "ok" although a child is not is as wrong as a result that is
missing. Lines of the log around the results are looked at for reasons only.
"""

import itertools
import re
from dataclasses import dataclass, field

from judge.judgement import Test

RESULT = re.compile(r'(?P<indent> *)(?P<ok>ok|not ok) (?P<number>\d+) (?:- )?(?P<name>\S+)'
                    r'(?: # (?P<word>SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b ?(?P<why>.*))?')
PLAN = re.compile(r'(?P<indent> *)1\.\.(?P<count>\d+)')
REASON = re.compile(r' *# (?P<case>\S+): (?:EXPECTATION|ASSERTION) FAILED at (?:\S*/)?(?P<where>\S+)')
NEWS = re.compile(r' *(?:#|ok \d|not ok \d|KTAP|1\.\.)')    # ends what was said before
STEP = 4                # spaces of indentation a level


class KtapError(Exception):
    """What was read is not whole; says what is missing."""


@dataclass
class Result:
    name: str
    ok: bool
    skip: str = None
    reason: str = ''
    children: list = field(default_factory=list)


def depth(match):
    return len(match['indent']) // STEP


class Reader:
    """Results that wait for the one above them, by depth."""

    def __init__(self):
        self.open, self.plans, self.reason = {}, {}, {}

    def take(self, line, following):
        """What a failure says of itself is in the lines that follow it."""
        reason = REASON.match(line)
        plan, result = PLAN.fullmatch(line), RESULT.fullmatch(line)
        if reason:
            said = itertools.takewhile(lambda l: not NEWS.match(l), following)
            self.reason.setdefault(reason['case'], f'{reason["where"]}: {" ".join(" ".join(said).split())}')
        elif plan:
            self.take_plan(plan)
        elif result:
            self.take_result(result)

    def take_plan(self, plan):
        if self.open.get(depth(plan)):
            raise KtapError(f'a plan after results: {plan[0].strip()!r}')
        self.plans[depth(plan)] = int(plan['count'])

    def take_result(self, m):
        at = depth(m)
        children = self.close(at + 1, m['name'])
        siblings = self.open.setdefault(at, [])
        if int(m['number']) != len(siblings) + 1:
            raise KtapError(f'result {m["number"]} ({m["name"]}) where number {len(siblings) + 1} belongs')
        skip = (m['why'] or 'no reason given') if m['word'] == 'SKIP' else None
        ok = m['ok'] == 'ok' and m['word'] in (None, 'SKIP')
        if ok and any(not c.ok for c in children):
            raise KtapError(f'{m["name"]} is ok although a part of it is not')
        siblings.append(Result(m['name'], ok, skip, self.reason.pop(m['name'], ''), children))

    def close(self, at, parent):
        """What was said below a result belongs to it, and has to be all."""
        children, plan = self.open.pop(at, []), self.plans.pop(at, None)
        if plan is not None and plan != len(children):
            raise KtapError(f'{parent} has {len(children)} results of {plan}')
        if self.open.get(at + 1):
            raise KtapError(f'{parent} ends before what it is made of')
        return children


def suites(text):
    """The suites of one or more documents, in which each is a top result."""
    found, reader = [], Reader()
    lines = text.replace('\r', '').split('\n')
    for i, line in enumerate(lines):
        if line.startswith('KTAP version '):
            found += reader.close(0, 'the document')
        reader.take(line, lines[i + 1:i + 8])
    return found + reader.close(0, 'the document')


def name_of(*words):
    return '.'.join(re.sub(r'[^a-z0-9.]+', '-', w.lower()).strip('-') for w in words)


def test_of(case, name):
    if case.skip is not None:
        return Test(name, 'skip', case.skip)
    if case.ok:
        return Test(name, 'pass')
    return Test(name, 'fail', case.reason or 'it gave no reason')


def tests(text, wanted):
    """One test a case, and one a suite that is wanted but says nothing.

    A case whose suite failed for another reason than its cases counts, too:
    its suite is then a failed test of its own.
    """
    out, seen = [], set()
    for suite in suites(text):
        seen.add(suite.name)
        out += [test_of(case, name_of(suite.name, case.name)) for case in suite.children]
        if not suite.ok and all(c.ok for c in suite.children):
            out.append(Test(name_of(suite.name, 'suite'), 'fail', suite.reason or 'it failed although no case did'))
    out += [Test(name_of(s, 'suite'), 'fail', 'it did not report') for s in wanted if s not in seen]
    return out

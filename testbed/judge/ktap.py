# SPDX-License-Identifier: GPL-2.0
"""Read KTAP, the format of KUnit's reports, and turn it into the testbed's tests.

A document must have a plan and as many numbered results. A missing result is an
error, and so is a parent that is "ok" with a child that is not. Other lines of the log
only give the reasons of failures.
"""

import itertools
import re
from dataclasses import dataclass, field

from judge.judgement import Test

RESULT = re.compile(r'(?P<indent> *)(?P<ok>ok|not ok) (?P<number>\d+) (?:- )?(?P<name>\S+)'
                    r'(?: # (?P<word>SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b ?(?P<why>.*))?')
PLAN = re.compile(r'(?P<indent> *)1\.\.(?P<count>\d+)')
REASON = re.compile(r' *# (?P<case>\S+): (?:EXPECTATION|ASSERTION) FAILED at (?:\S*/)?(?P<where>\S+)')
NEWS = re.compile(r' *(?:#|ok \d|not ok \d|KTAP|1\.\.)')    # ends the text before it
STEP = 4                # spaces of indentation a level


class KtapError(Exception):
    """The document is incomplete; the text says what is missing."""


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
    """Results whose parent has not been read yet, by depth."""

    def __init__(self):
        self.open, self.plans, self.reason = {}, {}, {}

    def take(self, line, following):
        """Read one line. @following: the lines after it, which have the text of a failure."""
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
            raise KtapError(f'result {m["number"]} ({m["name"]}) stands in the place of number {len(siblings) + 1}')
        skip = (m['why'] or 'no reason given') if m['word'] == 'SKIP' else None
        ok = m['ok'] == 'ok' and m['word'] in (None, 'SKIP')
        if ok and any(not c.ok for c in children):
            raise KtapError(f'{m["name"]} is ok, but one of its children is not')
        siblings.append(Result(m['name'], ok, skip, self.reason.pop(m['name'], ''), children))

    def close(self, at, parent):
        """Return the results below @parent; they must be as many as planned."""
        children, plan = self.open.pop(at, []), self.plans.pop(at, None)
        if plan is not None and plan != len(children):
            raise KtapError(f'{parent} has {len(children)} results of {plan}')
        if self.open.get(at + 1):
            raise KtapError(f'{parent} ends before its children do')
        return children


def suites(text):
    """Return the suites of one or more documents; each suite is a top-level result."""
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
    return Test(name, 'fail', case.reason or 'KUnit gave no reason')


def tests(text, wanted):
    """Return one test a case, and a failed test for each wanted suite that did not report.

    A suite that failed although its cases passed is a failed test too.
    """
    out, seen = [], set()
    for suite in suites(text):
        seen.add(suite.name)
        out += [test_of(case, name_of(suite.name, case.name)) for case in suite.children]
        if not suite.ok and all(c.ok for c in suite.children):
            out.append(Test(name_of(suite.name, 'suite'), 'fail', suite.reason or 'the suite failed, but no case did'))
    out += [Test(name_of(s, 'suite'), 'fail', 'the suite did not report') for s in wanted if s not in seen]
    return out

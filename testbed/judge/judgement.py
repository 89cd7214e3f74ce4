# SPDX-License-Identifier: GPL-2.0
"""Judge one run of a machine from its result channel and its console.

A test passes only by a positive token: a complete "xpi: pass NAME" line on the
result channel, in a run whose "xpi: end" line has the same counts. The console
only shows crashes and reports of defects; it cannot make a test pass.

There are five verdicts. A test reports pass, fail or skip itself. crash: the machine
crashed, reported a defect, or stopped. error: the testbed or the protocol failed, so
the run says nothing about the code under test.
"""

import re
from dataclasses import dataclass, field

NAME = r'[a-z0-9._-]+'
LINE = re.compile(r'xpi: (?:'
                  rf'(?P<pass>pass) (?P<pname>{NAME})'
                  rf'|(?P<verdict>fail|skip) (?P<name>{NAME}): (?P<reason>\S.*)'
                  r'|info (?P<info>.*)'
                  r'|end (?P<end>\d+ \d+ \d+))')

# Lines in which a kernel or a hypervisor reports a defect. One line a report is enough:
# its register dump and call trace add no further report.
TROUBLE = [re.compile(p) for p in (
    # Linux
    r'Kernel panic', r'\bBUG: ', r'kernel BUG at', r'\bWARNING: ',
    r'\bOops\b', r'general protection fault', r'Unable to handle kernel',
    r'\bKASAN\b', r'\bUBSAN: ', r'\bKCSAN\b', r'\bKFENCE\b', r'kmemleak: .*new suspected',
    r'INFO: possible ', r'INFO: inconsistent lock', r'possible .* detected',
    r'suspicious RCU usage', r'rcu: INFO: ', r'INFO: task .* blocked for more',
    r'soft lockup', r'hard LOCKUP', r'DMA-API: ', r'refcount_t: ',
    r'list_(add|del) corruption', r'invalid opcode', r'stack-protector',
    r'scheduling while atomic', r'bad: scheduling', r'unregister_netdevice: waiting',
    r'No irq handler for vector', r'nobody cared',
    # a test program that crashed
    r'segfault at', r'traps: ',
    # Xen
    r"Assertion '.*' failed", r'Xen BUG at', r'Xen WARN at', r'Panic on CPU',
    r'FATAL (TRAP|PAGE FAULT)', r'DOUBLE FAULT', r'Watchdog timer (fired|detects)',
    r'[Dd]omain \d+ crashed|Domain \d+ \(vcpu#\d+\) crashed',
    r'Hardware Dom0 crashed', r'Unexpected (trap|exception)',
    r'Invalidation Queue Error|Invalidation Completion Error|Invalidation Time-out Error',
)]
# The start of a report of Linux. Its headline must be in the next lines.
CUT = '[ cut here ]'
REPORT = 'report: '
FAULT = re.compile(r'\[VT-D\].*DMA (Read|Write)\] Request device \[([0-9a-f:.]+)\] fault addr ([0-9a-f]+)', re.I)
PCI = r'[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]'
STAMP = re.compile(r'^(?:\((?:XEN|d\d+)\) )?(?:\[[^]\[]*\d\.\d+\] )?')


@dataclass
class Test:
    name: str
    verdict: str
    reason: str = ''

    def line(self):
        """The line for this test; crash and error count as fail."""
        if self.verdict == 'pass':
            return f'xpi: pass {self.name}'
        if self.verdict in ('fail', 'skip'):
            return f'xpi: {self.verdict} {self.name}: {self.reason}'
        return f'xpi: fail {self.name}: {self.verdict}: {self.reason}'


def failed_if(wrong, name, reason):
    return Test(name, 'fail', reason) if wrong else Test(name, 'pass')


def faults(console):
    """Return Xen's reports of blocked accesses: (device, "read" or "write", address)."""
    return [(m[2], m[1].lower(), int(m[3], 16)) for m in FAULT.finditer(console)]


def tell(tests):
    """Print a line a test and the end line; return the exit status of a runner."""
    count = {'pass': 0, 'fail': 0, 'skip': 0}
    for test in tests:
        count[test.verdict if test.verdict in count else 'fail'] += 1
        print(test.line(), flush=True)
    print('xpi: end %d %d %d' % tuple(count.values()))
    return 1 if count['fail'] or not count['pass'] else 0


@dataclass
class Judgement:
    tests: list = field(default_factory=list)
    infos: list = field(default_factory=list)
    crashes: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    excused: list = field(default_factory=list)
    end: tuple = None

    def count(self, verdict):
        return sum(t.verdict == verdict for t in self.tests)

    @property
    def verdict(self):
        if self.crashes:
            return 'crash'
        if self.errors:
            return 'error'
        if self.count('fail'):
            return 'fail'
        return 'pass' if self.count('pass') else 'skip'

    def and_run(self, prefix):
        """All tests, and the run itself as the test PREFIX.run."""
        problems = [('crash', t) for t in self.crashes] + [('error', t) for t in self.errors]
        kind, reason = problems[0] if problems else ('pass', '')
        if len(problems) > 1:
            reason += f' (and {len(problems) - 1} more)'
        return self.tests + [Test(f'{prefix}.run', kind, reason)]


def load_harmless(path):
    """Read the list of harmless console lines: exact text -> reason.

    The key of a kernel's report begins with REPORT and has the report's message, which is
    the line before the headline. The headline itself has line numbers and process ids. If
    there is no message, the key has the function that the headline names.
    """
    texts, text = {}, None
    with open(path, encoding='utf-8') as f:
        for nr, line in enumerate(f, 1):
            line = line.rstrip('\n')
            if not line.strip() or line.startswith('#'):
                continue
            key, _, value = line.partition(': ')
            if key in ('text', 'report') and text is None and value.strip():
                text = REPORT * (key == 'report') + value
            elif key == 'reason' and text is not None and value.strip():
                texts[text], text = value, None
            else:
                raise ValueError(f'{path}:{nr}: expected a "text: ..." or "report: ..." line, then its "reason: ..." line')
    if text is not None:
        raise ValueError(f'{path}: the last text has no reason')
    return texts


def bare(line):
    """A console line without its origin and time stamp."""
    line = line.strip()
    while True:
        rest = STAMP.sub('', line, count=1)
        if rest == line:
            return line
        line = rest


def headline(line):
    return any(p.search(line) for p in TROUBLE)


def message_of(lines, i):
    """Return the message of the report with its headline at i, or else the function that reported it."""
    if 'WARNING: ' not in lines[i] or i < 1:
        return ''
    if CUT in lines[i - 1]:
        made = re.search(r' at (?:\S+:\d+ )?(\w+)\+0x', lines[i])
        return made[1] if made else ''
    if i < 2 or CUT not in lines[i - 2]:
        return ''
    return re.sub(PCI, '<pci>', lines[i - 1])


def excused_report(lines, i, harmless):
    """Return the message if line i is the headline of a report that is known as harmless."""
    message = message_of(lines, i)
    return message if message and REPORT + message in harmless else None


def read_console(text, harmless, out):
    lines = [bare(l) for l in text.replace('\r', '\n').split('\n') if l.strip()]
    for i, line in enumerate(lines):
        report = excused_report(lines, i, harmless)
        if report:
            out.excused.append(report)
        elif CUT in line:
            if not any(headline(l) for l in lines[i + 1:i + 6]):
                out.crashes.append(f'console: a report has no headline after "{line}"')
        elif line in harmless:
            out.excused.append(line)
        elif headline(line):
            out.crashes.append(f'console: {line}')


def take_line(line, seen, out):
    m = LINE.fullmatch(line)
    if not m:
        out.errors.append(f'result channel: a line that is not in the protocol: {line!r}')
    elif m['info'] is not None:
        out.infos.append(m['info'])
    elif out.end:
        out.errors.append(f'result channel: a line after the end line: {line!r}')
    elif m['end']:
        out.end = tuple(int(n) for n in m['end'].split())
    else:
        name = m['pname'] or m['name']
        if name in seen:
            out.errors.append(f'result channel: {name} reported twice')
        seen.add(name)
        out.tests.append(Test(name, m['pass'] or m['verdict'], m['reason'] or ''))


def read_results(text, out):
    seen = set()
    for line in text.replace('\r', '').split('\n'):
        if line.startswith('xpi:'):
            take_line(line.rstrip(), seen, out)
        elif 'xpi:' in line:
            out.errors.append(f'result channel: a torn line: {line!r}')


def check_end(out):
    counts = tuple(out.count(v) for v in ('pass', 'fail', 'skip'))
    if out.end is None:
        last = out.tests[-1].name if out.tests else 'none'
        out.crashes.append(f'no "xpi: end" line; the last test reported was {last}')
    elif out.end != counts:
        out.crashes.append('the end line has %d/%d/%d passed/failed/skipped, ' % out.end +
                           'the channel has %d/%d/%d' % counts)
    elif not any(counts):
        out.errors.append('the run reported no test')


def judge(results, console, ended='exit', expect=(), harmless=None):
    """Judge a run.

    @ended: 'exit' if the machine powered itself off, else the reason why not
    ('timeout', 'hung after its end line', 'QEMU failed: ...').
    @expect: names of tests that must be reported, with any verdict.
    """
    out = Judgement()
    read_results(results, out)
    read_console(console, harmless or {}, out)
    if ended.startswith('QEMU failed'):
        out.errors.append(ended)
        return out
    if ended != 'exit':
        out.crashes.append(ended)
    check_end(out)
    have = {t.name for t in out.tests}
    out.errors += [f'the expected test {n} was not reported' for n in expect if n not in have]
    return out

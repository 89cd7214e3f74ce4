#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""judge/judgement.py must reject every bad log, and accept every good one."""

import os
import tempfile

from xpi import TOP, finish, problem
from judge.judgement import judge, load_harmless

GOOD = 'xpi: pass a.one\nxpi: skip a.two: no such device\nxpi: info 5 maps\nxpi: end 1 0 1\n'
QUIET = '(XEN) Xen version 4.20\n[    0.000000] Linux version 6.12\n'

# name, results, console, how it ended, wanted verdict
RUNS = [
    ('good', GOOD, QUIET, 'exit', 'pass'),
    ('carriage-returns', GOOD.replace('\n', '\r\n'), QUIET, 'exit', 'pass'),
    ('noise-next-to-protocol', 'login:\n' + GOOD, QUIET, 'exit', 'pass'),
    ('fail-line', 'xpi: fail a.one: 3 != 4\nxpi: end 0 1 0\n', QUIET, 'exit', 'fail'),
    ('only-skips', 'xpi: skip a.one: no edu\nxpi: end 0 0 1\n', QUIET, 'exit', 'skip'),
    ('empty', '', QUIET, 'exit', 'crash'),
    ('eof-without-end', 'xpi: pass a.one\n', QUIET, 'exit', 'crash'),
    ('end-cut-short', 'xpi: pass a.one\nxpi: end 1 0', QUIET, 'exit', 'crash'),
    ('end-too-many', 'xpi: pass a.one\nxpi: end 2 0 0\n', QUIET, 'exit', 'crash'),
    ('end-hides-fail', 'xpi: fail a.one: no\nxpi: end 1 0 0\n', QUIET, 'exit', 'crash'),
    ('no-test', 'xpi: end 0 0 0\n', QUIET, 'exit', 'error'),
    ('twice', 'xpi: pass a.one\nxpi: pass a.one\nxpi: end 2 0 0\n', QUIET, 'exit', 'error'),
    ('after-end', GOOD + 'xpi: pass a.three\n', QUIET, 'exit', 'error'),
    ('fail-after-end', GOOD + 'xpi: fail a.three: late\n', QUIET, 'exit', 'error'),
    ('pass-with-extra', 'xpi: pass a.one maybe\nxpi: end 1 0 0\n', QUIET, 'exit', 'crash'),
    ('unknown-verdict', GOOD.replace('xpi: info', 'xpi: okay'), QUIET, 'exit', 'error'),
    ('fail-without-reason', 'xpi: fail a.one\nxpi: end 0 1 0\n', QUIET, 'exit', 'crash'),
    ('bad-name', 'xpi: pass A/one\nxpi: end 1 0 0\n', QUIET, 'exit', 'crash'),
    ('torn-line', '[ 1.0] x xpi: pass a.one\n' + GOOD, QUIET, 'exit', 'error'),
    ('pass-on-console-only', '', GOOD, 'exit', 'crash'),
    ('timeout', GOOD, QUIET, 'timeout after 5 s', 'crash'),
    ('no-qemu', '', '', 'QEMU failed: no such file', 'error'),
]

# Console lines that must turn a good run into a crash.
BAD = {
    'panic': '[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs',
    'warn-6.12': '[    3.1] WARNING: CPU: 0 PID: 1 at kernel/dma/mapping.c:845 dma_supported+0x1',
    'warn-7': '[    3.1] WARNING: drivers/iommu/iommu.c:653 at iommu_init_device, CPU#0: init/1',
    'bug': '[    3.1] BUG: kernel NULL pointer dereference, address: 0000000000000008',
    'bug-on': '[    3.1] kernel BUG at mm/slub.c:4000!',
    'oops': '[    3.1] Oops: 0000 [#1] PREEMPT SMP',
    'gp': '[    3.1] general protection fault, probably for non-canonical address',
    'kasan': '[    3.1] BUG: KASAN: slab-use-after-free in xpi_map+0x1/0x2',
    'kasan-late': '[    3.1] Disabling lock debugging due to KASAN report',
    'lockdep': '[    3.1] WARNING: possible circular locking dependency detected',
    'lockdep-bare': '[    3.1] INFO: possible recursive locking detected',
    'rcu': '[    3.1] WARNING: suspicious RCU usage',
    'stall': '[    3.1] rcu: INFO: rcu_preempt self-detected stall on CPU',
    'hung': '[    3.1] INFO: task modprobe:88 blocked for more than 120 seconds.',
    'atomic': '[    3.1] BUG: sleeping function called from invalid context at mm/x.c:1',
    'leak': '[    3.1] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)',
    'dma-api': '[    3.1] DMA-API: edu 0000:00:03.0: device driver frees DMA memory',
    'ubsan': '[    3.1] UBSAN: shift-out-of-bounds in drivers/x.c:1:2',
    'refcount': '[    3.1] refcount_t: underflow; use-after-free.',
    'segfault': '[    3.1] vfio-dma[77]: segfault at 0 ip 0 sp 0 error 4 in vfio-dma',
    'xen-assert': "(XEN) Assertion 'ctx->refs' failed at drivers/passthrough/ctx/ctx.c:10",
    'xen-bug': '(XEN) Xen BUG at drivers/passthrough/ctx/pt.c:99',
    'xen-warn': '(XEN) Xen WARN at common/x.c:1',
    'xen-warn-stamped': '(XEN) [    9.101010] Xen WARN at common/x.c:1',
    'xen-panic': '(XEN) Panic on CPU 0:',
    'xen-fault': '(XEN) FATAL PAGE FAULT',
    'xen-trap': '(XEN) FATAL TRAP: vec 6, #UD[0000]',
    'xen-dom0': '(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.',
    'xen-domain': '(XEN) Domain 0 (vcpu#0) crashed on cpu#0:',
    'xen-qi': '(XEN) [VT-D]iommu_fault_status: Invalidation Queue Error',
    'cut-alone': '[    3.1] ------------[ cut here ]------------',
}

FINE = {
    'vtd-fault': '(XEN) [VT-D]DMAR:[DMA Read] Request device [0000:00:03.0] fault addr 1000',
    'sync-console': '(XEN) ******************************************************',
    'debug-word': '[    1.0] debugfs: a directory',
    'warn-word': '[    1.0] warning: a polite remark',
}

WARN = 'WARNING: CPU: 0 PID: 1 at arch/x86/foo.c:12 foo+0x1/0x2'


def check(what, want, got):
    if want != got:
        raise AssertionError(f'{what}: wanted {want}, judged {got}')


def run_case(results, console, ended, want):
    check('verdict', want, judge(results, console, ended).verdict)


def bad_console(line):
    check(line, 'crash', judge(GOOD, QUIET + line + '\n').verdict)


def fine_console(line):
    check(line, 'pass', judge(GOOD, QUIET + line + '\n').verdict)


def harmless_exact():
    console = f'[ 1.0] ---[ cut here ]---\n(XEN) [  3.1] {WARN}\n'
    out = judge(GOOD, console, harmless={WARN: 'known'})
    check('excused', 'pass', out.verdict)
    check('counted', [WARN], out.excused)


def harmless_not_similar():
    near = WARN.replace(':12', ':13')
    check('near', 'crash', judge(GOOD, near, harmless={WARN: 'known'}).verdict)
    check('longer', 'crash', judge(GOOD, WARN + '!', harmless={WARN: 'known'}).verdict)


def harmless_report():
    """A report is known by its message; another message, driver or a second headline is a crash."""
    known = {'report: port <pci>: late probe': 'known'}
    cut, head = '[ 1.0] ---[ cut here ]---\n', 'WARNING: drivers/iommu/iommu.c:654 at f+0x1/0x2, CPU#0: modprobe/297'
    out = judge(GOOD, f'{cut}[ 1.1] port 0000:0a:01.0: late probe\n[ 1.2] {head}\n', harmless=known)
    check('excused', 'pass', out.verdict)
    check('counted', ['port <pci>: late probe'], out.excused)
    for other in (f'{cut}nvme 0000:0a:01.0: late probe\n{head}', f'{cut}port 0000:0a:01.0: late probe!\n{head}',
                  f'{cut}{head}', f'port 0000:0a:01.0: late probe\n{head}',
                  f'{cut}port 0000:0a:01.0: late probe\n{head}\n{head}',
                  f'{cut}port 0000:0a:01.0: late probe\nBUG: x'):
        check(other, 'crash', judge(GOOD, other, harmless=known).verdict)


def harmless_report_without_message():
    """A report without a message is known by its function, in both forms of a headline."""
    known = {'report: f_g': 'known'}
    cut = '[ 1.0] ---[ cut here ]---\n'
    for good in ('WARNING: at f_g+0x3f/0x50, CPU#0: swapper/0/0', 'WARNING: CPU: 0 PID: 1 at mm/a.c:12 f_g+0x1/0x2'):
        check(good, 'pass', judge(GOOD, cut + good, harmless=known).verdict)
    for bad in ('WARNING: at xf_g+0x3f/0x50', 'WARNING: at h+0x1/0x2 f_g+0x3f/0x50', 'BUG: at f_g+0x3f/0x50',
                'x\nWARNING: at f_g+0x3f/0x50'):
        check(bad, 'crash', judge(GOOD, cut + bad, harmless=known).verdict)
    check('no cut', 'crash', judge(GOOD, 'WARNING: at f_g+0x3f/0x50', harmless=known).verdict)


def harmless_file():
    def load(text):
        with tempfile.NamedTemporaryFile('w') as f:
            f.write(text)
            f.flush()
            return load_harmless(f.name)
    check('entry', {'a: b': 'c'}, load('# x\n\ntext: a: b\nreason: c\n'))
    check('report', {'report: a: b': 'c'}, load('report: a: b\nreason: c\n'))
    for bad in ('text: a\n', 'text: a\ntext: b\nreason: c\n', 'reason: c\n', 'text: a\nreason:\n', 'a\n'):
        try:
            load(bad)
        except ValueError:
            continue
        raise AssertionError(f'accepted {bad!r}')


def real_harmless_file():
    texts = load_harmless(os.path.join(TOP, 'testbed', 'config', 'known-harmless'))
    for text in texts:
        if text.startswith('report: '):
            text = f'[ cut here ]\n{text}\nWARNING: x'
        check(f'entry "{text}" excuses something', 'crash', judge(GOOD, text).verdict)


def expected_missing():
    check('missing', 'error', judge(GOOD, QUIET, expect=['a.one', 'a.nine']).verdict)
    check('there', 'pass', judge(GOOD, QUIET, expect=['a.one', 'a.two']).verdict)


def run_line():
    check('good', 'xpi: pass a.run', judge(GOOD, QUIET).and_run('a')[-1].line())
    bad = judge(GOOD, QUIET, 'timeout').and_run('a')[-1].line()
    check('bad', True, bad.startswith('xpi: fail a.run: crash: '))


def cases():
    for name, results, console, ended, want in RUNS:
        yield f'run-{name}', lambda a=(results, console, ended, want): run_case(*a)
    for name, line in BAD.items():
        yield f'caught-{name}', lambda l=line: bad_console(l)
    for name, line in FINE.items():
        yield f'quiet-{name}', lambda l=line: fine_console(l)
    for f in (harmless_exact, harmless_not_similar, harmless_report, harmless_report_without_message, harmless_file,
              real_harmless_file, expected_missing, run_line):
        yield f.__name__, f


if __name__ == '__main__':
    finish('judge', ((name, problem(test)) for name, test in cases()))

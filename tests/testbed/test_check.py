#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""testbed/check must count every failure of a part, and repeat a part if its files changed."""

import contextlib
import fnmatch
import io
import os
import re
import subprocess
import tempfile

from xpi import finish, script

check = script('testbed', 'check')

# name, shell commands of each part, wanted passed/failed/skipped, wanted status
RUNS = [
    ('good', ['echo "xpi: pass x.a"', 'echo "xpi: pass x.b"; echo "xpi: skip x.c: why"; echo "xpi: end 1 0 1"'], (2, 0, 1), 0),
    ('fail-counts', ['echo "xpi: pass x.a"; echo "xpi: fail x.b: no"; exit 1'], (1, 1, 0), 1),
    ('fail-with-status-0', ['echo "xpi: fail x.b: no"'], (0, 1, 0), 1),
    ('silent-part', ['echo "xpi: pass x.a"', 'true'], (1, 1, 0), 1),
    ('part-dies-silently', ['echo "xpi: pass x.a"', 'exit 3'], (1, 1, 0), 1),
    ('part-dies-after-pass', ['echo "xpi: pass x.a"; kill -SEGV $$'], (1, 1, 0), 1),
    ('same-name-in-two-parts', ['echo "xpi: pass x.a"', 'echo "xpi: pass x.a"'], (2, 1, 0), 1),
    ('same-name-with-suffixes', ['echo "xpi: pass x.a"', 'echo "xpi: pass x.a"; echo "xpi: pass x.b"'], (3, 0, 0), 0),
    ('same-name-in-one-part', ['echo "xpi: pass x.a"; echo "xpi: pass x.a"'], (2, 2, 0), 1),
    ('garbled', ['echo "xpi: pass x.a"; echo "xpi: passed x.b"'], (1, 1, 0), 1),
    ('only-skips', ['echo "xpi: skip x.a: no device"'], (0, 0, 1), 1),
    ('pass-on-stderr-counts-once', ['echo "xpi: pass x.a" >&2'], (1, 0, 0), 0),
]


PASS_AND_SKIP = 'echo "xpi: pass x.a"; echo "xpi: skip x.b: no device"; echo ran >>{}'


def git(*args):
    subprocess.run(['git', '-c', 'user.name=t', '-c', 'user.email=t@t', *args], check=True, stdout=subprocess.DEVNULL)


class Tree:
    """A repository with a file, and a part that records each of its runs."""

    def __init__(self, where, command=PASS_AND_SKIP):
        self.top, self.notes = os.path.join(where, 'tree'), os.path.join(where, 'notes')
        self.command, self.name = command.format(self.notes), 'part'
        git('init', '-q', self.top)
        self.change('one')
        self.commit()

    def change(self, text, name='file'):
        with open(os.path.join(self.top, name), 'w', encoding='ascii') as f:
            f.write(text)

    def commit(self):
        git('-C', self.top, 'add', '.')
        git('-C', self.top, 'commit', '-q', '-m', 'x')

    def runs(self, command=None):
        """Resume once; return how often the part has run so far, and its results."""
        part = check.Part(self.name, ['sh', '-c', command or self.command])
        memory = check.seen.Seen(self.top, ['Linux 1'])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            check.Pool(check.resume([part], memory), lambda p: check.done(p, memory, False)).run()
        with open(self.notes, encoding='ascii') as f:
            return len(f.readlines()), [t.line() for t in part.tests]


def resumes(tree):
    first, again = tree.runs(), tree.runs()
    return again == (1, first[1]) and len(first[1]) == 2


def other_files(tree):
    tree.runs()
    tree.change('two')
    tree.commit()
    return tree.runs()[0] == 2


def unread_files(tree):
    """Changes of unread files cost no run, but a part like style reads all files."""
    tree.name = 'dom0.6.12.part'
    tree.runs()
    tree.change('# two', 'README.md')
    tree.commit()
    same = tree.runs()[0] == 1
    tree.name = 'style'
    tree.runs()
    tree.change('# three', 'README.md')
    tree.commit()
    return same and tree.runs()[0] == 3


def uncommitted(tree):
    tree.change('two')
    tree.runs()
    return tree.runs()[0] == 2 and not check.seen.Seen(tree.top, []).tree


def meanwhile(tree):
    tree.command += f'; echo three >{tree.top}/file'
    tree.runs()
    git('-C', tree.top, 'checkout', '-q', 'file')
    return tree.runs()[0] == 2


def other_command(tree):
    tree.runs()
    return tree.runs(tree.command + '; true')[0] == 2


def failed(tree):
    tree.command += '; echo "xpi: fail x.c: no"'
    tree.runs()
    return tree.runs()[0] == 2


RESUMES = [('same', resumes), ('other-files', other_files), ('unread-files', unread_files), ('uncommitted', uncommitted),
           ('meanwhile', meanwhile), ('other-command', other_command), ('failed', failed)]


# Name of a part, files that it reads, files that it does not read.
READS = [
    ('dom0.6.12.share', ['drivers/iommu/xen-pv-iommu.c', 'xen/hooks/0001', 'testbed/run/dom0.py', 'tests/dom0/guest/steps/share.sh',
                         'tests/dom0/vfio/share.c', 'tests/dom0/vfio/vfio.h', 'testbed/kmod', 'include/xen/interface/pv-iommu.h'],
     ['drivers/iommu/xen/tests/core-test.c', 'tests/dom0/guest/steps/irq.sh', 'tests/dom0/vfio/greedy.c', 'README.md', 'tests/host/pt.c',
      'testbed/config/linux-base.config', 'packaging/dkms/dkms.conf']),
    # A kernel of our own; a step in the file of another step; a helper in a third's.
    ('dom0.6.12-dom0.io-lazy-smp', ['testbed/config/linux-dom0.config', 'tests/dom0/guest/steps/cable.sh', 'tests/dom0/guest/steps/dpdk.sh'],
     ['tests/dom0/guest/steps/share.sh', 'xen/series']),
    ('dom0.6.12.huge', ['tests/dom0/guest/steps/share.sh', 'tests/dom0/vfio/victim.c', 'tests/dom0/vfio/hugepages.c'], []),
    ('dom0.6.12.irq', ['packaging/linux/series', 'tests/dom0/dpdk/rx-sleep.c', 'testbed/vfio-patched'], ['tests/dom0/vfio/share.c']),
    ('dom0.6.12.initramfs', ['packaging/dkms/dkms.conf', 'tests/packaging/run'], ['tests/packaging/flavours', 'packaging/linux/x']),
    ('dom0.6.12.absent', ['tests/dom0/guest/steps/absent.sh', 'testbed/xen-build'], ['xen/hooks/0001', 'tests/dom0/guest/steps/vfio.sh']),
    ('micro.pv', ['xen/overlay/a.c', 'tests/micro-dom0/dma.c', 'testbed/run/boot.py'], ['drivers/a.c', 'testbed/run/dom0.py', 'testbed/kmod']),
    ('kunit.6.12-kunit', ['kunit/run', 'drivers/iommu/xen/tests/core-test.c', 'drivers/a.c', 'testbed/config/linux-base.config', 'testbed/run/dom0.py'],
     ['xen/overlay/a.c', 'tests/dom0/guest/lib.sh', 'tests/micro-dom0/dma.c']),
    ('style', ['README.md', 'tests/style/run', 'xen/misra'], []),
]


def reads_test(name, read, unread):
    kernel = re.match(r'[a-z0-9]+\.([0-9.]+(-[a-z]+)?)', name)
    part = check.Part(name, [], [['kmod', kernel[1]]] if kernel else [])

    def is_read(path):
        return not any(fnmatch.fnmatch(path, p) for p in part.unread)
    wrong = [f for f in read if not is_read(f)] + [f for f in unread if is_read(f)]
    return f'reads.{name}', f'wrong about {" ".join(wrong)}' if wrong else ''


# Name, shell script, words in the script that may be calls.
SCRIPTS = [
    ('comment', 'a # b\nc ${d#e}', 'a c e'), ('text', 'a "it is b" c', 'a c'), ('call-in-text', 'a "$(b "c" | d) e"', 'a b d'),
    ('single-quotes', "a 'b \\' c", 'a b c'), ('apostrophe', 'a "that\'s b" c', 'a c'), ('sum', 'a $((b + c)) "d"', 'a b c'),
    ('group', '(a; b "c") | d "e (f)" g', 'a b d g'), ('option', 'a count=1 /b/c -d', '1 a'), ('backslash', 'a \\" b', 'a b'),
]


def words_test(name, script, want):
    used = ' '.join(sorted(u[:-2] for u in check.reads.Guest.names_used(script) if u.endswith('()')))
    return f'reads.script.{name}', '' if used == want else f'it found {used}'


def run_parts(where, commands, suffixes):
    check.OUT = where
    parts = [check.Part(f'part{i}', ['sh', '-c', c], suffix=f'p{i}' if suffixes else '') for i, c in enumerate(commands)]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        check.Pool(parts, lambda part: check.show_part(part, False)).run()
        status = check.total(parts, ['test'])
    return status, said.getvalue().strip().split('\n')[-1]


def count_test(name, commands, want, want_status):
    with tempfile.TemporaryDirectory() as where:
        os.environ['XPI_CACHE'] = where
        status, last = run_parts(where, commands, name.endswith('suffixes'))
    line = '%d passed, %d failed, %d skipped' % want
    good = (status, last) == (want_status, line)
    return name, '' if good else f'wanted "{line}" and status {want_status}, got "{last}" and {status}'


def resume_test(name, test):
    with tempfile.TemporaryDirectory() as where:
        os.environ['XPI_CACHE'] = check.OUT = where
        return f'resume-{name}', '' if test(Tree(where)) else 'a part was not repeated although it had to be, or the reverse'


if __name__ == '__main__':
    finish('check', [count_test(*run) for run in RUNS] + [resume_test(*test) for test in RESUMES] +
           [reads_test(*part) for part in READS] + [words_test(*row) for row in SCRIPTS])

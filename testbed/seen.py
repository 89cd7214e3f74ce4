# SPDX-License-Identifier: GPL-2.0
"""Which parts of a check passed already, on the very same files.

Hours of tests do not always end in one go. What a part reported is kept in the
cache under what it depends on: the committed files, the kernels and QEMU. A
working tree that differs from its commit has no such name, and nothing is kept.
Only a part in which nothing failed is kept.
"""

import hashlib
import os
import subprocess

import boot
import judge


def git(top, *args):
    return subprocess.run(['git', '-C', top, *args], capture_output=True, text=True, check=False)


def tree_of(top):
    """The name of all committed files, or nothing if others lie about."""
    status, tree = git(top, 'status', '--porcelain'), git(top, 'rev-parse', 'HEAD^{tree}')
    if status.returncode or tree.returncode or status.stdout.strip():
        return None
    return tree.stdout.strip()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Seen:
    """@others: lines that say what else the results depend on."""

    def __init__(self, top, others):
        self.top, self.tree, self.dir = top, tree_of(top), None
        if self.tree:
            self.dir = os.path.join(boot.cache_dir(), 'seen', digest('\n'.join([self.tree, *others])))

    def path(self, part, command):
        """Parts of the same name differ in how much they run."""
        return os.path.join(self.dir or '', f'{part}-{digest(command)}')

    def keep(self, part, command, tests):
        if not self.dir or any(t.verdict not in ('pass', 'skip') for t in tests):
            return
        # Hours have passed: somebody may have changed a file meanwhile.
        if tree_of(self.top) != self.tree:
            return
        os.makedirs(self.dir, exist_ok=True)
        path = self.path(part, command)
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(''.join(t.line() + '\n' for t in tests))
        os.replace(path + '.new', path)

    def tests(self, part, command):
        """What it reported, or nothing."""
        try:
            with open(self.path(part, command), encoding='utf-8') as f:
                result = judge.Judgement()
                judge.read_results(f.read(), result)
        except OSError:
            return []
        return [] if result.errors else result.tests

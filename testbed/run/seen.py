# SPDX-License-Identifier: GPL-2.0
"""Which parts of a check passed already, on the very same files.

Hours of tests do not always end in one go. What a part reported is kept in the
cache under what it depends on: the committed files, but for those of which the
part says that it does not read them, the kernels and QEMU. Of a working tree that
differs from its commit nothing is kept, nor of a part in which something failed.
"""

import fnmatch
import hashlib
import os
import subprocess

from judge import judgement
from run.testbed import cache_dir


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
        self.top, self.tree, self.others = top, tree_of(top), list(others)
        self.files = git(top, 'ls-tree', '-r', 'HEAD').stdout.splitlines() if self.tree else []

    def path(self, part):
        """Parts of the same name differ in how much they run."""
        read = [f for f in self.files if not any(fnmatch.fnmatch(f.split('\t')[1], p) for p in part.unread)]
        key = digest('\n'.join(read + self.others))
        return os.path.join(cache_dir(), 'seen', key, f'{part.name}-{digest(part.what())}')

    def keep(self, part):
        if not self.tree or part.count('pass') + part.count('skip') < len(part.tests):
            return
        # Hours have passed: somebody may have changed a file meanwhile.
        if tree_of(self.top) != self.tree:
            return
        path = self.path(part)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(''.join(t.line() + '\n' for t in part.tests))
        os.replace(path + '.new', path)

    def tests(self, part):
        """What it reported, or nothing."""
        try:
            with open(self.path(part), encoding='utf-8') as f:
                result = judgement.Judgement()
                judgement.read_results(f.read(), result)
        except OSError:
            return []
        return [] if result.errors else result.tests

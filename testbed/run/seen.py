# SPDX-License-Identifier: GPL-2.0
"""The parts of a check that passed earlier on the same files.

A check of several hours may be interrupted. The cache keeps the results of a part
under a key of all that they depend on: the kernels, QEMU, and the committed files that
the part reads. Results of a part that failed, or of a tree with uncommitted changes,
are not kept.
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
    """Return the hash of the commit's tree, or None if the working tree differs from it."""
    status, tree = git(top, 'status', '--porcelain'), git(top, 'rev-parse', 'HEAD^{tree}')
    if status.returncode or tree.returncode or status.stdout.strip():
        return None
    return tree.stdout.strip()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Seen:
    """@others: lines with the other versions that the results depend on."""

    def __init__(self, top, others):
        self.top, self.tree, self.others = top, tree_of(top), list(others)
        self.files = git(top, 'ls-tree', '-r', 'HEAD').stdout.splitlines() if self.tree else []

    def path(self, part):
        """Return the file for a part. Its name has a digest of the command, which sets how much the part runs."""
        read = [f for f in self.files if not any(fnmatch.fnmatch(f.split('\t')[1], p) for p in part.unread)]
        key = digest('\n'.join(read + self.others))
        return os.path.join(cache_dir(), 'seen', key, f'{part.name}-{digest(part.what())}')

    def keep(self, part):
        if not self.tree or part.count('pass') + part.count('skip') < len(part.tests):
            return
        # The part may have run for hours: check that no file changed meanwhile.
        if tree_of(self.top) != self.tree:
            return
        path = self.path(part)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(''.join(t.line() + '\n' for t in part.tests))
        os.replace(path + '.new', path)

    def tests(self, part):
        """Return the results that the part reported earlier, or an empty list."""
        try:
            with open(self.path(part), encoding='utf-8') as f:
                result = judgement.Judgement()
                judgement.read_results(f.read(), result)
        except OSError:
            return []
        return [] if result.errors else result.tests

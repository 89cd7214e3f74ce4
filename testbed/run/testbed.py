# SPDX-License-Identifier: GPL-2.0
"""The commands of the testbed, for Python: their output, and the times that they keep."""

import os
import subprocess
from dataclasses import dataclass

TESTBED = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTBED)


class SpecError(Exception):
    """The request makes no sense or cannot be met; says what to change."""


@dataclass
class Kernel:
    name: str
    version: str
    image: str
    modules: str


def command(name, *args):
    return [os.path.join(TESTBED, name), *args]


def in_root(*words, chdir=None, binds=()):
    """The command that runs words in the Debian root."""
    options = [word for directory in binds for word in ('--bind', directory)] + (['--chdir', chdir] if chdir else [])
    return command('in-root', *options, '--', *words)


def lines(name, *args):
    """All that a command prints."""
    out = subprocess.run(command(name, *args), stdout=subprocess.PIPE, text=True, check=False)
    if out.returncode:
        raise SpecError(f'{" ".join(("testbed/" + name, *args))} failed; what it said is above.')
    return out.stdout.strip().split('\n')


def path(name, *args):
    """The last line that a command prints."""
    return lines(name, *args)[-1]


def ready():
    """Say at once what cannot work; the root is made here, where its progress shows."""
    path('preflight')
    path('root', '--path')


def kernels(*names):
    return [Kernel(*line.split()[:4]) for line in lines('kernels', *names) if line]


def kernel_named(name):
    """A kernel of our own is named like 6.12-dom0."""
    have = kernels(name) if '-' in name else kernels()
    for k in have:
        if k.name == name:
            return k
    raise SpecError(f'there is no kernel {name}; there are {", ".join(k.name for k in have)}.')


def cache_dir():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.environ.get('XPI_CACHE') or os.path.join(base, 'xen-pv-iommu')


class Took:
    """How many seconds a step took last time, which build/lib.sh keeps at the same place."""

    def __init__(self, step):
        self.path = os.path.join(cache_dir(), 'times', step)

    def last(self):
        try:
            with open(self.path, encoding='ascii') as f:
                return int(f.read())
        except (OSError, ValueError):
            return None

    def keep(self, seconds):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, 'w', encoding='ascii') as f:
            f.write(f'{int(seconds)}\n')

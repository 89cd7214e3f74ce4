# SPDX-License-Identifier: GPL-2.0
"""Calls the commands of the testbed and returns their output; keeps the durations of steps."""

import os
import subprocess
from dataclasses import dataclass

TESTBED = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTBED)


class SpecError(Exception):
    """The request is invalid or cannot be met; the text says what to change."""


@dataclass
class Kernel:
    name: str
    version: str
    image: str
    modules: str


def command(name, *args):
    return [os.path.join(TESTBED, name), *args]


def in_root(*words, chdir=None, binds=()):
    """Return the command that runs words in the Debian root."""
    options = [word for directory in binds for word in ('--bind', directory)] + (['--chdir', chdir] if chdir else [])
    return command('in-root', *options, '--', *words)


def lines(name, *args):
    """Return the lines that a command prints."""
    out = subprocess.run(command(name, *args), stdout=subprocess.PIPE, text=True, check=False)
    if out.returncode:
        raise SpecError(f'{" ".join(("testbed/" + name, *args))} failed; see its output above.')
    return out.stdout.strip().split('\n')


def path(name, *args):
    """Return the last line that a command prints."""
    return lines(name, *args)[-1]


def ready():
    """Check the requirements first, and make the root now, so that its progress is visible."""
    path('preflight')
    path('root', '--path')


def kernels(*names):
    return [Kernel(*line.split()[:4]) for line in lines('kernels', *names) if line]


def kernel_named(name):
    """Return the kernel of this name. Kernels of our own have names like 6.12-dom0."""
    have = kernels(name) if '-' in name else kernels()
    for k in have:
        if k.name == name:
            return k
    raise SpecError(f'there is no kernel {name}; use one of these: {", ".join(k.name for k in have)}.')


def cache_dir():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.environ.get('XPI_CACHE') or os.path.join(base, 'xen-pv-iommu')


class Took:
    """The seconds that a step took last time, in the same file that build/lib.sh uses."""

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

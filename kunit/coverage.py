# SPDX-License-Identifier: GPL-2.0
"""Measures which lines of the driver the suites run, in a kernel with gcov.

Lines of headers count if the compiler made code of them. testbed/kmod keeps the notes
of the objects (.gcno) with the modules. The guest sends the counts (.gcda) in an
archive, in "info gcov" lines.
"""

import base64
import binascii
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TOP, 'testbed'))
from judge.judgement import Test  # noqa: E402
from run import testbed  # noqa: E402

AT_LEAST = 90
PREFIX = 'gcov '
PLACES = ('drivers/iommu/xen', 'drivers/xen/swiotlb-xen-bypass')
# Files that are not compiled for x86.
WITHOUT = ('drivers/xen/swiotlb-xen-bypass-arm.c',)


class CoverageError(Exception):
    """There are no counts; the text says why."""


def files():
    found = {f for place in PLACES for pattern in ('*.c', '/*.c') for f in glob.glob(place + pattern, root_dir=TOP)}
    return sorted(found - set(WITHOUT))


def unpack(infos, where):
    """Unpack all .gcda files, under their names in the guest."""
    packed = ''.join(t.removeprefix(PREFIX) for t in infos if t.startswith(PREFIX))
    if not packed:
        raise CoverageError('the guest sent no counts')
    try:
        subprocess.run(['tar', '-xzC', where], input=base64.b64decode(packed, validate=True), check=True)
    except (binascii.Error, subprocess.CalledProcessError) as e:
        raise CoverageError(f"the guest's archive cannot be unpacked: {e}") from e


def put_together(modules, source, infos, where):
    """Put notes, counts and sources into one directory; return the sources' root.

    The guest names an object by the path where it was built, which is below source. Notes
    name sources from there; in Linux 7.3 those of the suites name them from the object's
    own directory.
    """
    notes = os.path.join(modules, 'gcno')
    if not os.path.isdir(notes):
        raise CoverageError('the suites were built without counters; the kernel needs CONFIG_GCOV_KERNEL')
    shutil.rmtree(where, ignore_errors=True)
    built = f'{where}/sys/kernel/debug/gcov{source}'
    shutil.copytree(notes, built)
    shutil.copytree(os.path.join(TOP, 'drivers'), f'{built}/drivers', dirs_exist_ok=True)
    unpack(infos, where)
    return built


def judged(status, table):
    without = [f for f in files() if f not in table.split()]
    if without:
        return 'fail', f'there are no counts for {", ".join(without)}'
    if status == 2:
        return 'fail', f'the suites run less than {AT_LEAST} % of the lines; the table above has the missing lines'
    return ('fail', f'gcovr ended with status {status}; see its output above') if status else ('pass', '')


def measure(modules, source, infos, where):
    """Print gcovr's table and return the test "coverage"."""
    try:
        built = put_together(modules, source, infos, where)
    except CoverageError as e:
        return Test('coverage', 'fail', str(e))
    done = subprocess.run(testbed.command('gcovr', '--root', source, '--filter', f'.*/({"|".join(PLACES)})', '--exclude', '.*/tests/.*',
                                           '--fail-under-line', str(AT_LEAST), where), cwd=where, stdout=subprocess.PIPE, text=True, check=False)
    table = done.stdout.replace(built + '/', '')
    print(table)
    return Test('coverage', *judged(done.returncode, table))

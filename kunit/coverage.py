# SPDX-License-Identifier: GPL-2.0
"""Which lines of the driver the suites run, in a kernel that has gcov.

Of its headers those lines count that became code. The objects' notes (.gcno)
are with the modules of testbed/kmod; the counts (.gcda) come from the guest,
packed, in "info gcov" lines.
"""

import base64
import binascii
import glob
import io
import os
import shutil
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TOP, 'testbed'))
import gcov  # noqa: E402
import judge  # noqa: E402

AT_LEAST = 90
PREFIX = 'gcov '
PLACES = ('drivers/iommu/xen-pv-iommu', 'drivers/xen/swiotlb-xen-bypass')
# Not for the machine that the suites run on.
WITHOUT = ('drivers/xen/swiotlb-xen-bypass-arm.c',)


class CoverageError(Exception):
    """There are no counts; says why."""


def name_of(path):
    """What a source of the driver is called in the tree; None for others."""
    for place in PLACES:
        at = path.find('/' + place)
        if at >= 0:
            return path[at + 1:]
    return None


def files():
    found = [f for place in PLACES for f in glob.glob(f'{place}*.c', root_dir=TOP) +
             glob.glob(f'{place}/*.c', root_dir=TOP)]
    return sorted(f for f in found if f not in WITHOUT)


def headers(lines):
    """Those that have code: what it is depends on the kernel."""
    return sorted(name for name in lines if name.endswith('.h') and name not in WITHOUT)


def sent(infos):
    """{path in the guest: bytes} of all .gcda files."""
    packed = ''.join(t.removeprefix(PREFIX) for t in infos if t.startswith(PREFIX))
    if not packed:
        raise CoverageError('the guest sent no counts')
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed, validate=True)), mode='r:gz') as tar:
            return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
    except (binascii.Error, tarfile.TarError, EOFError, OSError) as e:
        raise CoverageError(f'what the guest sent cannot be unpacked: {e}') from e


def put_together(modules, infos, where):
    """Notes and counts side by side in a directory of their own; the counts' paths.

    The guest names an object by the whole path where it was built, of which the
    notes have the end.
    """
    notes = os.path.join(modules, 'gcno')
    if not os.path.isdir(notes):
        raise CoverageError('the suites were built without counters; the kernel needs CONFIG_GCOV_KERNEL')
    shutil.rmtree(where, ignore_errors=True)
    shutil.copytree(notes, where)
    counts, paths = sent(infos), []
    for note in sorted(glob.glob('**/*.gcno', root_dir=where, recursive=True)):
        name = note.removesuffix('.gcno') + '.gcda'
        data = [d for path, d in counts.items() if path.endswith('/' + name)]
        if len(data) == 1:
            paths.append(os.path.join(where, name))
            with open(paths[-1], 'wb') as f:
                f.write(data[0])
    if not paths:
        raise CoverageError(f'the guest sent {len(counts)} files, none for an object that is known here')
    return paths


def table(lines, missing):
    """Lines run, lines there are, the text, and the files of which nothing is known."""
    total, text, without = [0, 0], [], []
    for name in files() + headers(lines):
        if not lines.get(name):
            without.append(name)
            continue
        run, nr, rows = gcov.row(name.removeprefix('drivers/'), lines[name], missing)
        total[0] += run
        total[1] += nr
        text += rows
    return *total, text, without


def judged(run, nr, without):
    if without:
        return 'fail', f'there are no counts of {", ".join(without)}'
    percent = 100 * run / nr
    if percent < AT_LEAST:
        return 'fail', f'{percent:.1f} % of lines, at least {AT_LEAST} are wanted; kunit/run --missing lists the others'
    return 'pass', ''


def measure(modules, infos, where, missing=False):
    """The test "coverage" and the text of the table."""
    try:
        data = put_together(modules, infos, where)
        in_root = [os.path.join(TOP, 'testbed', 'in-root'), '--bind', where, '--chdir', where, '--', 'gcov']
        run, nr, text, without = table(gcov.counts(in_root, data, name_of, where), missing)
    except CoverageError as e:
        return judge.Test('coverage', 'fail', str(e)), []
    except subprocess.CalledProcessError as e:
        return judge.Test('coverage', 'fail', f'gcov ended with status {e.returncode}; what it said is above'), []
    text.append(f'xpi: info coverage all: {run} of {nr} lines {100 * run / nr if nr else 0:.1f} %')
    return judge.Test('coverage', *judged(run, nr, without)), text

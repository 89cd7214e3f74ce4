# SPDX-License-Identifier: GPL-2.0
"""Which lines of the driver and of Xen's half were run, as gcov tells it.

Several objects may have compiled one file, and one object several files
(#include "..."): a line was run if it was run in any of them.
"""

import collections
import json
import os
import subprocess
import sys


# The lines' numbers are known without the source, which others may have touched.
OF_NO_INTEREST = ('source file is newer', 'is displayed only once', 'Cannot open source file')


def say(text):
    """What gcov complains about, if it matters."""
    for line in text.splitlines():
        if not any(words in line for words in OF_NO_INTEREST):
            print(f'gcov: {line}', file=sys.stderr)


def counts(command, data, wanted, where):
    """{name: {line: times}}, all data files added up.

    command is gcov, of the compiler that made the objects; wanted says what a
    path of a source is called, or None for one that is not of interest; gcov
    runs in the directory where.
    """
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    if not data:
        return lines
    out = subprocess.run([*command, '--json-format', '--stdout', *data], cwd=where, capture_output=True, check=False)
    say(out.stderr.decode(errors='replace'))
    out.check_returncode()
    for text in out.stdout.splitlines():
        doc = json.loads(text)
        for file in doc['files']:
            name = wanted(os.path.normpath(os.path.join(doc['current_working_directory'], file['file'])))
            for line in file['lines'] if name else ():
                lines[name][line['line_number']] += line['count']
    return lines


def spans(numbers):
    """1 2 3 7 -> 1-3 7"""
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ' '.join(str(a) if a == b else f'{a}-{b}' for a, b in out)


def row(label, times, missing=False):
    """Lines run, lines there are, and what to print of one file."""
    run, nr = sum(1 for n in times.values() if n), len(times)
    text = [f'xpi: info coverage {label:<20} {run:4} of {nr:4} lines {100 * run / nr:5.1f} %']
    never = sorted(n for n, c in times.items() if not c)
    if missing and never:
        text.append(f'xpi: info coverage   never: {spans(never)}')
    return run, nr, text

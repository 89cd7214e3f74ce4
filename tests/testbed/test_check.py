#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The count of testbed/check: nothing that goes wrong in a part may get lost."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
loader = importlib.machinery.SourceFileLoader('check', os.path.join(TOP, 'testbed', 'check'))
spec = importlib.util.spec_from_loader('check', loader)
check = importlib.util.module_from_spec(spec)
sys.modules['check'] = check
loader.exec_module(check)

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


def run_parts(where, commands, suffixes):
    check.OUT = where
    parts = [check.Part(f'part{i}', ['sh', '-c', c], suffix=f'p{i}' if suffixes else '') for i, c in enumerate(commands)]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        check.Pool(parts, lambda part: check.show_part(part, False)).run()
        status = check.total(parts, ['test'])
    return status, said.getvalue().strip().split('\n')[-1]


def main():
    passed = failed = 0
    for name, commands, want, want_status in RUNS:
        with tempfile.TemporaryDirectory() as where:
            os.environ['XPI_CACHE'] = where
            status, last = run_parts(where, commands, name.endswith('suffixes'))
        line = '%d passed, %d failed, %d skipped' % want
        if (status, last) == (want_status, line):
            passed += 1
            print(f'xpi: pass host.check.{name}')
        else:
            failed += 1
            print(f'xpi: fail host.check.{name}: wanted "{line}" and status {want_status}, got "{last}" and {status}')
    print(f'xpi: end {passed} {failed} 0')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

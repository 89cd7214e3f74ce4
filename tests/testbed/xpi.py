# SPDX-License-Identifier: GPL-2.0
"""The common part of the testbed's tests in Python."""

import importlib.machinery
import importlib.util
import os
import sys
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, 'testbed'), os.path.join(TOP, 'tests', 'matrix')]
from judge.judgement import failed_if, tell  # noqa: E402


def script(*path):
    """Load a program of this tree as a module."""
    loader = importlib.machinery.SourceFileLoader('script.' + path[-1], os.path.join(TOP, *path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


def problem(test):
    """Call a test that raises an exception if it fails; return the text of the exception, or ''."""
    try:
        test()
    except Exception as e:  # a test that dies is a failed test
        if not isinstance(e, AssertionError):
            traceback.print_exc()
        return str(e) or type(e).__name__
    return ''


def named(*functions):
    """Yield (name, problem) of such tests, named by their functions."""
    return ((f.__name__, problem(f)) for f in functions)


def finish(prefix, outcomes):
    """Report each (name, problem), with '' for no problem, and exit."""
    sys.exit(tell(failed_if(why, f'host.{prefix}.{name.replace("_", "-")}', why) for name, why in outcomes))

# SPDX-License-Identifier: GPL-2.0
"""The committed files that a part of a check does not read: their changes cost no boot.

Every part reads a file that no rule here names.
"""

import os
import re
import subprocess

# No boot reads these: texts, tests of other kinds, tools that only build, show or sort, and
# nudge.py, which acts only on a machine that would hang without it.
NO_BOOT = ('*.md', '.ci/*', '.gitignore', 'Documentation/*', 'Makefile', 'linux/*', 'tools/*', 'xen/misra*', 'xen/series*',
           *(f'testbed/{tool}' for tool in ('check', 'demo', 'gcovr', 'local-mirror', 'prune', 'sparse', 'build/series.sh',
                                            'config/xen-matrix', 'run/nudge.py', 'run/reads.py', 'run/seen.py', 'tcgcount/tcgcount*')),
           'tests/known-defects', 'tests/packaging/flavours',
           *(f'tests/{place}/*' for place in ('fuzz', 'host', 'matrix', 'mutants', 'style', 'testbed')))
OWN_KERNELS = ('testbed/linux-*', 'testbed/*/linux-*')
XEN_HALF = ('xen/*', 'testbed/xen*', 'testbed/*/xen*')
DRIVER = ('Kbuild', 'Kconfig', 'drivers/*', 'kunit/*', 'testbed/kmod', 'testbed/judge/ktap.py', 'testbed/vfio-patched',
          'testbed/run/initramfs.py')
PACKAGES = ('packaging/*', 'tests/packaging/*', 'testbed/install-root')
KERNEL_PATCHES = ('packaging/linux/*', 'testbed/vfio-patched')
DPDK = ('testbed/dpdk-root', 'tests/dom0/dpdk/*')
GUEST = 'tests/dom0/guest/'
STEPS = GUEST + 'steps/'
ANY_GUEST = {GUEST + 'init', GUEST + 'lib.sh', STEPS + 'debug.sh'}

MICRO = ('tests/micro-dom0/*', 'testbed/run/micro.py')
DOM0 = ('tests/dom0/*', 'testbed/run/dom0.py', 'testbed/run/plug.py')

# kmod builds the modules of all kinds, but a part uses only those of its own kind.
UNREAD = {'dom0.': ('kunit/*', 'drivers/iommu/xen/tests/*', 'tests/bench/*', *MICRO),
          'kunit.': (*XEN_HALF, *PACKAGES, *KERNEL_PATCHES, *DPDK, 'tests/bench/*', 'tests/dom0/*', *MICRO),
          'micro.': (*DRIVER, *PACKAGES, *KERNEL_PATCHES, *DPDK, 'tests/bench/*', *DOM0)}


def text(top, path):
    with open(os.path.join(top, path), encoding='utf-8') as f:
        return f.read()


def commands(script):
    """Return a shell script without comments and words in double quotes, but with $(...) in these.

    Words in single quotes remain, because they may be arguments of eval.
    """
    kept, inside, at = [], [''], 0      # inside: quotes and $( that are open
    while at < len(script):
        c, end, quoted = script[at], at + 1, inside[-1] == '"'
        comment = c == '#' and not quoted and script[at - 1:at] in ('', ' ', '\t', '\n')
        if comment:
            end = (script + '\n').index('\n', at)
        elif c == '\\' or script.startswith('$(', at):
            end += 1
        elif c == "'" and not quoted:
            end = script.index("'", end) + 1
        if c == '"' and not quoted or c == '(' and not quoted or script.startswith('$(', at):
            inside.append(c[-1:].replace('$', '('))
        elif c == '"' or c == ')' and inside[-1] == '(':
            inside.pop()
        kept.append(' ' if quoted or comment else script[at:end])
        at = end
    return ''.join(kept)


class Guest:
    """The files of tests/dom0 that a guest with some steps uses."""

    def __init__(self, top):
        """@top: a tree without changes since the commit."""
        self.scripts = {STEPS + s: text(top, STEPS + s) for s in sorted(os.listdir(os.path.join(top, STEPS)))}
        self.scripts |= {path: text(top, path) for path in ANY_GUEST}
        self.words = {path: set(re.findall(r'[\w-]+', body)) for path, body in self.scripts.items()}
        self.uses = {path: self.names_used(body) for path, body in self.scripts.items()}
        self.defines = {path: set(re.findall(r'^(\w+\(\)|\w+=)', body, re.M)) for path, body in self.scripts.items()}
        self.programs = self.sources(os.path.join(top, 'tests', 'dom0'))

    @staticmethod
    def names_used(script):
        """Return the used names in the form function() or VARIABLE=. A word after / or - or before = is no call."""
        calls = re.findall(r'(?<![\w/${-])\w+(?![\w=-])', commands(script))
        return {f'{name}()' for name in calls} | {f'{name}=' for name in re.findall(r'\$\{?#?(\w+)', script)}

    @staticmethod
    def sources(where):
        """Return the source files of each program, from the Makefile."""
        made = subprocess.run(['make', '-C', where, '-pnq', 'OUT=out', 'DPDK=dpdk'], capture_output=True, text=True,
                              check=False).stdout
        rules = re.findall(r'^out/([\w-]+): ([^|\n]*)', made, re.M)
        # The Makefile does not say which program reads which header, so only .c files count.
        return {program: {'tests/dom0/' + f for f in files.split() if f.endswith('.c')} for program, files in rules}

    def scripts_of(self, steps):
        """Return the scripts of the steps, and the scripts that define a name that one of them uses."""
        starts = {f'step_{s}()' for s in steps}
        mine, new = set(), ANY_GUEST | {path for path, names in self.defines.items() if names & starts}
        while new:
            mine |= new
            used = set().union(*(self.uses[path] for path in new))
            new = {path for path, names in self.defines.items() if names & used} - mine
        return mine

    def unread(self, steps):
        mine = self.scripts_of(steps)
        words = set().union(*(self.words[path] for path in mine))
        used = set().union(*(files for program, files in self.programs.items() if program in words))
        every = set().union(*self.programs.values())
        return (set(self.scripts) - mine) | (every - used)


def unread(name, own_kernel=False):
    """Return the patterns of files that a part of this name does not read."""
    kind = next((k for k in UNREAD if name.startswith(k)), None)
    if not kind:
        return ()
    return NO_BOOT + UNREAD[kind] + (() if own_kernel else OWN_KERNELS)


def unread_by_steps(guest, steps):
    """Return further patterns, for a boot of tests/dom0 with these steps."""
    if 'initramfs' in steps:
        return KERNEL_PATCHES
    xen = ('xen/*',) if 'absent' in steps else ()       # that suite runs on Debian's Xen
    patches = () if 'irqkept' in steps else KERNEL_PATCHES
    return (*xen, *patches, *sorted(guest.unread(steps)), 'tests/packaging/*', 'testbed/install-root',
            *(f'packaging/{d}/*' for d in ('dkms', 'dracut', 'initramfs-tools', 'modprobe.d')))

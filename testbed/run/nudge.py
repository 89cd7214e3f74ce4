# SPDX-License-Identifier: GPL-2.0
"""Wakes up a machine whose interrupt QEMU lost.

QEMU 10.0 clears a bit of CPUState.interrupt_request at each #VMEXIT, in the thread of the
CPU and without a lock (do_vmexit() in target/i386/tcg/system/svm_helper.c). If another
thread sets the bit of an interrupt in this moment, the store clears that bit too. Only
machines with a PVH dom0 use SVM. The local APIC keeps the interrupt pending, but the CPU
stays halted with interrupts on, which no real CPU does. Any further interrupt repeats the
lost one, so a key of the keyboard helps.
"""

import json
import re
import sys
import time

SILENT = 8      # seconds without a line before the first look; Linux reports a lockup after 20
AGAIN = 2       # seconds until the second look


def value(text, name):
    """Return the hexadecimal number after a name, or 0."""
    found = re.search(rf'\b{name}\s*=?\s*(?:0x)?([0-9a-fA-F]+)', text)
    return int(found[1], 16) if found else 0


def lost(registers, lapic):
    """Return the vector that halted CPU 0 ought to take, or 0. Both are texts of QEMU's monitor."""
    cpu = registers.split('CPU#1')[0]
    awake = not re.search(r'\bHLT=1', cpu) or not value(cpu, 'RFL') & 0x200
    pending = re.search(r'^IRR\s+(\d[\d ]*)', lapic, re.M)
    if awake or not pending:
        return 0
    vector = max(map(int, pending[1].split()))
    return vector if vector >> 4 > value(lapic, 'PPR') >> 4 else 0


class Nudge:
    """@send: tells QEMU's monitor a command; @sizes: returns a value that changes with each line of the machine.

    QEMU's answers come to on_answer().
    """

    def __init__(self, send, sizes):
        self.send, self.sizes = send, sizes
        self.seen, self.at, self.answers, self.vector = None, time.monotonic(), {}, 0
        self.count = 0

    def look(self):
        for what in ('registers', 'lapic'):
            self.send('human-monitor-command', what, **{'command-line': f'info {what}'})

    def poll(self):
        """Look at a silent machine now and then."""
        seen, now = self.sizes(), time.monotonic()
        if seen != self.seen:
            self.seen, self.at, self.vector = seen, now + SILENT, 0
        elif now >= self.at:
            self.at = now + SILENT
            self.look()

    def on_answer(self, line):
        """Send a key if two looks in a row found the same vector."""
        if not line.startswith('{"return"'):
            return
        answer = json.loads(line)
        self.answers[answer.get('id')] = answer['return']
        if not {'registers', 'lapic'} <= set(self.answers):
            return
        before, self.vector = self.vector, lost(self.answers['registers'], self.answers['lapic'])
        self.answers = {}
        if self.vector and self.vector != before:
            self.at = time.monotonic() + AGAIN
        elif self.vector:
            self.count, self.vector = self.count + 1, 0
            self.send('human-monitor-command', 'key', **{'command-line': 'sendkey shift'})

    def close(self):
        """Nothing: boot.Tail, beside which boot.watch() polls this, has a file to close."""

    def report(self, name):
        if self.count:
            print(f'    boot {name}: QEMU lost an interrupt {self.count} time(s); a key woke the machine up', file=sys.stderr)

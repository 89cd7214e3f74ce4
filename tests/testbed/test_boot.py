#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""boot.py with a shell script in the role of QEMU: endings, logs, bad input."""

import json
import os
import subprocess
import sys
import tempfile
import time

from xpi import TOP, finish
from run import boot, nudge

GOOD = '''
echo "(XEN) Xen version 4.20.4-pre (x) debug=y" >xen.log
echo "Linux version 6.12.0 (me) (gcc)" >>xen.log
echo "xpi: pass a.one" >result.log
echo "xpi: end 1 0 0" >>result.log
'''
HANG = 'exec sleep 1000\n'
VERSION = 'QEMU emulator version 10.0.13'

outcomes = []


def case(name, problem):
    """Report a test; it passes without a problem."""
    outcomes.append((name, problem or ''))


def fake(where, script, version=VERSION):
    path = os.path.join(where, 'qemu')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(f'#!/bin/sh\n[ "$1" = --version ] && {{ echo "{version}"; exit 0; }}\n{script}')
    os.chmod(path, 0o755)
    os.environ['QEMU'] = path


def machine(where, **kw):
    kernel = os.path.join(where, 'my,kernel')
    with open(kernel, 'w', encoding='utf-8') as f:
        f.write('kernel')
    return boot.Machine(**{'name': 'test.boot', 'kernel': kernel, 'xen': kernel,
                           'logs': os.path.join(where, 'logs'), 'timeout': 60, **kw})


def runs(where, script, **kw):
    fake(where, script)
    return boot.run(machine(where, **kw), quiet=True)


def unless(ok, problem):
    return None if ok else problem


def endings(where):
    for name, script, timeout, verdict, said in (
            ('good', GOOD, 60, 'pass', 'exit'),
            ('timeout', HANG, 2, 'crash', 'timeout after 2 s'),
            ('timeout-after-pass', GOOD.replace('xpi: end', 'xpi: info') + HANG, 2, 'crash', 'timeout'),
            ('qemu-refuses', 'echo "qemu: no such device" >&2; exit 1\n', 60, 'error', 'no such device'),
            ('qemu-dies', GOOD + 'kill -SEGV $$\n', 60, 'error', 'QEMU failed'),
            ('silent-exit', 'exit 0\n', 60, 'crash', 'exit')):
        out = runs(where, script, timeout=timeout)
        case(f'ends-{name}', unless(out.judgement.verdict == verdict and said in out.ended,
                                    f'judged {out.judgement.verdict}, ended: {out.ended}'))


def hung_after_end(where):
    grace, boot.GRACE = boot.GRACE, 1
    out = runs(where, GOOD + HANG)
    boot.GRACE = grace
    case('ends-hung-after-end', unless(out.judgement.verdict == 'crash' and 'did not power off' in out.ended,
                                       f'judged {out.judgement.verdict}, ended: {out.ended}'))


def hung_says_where(where):
    """boot.py must log the registers of a machine that hangs before it ends the machine."""
    out = runs(where, 'read hello; read order; echo "heard $hello $order"\n' + HANG, timeout=2)
    said = boot.read_log(out.logs, 'qemu.log')
    case('hung-logs-registers', unless('timeout' in out.ended and 'info registers' in said,
                                   f'ended: {out.ended}, QEMU heard {said}'))


def logs_are_headed(where):
    out = runs(where, GOOD)
    for name in ('xen.log', 'result.log', 'qemu.log', 'cmdline'):
        text = boot.read_log(out.logs, name)
        wanted = ('# QEMU 10.0.13', 'Xen version 4.20.4-pre', 'Linux version 6.12.0', 'sha256')
        lacking = [w for w in wanted if w not in text]
        case(f'header-{name}', unless(not lacking, f'lacks {lacking}'))


def watchers_see_lines(where):
    seen = []
    fake(where, GOOD)
    boot.run(machine(where), on_result=seen.append, on_console=seen.append, quiet=True)
    case('watchers', unless('xpi: pass a.one' in seen and any('Xen version' in l for l in seen), f'saw {seen}'))


def two_at_once(where):
    """A second run with the same name must get a log directory of its own."""
    fake(where, GOOD)
    m = machine(where)
    with boot.own_logs(m) as held:
        out = boot.run(m, quiet=True)
    case('two-runs-two-logs', unless(out.logs != held and out.judgement.verdict == 'pass',
                                     f'logs {out.logs}, judged {out.judgement.verdict}'))


def sleeper_is_woken(where):
    """boot.py must wake the machine up after it reports that it sleeps, and not before."""
    sleeper = 'read hello; echo "{\\"event\\": \\"%s\\"}"; read order || exit 1; echo "heard $hello $order"\n' + GOOD
    out = runs(where, sleeper % 'SUSPEND', wake=True)
    said = boot.read_log(out.logs, 'qemu.log')
    case('wake', unless(out.judgement.verdict == 'pass' and 'qmp_capabilities' in said and 'system_wakeup' in said,
                        f'judged {out.judgement.verdict}, QEMU heard {said}'))
    out = runs(where, sleeper % 'RESUME', wake=True, timeout=2)
    case('wake-only-sleepers', unless(out.judgement.verdict == 'crash' and 'timeout' in out.ended,
                                      f'judged {out.judgement.verdict}, ended: {out.ended}'))


# Answers of QEMU's monitor: CPU 0 is halted although an interrupt is pending.
REGISTERS = 'CPU#0\r\nRIP=ffff82d04030dcb6 RFL=00000202 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=1\r\n'
LAPIC = 'ISR\t (none)\r\nIRR\t 48 250 \r\n\r\nAPR 0x00 TPR 0x10 DFR 0x0f LDR 0x01 PPR 0x10\r\n'


def lost_interrupt_is_seen(_):
    """A vector of IRR that a halted CPU with interrupts on does not take; nothing else."""
    for name, registers, lapic, vector in (
            ('halted', REGISTERS, LAPIC, 250),
            ('running', REGISTERS.replace('HLT=1', 'HLT=0'), LAPIC, 0),
            ('interrupts-off', REGISTERS.replace('RFL=00000202', 'RFL=00000002'), LAPIC, 0),
            ('nothing-pending', REGISTERS, LAPIC.replace('48 250', '(none)'), 0),
            ('priority-too-low', REGISTERS, LAPIC.replace('PPR 0x10', 'PPR 0xf0'), 0),
            ('other-cpu-halted', REGISTERS.replace('HLT=1', 'HLT=0') + REGISTERS.replace('#0', '#1'), LAPIC, 0)):
        found = nudge.lost(registers, lapic)
        case(f'lost-interrupt-{name}', unless(found == vector, f'found vector {found}'))


def halted_machine(registers):
    """A machine that is silent until it gets a key."""
    answers = {'registers': registers, 'lapic': LAPIC}
    replies = ''.join(f"*'info {what}'*) printf '%s\\n' '{json.dumps({'return': text, 'id': what})}' ;;\n" for what, text in answers.items())
    return f'while read order; do case $order in\n{replies}*sendkey*) break ;;\nesac; done\n{GOOD}'


def lost_interrupt_is_repeated(where):
    """boot.py must give a key to a machine whose interrupt QEMU lost, and to no other silent machine."""
    nudge.SILENT, nudge.AGAIN = 0.5, 0.3
    out = runs(where, halted_machine(REGISTERS), timeout=20)
    case('lost-interrupt-nudged', unless(out.judgement.verdict == 'pass', f'judged {out.judgement.verdict}, ended: {out.ended}'))
    out = runs(where, halted_machine(REGISTERS.replace('HLT=1', 'HLT=0')), timeout=4)
    case('lost-interrupt-only-then', unless('timeout' in out.ended, f'ended: {out.ended}'))


def nothing_left(where):
    """If a run is killed, its machine must end too."""
    fake(where, f'echo $$ >{where}/pid; {HANG}')
    program = f'from run import boot; boot.run(boot.Machine("test.killed", {machine(where).kernel!r}, logs="{where}/killed"))'
    proc = subprocess.Popen([sys.executable, '-c', program], cwd=os.path.join(TOP, 'testbed'),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not os.path.exists(where + '/pid') and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    proc.kill()
    proc.wait()
    with open(where + '/pid', encoding='ascii') as f:
        pid = int(f.read())
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    case('killed-leaves-nothing', unless(not alive(pid), f'process {pid} lives on'))


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def refuses(name, sentence, action):
    try:
        action()
    except boot.SpecError as e:
        case(f'refuses-{name}', unless(sentence in str(e), f'said "{e}"'))
    else:
        case(f'refuses-{name}', 'accepted')


def bad_input(where):
    fake(where, GOOD)
    refuses('comma', 'write it without', lambda: boot.run(machine(where, cmdline='a=1,2'), quiet=True))
    refuses('no-kernel', 'does not exist', lambda: boot.run(machine(where, kernel='/nonexistent'), quiet=True))
    fake(where, GOOD, 'QEMU emulator version 7.2.22')
    refuses('old-qemu', '10.0 or newer', lambda: boot.run(machine(where), quiet=True))
    fake(where, GOOD, '')
    refuses('no-qemu', 'does not start', lambda: boot.run(machine(where), quiet=True))


def main():
    with tempfile.TemporaryDirectory() as where:
        os.environ['XPI_CACHE'] = os.path.join(where, 'cache')
        for tests in (endings, hung_after_end, hung_says_where, logs_are_headed, watchers_see_lines, two_at_once,
                      sleeper_is_woken, lost_interrupt_is_seen, lost_interrupt_is_repeated, nothing_left, bad_input):
            tests(where)
    finish('boot', outcomes)


if __name__ == '__main__':
    main()

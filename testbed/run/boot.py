# SPDX-License-Identifier: GPL-2.0
"""Start one machine under QEMU, watch it, keep its logs, judge it.

    outcome = run(Machine(name='micro.pv', xen=..., kernel=...))

The first serial port of the machine is its console, the second the result channel.
A run that failed is not repeated.
"""

import contextlib
import fcntl
import functools
import hashlib
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from judge import judgement as judging
from run.nudge import Nudge
from run.testbed import SpecError, TESTBED, TOP, Took, in_root

QEMU_AT_LEAST = (10, 0)
GRACE = 60              # seconds between the end line and the power off
LAST_WORDS = 5          # seconds for QEMU to print the registers of a machine that hangs
# The machine ends with this process, even if KILL ends it.
LEASH = ['setpriv', '--pdeathsig', 'TERM']
# The monitor of QEMU, whose answers and events go to qemu.log.
QMP = ['-chardev', 'stdio,id=qmp,signal=off', '-mon', 'chardev=qmp,mode=control']
BANNERS = {             # the versions on the console
    'Xen': re.compile(r'\(XEN\).* (Xen version \S+ .*)'),
    'Linux': re.compile(r'(Linux version \S+ \([^)]*\))'),
}


@dataclass
class Machine:
    """One machine and the files that it boots.

    If xen is set, Xen starts kernel and initrd as dom0, and modules are files for Xen
    itself, e.g. a policy. Otherwise kernel boots on the bare machine. devices are
    -device arguments. disks are dicts of path and driver (a -device argument, default
    "nvme"); QEMU opens them as snapshots. devices and disks get PCI slots in this order.
    If wake is set, the machine is woken up each time it suspends (ACPI S3).
    """
    name: str
    kernel: str
    xen: str = None
    initrd: str = None
    modules: list = field(default_factory=list)
    xen_cmdline: str = 'console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all iommu=verbose,debug sync_console'
    cmdline: str = ''
    machine: str = 'q35'
    cpu: str = 'Haswell'
    smp: int = 1
    memory: str = '2G'
    iommu: str = 'intel-iommu,intremap=on,eim=on,aw-bits=48'
    devices: list = field(default_factory=list)
    disks: list = field(default_factory=list)
    extra: list = field(default_factory=list)
    wake: bool = False
    timeout: int = 600
    logs: str = None            # directory of the logs; default build/logs/NAME
    expect: list = field(default_factory=list)


@dataclass
class Outcome:
    machine: Machine
    logs: str
    ended: str                  # 'exit', or the reason why the machine did not power off
    seconds: float
    judgement: judging.Judgement
    console: str                # text of the console log

    @property
    def ok(self):
        return self.judgement.verdict in ('pass', 'skip')


def qemu_command(chdir=None, files=()):
    """Return the command that starts QEMU: the host's binary QEMU=, or else the one in the
    testbed's root, which must see the directories of all files."""
    own = os.environ.get('QEMU')
    if own:
        return [own]
    return in_root('qemu-system-x86_64', chdir=chdir, binds=sorted({os.path.dirname(os.path.realpath(f)) for f in files}))


def qemu_version():
    out = subprocess.run(qemu_command() + ['--version'], capture_output=True, text=True, check=False)
    m = re.search(r'version (\d+)\.(\d+)(\S*)', out.stdout)
    if not m:
        raise SpecError('QEMU does not start: ' + (out.stderr.strip().split('\n')[-1] or 'it printed nothing') +
                        '; check QEMU= or run testbed/root.')
    return (int(m[1]), int(m[2])), m[0].removeprefix('version ')


# --- from a description to a command line -------------------------------

def link(logs, name, target):
    """Make a link to a file in the log directory, with a short name without commas."""
    if not os.path.isfile(target):
        raise SpecError(f'{target} does not exist; it was given as {name}.')
    path = os.path.join(logs, name)
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(os.path.realpath(target), path)
    return name


def boot_args(m, logs):
    kernel = link(logs, 'kernel', m.kernel)
    initrd = link(logs, 'initrd', m.initrd) if m.initrd else None
    if not m.xen:
        return ['-kernel', kernel, '-append', m.cmdline] + (['-initrd', initrd] if initrd else [])
    if ',' in m.cmdline:
        raise SpecError('the dom0 command line has a comma, at which QEMU would cut it; write it without one.')
    rest = [initrd] * bool(initrd) + [link(logs, f'module{i}', path) for i, path in enumerate(m.modules)]
    modules = ','.join([f'{kernel} {m.cmdline}'.strip()] + rest)
    return ['-kernel', link(logs, 'xen', m.xen), '-append', m.xen_cmdline, '-initrd', modules]


def disk_args(disks, logs):
    args = []
    for i, disk in enumerate(disks):
        path = link(logs, f'disk{i}', disk['path'])
        driver = disk.get('driver', f'nvme,serial=xpi{i}')
        args += ['-drive', f'file={path},if=none,id=disk{i},format=raw,snapshot=on',
                 '-device', f'{driver},drive=disk{i}']
    return args


def qemu_args(m, logs):
    args = ['-accel', 'tcg,thread=multi', '-M', m.machine, '-cpu', m.cpu, '-smp', str(m.smp),
            '-m', m.memory, '-nodefaults', '-nographic', '-no-reboot']
    for port, log in (('con', 'xen.log'), ('res', 'result.log')):
        args += ['-chardev', f'file,id={port},path={log}', '-serial', f'chardev:{port}']
    for device in ([m.iommu] if m.iommu else []) + list(m.devices):
        args += ['-device', device]
    return args + QMP + disk_args(m.disks, logs) + list(m.extra) + boot_args(m, logs)


# --- watching -----------------------------------------------------------

class Tail:
    """Follows a growing file and calls on_line with each complete line."""

    def __init__(self, path, on_line):
        self.path, self.on_line = path, on_line
        self.file, self.rest = None, ''

    def poll(self):
        if not self.file:
            if not os.path.exists(self.path):
                return
            self.file = open(self.path, encoding='utf-8', errors='replace', newline='')
        *lines, self.rest = (self.rest + self.file.read().replace('\r', '')).split('\n')
        for line in lines:
            self.on_line(line)

    def close(self):
        self.poll()
        if self.file:
            self.file.close()


def after(first, callback):
    """Return a function that clears the progress line with first() and then calls callback."""
    def both(line):
        first()
        callback(line)
    return both


class Progress:
    """Shows on a terminal what runs, for how long, and how long it took last time; in a log only its end."""

    def __init__(self, name, quiet=False):
        self.took = Took('boot-' + name)
        self.name, self.quiet, self.start = name, quiet, time.monotonic()
        self.last, self.shown = self.took.last(), 0
        self.tty = sys.stderr.isatty()

    def elapsed(self):
        return time.monotonic() - self.start

    def tick(self):
        now = int(self.elapsed())
        if self.quiet or not self.tty or now == self.shown:
            return
        self.shown = now
        of = f' of about {self.last}' if self.last else ''
        print(f'\r\033[K    boot {self.name}: {now}{of} s', end='', file=sys.stderr, flush=True)

    def clear(self):
        if self.tty and not self.quiet:
            print('\r\033[K', end='', file=sys.stderr, flush=True)

    def done(self, ok):
        self.clear()
        if not self.quiet and not self.tty:
            print(f'    boot {self.name}: done in {self.elapsed():.0f} s', file=sys.stderr, flush=True)
        if ok:
            self.took.keep(self.elapsed())


def stop(proc):
    """End QEMU and the programs that started it, which are one session."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(proc.pid, sig)
        except ProcessLookupError:
            return
        try:
            proc.wait(10)
            return
        except subprocess.TimeoutExpired:
            pass


def how_it_ended(proc, logs):
    if proc.returncode == 0:
        return 'exit'
    with open(os.path.join(logs, 'qemu.log'), encoding='utf-8', errors='replace') as f:
        said = [l for l in f.read().split('\n') if l.strip() and not l.startswith('{"')]
    return f'QEMU failed: exit status {proc.returncode}: ' + (said[-1] if said else 'it printed nothing')


def tell(proc, command, mark='', **arguments):
    """Send a command to QEMU, which answers in qemu.log; @mark becomes the answer's id."""
    with contextlib.suppress(BrokenPipeError):
        text = json.dumps({'execute': command, 'arguments': arguments, 'id': mark})
        os.write(proc.stdin.fileno(), text.encode() + b'\n')


def waker(proc):
    """Return a function that wakes the machine up when QEMU reports that it sleeps."""
    def on_line(line):
        if line.startswith('{') and '"event": "SUSPEND"' in line:
            tell(proc, 'system_wakeup')

    return on_line


def last_words(proc):
    """Log the registers of each CPU of a machine that hangs, and end QEMU."""
    tell(proc, 'human-monitor-command', **{'command-line': 'info registers -a'})
    tell(proc, 'quit')
    with contextlib.suppress(subprocess.TimeoutExpired):
        proc.wait(LAST_WORDS)


def watch(proc, m, logs, tails, progress):
    """Poll until the machine is off or its time is over; return how it ended."""
    end = [None]

    def on_result(line):
        if line.startswith('xpi: end '):
            end[0] = progress.elapsed()

    tails = tails + [Tail(os.path.join(logs, 'result.log'), on_result)]
    ended = None
    while ended is None:
        try:
            proc.wait(0.2)
            ended = how_it_ended(proc, logs)
        except subprocess.TimeoutExpired:
            pass
        for tail in tails:
            tail.poll()
        progress.tick()
        if ended is None and progress.elapsed() > m.timeout:
            ended = f'timeout after {m.timeout} s'
        if ended is None and end[0] is not None and progress.elapsed() > end[0] + GRACE:
            ended = f'did not power off within {GRACE} s of its end line'
    for tail in tails:
        tail.close()
    return ended


# --- logs ---------------------------------------------------------------

@contextlib.contextmanager
def own_logs(m):
    """Lock a log directory that no other run writes to: NAME, or else NAME.2, ...

    Two runs in one directory would read each other's results.
    """
    wanted = os.path.abspath(m.logs or os.path.join(TOP, 'build', 'logs', m.name))
    for nr in itertools.count(1):
        logs = wanted if nr == 1 else f'{wanted}.{nr}'
        os.makedirs(logs, exist_ok=True)
        with open(os.path.join(logs, 'lock'), 'w', encoding='ascii') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield logs
            return


def empty_logs(logs):
    for name in ('xen.log', 'result.log', 'qemu.log', 'cmdline'):
        open(os.path.join(logs, name), 'w', encoding='utf-8').close()


def log_sizes(logs):
    """The sizes of what the machine prints."""
    return [os.path.getsize(os.path.join(logs, name)) for name in ('xen.log', 'result.log')]


def read_log(logs, name):
    with open(os.path.join(logs, name), encoding='utf-8', errors='replace') as f:
        return f.read()


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).hexdigest()[:12]


def header(m, qemu, console, ended, seconds):
    """Return the head of a log: time, versions on the console, digests of the files."""
    lines = [f'run {m.name}, {time.strftime("%Y-%m-%d %H:%M:%S")}, {seconds:.0f} s, ended: {ended}',
             f'QEMU {qemu}']
    for what, path in (('Xen', m.xen), ('Linux', m.kernel)):
        if not path:
            continue
        said = BANNERS[what].search(console)
        lines.append(f'{what}: {said[1] if said else "did not say its version"} [sha256 {digest(path)}]')
    return ''.join(f'# {line}\n' for line in lines)


def put_on_top(logs, names, text):
    for name in names:
        path = os.path.join(logs, name)
        with open(path, encoding='utf-8', errors='replace', newline='') as f:
            body = f.read()
        with open(path, 'w', encoding='utf-8', newline='') as f:
            f.write(text + body)


def make_outcome(m, logs, qemu, ended, seconds):
    console, results = read_log(logs, 'xen.log'), read_log(logs, 'result.log')
    harmless = judging.load_harmless(os.path.join(TESTBED, 'config', 'known-harmless'))
    verdict = judging.judge(results, console, ended, m.expect, harmless)
    put_on_top(logs, ('xen.log', 'result.log', 'qemu.log', 'cmdline'),
               header(m, qemu, console, ended, seconds))
    return Outcome(m, logs, ended, seconds, verdict, console)


def run(m, on_result=None, on_console=None, quiet=False):
    """Run machine m to its end and judge it.

    on_result and on_console are called with every complete line while the machine runs.
    They only show progress: the judgement does not depend on them.
    """
    version, qemu = qemu_version()
    if version < QEMU_AT_LEAST:
        raise SpecError(f'QEMU= is version {qemu}, but 10.0 or newer is needed; unset it to use the testbed\'s own.')
    with own_logs(m) as logs:
        empty_logs(logs)
        progress = Progress(m.name, quiet)
        ended = start_and_watch(m, logs, [('result.log', on_result), ('xen.log', on_console)], progress)
        outcome = make_outcome(m, logs, qemu, ended, progress.elapsed())
    progress.done(outcome.ok)
    return outcome


def start_and_watch(m, logs, watchers, progress):
    files = [f for f in (m.xen, m.kernel, m.initrd, *m.modules, *(d['path'] for d in m.disks)) if f]
    command = qemu_command(logs, files + [os.path.join(logs, 'cmdline')]) + qemu_args(m, logs)
    with open(os.path.join(logs, 'cmdline'), 'w', encoding='utf-8') as f:
        f.write(f'cd {shlex.quote(logs)} && \\\n{shlex.join(command)}\n')
    tails = [Tail(os.path.join(logs, name), after(progress.clear, callback)) for name, callback in watchers if callback]
    with open(os.path.join(logs, 'qemu.log'), 'w', encoding='utf-8') as log:
        # QEMU keeps the guest's writes to its disks in an unlinked file in TMPDIR.
        proc = subprocess.Popen(LEASH + command, cwd=logs, stdin=subprocess.PIPE,
                                stdout=log, stderr=log, env=dict(os.environ, TMPDIR=logs), start_new_session=True)
        try:
            tell(proc, 'qmp_capabilities')
            nudge = Nudge(functools.partial(tell, proc), lambda: log_sizes(logs))
            on_qemu = [nudge.on_answer] + [waker(proc)] * m.wake
            tails += [Tail(os.path.join(logs, 'qemu.log'), f) for f in on_qemu] + [nudge]
            ended = watch(proc, m, logs, tails, progress)
            if proc.poll() is None:
                last_words(proc)
            nudge.report(m.name)
            return ended
        finally:
            stop(proc)

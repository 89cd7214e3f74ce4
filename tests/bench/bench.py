# SPDX-License-Identifier: GPL-2.0
"""The benchmark of maps and unmaps: machines, counters, results.

A configuration is one boot. Its phases are TYPE/API: the type to set for the edu
device's group ("own": unchanged), and the API with which tests/bench/module maps. Each
phase has the module's cases, and each case has a map and an unmap.
"""

import base64
import gzip
import os
import re
import subprocess
import sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'testbed'))
from run import boot, dom0, initramfs, testbed  # noqa: E402

BUILD = os.path.join(TOP, 'build', 'bench')
CTX = os.path.join(TOP, 'xen', 'overlay', 'xen', 'drivers', 'passthrough', 'ctx')
KERNEL = '6.12'
REGIONS = {1: 'map', 2: 'unmap', 3: 'free'}
# Functions whose calls are counted: of Xen, or of Linux on the bare machine.
PROBES = {
    'hypercalls': {'pv': 'pv_hypercall', 'pvh': 'hvm_hypercall'},
    'batches': {'pv': 'iommu_op_batch', 'pvh': 'iommu_op_batch'},
    'flushes': {'pv': 'flush_iotlb_qi', 'pvh': 'flush_iotlb_qi', 'native': 'qi_submit_sync'},
}
# The longest work in Xen between two checks for preemption. A span begins and ends at
# the entries and exits of Xen, at these checks, and at softirqs, which run after a check
# found some. See looks().
BUSY = {
    'pv': (['lstar_enter'], ['restore_all_guest', 'do_softirq']),
    'pvh': (['svm_vmexit_handler'], ['svm_vmenter_helper', 'do_softirq']),
}
# The same for Linux with interrupts off; nested locks count as one. The few instructions
# between disabling interrupts and the lock, and after the unlock, are not counted.
IRQS_OFF = ['_raw_spin_lock_irqsave'], ['_raw_spin_unlock_irqrestore']
# For these metrics the maximum of all samples is used, not the median.
LONGEST = ('busy', 'irqs-off')
# The phases called growth have 256 contexts in addition to those of the machine's devices.
XEN_CMDLINE = f'{boot.Machine.xen_cmdline} dom0_mem=1G,max:1G dom0-iommu=nr-ctx=512'


@dataclass
class Config:
    """One boot. kind is pv, pvh or native; batch is the driver's parameter.

    registers and longest enable further counters; options are parameters of the module.
    """
    name: str
    kind: str
    phases: list
    batch: str = 'y'
    registers: bool = False
    longest: bool = False
    options: str = ''


CONFIGS = {c.name: c for c in (
    Config('pv', 'pv', ['own/iommu', 'own/memory', 'own/dma', 'own/growth']),
    Config('native', 'native', ['DMA/dma', 'DMA/iommu', 'DMA-FQ/dma', 'identity/dma']),
    Config('pvh', 'pvh', ['DMA/dma', 'DMA/iommu', 'DMA-FQ/dma', 'DMA/growth']),
    Config('pv-single', 'pv', ['own/iommu'], batch='n'),
    Config('pvh-single', 'pvh', ['DMA/dma', 'DMA/iommu'], batch='n'),
    Config('pv-longest', 'pv', ['own/bounds', 'own/irqs'], longest=True),
    Config('pvh-longest', 'pvh', ['DMA/bounds', 'DMA/irqs'], longest=True),
    Config('native-registers', 'native', ['DMA/iommu'], registers=True, options='only=4k+loops=50'),
    Config('pv-registers', 'pv', ['own/iommu'], registers=True, options='only=4k+loops=50'),
    Config('pvh-registers', 'pvh', ['DMA/iommu'], registers=True, options='only=4k+loops=50'),
)}


# --- the machine --------------------------------------------------------

def root_tool(*args, stdin=None):
    return subprocess.run(testbed.in_root(*args), input=stdin, check=True, capture_output=True, text=True).stdout


def xen_syms(xen):
    return os.path.join(os.path.dirname(xen), 'xen-syms')


def functions(text):
    """Return {name: address} from lines of nm or /proc/kallsyms."""
    return {f[2]: f[0] for f in (l.split() for l in text.split('\n')) if len(f) == 3 and f[1] in 'tT'}


def address(symbols, name):
    if name not in symbols:
        raise boot.SpecError(f'tests/bench/bench.py counts calls of {name}, but there is no such function; '
                             f'correct PROBES, BUSY or IRQS_OFF.')
    return symbols[name]


def look_lines():
    """Return {(file, line)} of the checks for preemption in Xen's half."""
    found = set()
    for name in os.listdir(CTX):
        with open(os.path.join(CTX, name), encoding='utf-8') as f:
            found |= {(name, nr) for nr, line in enumerate(f, 1) if 'hypercall_preempt_check(' in line}
    return found


# A load from an array by base and index, as for irq_stat.
INDEXED_LOAD = re.compile(r'\tmovz?\w*\s+(?:0x[0-9a-f]+)?\(%\w+,%\w+,1\),%')


def looks(xen):
    """Return the addresses of these checks.

    hypercall_preempt_check() is a macro, so there is no function to count. But it always
    reads the pending softirqs in the array irq_stat, and nothing else on such a line
    reads an array. The compiler's line numbers show which loads are on such a line. The
    instruction that computes the array's address is no sign, because the compiler moves
    it out of loops. Each check in the source must have an address.
    """
    code = root_tool('objdump', '-d', '--no-show-raw-insn', xen_syms(xen))
    reads = [l.split(':')[0].strip() for l in code.split('\n') if INDEXED_LOAD.search(l)]
    lines = root_tool('addr2line', '-e', xen_syms(xen), stdin='\n'.join(reads)).split('\n')
    where = {a: re.match(r'.*/ctx/([a-z-]+\.c):(\d+)', l) for a, l in zip(reads, lines)}
    ours = {a: (m[1], int(m[2])) for a, m in where.items() if m and (m[1], int(m[2])) in look_lines()}
    missing = look_lines() - set(ours.values())
    if missing:
        raise boot.SpecError(f'Xen has no code for hypercall_preempt_check() at '
                             f'{", ".join(f"{n}:{l}" for n, l in sorted(missing))}; correct looks() in tests/bench/bench.py.')
    return list(ours)


def span(name, begin, end):
    return f'span={name}:{"+".join(begin)}:{"+".join(end)}'


def span_args(config, xen, symbols):
    begin, end = ([address(symbols, n) for n in names] for names in BUSY[config.kind])
    kernel = kernel_functions()
    return [span('busy', begin + looks(xen), end + looks(xen)),
            span('irqs-off', *([address(kernel, n) for n in names] for names in IRQS_OFF))]


def plugin_args(config, xen, profile):
    args = [testbed.path('tcgcount/build'), 'out=tcg.tsv']
    symbols = {}
    if xen:
        symbols = functions(root_tool('nm', xen_syms(xen)))
    elif config.registers:
        symbols = kernel_functions()
    if symbols:
        args += [f'probe={name}:{address(symbols, function[config.kind])}'
                 for name, function in PROBES.items() if config.kind in function]
    if config.longest:
        args += span_args(config, xen, symbols)
    return args + ['profile=on'] * profile + ['io=on'] * config.registers


def initrd(kernel, config):
    wanted = ['xpi_bench'] + ['xen-pv-iommu'] * (config.kind != 'native')
    files = dom0.guest_files() + [os.path.join(HERE, 'guest', 'bench.sh') + ':/xpi/steps/bench.sh']
    out = os.path.join(BUILD, f'{config.name}.initrd.gz')
    return initramfs.build(out, kernel.modules, testbed.path('kmod', kernel.name), wanted, files)


def cmdline(config, profile):
    native = config.kind == 'native'
    words = [dom0.console('bare' if native else 'full'), 'nokaslr panic=-1 rdinit=/init xpi_steps=bench',
             f'xpi_prefix=bench.{config.name}', f'xpi_phases={"+".join(config.phases)}', f'xpi_batch={config.batch}']
    # On a busy host the kernel's checks of its timer and CPU would fail.
    words += ['nowatchdog'] + ['no_timer_check'] * native
    return ' '.join(words + [f'xpi_options={config.options}'] + ['xpi_profile=1'] * profile)


def machine(config, xen, profile=False):
    kernel = testbed.kernel_named(KERNEL)
    if config.kind == 'native':
        xen = None
    return boot.Machine(
        name=f'bench.{config.name}',
        xen=xen, kernel=kernel.image, initrd=initrd(kernel, config),
        xen_cmdline=XEN_CMDLINE + ' dom0=pvh' * (config.kind == 'pvh'),
        cmdline=cmdline(config, profile),
        cpu=dom0.PVH_CPU if config.kind == 'pvh' else boot.Machine.cpu,
        devices=[dom0.EDU],
        extra=['-plugin', ','.join(plugin_args(config, xen, profile))],
        timeout=3600 if profile or config.registers else 1800)


# --- results ------------------------------------------------------------

def read_reports(path):
    """Return the plugin's reports, in order: {region: {metric: median or maximum}}."""
    reports = {}
    with open(path, encoding='ascii') as f:
        for line in f:
            field = line.rstrip().split('\t')
            if line.startswith('#'):
                continue
            nr, region = int(field[0]), int(field[2])
            reports.setdefault(nr, {}).setdefault(region, {})[field[3]] = \
                int(field[8 if field[3] in LONGEST else 6])
    return reports


def cases(outcome):
    """Return (phase, case) in the order of the plugin's reports."""
    return [tuple(t.split()[1:3]) for t in outcome.judgement.infos if t.startswith('bench-case ')]


def numbers(outcome):
    """Return {phase: {case: {'map': {metric: n}, 'unmap': ...}}} of one boot."""
    reports = read_reports(os.path.join(outcome.logs, 'tcg.tsv'))
    found = {}
    for nr, (phase, case) in enumerate(cases(outcome), 1):
        regions = reports.get(nr, {})
        found.setdefault(phase, {})[case] = {what: regions[i] for i, what in REGIONS.items() if i in regions}
    return found


def memory(outcome):
    """Return {'dense': {...}, 'sparse': {...}}, with the number of pages of each kind."""
    found = {}
    for text in outcome.judgement.infos:
        word, *field = text.split()
        if word == 'bench-memory':
            found.setdefault(field[0], {}).update((k, int(v)) for k, v in zip(field[1::2], field[2::2]))
    return found


def versions(outcome):
    """Return the versions of the machine, which boot.py writes to the head of the log."""
    with open(os.path.join(outcome.logs, 'result.log'), encoding='utf-8', errors='replace') as f:
        lines = [l[2:].strip() for l in f if l.startswith('# ')]
    return [re.sub(r'^(Xen|Linux): | \[sha256 .*', '', l) for l in lines[1:]]


def run(config, xen, profile=False, **watchers):
    """Boot one configuration; return its outcome and a dict of all results."""
    outcome = boot.run(machine(config, xen, profile), **watchers)
    return outcome, {'config': config.name, 'versions': versions(outcome), 'phases': numbers(outcome),
                     'memory': memory(outcome), 'failed': [t.line() for t in outcome.judgement.and_run(f'bench.{config.name}')
                                                   if t.verdict != 'pass']}


# --- the profile --------------------------------------------------------

def sent_symbols(outcome):
    packed = ''.join(t.split()[1] for t in outcome.judgement.infos if t.startswith('symbols '))
    if not packed:
        raise boot.SpecError(f'The guest sent no symbols; see {outcome.logs}.')
    return gzip.decompress(base64.b64decode(packed)).decode()


def symbols_boot(option=''):
    """Return the kernel's symbols from a boot; with nokaslr they are the same with and without Xen."""
    m = machine(Config('symbols', 'native', []), None)
    m.extra, m.cmdline = [], m.cmdline.replace('xpi_steps=bench', f'xpi_steps=symbols {option}')
    return sent_symbols(boot.run(m))


def kernel_symbols():
    """Return a file with the symbols of the whole kernel."""
    path = os.path.join(BUILD, f'symbols.{testbed.kernel_named(KERNEL).version}')
    if not os.path.exists(path):
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(symbols_boot())
        os.replace(path + '.new', path)
    return path


def kernel_functions():
    """Return {name: address} of the counted functions only, which takes less time."""
    path = os.path.join(BUILD, f'functions.{testbed.kernel_named(KERNEL).version}')
    names = [*IRQS_OFF[0], *IRQS_OFF[1], *(f['native'] for f in PROBES.values() if 'native' in f)]
    if os.path.exists(path):
        with open(path, encoding='utf-8') as f:
            found = functions(f.read())
        if all(n in found for n in names):
            return found
    text = symbols_boot(f'xpi_names={"+".join(names)}')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return functions(text)


def profile(outcome, xen, top):
    """Print the instructions by function for each case, separately for Xen and Linux."""
    symbols = [kernel_symbols()]
    for name, text in (('driver', sent_symbols(outcome) if xen else ''), ('xen', root_tool('nm', xen_syms(xen)) if xen else '')):
        symbols.append(os.path.join(outcome.logs, f'symbols.{name}'))
        with open(symbols[-1], 'w', encoding='utf-8') as f:
            f.write(text)
    names = ['/'.join(c) for c in cases(outcome)]
    subprocess.run([os.path.join(TOP, 'testbed', 'tcgcount', 'symbolise.py'), os.path.join(outcome.logs, 'tcg.tsv'),
                    *symbols, '--top', str(top), '--names', *names], check=True)

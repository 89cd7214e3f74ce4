# SPDX-License-Identifier: GPL-2.0
"""What maps and unmaps cost: which machines, what is counted, what comes out.

A configuration is one boot. Its phases are TYPE/API: what the edu device's
group is switched to ("own": left alone), and through which API tests/bench/module
maps. Each phase has the module's cases, and each case has a map and an unmap.
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
sys.path[:0] = [os.path.join(TOP, 'testbed'), os.path.join(TOP, 'tests', 'dom0')]
import boot  # noqa: E402
import dom0  # noqa: E402
import initramfs  # noqa: E402

BUILD = os.path.join(TOP, 'build', 'bench')
KERNEL = '6.12'
REGIONS = {1: 'map', 2: 'unmap'}
# Functions of Xen whose executions are counted.
PROBES = {
    'hypercalls': {'pv': 'pv_hypercall', 'pvh': 'hvm_hypercall'},
    'batches': {'pv': 'iommu_op_batch', 'pvh': 'iommu_op_batch'},
    'flushes': {'pv': 'flush_iotlb_qi', 'pvh': 'flush_iotlb_qi'},
}
# The phases called growth have 256 contexts beside those of the machine's devices.
XEN_CMDLINE = f'{boot.Machine.xen_cmdline} dom0_mem=1G,max:1G dom0-iommu=nr-ctx=512'


@dataclass
class Config:
    """One boot: kind is pv, pvh or native; batch is the driver's parameter."""
    name: str
    kind: str
    phases: list
    batch: str = 'y'


CONFIGS = {c.name: c for c in (
    Config('pv', 'pv', ['own/iommu', 'own/memory', 'own/dma', 'own/growth']),
    Config('native', 'native', ['DMA/dma', 'DMA/iommu', 'DMA-FQ/dma', 'identity/dma']),
    Config('pvh', 'pvh', ['DMA/dma', 'DMA/iommu', 'DMA-FQ/dma', 'DMA/growth']),
    Config('pv-single', 'pv', ['own/iommu'], batch='n'),
    Config('pvh-single', 'pvh', ['DMA/dma', 'DMA/iommu'], batch='n'),
)}


# --- the machine --------------------------------------------------------

def xen_symbols(xen):
    """name -> address of Xen's functions; xen-syms lies beside the image."""
    path = os.path.join(os.path.dirname(xen), 'xen-syms')
    out = subprocess.run([os.path.join(TOP, 'testbed', 'in-root'), '--', 'nm', path],
                         check=True, capture_output=True, text=True).stdout
    return out, {f[2]: f[0] for f in (l.split() for l in out.split('\n')) if len(f) == 3 and f[1] in 'tT'}


def plugin_args(config, xen, profile, registers):
    args = [dom0.testbed('tcgcount/build'), 'out=tcg.tsv']
    if xen:
        symbols = xen_symbols(xen)[1]
        for name, function in PROBES.items():
            if function[config.kind] not in symbols:
                raise boot.SpecError(f'Xen has no function {function[config.kind]} any more, by which '
                                     f'tests/bench/bench.py counts {name}; correct PROBES.')
            args.append(f'probe={name}:{symbols[function[config.kind]]}')
    return args + ['profile=on'] * profile + ['io=on'] * registers


def initrd(kernel, config):
    wanted = ['xpi_bench'] + ['xen-pv-iommu'] * (config.kind != 'native')
    files = dom0.guest_files() + [os.path.join(HERE, 'guest', 'bench.sh') + ':/xpi/steps/bench.sh']
    out = os.path.join(BUILD, f'{config.name}.initrd.gz')
    return initramfs.build(out, kernel.modules, dom0.testbed('kmod', kernel.name), wanted, files)


def cmdline(config, profile):
    native = config.kind == 'native'
    words = [dom0.console('bare' if native else 'full'), 'nokaslr panic=-1 rdinit=/init xpi_steps=bench',
             f'xpi_prefix=bench.{config.name}', f'xpi_phases={"+".join(config.phases)}', f'xpi_batch={config.batch}']
    return ' '.join(words + ['xpi_profile=1'] * profile)


def machine(config, xen, profile=False, registers=False):
    kernel = dom0.kernel_named(KERNEL)
    if config.kind == 'native':
        xen = None
    return boot.Machine(
        name=f'bench.{config.name}',
        xen=xen, kernel=kernel.image, initrd=initrd(kernel, config),
        xen_cmdline=XEN_CMDLINE + ' dom0=pvh' * (config.kind == 'pvh'),
        cmdline=cmdline(config, profile),
        cpu=dom0.PVH_CPU if config.kind == 'pvh' else boot.Machine.cpu,
        devices=[dom0.EDU],
        extra=['-plugin', ','.join(plugin_args(config, xen, profile, registers))],
        timeout=3600 if profile or registers else 1800)


# --- what comes out -----------------------------------------------------

def read_reports(path):
    """The plugin's reports, in order: {region: {metric: median}}."""
    reports = {}
    with open(path, encoding='ascii') as f:
        for line in f:
            field = line.rstrip().split('\t')
            if line.startswith('#'):
                continue
            nr, region = int(field[0]), int(field[2])
            reports.setdefault(nr, {}).setdefault(region, {})[field[3]] = int(field[6])
    return reports


def cases(outcome):
    """(phase, case) in the order of the plugin's reports."""
    return [tuple(t.split()[1:3]) for t in outcome.judgement.infos if t.startswith('bench-case ')]


def numbers(outcome):
    """{phase: {case: {'map': {metric: n}, 'unmap': ...}}} of one boot."""
    reports = read_reports(os.path.join(outcome.logs, 'tcg.tsv'))
    found = {}
    for nr, (phase, case) in enumerate(cases(outcome), 1):
        regions = reports.get(nr, {})
        found.setdefault(phase, {})[case] = {what: regions[i] for i, what in REGIONS.items() if i in regions}
    return found


def memory(outcome):
    """{'dense': {...}, 'sparse': {...}}, pages of each kind."""
    found = {}
    for text in outcome.judgement.infos:
        word, *field = text.split()
        if word == 'bench-memory':
            found.setdefault(field[0], {}).update((k, int(v)) for k, v in zip(field[1::2], field[2::2]))
    return found


def versions(outcome):
    """What the machine said of itself; boot.py put it on top of the log."""
    with open(os.path.join(outcome.logs, 'result.log'), encoding='utf-8', errors='replace') as f:
        lines = [l[2:].strip() for l in f if l.startswith('# ')]
    return [re.sub(r'^(Xen|Linux): | \[sha256 .*', '', l) for l in lines[1:]]


def run(config, xen, profile=False, registers=False, **watchers):
    """Boot one configuration; returns its outcome and a dict of all it gave."""
    outcome = boot.run(machine(config, xen, profile, registers), **watchers)
    return outcome, {'config': config.name, 'versions': versions(outcome), 'phases': numbers(outcome),
                     'memory': memory(outcome), 'failed': [l for l in outcome.judgement.lines(f'bench.{config.name}')
                                                           if not l.startswith('xpi: pass')]}


# --- the profile --------------------------------------------------------

def sent_symbols(outcome):
    packed = ''.join(t.split()[1] for t in outcome.judgement.infos if t.startswith('symbols '))
    return gzip.decompress(base64.b64decode(packed)).decode()


def kernel_symbols():
    """Of the kernel itself; nokaslr makes them the same with and without Xen."""
    path = os.path.join(BUILD, f'symbols.{dom0.kernel_named(KERNEL).version}')
    if not os.path.exists(path):
        m = machine(Config('symbols', 'native', []), None)
        m.extra, m.cmdline = [], m.cmdline.replace('xpi_steps=bench', 'xpi_steps=symbols')
        with open(path + '.new', 'w', encoding='utf-8') as f:
            f.write(sent_symbols(boot.run(m)))
        os.replace(path + '.new', path)
    return path


def profile(outcome, xen, top):
    """Instructions by function, for each case; Xen's and Linux' apart."""
    symbols = [kernel_symbols()]
    for name, text in (('driver', sent_symbols(outcome) if xen else ''), ('xen', xen_symbols(xen)[0] if xen else '')):
        symbols.append(os.path.join(outcome.logs, f'symbols.{name}'))
        with open(symbols[-1], 'w', encoding='utf-8') as f:
            f.write(text)
    names = ['/'.join(c) for c in cases(outcome)]
    subprocess.run([os.path.join(TOP, 'testbed', 'tcgcount', 'symbolise.py'), os.path.join(outcome.logs, 'tcg.tsv'),
                    *symbols, '--top', str(top), '--names', *names], check=True)

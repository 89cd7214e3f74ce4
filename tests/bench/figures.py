# SPDX-License-Identifier: GPL-2.0
"""Makes bars, tables and a picture of the numbers.

results: {configuration: result of bench.run()}. A number of instructions is the median
of a case. In a PV domain the DMA API does not use the IOMMU. Its cost is computed: the
number of the IOMMU API plus the instructions of the kernel's DMA layer. The latter are
from the bare machine, which has the same code.
"""

import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
DOC = os.path.join(TOP, 'Documentation', 'performance.rst')
BEGIN, END = '.. begin: written by make bench', '.. end: written by make bench'
CASES = {
    '4k-near': '4 KiB, tables present',
    '4k': '4 KiB, alone',
    '64x4k': '64 x 4 KiB, one buffer',
    '2m': '2 MiB, one buffer',
    'sg32': '32 x 4 KiB, scattered',
}
WHAT = ('map', 'unmap')
# The public PV-IOMMU code of 2024 with a run-coalescing driver, through the DMA
# API, measured once in the same way.
EARLIER = {
    '4k-near': (2674, 2904), '4k': (6660, 4366), '64x4k': (79731, 75294),
    '2m': (645717, 588093), 'sg32': (77169, 39028),
}
PAGE = 4096
DMA_COLUMNS = (
    ('dma-direct', 'native', 'identity-dma'), ('native strict', 'native', 'dma-dma'),
    ('native deferred', 'native', 'dma-fq-dma'), ('PV, swiotlb-xen', 'pv', 'own-dma'),
    ('PVH strict', 'pvh', 'dma-dma'), ('PVH deferred', 'pvh', 'dma-fq-dma'),
    ('PVH batch=0', 'pvh-single', 'dma-dma'),
)
IOMMU_COLUMNS = (
    ('native', 'native', 'dma-iommu'), ('PV', 'pv', 'own-iommu'), ('PV batch=0', 'pv-single', 'own-iommu'),
    ('PVH', 'pvh', 'dma-iommu'), ('PVH batch=0', 'pvh-single', 'dma-iommu'),
)
GROWTH_COLUMNS = (
    ('PV, 4 KiB', 'pv', 'own-growth', '4k'), ('PV, 64 x 4 KiB', 'pv', 'own-growth', '64x4k'),
    ('PVH, 4 KiB', 'pvh', 'dma-growth', '4k'), ('PVH, 64 x 4 KiB', 'pvh', 'dma-growth', '64x4k'),
)
GROWTH = {'pages': (1, 64, 4096, 262144), 'contexts': (1, 16, 256)}
REGISTERS_COLUMNS = (
    ('native', 'native-registers', 'dma-iommu'), ('PV', 'pv-registers', 'own-iommu'),
    ('PVH', 'pvh-registers', 'dma-iommu'),
)
# Cases with long work in Xen, or in the driver with interrupts off.
BUSY = {
    'large': '512 runs of 512 pages', 'scattered': '32768 runs of a page',
    'one-in-2m': 'a page in each of 4096 x 2 MiB', 'one-in-1g': 'a page in each of 255 GiB',
}
IRQS_OFF = {
    'atomic-large': '512 runs of 512 pages', 'atomic-scattered': '32768 runs of a page',
    'full-batch': '256 blocks of 512 pages',
}
BUSY_COLUMNS = (('PV', 'pv-longest', 'own-bounds'), ('PVH', 'pvh-longest', 'dma-bounds'))
IRQS_COLUMNS = (('PV', 'pv-longest', 'own-irqs'), ('PVH', 'pvh-longest', 'dma-irqs'))
# About 100 us at two instructions a nanosecond. This is the longest delay of an
# interrupt. It also delays Xen's scheduler by at most a tenth of a millisecond, its
# shortest time slice (sched_ratelimit_us).
LONGEST_MAX = 200000


def cell(results, config, phase, case, what, metric='insns'):
    """Return a number, 0 if the counter never ran, or None if there was no such case."""
    found = results.get(config, {}).get('phases', {}).get(phase, {}).get(case, {}).get(what)
    return None if found is None else found.get(metric, 0)


def dma_layer(results, case, what):
    through, without = (cell(results, 'native', phase, case, what) for phase in ('dma-dma', 'dma-iommu'))
    return None if through is None or without is None else through - without


def pv_dma(results, case, what):
    own, layer = cell(results, 'pv', 'own-iommu', case, what), dma_layer(results, case, what)
    return None if own is None or layer is None else own + layer


# --- bars ---------------------------------------------------------------

def both(values):
    values = list(values)
    return None if None in values else sum(values)


def pending_bytes(results):
    """The memory with the maximum number of pairs of lists; one pair, for one CPU, was measured."""
    buffers = results.get('pv', {}).get('memory', {}).get('dense', {}).get('buffers')
    with open(os.path.join(TOP, 'drivers', 'iommu', 'xen', 'pending.h'), encoding='utf-8') as f:
        pairs = int(re.search(r'XPI_PENDING_PAIRS_MAX\s+(\d+)', f.read())[1])
    return None if buffers is None else buffers * PAGE * pairs


def mappings_per_page(results, kind):
    m = results.get('pv', {}).get('memory', {}).get(kind)
    return m and m['mappings'] * PAGE / m['pages']


def growth(results, config, phase, case, of_what):
    """Return by how many per cent the most expensive map and unmap exceed the cheapest."""
    sums = [both(cell(results, config, phase, f'{case}.{of_what}.{n}', w) for w in WHAT) for n in GROWTH[of_what]]
    return None if None in sums else 100 * (max(sums) / min(sums) - 1)


def per_flush(results, config, phase, direction):
    """Return the register accesses by a flush of an unmap; None if there was none."""
    seen, flushes, doorbells = (cell(results, config, phase, '4k', 'unmap', m)
                                for m in (f'mmio-{direction}', 'flushes', 'mmio-write'))
    return seen / flushes if flushes and doorbells else None


def longest(results, cases, where, what, metric):
    """Return the maximum of all cases; None if a case has no such span."""
    seen = [cell(results, *where, case, what, metric) for case in cases]
    return None if None in seen or not max(seen) else max(seen)


def longest_bars(results):
    for name, *where in BUSY_COLUMNS:
        for what in (*WHAT, 'free'):
            yield (f'{name}: in Xen between two checks for preemption, {what}',
                   longest(results, BUSY, where, what, 'busy'), LONGEST_MAX)
    for name, *where in IRQS_COLUMNS:
        for what in WHAT:
            yield (f'{name}: driver with interrupts off, {what}',
                   longest(results, IRQS_OFF, where, what, 'irqs-off'), LONGEST_MAX)


def bars(results):
    """Yield (what, value or None, limit); a value up to the limit passes."""
    near = both(pv_dma(results, '4k-near', w) for w in WHAT)
    native = both(cell(results, 'native', 'dma-dma', '4k-near', w) for w in WHAT)
    yield '4 KiB map and unmap, tables present', near, 3800
    yield 'the same, against 1.5 times native strict', near, native and native * 3 // 2
    for case, name in CASES.items():
        if case != '4k-near':
            for i, what in enumerate(WHAT):
                yield f'{name}: {what}, against half of earlier code', pv_dma(results, case, what), EARLIER[case][i] // 2
    for what in WHAT:
        yield f'{CASES["sg32"]}: hypercalls of one {what}', cell(results, 'pv', 'own-iommu', 'sg32', what, 'hypercalls'), 1
    yield 'mappings, bytes per 4 KiB page, dense', mappings_per_page(results, 'dense'), 16
    yield 'pending lists, bytes per domain', pending_bytes(results), 64 << 10
    for name, *where in GROWTH_COLUMNS:
        for of_what, numbers in GROWTH.items():
            yield f'{name}: growth, {of_what}: 1 to {show(numbers[-1])}, %', growth(results, *where, of_what), 20
    for name, config, phase in REGISTERS_COLUMNS[1:]:
        yield f'{name}: reads of registers by a flush', per_flush(results, config, phase, 'read'), 0
    yield from longest_bars(results)


def judged(results):
    """Yield (what, value, limit, passed)."""
    return [(what, value, limit, value is not None and limit is not None and value <= limit)
            for what, value, limit in bars(results)]


# --- text ---------------------------------------------------------------

def show(value):
    if value is None:
        return 'not measured'
    if isinstance(value, float):
        return f'{value:.1f}'
    return f'{value:,}'.replace(',', ' ')


def table(head, rows):
    """Return an rst table, which is also printed on the terminal."""
    cells = [list(head)] + [list(r) for r in rows]
    widths = [max(len(r[i]) for r in cells) for i in range(len(head))]
    rule = '  '.join('=' * w for w in widths)
    lines = ['  '.join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in cells]
    return '\n'.join([rule, lines[0], rule, *lines[1:], rule])


def pair(results, config, phase, case, metric='insns'):
    values = [cell(results, config, phase, case, w, metric) for w in WHAT]
    return '-' if None in values else ' / '.join(show(v) for v in values)


def api_table(results, columns, metric='insns'):
    return table(['map / unmap'] + [c[0] for c in columns],
                 [[name] + [pair(results, *c[1:], case, metric) for c in columns] for case, name in CASES.items()])


def owners_table(results):
    """The instructions of PV by owner, and its other counters."""
    metrics = (('Xen', 'xen'), ('kernel', 'kernel'), ('driver', 'module'), ('hypercalls', 'hypercalls'),
               ('flushes', 'flushes'))
    return table(['PV, map / unmap'] + [m[0] for m in metrics],
                 [[name] + [pair(results, 'pv', 'own-iommu', case, m[1]) for m in metrics]
                  for case, name in CASES.items()])


def earlier_table(results):
    rows = []
    for case, name in CASES.items():
        ours = [pv_dma(results, case, w) for w in WHAT]
        rows.append([name, ' / '.join(show(v) for v in ours), ' / '.join(show(v) for v in EARLIER[case])])
    return table(['map / unmap', 'PV, as through the DMA API', 'earlier code'], rows)


def memory_table(results):
    rows = []
    for kind, what in (('dense', '512 pages in each 2 MiB'), ('sparse', 'one page in each 2 MiB')):
        m = results.get('pv', {}).get('memory', {}).get(kind)
        if m:
            rows.append([what, show(mappings_per_page(results, kind)), show(m['xen'] * PAGE / m['pages']),
                         show(m['xen-empty'])])
    return table(['mapped', 'mappings, bytes per page', "Xen's tables, bytes per page", 'pages of an empty context'], rows)


def growth_table(results):
    rows = [[f'{of_what}: {show(n)}'] + [pair(results, config, phase, f'{case}.{of_what}.{n}')
                                        for _, config, phase, case in GROWTH_COLUMNS]
            for of_what, numbers in GROWTH.items() for n in numbers]
    return table(['map / unmap'] + [c[0] for c in GROWTH_COLUMNS], rows)


def registers_table(results):
    rows = [[direction] + [show(per_flush(results, config, phase, metric)) for _, config, phase in REGISTERS_COLUMNS]
            for direction, metric in (('reads', 'read'), ('writes', 'write'))]
    return table(['registers'] + [c[0] for c in REGISTERS_COLUMNS], rows)


def longest_table(results, head, cases, columns, regions, metric):
    rows = [[name] + [' / '.join('-' if v is None else show(v)
                                 for v in (cell(results, config, phase, case, w, metric) for w in regions))
                      for _, config, phase in columns]
            for case, name in cases.items()]
    return table([head] + [c[0] for c in columns], rows)


def bars_table(results):
    return table(['bar', 'measured', 'at most', ''],
                 [[what, show(value), show(limit), 'passed' if ok else 'MISSED']
                  for what, value, limit, ok in judged(results)])


def host():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        model = re.search(r'model name\s*: (.*)', f.read())
    return f'{model[1] if model else "unknown CPU"}, {os.cpu_count()} CPUs'


def origin(results, date):
    seen = dict.fromkeys(v for r in results.values() for v in r['versions'])
    return '\n'.join([f'Measured {date} on {host()} under TCG, one virtual CPU, with:', '']
                     + [f'- {v}' for v in seen])


def text(results, date):
    return '\n\n'.join([
        origin(results, date),
        'Through the IOMMU API, in a paging domain of its own, strict', api_table(results, IOMMU_COLUMNS),
        'Hypercalls of these', api_table(results, IOMMU_COLUMNS, 'hypercalls'),
        'Through the DMA API', api_table(results, DMA_COLUMNS),
        'Hypercalls of these', api_table(results, DMA_COLUMNS, 'hypercalls'),
        'Instructions in a PV domain by their owner', owners_table(results),
        'Comparison with earlier code', earlier_table(results),
        'Cost of growth', growth_table(results),
        'Memory', memory_table(results),
        'Accesses to registers of the IOMMU for one flush', registers_table(results),
        'Longest work in Xen between two checks for preemption, instructions',
        longest_table(results, 'map / unmap / free', BUSY, BUSY_COLUMNS, (*WHAT, 'free'), 'busy'),
        'Longest work in the driver with interrupts off, instructions, including those of Xen',
        longest_table(results, 'map / unmap', IRQS_OFF, IRQS_COLUMNS, WHAT, 'irqs-off'),
        'Bars', bars_table(results)])


def write_document(results, date):
    with open(DOC, encoding='utf-8') as f:
        document = f.read()
    before, rest = document.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    with open(DOC, 'w', encoding='utf-8') as f:
        f.write(f'{before}{BEGIN}\n\n{text(results, date)}\n\n{END}{after}')


# --- the picture --------------------------------------------------------

PLOT = '''
set terminal svg size 900,480 font "sans,13" background "white"
set output "{out}"
set title "Guest instructions of one map and one unmap (DMA API, strict)"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set logscale y
set yrange [100:]
set grid ytics
set key top left
set bmargin 4
set datafile separator "\\t"
plot for [i=2:{last}] "{data}" using i:xtic(1) title columnheader(i)
'''


def sums(values):
    total = both(values)
    return '?' if total is None else str(total)


def plot_rows(results):
    yield ['case', 'native', 'PV', 'PVH', 'earlier PV code']
    for case, name in CASES.items():
        yield [name.replace(', ', '\\n'), sums(cell(results, 'native', 'dma-dma', case, w) for w in WHAT),
               sums(pv_dma(results, case, w) for w in WHAT),
               sums(cell(results, 'pvh', 'dma-dma', case, w) for w in WHAT), str(sum(EARLIER[case]))]


def draw(results, build):
    data, script = os.path.join(build, 'plot.tsv'), os.path.join(build, 'plot.gp')
    rows = list(plot_rows(results))
    with open(data, 'w', encoding='utf-8') as f:
        f.write(''.join('\t'.join(r) + '\n' for r in rows))
    with open(script, 'w', encoding='utf-8') as f:
        f.write(PLOT.format(out=DOC.replace('.rst', '.svg'), data=data, last=len(rows[0])))
    subprocess.run(['gnuplot', script], check=True)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""judge/ats.py must detect each missing flush of a device with ATS."""

from xpi import finish, named
from judge import ats

INFO = 'flush-expected unmap 1 01:00.0 0x5000-0x5fff'
IOTLB = 'vtd_inv_desc invalidate desc type iotlb high 0x5000 low 0x801600f2'
ALL = 0x7ffffffffffff001


def mark(value, device='01:00.0'):
    return f'pci_cfg_write virtio-rng-pci {device} @0x3c <- 0x{value:x}'


def flush(high, requester=0x100):
    return f'vtd_inv_desc invalidate desc type device high 0x{high:x} low 0x{requester << 32 | 3:x}'


def unmap(*lines):
    return [mark(0xe1), *lines, mark(0xe0)]


def expect(verdict, lines, info=INFO):
    got = list(ats.judge_trace('t', [info], '\n'.join(lines)))[0]
    if got.verdict != verdict:
        raise AssertionError(f'{got.verdict} {got.reason}, not {verdict}: {lines}')


def ranges():
    for high in (0x5000, 0x4001, 0x3001, ALL):
        expect('pass', unmap(IOTLB, flush(high)))
    for high in (0x4000, 0x6000, 0x6001, 0xb001):
        expect('fail', unmap(IOTLB, flush(high)))
    both = 'flush-expected unmap 1 01:00.0 0x0-0xffffffffffff'
    expect('fail', unmap(IOTLB, flush(0x5000)), both)
    expect('pass', unmap(IOTLB, flush(ALL)), both)


def another_device():
    expect('fail', unmap(IOTLB, flush(0x5000, 0x108)))
    expect('fail', [mark(0xe1, '00:04.0'), IOTLB, flush(0x5000), mark(0xe0, '00:04.0')])


def order():
    expect('fail', unmap(flush(0x5000), IOTLB))
    expect('fail', unmap(IOTLB))


def outside_of_the_marks():
    expect('fail', unmap() + [IOTLB, flush(0x5000)])
    expect('fail', [IOTLB, flush(0x5000)] + unmap())
    expect('fail', [mark(0xe2), IOTLB, flush(0x5000), mark(0xe0)] + unmap())


def count():
    good = unmap(IOTLB, flush(0x5000))
    expect('fail', [])
    expect('fail', good + good)
    expect('fail', good + unmap(IOTLB), INFO.replace('unmap 1', 'unmap 2'))
    expect('pass', good + good, INFO.replace('unmap 1', 'unmap 2'))
    expect('fail', [], INFO.replace('unmap 1', 'unmap 0'))
    expect('skip', good, 'nothing announced')


if __name__ == '__main__':
    finish('ats', named(ranges, another_device, order, outside_of_the_marks, count))

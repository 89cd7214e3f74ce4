# SPDX-License-Identifier: GPL-2.0
"""Check in QEMU's trace that Xen flushes a device's own TLB.

t-ats.c writes to an unused register of the device, which sets marks in the trace. It
announces how many pairs of marks it sets, and the range that each pair has to flush.
Between the marks of a pair Xen must flush the IOTLB first and then the whole range in
the device's TLB.
"""

import re
from dataclasses import dataclass

from judge.judgement import Test, failed_if

ANNOUNCED = re.compile(r'flush-expected (\w+) (\d+) (\S+) 0x([0-9a-f]+)-0x([0-9a-f]+)')
MARKED = re.compile(r'pci_cfg_write \S+ (\S+) @0x3c <- 0x(e[0-9a-f])$')
ASKED = re.compile(r'vtd_inv_desc .* high 0x([0-9a-f]+) low 0x([0-9a-f]+)$')
END = 0xe0
MARKS = {'unmap': 0xe1, 'move': 0xe2}
# Types of descriptors, VT-d 6.5.2.
IOTLB, DEVICE_TLB = 2, 3


@dataclass
class Announced:
    count: int
    device: str
    first: int
    last: int

    def flushed_by(self, high, low):
        """True if this descriptor flushes the announced range. VT-d 6.5.2.5: bits 32..47
        are the requester id. If bit 0 of the upper half is set, the lowest clear bit of
        the address gives the size."""
        bus, slot, fn = (int(part, 16) for part in re.split('[:.]', self.device))
        size = 1 << 12
        if high & 1:
            while high & size:
                size <<= 1
            size <<= 1
        first = high & ~0xfff & ~(size - 1)
        return low >> 32 & 0xffff == bus << 8 | slot << 3 | fn and first <= self.first and self.last < first + size


def pairs(trace, mark, device):
    """Yield the descriptors between the marks of each pair, as (upper half, lower half)."""
    part = None
    for line in trace.split('\n'):
        if (m := MARKED.match(line)) and m[1] == device:
            if part is not None:
                yield part
            part = [] if int(m[2], 16) == mark else None
        elif (m := ASKED.match(line)) and part is not None:
            part.append((int(m[1], 16), int(m[2], 16)))


def flushed(part, wanted):
    after_iotlb = False
    for high, low in part:
        if low & 15 == DEVICE_TLB and after_iotlb and wanted.flushed_by(high, low):
            return True
        after_iotlb |= low & 15 == IOTLB
    return False


def one(name, trace, what, wanted):
    found = list(pairs(trace, MARKS[what], wanted.device))
    if not wanted.count or len(found) != wanted.count:
        return Test(name, 'fail', f'the trace has {len(found)} of {wanted.count} announced pairs')
    bad = sum(not flushed(part, wanted) for part in found)
    return failed_if(bad, name, f'for {bad} of {wanted.count} Xen did not flush 0x{wanted.first:x}-0x{wanted.last:x} '
                     'in the device')


def judge_trace(prefix, infos, trace):
    """One test for the unmaps and one for the moves."""
    said = [m for m in map(ANNOUNCED.fullmatch, infos) if m]
    said = {m[1]: Announced(int(m[2]), m[3], int(m[4], 16), int(m[5], 16)) for m in said}
    for what in MARKS:
        name = f'{prefix}.ats.{what}-flushes-device'
        if what in said:
            yield one(name, trace, what, said[what])
        else:
            yield Test(name, 'skip', f'no {what} was announced: its test did not complete')

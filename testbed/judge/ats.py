# SPDX-License-Identifier: GPL-2.0
"""What QEMU's trace says of the flushes of a device's own TLB.

t-ats.c sets marks in the trace, by writes to a register of the device that
means nothing, and announces how many pairs there are and what each has to flush.
Between the two marks of a pair the IOMMU must have been asked to invalidate the
device's TLB, for all of that, and after its own.
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
        """VT-d 6.5.2.5: requester id in bits 32..47, and if bit 0 of the upper
        half is set, the lowest clear bit of the address is the range's upper half."""
        bus, slot, fn = (int(part, 16) for part in re.split('[:.]', self.device))
        size = 1 << 12
        if high & 1:
            while high & size:
                size <<= 1
            size <<= 1
        first = high & ~0xfff & ~(size - 1)
        return low >> 32 & 0xffff == bus << 8 | slot << 3 | fn and first <= self.first and self.last < first + size


def pairs(trace, mark, device):
    """The descriptors of each marked part, as (upper half, lower half)."""
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
        return Test(name, 'fail', f'{len(found)} of {wanted.count} announced are in the trace')
    bad = sum(not flushed(part, wanted) for part in found)
    return failed_if(bad, name, f'{bad} of {wanted.count} sent no flush to the device that covers '
                     f'0x{wanted.first:x}-0x{wanted.last:x}')


def judge_trace(prefix, infos, trace):
    """One test for the unmaps and one for the moves."""
    said = [m for m in map(ANNOUNCED.fullmatch, infos) if m]
    said = {m[1]: Announced(int(m[2]), m[3], int(m[4], 16), int(m[5], 16)) for m in said}
    for what in MARKS:
        name = f'{prefix}.ats.{what}-flushes-device'
        if what in said:
            yield one(name, trace, what, said[what])
        else:
            yield Test(name, 'skip', f'no {what} was announced: its test did not run to its end')

# SPDX-License-Identifier: GPL-2.0
"""Build micro-dom0, boot it under Xen, judge it.

  tests/micro-dom0/run pv|pvh [XEN] [--variant NAME] [--only PREFIX[+PREFIX]]
                       [--after-unmap N] [--fuzz N] [--seed N] [--devices N]
                       [--xen-args TEXT] [--iommu-args TEXT]
                       [--inject HOW] [--smp N] [--ats] [--bridge]
                       [--phantom] [--sleep] [--kexec [HOW]] [--long]

XEN is a multiboot ELF. The default is the variant of testbed/xen-build that --variant
names, or debug.
Prints the xpi: lines. The logs are in build/logs/micro.pv and micro.pvh, those of a
given XEN in build/logs/micro.pv.NAME, where NAME is its directory's name.
"""

import argparse
import contextlib
import fcntl
import os
import re
import subprocess
import sys

from judge import ats
from judge.judgement import Test, failed_if, faults, tell
from run import boot, testbed
from run.testbed import TOP

FIRST_SLOT = 4
# The first frame is RAM that no domain owns: the BIOS has its data at the end of it. The
# others are not RAM, because a PVH dom0 gets RAM of its own wherever it can.
DIRECT_FRAMES = (0x9f, 0xa1)
# The slot of the USB controller, and the frames of its region.
USB_SLOT = 3
USB_FRAMES = (0xa4, 0xa5)
XEN_CMDLINE = ('console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all '
               'sync_console dom0_mem=256M,max:256M')

# --inject: the number of the first flush of contexts that Xen makes fail, and how many
# fail. The boot and the test itself need the flushes before it.
INJECT = {'retry': '50', 'broken': '50x2', 'attach': '50', 'twice': '50x2', 'phantom': '53'}
INJECTED = 'made to fail'

# --kexec: the kind of jump, and Xen's option for it.
KEXEC = {'reboot': '', 'crash': '', 'crash-disable': 'iommu=crash-disable'}

# The bridge's requests have the number of its secondary bus, and device 0.
BRIDGE = ['pcie-root-port,id=rp2,addr=1c,chassis=2', 'pcie-pci-bridge,id=br1,bus=rp2',
          'piix3-usb-uhci,bus=br1,addr=4',
          'edu,bus=br1,addr=1,dma_mask=0xffffffffffffffff', 'edu,bus=br1,addr=2,dma_mask=0xffffffffffffffff',
          'pci-bridge,id=br2,bus=br1,addr=3,chassis_nr=3', 'edu,bus=br2,addr=1,dma_mask=0xffffffffffffffff']

# Below a root port, because only PCI Express endpoints have ATS and phantom functions.
RNG = ['pcie-root-port,id=rp1,addr=1d,chassis=1',
       'virtio-rng-pci,bus=rp1,iommu_platform=on,disable-legacy=on']

# With this Xen serves no context to a PV dom0.
L1TF = 'pv-l1tf=dom0'

# This device floods its IOMMU with faults. With --bridge it is below the bridge.
UHCI = ['piix3-usb-uhci,addr=1b']

# QEMU traces the invalidations of the IOMMU, and the marks of t-ats.c.
TRACE = 'trace.log'
TRACE_ARGS = ['-trace', 'vtd_inv_desc', '-trace', 'pci_cfg_write', '-D', TRACE]

# The device below the only root port has seven phantom functions. With iommu=debug Xen
# logs which functions it maps.
PHANTOM = 'pci-phantom=01:00,1 iommu=debug'
PHANTOM_MAPPED = re.compile(r'd0:PCIe: map 0000:01:00\.([1-7])')
NOT_FLUSHED = re.compile(r'0000:01:00\.0: requester id 0000:01:00\.(\d) not flushed')

EXPECTED = re.compile(r'fault-expected (\S+) (read|write) 0x([0-9a-f]+)')
FLOOD = re.compile(r'(flood-\S+) (\S+) 0x([0-9a-f]+)')
# Lines about a device that floods, for any length of the flood: the number that Xen
# reports in a second, and a few that were already queued.
FLOOD_LINES = 11 + 4
FLOOD_SAID = 'too many faults'
SELFTEST = re.compile(r'IOMMU contexts: self-test (passed|failed|lost)')


def arguments(words=None):
    ap = argparse.ArgumentParser(description='Boot the micro-dom0 under Xen and judge it.')
    ap.add_argument('flavour', choices=['pv', 'pvh'])
    ap.add_argument('xen', nargs='?', help='multiboot ELF (default: testbed/xen-build VARIANT)')
    ap.add_argument('--variant', default='debug', help='variant of testbed/xen-build (default debug)')
    ap.add_argument('--only', help='run only tests whose names have these prefixes, e.g. dma. or dma.+away.')
    ap.add_argument('--after-unmap', type=int,
                    help='transfers right after an unmap (default 2000, 1000 for pvh without --long)')
    ap.add_argument('--fuzz', type=int, help='random calls (default 50000, pvh 10000)')
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--devices', type=int, default=16, choices=range(4, 17), metavar='4..16',
                    help='edu devices (default 16)')
    ap.add_argument('--xen-args', default='', help="additions to Xen's command line, e.g. iommu=no-quarantine")
    ap.add_argument('--iommu-args', default='', help='additions to the device intel-iommu, e.g. caching-mode=on')
    ap.add_argument('--inject', choices=list(INJECT), help='make flushes fail, and run the test of that name')
    ap.add_argument('--smp', type=int, default=1, help='processors (default 1); the smp. tests need 4')
    ap.add_argument('--ats', action='store_true', help='add a device with ATS, and run the ats. tests')
    ap.add_argument('--bridge', action='store_true', help='add devices below a PCI bridge, and run the bridge. tests')
    ap.add_argument('--phantom', action='store_true', help='add a device with phantom functions, and run the phantom. tests')
    ap.add_argument('--sleep', action='store_true', help='suspend to RAM and wake up: run the sleep. tests')
    ap.add_argument('--kexec', nargs='?', const='reboot', choices=list(KEXEC),
                    help='start an image by kexec while devices do DMA: run the kexec. test')
    ap.add_argument('--long', action='store_true', help='also run the parts that take minutes')
    args = ap.parse_args(words)
    if args.after_unmap is None:
        args.after_unmap = 1000 if args.flavour == 'pvh' and not args.long else 2000
    if args.fuzz is None:
        args.fuzz = 50000 if args.flavour == 'pv' else 10000
    if args.bridge:
        args.only = args.only or 'bridge.+flood.'
    if args.ats:
        args.only = args.only or 'ats.'
        args.xen_args = f'ats=1 {args.xen_args}'
        args.iommu_args = f'device-iotlb=on,{args.iommu_args}'.rstrip(',')
    args.phantom |= args.inject == 'phantom'
    if args.phantom and args.bridge:
        ap.error('--phantom requires the root port of bus 1; leave out --bridge.')
    if args.phantom:
        args.only = args.only or 'phantom.'
        args.xen_args = f'{PHANTOM} {args.xen_args}'
    if args.sleep:
        args.only = args.only or 'sleep.'
    if args.kexec:
        args.only = args.only or 'kexec.'
        args.xen_args += f' crashkernel=16M {KEXEC[args.kexec]}'
    if args.inject:
        args.only = f'inject.{args.inject}'
        args.xen_args += f' ctx-fail-flush={INJECT[args.inject]}'
    return args


@contextlib.contextmanager
def alone_in(directory):
    """Lock the directory; a second build waits."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, 'lock'), 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def logs_of(args):
    name = f'micro.{args.flavour}'
    if args.variant != 'debug':
        name += '.' + args.variant
    if args.xen:
        name += '.' + os.path.basename(os.path.dirname(os.path.abspath(args.xen)))
    return os.path.join(TOP, 'build', 'logs', name)


def build(flavour):
    objects = os.path.join(TOP, 'build', 'micro-dom0')
    elf = os.path.join(objects, flavour + '.elf')
    make = ['make', '-s', '-C', os.path.join(TOP, 'tests', 'micro-dom0'), f'O={objects}', elf]
    with alone_in(objects):
        done = subprocess.run(testbed.in_root(*make, chdir=TOP), stdout=sys.stderr, check=False)
    if done.returncode:
        sys.exit('micro-dom0: the test kernel does not build; see above.')
    return elf


def extra_args(args):
    return (TRACE_ARGS if args.ats else []) + (['-global', 'ICH9-LPC.disable_s3=0'] if args.sleep else [])


def machine(args, elf):
    slots = range(FIRST_SLOT, FIRST_SLOT + args.devices)
    cmdline = f'seed={args.seed} after-unmap={args.after_unmap} fuzz={args.fuzz}'
    if 'dom0-iommu=passthrough' in args.xen_args:
        cmdline += ' passthrough=1'
    if L1TF in args.xen_args:
        cmdline += ' l1tf=1'
    if args.inject:
        cmdline += f' inject={list(INJECT).index(args.inject) + 1}'
    if args.smp > 1:
        cmdline += f' smp={args.smp}'
    if args.sleep:
        cmdline += ' sleep=1'
    if args.kexec:
        cmdline += f' kexec={list(KEXEC).index(args.kexec) + 1}'
    if args.long:
        cmdline += ' long=1'
    if args.only:
        cmdline += f' only={args.only}'
    # The last two devices get a region (RMRR), like integrated graphics.
    first, last = DIRECT_FRAMES
    usb_first, usb_last = USB_FRAMES
    xen = (f'{XEN_CMDLINE} rmrr={first:x}-{last:x}=00:{slots[-1]:x}.0,00:{slots[-2]:x}.0;'
           f'{usb_first:x}-{usb_last:x}=00:{USB_SLOT:x}.0 {args.xen_args}')
    cmdline += f' rmrr-first={first} rmrr-last={last} usb={USB_SLOT << 3} usb-first={usb_first} usb-last={usb_last}'
    rng = [RNG[0], RNG[1] + (',ats=on' if args.ats else '')] if args.ats or args.phantom else []
    iommu = boot.Machine.iommu + (',' + args.iommu_args if args.iommu_args else '')
    return boot.Machine(
        name=f'micro.{args.flavour}', xen=args.xen or testbed.path('xen-build', args.variant), kernel=elf, cmdline=cmdline,
        xen_cmdline=xen + (' dom0=pvh' if args.flavour == 'pvh' else ''),
        # Without xsave: Xen warns about the compressed size that TCG reports.
        smp=args.smp, machine='q35,kernel-irqchip=split', cpu='max,-xsave', memory='1G', iommu=iommu,
        devices=[f'edu,addr={slot:x},dma_mask=0xffffffffffffffff' for slot in slots] +
        [f'qemu-xhci,addr={USB_SLOT:x}'] + rng + (BRIDGE if args.bridge else UHCI), extra=extra_args(args), wake=args.sleep,
        logs=logs_of(args), timeout=300 + 600 * args.long + args.after_unmap // 4 + args.fuzz // (5000 if args.flavour == 'pv' else 1000))


def refused(outcome):
    """Xen's log must have each blocked access that the kernel announced."""
    name = outcome.machine.name + '.dma.faults-logged'
    wanted = [EXPECTED.fullmatch(text) for text in outcome.judgement.infos]
    wanted = {('0000:' + m[1], m[2], int(m[3], 16)) for m in wanted if m}
    if not wanted:
        return None
    missing = [f'{dev} {how} 0x{addr:x}' for dev, how, addr in sorted(wanted - set(faults(outcome.console)))]
    return failed_if(missing, name, f'{len(missing)} of {len(wanted)} are missing in the console log, first: {" ".join(missing[:1])}')


def flood_log(name, console, device):
    """Xen must log the first faults of a flood, and then no more of them."""
    test = 'micro-dom0: flood.others-work'
    console = console.split(test + '\n')[-1].split(test + ' took')[0]
    lines = sum(dev == '0000:' + device for dev, _, _ in faults(console))
    said = console.count(FLOOD_SAID)
    return failed_if(not 1 <= lines <= FLOOD_LINES or said != 1, name,
                     f'Xen logged {lines} faults of {device} (1 to {FLOOD_LINES} are right) and '
                     f'{said} times "{FLOOD_SAID}"')


def next_owner(name, console, device, addr):
    """Xen must report faults of a device again after another domain got it."""
    return failed_if(('0000:' + device, addr) not in [(dev, at) for dev, _, at in faults(console)], name,
                     f'Xen logged no fault of {device} at {addr:#x} while a domain owned it')


def flood(outcome):
    """The results of the flood. tests that are in Xen's log only."""
    for m in filter(None, map(FLOOD.fullmatch, outcome.judgement.infos)):
        if m[1] == 'flood-logged':
            yield flood_log(f'{outcome.machine.name}.flood.log', outcome.console, m[2])
        else:
            yield next_owner(f'{outcome.machine.name}.flood.next-owner', outcome.console, m[2], int(m[3], 16))


def selftest(outcome):
    """Xen's log must say that the self-test of the page tables passed, if Xen has one."""
    name = outcome.machine.name + '.selftest'
    config = os.path.join(os.path.dirname(outcome.machine.xen), '.config')
    if not os.path.exists(config):
        return Test(name, 'skip', 'there is no .config next to Xen that says whether it has a self-test')
    with open(config, encoding='utf-8') as f:
        if 'CONFIG_IOMMU_CTX_SELFTEST=y\n' not in f.readlines():
            return Test(name, 'skip', 'this Xen is built without CONFIG_IOMMU_CTX_SELFTEST')
    said = SELFTEST.findall(outcome.console)
    return failed_if(said != ['passed'], name, f"Xen's log says of its self-test: {', '.join(said) or 'nothing'}")


def injected(outcome, how):
    """As many flushes must have failed as the test needs."""
    name, wanted = f'{outcome.machine.name}.inject.happened', how.endswith('x2') + 1
    seen = outcome.console.count(INJECTED)
    return failed_if(seen != wanted, name, f'{seen} flushes failed, not {wanted}')


def trace(outcome):
    with open(os.path.join(outcome.logs, TRACE), encoding='utf-8', errors='replace') as f:
        return f.read()


def phantoms(outcome):
    """Xen must have mapped all phantom functions of the device."""
    name = f'{outcome.machine.name}.phantom.mapped'
    seen = set(PHANTOM_MAPPED.findall(outcome.console))
    return failed_if(len(seen) != 7, name, f'Xen has mapped {len(seen)} phantom functions, not 7')


def phantom_hit(outcome):
    """The flush that failed must be that of a phantom function, in the middle of a move."""
    name = f'{outcome.machine.name}.inject.phantom-hit'
    seen = NOT_FLUSHED.findall(outcome.console)
    return failed_if(len(seen) != 1 or seen[0] in '07', name,
                     f'a move failed at functions {seen}, not at one of 1 to 6; choose another flush in INJECT')


def main():
    args = arguments()
    try:
        outcome = boot.run(machine(args, build(args.flavour)))
    except (boot.SpecError, OSError) as e:
        sys.exit(f'micro-dom0: {e}')
    found = outcome.judgement
    if L1TF not in args.xen_args:
        found.tests.append(selftest(outcome))
    fault_test = refused(outcome)
    if fault_test:
        found.tests.append(fault_test)
    found.tests += flood(outcome)
    if args.ats:
        found.tests += ats.judge_trace(outcome.machine.name, found.infos, trace(outcome))
    if args.inject:
        found.tests.append(injected(outcome, INJECT[args.inject]))
    if args.phantom:
        found.tests.append(phantoms(outcome))
    if args.inject == 'phantom':
        found.tests.append(phantom_hit(outcome))
    for text in found.infos:
        if not text.startswith(('fault-expected', 'flood-logged', 'flood-next-owner', 'flush-expected')):
            print(f'xpi: info {text}')
    print(f'micro-dom0: {outcome.seconds:.0f} s, logs in {outcome.logs}', file=sys.stderr)
    return tell(found.and_run(outcome.machine.name))

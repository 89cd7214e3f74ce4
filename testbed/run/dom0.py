# SPDX-License-Identifier: GPL-2.0
"""The dom0 suites: machine, initramfs, steps and tests of each.

A suite is one boot:
- "full": dom0 before and after the driver is loaded;
- "absent": the driver on a Xen without PV-IOMMU;
- "pvh": a PVH dom0 whose disk does DMA through a context;
- "bypass": a PV dom0 whose devices do not use swiotlb-xen;
- "bare": the VFIO program and DPDK without Xen under Linux' own driver, as a check of
  the testbed;
- "io-strict", "io-lazy": PVH dom0s with all traffic in contexts; "io-pv": a PV dom0;
- "huge": the same with hugepages;
- "share": a PV dom0 with two groups in one container, whose users are killed; also by
  iommufd;
- "greedy", "greedy-pv": the io suites while users of VFIO hold all page tables that
  they may have.
SPECIAL has the differences of a suite's machine or command lines.
"""

import fcntl
import hashlib
import os
import subprocess
import sys

from judge.judgement import Test, failed_if, faults
from run import boot, initramfs, plug, testbed
from run.testbed import TOP

TESTS = os.path.join(TOP, 'tests', 'dom0')
BUILD = os.path.join(TOP, 'build', 'dom0')
STEPS = {'full': 'before+load+vfio+edges+dpdk', 'absent': 'absent', 'bare': 'vfio+edges+dpdk', 'pvh': 'pvh+vmd+vfio+edges',
         'bypass': 'bypass', 'topology': 'topology', 'life': 'life', 'hotplug': 'hotplug+functions+pciback',
         'initramfs': 'initramfs', 'strict': 'domains+region', 'lazy': 'domains', 'identity': 'domains',
         'greedy': 'driver+greedy+fio+cable+sated', 'greedy-pv': 'driver+greedy+fio+cable+sated',
         'io-strict': 'driver+fio+cable', 'io-lazy': 'driver+fio+cable', 'io-pv': 'driver+fio+cable',
         'huge': 'untaken+huge+dpdk+share+kill', 'share': 'driver+share+region+kill+iommufd',
         'faults': 'driver+isolated+faults', 'narrow': 'driver+dpdk+narrow', 'pvh-faults': 'driver+faults',
         'programs': 'driver+programs+bar', 'bare-programs': 'programs+bar',
         'irq': 'driver+irq+dpdkirq+irqkept', 'pvh-irq': 'driver+irq+dpdkirq+irqkept', 'bare-irq': 'irq+dpdkirq+irqkept',
         'sleep': 'driver+sleep', 'reset': 'reset+cable', 'acs': 'acs', 'pvh-lacks': 'driver+functions+sleep'}
# Steps that announce faults, i.e. accesses that the IOMMU has to block.
BLOCKING = {'vfio', 'edges', 'bypass', 'huge', 'share', 'region', 'kill', 'iommufd', 'sleep', 'reset', 'acs', 'bar'}
# Steps with a disk, and steps that compare the disk's contents.
DISK_STEPS = {'dpdk', 'programs', 'dpdkirq', 'irq', 'irqkept', 'narrow', 'untaken', 'load', 'pvh', 'topology', 'life',
              'domains', 'hotplug', 'initramfs', 'sleep', 'reset'}
DIGEST_STEPS = {'pvh', 'initramfs', 'domains', 'reset'}
# Suites without Xen, under Linux' own driver.
BARE = {'bare', 'bare-irq', 'bare-programs'}
# A PVH dom0 works with this CPU under TCG. boot.Machine has the CPU of other machines.
PVH_CPU = 'EPYC,-monitor,-rdtscp'
# ext4 requests crc32c by its crypto name. Newer kernels have it built in.
MODULES = ['nvme', 'ext4', 'crc32c_generic?', 'vfio-pci', 'vfio_iommu_type1', 'iommufd?']
OURS = ['xen-pv-iommu', 'xpi_secret', 'xpi_partunmap', 'xpi_orphan', 'xpi_dmaapi', 'xpi_look', 'xpi_vmd', 'xpi_acs',
        'xpi_restore?']
CARDS = ['e1000e', 'igb']
# Programs for the guest, which the Makefile builds.
PROGRAMS = ['vfio-dma', 'vfio-irq', 'vfio-faults', 'vfio-share', 'vfio-huge', 'vfio-victim', 'vfio-edges', 'vfio-region',
            'vfio-greedy', 'vfio-bar', 'iommufd-dma', 'iommufd-share', 'iommufd-outlive', 'edu-copy']
# Empty disks: XFS, which the bypass suite uses, requires 300 MiB.
SCRATCH_BYTES = {'bypass': 512 << 20, 'fio': 64 << 20}
DIGEST_BYTES = 8 << 20   # guest/steps/pvh.sh reads as many
EDU = 'edu,dma_mask=0xffffffffffffffff'
# Two network cards, each of which receives what the other sends.
PORTS = ['-netdev', 'hubport,id=h0,hubid=0', '-device', 'e1000e,netdev=h0,romfile=',
         '-netdev', 'hubport,id=h1,hubid=0', '-device', 'igb,netdev=h1,romfile=']
# Two switches whose ports have no ACS, so that the devices below one are one group, and
# a conventional bus. The disk, which is in use, is below the second switch.
TREE = ['pcie-root-port,id=r1,chassis=1,disable-acs=on', 'x3130-upstream,id=u1,bus=r1',
        'xio3130-downstream,id=d1,bus=u1,chassis=11', 'xio3130-downstream,id=d2,bus=u1,chassis=12',
        'e1000e,bus=d1,romfile=', 'e1000e,bus=d2,romfile=',
        'pcie-root-port,id=r2,chassis=2,disable-acs=on', 'x3130-upstream,id=u2,bus=r2',
        'xio3130-downstream,id=d3,bus=u2,chassis=13', 'xio3130-downstream,id=d4,bus=u2,chassis=14',
        f'{EDU},bus=d4',
        'pcie-root-port,id=r3,chassis=3', 'pcie-pci-bridge,id=p1,bus=r3', f'{EDU},bus=p1,addr=1']
# Two edus, an igb that can have virtual functions, and two ports to plug into.
SLOTS = [EDU, EDU, 'pcie-root-port,id=v1,chassis=3', 'igb,bus=v1,romfile=',
         'pcie-root-port,id=h1,chassis=1', 'pcie-root-port,id=h2,chassis=2']
# The first disk once more, for a second controller.
SPARE = ['-blockdev', 'driver=raw,node-name=spare,read-only=on,file.driver=file,file.filename=disk0']
# By default QEMU's q35 does not support suspend to RAM.
S3 = ['-global', 'ICH9-LPC.disable_s3=0']
# An edu that its port resets, and a disk with ATS that has a reset of its own (FLR).
RESETS = ['pcie-root-port,id=r1,chassis=1', f'{EDU},bus=r1', 'pcie-root-port,id=r2,chassis=2']
RESET_DISK = 'virtio-blk-pci,bus=r2,disable-legacy=on,iommu_platform=on,ats=on,x-pcie-flr-init=on'
# Two edus, each below a port with ACS, which isolates it.
PORTS_APART = ['pcie-root-port,id=r1,chassis=1', f'{EDU},bus=r1', 'pcie-root-port,id=r2,chassis=2', f'{EDU},bus=r2']
# A USB controller, for which Xen's rmrr= makes a region; a PVH dom0 has no memory in the video window.
USB = 'qemu-xhci,addr=10'
REGION, REGION_PVH = 'rmrr=30000-3000f=00:10.0', 'rmrr=a4-a5=00:10.0'
# Two edus and two NVMe controllers. The edus share a line of INTx, because their slots
# are four apart. One NVMe controller has more vectors than the machine.
LINES = ['pcie-root-port,id=r1,chassis=1,addr=4', f'{EDU},bus=r1', 'pcie-root-port,id=r2,chassis=2,addr=8', f'{EDU},bus=r2',
         'pcie-root-port,id=r3,chassis=3', 'nvme,serial=xpiirq,drive=spare,bus=r3',
         'pcie-root-port,id=r4,chassis=4', 'nvme,serial=xpicrowd,msix_qsize=400,bus=r4']
IRQ = {'devices': LINES, 'extra': PORTS + SPARE, 'modules': CARDS, 'faults': False, 'timeout': 3600}
# A device with a BAR of 256 MiB, for which the host allocates memory on first access,
# and an NVMe controller for programs.
PROGRAMS_MACHINE = {'devices': [EDU, EDU, 'ivshmem-plain,memdev=bar', 'nvme,serial=xpiprog,drive=spare'], 'modules': CARDS,
                    'extra': PORTS + SPARE + ['-object', 'memory-backend-ram,id=bar,size=256M,share=on']}
# Xen logs this when it refuses a user a page table.
REFUSED = 'page tables of IOMMU contexts refused'
# So few that a user holds all of them within a minute, even with a slow emulator.
FEW_TABLES = 'dom0-iommu=ctx-mem=16M'
# Differences from the common machine and command lines.
SPECIAL = {
    # Xen reports no fault: there is no Xen, or Xen lacks our series, or nothing is blocked.
    'bare': {'faults': False},
    'absent': {'faults': False},
    'topology': {'devices': TREE, 'extra': [], 'disk': 'nvme,serial=xpi0,bus=d3'},
    # A port waits five seconds after each press of its button.
    'hotplug': {'devices': SLOTS, 'extra': [], 'modules': ['igb', 'xen-pciback'], 'timeout': 2400,
                'plug': {'edu': {'driver': 'edu', 'bus': 'h1', 'dma_mask': 2 ** 64 - 1},
                         'nvme': {'driver': 'nvme', 'bus': 'h2', 'drive': 'spare', 'serial': 'xpihot'}}},
    # The supported way of loading: any warning is a failure.
    'initramfs': {'cmdline': 'panic_on_warn=1'},
    'life': {'extra': [], 'cmdline': 'xpi_lives=20'},
    'bypass': {'modules': ['xfs'] + CARDS},
    'io-strict': {'pvh': True, 'cmdline': 'iommu.strict=1 xpi_type=DMA', 'modules': CARDS},
    'io-lazy': {'pvh': True, 'cmdline': 'xpi_type=DMA-FQ', 'modules': CARDS},
    'io-pv': {'cmdline': 'xpi_driver=pv_dma_ops_swap=1 xpi_type=DMA', 'modules': CARDS},
    'greedy': {'pvh': True, 'cmdline': 'xpi_type=DMA-FQ', 'xen_cmdline': FEW_TABLES, 'modules': CARDS, 'xen_says': REFUSED},
    'greedy-pv': {'cmdline': 'xpi_driver=pv_dma_ops_swap=1 xpi_type=DMA', 'xen_cmdline': FEW_TABLES, 'modules': CARDS, 'xen_says': REFUSED},
    'huge': {'pvh': True, 'cmdline': 'xpi_kills=20', 'modules': CARDS, 'timeout': 3000},
    'share': {'cmdline': 'xpi_kills=20 xpi_region=0x30000000', 'devices': [EDU, EDU, USB], 'xen_cmdline': REGION,
              'timeout': 3000},
    # The steps announce no faults, because Xen does not report all of a flood.
    'faults': {'modules': CARDS, 'faults': False, 'cmdline': 'xpi_driver=msi_isolated=1'},
    'pvh-faults': {'pvh': True, 'modules': CARDS, 'faults': False},
    # The address width of IOMMUs of client CPUs. Nothing is blocked.
    'narrow': {'iommu': ',aw-bits=39', 'modules': CARDS, 'faults': False, 'cmdline': 'xpi_width=39'},
    'sleep': {'extra': S3, 'wake': True, 'xen_cmdline': 'x2apic=0'},
    'reset': {'pvh': True, 'cmdline': 'iommu.passthrough=0', 'xen_cmdline': 'ats=1', 'iommu': ',device-iotlb=on',
              'devices': RESETS, 'disk': RESET_DISK, 'modules': CARDS + ['virtio_blk', 'virtio_pci?']},
    'acs': {'pvh': True, 'devices': PORTS_APART, 'extra': []},
    'irq': IRQ,
    'programs': PROGRAMS_MACHINE,
    'bare-programs': {**PROGRAMS_MACHINE, 'faults': False},
    'pvh-irq': {**IRQ, 'pvh': True},
    'bare-irq': IRQ,
    'pvh-lacks': {'pvh': True, 'devices': SLOTS, 'extra': [], 'modules': ['igb'], 'faults': False},
    'strict': {'pvh': True, 'cmdline': 'iommu.passthrough=0 iommu.strict=1 xpi_region=0xa4000',
               'devices': [EDU, EDU, USB], 'xen_cmdline': REGION_PVH},
    'lazy': {'pvh': True, 'cmdline': 'iommu.passthrough=0 iommu.strict=0', 'xen_cmdline': 'dom0-iommu=nr-ctx=4'},
    'identity': {'pvh': True, 'cmdline': 'iommu.passthrough=1'},
}
# A suite's name with this suffix is the same boot with several CPUs, which concurrently
# send requests for one context.
SMP = '-smp'
CPUS = 4
SLOWER = 3              # times, where the host has fewer CPUs than that
# Xen reports ten faults a second. A flood has many more. In ten seconds of a flood the
# log would get five times eleven lines without the limit. With it the log gets the first
# eleven, and some more if the emulator stops for a while.
FLOOD_RATE = 30
FLOOD_LINES = 40


def without_smp(suite):
    """Return the suite that has these steps and this machine."""
    return suite.removesuffix(SMP)


def suites():
    return sorted(STEPS) + sorted(s + SMP for s in STEPS)


def special(suite):
    return SPECIAL.get(without_smp(suite), {})


def debug_tests(kernel, prefix):
    """Return the tests that a debug kernel must report at the end; see guest/steps/debug.sh."""
    checkers = {'debug': ('lockdep-works', 'dma-api-works', 'dma-api-no-errors', 'no-leaks', 'kfence-works'),
                'kasan': ('kasan-works',)}
    checkers['rtdebug'] = checkers['debug']
    return [f'{prefix}.debug.{t}' for t in checkers.get(kernel.name.partition('-')[2], ())]


def build(*what):
    """Run make under a lock, because two suites may start at once."""
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(BUILD, 'lock'), 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(testbed.in_root('make', '-s', '-C', TESTS, f'OUT={BUILD}', *what), check=True, stdout=sys.stderr)


def programs():
    build()
    return [os.path.join(BUILD, p) for p in PROGRAMS]


def dpdk_files():
    """Build the DPDK program with the sdk of the image in which it runs."""
    sdk, program = os.path.join(os.path.dirname(testbed.path('dpdk-root')), 'sdk'), os.path.join(BUILD, 'rx-sleep')
    build(f'DPDK={sdk}', program)
    return [f'{program}:/bin/rx-sleep']


def vfio_patched(kernel):
    """VFIO's module with the patch of packaging/linux."""
    return [os.path.join(testbed.path('vfio-patched', kernel.name), 'vfio-pci-core.ko') + ':/xpi/vfio-pci-core.ko']


def guest_files():
    steps = os.path.join(TESTS, 'guest', 'steps')
    files = [f'{os.path.join(steps, s)}:/xpi/steps/{s}' for s in sorted(os.listdir(steps))]
    files += [f'{os.path.join(TESTS, "guest", f)}:{at}' for f, at in (('init', '/init'), ('lib.sh', '/xpi/lib.sh'))]
    return files + [f'{p}:/bin/{os.path.basename(p)}' for p in programs()]


def packaged_initrd(kernel):
    """Return an initrd made by initramfs-tools; it has tests/packaging/look instead of our steps."""
    out = os.path.join(BUILD, f'{kernel.name}.packaged')
    made = subprocess.run([os.path.join(TOP, 'tests', 'packaging', 'run'), '--keep', out, kernel.name],
                          check=False, stdout=subprocess.PIPE, text=True)
    # The part "packaging" counts these tests, so they do not count here.
    print(made.stdout.replace('xpi: ', 'packaging: '), end='', file=sys.stderr)
    if made.returncode:
        raise boot.SpecError('tests/packaging/run failed; see its output above.')
    return os.path.join(out, 'initrd.initramfs-tools')


def make_initrd(kernel, suite, kmod, steps):
    base = without_smp(suite)
    if base == 'initramfs':
        return packaged_initrd(kernel)
    wanted = MODULES + special(suite).get('modules', [])
    if base in BARE:
        kmod = None
    else:
        kmod, wanted = kmod or testbed.path('kmod', kernel.name), wanted + OURS
    files, steps = guest_files(), set(steps.split('+'))
    files += dpdk_files() if steps & {'dpdkirq', 'irqkept'} else []
    files += vfio_patched(kernel) if 'irqkept' in steps else []
    return initramfs.build(os.path.join(BUILD, f'{kernel.name}.{suite}.initrd.gz'),
                           kernel.modules, kmod, wanted, files)


def scratch(step):
    """Return the image of an empty disk. QEMU discards the guest's writes."""
    os.makedirs(BUILD, exist_ok=True)
    path = os.path.join(BUILD, f'scratch.{step}.img')
    with open(path, 'ab') as f:
        f.truncate(SCRATCH_BYTES[step])
    return path


def disks(steps, driver=None):
    """Return the disks. The NVMe disk is the root of DPDK and fio, and the live disk of the load step."""
    steps = set(steps.split('+'))
    for step in SCRATCH_BYTES.keys() & steps:
        return [{'path': testbed.path('dpdk-root')}, {'path': scratch(step)}]
    if DISK_STEPS & steps:
        return [{'path': testbed.path('dpdk-root'), **({'driver': driver} if driver else {})}]
    return []


def digest(path):
    """Return the digest of the part that the guest reads to check its disk."""
    with open(path, 'rb') as f:
        return hashlib.md5(f.read(DIGEST_BYTES)).hexdigest()


def console(suite):
    if suite in BARE:
        return 'console=ttyS0 intel_iommu=on xpi_bare=1'
    return 'console=hvc0 earlyprintk=xen'


def machine(kernel, suite, xen, kmod=None, steps=None, name=None):
    base = without_smp(suite)
    steps, differs = steps or STEPS[base], special(suite)
    prefix = f'dom0.{kernel.name}' + (f'.{suite}' if suite not in ('full', 'absent') else '')
    cpus = CPUS if suite.endswith(SMP) else 1
    bare, pvh, images = base in BARE, differs.get('pvh', base == 'pvh'), disks(steps, differs.get('disk'))
    known = f' xpi_digest={digest(images[0]["path"])}' if DIGEST_STEPS & set(steps.split('+')) else ''
    return prefix, boot.Machine(
        name=name or f'dom0.{kernel.name}.{suite}',
        xen=None if bare else xen,
        kernel=kernel.image,
        initrd=make_initrd(kernel, suite, kmod, steps),
        xen_cmdline=f'{boot.Machine.xen_cmdline} dom0_mem=1G,max:1G{" dom0=pvh" * pvh} {differs.get("xen_cmdline", "")}',
        cmdline=f'{console(base)} {differs.get("cmdline", "")} panic=-1 rdinit=/init '
                f'xpi_prefix={prefix} xpi_suite={base} xpi_steps={steps} xpi_cpus={cpus}{known}',
        cpu=PVH_CPU if pvh else boot.Machine.cpu,
        smp=cpus,
        devices=differs.get('devices', [EDU, EDU]),
        disks=images,
        extra=differs.get('extra', PORTS) + SPARE * ('plug' in differs),
        iommu=boot.Machine.iommu + differs.get('iommu', ''),
        wake=differs.get('wake', False),
        expect=debug_tests(kernel, prefix),
        timeout=differs.get('timeout', 1800) * (SLOWER if cpus > 1 else 1))


# --- faults -------------------------------------------------------------

def wanted_faults(infos):
    for text in infos:
        word, _, rest = text.partition(' ')
        if word == 'expect-fault':
            bdf, kind, addr = rest.split()
            yield bdf, kind, int(addr, 16)


def fault_test(prefix, outcome):
    """Xen must have reported each announced access."""
    wanted = list(wanted_faults(outcome.judgement.infos))
    seen = faults(outcome.console)
    name = f'{prefix}.fault.each-reported'
    if not wanted:
        return Test(name, 'fail', 'no test announced a blocked access')
    for fault in wanted:
        if fault not in seen:
            bdf, kind, addr = fault
            return Test(name, 'fail', f'Xen reported no {kind} of {addr:#x} by {bdf}; it reported {len(seen)} faults')
        seen.remove(fault)
    return Test(name, 'pass')


def said_test(prefix, text, outcome):
    return failed_if(text not in outcome.console, f'{prefix}.xen-logs-why', f'the console lacks "{text}"')


def flood_test(prefix, outcome, bdf, addr, rate):
    """Xen must log the first faults of a flood, and then no more of them."""
    name = f'{prefix}.faults.xen-log-not-flooded'
    lines = faults(outcome.console).count((bdf, 'read', int(addr, 16)))
    said = outcome.console.count(f'{bdf}: too many faults')
    if int(rate) < FLOOD_RATE:
        return Test(name, 'skip', f'{rate} faults a second are no flood; this machine is slow')
    return failed_if(not said or not 0 < lines <= FLOOD_LINES, name,
                     f"Xen's log has {lines} faults of {bdf}, and {said} times \"too many faults\"")


def flood_tests(prefix, outcome):
    for text in outcome.judgement.infos:
        if text.startswith('flood-of '):
            yield flood_test(prefix, outcome, *text.split()[1:])


def boot_with_plug(m, devices, watchers):
    if not devices:
        return boot.run(m, **watchers)
    monitor = plug.Plug(devices)
    m.extra = m.extra + monitor.args()
    try:
        return boot.run(m, on_result=monitor.on_result)
    finally:
        monitor.close()


def run(kernel_name, suite='full', xen=None, kmod=None, steps=None, name=None, append='', timeout=None, **watchers):
    """Boot one suite; return the outcome and all its tests.

    @name: the name of the run and its log directory. It does not change the names of tests.
    """
    kernel = testbed.kernel_named(kernel_name)
    if without_smp(suite) not in BARE:
        xen = xen or ('stock' if suite == 'absent' else 'release')
        xen = xen if '/' in xen else testbed.path('xen-build', xen)
    prefix, m = machine(kernel, suite, xen, kmod, steps, name)
    m.cmdline, m.timeout = f'{m.cmdline} {append}'.strip(), timeout or m.timeout
    outcome = boot_with_plug(m, special(suite).get('plug'), watchers)
    tests = outcome.judgement.and_run(prefix if prefix.endswith(suite) else f'{prefix}.{suite}')
    if special(suite).get('faults', True) and BLOCKING & set((steps or STEPS[without_smp(suite)]).split('+')):
        tests.append(fault_test(prefix, outcome))
    tests += flood_tests(prefix, outcome)
    if special(suite).get('xen_says'):
        tests.append(said_test(prefix, special(suite)['xen_says'], outcome))
    return outcome, tests

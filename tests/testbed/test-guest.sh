#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tests/dom0/guest: one shell reads all steps, so two files must not define functions
# with the same name.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
guest=$here/../dom0/guest

twice=$(grep -hoE '^[a-z_0-9]+\(\)' "$guest"/lib.sh "$guest"/steps/*.sh | sort | uniq -d | tr '\n' ' ')
if [ -z "$twice" ]; then
	pass guest.one-function-a-name
else
	fail guest.one-function-a-name "defined twice: $twice"
fi
for f in "$guest"/init "$guest"/lib.sh "$guest"/steps/*.sh; do
	bash -n "$f" || fail "guest.syntax-${f##*/}" "see above"
done
pass guest.syntax-read

# Three leaked objects: one of xen-pciback, one without a backtrace, one of the driver.
leaks=$(. "$guest/steps/debug.sh" 2>/dev/null && leaks_of <<'END'
unreferenced object 0xffff888004c09340 (size 64):
  comm "init", pid 1, jiffies 4294995554
  hex dump (first 32 bytes):
    40 92 c0 04 80 88 ff ff 20 f7 c6 04 80 88 ff ff  @.......+0x.....
  backtrace (crc aef6a2cd):
    __kmalloc_cache_noprof+0x1dd/0x3d0
    xen_pcibk_config_add_field_offset+0x2d/0x100 [xen_pciback]
unreferenced object 0xffff888004c09240 (size 64):
  comm "init", pid 1, jiffies 4294995554
unreferenced object 0xffff888004c09140 (size 64):
  backtrace (crc aef6a2cd):
    __kmalloc_cache_noprof+0x1dd/0x3d0
    xpi_dev_create+0x2d/0x100 [xen_pv_iommu]
END
)
if [ "$leaks" = $'by\nby __kmalloc_cache_noprof+0x1dd/0x3d0 xpi_dev_create+0x2d/0x100' ]; then
	pass guest.leaks-are-distinguished
else
	fail guest.leaks-are-distinguished "it printed: $leaks"
fi
finish

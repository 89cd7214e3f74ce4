#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Dracut: put the IOMMU driver into the initramfs, and load it before udev processes
# the devices.

check()
{
	# Only for kernels that have the module.
	modinfo -k "${kernel:-$(uname -r)}" xen_pv_iommu >/dev/null 2>&1
}

depends()
{
	return 0
}

installkernel()
{
	instmods xen_pv_iommu
}

install()
{
	inst_multiple -o /etc/modprobe.d/xen-pv-iommu.conf \
		/usr/lib/modprobe.d/xen-pv-iommu.conf
	inst_hook pre-udev 05 "$moddir/load.sh"
}

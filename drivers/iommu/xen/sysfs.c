// SPDX-License-Identifier: GPL-2.0
/*
 * Shows the width of iovas in the file that programs read.
 *
 * DPDK and programs that follow its example read the capability register that
 * the kernel's VT-d driver shows, at iommu/intel-iommu/cap below a PCI device.
 * Without that file DPDK assumes that any virtual address can be an iova. This file
 * has the field that they read, and no other bit is set.
 */
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "caps.h"
#include "sysfs.h"

static const struct xpi_caps *shown;

static ssize_t cap_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%llx\n",
			  (unsigned long long)xpi_caps_vtd_cap(shown));
}
static DEVICE_ATTR_RO(cap);

static struct attribute *vtd_attrs[] = {
	&dev_attr_cap.attr,
	NULL
};

static const struct attribute_group vtd_group = {
	.name = "intel-iommu",
	.attrs = vtd_attrs,
};

static const struct attribute_group *groups[] = {
	&vtd_group,
	NULL
};

const struct attribute_group **xpi_sysfs_groups(const struct xpi_caps *caps)
{
	shown = caps;
	return groups;
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_SYSFS_H
#define XPI_SYSFS_H

struct attribute_group;
struct xpi_caps;

/**
 * xpi_sysfs_groups() - what the IOMMU shows below /sys/class/iommu
 * @caps: what Xen offers; it stays as long as the IOMMU is registered
 *
 * Return: for iommu_device_sysfs_add().
 */
const struct attribute_group **xpi_sysfs_groups(const struct xpi_caps *caps);

#endif /* XPI_SYSFS_H */

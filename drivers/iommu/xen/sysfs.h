/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_SYSFS_H
#define XPI_SYSFS_H

struct attribute_group;
struct xpi_caps;

/**
 * xpi_sysfs_groups() - get the IOMMU's attributes below /sys/class/iommu
 * @caps: capabilities of Xen; must stay valid while the IOMMU is registered
 *
 * Return: for iommu_device_sysfs_add().
 */
const struct attribute_group **xpi_sysfs_groups(const struct xpi_caps *caps);

#endif /* XPI_SYSFS_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_DEBUGFS_H
#define XPI_DEBUGFS_H

struct xpi_dev;
struct xpi_hv;

/**
 * xpi_debugfs_start() - create /sys/kernel/debug/xen-pv-iommu
 * @hv: the hypervisor
 */
void xpi_debugfs_start(const struct xpi_hv *hv);

/**
 * xpi_debugfs_stop() - remove /sys/kernel/debug/xen-pv-iommu
 *
 * Waits for all readers.
 */
void xpi_debugfs_stop(void);

/**
 * xpi_debugfs_add() - create the directory of a device
 * @xdev: the device; valid until xpi_debugfs_del()
 */
void xpi_debugfs_add(struct xpi_dev *xdev);

/**
 * xpi_debugfs_del() - remove the directory of a device
 * @xdev: the device
 *
 * Waits for all readers. Caller must not hold xpi_devs_lock.
 */
void xpi_debugfs_del(struct xpi_dev *xdev);

#endif /* XPI_DEBUGFS_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_DEBUGFS_H
#define XPI_DEBUGFS_H

struct xpi_dev;
struct xpi_hv;

/**
 * xpi_debugfs_start() - make /sys/kernel/debug/xen-pv-iommu
 * @hv: the hypervisor
 */
void xpi_debugfs_start(const struct xpi_hv *hv);

/**
 * xpi_debugfs_stop() - remove it
 *
 * On return nobody reads there any more.
 */
void xpi_debugfs_stop(void);

/**
 * xpi_debugfs_add() - a directory for a device
 * @xdev: the device; it is there until xpi_debugfs_del()
 */
void xpi_debugfs_add(struct xpi_dev *xdev);

/**
 * xpi_debugfs_del() - remove it
 * @xdev: the device
 *
 * Waits for those who read there; xpi_devs_lock must not be held.
 */
void xpi_debugfs_del(struct xpi_dev *xdev);

#endif /* XPI_DEBUGFS_H */

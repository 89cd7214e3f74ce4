/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_ACS_H
#define XPI_ACS_H

#include <linux/types.h>

struct pci_dev;
struct xpi_dev;

/**
 * xpi_acs_is_on() - check whether a device isolates its peers
 * @pdev: a device or a port
 *
 * Stricter than the core, which knows devices that need no ACS.
 *
 * Return: true if the required services that it supports are on; false without ACS.
 */
bool xpi_acs_is_on(struct pci_dev *pdev);

/**
 * xpi_acs_save() - save which ports above a device have ACS on
 * @xdev: the device, about to be put into a group
 */
void xpi_acs_save(struct xpi_dev *xdev);

/**
 * xpi_acs_hold() - restore the isolation of a device's group, and keep it
 * @xdev: the device, about to be given to a user
 *
 * Turns on again what xpi_acs_save() saved. Until xpi_acs_release() the ports above
 * stay awake, because a port may lose ACS in sleep. May sleep. Caller must hold the
 * core's group mutex.
 *
 * Return: 0, or -ENODEV if a port does not turn it on; the log names the port.
 */
int xpi_acs_hold(struct xpi_dev *xdev);

/**
 * xpi_acs_release() - let the ports above a device sleep again
 * @xdev: the device, held or not
 */
void xpi_acs_release(struct xpi_dev *xdev);

#endif /* XPI_ACS_H */

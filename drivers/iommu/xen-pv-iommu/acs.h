/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_ACS_H
#define XPI_ACS_H

#include <linux/types.h>

struct pci_dev;
struct xpi_dev;

/**
 * xpi_acs_is_on() - does a device keep its peers apart?
 * @pdev: a device or a port
 *
 * Stricter than the core, which knows devices that need no such services.
 *
 * Return: whether its access control services are on, as far as it has them.
 */
bool xpi_acs_is_on(struct pci_dev *pdev);

/**
 * xpi_acs_save() - note where on a device's way up they are on
 * @xdev: the device, about to be put into a group
 */
void xpi_acs_save(struct xpi_dev *xdev);

/**
 * xpi_acs_hold() - make sure that a device is kept apart as its group says
 * @xdev: the device, about to be given to a user
 *
 * Turns on again what was on when xpi_acs_save() looked. Until xpi_acs_release()
 * the ports above stay awake, for a port may forget it in sleep. May sleep; the
 * caller holds the core's group mutex.
 *
 * Return: 0, or -ENODEV if a port does not turn it on; the log says which.
 */
int xpi_acs_hold(struct xpi_dev *xdev);

/**
 * xpi_acs_release() - no user has it any more
 * @xdev: the device, held or not
 */
void xpi_acs_release(struct xpi_dev *xdev);

#endif /* XPI_ACS_H */

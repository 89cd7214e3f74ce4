/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices below the root port of --bridge: a PCIe-to-PCI bridge, on its bus two edu
 * devices and a PCI-to-PCI bridge, and below that a third edu. All requests of the
 * three have the requester id of device 0 on the first bus.
 */
#ifndef MICRO_BRIDGE_H
#define MICRO_BRIDGE_H

#include "edu.h"

struct bridge {
	uint32_t port, bdf, nested;
	struct edu *dev[3];		/* the last is below the second bridge */
};

/* Skips the test if there is no bridge. */
const struct bridge *bridge_need(void);

#endif

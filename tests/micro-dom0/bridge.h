/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is behind the root port of --bridge: a PCIe-to-PCI bridge, on its bus
 * two edu devices and a PCI-to-PCI bridge, and behind that a third device. All
 * requests of the three arrive as the first bus' device 0.
 */
#ifndef MICRO_BRIDGE_H
#define MICRO_BRIDGE_H

#include "edu.h"

struct bridge {
	uint32_t port, bdf, nested;
	struct edu *dev[3];		/* the last is behind the second bridge */
};

/* Skips the test where there is none. */
const struct bridge *bridge_need(void);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * Decisions about groups and about devices that have a driver already.
 *
 * The core groups PCI devices by itself, but only those that the driver takes. A
 * device with a live driver, which the driver skips, must not share a group with a
 * device that VFIO can claim: the two can reach each other. The core does not export
 * the functions that find groups. So this file decides conservatively whether two
 * devices could be in one group.
 */
#include <linux/bits.h>

#include "group.h"

/* Set in a key of a whole slot instead of one function. */
#define KEY_WHOLE_SLOT	BIT_ULL(32)
#define FUNCTION_MASK	7U

static bool isolates(const struct xpi_hop *hop)
{
	switch (hop->kind) {
	case XPI_HOP_PORT:
		return hop->acs;
	case XPI_HOP_PCIE:
		return hop->acs || !hop->multifunction;
	case XPI_HOP_BUS:
		return false;
	}
	return false;
}

u64 xpi_group_key(const struct xpi_hop *hops, unsigned int nr)
{
	const struct xpi_hop *top = &hops[0];
	unsigned int i;

	/*
	 * Below the uppermost bridge that does not isolate its peers, each device
	 * can reach all others.
	 */
	for (i = nr - 1; i; i--) {
		if (!isolates(&hops[i])) {
			top = &hops[i];
			break;
		}
	}

	if (top->multifunction && !isolates(top))
		return KEY_WHOLE_SLOT | (top->sbdf & ~FUNCTION_MASK);
	return top->sbdf;
}

bool xpi_group_is_alone(const struct xpi_hop *hops, unsigned int nr)
{
	return isolates(&hops[0]) && xpi_group_key(hops, nr) == hops[0].sbdf;
}

bool xpi_may_take(enum xpi_bound bound, enum xpi_late late)
{
	switch (bound) {
	case XPI_UNBOUND:
		return true;
	case XPI_MANAGED:
		return late == XPI_LATE_MANAGED;
	case XPI_LIVE:
		return false;
	}
	return false;
}

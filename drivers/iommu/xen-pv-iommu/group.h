/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_GROUP_H
#define XPI_GROUP_H

#include <linux/types.h>

/**
 * enum xpi_hop_kind - how far a device keeps its peers apart by nature
 * @XPI_HOP_PORT: a root port or a switch's downstream port: only if access
 *	control services say so
 * @XPI_HOP_PCIE: any other PCI Express device: functions of one slot only if
 *	access control services say so
 * @XPI_HOP_BUS: conventional PCI, or a bridge to or from it: not at all
 */
enum xpi_hop_kind {
	XPI_HOP_PORT,
	XPI_HOP_PCIE,
	XPI_HOP_BUS,
};

/**
 * struct xpi_hop - one device on the way from an endpoint to its root bus
 * @sbdf: segment << 16 | bus << 8 | devfn
 * @kind: what it is
 * @multifunction: its slot has several functions
 * @acs: its access control services are on: what reaches it goes up to the
 *	IOMMU
 */
struct xpi_hop {
	u32 sbdf;
	enum xpi_hop_kind kind;
	bool multifunction;
	bool acs;
};

/* Deeper than any real hierarchy; what is deeper still is never accepted. */
#define XPI_MAX_HOPS	32

/**
 * xpi_group_key() - which devices may end up in one IOMMU group?
 * @hops: the device first, then each bridge above it, up to the root bus
 * @nr: how many, at least 1
 *
 * Return: a key. Two devices with different keys are never grouped by the IOMMU
 * core's PCI rules. With the same key they may be; the core knows of hardware
 * quirks that make finer groups.
 */
u64 xpi_group_key(const struct xpi_hop *hops, unsigned int nr);

/**
 * xpi_group_is_alone() - does a device keep all others out of its group?
 * @hops: as for xpi_group_key()
 * @nr: as for xpi_group_key()
 *
 * Return: whether no other device, were it plugged in now, could have its key.
 */
bool xpi_group_is_alone(const struct xpi_hop *hops, unsigned int nr);

/**
 * enum xpi_bound - who drives a device at the moment
 * @XPI_UNBOUND: nobody
 * @XPI_MANAGED: a driver that leaves DMA to others (pcieport, vfio-pci)
 * @XPI_LIVE: a driver that may have DMA in flight
 */
enum xpi_bound {
	XPI_UNBOUND,
	XPI_MANAGED,
	XPI_LIVE,
};

/**
 * enum xpi_late - what to do with devices that have a driver already
 * @XPI_LATE_SKIP: take none
 * @XPI_LATE_MANAGED: take those whose driver leaves DMA to others
 */
enum xpi_late {
	XPI_LATE_SKIP,
	XPI_LATE_MANAGED,
};

/**
 * xpi_may_take() - may this driver take over a device in that state?
 * @bound: its state
 * @late: the policy
 *
 * Return: whether it may. A live device has mapped its buffers in another way;
 * translating its DMA under its driver would be data loss.
 */
bool xpi_may_take(enum xpi_bound bound, enum xpi_late late);

#endif /* XPI_GROUP_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_GROUP_H
#define XPI_GROUP_H

#include <linux/types.h>

/**
 * enum xpi_hop_kind - how a device isolates its peers
 * @XPI_HOP_PORT: a root port or a switch's downstream port: isolates if its access
 *	control services are on
 * @XPI_HOP_PCIE: any other PCI Express device: isolates the functions of a slot if
 *	its access control services are on
 * @XPI_HOP_BUS: conventional PCI, or a bridge to or from it: never isolates
 */
enum xpi_hop_kind {
	XPI_HOP_PORT,
	XPI_HOP_PCIE,
	XPI_HOP_BUS,
};

/**
 * struct xpi_hop - one device on the path from an endpoint to its root bus
 * @sbdf: segment << 16 | bus << 8 | devfn
 * @kind: what it is
 * @multifunction: its slot has several functions
 * @acs: its access control services are on: it forwards requests to the IOMMU
 */
struct xpi_hop {
	u32 sbdf;
	enum xpi_hop_kind kind;
	bool multifunction;
	bool acs;
};

/* More than in any real hierarchy; the driver rejects longer paths. */
#define XPI_MAX_HOPS	32

/**
 * xpi_group_key() - compute the key of the IOMMU group that a device may join
 * @hops: the device first, then each bridge above it, up to the root bus
 * @nr: their number, at least 1
 *
 * Return: a key. The IOMMU core's PCI rules never put two devices with different
 * keys in one group. With the same key they may; the core knows hardware quirks that
 * make finer groups.
 */
u64 xpi_group_key(const struct xpi_hop *hops, unsigned int nr);

/**
 * xpi_group_is_alone() - check whether no other device can join a device's group
 * @hops: as for xpi_group_key()
 * @nr: as for xpi_group_key()
 *
 * Return: true if no other device, even one plugged in later, can have its key.
 */
bool xpi_group_is_alone(const struct xpi_hop *hops, unsigned int nr);

/**
 * enum xpi_bound - kind of a device's driver
 * @XPI_UNBOUND: no driver
 * @XPI_MANAGED: a driver that leaves DMA to others (pcieport, vfio-pci)
 * @XPI_LIVE: a driver that may have DMA in flight
 */
enum xpi_bound {
	XPI_UNBOUND,
	XPI_MANAGED,
	XPI_LIVE,
};

/**
 * enum xpi_late - policy for devices that have a driver already
 * @XPI_LATE_SKIP: take none
 * @XPI_LATE_MANAGED: take those whose driver leaves DMA to others
 */
enum xpi_late {
	XPI_LATE_SKIP,
	XPI_LATE_MANAGED,
};

/**
 * xpi_may_take() - check whether the driver may take a device
 * @bound: kind of its driver
 * @late: the policy
 *
 * A live driver has mapped its buffers untranslated; translating its DMA now would
 * lose data.
 *
 * Return: true if the driver may take it.
 */
bool xpi_may_take(enum xpi_bound bound, enum xpi_late late);

#endif /* XPI_GROUP_H */

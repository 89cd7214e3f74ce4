// SPDX-License-Identifier: GPL-2.0
/*
 * Tests whether two devices may be in one IOMMU group: on known topologies, then
 * against the core's rules on random trees.
 */
#include "group.h"

#include "group-tree.h"
#include "harness.h"

#define PORT(bdf, has_acs)	{ (bdf), XPI_HOP_PORT, false, (has_acs) }
#define PORT_MF(bdf, has_acs)	{ (bdf), XPI_HOP_PORT, true, (has_acs) }
#define EP(bdf)			{ (bdf), XPI_HOP_PCIE, false, false }
#define EP_MF(bdf, has_acs)	{ (bdf), XPI_HOP_PCIE, true, (has_acs) }
#define PCI(bdf)		{ (bdf), XPI_HOP_BUS, false, false }
#define PCI_MF(bdf)		{ (bdf), XPI_HOP_BUS, true, false }

#define PATH	4

static const struct {
	const char *what;
	struct xpi_hop a[PATH], b[PATH];
	bool together;
} pairs[] = {
	{ "two slots of the root bus",
	  { EP(0x10) }, { EP(0x18) }, false },
	{ "two functions without ACS",
	  { EP_MF(0x10, false) }, { EP_MF(0x11, false) }, true },
	{ "two functions with ACS",
	  { EP_MF(0x10, true) }, { EP_MF(0x11, true) }, false },
	{ "same slot number, other bus",
	  { EP_MF(0x10, false) }, { EP_MF(0x110, false) }, false },
	{ "same place, other segment",
	  { EP_MF(0x10, false) }, { EP_MF(0x10010, false) }, false },
	{ "conventional functions of a root bus chipset",
	  { PCI_MF(0xf8) }, { PCI_MF(0xfa) }, true },
	{ "two root ports with ACS",
	  { EP(0x100), PORT(0x08, true) }, { EP(0x200), PORT(0x10, true) },
	  false },
	{ "two root ports without ACS, slots of their own",
	  { EP(0x100), PORT(0x08, false) }, { EP(0x200), PORT(0x10, false) },
	  false },
	{ "two root ports without ACS, one slot",
	  { EP(0x100), PORT_MF(0x08, false) },
	  { EP(0x200), PORT_MF(0x09, false) }, true },
	{ "a device and the root port without ACS above it",
	  { EP(0x100), PORT(0x08, false) }, { PORT(0x08, false) }, true },
	{ "a device and the root port with ACS above it",
	  { EP(0x100), PORT(0x08, true) }, { PORT(0x08, true) }, false },
	{ "a switch whose downstream ports have no ACS",
	  { EP(0x300), PORT(0x200, false), EP(0x100), PORT(0x08, true) },
	  { EP(0x400), PORT(0x208, false), EP(0x100), PORT(0x08, true) },
	  false },
	{ "one downstream port without ACS, two functions",
	  { EP_MF(0x300, true), PORT(0x200, false), EP(0x100),
	    PORT(0x08, true) },
	  { EP_MF(0x301, true), PORT(0x200, false), EP(0x100),
	    PORT(0x08, true) }, true },
	{ "a switch with ACS below a root port without",
	  { EP(0x300), PORT(0x200, true), EP(0x100), PORT(0x08, false) },
	  { EP(0x400), PORT(0x208, true), EP(0x100), PORT(0x08, false) },
	  true },
	{ "a switch with ACS all the way",
	  { EP(0x300), PORT(0x200, true), EP(0x100), PORT(0x08, true) },
	  { EP(0x400), PORT(0x208, true), EP(0x100), PORT(0x08, true) },
	  false },
	{ "a switch whose downstream ports share a slot without ACS",
	  { EP(0x300), PORT_MF(0x200, false), EP(0x100), PORT(0x08, true) },
	  { EP(0x400), PORT_MF(0x201, false), EP(0x100), PORT(0x08, true) },
	  true },
	{ "two devices behind a bridge to conventional PCI",
	  { PCI(0x200), PCI(0x100), PORT(0x08, true) },
	  { PCI(0x208), PCI(0x100), PORT(0x08, true) }, true },
	{ "behind two such bridges",
	  { PCI(0x200), PCI(0x100), PORT(0x08, true) },
	  { PCI(0x400), PCI(0x300), PORT(0x10, true) }, false },
};

static unsigned int length(const struct xpi_hop *path)
{
	unsigned int nr = 1;

	while (nr < PATH && path[nr].sbdf)
		nr++;
	return nr;
}

TEST(known_topologies)
{
	unsigned int i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		u64 a = xpi_group_key(pairs[i].a, length(pairs[i].a));
		u64 b = xpi_group_key(pairs[i].b, length(pairs[i].b));

		if ((a == b) != pairs[i].together)
			FAIL("%s: keys %#" PRIx64 " and %#" PRIx64,
			     pairs[i].what, a, b);
	}
}

/* The key of a slot must differ from the key of its function 0. */
TEST(slot_is_not_function_zero)
{
	const struct xpi_hop slot[] = { EP_MF(0x10, false) };
	const struct xpi_hop alone[] = { EP(0x10) };

	CHECK(xpi_group_key(slot, 1) != xpi_group_key(alone, 1));
}

TEST(core_never_joins_what_keys_part)
{
	unsigned int round, joined = 0;
	int i, j;

	for (round = 0; round < 2000; round++) {
		random_tree(rnd_below);
		for (i = 0; i < NODES; i++)
			for (j = 0; j < i; j++) {
				if (tree[i].group != tree[j].group)
					continue;
				joined++;
				CHECK_EQ(key_of(i), key_of(j));
			}
	}
	CHECK(joined > 1000);
}

static bool is_alone(int at)
{
	struct xpi_hop hops[XPI_MAX_HOPS + NODES];

	return xpi_group_is_alone(hops, hops_of(at, hops));
}

/* A group of this kind is not translated, so no device may ever join it. */
TEST(nothing_joins_who_is_alone)
{
	unsigned int round, alone = 0, others = 0;
	int i, j;

	for (round = 0; round < 2000; round++) {
		random_tree(rnd_below);
		for (i = 0; i < NODES; i++) {
			if (!is_alone(i)) {
				others++;
				continue;
			}
			alone++;
			for (j = 0; j < NODES; j++)
				CHECK(j == i || key_of(j) != key_of(i));
		}
	}
	CHECK(alone > 1000);
	CHECK(others > 1000);
}

/* A device that is plugged in below them joins their group. */
TEST(who_does_not_keep_others_out)
{
	const struct xpi_hop no_acs[] = { PORT(0x08, false) };
	const struct xpi_hop slot[] = { EP_MF(0x10, false) };
	const struct xpi_hop to_pci[] = { PCI(0x100), PORT(0x08, true) };
	const struct xpi_hop below[] = { PORT(0x200, true), EP(0x100),
					 PORT(0x08, false) };
	const struct xpi_hop port[] = { PORT_MF(0x08, true) };

	CHECK(!xpi_group_is_alone(no_acs, 1));
	CHECK(!xpi_group_is_alone(slot, 1));
	CHECK(!xpi_group_is_alone(to_pci, 2));
	CHECK(!xpi_group_is_alone(below, 3));
	CHECK(xpi_group_is_alone(port, 1));
}

TEST(who_may_be_taken)
{
	CHECK(xpi_may_take(XPI_UNBOUND, XPI_LATE_MANAGED));
	CHECK(xpi_may_take(XPI_UNBOUND, XPI_LATE_SKIP));
	CHECK(xpi_may_take(XPI_MANAGED, XPI_LATE_MANAGED));
	CHECK(!xpi_may_take(XPI_MANAGED, XPI_LATE_SKIP));
	CHECK(!xpi_may_take(XPI_LIVE, XPI_LATE_MANAGED));
	CHECK(!xpi_may_take(XPI_LIVE, XPI_LATE_SKIP));
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random trees of PCI devices. group_of() follows the rules by which Linux groups
 * them (except for quirks and alias lists). It searches for the first bridge from
 * which every device upward has ACS. A device joins that bridge's group, if the
 * bridge has one, or else functions of its slot that lack ACS.
 */
#ifndef XPI_GROUP_TREE_H
#define XPI_GROUP_TREE_H

#include <stdint.h>

#include "group.h"

#define NODES	40

struct node {
	struct xpi_hop hop;
	int parent;
	int group;
};

static struct node tree[NODES];

static bool core_acs(const struct xpi_hop *hop)
{
	if (hop->kind == XPI_HOP_BUS)
		return false;
	if (hop->kind == XPI_HOP_PCIE && !hop->multifunction)
		return true;
	return hop->acs;
}

static bool path_acs(int at)
{
	for (; at >= 0; at = tree[at].parent)
		if (!core_acs(&tree[at].hop))
			return false;
	return true;
}

static bool same_slot(int a, int b)
{
	return tree[a].parent == tree[b].parent &&
	       tree[a].hop.sbdf >> 3 == tree[b].hop.sbdf >> 3;
}

static int group_of(int dev, int nr)
{
	int at = dev, bridge, i;

	for (bridge = tree[dev].parent; bridge >= 0;
	     bridge = tree[bridge].parent) {
		if (path_acs(bridge))
			break;
		at = bridge;
		if (tree[at].group >= 0)
			return tree[at].group;
	}

	if (tree[at].hop.multifunction && !core_acs(&tree[at].hop))
		for (i = 0; i < nr; i++)
			if (i != at && same_slot(i, at) &&
			    !core_acs(&tree[i].hop) && tree[i].group >= 0)
				return tree[i].group;
	return dev;
}

/*
 * Parents come before children, as in Linux' scan of a bus. @below returns a number
 * less than its argument.
 */
static void random_tree(uint64_t (*below)(uint64_t n))
{
	int i;

	for (i = 0; i < NODES; i++) {
		bool fn = i && below(3) == 0;

		/* Another function of the previous device, or a new slot. */
		tree[i].parent = fn ? tree[i - 1].parent :
				 (int)below(i + 1) - 1;
		tree[i].hop.sbdf = fn ? tree[i - 1].hop.sbdf + 1 :
				   (u32)((tree[i].parent + 1) << 12 | i << 3);
		if (fn && !(tree[i].hop.sbdf & 7))
			tree[i].hop.sbdf += 0x10000;	/* the slot is full */
		tree[i].hop.kind = below(3);
		tree[i].hop.acs = below(2);
		tree[i].hop.multifunction = fn;
		if (fn)
			tree[i - 1].hop.multifunction = true;
		tree[i].group = -1;
	}
	for (i = 0; i < NODES; i++)
		tree[i].group = group_of(i, NODES);
}

static unsigned int hops_of(int dev, struct xpi_hop *hops)
{
	unsigned int nr = 0;

	for (; dev >= 0; dev = tree[dev].parent)
		hops[nr++] = tree[dev].hop;
	return nr;
}

static u64 key_of(int dev)
{
	struct xpi_hop hops[XPI_MAX_HOPS + NODES];

	return xpi_group_key(hops, hops_of(dev, hops));
}

#endif /* XPI_GROUP_TREE_H */

// SPDX-License-Identifier: GPL-2.0
#include "hotplug.h"
#include "hypercall.h"
#include "test.h"

static bool removed[EDU_PLACES], bridge_removed;
static uint32_t bridge;

static long physdev_op(uint32_t cmd, uint32_t bdf)
{
	struct physdev_pci_device d = { .bus = bdf >> 8, .devfn = bdf };

	return hypercall(HC_PHYSDEV_OP, cmd, hc_ptr(&d), 0, 0, 0);
}

void dev_remove(const struct edu *e)
{
	EXPECT(physdev_op(PHYSDEVOP_PCI_DEVICE_REMOVE, e->bdf), 0);
	removed[e - edu] = true;
}

void dev_add(const struct edu *e)
{
	EXPECT(physdev_op(PHYSDEVOP_PCI_DEVICE_ADD, e->bdf), 0);
	removed[e - edu] = false;
}

void bridge_remove(uint32_t bdf)
{
	EXPECT(physdev_op(PHYSDEVOP_PCI_DEVICE_REMOVE, bdf), 0);
	bridge = bdf;
	bridge_removed = true;
}

void bridge_add(uint32_t bdf)
{
	EXPECT(physdev_op(PHYSDEVOP_PCI_DEVICE_ADD, bdf), 0);
	bridge_removed = false;
}

long try_add_vf(const struct edu *e, uint32_t pf)
{
	struct physdev_pci_device d = {
		.bus = e->bdf >> 8, .devfn = e->bdf,
		.flags = PCI_DEV_VIRTFN, .physfn = { pf >> 8, pf },
	};

	return hypercall(HC_PHYSDEV_OP, PHYSDEVOP_PCI_DEVICE_ADD, hc_ptr(&d), 0,
			 0, 0);
}

/* The bridge first: devices below it use its id as well. */
void hotplug_reset(void)
{
	unsigned int i;

	if (bridge_removed)
		bridge_add(bridge);
	for (i = 0; i < EDU_PLACES; i++)
		if (removed[i])
			dev_add(&edu[i]);
}

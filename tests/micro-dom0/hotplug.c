// SPDX-License-Identifier: GPL-2.0
#include "hotplug.h"
#include "hypercall.h"
#include "test.h"

static bool removed[EDU_PLACES];

static long physdev_op(uint32_t cmd, const struct edu *e)
{
	struct physdev_pci_device d = { .bus = e->bdf >> 8, .devfn = e->bdf };

	return hypercall(HC_PHYSDEV_OP, cmd, hc_ptr(&d), 0, 0, 0);
}

void dev_remove(const struct edu *e)
{
	EXPECT(physdev_op(PHYSDEVOP_PCI_DEVICE_REMOVE, e), 0);
	removed[e - edu] = true;
}

void dev_add(const struct edu *e)
{
	EXPECT(physdev_op(PHYSDEVOP_PCI_DEVICE_ADD, e), 0);
	removed[e - edu] = false;
}

void hotplug_reset(void)
{
	unsigned int i;

	for (i = 0; i < EDU_PLACES; i++)
		if (removed[i])
			dev_add(&edu[i]);
}

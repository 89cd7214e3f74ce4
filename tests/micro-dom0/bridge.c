// SPDX-License-Identifier: GPL-2.0
#include "bridge.h"
#include "pci.h"
#include "test.h"

#define ROOT_PORT_ID		0x000c1b36U
#define PCIE_TO_PCI_ID		0x000e1b36U
#define PCI_TO_PCI_ID		0x00011b36U
#define NONE			0xffffffffU

static struct bridge bridge;
static unsigned int nr;

static uint8_t bus_behind(uint32_t bdf)
{
	return pci_read32(bdf, PCI_BUSES) >> 8;
}

/* Return the first device with @id on @bus, at or after @dev. */
static uint32_t find_on(uint8_t bus, unsigned int dev, uint32_t id)
{
	for (; dev < 32; dev++)
		if (pci_read32(PCI_BDF(bus, dev, 0), PCI_ID) == id)
			return PCI_BDF(bus, dev, 0);
	return NONE;
}

static void find_port(void)
{
	uint32_t port = find_on(0, 0, ROOT_PORT_ID);

	while (port != NONE) {
		bridge.bdf = find_on(bus_behind(port), 0, PCIE_TO_PCI_ID);
		if (bridge.bdf != NONE)
			break;
		port = find_on(0, (port >> 3) + 1, ROOT_PORT_ID);
	}
	bridge.port = port;
}

static void add_devices(uint8_t bus, uint32_t rid)
{
	unsigned int dev;

	for (dev = 0; dev < 32 && nr < ARRAY_SIZE(bridge.dev); dev++) {
		if (pci_read32(PCI_BDF(bus, dev, 0), PCI_ID) != EDU_PCI_ID)
			continue;
		bridge.dev[nr] = &edu[EDU_MAX + nr];
		edu_set_up(bridge.dev[nr++], PCI_BDF(bus, dev, 0), rid);
	}
}

const struct bridge *bridge_need(void)
{
	uint8_t bus;

	if (!bridge.port)
		find_port();
	if (bridge.port == NONE)
		test_skip("needs --bridge");
	if (nr)
		return &bridge;
	bus = bus_behind(bridge.bdf);
	bridge.nested = find_on(bus, 0, PCI_TO_PCI_ID);
	CHECK(bridge.nested != NONE, "no second bridge on bus %u", bus);
	add_devices(bus, PCI_BDF(bus, 0, 0));
	add_devices(bus_behind(bridge.nested), PCI_BDF(bus, 0, 0));
	CHECK(nr == 3, "%u devices are below the bridge, not 3", nr);
	return &bridge;
}

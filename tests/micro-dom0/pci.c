// SPDX-License-Identifier: GPL-2.0
#include "io.h"
#include "pci.h"

#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc

static void select(uint32_t bdf, unsigned int reg)
{
	outl(0x80000000u | bdf << 8 | (reg & ~3u), CONFIG_ADDRESS);
}

uint32_t pci_read32(uint32_t bdf, unsigned int reg)
{
	select(bdf, reg);
	return inl(CONFIG_DATA);
}

uint16_t pci_read16(uint32_t bdf, unsigned int reg)
{
	select(bdf, reg);
	return inw(CONFIG_DATA + (reg & 2));
}

void pci_write16(uint32_t bdf, unsigned int reg, uint16_t v)
{
	select(bdf, reg);
	outw(v, CONFIG_DATA + (reg & 2));
}

void pci_write32(uint32_t bdf, unsigned int reg, uint32_t v)
{
	select(bdf, reg);
	outl(v, CONFIG_DATA);
}

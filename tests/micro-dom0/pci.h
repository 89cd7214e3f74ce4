/* SPDX-License-Identifier: GPL-2.0 */
/* PCI configuration space by ports 0xcf8 and 0xcfc, bus 0 to 255. */
#ifndef MICRO_PCI_H
#define MICRO_PCI_H

#include <stdint.h>

#define PCI_ID			0x00
#define PCI_COMMAND		0x04
#define PCI_COMMAND_IO		0x0001
#define PCI_COMMAND_MEMORY	0x0002
#define PCI_COMMAND_MASTER	0x0004
#define PCI_CLASS		0x08
#define PCI_BAR0		0x10
#define PCI_INTERRUPT_LINE	0x3c
/* Register of a bridge: bits 8 to 15 are its secondary bus. */
#define PCI_BUSES		0x18

#define PCI_BDF(bus, dev, fn)	((uint32_t)(bus) << 8 | (dev) << 3 | (fn))

uint32_t pci_read32(uint32_t bdf, unsigned int reg);
uint16_t pci_read16(uint32_t bdf, unsigned int reg);
void pci_write16(uint32_t bdf, unsigned int reg, uint16_t v);
void pci_write32(uint32_t bdf, unsigned int reg, uint32_t v);

#endif

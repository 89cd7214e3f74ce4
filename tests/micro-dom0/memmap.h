/* SPDX-License-Identifier: GPL-2.0 */
/* Memory maps from Xen: the machine's, or (PVH) dom0's. */
#ifndef MICRO_MEMMAP_H
#define MICRO_MEMMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "xen-facts.h"

#define MEMMAP_MAX	64

struct memmap {
	unsigned int nr;
	struct e820_entry entry[MEMMAP_MAX];
};

/* @op: XENMEM_MACHINE_MEMORY_MAP or XENMEM_MEMORY_MAP. */
void memmap_read(struct memmap *m, unsigned int op);

/* True if the whole frame is RAM in @m. */
bool memmap_is_ram(const struct memmap *m, uint64_t frame);

/* True if an entry of this type overlaps the frame. */
bool memmap_has(const struct memmap *m, uint64_t frame, uint32_t type);

/* The end of RAM, as a frame number. */
uint64_t memmap_ram_end(const struct memmap *m);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Memory maps as Xen gives them: the machine's, or (PVH) our own. */
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

/* Is the whole frame RAM in @m? */
bool memmap_is_ram(const struct memmap *m, uint64_t frame);

/* Does an entry of this type touch the frame? */
bool memmap_has(const struct memmap *m, uint64_t frame, uint32_t type);

/* One past the last RAM frame. */
uint64_t memmap_ram_end(const struct memmap *m);

#endif

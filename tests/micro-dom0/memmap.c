// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "hypercall.h"
#include "memmap.h"
#include "test.h"

void memmap_read(struct memmap *m, unsigned int op)
{
	struct xen_memory_map arg = {
		.nr_entries = MEMMAP_MAX,
		.buffer = hc_ptr(m->entry),
	};
	long rc = hypercall(HC_MEMORY_OP, op, hc_ptr(&arg), 0, 0, 0);

	m->nr = rc ? 0 : arg.nr_entries;
}

bool memmap_is_ram(const struct memmap *m, uint64_t frame)
{
	uint64_t start = frame << PAGE_SHIFT;
	const struct e820_entry *e;

	for (e = m->entry; e < m->entry + m->nr; e++)
		if (e->type == E820_RAM && start >= e->addr &&
		    start + PAGE_SIZE <= e->addr + e->size)
			return true;
	return false;
}

bool memmap_has(const struct memmap *m, uint64_t frame, uint32_t type)
{
	uint64_t start = frame << PAGE_SHIFT;
	const struct e820_entry *e;

	for (e = m->entry; e < m->entry + m->nr; e++)
		if (e->type == type && start < e->addr + e->size &&
		    start + PAGE_SIZE > e->addr)
			return true;
	return false;
}

uint64_t memmap_ram_end(const struct memmap *m)
{
	const struct e820_entry *e;
	uint64_t end = 0;

	for (e = m->entry; e < m->entry + m->nr; e++)
		if (e->type == E820_RAM && e->addr + e->size > end)
			end = e->addr + e->size;
	return end >> PAGE_SHIFT;
}

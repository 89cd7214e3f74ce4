// SPDX-License-Identifier: GPL-2.0
/* Several BATCHes in one multicall: each entry is independent. */
#include "hypercall.h"
#include "iommu.h"
#include "mem.h"
#include "test.h"

#define DFN		0x1000UL
#define ENTRIES		4
#define PER_ENTRY	32

static struct multicall_entry entry[ENTRIES];
static struct xen_pv_iommu_batch desc[ENTRIES][PER_ENTRY];

/* DEBUG builds of Xen overwrite the entries: refill them before each use. */
static void fill_entries(void)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i++)
		entry[i] = (struct multicall_entry){
			.op = __HYPERVISOR_iommu_op,
			.args = { XEN_PV_IOMMU_OP_BATCH, hc_ptr(desc[i]),
				  PER_ENTRY, 0, 0 },
		};
}

static void multicall(void)
{
	fill_entries();
	EXPECT(hypercall(HC_MULTICALL, hc_ptr(entry), ENTRIES, 0, 0, 0), 0);
}

static uint64_t dfn_at(unsigned int i, unsigned int j)
{
	return DFN + i * 0x1000 + j * 2;
}

static void fill_maps(uint32_t ctx, uint64_t gfn)
{
	unsigned int i, j;

	for (i = 0; i < ENTRIES; i++)
		for (j = 0; j < PER_ENTRY; j++)
			desc[i][j] = desc_map(ctx, dfn_at(i, j), gfn + j, 1, RW);
}

static void batches(void)
{
	uint64_t gfn = gfn_of(pages_alloc(PER_ENTRY));
	uint32_t ctx = ctx_alloc();
	unsigned int i, j;

	fill_maps(ctx, gfn);
	multicall();
	for (i = 0; i < ENTRIES; i++)
		EXPECT(entry[i].result, PER_ENTRY);
	for (i = 0; i < ENTRIES; i++)
		for (j = 0; j < PER_ENTRY; j++)
			expect_leaf(ctx, dfn_at(i, j), gfn + j, RW, 0);

	for (i = 0; i < ENTRIES; i++)
		for (j = 0; j < PER_ENTRY; j++)
			desc[i][j] = desc_unmap(ctx, dfn_at(i, j), 1);
	multicall();
	for (i = 0; i < ENTRIES; i++) {
		EXPECT(entry[i].result, PER_ENTRY);
		expect_hole(ctx, dfn_at(i, PER_ENTRY - 1));
	}
}

/* A BATCH that stops short does not stop the entries after it. */
static void goes_on(void)
{
	uint64_t gfn = gfn_of(pages_alloc(PER_ENTRY));
	uint32_t ctx = ctx_alloc();

	fill_maps(ctx, gfn);
	desc[1][7].flags = 0;
	desc[2][0].ctx = XEN_PV_IOMMU_CTX_INVALID;
	multicall();
	EXPECT(entry[0].result, PER_ENTRY);
	EXPECT(entry[1].result, 7);
	EXPECT(desc[1][7].status, -EINVAL);
	EXPECT(desc[1][8].status, 0x5a5a);
	EXPECT(entry[2].result, -EINVAL);
	EXPECT(entry[3].result, PER_ENTRY);
	expect_leaf(ctx, dfn_at(3, 0), gfn, RW, 0);
	expect_hole(ctx, dfn_at(1, 7));
	expect_hole(ctx, dfn_at(2, 0));
}

/* Long entries, in which Xen may preempt: they must continue. */
static void long_ranges(void)
{
	uint64_t gfn = gfn_of(page_alloc()), last = query().iova_last >> PAGE_SHIFT;
	uint32_t max = query().max_nr;
	uint32_t ctx = ctx_alloc();
	uint64_t dfn = 0x100000;
	unsigned int i, j;

	if (max > last - dfn)
		max = last - dfn;
	map(ctx, dfn + max - 1, gfn, 1, RW);
	for (i = 0; i < ENTRIES; i++)
		for (j = 0; j < PER_ENTRY; j++)
			desc[i][j] = desc_unmap(ctx, dfn, max);
	multicall();
	for (i = 0; i < ENTRIES; i++) {
		EXPECT(entry[i].result, PER_ENTRY);
		EXPECT(desc[i][PER_ENTRY - 1].done, max);
	}
	expect_hole(ctx, dfn + max - 1);
}

const struct test multicall_tests[] = {
	{ .name = "multicall.batches", .fn = batches },
	{ .name = "multicall.continues", .fn = goes_on },
	{ .name = "multicall.long-ranges", .fn = long_ranges },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/*
 * Xen keeps page tables that became empty until a context needs the memory. The tests
 * need a small quota: run with --xen-args dom0-iommu=ctx-mem=1M.
 */
#include "dma.h"
#include "mem.h"
#include "test.h"

#define QUOTA_MAX	512
/* Many pages from here on: one in each 2 MiB, so that each needs a table. */
#define SPARSE		0x100000UL

static void need_small_quota(void)
{
	if (query().pt_pages_max > QUOTA_MAX)
		test_skip("needs --xen-args dom0-iommu=ctx-mem=1M");
}

static long map_sparse(uint32_t ctx, unsigned int i, uint64_t gfn)
{
	return try_map(ctx, SPARSE + i * HUGE_PAGES, gfn, 1, RW);
}

/* Map pages until there is no memory for a table. Returns how many were mapped. */
static unsigned int fill(uint32_t ctx, uint64_t gfn)
{
	unsigned int i;
	long rc;

	for (i = 0; !(rc = map_sparse(ctx, i, gfn)); i++)
		CHECK(i < QUOTA_MAX, "the quota is not enforced");
	EXPECT(rc, -ENOMEM);
	return i;
}

static void allow_reserve(uint32_t ctx)
{
	struct xen_pv_iommu_ctx c = {
		.ctx = ctx, .flags = XEN_PV_IOMMU_CTX_F_RESERVE,
	};

	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_SET, &c, 1), 1);
}

/* Reclaim empty tables of another context, after a flush (XSA-480). */
static void other_context(void)
{
	uint64_t *page = page_alloc();
	uint64_t gfn = gfn_of(page);
	uint32_t b = ctx_alloc_as(XEN_PV_IOMMU_CTX_F_RESERVE, 0);
	unsigned int i, n;
	struct place a;

	need_small_quota();
	a = place(0);
	/* A plain context has a limit of its own: here a and b share the whole quota. */
	allow_reserve(a.ctx);
	n = fill(a.ctx, gfn);
	CHECK(n > 100, "only %u tables", n);
	/* The quota is used up, and a has no empty table. */
	EXPECT(map_sparse(b, 0, gfn), -ENOMEM);
	reaches(&a, SPARSE, page);
	for (i = 0; i < n; i++)
		unmap(a.ctx, SPARSE + i * HUGE_PAGES, 1);
	CHECK(query().pt_pages > n, "the tables were not kept");
	/* Minus one for each level above. */
	for (i = 0; i < n - 4; i++)
		EXPECT(map_sparse(b, i, gfn), 0);
	CHECK(query().pt_pages <= query().pt_pages_max, "over the quota");
	/* Nothing is mapped where a's empty tables were, and a's other mapping works. */
	write_blocked(&a, iova(SPARSE), page);
	write_blocked(&a, iova(SPARSE + (n - 1) * HUGE_PAGES), page);
	ctx_free(b);
	map(a.ctx, SPARSE, gfn, 1, RW);
	reaches(&a, SPARSE, page);
}

/* A context reuses its own empty tables too (XSA-480). */
static void same_context(void)
{
	uint64_t gfn = gfn_of(page_alloc());
	uint32_t ctx = ctx_alloc();
	unsigned int i, n;

	need_small_quota();
	n = fill(ctx, gfn);
	for (i = 0; i < n; i++)
		unmap(ctx, SPARSE + i * HUGE_PAGES, 1);
	for (i = 0; !map_sparse(ctx, 4096 + i, gfn); i++)
		CHECK(i < n, "the quota is not enforced");
	CHECK(i >= n - 4, "%u of %u empty tables were reused", i, n);
	expect_hole(ctx, SPARSE);
}

/* Tables with mappings must not be reclaimed for other contexts (XSA-409). */
static void spares_mapped(void)
{
	uint64_t *page = page_alloc();
	uint64_t gfn = gfn_of(page);
	uint32_t b = ctx_alloc();
	unsigned int i, n, kept = 0;
	struct place a;

	need_small_quota();
	a = place(0);
	n = fill(a.ctx, gfn);
	for (i = 0; i < n; i += 2)
		unmap(a.ctx, SPARSE + i * HUGE_PAGES, 1);
	while (!map_sparse(b, kept, gfn))
		kept++;
	CHECK(kept >= n / 2 - 4, "%u of %u empty tables were reclaimed", kept,
	      n / 2);
	for (i = 0; i < n; i++)
		if (i & 1)
			expect_leaf(a.ctx, SPARSE + i * HUGE_PAGES, gfn, RW, 0);
		else
			expect_hole(a.ctx, SPARSE + i * HUGE_PAGES);
	reaches(&a, SPARSE + HUGE_PAGES, page);
}

/*
 * Map and unmap one page, each time in another table. A pending event ends the search for
 * an empty table early; it must not make the map fail.
 */
#define ROUNDS		30000

static void further_each_time(uint64_t step)
{
	uint64_t gfn = gfn_of(page_alloc());
	struct xen_pv_iommu_batch d[2];
	uint32_t ctx = ctx_alloc();
	unsigned int i;
	long rc;

	need_small_quota();
	for (i = 0; i < ROUNDS; i++) {
		uint64_t dfn = SPARSE + i * step % (1UL << 26);

		d[0] = desc_map(ctx, dfn, gfn, 1, RW);
		d[1] = desc_unmap(ctx, dfn, 1);
		rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 2);
		CHECK(rc == 2, "round %u: %ld, status %d", i, rc, d[0].status);
	}
}

static void further_2m(void)
{
	further_each_time(HUGE_PAGES);
}

static void further_1g(void)
{
	further_each_time(HUGE_PAGES * 512);
}

const struct test reclaim_tests[] = {
	{ .name = "reclaim.other-context", .fn = other_context },
	{ .name = "reclaim.same-context", .fn = same_context },
	{ .name = "reclaim.spares-mapped", .fn = spares_mapped },
	{ .name = "reclaim.further-2m", .fn = further_2m },
	{ .name = "reclaim.further-1g", .fn = further_1g },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/* CTX_NEXT and LOOKUP_NEXT list contexts and leaves. */
#include "dma.h"
#include "iommu.h"
#include "mem.h"
#include "test.h"

static long try_ctx_next(uint32_t from, struct xen_pv_iommu_ctx *c)
{
	memset(c, POISON8, sizeof(*c));
	c->ctx = from;
	c->flags = 0;
	return iommu_op(XEN_PV_IOMMU_OP_CTX_NEXT, c, 1);
}

static uint32_t ctx_next(uint32_t from)
{
	struct xen_pv_iommu_ctx c;

	EXPECT(try_ctx_next(from, &c), 1);
	return c.ctx;
}

/* "the first context whose number is @ctx or higher, in the order of numbers" */
static void contexts(void)
{
	struct xen_pv_iommu_ctx c, info;
	uint32_t id[4], last, i;

	CHECK(query().features & XEN_PV_IOMMU_FEAT_NEXT, "no FEAT_NEXT");
	for (i = 0; i < 4; i++)
		id[i] = ctx_alloc();
	/* Numbers increase, but wrap once in 65519. */
	if (id[3] < id[0])
		test_skip("numbers wrapped between %u and %u", id[0], id[3]);
	map(id[2], DFN, gfn_of(page_alloc()), 1, RW);
	ctx_free(id[1]);
	EXPECT(ctx_next(0), id[0]);
	EXPECT(ctx_next(id[0]), id[0]);
	EXPECT(ctx_next(id[0] + 1), id[2]);
	EXPECT(ctx_next(id[2] + 1), id[3]);
	/* "returns the figures" */
	EXPECT(try_ctx_next(id[1], &c), 1);
	EXPECT(try_ctx_info(id[2], &info), 0);
	CHECK(!memcmp(&c, &info, sizeof(c)), "the result differs from that of CTX_INFO");
	EXPECT(c.nr_mapped, 1);
	/* "BLOCKED is not among them" */
	EXPECT(try_ctx_next(id[3] + 1, &c), -ENOENT);
	EXPECT(try_ctx_next(XEN_PV_IOMMU_CTX_BLOCKED, &c), -ENOENT);
	EXPECT(try_ctx_next(0xffffffff, &c), -ENOENT);
	/* List all contexts. */
	for (i = last = 0; try_ctx_next(last, &c) == 1; i++)
		last = c.ctx + 1;
	EXPECT(i, query().nr_ctx);
}

static void contexts_flags(void)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_RESERVE };

	ctx_alloc();
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_NEXT, &c, 1), -EINVAL);
}

static long try_leaf_next(uint32_t ctx, uint64_t dfn,
			  struct xen_pv_iommu_lookup *l)
{
	*l = (struct xen_pv_iommu_lookup){
		.ctx = ctx, .dfn = dfn, .gfn = POISON32, .flags = 0xa5a5,
		.order = 0xa5a5,
	};
	return iommu_op(XEN_PV_IOMMU_OP_LOOKUP_NEXT, l, 1);
}

/* The next leaf must be this one. */
static void expect_next(uint32_t ctx, uint64_t from, uint64_t dfn, uint64_t gfn,
			unsigned int flags, unsigned int order)
{
	struct xen_pv_iommu_lookup l;

	EXPECT(try_leaf_next(ctx, from, &l), 1);
	EXPECT(l.dfn, dfn);
	EXPECT(l.gfn, gfn);
	EXPECT(l.flags, flags);
	EXPECT(l.order, order);
}

/* "the first leaf that maps @dfn or a higher frame" */
static void leaves(void)
{
	uint64_t gfn = gfn_of(page_alloc()), huge = gfn_of(huge_frame());
	uint64_t top = query().iova_last >> PAGE_SHIFT;
	struct xen_pv_iommu_lookup l;
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d;

	EXPECT(try_leaf_next(ctx, 0, &l), -ENOENT);
	map(ctx, DFN, gfn, 1, RW);
	d = desc_map(ctx, HUGE_PAGES * 100, huge, HUGE_PAGES, RO);
	d.order = 9;
	EXPECT(batch_one(&d), 0);
	map(ctx, top, gfn, 1, RO);
	expect_next(ctx, 0, DFN, gfn, RW, 0);
	expect_next(ctx, DFN, DFN, gfn, RW, 0);
	EXPECT(try_lookup(ctx, HUGE_PAGES * 100, &l), 0);
	/* "The next one is found from @dfn + (1 << @order)." */
	expect_next(ctx, DFN + 1, HUGE_PAGES * 100, huge, RO, l.order);
	if (l.order == 9)
		expect_next(ctx, HUGE_PAGES * 101 - 1, HUGE_PAGES * 100, huge,
			    RO, 9);
	expect_next(ctx, HUGE_PAGES * 101, top, gfn, RO, 0);
	EXPECT(try_leaf_next(ctx, top + 1, &l), -ENOENT);
	EXPECT(try_leaf_next(ctx, ~0UL, &l), -ENOENT);
}

/* "Mappings of 1:1 regions that Xen made are found as well." */
static void leaves_of_regions(void)
{
	struct xen_pv_iommu_dev_resv r;
	struct edu *e = direct_device(&r);
	struct xen_pv_iommu_lookup l;
	uint32_t ctx = ctx_alloc();

	EXPECT(try_leaf_next(ctx, 0, &l), -ENOENT);
	attach(e, ctx);
	EXPECT(try_leaf_next(ctx, 0, &l), 1);
	EXPECT(l.dfn, r.start >> PAGE_SHIFT);
	attach(e, XEN_PV_IOMMU_CTX_DEFAULT);
	EXPECT(try_leaf_next(ctx, 0, &l), -ENOENT);
}

/* Many empty tables: Xen searches in steps, and must preempt (XSA-492). */
static void leaves_far_apart(void)
{
	uint64_t gfn = gfn_of(page_alloc()), base = 0x100000;
	struct xen_pv_iommu_lookup l[2];
	uint32_t ctx = ctx_alloc_as(XEN_PV_IOMMU_CTX_F_RESERVE, 0);
	unsigned int i, n = query().pt_pages_max > 512 ? 4000 : 200;

	for (i = 0; i < n; i++)
		map(ctx, base + i * HUGE_PAGES, gfn, 1, RW);
	for (i = 0; i < n - 1; i++)
		unmap(ctx, base + i * HUGE_PAGES, 1);
	expect_next(ctx, 0, base + (n - 1) * HUGE_PAGES, gfn, RW, 0);
	EXPECT(try_leaf_next(ctx, base + n * HUGE_PAGES, &l[0]), -ENOENT);
	/* Each element of an array has its own search. */
	for (i = 0; i < 2; i++)
		l[i] = (struct xen_pv_iommu_lookup){ .ctx = ctx,
						     .dfn = i * HUGE_PAGES };
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_LOOKUP_NEXT, l, 2), 2);
	EXPECT(l[0].dfn, base + (n - 1) * HUGE_PAGES);
	EXPECT(l[1].dfn, base + (n - 1) * HUGE_PAGES);
}

static void leaves_errors(void)
{
	struct xen_pv_iommu_lookup l;
	uint32_t ctx = ctx_alloc();

	EXPECT(try_leaf_next(XEN_PV_IOMMU_CTX_DEFAULT, 0, &l), -ENOENT);
	EXPECT(try_leaf_next(XEN_PV_IOMMU_CTX_BLOCKED, 0, &l), -ENOENT);
	EXPECT(try_leaf_next(XEN_PV_IOMMU_CTX_LAST, 0, &l), -ENOENT);
	EXPECT(l.gfn, XEN_PV_IOMMU_GFN_UNKNOWN);
	EXPECT(l.flags, 0);
	EXPECT(l.order, 0);
	map(ctx, DFN, gfn_of(page_alloc()), 1, RW);
	l = (struct xen_pv_iommu_lookup){ .ctx = ctx, .mbz = 1 };
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_LOOKUP_NEXT, &l, 1), -EINVAL);
}

const struct test next_tests[] = {
	{ .name = "next.contexts", .fn = contexts },
	{ .name = "next.contexts-flags", .fn = contexts_flags },
	{ .name = "next.leaves", .fn = leaves },
	{ .name = "next.leaves-of-regions", .fn = leaves_of_regions },
	{ .name = "next.leaves-far-apart", .fn = leaves_far_apart },
	{ .name = "next.leaves-errors", .fn = leaves_errors },
	{ }
};

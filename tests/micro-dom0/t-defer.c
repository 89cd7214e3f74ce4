// SPDX-License-Identifier: GPL-2.0
/*
 * NOFLUSH and SYNC: a translated domain may defer the flush. Until then the frame stays
 * the domain's, even if the domain returns it to Xen.
 */
#include "dma.h"
#include "domctl.h"
#include "mem.h"
#include "output.h"
#include "test.h"

/* The number of leaves that can wait for a flush in a context. */
#define PARKED_MAX	512

static void need_defer(void)
{
	if (!(query().features & XEN_PV_IOMMU_FEAT_DEFER))
		test_skip("this Xen flushes at once");
}

/*
 * Without a flush a PV kernel could pin a page as page table to which a device still
 * can write (XSA-288).
 */
static void refused(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc());

	EXPECT(query().features & XEN_PV_IOMMU_FEAT_DEFER, 0);
	map(ctx, DFN, gfn, 1, RW);
	EXPECT(try_unmap_park(ctx, DFN, 1), -EOPNOTSUPP);
	expect_leaf(ctx, DFN, gfn, RW, 0);
	/* A SYNC without a pending flush is no error. */
	EXPECT(try_sync(ctx), 0);
}

static bool lands(const struct place *p, uint64_t dfn, uint64_t *page)
{
	uint64_t value = random_u64();

	load(p, value);
	page[0] = ~value;
	edu_write(p->e, iova(dfn), WORD);
	return page[0] == value;
}

static void sync(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();
	unsigned int i, stale = 0;

	need_defer();
	for (i = 0; i < 4; i++) {
		map(p.ctx, DFN, gfn_of(page), 1, RW);
		reaches(&p, DFN, page);
		EXPECT(try_unmap_park(p.ctx, DFN, 1), 0);
		expect_hole(p.ctx, DFN);
		/* The write may still land. If it never does, this test shows nothing. */
		stale += lands(&p, DFN, page);
		EXPECT(try_sync(p.ctx), 0);
		write_blocked(&p, iova(DFN), page);
	}
	info("defer.sync: %u of 4 transfers before SYNC landed", stale);
	CHECK(stale, "the IOMMU cached nothing: SYNC was not tested");
}

/* The flush of another UNMAP covers only its own range; only SYNC flushes all. */
static void mixed(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc(), *other = page_alloc();

	need_defer();
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	map(p.ctx, DFN + 8, gfn_of(other), 1, RW);
	reaches(&p, DFN, page);
	reaches(&p, DFN + 8, other);
	EXPECT(try_unmap_park(p.ctx, DFN, 1), 0);
	unmap(p.ctx, DFN + 8, 1);
	write_blocked(&p, iova(DFN + 8), other);
	EXPECT(try_sync(p.ctx), 0);
	write_blocked(&p, iova(DFN), page);
	/* The range is free at once, and a new mapping there takes effect. */
	map(p.ctx, DFN, gfn_of(other), 1, RW);
	reaches(&p, DFN, other);
}

/* If no more leaves can wait, Xen flushes by itself. */
static void full(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();
	uint64_t gfn = gfn_of(page);
	unsigned int i;

	need_defer();
	for (i = 0; i <= PARKED_MAX; i++)
		map(p.ctx, DFN + i, gfn, 1, RW);
	reaches(&p, DFN, page);
	for (i = 0; i <= PARKED_MAX; i++)
		EXPECT(try_unmap_park(p.ctx, DFN + i, 1), 0);
	write_blocked(&p, iova(DFN), page);
	EXPECT(try_sync(p.ctx), 0);
	write_blocked(&p, iova(DFN + PARKED_MAX), page);
}

/* One call with more leaves than fit, large ones among them. */
static void full_range(void)
{
	struct place p = place(0);
	uint64_t *page = huge_frame();
	struct xen_pv_iommu_batch d;
	unsigned int i;

	need_defer();
	for (i = 0; i < 4; i++)
		map(p.ctx, 0x40000 + i * HUGE_PAGES, gfn_of(page), HUGE_PAGES, RW);
	d = desc_map(p.ctx, 0x40000 + 4 * HUGE_PAGES, gfn_of(page), HUGE_PAGES,
		     RW);
	d.order = 9;
	EXPECT(batch_one(&d), 0);
	reaches(&p, 0x40000, page);
	reaches(&p, 0x40000 + 5 * HUGE_PAGES - 1, page + 511 * 512);
	EXPECT(try_unmap_park(p.ctx, 0x40000, 5 * HUGE_PAGES), 0);
	EXPECT(try_sync(p.ctx), 0);
	write_blocked(&p, iova(0x40000), page);
	write_blocked(&p, iova(0x40000 + 5 * HUGE_PAGES - 1), page + 511 * 512);
}

/* Return a page to Xen that waits for a flush: Xen must not free it before the flush. */
static uint64_t park_ballooned(uint32_t ctx)
{
	uint64_t gfn, had = dom_pages(0);

	if (!arch_balloon_page(&gfn))
		test_skip("no page to give away");
	map(ctx, DFN, gfn, 1, RW);
	EXPECT(try_unmap_park(ctx, DFN, 1), 0);
	EXPECT(arch_balloon_out(gfn), 1);
	EXPECT(dom_pages(0), had);
	return had;
}

/* XSA-346: Xen drops the last reference after the flush, not before. */
static void referenced(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t had;

	need_defer();
	had = park_ballooned(ctx);
	EXPECT(try_sync(ctx), 0);
	EXPECT(dom_pages(0), had - 1);
}

static void free_parked(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t had;

	need_defer();
	had = park_ballooned(ctx);
	ctx_free(ctx);
	EXPECT(dom_pages(0), had - 1);
}

static void leave_parked(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();

	need_defer();
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	EXPECT(try_unmap_park(p.ctx, DFN, 1), 0);
	/* Detach and attach: the move flushes all cached translations. */
	attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	attach(p.e, p.ctx);
	write_blocked(&p, iova(DFN), page);
}

static void arguments(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d = {
		.op = XEN_PV_IOMMU_BATCH_SYNC, .ctx = ctx,
	};

	d.nr = 1;
	EXPECT(batch_one(&d), -EINVAL);
	d.nr = 0;
	d.dfn = DFN;
	EXPECT(batch_one(&d), -EINVAL);
	d.dfn = 0;
	d.flags = NOFLUSH;
	EXPECT(batch_one(&d), -EINVAL);
	d.flags = 0;
	d.ctx = XEN_PV_IOMMU_CTX_DEFAULT;
	EXPECT(batch_one(&d), -EINVAL);
	EXPECT(try_map(ctx, DFN, gfn_of(page_alloc()), 1, RW | NOFLUSH),
	       -EINVAL);
	EXPECT(try_sync(ctx), 0);
}

const struct test defer_tests[] = {
	{ .name = "defer.refused", .fn = refused, .only_pv = true },
	{ .name = "defer.arguments", .fn = arguments },
	{ .name = "defer.sync", .fn = sync, .only_pvh = true },
	{ .name = "defer.mixed", .fn = mixed, .only_pvh = true },
	{ .name = "defer.full", .fn = full, .only_pvh = true },
	{ .name = "defer.full-range", .fn = full_range, .only_pvh = true },
	{ .name = "defer.referenced", .fn = referenced, .only_pvh = true },
	{ .name = "defer.free-parked", .fn = free_parked, .only_pvh = true },
	{ .name = "defer.leave-parked", .fn = leave_parked, .only_pvh = true },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of contexts: the reserve of page tables and of numbers, limits of single
 * contexts, CTX_SET. Some tests need a small quota: run them with
 * --xen-args dom0-iommu=ctx-mem=1M.
 */
#include "dma.h"
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "test.h"

#define RESERVE		XEN_PV_IOMMU_CTX_F_RESERVE
#define QUOTA_MAX	512
/* Many pages from here on: one in each 2 MiB, so that each needs a table. */
#define SPARSE		0x100000UL
#define CHUNK		128

static void need_small_quota(void)
{
	if (query().pt_pages_max > QUOTA_MAX)
		test_skip("needs --xen-args dom0-iommu=ctx-mem=1M");
}

static long try_ctx_set(uint32_t ctx, uint32_t flags, uint32_t max,
			struct xen_pv_iommu_ctx *c)
{
	*c = (struct xen_pv_iommu_ctx){
		.ctx = ctx, .flags = flags, .pt_pages_max = max,
	};
	return iommu_op(XEN_PV_IOMMU_OP_CTX_SET, c, 1);
}

static struct xen_pv_iommu_ctx info_of(uint32_t ctx)
{
	struct xen_pv_iommu_ctx c;

	EXPECT(try_ctx_info(ctx, &c), 0);
	return c;
}

/* Map one page until there are no tables any more. Returns how often it was mapped. */
static unsigned int fill(uint32_t ctx, uint64_t gfn, uint64_t dfn)
{
	static struct xen_pv_iommu_batch d[CHUNK];
	unsigned int i, n = 0;
	long rc;

	do {
		for (i = 0; i < CHUNK; i++)
			d[i] = desc_map(ctx, dfn + (n + i) * HUGE_PAGES, gfn, 1,
					RO);
		rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, d, CHUNK);
		if (rc != CHUNK)
			EXPECT(d[rc < 0 ? 0 : rc].status, -ENOMEM);
		n += rc > 0 ? rc : 0;
		CHECK(n < 100000, "page tables do not run out");
	} while (rc == CHUNK);
	return n;
}

/* "A part of it, and of the context numbers, is a reserve" */
static void reported(void)
{
	struct xen_pv_iommu_query q = query();
	struct xen_pv_iommu_ctx plain = info_of(ctx_alloc());
	struct xen_pv_iommu_ctx kernel = info_of(ctx_alloc_as(RESERVE, 0));

	CHECK(q.features & XEN_PV_IOMMU_FEAT_LIMITS, "no FEAT_LIMITS");
	info("reserve: %u of %u pages, %u of %u numbers", q.pt_pages_reserve,
	     q.pt_pages_max, q.ctx_reserve, q.max_ctx);
	CHECK(q.pt_pages_reserve && q.pt_pages_reserve < q.pt_pages_max,
	      "%u pages of %u in reserve", q.pt_pages_reserve, q.pt_pages_max);
	CHECK(q.ctx_reserve >= 1 && q.ctx_reserve <= q.max_ctx / 2,
	      "%u numbers of %u in reserve", q.ctx_reserve, q.max_ctx);
	/* "may by default use half of what such contexts may use together" */
	EXPECT(plain.pt_pages_max, (q.pt_pages_max - q.pt_pages_reserve) / 2);
	EXPECT(plain.flags, 0);
	/* "one with F_RESERVE may use the whole quota" */
	EXPECT(kernel.pt_pages_max, q.pt_pages_max);
	EXPECT(kernel.flags, RESERVE);
}

/* "CTX_ALLOC and CTX_SET require all other fields to be zero on input" */
static void must_be_zero(void)
{
	static const struct xen_pv_iommu_ctx bad[] = {
		{ .flags = XEN_PV_IOMMU_CTX_F_BROKEN },
		{ .flags = XEN_PV_IOMMU_CTX_F_NESTED },
		{ .flags = XEN_PV_IOMMU_CTX_F_TO_DEFAULT },
		{ .flags = XEN_PV_IOMMU_CTX_F_TO_BLOCKED },
		{ .flags = RESERVE | 1U << 31 },
		{ .iova_last = 1 }, { .iova_last = 0xffffffff00000000UL },
		{ .pt_pages = 1 }, { .nr_mapped = 1 },
		{ .nr_mapped = 1UL << 63 },
	};
	uint32_t before = query().nr_ctx, ctx;
	struct xen_pv_iommu_ctx c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		c = bad[i];
		CHECK(iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1) == -EINVAL,
		      "CTX_ALLOC accepts case %u", i);
	}
	/* "CTX_ALLOC @ctx as well" */
	c = (struct xen_pv_iommu_ctx){ .ctx = 1 };
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1), -EINVAL);
	EXPECT(query().nr_ctx, before);
	ctx = ctx_alloc();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		c = bad[i];
		c.ctx = ctx;
		CHECK(iommu_op(XEN_PV_IOMMU_OP_CTX_SET, &c, 1) == -EINVAL,
		      "CTX_SET accepts case %u", i);
	}
	EXPECT(info_of(ctx).flags, 0);
}

/* "page-table pages that the context may use" */
static void one_context(void)
{
	uint64_t gfn = gfn_of(page_alloc());
	uint32_t ctx = ctx_alloc_as(0, 20), other = ctx_alloc();

	EXPECT(info_of(ctx).pt_pages_max, 20);
	fill(ctx, gfn, SPARSE);
	EXPECT(info_of(ctx).pt_pages, 20);
	/* Only that context is limited, and it keeps its tables. */
	map(other, SPARSE, gfn, 1, RO);
	expect_leaf(ctx, SPARSE, gfn, RO, 0);
	map(ctx, SPARSE + 1, gfn, 1, RO);
	/* It can use its empty tables again. */
	unmap(ctx, SPARSE, HUGE_PAGES);
	map(ctx, SPARSE + 100 * HUGE_PAGES, gfn, 1, RO);
	EXPECT(info_of(ctx).pt_pages, 20);
}

/* "Xen lowers a larger @pt_pages_max" and "returns the limit in force" */
static void lowered(void)
{
	struct xen_pv_iommu_query q = query();
	uint32_t ctx = ctx_alloc_as(0, 0xffffffff);
	struct xen_pv_iommu_ctx c;

	EXPECT(info_of(ctx).pt_pages_max, q.pt_pages_max - q.pt_pages_reserve);
	EXPECT(try_ctx_set(ctx, RESERVE, 0xffffffff, &c), 1);
	EXPECT(c.pt_pages_max, q.pt_pages_max);
	EXPECT(c.flags, RESERVE);
	EXPECT(try_ctx_set(ctx, 0, 7, &c), 1);
	EXPECT(c.pt_pages_max, 7);
	EXPECT(c.flags, 0);
	EXPECT(try_ctx_set(ctx, 0, 0, &c), 1);
	EXPECT(c.pt_pages_max, (q.pt_pages_max - q.pt_pages_reserve) / 2);
}

/* "A context above a lowered limit keeps what it uses and gets no more." */
static void lowered_below(void)
{
	uint64_t gfn = gfn_of(page_alloc());
	uint32_t ctx = ctx_alloc_as(0, 30);
	struct xen_pv_iommu_ctx c;
	unsigned int n = fill(ctx, gfn, SPARSE);

	EXPECT(try_ctx_set(ctx, 0, 10, &c), 1);
	EXPECT(c.pt_pages, 30);
	expect_leaf(ctx, SPARSE + (n - 1) * HUGE_PAGES, gfn, RO, 0);
	EXPECT(try_map(ctx, SPARSE * 2, gfn, 1, RO), -ENOMEM);
	map(ctx, SPARSE + 1, gfn, 1, RO);
}

/* "however much other contexts use, a kernel's own maps find page tables" */
static void reserve_is_kept(void)
{
	struct xen_pv_iommu_query q = query();
	uint64_t *page = page_alloc();
	uint64_t gfn = gfn_of(page);
	uint32_t kernel, plain[4];
	unsigned int i, used = 0;
	struct place p;

	if (q.pt_pages_max > 65536)
		test_skip("a quota of %u pages takes too long", q.pt_pages_max);
	edu_need(1);
	kernel = ctx_alloc_as(RESERVE, 0);
	p = place_in(&edu[0], kernel);
	for (i = 0; i < ARRAY_SIZE(plain); i++)
		plain[i] = ctx_alloc();
	for (i = 0; i < ARRAY_SIZE(plain); i++)
		fill(plain[i], gfn, SPARSE);
	for (i = 0; i < ARRAY_SIZE(plain); i++)
		used += info_of(plain[i]).pt_pages;
	EXPECT(used, q.pt_pages_max - q.pt_pages_reserve);
	EXPECT(try_ctx_alloc(), -ENOMEM);
	/* It gets the whole reserve, minus the tables in use at the beginning. */
	i = fill(kernel, gfn, SPARSE);
	EXPECT(info_of(kernel).pt_pages, q.pt_pages_reserve - q.pt_pages);
	EXPECT(query().pt_pages, q.pt_pages_max);
	/* A device can use these maps. */
	page[0] = 0x6b6565702069740aUL;
	EXPECT(get_word(&p, iova(SPARSE + (i - 1) * HUGE_PAGES)), page[0]);
}

/* Other contexts cannot reclaim the kernel's empty tables; the kernel can reclaim theirs. */
static void reclaim_where_it_counts(void)
{
	uint64_t gfn = gfn_of(page_alloc());
	uint32_t kernel = ctx_alloc_as(RESERVE, 0), plain;
	unsigned int n, i;
	struct xen_pv_iommu_ctx c;

	need_small_quota();
	for (i = 0; i < 20; i++)
		map(kernel, SPARSE + i * HUGE_PAGES, gfn, 1, RO);
	unmap(kernel, SPARSE, 20 * HUGE_PAGES);
	plain = ctx_alloc_as(0, 0xffffffff);
	n = fill(plain, gfn, SPARSE);
	CHECK(info_of(kernel).pt_pages >= 20, "a table of the kernel was reclaimed");
	unmap(plain, SPARSE, n * HUGE_PAGES);
	/* Now the kernel may use all, including its own empty tables. */
	fill(kernel, gfn, SPARSE * 2);
	EXPECT(query().pt_pages, query().pt_pages_max);
	CHECK(info_of(plain).pt_pages < 10, "%u tables are left empty",
	      info_of(plain).pt_pages);
	EXPECT(try_ctx_set(plain, RESERVE, 0, &c), 1);
	EXPECT(try_map(plain, SPARSE, gfn, 1, RO), -ENOMEM);
}

/* "CTX_SET sets F_RESERVE, or clears it." */
static void changes_sides(void)
{
	uint64_t gfn = gfn_of(page_alloc());
	struct xen_pv_iommu_ctx c;
	uint32_t a, b;

	need_small_quota();
	a = ctx_alloc_as(0, 0xffffffff);
	b = ctx_alloc();
	fill(a, gfn, SPARSE);
	EXPECT(try_map(b, SPARSE, gfn, 1, RO), -ENOMEM);
	EXPECT(try_ctx_set(a, RESERVE, 0, &c), 1);
	map(b, SPARSE, gfn, 1, RO);
	EXPECT(try_ctx_set(a, 0, 0, &c), 1);
	EXPECT(try_map(b, SPARSE * 2, gfn, 1, RO), -ENOMEM);
	ctx_free(a);
	map(b, SPARSE * 2, gfn, 1, RO);
}

static void set_errors(void)
{
	static const uint32_t none[] = {
		XEN_PV_IOMMU_CTX_DEFAULT, XEN_PV_IOMMU_CTX_BLOCKED,
		XEN_PV_IOMMU_CTX_INVALID, XEN_PV_IOMMU_CTX_LAST, 0x10001,
	};
	struct xen_pv_iommu_ctx c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		CHECK(try_ctx_set(none[i], RESERVE, 0, &c) == -ENOENT,
		      "CTX_SET of 0x%x gave %ld", none[i],
		      try_ctx_set(none[i], RESERVE, 0, &c));
}

/* Each context uses some, at most as many as a tree has levels. */
static void need_tables_for_all(const struct xen_pv_iommu_query *q)
{
	if (q->pt_pages_max - q->pt_pages_reserve < 4 * q->max_ctx)
		test_skip("%u page tables are too few for %u contexts",
			  q->pt_pages_max, q->max_ctx);
}

/* The last numbers are for contexts with F_RESERVE; no sequence of calls avoids that. */
static void numbers(void)
{
	struct xen_pv_iommu_query q = query();
	struct xen_pv_iommu_ctx c;
	uint32_t ctx = 0;
	unsigned int i;

	need_tables_for_all(&q);
	for (i = q.nr_ctx; i < q.max_ctx - q.ctx_reserve; i++)
		ctx = ctx_alloc();
	EXPECT(try_ctx_alloc(), -ENOSPC);
	for (i = 0; i < q.ctx_reserve; i++)
		ctx = ctx_alloc_as(RESERVE, 0);
	EXPECT(try_ctx_alloc_as(RESERVE, 0), -ENOSPC);
	/* "Clearing it returns -ENOSPC while ... as many as these may be." */
	EXPECT(try_ctx_set(ctx, 0, 0, &c), -ENOSPC);
	EXPECT(info_of(ctx).flags, RESERVE);
}

const struct test limits_tests[] = {
	{ .name = "limits.reported", .fn = reported },
	{ .name = "limits.must-be-zero", .fn = must_be_zero },
	{ .name = "limits.one-context", .fn = one_context },
	{ .name = "limits.lowered", .fn = lowered },
	{ .name = "limits.lowered-below", .fn = lowered_below },
	{ .name = "limits.reserve-is-kept", .fn = reserve_is_kept },
	{ .name = "limits.reclaim", .fn = reclaim_where_it_counts },
	{ .name = "limits.changes-sides", .fn = changes_sides },
	{ .name = "limits.set-errors", .fn = set_errors },
	{ .name = "limits.numbers", .fn = numbers },
	{ }
};

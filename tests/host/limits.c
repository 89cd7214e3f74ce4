// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of resource limits: the reserve of page tables and of numbers, the limits
 * of single contexts, and CTX_SET, which changes them.
 */
#include "xen-fake/backend.h"

#define F_RESERVE XEN_PV_IOMMU_CTX_F_RESERVE

/* Set the quota before any context exists. */
static void set_quota(unsigned int max, unsigned int reserve)
{
	dom0.iommu.ctxs->pt_pages_max = max;
	dom0.iommu.ctxs->pt_pages_reserve = reserve;
}

/*
 * Map one page in each 2 MiB from dfn on, until Xen refuses a table. Returns the
 * number of maps.
 */
static unsigned int fill_from(long ctx, uint64_t dfn)
{
	unsigned int n;

	for (n = 0; map(ctx, dfn + n * 512, RAM_MFN, 1) == 1; n++)
		CHECK(n < HEAP_PAGES);
	CHECK_EQ(last.status, -ENOMEM);
	return n;
}

static unsigned int fill(long ctx)
{
	return fill_from(ctx, 0);
}

static void empty(long ctx, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		CHECK_EQ(unmap(ctx, i * 512, 1), 1);
}

static struct xen_pv_iommu_ctx set_result;

static long ctx_set(unsigned int ctx, uint32_t flags, uint32_t pt_pages_max)
{
	set_result = (struct xen_pv_iommu_ctx){
		.ctx = ctx, .flags = flags, .pt_pages_max = pt_pages_max,
	};
	return call(XEN_PV_IOMMU_OP_CTX_SET, &set_result, 1);
}

static unsigned int pages(long ctx)
{
	return ctx_info(ctx).pt_pages;
}

TEST(defaults)
{
	struct xen_pv_iommu_query q;
	long plain, kernel;

	start();
	q = query();
	CHECK(q.features & XEN_PV_IOMMU_FEAT_LIMITS);
	CHECK_EQ(q.pt_pages_reserve, q.pt_pages_max / 4);
	CHECK_EQ(q.max_ctx, 1024);
	CHECK_EQ(q.ctx_reserve, 16);
	plain = ctx_alloc();
	kernel = ctx_alloc_reserve();
	CHECK_EQ(ctx_info(plain).pt_pages_max,
		 (q.pt_pages_max - q.pt_pages_reserve) / 2);
	CHECK_EQ(ctx_info(plain).flags, 0);
	CHECK_EQ(ctx_info(kernel).pt_pages_max, q.pt_pages_max);
	CHECK_EQ(ctx_info(kernel).flags, F_RESERVE);
	CHECK_EQ(pages(plain), 2);
	end();
}

/* Fields that may become inputs must be zero today. */
TEST(inputs_that_must_be_zero)
{
	struct xen_pv_iommu_ctx c;
	enum xen_pv_iommu_op op = XEN_PV_IOMMU_OP_CTX_ALLOC;
	uint32_t ctx = 0;

	start();
#define REFUSED(field, value) do {					\
		c = (struct xen_pv_iommu_ctx){ .ctx = ctx };		\
		c.field = value;					\
		CHECK_EQ(call(op, &c, 1), -EINVAL);			\
	} while (0)
	for (;;) {
		REFUSED(flags, XEN_PV_IOMMU_CTX_F_BROKEN);
		REFUSED(flags, XEN_PV_IOMMU_CTX_F_NESTED);
		REFUSED(flags, F_RESERVE | 1U << 31);
		REFUSED(flags, XEN_PV_IOMMU_CTX_F_TO_DEFAULT);
		REFUSED(iova_last, 1ULL << 32);
		REFUSED(pt_pages, 1);
		REFUSED(nr_mapped, 1ULL << 63);
		if (ctx)
			break;
		REFUSED(ctx, 1);
		CHECK_EQ(query().nr_ctx, 0);
		ctx = ctx_alloc();
		op = XEN_PV_IOMMU_OP_CTX_SET;
	}
	CHECK_EQ(ctx_info(ctx).flags, 0);
	end();
}

/* A context gets the tables of its limit and no more, whatever other contexts have. */
TEST(limit_of_one_context)
{
	long ctx, other;

	start();
	ctx = ctx_alloc_as(0, 10);
	other = ctx_alloc();
	CHECK_EQ(ctx_info(ctx).pt_pages_max, 10);
	/* The others are the root, the table below it, and one for the 1 GiB. */
	CHECK_EQ(fill(ctx), 7);
	CHECK_EQ(pages(ctx), 10);
	CHECK_EQ(map(ctx, 1, RAM_MFN, 100), 1);
	CHECK_EQ(map(other, 0, RAM_MFN, 1), 1);
	/* Xen can only reclaim the context's own empty tables. */
	empty(other, 1);
	CHECK_EQ(map(ctx, 1 << 20, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(pages(other), 4);
	empty(ctx, 3);
	CHECK_EQ(map(ctx, 1 << 20, RAM_MFN, 1), 1);
	CHECK_EQ(pages(other), 4);
	/* A context with the reserve has its limit too. */
	ctx = ctx_alloc_as(F_RESERVE, 10);
	CHECK_EQ(fill(ctx), 7);
	end();
}

TEST(limit_is_lowered_to_what_can_be_used)
{
	long ctx;

	start();
	set_quota(100, 30);
	ctx = ctx_alloc_as(0, ~0U);
	CHECK_EQ(ctx_info(ctx).pt_pages_max, 70);
	CHECK_EQ(ctx_set(ctx, 0, 71), 1);
	CHECK_EQ(set_result.pt_pages_max, 70);
	CHECK_EQ(ctx_set(ctx, F_RESERVE, 1000), 1);
	CHECK_EQ(set_result.pt_pages_max, 100);
	CHECK_EQ(ctx_set(ctx, 0, 0), 1);
	CHECK_EQ(set_result.pt_pages_max, 35);
	end();
}

/* Xen refuses even the context's first tables. */
TEST(limit_below_what_a_context_needs)
{
	start();
	CHECK_EQ(ctx_alloc_as(0, 1), -ENOMEM);
	CHECK_EQ(ctx_alloc_as(F_RESERVE, 1), -ENOMEM);
	CHECK_EQ(query().nr_ctx, 0);
	CHECK(ctx_alloc_as(0, 2) > 0);
	end();
}

/* However many tables plain contexts use, contexts with the reserve get theirs. */
TEST(reserve_is_kept)
{
	long one, two, three, kernel;
	unsigned int had;

	start();
	set_quota(100, 30);		/* BLOCKED's two count in the reserve */
	kernel = ctx_alloc_reserve();
	one = ctx_alloc();
	two = ctx_alloc();
	three = ctx_alloc();
	/* One plain context has at most half of the tables for plain ones. */
	fill(one);
	CHECK_EQ(pages(one), 35);
	fill(two);
	fill(three);
	CHECK_EQ(pages(one) + pages(two) + pages(three), 70);
	CHECK_EQ(ctx_alloc(), -ENOMEM);
	had = pages(kernel);
	fill(kernel);
	CHECK_EQ(pages(kernel) - had, 30 - 2 - 2);
	CHECK_EQ(query().pt_pages, 100);
	end();
}

/*
 * The kernel may exceed the reserve; its tables beyond the reserve reduce those of
 * plain contexts.
 */
TEST(kernel_may_have_it_all)
{
	long plain, kernel;

	start();
	set_quota(100, 30);
	plain = ctx_alloc();
	kernel = ctx_alloc_reserve();
	fill(kernel);
	CHECK_EQ(pages(kernel), 100 - 2 - 2);
	CHECK_EQ(map(plain, 0, RAM_MFN, 1), -ENOMEM);
	empty(kernel, 10);
	CHECK_EQ(map(plain, 0, RAM_MFN, 1), 1);
	end();
}

/* Xen reclaims empty tables only where this makes room within the limit. */
TEST(reclaim_where_it_counts)
{
	long one, two, kernel;
	unsigned int n;

	start();
	set_quota(60, 20);
	kernel = ctx_alloc_reserve();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(map(kernel, 0, RAM_MFN, 1), 1);
	empty(kernel, 1);
	n = fill(one);
	fill(two);
	/*
	 * The plain contexts use all 40 tables; reclaiming the kernel's does not
	 * help them.
	 */
	CHECK_EQ(pages(one) + pages(two), 40);
	CHECK_EQ(ctx_set(two, 0, 40), 1);
	CHECK_EQ(map(two, 1 << 20, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(pages(kernel), 4);
	empty(one, n);
	CHECK_EQ(map(two, 1 << 20, RAM_MFN, 1), 1);
	CHECK(pages(one) < 20);
	CHECK_EQ(pages(kernel), 4);
	/* The kernel's contexts reclaim from any context. */
	fill_from(two, 1 << 21);
	CHECK_EQ(unmap(two, 0, 1), 1);
	CHECK_EQ(unmap(two, 512, 1), 1);
	fill_from(kernel, 1 << 21);
	CHECK_EQ(query().pt_pages, 60);
	CHECK_EQ(pages(one) + pages(two) + pages(kernel) + 2, 60);
	end();
}

/*
 * CTX_SET
 */

/* A context's tables move between reserve and plain with it. */
TEST(set_changes_sides)
{
	long one, two, other;

	start();
	set_quota(100, 30);
	one = ctx_alloc();
	two = ctx_alloc();
	other = ctx_alloc();
	fill(one);
	fill(two);
	CHECK_EQ(map(other, 0, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(ctx_set(one, F_RESERVE, 0), 1);
	CHECK_EQ(set_result.flags, F_RESERVE);
	CHECK_EQ(set_result.pt_pages_max, 100);
	CHECK_EQ(set_result.pt_pages, 35);
	CHECK_EQ(set_result.ctx, one);
	CHECK_EQ(map(other, 0, RAM_MFN, 1), 1);
	CHECK_EQ(map(one, 1 << 20, RAM_MFN, 1), 1);
	/*
	 * The context is plain again and exceeds the plain limit. It keeps its
	 * tables; no plain context gets more.
	 */
	fill_from(other, 512);
	CHECK_EQ(ctx_set(one, 0, 0), 1);
	CHECK_EQ(set_result.flags, 0);
	CHECK_EQ(map(one, 1 << 21, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(map(other, 1 << 21, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(look(one, 1 << 20), RAM_MFN);
	CHECK_EQ(ctx_free(one), 1);
	CHECK_EQ(map(other, 1 << 21, RAM_MFN, 1), 1);
	/* Setting the current values changes nothing. */
	CHECK_EQ(ctx_set(two, 0, 0), 1);
	CHECK_EQ(ctx_set(two, 0, 0), 1);
	CHECK_EQ(pages(two), 33);
	end();
}

TEST(set_lower_limit)
{
	unsigned int n;
	long ctx;

	start();
	ctx = ctx_alloc_as(0, 20);
	n = fill(ctx);
	CHECK_EQ(ctx_set(ctx, 0, 10), 1);
	CHECK_EQ(set_result.pt_pages_max, 10);
	CHECK_EQ(set_result.pt_pages, 20);
	CHECK_EQ(look(ctx, (n - 1) * 512), RAM_MFN);
	empty(ctx, 5);
	CHECK_EQ(map(ctx, 1 << 20, RAM_MFN, 1), -ENOMEM);
	empty(ctx, n);
	CHECK_EQ(map(ctx, 1 << 20, RAM_MFN, 1), 1);
	CHECK(pages(ctx) <= 10);
	end();
}

TEST(set_errors)
{
	long ctx = start_ctx();

	CHECK_EQ(ctx_set(0, F_RESERVE, 0), -ENOENT);
	CHECK_EQ(ctx_set(BLOCKED, F_RESERVE, 0), -ENOENT);
	CHECK_EQ(ctx_set(INVALID, 0, 0), -ENOENT);
	CHECK_EQ(ctx_set(ctx + 1, 0, 0), -ENOENT);
	CHECK_EQ(ctx_set(ctx | 0x10000, 0, 0), -ENOENT);
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK_EQ(ctx_set(ctx, 0, 0), -ENOENT);
	end();
}

/*
 * Numbers
 */

/* Xen keeps the last numbers for the kernel. */
TEST(reserve_of_numbers)
{
	unsigned int nr;
	long plain = 0, rc;

	start();
	CHECK_EQ(param("nr-ctx=40"), 0);
	CHECK_EQ(query().ctx_reserve, 2);
	for (nr = 0; (rc = ctx_alloc()) > 0; nr++)
		plain = rc;
	CHECK_EQ(rc, -ENOSPC);
	CHECK_EQ(nr, 38);
	/* CTX_SET does not bypass the reserve either. */
	rc = ctx_alloc_reserve();
	CHECK(rc > 0);
	CHECK_EQ(ctx_set(rc, 0, 0), -ENOSPC);
	CHECK_EQ(ctx_info(rc).flags, F_RESERVE);
	CHECK(ctx_alloc_reserve() > 0);
	CHECK_EQ(ctx_alloc_reserve(), -ENOSPC);
	/* A context that moves to the reserve frees a plain number. */
	CHECK_EQ(ctx_set(plain, F_RESERVE, 0), 1);
	CHECK_EQ(ctx_alloc(), -ENOSPC);
	CHECK_EQ(ctx_free(rc), 1);
	CHECK(ctx_alloc() > 0);
	CHECK_EQ(ctx_alloc(), -ENOSPC);
	end();
	CHECK_EQ(param("nr-ctx=1024"), 0);
}

TEST(reserve_of_few_numbers)
{
	static const struct {
		const char *param;
		unsigned int reserve;
	} cases[] = {
		{ "nr-ctx=1", 0 }, { "nr-ctx=2", 1 }, { "nr-ctx=3", 1 },
		{ "nr-ctx=31", 1 }, { "nr-ctx=32", 2 }, { "nr-ctx=255", 15 },
		{ "nr-ctx=256", 16 }, { "nr-ctx=4096", 16 },
		{ "nr-ctx=1024", 16 },
	};
	unsigned int i;

	start();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_EQ(param(cases[i].param), 0);
		CHECK_EQ(query().ctx_reserve, cases[i].reserve);
	}
	end();
}

/*
 * The reserve on Xen's command line
 */
static unsigned int reserve_with(const char *s)
{
	unsigned int reserve;

	CHECK_EQ(param(s), 0);
	start();
	reserve = query().pt_pages_reserve;
	end();
	return reserve;
}

TEST(parameter)
{
	CHECK_EQ(param("ctx-reserve="), -EINVAL);
	CHECK_EQ(param("ctx-reserve=%"), -EINVAL);
	CHECK_EQ(param("ctx-reserve=x"), -EINVAL);
	CHECK_EQ(param("ctx-reserve=91%"), -EINVAL);
	CHECK_EQ(param("ctx-reserve=10%x"), -EINVAL);
	CHECK_EQ(param("ctx-reserve=1Mx"), -EINVAL);
	CHECK_EQ(param("ctx-reserve=1M%"), -EINVAL);
	CHECK_EQ(param("ctx-mem=4M"), 0);
	CHECK_EQ(reserve_with("ctx-reserve=0"), 0);
	CHECK_EQ(reserve_with("ctx-reserve=0%"), 0);
	CHECK_EQ(reserve_with("ctx-reserve=50%"), 512);
	CHECK_EQ(reserve_with("ctx-reserve=90%"), 921);
	CHECK_EQ(reserve_with("ctx-reserve=1M"), 256);
	fake_log[0] = 0;
	/*
	 * The reserve exceeds the quota: Xen lowers it and leaves some to plain
	 * contexts.
	 */
	CHECK_EQ(reserve_with("ctx-reserve=4M"), 921);
	CHECK_EQ(reserve_with("ctx-reserve=25%"), 256);
	CHECK_EQ(param("ctx-mem=64M"), 0);
}

TEST(parameter_too_large_is_told)
{
	CHECK_EQ(param("ctx-reserve=64M"), 0);
	start();
	CHECK(strstr(fake_log, "ctx-reserve= lowered to 90% of ctx-mem="));
	end();
	CHECK_EQ(param("ctx-reserve=25%"), 0);
	start();
	CHECK(!strstr(fake_log, "ctx-reserve"));
	end();
}

/*
 * Messages for the administrator
 */
static unsigned int told(const char *what)
{
	unsigned int n = 0;
	const char *s;

	for (s = fake_log; (s = strstr(s, what)); s++)
		n++;
	return n;
}

TEST(refusals_are_told_now_and_then)
{
	long ctx, kernel;
	unsigned int i;

	start();
	set_quota(60, 20);
	ctx = ctx_alloc();
	ctx_alloc();
	kernel = ctx_alloc_reserve();
	fill(ctx);
	CHECK_EQ(told("ctx-mem="), 1);
	CHECK_EQ(told("one context has reached its limit"), 1);
	CHECK_EQ(told("60 pages"), 1);
	for (i = 0; i < 100; i++)
		CHECK_EQ(map(ctx, 1 << 20, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(told("ctx-mem="), 1);
	machine.now += 10 * 1000000000ULL;
	CHECK_EQ(ctx_set(ctx, 0, 60), 1);
	fill_from(ctx, 1 << 20);
	CHECK_EQ(told("ctx-mem="), 2);
	CHECK_EQ(told("contexts without the reserve"), 1);
	machine.now += 10 * 1000000000ULL;
	fill(kernel);
	CHECK_EQ(told("ctx-mem="), 3);
	CHECK_EQ(told("all contexts together"), 1);
	machine.now += 10 * 1000000000ULL;
	CHECK_EQ(ctx_alloc(), -ENOMEM);
	CHECK_EQ(told("contexts without the reserve"), 2);
	end();
}

/* If the heap is exhausted, the message names no quota. */
TEST(heap_is_not_the_quota)
{
	start();
	machine.heap_max = 20;
	fill(ctx_alloc());
	CHECK_EQ(told("ctx-mem="), 0);
	end();
}

/*
 * Other operations that allocate tables
 */

/* CTX_ALLOC reclaims empty tables for a context's first ones. */
TEST(alloc_reclaims)
{
	unsigned int n;
	long ctx;

	start();
	set_quota(60, 20);
	ctx = ctx_alloc_as(0, 40);
	n = fill(ctx);
	CHECK_EQ(ctx_alloc(), -ENOMEM);
	empty(ctx, n);
	machine.preempt_every = 1;
	CHECK(ctx_alloc() > 0);
	CHECK(continuations);
	/* Xen reads the struct again each time, including limits. */
	fill(ctx);
	empty(ctx, n - 10);
	ctx = ctx_alloc_as(0, 7);
	CHECK(ctx > 0);
	CHECK_EQ(ctx_info(ctx).pt_pages_max, 7);
	end();
}

/* ATTACH reclaims tables for the regions of a device. */
TEST(attach_reclaims)
{
	unsigned int n;
	long ctx;

	start();
	set_quota(60, 20);
	give_region(0, 0x4000, 2);
	ctx = ctx_alloc_as(0, 40);
	n = fill(ctx);
	CHECK_EQ(unmap(ctx, 0x4000, 1), 1);
	CHECK_EQ(map(ctx, n * 512, RAM_MFN, 1), 1);
	CHECK_EQ(attach(0, ctx), -ENOMEM);
	CHECK(!t.dev[0].ctx);
	CHECK_EQ(unmap(ctx, 0, 1), 1);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(look(ctx, 0x4000), 0x4000);
	CHECK_EQ(attach(0, 0), 1);
	end();
}

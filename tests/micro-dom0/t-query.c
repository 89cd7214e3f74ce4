// SPDX-License-Identifier: GPL-2.0
/* QUERY: version handshake, structs of other sizes, counters. */
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "test.h"

static void fields(void)
{
	struct xen_pv_iommu_query q;

	memset(&q, POISON8, sizeof(q));
	q.mbz = 0;
	EXPECT(try_query(&q, sizeof(q)), 1);
	info("features 0x%x, max_ctx %u, pgsize 0x%lx, iova_last 0x%lx",
	     q.features, q.max_ctx, q.pgsize_bitmap, q.iova_last);
	info("max_count %u, max_nr %u, pt_pages %u of %u", q.max_count,
	     q.max_nr, q.pt_pages, q.pt_pages_max);
	EXPECT(q.size, sizeof(q));
	EXPECT(q.magic_version, XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION);
	CHECK(q.pgsize_bitmap & PAGE_SIZE, "no 4 KiB leaves");
	CHECK(q.iova_last >= (1UL << 39) - 1, "aperture 0x%lx", q.iova_last);
	EXPECT(q.iova_last & (PAGE_SIZE - 1), PAGE_SIZE - 1);
	CHECK(q.max_ctx >= 2 && q.max_ctx <= 4096, "max_ctx %u", q.max_ctx);
	CHECK(q.max_count >= 128 && q.max_count < XEN_PV_IOMMU_COUNT_LIMIT,
	      "max_count %u", q.max_count);
	CHECK(q.max_nr >= 512, "max_nr %u", q.max_nr);
	EXPECT(q.nr_ctx, 0);
	CHECK(q.pt_pages <= q.pt_pages_max, "%u page-table pages of %u",
	      q.pt_pages, q.pt_pages_max);
	CHECK(q.pt_pages_reserve < q.pt_pages_max, "%u pages of %u in reserve",
	      q.pt_pages_reserve, q.pt_pages_max);
	CHECK(q.ctx_reserve < q.max_ctx, "%u contexts of %u in reserve",
	      q.ctx_reserve, q.max_ctx);
	EXPECT(q.mbz, 0);
}

static void features(void)
{
	struct xen_pv_iommu_query q = query();

	CHECK(q.features & XEN_PV_IOMMU_FEAT_BLOCKED, "no BLOCKED context");
	CHECK(q.features & XEN_PV_IOMMU_FEAT_MMIO, "no MMIO");
	/* Feature bits that are reserved, and those without a name. */
	EXPECT(q.features & (XEN_PV_IOMMU_FEAT_NESTED |
			     XEN_PV_IOMMU_FEAT_DOMU), 0);
	EXPECT(q.features >> 14, 0);
	/* A PV page freed before its flush could become a page table. */
	if (arch_is_pv)
		EXPECT(q.features & XEN_PV_IOMMU_FEAT_DEFER, 0);
}

/* An older caller with a shorter struct gets only the fields that fit. */
static void short_struct(void)
{
	struct xen_pv_iommu_query q;

	memset(&q, POISON8, sizeof(q));
	EXPECT(try_query(&q, 16), 1);
	EXPECT(q.size, sizeof(q));
	CHECK(q.max_ctx != POISON32, "max_ctx was not written");
	EXPECT(q.pgsize_bitmap, 0xa5a5a5a5a5a5a5a5UL);
	EXPECT(q.mbz, 0xa5a5a5a5a5a5a5a5UL);
}

/* A newer caller with a longer struct gets zeroes in fields that Xen does not know. */
static void long_struct(void)
{
	uint8_t *page = pages_alloc(1);
	struct xen_pv_iommu_query *q = (void *)page;
	unsigned int i;

	memset(page + sizeof(*q), POISON8, 256);
	EXPECT(try_query(q, sizeof(*q) + 128), 1);
	EXPECT(q->size, sizeof(*q));
	for (i = 0; i < 128; i++)
		EXPECT(page[sizeof(*q) + i], 0);
	EXPECT(page[sizeof(*q) + 128], POISON8);
}

static void sizes(void)
{
	struct xen_pv_iommu_query *q = page_alloc();

	EXPECT(try_query(q, 0), -EINVAL);
	EXPECT(try_query(q, 15), -EINVAL);
	EXPECT(try_query(q, 4097), -EINVAL);
	EXPECT(try_query(q, 0xffffffff), -EINVAL);
	EXPECT(try_query(q, 4096), 1);
}

static void magic(void)
{
	static const uint32_t bad[] = {
		0, 1, 0xffffffff, XEN_PV_IOMMU_MAGIC ^ 0x100,
		/* there is no version 0 */
		XEN_PV_IOMMU_MAGIC,
	};
	struct xen_pv_iommu_query q = { .size = sizeof(q) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		q.magic_version = bad[i];
		EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, &q, 1), -EINVAL);
	}
	/* Xen returns to a newer caller the version that both support... */
	q.magic_version = XEN_PV_IOMMU_MAGIC | 0xff;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, &q, 1), 1);
	EXPECT(q.magic_version, XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION);
}

/*
 * "QUERY changes no state": with any version in the last call, Xen returns the same to
 * the next caller, and operations work as before.
 */
static void changes_nothing(void)
{
	struct xen_pv_iommu_query a = query(), b, q = { .size = sizeof(q) };
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc());
	struct xen_pv_iommu_ctx c, d;

	EXPECT(try_ctx_info(ctx, &c), 0);
	q.magic_version = XEN_PV_IOMMU_MAGIC | 0xff;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, &q, 1), 1);
	q.magic_version = 0;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, &q, 1), -EINVAL);
	EXPECT(try_ctx_info(ctx, &d), 0);
	CHECK(!memcmp(&c, &d, sizeof(c)), "a context has changed");
	map(ctx, 0x1000, gfn, 1, RW);
	ctx_free(ctx);
	b = query();
	CHECK(!memcmp(&a, &b, sizeof(a)), "QUERY returns something else");
}

static void mbz(void)
{
	struct xen_pv_iommu_query q = { .mbz = 1 };

	EXPECT(try_query(&q, sizeof(q)), -EINVAL);
}

static void count(void)
{
	struct xen_pv_iommu_query q[2] = { 0 };

	EXPECT(try_query(q, sizeof(q[0])), 1);
	q[1] = q[0];
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, q, 0), -EINVAL);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, q, 2), -EINVAL);
}

static void counters(void)
{
	struct xen_pv_iommu_query a = query(), b;
	uint32_t ctx = ctx_alloc();

	b = query();
	EXPECT(b.nr_ctx, a.nr_ctx + 1);
	CHECK(b.pt_pages > a.pt_pages, "a context without a page table");
	map(ctx, 0x1000, gfn_of(page_alloc()), 1, RW);
	CHECK(query().pt_pages > b.pt_pages, "a leaf without a page table");
	ctx_free(ctx);
	b = query();
	EXPECT(b.nr_ctx, a.nr_ctx);
	EXPECT(b.pt_pages, a.pt_pages);
}

const struct test query_tests[] = {
	{ .name = "query.fields", .fn = fields },
	{ .name = "query.features", .fn = features },
	{ .name = "query.short", .fn = short_struct },
	{ .name = "query.long", .fn = long_struct },
	{ .name = "query.sizes", .fn = sizes },
	{ .name = "query.magic", .fn = magic },
	{ .name = "query.changes-nothing", .fn = changes_nothing },
	{ .name = "query.mbz", .fn = mbz },
	{ .name = "query.count", .fn = count },
	{ .name = "query.counters", .fn = counters },
	{ }
};

/* Runs instead of all other tests if pv-l1tf= may turn shadow paging on. */
static void shadow_paging(void)
{
	struct xen_pv_iommu_query q = { 0 };

	EXPECT(try_query(&q, sizeof(q)), -EOPNOTSUPP);
}

const struct test refused_tests[] = {
	{ .name = "refused.shadow-paging", .fn = shadow_paging, .only_pv = true },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/* BATCH and LOOKUP: mappings, progress of a call, refused requests. */
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "test.h"

#define DFN		0x1000UL
/* 2 MiB aligned */
#define HUGE_DFN	0x40000UL

static void map_lookup(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(4));
	unsigned int i;

	map(ctx, DFN, gfn, 2, RW);
	map(ctx, DFN + 2, gfn + 2, 1, RO);
	map(ctx, DFN + 3, gfn + 3, 1, XEN_PV_IOMMU_F_W);
	for (i = 0; i < 2; i++)
		expect_leaf(ctx, DFN + i, gfn + i, RW, 0);
	expect_leaf(ctx, DFN + 2, gfn + 2, RO, 0);
	expect_leaf(ctx, DFN + 3, gfn + 3, XEN_PV_IOMMU_F_W, 0);
	expect_hole(ctx, DFN - 1);
	expect_hole(ctx, DFN + 4);
}

static void map_over(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc()), other = gfn_of(page_alloc());

	map(ctx, DFN, gfn, 1, RO);
	EXPECT(try_map(ctx, DFN, other, 1, RW), -EEXIST);
	expect_leaf(ctx, DFN, gfn, RO, 0);
	/* Not even the same mapping again. */
	EXPECT(try_map(ctx, DFN, gfn, 1, RO), -EEXIST);
	unmap(ctx, DFN, 1);
	map(ctx, DFN, other, 1, RW);
	expect_leaf(ctx, DFN, other, RW, 0);
}

/* The part before the failure is done, and `done` reports it (XSA-389). */
static void map_partial(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(8));
	struct xen_pv_iommu_batch d = desc_map(ctx, DFN, gfn, 8, RW);

	map(ctx, DFN + 5, gfn, 1, RO);
	EXPECT(batch_one(&d), -EEXIST);
	EXPECT(d.done, 5);
	expect_leaf(ctx, DFN + 4, gfn + 4, RW, 0);
	expect_leaf(ctx, DFN + 5, gfn, RO, 0);
	expect_hole(ctx, DFN + 6);
	/* The same descriptor continues where it stopped. */
	unmap(ctx, DFN + 5, 1);
	EXPECT(batch_one(&d), 0);
	expect_leaf(ctx, DFN + 7, gfn + 7, RW, 0);
}

static void unmap_holes(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc());

	unmap(ctx, DFN, 1);
	unmap(ctx, DFN, 100000);
	map(ctx, DFN + 7, gfn, 1, RW);
	map(ctx, DFN + 700, gfn, 1, RW);
	unmap(ctx, DFN, 1000);
	expect_hole(ctx, DFN + 7);
	expect_hole(ctx, DFN + 700);
}

/* Linux 6.12's VFIO maps 8 KiB and unmaps 4 KiB twice at every open. */
static void unmap_part(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(2));

	map(ctx, DFN, gfn, 2, RW);
	unmap(ctx, DFN, 1);
	expect_hole(ctx, DFN);
	expect_leaf(ctx, DFN + 1, gfn + 1, RW, 0);
	unmap(ctx, DFN + 1, 1);
	expect_hole(ctx, DFN + 1);
}

/* A range far larger than a preemption step. */
static void unmap_everything(void)
{
	struct xen_pv_iommu_query q = query();
	uint64_t end = (q.iova_last >> PAGE_SHIFT) + 1, dfn, nr;
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc());
	struct xen_pv_iommu_ctx c;

	map(ctx, 0, gfn, 1, RW);
	map(ctx, DFN, gfn, 1, RW);
	map(ctx, end - 1, gfn, 1, RW);
	for (dfn = 0; dfn < end; dfn += nr) {
		nr = end - dfn < q.max_nr ? end - dfn : q.max_nr;
		/* The caller must not unmap the interrupt range. */
		if (dfn < 0xfee00)
			nr = 0xfee00 - dfn;
		else if (dfn == 0xfee00)
			nr = 0x100;
		if (dfn != 0xfee00)
			unmap(ctx, dfn, nr);
	}
	EXPECT(try_ctx_info(ctx, &c), 0);
	EXPECT(c.nr_mapped, 0);
}

/*
 * Thousands of tables to search: Xen must preempt and continue a single descriptor, and
 * also CTX_FREE.
 */
#define TABLES	3000U

static void fill_tables(uint32_t ctx, uint64_t gfn)
{
	unsigned int i;

	for (i = 0; i < TABLES; i++)
		map(ctx, 0x100000 + i * 512UL + i % 512, gfn, 1, RW);
}

static void unmap_preempted(void)
{
	uint64_t gfn = gfn_of(page_alloc());
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_ctx c;
	struct xen_pv_iommu_batch d[2];

	fill_tables(ctx, gfn);
	d[0] = desc_unmap(ctx, 0x100000, TABLES / 2 * 512);
	d[1] = desc_unmap(ctx, 0x100000 + TABLES / 2 * 512UL, TABLES / 2 * 512);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 2), 2);
	EXPECT(d[0].done, TABLES / 2 * 512);
	EXPECT(d[1].done, TABLES / 2 * 512);
	EXPECT(try_ctx_info(ctx, &c), 0);
	EXPECT(c.nr_mapped, 0);
	fill_tables(ctx, gfn);
	ctx_free(ctx);
}

/* Both ends of the aperture, in both orders (XSA-311: table heights). */
static void aperture(void)
{
	uint64_t last = query().iova_last >> PAGE_SHIFT;
	uint32_t a = ctx_alloc(), b = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(2));

	map(a, last, gfn, 1, RW);
	map(a, 0, gfn + 1, 1, RW);
	map(b, 0, gfn + 1, 1, RW);
	map(b, last, gfn, 1, RW);
	expect_leaf(a, last, gfn, RW, 0);
	expect_leaf(b, last, gfn, RW, 0);
	expect_leaf(a, 0, gfn + 1, RW, 0);
	expect_leaf(b, 0, gfn + 1, RW, 0);
	EXPECT(try_map(a, last + 1, gfn, 1, RW), -EINVAL);
	EXPECT(try_map(a, last - 1, gfn, 3, RW), -EINVAL);
	EXPECT(try_unmap(a, last, 2), -EINVAL);
	expect_hole(a, last - 1);
}

static void contexts_apart(void)
{
	uint32_t a = ctx_alloc(), b = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(2));

	map(a, DFN, gfn, 1, RW);
	expect_hole(b, DFN);
	map(b, DFN, gfn + 1, 1, RO);
	unmap(a, DFN, 1);
	expect_leaf(b, DFN, gfn + 1, RO, 0);
}

static void nop_sync(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d[3] = {
		{ .op = XEN_PV_IOMMU_BATCH_NOP, .ctx = ctx },
		desc_map(ctx, DFN, gfn_of(page_alloc()), 1, RW),
		{ .op = XEN_PV_IOMMU_BATCH_SYNC, .ctx = ctx },
	};

	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 3), 3);
	EXPECT(d[2].status, 0);
	d[0].nr = 1;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 1), -EINVAL);
	d[2].dfn = 1;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d + 2, 1), -EINVAL);
}

/* Xen stops at the first failure, and does not read later elements. */
static void element_fails(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(4));
	struct xen_pv_iommu_batch d[5] = {
		desc_map(ctx, DFN, gfn, 1, RW),
		desc_map(ctx, DFN + 1, gfn + 1, 1, RW),
		desc_map(ctx, DFN, gfn + 2, 1, RW),
		desc_map(ctx, DFN + 3, gfn + 3, 1, RW),
		desc_unmap(ctx, DFN, 2),
	};

	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 5), 2);
	EXPECT(d[0].status, 0);
	EXPECT(d[1].done, 1);
	EXPECT(d[2].status, -EEXIST);
	EXPECT(d[2].done, 0);
	EXPECT(d[3].status, 0x5a5a);
	EXPECT(d[3].done, 0);
	EXPECT(d[4].status, 0x5a5a);
	expect_leaf(ctx, DFN, gfn, RW, 0);
	expect_hole(ctx, DFN + 3);
}

/* Far more than Xen copies at a time, with the failure late. */
static void many(void)
{
	static struct xen_pv_iommu_batch d[300];
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc());
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(d); i++)
		d[i] = desc_map(ctx, DFN + i * 3, gfn, 2, RW);
	/* Its own second page conflicts with it. */
	d[277].dfn = DFN + 276 * 3 + 1;
	/* Makes gfn + 1 dom0's as well: the pool is contiguous. */
	pages_alloc(1);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, ARRAY_SIZE(d)), 277);
	EXPECT(d[277].status, -EEXIST);
	EXPECT(d[278].status, 0x5a5a);
	expect_leaf(ctx, DFN + 276 * 3 + 1, gfn + 1, RW, 0);
	expect_hole(ctx, DFN + 278 * 3);
	for (i = 0; i < 277; i++)
		d[i] = desc_unmap(ctx, DFN + i * 3, 3);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 277), 277);
}

static void two_contexts(void)
{
	uint32_t a = ctx_alloc(), b = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(2));
	struct xen_pv_iommu_batch d[4] = {
		desc_map(a, DFN, gfn, 1, RW),
		desc_map(b, DFN, gfn + 1, 1, RW),
		desc_unmap(a, DFN, 1),
		desc_map(a, DFN, gfn + 1, 1, RO),
	};

	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 4), 4);
	expect_leaf(a, DFN, gfn + 1, RO, 0);
	expect_leaf(b, DFN, gfn + 1, RW, 0);
}

/* A call continues at `done` (XSA-389). */
static void done_resumes(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(pages_alloc(5));
	struct xen_pv_iommu_batch d = desc_map(ctx, DFN, gfn, 5, RW);

	d.done = 3;
	EXPECT(batch_one(&d), 0);
	expect_hole(ctx, DFN + 2);
	expect_leaf(ctx, DFN + 3, gfn + 3, RW, 0);
	expect_leaf(ctx, DFN + 4, gfn + 4, RW, 0);
	d = desc_map(ctx, DFN, gfn, 5, RW);
	d.done = 5;
	EXPECT(batch_one(&d), 0);
	expect_hole(ctx, DFN);
}

/* One wrong field at a time: it must be refused, and map nothing. */
static void malformed(uint32_t ctx, struct xen_pv_iommu_batch d, const char *why,
		      long want)
{
	long rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, &d, 1);

	CHECK(rc == want, "%s: %ld, not %ld", why, rc, want);
	EXPECT(d.status, want);
	expect_hole(ctx, DFN);
}

#define BAD_MAP(field, value, want) do {				\
	struct xen_pv_iommu_batch d_ = good;				\
	d_.field = (value);						\
	malformed(ctx, d_, #field " = " #value, want);			\
} while (0)

static void map_malformed(void)
{
	struct xen_pv_iommu_query q = query();
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch good =
		desc_map(ctx, DFN, gfn_of(pages_alloc(2)), 2, RW);

	BAD_MAP(nr, 0, -EINVAL);
	BAD_MAP(nr, q.max_nr + 1, -EINVAL);
	BAD_MAP(nr, 0xffffffff, -EINVAL);
	BAD_MAP(done, 3, -EINVAL);
	BAD_MAP(done, 0xffffffff, -EINVAL);
	BAD_MAP(dfn, ~0UL, -EINVAL);
	BAD_MAP(dfn, ~0UL >> PAGE_SHIFT, -EINVAL);
	BAD_MAP(gfn, ~0UL, -EINVAL);
	BAD_MAP(order, 1, -EINVAL);
	BAD_MAP(order, 8, -EINVAL);
	BAD_MAP(order, 27, -EINVAL);
	BAD_MAP(order, 255, -EINVAL);
	BAD_MAP(flags, 0, -EINVAL);
	BAD_MAP(flags, XEN_PV_IOMMU_F_MMIO, -EINVAL);
	BAD_MAP(flags, RW | 1 << 5, -EINVAL);
	BAD_MAP(flags, RW | 1 << 15, -EINVAL);
	/* NOFLUSH is for UNMAP. */
	BAD_MAP(flags, RW | XEN_PV_IOMMU_F_NOFLUSH, -EINVAL);
	BAD_MAP(op, 4, -EINVAL);
	BAD_MAP(op, 255, -EINVAL);
	BAD_MAP(ctx, XEN_PV_IOMMU_CTX_DEFAULT, -EINVAL);
	BAD_MAP(ctx, XEN_PV_IOMMU_CTX_BLOCKED, -EINVAL);
	BAD_MAP(ctx, XEN_PV_IOMMU_CTX_INVALID, -EINVAL);
	BAD_MAP(ctx, XEN_PV_IOMMU_CTX_LAST, -ENOENT);
	if (!(q.features & XEN_PV_IOMMU_FEAT_FOREIGN))
		BAD_MAP(flags, RW | XEN_PV_IOMMU_F_FOREIGN, -EOPNOTSUPP);
	/* The valid descriptor must succeed. */
	EXPECT(batch_one(&good), 0);
}

static void bad_unmap(uint32_t ctx, struct xen_pv_iommu_batch d, const char *why,
		      long want)
{
	long rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, &d, 1);
	struct xen_pv_iommu_lookup l;

	CHECK(rc == want, "%s: %ld, not %ld", why, rc, want);
	EXPECT(d.status, want);
	EXPECT(try_lookup(ctx, DFN, &l), 0);
}

#define BAD_UNMAP(field, value, want) do {				\
	struct xen_pv_iommu_batch d_ = good;				\
	d_.field = (value);						\
	bad_unmap(ctx, d_, #field " = " #value, want);			\
} while (0)

static void unmap_malformed(void)
{
	struct xen_pv_iommu_query q = query();
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch good = desc_unmap(ctx, DFN, 2);

	map(ctx, DFN, gfn_of(pages_alloc(2)), 2, RW);
	BAD_UNMAP(nr, 0, -EINVAL);
	BAD_UNMAP(nr, 0xffffffff, -EINVAL);
	BAD_UNMAP(done, 3, -EINVAL);
	BAD_UNMAP(dfn, ~0UL, -EINVAL);
	BAD_UNMAP(gfn, 1, -EINVAL);
	BAD_UNMAP(order, 9, -EINVAL);
	BAD_UNMAP(flags, XEN_PV_IOMMU_F_R, -EINVAL);
	BAD_UNMAP(flags, XEN_PV_IOMMU_F_MMIO, -EINVAL);
	BAD_UNMAP(flags, 1 << 5, -EINVAL);
	BAD_UNMAP(ctx, XEN_PV_IOMMU_CTX_DEFAULT, -EINVAL);
	BAD_UNMAP(ctx, XEN_PV_IOMMU_CTX_BLOCKED, -EINVAL);
	if (!(q.features & XEN_PV_IOMMU_FEAT_DEFER))
		BAD_UNMAP(flags, XEN_PV_IOMMU_F_NOFLUSH, -EOPNOTSUPP);
	EXPECT(batch_one(&good), 0);
}

static void lookup_malformed(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_lookup l = { .dfn = DFN, .ctx = ctx, .mbz = 1 };

	map(ctx, DFN, gfn_of(page_alloc()), 1, RW);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_LOOKUP, &l, 1), -EINVAL);
	EXPECT(try_lookup(XEN_PV_IOMMU_CTX_INVALID, DFN, &l), -ENOENT);
	EXPECT(try_lookup(ctx | 0x10000, DFN, &l), -ENOENT);
	EXPECT(try_lookup(XEN_PV_IOMMU_CTX_BLOCKED, DFN, &l), -ENOENT);
	CHECK(try_lookup(ctx, ~0UL, &l) < 0, "LOOKUP accepts a dfn beyond the aperture");
	CHECK(try_lookup(ctx, DFN | 1UL << 52, &l) < 0,
	      "LOOKUP ignores high bits of dfn");
}

/* Map the 2 MiB frame with leaves of up to 2 MiB. Skips the test if it is mapped by pages. */
static uint64_t huge_mapped(uint32_t ctx, uint64_t dfn)
{
	uint64_t gfn = gfn_of(huge_frame());
	struct xen_pv_iommu_batch d = desc_map(ctx, dfn, gfn, HUGE_PAGES, RW);
	struct xen_pv_iommu_lookup l;

	if (!(query().pgsize_bitmap & 0x200000))
		test_skip("no 2 MiB leaves on this IOMMU");
	if ((gfn & 511) || !frames_contiguous(huge_frame(), HUGE_PAGES))
		test_skip("our 2 MiB of memory are not one 2 MiB frame");
	d.order = 9;
	EXPECT(batch_one(&d), 0);
	EXPECT(try_lookup(ctx, dfn, &l), 0);
	if (!l.order && !arch_is_pv)
		test_skip("our 2 MiB of memory are not one 2 MiB machine frame");
	return gfn;
}

static void huge_leaf(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = huge_mapped(ctx, HUGE_DFN);
	struct xen_pv_iommu_ctx c;

	expect_leaf(ctx, HUGE_DFN, gfn, RW, 9);
	expect_leaf(ctx, HUGE_DFN + 511, gfn + 511, RW, 9);
	expect_hole(ctx, HUGE_DFN + 512);
	EXPECT(try_ctx_info(ctx, &c), 0);
	EXPECT(c.nr_mapped, 512);
	EXPECT(try_map(ctx, HUGE_DFN + 3, gfn, 1, RW), -EEXIST);
	unmap(ctx, HUGE_DFN, 512);
	expect_hole(ctx, HUGE_DFN);
	/* The order is a limit: with 0 the same run is mapped by pages. */
	map(ctx, HUGE_DFN, gfn, 512, RW);
	expect_leaf(ctx, HUGE_DFN + 5, gfn + 5, RW, 0);
}

/* A leaf is never split: a part of it cannot be unmapped (XSA-275). */
static void huge_part(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = huge_mapped(ctx, HUGE_DFN);
	struct xen_pv_iommu_batch d;

	EXPECT(try_unmap(ctx, HUGE_DFN, 1), -ERANGE);
	EXPECT(try_unmap(ctx, HUGE_DFN + 511, 1), -ERANGE);
	EXPECT(try_unmap(ctx, HUGE_DFN + 1, 511), -ERANGE);
	EXPECT(try_unmap(ctx, HUGE_DFN - 1, 512), -ERANGE);
	map(ctx, HUGE_DFN - 1, gfn, 1, RO);
	d = desc_unmap(ctx, HUGE_DFN - 1, 512);
	EXPECT(batch_one(&d), -ERANGE);
	/* The call stops before the leaf, which stays whole. */
	EXPECT(d.done, 1);
	expect_hole(ctx, HUGE_DFN - 1);
	expect_leaf(ctx, HUGE_DFN + 511, gfn + 511, RW, 9);
	unmap(ctx, HUGE_DFN - 1, 514);
	expect_hole(ctx, HUGE_DFN);
}

/*
 * A leaf may replace an empty table, but never a table with entries (XSA-275).
 */
static void huge_over_table(void)
{
	uint64_t small = gfn_of(page_alloc());
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d;
	uint64_t gfn;

	map(ctx, HUGE_DFN + 100, small, 1, RW);
	unmap(ctx, HUGE_DFN + 100, 1);
	gfn = huge_mapped(ctx, HUGE_DFN);
	expect_leaf(ctx, HUGE_DFN + 100, gfn + 100, RW, 9);
	unmap(ctx, HUGE_DFN, 512);

	map(ctx, HUGE_DFN + 100, small, 1, RW);
	d = desc_map(ctx, HUGE_DFN, gfn, 512, RW);
	d.order = 9;
	EXPECT(batch_one(&d), -EEXIST);
	CHECK(d.done == 0, "done is %u before a leaf of 512", d.done);
	expect_leaf(ctx, HUGE_DFN + 100, small, RW, 0);
	expect_hole(ctx, HUGE_DFN);
}

/* Pages before and after, one leaf in the middle: known in advance. */
static void huge_within_run(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = huge_mapped(ctx, HUGE_DFN);
	struct xen_pv_iommu_batch d;

	unmap(ctx, HUGE_DFN, 512);
	/* dfn and gfn are not aligned alike: no large leaf is possible. */
	d = desc_map(ctx, HUGE_DFN + 1, gfn, 512, RW);
	d.order = 9;
	EXPECT(batch_one(&d), 0);
	expect_leaf(ctx, HUGE_DFN + 1, gfn, RW, 0);
	unmap(ctx, HUGE_DFN, 1024);
	/* The frame before the 2 MiB one is dom0's if it is the kernel's .bss. */
	if (gfn_of((char *)huge_frame() - PAGE_SIZE) != gfn - 1)
		return;
	d = desc_map(ctx, HUGE_DFN - 1, gfn - 1, 513, RO);
	d.order = 18;
	EXPECT(batch_one(&d), 0);
	expect_leaf(ctx, HUGE_DFN - 1, gfn - 1, RO, 0);
	expect_leaf(ctx, HUGE_DFN, gfn, RO, 9);
}

/* Random maps and unmaps of short runs, compared with a model of every page. */
#define MODEL_PAGES	1536
#define MODEL_STEPS	3000

struct model {
	uint16_t frame[MODEL_PAGES];	/* 0: hole, else pool page + 1 */
	bool writable[MODEL_PAGES];
};
static struct model model;

static unsigned int model_map(uint32_t ctx, uint64_t gfn, unsigned int at,
			      unsigned int nr)
{
	unsigned int first = random_u64() % 32, flags = random_u64() & 1 ? RW : RO;
	struct xen_pv_iommu_batch d =
		desc_map(ctx, DFN + at, gfn + first, nr, flags);
	unsigned int i;
	long rc = batch_one(&d);

	for (i = 0; i < nr && !model.frame[at + i]; i++) {
		model.frame[at + i] = first + i + 1;
		model.writable[at + i] = flags & XEN_PV_IOMMU_F_W;
	}
	EXPECT(rc, i == nr ? 0 : -EEXIST);
	EXPECT(d.done, i);
	return i;
}

static void model_unmap(uint32_t ctx, unsigned int at, unsigned int nr)
{
	unmap(ctx, DFN + at, nr);
	memset(&model.frame[at], 0, nr * sizeof(model.frame[0]));
}

static void model_check(uint32_t ctx, uint64_t gfn, unsigned int at)
{
	if (!model.frame[at])
		expect_hole(ctx, DFN + at);
	else
		expect_leaf(ctx, DFN + at, gfn + model.frame[at] - 1,
			    model.writable[at] ? RW : RO, 0);
}

static void random_model(void)
{
	unsigned int step, at, nr, mapped = 0, i;
	uint64_t gfn = gfn_of(pages_alloc(64));
	struct xen_pv_iommu_ctx c;
	uint32_t ctx = ctx_alloc();

	memset(&model, 0, sizeof(model));
	for (step = 0; step < MODEL_STEPS; step++) {
		nr = 1 + random_u64() % 32;
		at = random_u64() % (MODEL_PAGES - nr);
		if (random_u64() % 2)
			model_map(ctx, gfn, at, nr);
		else
			model_unmap(ctx, at, nr);
		model_check(ctx, gfn, random_u64() % MODEL_PAGES);
	}
	for (i = 0; i < MODEL_PAGES; i++) {
		model_check(ctx, gfn, i);
		mapped += !!model.frame[i];
	}
	EXPECT(try_ctx_info(ctx, &c), 0);
	EXPECT(c.nr_mapped, mapped);
}

const struct test batch_tests[] = {
	{ .name = "batch.map-lookup", .fn = map_lookup },
	{ .name = "batch.map-over", .fn = map_over },
	{ .name = "batch.map-partial", .fn = map_partial },
	{ .name = "batch.map-malformed", .fn = map_malformed },
	{ .name = "batch.unmap-holes", .fn = unmap_holes },
	{ .name = "batch.unmap-part", .fn = unmap_part },
	{ .name = "batch.unmap-everything", .fn = unmap_everything },
	{ .name = "batch.unmap-malformed", .fn = unmap_malformed },
	{ .name = "batch.unmap-preempted", .fn = unmap_preempted },
	{ .name = "batch.aperture", .fn = aperture },
	{ .name = "batch.contexts-apart", .fn = contexts_apart },
	{ .name = "batch.nop-sync", .fn = nop_sync },
	{ .name = "batch.element-fails", .fn = element_fails },
	{ .name = "batch.many", .fn = many },
	{ .name = "batch.two-contexts", .fn = two_contexts },
	{ .name = "batch.done-resumes", .fn = done_resumes },
	{ .name = "batch.lookup-malformed", .fn = lookup_malformed },
	{ .name = "batch.huge-leaf", .fn = huge_leaf },
	{ .name = "batch.huge-part", .fn = huge_part },
	{ .name = "batch.huge-over-table", .fn = huge_over_table },
	{ .name = "batch.huge-within-run", .fn = huge_within_run },
	{ .name = "batch.random-model", .fn = random_model },
	{ }
};

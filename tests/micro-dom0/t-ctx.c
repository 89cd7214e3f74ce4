// SPDX-License-Identifier: GPL-2.0
/* CTX_ALLOC, CTX_FREE, CTX_INFO, RESET: numbers, members, quotas. */
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "pci.h"
#include "test.h"

#define DFN	0x1000UL

static void alloc_free(void)
{
	uint32_t a = ctx_alloc(), b = ctx_alloc();

	CHECK(a != b, "two contexts are both %u", a);
	ctx_free(a);
	ctx_free(b);
}

static void alloc_array(void)
{
	struct xen_pv_iommu_ctx c[5] = { 0 };
	unsigned int i;

	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, c, 5), 5);
	EXPECT(query().nr_ctx, 5);
	/* A context that was freed before stops the array; the result is its index. */
	for (i = 0; i < 5; i++)
		c[i].flags = 0;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_FREE, &c[2], 1), 1);
	c[2].flags = 0;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_FREE, c, 5), 2);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_FREE, c + 3, 2), 2);
}

/* Xen reuses a number only after all others: a stale one returns -ENOENT for long. */
static void ids_cyclic(void)
{
	uint32_t last = ctx_alloc(), now;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		ctx_free(last);
		now = ctx_alloc();
		CHECK(now != last, "Xen reused the number %u at once", now);
		EXPECT(now, last == XEN_PV_IOMMU_CTX_LAST ? 1 : last + 1);
		last = now;
	}
}

static void stale(void)
{
	struct xen_pv_iommu_ctx c;
	struct xen_pv_iommu_lookup l;
	uint32_t ctx = ctx_alloc();

	ctx_free(ctx);
	EXPECT(try_ctx_free(ctx), -ENOENT);
	EXPECT(try_ctx_info(ctx, &c), -ENOENT);
	EXPECT(try_lookup(ctx, DFN, &l), -ENOENT);
	EXPECT(try_map(ctx, DFN, gfn_of(page_alloc()), 1, RW), -ENOENT);
	EXPECT(try_unmap(ctx, DFN, 1), -ENOENT);
	edu_need(1);
	EXPECT(try_attach(&edu[0], ctx), -ENOENT);
}

static void special_numbers(void)
{
	static const uint32_t bad[] = {
		XEN_PV_IOMMU_CTX_DEFAULT, XEN_PV_IOMMU_CTX_BLOCKED,
		XEN_PV_IOMMU_CTX_INVALID, XEN_PV_IOMMU_CTX_LAST + 1,
		0x10000, 0x10001, 0xffffffff,
	};
	uint32_t ctx = ctx_alloc();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(try_ctx_free(bad[i]) == -ENOENT,
		      "CTX_FREE of 0x%x gave %ld", bad[i], try_ctx_free(bad[i]));
	/* Xen does not ignore the upper half. */
	EXPECT(try_ctx_free(ctx | 0x10000), -ENOENT);
}

static void info_figures(void)
{
	struct xen_pv_iommu_query q = query();
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_ctx c;

	EXPECT(try_ctx_info(ctx, &c), 0);
	EXPECT(c.ctx, ctx);
	EXPECT(c.flags, 0);
	EXPECT(c.iova_last, q.iova_last);
	CHECK(c.pt_pages_max && c.pt_pages_max <= q.pt_pages_max,
	      "limit %u", c.pt_pages_max);
	EXPECT(c.nr_mapped, 0);
	CHECK(c.pt_pages >= 1 && c.pt_pages <= 4, "pt_pages %u", c.pt_pages);
	map(ctx, DFN, gfn_of(page_alloc()), 1, RW);
	map(ctx, DFN + 1, gfn_of(pages_alloc(3)), 3, RW);
	EXPECT(try_ctx_info(ctx, &c), 0);
	EXPECT(c.nr_mapped, 4);
	unmap(ctx, DFN + 1, 2);
	EXPECT(try_ctx_info(ctx, &c), 0);
	EXPECT(c.nr_mapped, 2);
}

/* "CTX_INFO knows BLOCKED, but not DEFAULT" */
static void info_special(void)
{
	struct xen_pv_iommu_ctx c;

	EXPECT(try_ctx_info(XEN_PV_IOMMU_CTX_BLOCKED, &c), 0);
	EXPECT(c.nr_mapped, 0);
	EXPECT(try_ctx_info(XEN_PV_IOMMU_CTX_DEFAULT, &c), -ENOENT);
	EXPECT(try_ctx_info(XEN_PV_IOMMU_CTX_INVALID, &c), -ENOENT);
}

static void free_busy(void)
{
	uint32_t ctx = ctx_alloc();

	edu_need(1);
	attach(&edu[0], ctx);
	EXPECT(try_ctx_free(ctx), -EBUSY);
	EXPECT(ctx_of(&edu[0]), ctx);
	/* A refused call changes nothing: the context still works. */
	map(ctx, DFN, gfn_of(page_alloc()), 1, RW);
	attach(&edu[0], XEN_PV_IOMMU_CTX_DEFAULT);
	ctx_free(ctx);
}

/* CTX_FREE releases mapped pages: the page is an ordinary page again. */
static void free_mapped(void)
{
	uint32_t ctx = ctx_alloc();
	void *page = page_alloc();

	map(ctx, DFN, gfn_of(page), 1, RW);
	map(ctx, DFN + 0x40000, gfn_of(page), 1, RW);
	ctx_free(ctx);
	if (!arch_is_pv)
		return;
	page_readonly(page);
	EXPECT(page_pin(page), 0);
	EXPECT(page_unpin(page), 0);
}

/* The number of contexts is limited (XSA-409). */
static void quota(void)
{
	struct xen_pv_iommu_query q = query();
	uint32_t max = q.max_ctx;
	unsigned int i;

	if (q.pt_pages_max < 4 * max)
		test_skip("%u page tables are too few for %u contexts",
			  q.pt_pages_max, max);
	for (i = query().nr_ctx; i < max; i++)
		ctx_alloc_as(XEN_PV_IOMMU_CTX_F_RESERVE, 0);
	EXPECT(try_ctx_alloc_as(XEN_PV_IOMMU_CTX_F_RESERVE, 0), -ENOSPC);
	/* Only that call fails. */
	iommu_reset();
	ctx_free(ctx_alloc());
}

/* One page is mapped once in each 2 MiB, and each mapping needs a table. */
#define CHUNK	128

static long fill(uint32_t ctx, uint64_t dfn, uint64_t gfn, unsigned int nr)
{
	static struct xen_pv_iommu_batch d[CHUNK];
	unsigned int i;
	long rc;

	for (i = 0; i < nr; i++)
		d[i] = desc_map(ctx, dfn + i * 512UL, gfn, 1, RO);
	rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, d, nr);
	if (rc != nr)
		EXPECT(d[rc < 0 ? 0 : rc].status, -ENOMEM);
	return rc;
}

/* Page tables are counted and limited (XSA-409). */
static void pt_quota(void)
{
	struct xen_pv_iommu_query q = query();
	/* From 4 GiB on, because the interrupt range is below. */
	uint64_t gfn = gfn_of(page_alloc()), dfn = 0x100000;
	uint32_t ctx = ctx_alloc_as(XEN_PV_IOMMU_CTX_F_RESERVE, 0);
	uint32_t other = ctx_alloc();
	long rc;

	if (q.pt_pages_max > 65536)
		test_skip("a quota of %u pages takes too long", q.pt_pages_max);
	map(other, DFN, gfn, 1, RO);
	while ((rc = fill(ctx, dfn, gfn, CHUNK)) == CHUNK)
		dfn += CHUNK * 512UL;
	EXPECT(query().pt_pages, q.pt_pages_max);
	/* Existing mappings stay; Xen only refuses new tables. */
	map(other, DFN + 1, gfn, 1, RO);
	expect_leaf(ctx, 0x100000, gfn, RO, 0);
	EXPECT(fill(ctx, dfn + CHUNK * 512UL, gfn, 1), -ENOMEM);
	unmap(ctx, 0x100000, 512);
	ctx_free(ctx);
	EXPECT(fill(other, 0x40000, gfn, 1), 1);
}

static long reset(uint32_t flags, uint32_t ctx)
{
	struct xen_pv_iommu_ctx c = { .ctx = ctx, .flags = flags };

	return iommu_op(XEN_PV_IOMMU_OP_RESET, &c, 1);
}

static void reset_args(void)
{
	EXPECT(reset(0, 0), -EINVAL);
	EXPECT(reset(XEN_PV_IOMMU_CTX_F_TO_DEFAULT |
		     XEN_PV_IOMMU_CTX_F_TO_BLOCKED, 0), -EINVAL);
	EXPECT(reset(XEN_PV_IOMMU_CTX_F_TO_DEFAULT | 1, 0), -EINVAL);
	EXPECT(reset(XEN_PV_IOMMU_CTX_F_TO_BLOCKED, 1), -EINVAL);
}

static void set_master(const struct edu *e, bool on)
{
	uint16_t cmd = pci_read16(e->bdf, PCI_COMMAND) & ~PCI_COMMAND_MASTER;

	pci_write16(e->bdf, PCI_COMMAND, cmd | (on ? PCI_COMMAND_MASTER : 0));
}

/*
 * Iovas are invalid in DEFAULT, so RESET must block a device that is still a bus master
 * when its context is freed (XSA-337).
 */
static void reset_to_default(void)
{
	uint32_t a = ctx_alloc(), b = ctx_alloc();
	struct xen_pv_iommu_ctx c;

	edu_need(2);
	map(a, DFN, gfn_of(page_alloc()), 1, RW);
	attach(&edu[0], a);
	attach(&edu[1], b);
	set_master(&edu[1], false);
	EXPECT(reset(XEN_PV_IOMMU_CTX_F_TO_DEFAULT, 0), 1);
	set_master(&edu[1], true);
	EXPECT(ctx_of(&edu[0]), XEN_PV_IOMMU_CTX_BLOCKED);
	EXPECT(ctx_of(&edu[1]), XEN_PV_IOMMU_CTX_DEFAULT);
	EXPECT(try_ctx_info(a, &c), -ENOENT);
	EXPECT(try_ctx_info(b, &c), -ENOENT);
	EXPECT(query().nr_ctx, 0);
	iommu_forget_all();
}

static void reset_to_blocked(void)
{
	uint32_t a = ctx_alloc();

	edu_need(2);
	attach(&edu[0], a);
	set_master(&edu[0], false);
	EXPECT(reset(XEN_PV_IOMMU_CTX_F_TO_BLOCKED, 0), 1);
	set_master(&edu[0], true);
	EXPECT(ctx_of(&edu[0]), XEN_PV_IOMMU_CTX_BLOCKED);
	EXPECT(ctx_of(&edu[1]), XEN_PV_IOMMU_CTX_DEFAULT);
	EXPECT(query().nr_ctx, 0);
	iommu_forget_all();
}

const struct test ctx_tests[] = {
	{ .name = "ctx.alloc-free", .fn = alloc_free },
	{ .name = "ctx.alloc-array", .fn = alloc_array },
	{ .name = "ctx.ids-cyclic", .fn = ids_cyclic },
	{ .name = "ctx.stale", .fn = stale },
	{ .name = "ctx.special-numbers", .fn = special_numbers },
	{ .name = "ctx.info", .fn = info_figures },
	{ .name = "ctx.info-special", .fn = info_special },
	{ .name = "ctx.free-busy", .fn = free_busy },
	{ .name = "ctx.free-mapped", .fn = free_mapped },
	{ .name = "ctx.quota", .fn = quota },
	{ .name = "ctx.pt-quota", .fn = pt_quota },
	{ .name = "ctx.reset-args", .fn = reset_args },
	{ .name = "ctx.reset-to-default", .fn = reset_to_default },
	{ .name = "ctx.reset-to-blocked", .fn = reset_to_blocked },
	{ }
};

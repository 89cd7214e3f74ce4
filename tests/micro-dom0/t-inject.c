// SPDX-License-Identifier: GPL-2.0
/*
 * Flushes that Xen makes fail (its option ctx-fail-flush=). Each test is a boot of its
 * own, with the runner's option --inject. XSA-373 was about failed commands that Xen
 * treated as done.
 */
#include "dma.h"
#include "domctl.h"
#include "mem.h"
#include "output.h"
#include "test.h"

/* More flushes than before the one that must fail. */
#define TRIES	300

/* Values of inject= on the command line; see the runner. */
enum inject { RETRY = 1, BROKEN, ATTACH, TWICE };

static void need(enum inject what, const char *how)
{
	if (option("inject", 0) != what)
		test_skip("needs --inject %s", how);
}

/* Not batch_one(): for a broken context the call fails even if it did the element. */
static long map_unmap(uint32_t ctx, uint64_t gfn)
{
	struct xen_pv_iommu_batch d = desc_map(ctx, DFN, gfn, 1, RW);
	long rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, &d, 1);

	if (rc != 1)
		return rc;
	d = desc_unmap(ctx, DFN, 1);
	return iommu_op(XEN_PV_IOMMU_OP_BATCH, &d, 1);
}

static bool is_broken(uint32_t ctx)
{
	struct xen_pv_iommu_ctx c;

	EXPECT(try_ctx_info(ctx, &c), 0);
	return c.flags & XEN_PV_IOMMU_CTX_F_BROKEN;
}

static void retry(void)
{
	uint64_t *page = page_alloc();
	struct place p;
	unsigned int i;

	need(RETRY, "retry");
	p = place(0);
	for (i = 0; i < TRIES; i++)
		EXPECT(map_unmap(p.ctx, gfn_of(page)), 1);
	CHECK(!is_broken(p.ctx), "broken by one failure");
	EXPECT(ctx_of(p.e), p.ctx);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	unmap(p.ctx, DFN, 1);
	write_blocked(&p, iova(DFN), page);
}

/* @p's device must be in BLOCKED, for Xen and in hardware. */
static void expect_blocked(const struct place *p)
{
	EXPECT(ctx_of(p->e), XEN_PV_IOMMU_CTX_BLOCKED);
	p->own[0] = 0x600d;
	edu_write(p->e, iova(OWN_DFN), WORD);
	EXPECT(p->own[0], 0x600d);
}

static void others_unaffected(const struct place *q)
{
	uint64_t *page = page_alloc();

	CHECK(!is_broken(q->ctx), "another context is broken as well");
	EXPECT(ctx_of(q->e), q->ctx);
	map(q->ctx, DFN, gfn_of(page), 1, RW);
	reaches(q, DFN, page);
	unmap(q->ctx, DFN, 1);
	write_blocked(q, iova(DFN), page);
}

/* A broken context accepts no request any more, but it can be freed. */
static void expect_useless(struct place *p)
{
	EXPECT(try_map(p->ctx, DFN + 9, gfn_of(p->own), 1, RW), -EIO);
	EXPECT(try_unmap(p->ctx, OWN_DFN, 1), -EIO);
	EXPECT(try_attach(p->e, p->ctx), -EIO);
	EXPECT(ctx_of(p->e), XEN_PV_IOMMU_CTX_BLOCKED);
	ctx_free(p->ctx);
	p->ctx = ctx_alloc();
	map(p->ctx, OWN_DFN, gfn_of(p->own), 1, RW);
	attach(p->e, p->ctx);
	positive(p);
}

/* Xen must keep pages that the device may still reach (XSA-346). */
static void broken(void)
{
	struct place p, q;
	unsigned int i;
	uint64_t gfn, had;
	long rc = 0;

	need(BROKEN, "broken");
	p = place(0);
	q = place(1);
	if (!arch_balloon_page(&gfn))
		test_skip("no page to give away");
	load(&p, 0xbad);
	for (i = 0; i < TRIES && rc >= 0; i++)
		rc = map_unmap(p.ctx, gfn);
	EXPECT(rc, -EIO);
	info("inject.broken: after %u unmaps", i);
	CHECK(is_broken(p.ctx), "CTX_INFO does not report it");
	expect_blocked(&p);
	/* The device may still reach the page: Xen must keep it. */
	had = dom_pages(0);
	EXPECT(arch_balloon_out(gfn), 1);
	EXPECT(dom_pages(0), had);
	others_unaffected(&q);
	expect_useless(&p);
	EXPECT(dom_pages(0), had);
	others_unaffected(&q);
}

/* Move back and forth until a move fails. @stays: the context of the device then. */
static long move_until(const struct place *p, uint32_t b, uint32_t *stays)
{
	unsigned int i;
	long rc = 0;

	for (i = 0; i < TRIES && !rc; i++) {
		*stays = i & 1 ? b : p->ctx;
		rc = try_attach(p->e, i & 1 ? p->ctx : b);
	}
	return rc;
}

static void attach_fails(void)
{
	uint64_t *pa = page_alloc(), *pb = page_alloc();
	uint32_t b = ctx_alloc(), stays;
	struct place p;

	need(ATTACH, "attach");
	p = place(0);
	map(p.ctx, DFN, gfn_of(pa), 1, RW);
	map(b, DFN, gfn_of(pb), 1, RW);
	map(b, OWN_DFN, gfn_of(p.own), 1, RW);
	EXPECT(move_until(&p, b, &stays), -EIO);
	EXPECT(ctx_of(p.e), stays);
	positive(&p);
	reaches(&p, DFN, stays == b ? pb : pa);
	EXPECT(try_ctx_free(stays), -EBUSY);
	/* The failed move leaves no trace: the next one works, then both contexts can be freed. */
	attach(p.e, stays == b ? p.ctx : b);
	reaches(&p, DFN, stays == b ? pa : pb);
	ctx_free(stays);
	positive(&p);
}

/* The move fails, and also its undo: Xen can only block the device. */
static void attach_fails_twice(void)
{
	uint32_t b = ctx_alloc(), stays;
	struct xen_pv_iommu_dev_query d;
	struct place p;

	need(TWICE, "twice");
	p = place(0);
	map(b, OWN_DFN, gfn_of(p.own), 1, RW);
	EXPECT(move_until(&p, b, &stays), -EIO);
	EXPECT(try_dev_query(p.e->bdf, &d), 0);
	EXPECT(d.ctx, stays);
	EXPECT(d.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX, 0);
	EXPECT(try_attach(p.e, b), -ENODEV);
	EXPECT(try_attach(p.e, p.ctx), -ENODEV);
	load(&p, 0xbad);
	attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	expect_blocked(&p);
	ctx_free(stays);
	p = place(1);
	others_unaffected(&p);
}

const struct test inject_tests[] = {
	{ .name = "inject.retry", .fn = retry },
	{ .name = "inject.broken", .fn = broken },
	{ .name = "inject.attach", .fn = attach_fails },
	{ .name = "inject.twice", .fn = attach_fails_twice },
	{ }
};

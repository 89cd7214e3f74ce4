// SPDX-License-Identifier: GPL-2.0
/*
 * A device with phantom functions, each of which has a table of its own in the IOMMU: the
 * device moves with all of them or not at all. (XSA-449 is about functions that did not
 * move.) Run with --phantom, which makes Xen assume such functions; QEMU's device does not
 * use them. --inject phantom tests their tables when the flush of one function fails; the
 * runner checks in Xen's log that it was a function in the middle.
 */
#include "dma.h"
#include "mem.h"
#include "output.h"
#include "rng.h"
#include "test.h"

/* Value of inject= on the command line; see the runner. */
#define INJECT_PHANTOM	5

/* More moves than before the flush that must fail. */
#define TRIES		300

struct setup {
	uint32_t bdf, a, b;
	uint64_t *in_a, *in_b, *ring;	/* the page at DFN */
};

static uint32_t context(const struct setup *s, uint64_t *page)
{
	uint32_t ctx = ctx_alloc();

	map(ctx, OWN_DFN, gfn_of(s->ring), 1, RW);
	map(ctx, DFN, gfn_of(page), 1, RW);
	return ctx;
}

static struct setup set_up(void)
{
	struct xen_pv_iommu_dev_query q;
	struct setup s = {
		.bdf = rng_find(), .in_a = page_alloc(), .in_b = page_alloc(),
		.ring = page_alloc(),
	};

	if (s.bdf == RNG_NONE)
		test_skip("needs --phantom");
	EXPECT(try_dev_query(s.bdf, &q), 0);
	CHECK(q.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX,
	      "it cannot be attached: flags 0x%x", q.flags);
	EXPECT(q.group, s.bdf);
	s.a = context(&s, s.in_a);
	s.b = context(&s, s.in_b);
	attach_id(s.bdf, s.a);
	rng_start(s.ring, iova(OWN_DFN));
	return s;
}

static uint32_t ctx_now(const struct setup *s)
{
	struct xen_pv_iommu_dev_query q;

	EXPECT(try_dev_query(s->bdf, &q), 0);
	return q.ctx;
}

/* The device must be in @ctx, for Xen and by its DMA. */
static void expect_in(const struct setup *s, uint32_t ctx)
{
	uint64_t *yes = ctx == s->a ? s->in_a : s->in_b;
	uint64_t *no = ctx == s->a ? s->in_b : s->in_a;

	EXPECT(ctx_now(s), ctx);
	no[0] = 0x600d;
	CHECK(rng_reaches(iova(DFN), yes), "it does not reach its page");
	CHECK(no[0] == 0x600d, "it wrote to the other context's page");
}

static void moved(void)
{
	struct setup s = set_up();
	unsigned int i;

	for (i = 0; i < 20; i++) {
		expect_in(&s, s.a);
		attach_id(s.bdf, s.b);
		expect_in(&s, s.b);
		attach_id(s.bdf, i & 1 ? XEN_PV_IOMMU_CTX_BLOCKED :
			  XEN_PV_IOMMU_CTX_DEFAULT);
		attach_id(s.bdf, s.a);
	}
	rng_stop();
}

/* The device must be in DEFAULT, and use its frame numbers as addresses. */
static void default_again(void)
{
	struct setup s = set_up();

	expect_in(&s, s.a);
	rng_stop();
	attach_id(s.bdf, XEN_PV_IOMMU_CTX_DEFAULT);
	rng_start(s.ring, iova(gfn_of(s.ring)));
	CHECK(rng_reaches(iova(gfn_of(s.in_a)), s.in_a),
	      "it does not reach its page in DEFAULT");
	rng_stop();
	attach_id(s.bdf, s.a);
	rng_start(s.ring, iova(OWN_DFN));
	s.in_b[0] = 0x600d;
	CHECK(!rng_reaches(iova(gfn_of(s.in_a)), s.in_a),
	      "it reaches what only DEFAULT maps");
	if (!rng_is_master())
		rng_start(s.ring, iova(OWN_DFN));
	expect_in(&s, s.a);
	rng_stop();
}

static void many_moves(void)
{
	struct setup s = set_up();
	const uint32_t to[] = {
		s.b, XEN_PV_IOMMU_CTX_BLOCKED, s.a, XEN_PV_IOMMU_CTX_DEFAULT,
	};
	unsigned int i;

	rng_stop();
	for (i = 0; i < 1000; i++)
		attach_id(s.bdf, to[i % ARRAY_SIZE(to)]);
	attach_id(s.bdf, s.b);
	ctx_free(s.a);
	s.a = context(&s, s.in_a);
	rng_start(s.ring, iova(OWN_DFN));
	expect_in(&s, s.b);
	attach_id(s.bdf, s.a);
	expect_in(&s, s.a);
	rng_stop();
}

/* Move back and forth until one flush of a move fails. */
static void move_fails(void)
{
	uint32_t stays = 0, other = 0;
	struct setup s;
	unsigned int i;
	long rc = 0;

	if (option("inject", 0) != INJECT_PHANTOM)
		test_skip("needs --inject phantom");
	s = set_up();
	for (i = 0; i < TRIES && !rc; i++) {
		stays = i & 1 ? s.b : s.a;
		other = i & 1 ? s.a : s.b;
		rc = try_attach_id(s.bdf, other);
	}
	EXPECT(rc, -EIO);
	/* A move needs one flush for each function; for other devices it needs one. */
	info("inject.phantom: failed in move %u", i);
	expect_in(&s, stays);
	EXPECT(try_ctx_free(stays), -EBUSY);
	attach_id(s.bdf, other);
	expect_in(&s, other);
	ctx_free(stays);
	CHECK(rng_reaches(iova(DFN), other == s.a ? s.in_a : s.in_b),
	      "it does not reach its page without the other context");
	rng_stop();
}

const struct test phantom_tests[] = {
	{ .name = "phantom.moved", .fn = moved },
	{ .name = "phantom.default-again", .fn = default_again },
	{ .name = "phantom.many-moves", .fn = many_moves },
	{ .name = "inject.phantom", .fn = move_fails },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests against a model: what a caller has mapped, in slots of the
 * iova space. Every request's answer is held against the model (I5), and every
 * CHECK_EVERY steps Xen, the mappings and what waits against each other (I1). In
 * the end all is unmapped, and no page is referenced any more (I3). A seed stands
 * for the same requests each time: no CPU's number is in them.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "driver.h"
#include "fake-hv.h"

#define SLOT_PAGES	0x400U
#define NR_SLOTS	(XPI_FAKE_DFNS / SLOT_PAGES)
#define CHECK_EVERY	4096U

static unsigned int random_steps = 100000;
module_param(random_steps, uint, 0444);
MODULE_PARM_DESC(random_steps, "steps of the suite xpi-random, shared among its cases (default: 100000)");

static unsigned int random_seed = 1;
module_param(random_seed, uint, 0444);
MODULE_PARM_DESC(random_seed, "where they begin (default: 1)");

enum state { EMPTY, WAITING, MAPPED };

/**
 * struct slot - one mapping, or none
 * @state: WAITING: iotlb_sync_map was not called yet
 * @dfn: first device frame
 * @pfn: first page
 * @nr: 4 KiB pages
 * @leaf: pages that can be unmapped one by one
 */
struct slot {
	enum state state;
	u64 dfn;
	u64 pfn;
	u32 nr;
	u32 leaf;
};

/* How a case plays. */
struct play {
	bool later;	/* unmaps may be deferred */
	bool faults;	/* Xen refuses pages now and then */
	bool single;	/* batch=0 */
};

static struct iommu_domain *dom;
static struct slot slots[NR_SLOTS];
static struct rnd_state rnd;
static struct play play;
static unsigned int mapped, unmapped, told, refused;
static unsigned int steps_done;
static const char *wrong;

static u32 below(u32 n)
{
	return prandom_u32_state(&rnd) % n;
}

static void expect(bool right, const char *what)
{
	if (!right && !wrong)
		wrong = what;
}

static u64 pfn_at(u64 dfn)
{
	return iommu_iova_to_phys(dom, XPI_ADDR(dfn)) >> 12;
}

/* Where nothing is asked for 0 is the answer, so no test maps page 0. */
static void choose_pages(struct slot *s, u64 base)
{
	static const u32 most[] = { 8, 8, 8, 8, 8, 64, 64, SLOT_PAGES };
	u32 kind = below(8);

	s->leaf = 1;
	s->nr = 1 + below(most[below(ARRAY_SIZE(most))]);
	s->dfn = base + below(SLOT_PAGES - s->nr + 1);
	if (kind == 0) {
		s->leaf = 512;
		s->nr = 512;
		s->dfn = base + 512 * below(2);
		s->pfn = 512 * (1 + below(0x20));
	} else if (kind == 1) {
		s->pfn = XPI_PFN_FOREIGN + below(0x0fff - s->nr);
	} else if (kind < 5) {
		s->pfn = XPI_PFN_SCATTERED + below(0x3fff - s->nr);
	} else {
		s->pfn = 1 + below(0x7000);
	}
	/* The core would make a large leaf of it. */
	if (s->leaf == 1 && s->nr >= 512 && !((s->dfn ^ s->pfn) % 512))
		s->pfn++;
}

static bool is_foreign(const struct slot *s)
{
	return s->pfn >= XPI_PFN_FOREIGN;
}

/* Xen may refuse something now and then; errors come of nothing else. */
static void note_error(int err)
{
	if (!err)
		return;
	told++;
	if (xpi_fake.page_fault.fired) {
		refused++;
		xpi_fake.page_fault.fired = false;
		xpi_fake.page_fault.err = 0;
	}
	expect(told <= refused, "an error that Xen did not make");
}

static void arm_fault(void)
{
	static const int errors[] = { -EACCES, -ENOMEM, -ETXTBSY, -EPERM };

	const struct xpi_fake_fault *f = &xpi_fake.page_fault;

	if (!play.faults || (f->err && !f->fired) || below(16))
		return;
	/* Its owner may not have asked yet, or never will. */
	refused += f->fired;
	xpi_fake.page_fault = (struct xpi_fake_fault){
		.in = below(256), .err = errors[below(ARRAY_SIZE(errors))],
	};
}

static void step_map(struct slot *s)
{
	gfp_t gfp = below(2) ? GFP_KERNEL : GFP_ATOMIC;
	int err = iommu_map(dom, XPI_ADDR(s->dfn), XPI_ADDR(s->pfn),
			    XPI_ADDR(s->nr), XPI_RW, gfp);

	note_error(err);
	s->state = err ? EMPTY : MAPPED;
	mapped += !err;
	if (err)
		expect(!pfn_at(s->dfn) && !pfn_at(s->dfn + s->nr - 1),
		       "a failed map has left something");
}

static void step_map_only(struct slot *s)
{
	size_t size = s->leaf == 1 ? SZ_4K : SZ_2M, got = 0;
	int err = dom->ops->map_pages(dom, XPI_ADDR(s->dfn), XPI_ADDR(s->pfn),
				      size, s->nr / s->leaf, XPI_RW, GFP_ATOMIC,
				      &got);

	note_error(err);
	s->state = err ? EMPTY : WAITING;
	expect(got == (err ? 0 : XPI_ADDR(s->nr)),
	       "a map that waits is there in part");
}

static size_t send_unmap(u64 dfn, u64 nr, bool later)
{
	struct iommu_iotlb_gather gather;

	if (!later)
		return iommu_unmap(dom, XPI_ADDR(dfn), XPI_ADDR(nr));
	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	return iommu_unmap_fast(dom, XPI_ADDR(dfn), XPI_ADDR(nr), &gather);
}

/* The front part of it, or all. */
static void step_unmap(struct slot *s)
{
	u32 nr = below(2) ? s->nr : s->leaf * (1 + below(s->nr / s->leaf));
	const struct xpi_fake_ctx *ctx = xpi_fake_ctx(xpi_driver_ctx(dom));
	bool later = play.later && below(4);

	expect(send_unmap(s->dfn, nr, later) == XPI_ADDR(nr),
	       "an unmap did not unmap all");
	expect(!pfn_at(s->dfn) && !pfn_at(s->dfn + nr - 1),
	       "what was unmapped is still there");
	if (!later || is_foreign(s))
		expect(!ctx->pte[s->dfn].flags && !ctx->pte[s->dfn + nr - 1].flags,
		       "Xen still maps what was unmapped");
	unmapped++;
	s->dfn += nr;
	s->pfn += nr;
	s->nr -= nr;
	if (!s->nr)
		s->state = EMPTY;
}

static void step_sync(struct slot *s)
{
	int err = dom->ops->iotlb_sync_map(dom, XPI_ADDR(s->dfn),
					   XPI_ADDR(s->nr));

	note_error(err);
	s->state = MAPPED;
	mapped += !err;
	if (!err)
		return;
	/* As the core does it. */
	expect(send_unmap(s->dfn, s->nr, false) == XPI_ADDR(s->nr),
	       "a map that failed late cannot be taken back");
	s->state = EMPTY;
}

static void step(void)
{
	u32 i = below(NR_SLOTS), at;
	struct slot *s = &slots[i];

	xpi_driver.cpu = below(2);
	arm_fault();
	if (!below(64))
		dom->ops->flush_iotlb_all(dom);
	switch (s->state) {
	case EMPTY:
		choose_pages(s, i * SLOT_PAGES);
		if (below(4) || play.single)
			step_map(s);
		else
			step_map_only(s);
		break;
	case WAITING:
		if (below(4))
			step_sync(s);
		else
			step_unmap(s);
		break;
	case MAPPED:
		at = below(s->nr);
		expect(pfn_at(s->dfn + at) == s->pfn + at,
		       "a page is not where it was put");
		step_unmap(s);
		break;
	}
}

static void compare(void)
{
	const char *why = xpi_driver_differs(dom, false);

	expect(!why, why);
}

static void play_on(unsigned int steps)
{
	unsigned int i;

	for (i = 0; i < steps && !wrong; i++) {
		step();
		expect(!xpi_fake.wrong, xpi_fake.wrong);
		steps_done = i + 1;
		if (i % CHECK_EVERY == 0) {
			compare();
			cond_resched();
		}
	}
	compare();
	for (i = 0; i < NR_SLOTS && !wrong; i++)
		while (slots[i].state != EMPTY && !wrong)
			step_unmap(&slots[i]);
	dom->ops->flush_iotlb_all(dom);
	compare();
}

static void random(struct kunit *test, struct play p)
{
	memset(slots, 0, sizeof(slots));
	prandom_seed_state(&rnd, random_seed);
	play = p;
	mapped = 0;
	unmapped = 0;
	told = 0;
	refused = 0;
	steps_done = 0;
	wrong = NULL;
	xpi_driver.nowhere = true;

	xpi_driver_batch(!p.single);
	dom = xpi_driver_domain(NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dom);
	play_on(random_steps / 4);
	kunit_info(test, "%u steps from seed %u: %u maps, %u unmaps, %u refused, %u calls, %u descriptors",
		   steps_done, random_seed, mapped, unmapped, told,
		   xpi_fake.calls[XEN_PV_IOMMU_OP_BATCH], xpi_fake.descs);
	KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
	KUNIT_EXPECT_GT(test, mapped, 0);
	xpi_driver_free(dom);
}

static void strict(struct kunit *test)
{
	random(test, (struct play){});
}

static void deferred(struct kunit *test)
{
	random(test, (struct play){ .later = true });
}

static void refusing(struct kunit *test)
{
	random(test, (struct play){ .later = true, .faults = true });
	KUNIT_EXPECT_GT(test, told, 0);
}

static void page_by_page(struct kunit *test)
{
	random(test, (struct play){ .faults = true, .single = true });
	KUNIT_EXPECT_GT(test, told, 0);
}

static struct kunit_case random_cases[] = {
	KUNIT_CASE_SLOW(strict),
	KUNIT_CASE_SLOW(deferred),
	KUNIT_CASE_SLOW(refusing),
	KUNIT_CASE_SLOW(page_by_page),
	{}
};

static struct kunit_suite random_suite = {
	.name = "xpi-random",
	.init = xpi_driver_init,
	.exit = xpi_driver_exit,
	.test_cases = random_cases,
};

kunit_test_suites(&random_suite);

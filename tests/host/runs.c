// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the coalescer on a p2m of a few thousand entries. A run is right if it
 * matches the p2m in every page and cannot be longer.
 */
#include <errno.h>

#include "runs.h"

#include "harness.h"

#define P2M_SIZE	8192
#define INVALID		(~0ULL)

static struct xpi_frame p2m[P2M_SIZE];
static unsigned int lookups;
static bool far;		/* now and then return more than one page */

static bool goes_on(u64 pfn, u32 nr)
{
	return pfn + nr < P2M_SIZE && p2m[pfn + nr].gfn == p2m[pfn].gfn + nr &&
	       p2m[pfn + nr].flags == p2m[pfn].flags;
}

static struct xpi_frame frame_of(u64 pfn, u32 max)
{
	u32 wanted = far && rnd_below(4) ? 1 + rnd_below(max) : 1;
	struct xpi_frame frame = {};

	CHECK(max);
	lookups++;
	if (pfn >= P2M_SIZE || p2m[pfn].gfn == INVALID)
		return frame;
	frame = p2m[pfn];
	for (frame.nr = 1; frame.nr < wanted && goes_on(pfn, frame.nr);)
		frame.nr++;
	return frame;
}

static void set_p2m(u64 pfn, u64 nr, u64 gfn, u16 flags)
{
	u64 i;

	for (i = 0; i < nr; i++) {
		p2m[pfn + i].gfn = gfn + i;
		p2m[pfn + i].flags = flags;
	}
}

static struct xpi_runs start(u64 dfn, u64 pfn, u64 nr, u32 max)
{
	lookups = 0;
	far = false;
	return (struct xpi_runs){ .frame = frame_of, .dfn = dfn, .pfn = pfn,
				  .left = nr, .max = max };
}

static void expect(struct xpi_runs *it, u64 dfn, u64 gfn, u32 nr, u16 flags)
{
	struct xpi_run run;

	CHECK_EQ(xpi_runs_next(it, &run), 1);
	CHECK_EQ(run.dfn, dfn);
	CHECK_EQ(run.gfn, gfn);
	CHECK_EQ(run.nr, nr);
	CHECK_EQ(run.flags, flags);
}

static void expect_end(struct xpi_runs *it)
{
	struct xpi_run run;

	CHECK_EQ(xpi_runs_next(it, &run), 0);
	CHECK_EQ(xpi_runs_next(it, &run), 0);
}

TEST(identity_is_one_run)
{
	struct xpi_runs it = start(0x100, 0, 1000, 4096);

	set_p2m(0, P2M_SIZE, 0, 0);
	expect(&it, 0x100, 0, 1000, 0);
	expect_end(&it);
}

TEST(nothing_is_no_run)
{
	struct xpi_runs it = start(0, 0, 0, 4096);

	expect_end(&it);
	CHECK_EQ(lookups, 0);
}

/* Machine frames that jump, and frames in descending order. */
TEST(scattered)
{
	struct xpi_runs it = start(0x1000, 10, 6, 4096);

	set_p2m(10, 2, 500, 0);
	set_p2m(12, 1, 499, 0);
	set_p2m(13, 1, 498, 0);
	set_p2m(14, 2, 700, 0);
	expect(&it, 0x1000, 500, 2, 0);
	expect(&it, 0x1002, 499, 1, 0);
	expect(&it, 0x1003, 498, 1, 0);
	expect(&it, 0x1004, 700, 2, 0);
	expect_end(&it);
}

/* Contiguous frames of different kinds never share a descriptor. */
TEST(flags_split)
{
	struct xpi_runs it = start(0, 0, 9, 4096);

	set_p2m(0, 9, 100, 0);
	p2m[3].flags = 4;
	p2m[4].flags = 8;
	expect(&it, 0, 100, 3, 0);
	expect(&it, 3, 103, 1, 4);
	expect(&it, 4, 104, 1, 8);
	expect(&it, 5, 105, 4, 0);
	expect_end(&it);
}

TEST(hole_is_an_error_after_the_run)
{
	struct xpi_runs it = start(0, 0, 8, 4096);
	struct xpi_run run;

	set_p2m(0, 8, 100, 0);
	p2m[5].gfn = INVALID;
	expect(&it, 0, 100, 5, 0);
	CHECK_EQ(xpi_runs_next(&it, &run), -EINVAL);
	CHECK_EQ(xpi_runs_next(&it, &run), -EINVAL);
}

TEST(hole_at_the_start)
{
	struct xpi_runs it = start(0, 0, 2, 4096);
	struct xpi_run run;

	p2m[0].gfn = INVALID;
	CHECK_EQ(xpi_runs_next(&it, &run), -EINVAL);
}

/* A run that must be cut is cut at the end of a large leaf. */
TEST(cut_at_a_leaf)
{
	struct xpi_runs it = start(0x210, 0x10, 3000, 1024);

	set_p2m(0, P2M_SIZE, 0, 0);
	expect(&it, 0x210, 0x10, 0x3f0, 0);
	expect(&it, 0x600, 0x400, 1024, 0);
	expect(&it, 0xa00, 0x800, 3000 - 0x3f0 - 1024, 0);
	expect_end(&it);
}

TEST(cut_smaller_than_a_leaf)
{
	struct xpi_runs it = start(0x1fe, 0, 9, 4);

	set_p2m(0, P2M_SIZE, 0, 0);
	expect(&it, 0x1fe, 0, 2, 0);
	expect(&it, 0x200, 2, 4, 0);
	expect(&it, 0x204, 6, 3, 0);
	expect_end(&it);
}

/* The coalescer does not look up the page at which a run ends twice. */
TEST(one_lookup_a_page)
{
	struct xpi_runs it = start(0, 0, 64, 4096);
	struct xpi_run run;
	unsigned int i;

	for (i = 0; i < 64; i++)
		set_p2m(i, 1, 1000 - 2 * i, 0);
	while (xpi_runs_next(&it, &run))
		;
	CHECK_EQ(lookups, 64);
}

static void random_p2m(void)
{
	u64 pfn = 0;

	while (pfn < P2M_SIZE) {
		u64 nr = 1 + rnd_below(rnd_below(4) ? 8 : 600);

		if (nr > P2M_SIZE - pfn)
			nr = P2M_SIZE - pfn;
		set_p2m(pfn, nr, rnd_below(1 << 20), rnd_below(3) << 2);
		if (!rnd_below(16))
			p2m[pfn].gfn = INVALID;
		pfn += nr;
	}
}

/* @run matches the p2m, and could not have been longer. */
static void check_run(const struct xpi_run *run, u64 pfn, u64 left, u32 max)
{
	u32 i;

	CHECK(run->nr >= 1 && run->nr <= max && run->nr <= left);
	for (i = 0; i < run->nr; i++) {
		CHECK_EQ(p2m[pfn + i].gfn, run->gfn + i);
		CHECK_EQ(p2m[pfn + i].flags, run->flags);
	}
	if (run->nr == left || p2m[pfn + i].gfn != run->gfn + i ||
	    p2m[pfn + i].flags != run->flags)
		return;
	/* It could: then max has cut it, at a leaf's end if there is one. */
	CHECK(left > max);
	CHECK((run->dfn + run->nr) % 512 == 0 || run->nr == max);
	CHECK(run->nr + 512 > max);
}

TEST(random_p2ms)
{
	unsigned int round;

	for (round = 0; round < 400; round++) {
		u64 pfn = rnd_below(P2M_SIZE), dfn = rnd_below(1ULL << 36);
		u64 left = 1 + rnd_below(P2M_SIZE - pfn);
		u32 max = 1 + rnd_below(rnd_below(2) ? 700 : 4096);
		struct xpi_runs it;
		struct xpi_run run;
		int ret;

		random_p2m();
		it = start(dfn, pfn, left, max);
		far = round % 2;
		while ((ret = xpi_runs_next(&it, &run)) == 1) {
			CHECK_EQ(run.dfn, dfn);
			check_run(&run, pfn, left, max);
			dfn += run.nr;
			pfn += run.nr;
			left -= run.nr;
		}
		if (ret)
			CHECK_EQ(p2m[pfn].gfn, INVALID);
		else
			CHECK_EQ(left, 0);
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * A range of pages as runs of frames. Every fourth of the first pages begins a
 * new run, and the last ones have no frame.
 */
#include <kunit/test.h>
#include <linux/errno.h>

#include "runs.h"

#define RUN	4U
#define FIRST	0x100U		/* the first page of a longer run */
#define NONE	0x800U		/* from here on there are no frames */
#define KIND	0x200U		/* from here on pages are of another kind */
#define FLAG	1U

static unsigned int lookups;

/* Looks at one page, whatever it may look at. */
static struct xpi_frame frame_of(u64 pfn, u32 max)
{
	lookups++;
	if (pfn >= NONE)
		return (struct xpi_frame){};
	if (pfn < FIRST)
		return (struct xpi_frame){
			.gfn = pfn + pfn / RUN * 0x1000, .nr = 1,
		};
	return (struct xpi_frame){
		.gfn = pfn, .nr = 1, .flags = pfn < KIND ? 0 : FLAG,
	};
}

static struct xpi_runs begin(u64 dfn, u64 pfn, u64 nr, u32 max)
{
	lookups = 0;
	return (struct xpi_runs){
		.frame = frame_of, .dfn = dfn, .pfn = pfn, .left = nr, .max = max,
	};
}

static void expect_run(struct kunit *test, struct xpi_runs *it, u64 dfn,
		       u64 gfn, u32 nr)
{
	struct xpi_run run;

	KUNIT_ASSERT_EQ(test, xpi_runs_next(it, &run), 1);
	KUNIT_EXPECT_EQ(test, run.dfn, dfn);
	KUNIT_EXPECT_EQ(test, run.gfn, gfn);
	KUNIT_EXPECT_EQ(test, run.nr, nr);
}

static void expect_end(struct kunit *test, struct xpi_runs *it, int ret)
{
	struct xpi_run run;

	KUNIT_EXPECT_EQ(test, xpi_runs_next(it, &run), ret);
}

static void contiguous(struct kunit *test)
{
	struct xpi_runs it = begin(7, FIRST, 100, 4096);

	expect_run(test, &it, 7, FIRST, 100);
	expect_end(test, &it, 0);
}

/* Each page is translated once. */
static void scattered(struct kunit *test)
{
	struct xpi_runs it = begin(7, 2, 8, 4096);

	expect_run(test, &it, 7, 2, 2);
	expect_run(test, &it, 9, 0x1004, 4);
	expect_run(test, &it, 13, 0x2008, 2);
	expect_end(test, &it, 0);
	KUNIT_EXPECT_EQ(test, lookups, 8);
}

/* The gfns go on, but the kind does not. */
static void kinds(struct kunit *test)
{
	struct xpi_runs it = begin(0, KIND - 2, 4, 4096);
	struct xpi_run run;

	expect_run(test, &it, 0, KIND - 2, 2);
	KUNIT_ASSERT_EQ(test, xpi_runs_next(&it, &run), 1);
	KUNIT_EXPECT_EQ(test, run.dfn, 2);
	KUNIT_EXPECT_EQ(test, run.nr, 2);
	KUNIT_EXPECT_EQ(test, run.flags, FLAG);
	expect_end(test, &it, 0);
}

static void not_too_long(struct kunit *test)
{
	struct xpi_runs it = begin(0, FIRST, 20, 8);

	expect_run(test, &it, 0, FIRST, 8);
	expect_run(test, &it, 8, FIRST + 8, 8);
	expect_run(test, &it, 16, FIRST + 16, 4);
	expect_end(test, &it, 0);
}

/* A cut does not split a leaf of 512 pages. */
static void whole_leaves(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xpi_run_limit(0x1f0, 5000, 600), 0x210);
	KUNIT_EXPECT_EQ(test, xpi_run_limit(0x1f0, 500, 600), 500);
	KUNIT_EXPECT_EQ(test, xpi_run_limit(0x200, 5000, 100), 100);
}

/* The pages before it remain valid. */
static void without_a_frame(struct kunit *test)
{
	struct xpi_runs it = begin(0, NONE - 3, 8, 4096);

	expect_run(test, &it, 0, NONE - 3, 3);
	expect_end(test, &it, -EINVAL);
}

static struct kunit_case runs_cases[] = {
	KUNIT_CASE(contiguous),
	KUNIT_CASE(scattered),
	KUNIT_CASE(kinds),
	KUNIT_CASE(not_too_long),
	KUNIT_CASE(whole_leaves),
	KUNIT_CASE(without_a_frame),
	{}
};

static struct kunit_suite runs_suite = {
	.name = "xpi-runs",
	.test_cases = runs_cases,
};

kunit_test_suites(&runs_suite);

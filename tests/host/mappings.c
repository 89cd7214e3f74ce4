// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the mappings, by hand and against a flat array of pages.
 *
 * Pins: VFIO of Linux 6.12 maps 8 KiB in one call and unmaps it in two halves
 * whenever a container is opened.
 */
#include <assert.h>
#include <errno.h>

#include "mappings.h"

#include "harness.h"

int fake_locks_held;
unsigned int fake_locks_taken;

static long nodes;		/* currently allocated */
static long allocs, frees;	/* since the start */
static long fail_at;		/* n-th allocation from now fails, 0: none */
static bool failed;
static void (*meanwhile)(void);	/* work of another CPU during an allocation */

static void *node_alloc(gfp_t gfp)
{
	void *node;

	/* The mappings make no allocation under a lock, not even an atomic one. */
	assert(!fake_locks_held);
	assert(gfp == GFP_KERNEL || gfp == GFP_ATOMIC);
	if (fail_at && !--fail_at) {
		failed = true;
		return NULL;
	}
	if (meanwhile) {
		void (*fn)(void) = meanwhile;

		meanwhile = NULL;
		fn();
	}
	node = aligned_alloc(4096, 4096);
	memset(node, 0, 4096);
	nodes++;
	allocs++;
	return node;
}

static void node_free(void *node)
{
	assert(!fake_locks_held);
	nodes--;
	frees++;
	free(node);
}

static const struct xpi_mappings_mem mem = {
	.alloc = node_alloc,
	.free = node_free,
};

static struct xpi_mappings mappings;

static void setup(u64 last)
{
	nodes = allocs = frees = fail_at = 0;
	failed = false;
	memset(&mappings, 0, sizeof(mappings));
	CHECK_EQ(xpi_mappings_init(&mappings, &mem, last, GFP_KERNEL), 0);
}

static void teardown(void)
{
	xpi_mappings_fini(&mappings);
	CHECK_EQ(nodes, 0);
}

static int map(u64 dfn, u64 pfn, u64 nr, unsigned int order,
	       unsigned int flags)
{
	long before;
	int ret = xpi_mappings_reserve(&mappings, dfn, nr, order, GFP_ATOMIC);

	if (ret)
		return ret;
	before = allocs;
	CHECK_EQ(xpi_mappings_add(&mappings, dfn, pfn, nr, order, flags), nr);
	CHECK_EQ(allocs, before);
	return 0;
}

static u64 unmap(u64 dfn, u64 nr)
{
	long a = allocs, f = frees;
	u64 done = xpi_mappings_remove(&mappings, dfn, nr);

	CHECK_EQ(allocs, a);
	CHECK_EQ(frees, f);
	return done;
}

static u64 take(u64 dfn, u64 nr, unsigned int *flags)
{
	struct xpi_removed removed =
		xpi_mappings_remove_kind(&mappings, dfn, nr);

	*flags = removed.flags;
	return removed.nr;
}

static void expect(u64 dfn, u64 pfn)
{
	u64 found = 0;

	CHECK(xpi_mappings_lookup(&mappings, dfn, &found));
	CHECK_EQ(found, pfn);
}

static void expect_hole(u64 dfn)
{
	u64 found;

	CHECK(!xpi_mappings_lookup(&mappings, dfn, &found));
}

TEST(map_lookup_unmap)
{
	setup((1ULL << 36) - 1);
	expect_hole(0x12345);
	CHECK_EQ(map(0x12345, 0x777, 3, XPI_ORDER_4K, 0), 0);
	expect_hole(0x12344);
	expect(0x12345, 0x777);
	expect(0x12347, 0x779);
	expect_hole(0x12348);
	CHECK_EQ(unmap(0x12345, 3), 3);
	expect_hole(0x12345);
	teardown();
}

TEST(half_of_a_mapping)
{
	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0x1ff, 0x50, 2, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(unmap(0x1ff, 1), 1);
	expect_hole(0x1ff);
	expect(0x200, 0x51);
	CHECK_EQ(unmap(0x200, 1), 1);
	expect_hole(0x200);
	teardown();
}

TEST(large_leaf_is_never_split)
{
	unsigned int flags;

	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0x400, 0x80000, 1024, XPI_ORDER_2M, 0), 0);
	expect(0x400, 0x80000);
	expect(0x7ff, 0x803ff);
	CHECK_EQ(take(0x401, 511, &flags), 0);
	CHECK_EQ(take(0x400, 511, &flags), 0);
	expect(0x400, 0x80000);
	CHECK_EQ(take(0x400, 513, &flags), 512);
	CHECK_EQ(map(0x400, 0x80000, 512, XPI_ORDER_2M, 0), 0);
	CHECK_EQ(unmap(0x400, 1), 0);
	CHECK_EQ(unmap(0x5ff, 1), 0);
	CHECK_EQ(unmap(0x400, 1023), 512);
	expect_hole(0x400);
	expect(0x600, 0x80200);
	CHECK_EQ(unmap(0x600, 512), 512);
	teardown();
}

TEST(two_levels_are_enough_for_4g)
{
	setup((1ULL << 20) - 1);
	CHECK_EQ(map((1ULL << 20) - 1, 5, 1, XPI_ORDER_4K, 0), 0);
	expect((1ULL << 20) - 1, 5);
	CHECK_EQ(map(1ULL << 20, 5, 1, XPI_ORDER_4K, 0), -ERANGE);
	CHECK_EQ(map((1ULL << 20) - 2, 5, 3, XPI_ORDER_4K, 0), -ERANGE);
	expect_hole(1ULL << 20);
	CHECK_EQ(unmap(1ULL << 20, 1), 0);
	teardown();
}

/* XSA-311: the top of the address space, then the bottom. */
TEST(top_then_bottom)
{
	static const u64 last[] = { 1023, (1ULL << 27) - 1, (1ULL << 36) - 1,
				    (1ULL << 45) - 1, (1ULL << 52) - 1 };
	unsigned int i;

	for (i = 0; i < 5; i++) {
		setup(last[i]);
		CHECK_EQ(map(last[i], 0xabc, 1, XPI_ORDER_4K, 0), 0);
		CHECK_EQ(map(0, 0xdef, 1, XPI_ORDER_4K, 0), 0);
		expect(last[i], 0xabc);
		expect(0, 0xdef);
		CHECK_EQ(map(last[i], 1, ~0ULL, XPI_ORDER_4K, 0), -ERANGE);
		teardown();
	}
}

TEST(nothing_is_replaced)
{
	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0x200, 0x1000, 1, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(map(0x200, 0x2000, 1, XPI_ORDER_4K, 0), -EEXIST);
	CHECK_EQ(map(0x1f0, 0x2000, 32, XPI_ORDER_4K, 0), -EEXIST);
	CHECK_EQ(map(0x200, 0x2000, 512, XPI_ORDER_2M, 0), -EEXIST);
	expect(0x200, 0x1000);
	CHECK_EQ(unmap(0x200, 1), 1);
	CHECK_EQ(map(0x200, 0x2000, 512, XPI_ORDER_2M, 0), 0);
	CHECK_EQ(map(0x210, 0x1000, 1, XPI_ORDER_4K, 0), -EEXIST);
	CHECK_EQ(map(0x200, 0x1000, 512, XPI_ORDER_2M, 0), -EEXIST);
	expect(0x210, 0x2010);
	teardown();
}

TEST(set_without_reserve)
{
	setup((1ULL << 36) - 1);
	CHECK_EQ(xpi_mappings_add(&mappings, 0x200, 1, 4, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(map(0x200, 0x2000, 512, XPI_ORDER_2M, 0), 0);
	CHECK_EQ(xpi_mappings_add(&mappings, 0x210, 1, 4, XPI_ORDER_4K, 0), 0);
	expect(0x210, 0x2010);
	teardown();
}

/* A large leaf replaces an empty node, which the mappings free. */
TEST(empty_node_gives_way)
{
	long before;

	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0x200, 0x1000, 512, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(unmap(0x200, 512), 512);
	before = nodes;
	CHECK_EQ(map(0x200, 0x2000, 512, XPI_ORDER_2M, 0), 0);
	CHECK_EQ(nodes, before - 1);
	teardown();
}

/* A page takes eight bytes, and a node is allocated only once. */
TEST(nodes_are_kept)
{
	long before;
	int i;

	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0, 0, 4096, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(nodes, 4 - 1 + 8);
	before = allocs;
	for (i = 0; i < 10; i++) {
		CHECK_EQ(unmap(0, 4096), 4096);
		CHECK_EQ(map(0, 0, 4096, XPI_ORDER_4K, 0), 0);
	}
	CHECK_EQ(allocs, before);
	teardown();
}

TEST(take_stops_where_flags_change)
{
	unsigned int flags = 0;

	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0x100, 0x100, 300, XPI_ORDER_4K, XPI_LEAF_DIRECT), 0);
	CHECK_EQ(map(0x100 + 300, 0x9000, 1000, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x100 + 299), XPI_LEAF_DIRECT);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x100 + 300), 0);
	CHECK_EQ(take(0x100, 2000, &flags), 300);
	CHECK_EQ(flags, XPI_LEAF_DIRECT);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x100 + 299), 0);
	CHECK_EQ(take(0x100, 2000, &flags), 0);
	expect(0x100 + 300, 0x9000);
	CHECK_EQ(take(0x100 + 300, 2000, &flags), 1000);
	CHECK_EQ(flags, 0);
	CHECK_EQ(take(0x100 + 1300, 10, &flags), 0);
	CHECK_EQ(map(0x100, 0x100, 300, XPI_ORDER_4K, XPI_LEAF_DIRECT), 0);
	CHECK_EQ(map(0x100 + 300, 0x9000, 1000, XPI_ORDER_4K, 0), 0);
	/* Unmap ignores the kinds of leaves. */
	CHECK_EQ(unmap(0x100, 2000), 1300);
	teardown();
}

static void map_next_door(void)
{
	CHECK_EQ(map(0x201, 0x9000, 1, XPI_ORDER_4K, 0), 0);
}

/* Two callers find the same node missing; the mappings free the slower caller's node. */
TEST(race_for_a_node)
{
	setup((1ULL << 36) - 1);
	meanwhile = map_next_door;
	CHECK_EQ(map(0x200, 0x1000, 1, XPI_ORDER_4K, 0), 0);
	expect(0x200, 0x1000);
	expect(0x201, 0x9000);
	CHECK_EQ(nodes, 4);
	teardown();
}

/* Two callers map one place, against the rules: the second gets an error. */
TEST(race_for_a_place)
{
	setup((1ULL << 36) - 1);
	CHECK_EQ(xpi_mappings_reserve(&mappings, 0x200, 512, XPI_ORDER_2M,
				      GFP_KERNEL),
		 0);
	map_next_door();
	CHECK_EQ(xpi_mappings_add(&mappings, 0x200, 0, 512, XPI_ORDER_2M, 0),
		 0);
	expect(0x201, 0x9000);
	CHECK_EQ(unmap(0x201, 1), 1);

	CHECK_EQ(xpi_mappings_reserve(&mappings, 0x400, 600, XPI_ORDER_4K,
				      GFP_KERNEL),
		 0);
	CHECK_EQ(map(0x450, 0x7000, 1, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(xpi_mappings_add(&mappings, 0x400, 0, 600, XPI_ORDER_4K, 0),
		 0x50);
	expect(0x450, 0x7000);
	teardown();
}

TEST(every_allocation_may_fail)
{
	long n;

	for (n = 1; ; n++) {
		int ret;

		setup((1ULL << 45) - 1);
		fail_at = n;
		ret = map(0x7fffff00ULL, 0x1000, 2048, XPI_ORDER_4K, 0);
		if (!failed)
			break;
		CHECK_EQ(ret, -ENOMEM);
		expect_hole(0x7fffff00ULL);
		CHECK_EQ(map(0x7fffff00ULL, 0x1000, 2048, XPI_ORDER_4K, 0), 0);
		expect(0x7fffff00ULL + 2047, 0x1000 + 2047);
		teardown();
	}
	CHECK(n > 8);
	teardown();

	fail_at = 1;
	CHECK_EQ(xpi_mappings_init(&mappings, &mem, 1000, GFP_KERNEL), -ENOMEM);
	teardown();
}

/*
 * The random model: a window of PAGES device frames, at both ends of several
 * address spaces. model[] has the expected contents of the mappings.
 */
#define PAGES	(24U * 512)

struct page_model {
	bool mapped, large;
	unsigned int flags;
	u64 pfn;
};

static struct page_model model[PAGES];
static unsigned long maps, refusals, no_memory, unmaps;

static bool model_vacant(u64 at, u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++)
		if (model[at + i].mapped)
			return false;
	return true;
}

static void model_map(u64 at, u64 pfn, u64 nr, bool large, unsigned int flags)
{
	u64 i;

	for (i = 0; i < nr; i++)
		model[at + i] = (struct page_model){ true, large, flags,
						     pfn + i };
}

/* Return the pages from @at on in whole leaves; of one kind if @flags is given. */
static u64 model_span(u64 at, u64 nr, unsigned int *flags)
{
	u64 done = 0;

	if (flags && nr && model[at].mapped)
		*flags = model[at].flags;
	while (done < nr && model[at + done].mapped) {
		const struct page_model *p = &model[at + done];
		u64 leaf = p->large ? 512 : 1;

		if ((at + done) % leaf || leaf > nr - done ||
		    (flags && p->flags != *flags))
			break;
		done += leaf;
	}
	return done;
}

static void step_map(u64 base)
{
	bool large = !rnd_below(4);
	u64 unit = large ? 512 : 1;
	u64 nr = unit * (1 + rnd_below(large ? 4 : rnd_below(8) ? 8 : 700));
	u64 at = rnd_below(PAGES / unit) * unit;
	u64 pfn = rnd_below(1ULL << (40 - 9)) * unit;
	unsigned int flags = rnd_below(8) ? 0 : XPI_LEAF_DIRECT;
	int ret;

	if (nr > PAGES - at)
		nr = PAGES - at;
	failed = false;
	fail_at = rnd_below(4) ? 0 : 1 + rnd_below(3);
	ret = map(base + at, pfn, nr, large ? XPI_ORDER_2M : XPI_ORDER_4K,
		  flags);
	fail_at = 0;
	if (ret == -ENOMEM) {
		CHECK(failed);
		no_memory++;
		return;
	}
	if (!model_vacant(at, nr)) {
		CHECK_EQ(ret, -EEXIST);
		refusals++;
		return;
	}
	CHECK_EQ(ret, 0);
	model_map(at, pfn, nr, large, flags);
	maps++;
}

static void step_unmap(u64 base)
{
	u64 at = rnd_below(PAGES);
	u64 nr = 1 + rnd_below(rnd_below(4) ? 16 : 3000);
	u64 wanted;

	if (rnd_below(2))
		at -= at % 512;
	/* In most cases start at a mapped page. */
	for (; rnd_below(4096) && at < PAGES - 1 && !model[at].mapped; at++)
		;
	if (nr > PAGES - at)
		nr = PAGES - at;
	if (rnd_below(2)) {
		unsigned int flags = 0, wanted_flags = 0;

		wanted = model_span(at, nr, &wanted_flags);
		CHECK_EQ(take(base + at, nr, &flags), wanted);
		if (wanted)
			CHECK_EQ(flags, wanted_flags);
	} else {
		wanted = model_span(at, nr, NULL);
		CHECK_EQ(unmap(base + at, nr), wanted);
	}
	memset(&model[at], 0, wanted * sizeof(model[0]));
	unmaps += !!wanted;
}

static void step_look(u64 base)
{
	u64 at = rnd_below(PAGES);

	if (model[at].mapped)
		expect(base + at, model[at].pfn);
	else
		expect_hole(base + at);
	CHECK_EQ(xpi_mappings_flags(&mappings, base + at),
		 model[at].mapped ? model[at].flags : 0);
}

static void compare_all(u64 base)
{
	u64 at, small = 0, large = 0;

	for (at = 0; at < PAGES; at++) {
		if (model[at].mapped)
			expect(base + at, model[at].pfn);
		else
			expect_hole(base + at);
		small += model[at].mapped && !model[at].large;
		large += model[at].mapped && model[at].large;
	}
	CHECK_EQ(xpi_mappings_leaves(&mappings, XPI_ORDER_4K), small);
	CHECK_EQ(xpi_mappings_leaves(&mappings, XPI_ORDER_2M), large / 512);
}

static void one_step(u64 base)
{
	switch (rnd_below(6)) {
	case 0:
		step_map(base);
		break;
	case 1:
	case 2:
		step_unmap(base);
		break;
	default:
		step_look(base);
	}
}

/* Start with empty mappings in many rounds, so that nodes are missing. */
static void random_round(u64 last, u64 base, unsigned int steps)
{
	unsigned int i;

	setup(last);
	memset(model, 0, sizeof(model));
	for (i = 0; i < steps; i++)
		one_step(base);
	compare_all(base);
	teardown();
}

static void random_steps(u64 last, u64 base)
{
	unsigned int i, steps = 250000, rounds = 500;

	maps = refusals = no_memory = unmaps = 0;
	for (i = 0; i < rounds; i++)
		random_round(last, base, steps / rounds);

	INFO("%u steps: %lu maps, %lu refused, %lu without memory, %lu unmaps",
	     steps, maps, refusals, no_memory, unmaps);
	/* otherwise the steps prove nothing */
	CHECK(maps > steps / 20 && unmaps > steps / 20);
	CHECK(refusals > 1000 && no_memory > 100);
}

TEST(random_two_levels)
{
	random_steps(PAGES - 1, 0);
}

TEST(random_four_levels_top)
{
	random_steps((1ULL << 36) - 1, (1ULL << 36) - PAGES);
}

/* The window crosses the boundary of two top level entries. */
TEST(random_four_levels_middle)
{
	random_steps((1ULL << 36) - 1, (1ULL << 35) - PAGES / 3 / 512 * 512);
}

TEST(random_five_levels)
{
	random_steps((1ULL << 45) - 1, (1ULL << 44) - 512 * 5);
}

TEST(marks)
{
	unsigned int flags;

	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0x1fe, 0x50, 4, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(map(0x400, 0x800, 512, XPI_ORDER_2M, 0), 0);
	xpi_mappings_mark(&mappings, 0x1ff, 2, XPI_LEAF_FOREIGN);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x1fe), 0);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x1ff), XPI_LEAF_FOREIGN);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x200), XPI_LEAF_FOREIGN);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x201), 0);
	/* marking a part of a large leaf marks the leaf; holes stay unmarked */
	xpi_mappings_mark(&mappings, 0x300, 0x107, XPI_LEAF_FOREIGN);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x400), XPI_LEAF_FOREIGN);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x5ff), XPI_LEAF_FOREIGN);
	CHECK_EQ(xpi_mappings_flags(&mappings, 0x300), 0);
	expect(0x400, 0x800);
	expect(0x1ff, 0x51);
	/* a take returns leaves of one kind */
	CHECK_EQ(take(0x1fe, 4, &flags), 1);
	CHECK_EQ(take(0x1ff, 3, &flags), 2);
	CHECK_EQ(flags, XPI_LEAF_FOREIGN);
	xpi_mappings_mark(&mappings, 1ULL << 36, 1, XPI_LEAF_FOREIGN);
	teardown();
}

TEST(errors_of_leaves)
{
	static const int errs[] = {
		-EIO, -ENOMEM, -EACCES, -ETXTBSY, -EEXIST, -EADDRINUSE, -EINVAL,
		-ENOENT, -EPERM, -EFAULT, -EOPNOTSUPP,
	};
	unsigned int i;

	setup((1ULL << 36) - 1);
	CHECK_EQ(map(0, 0x50, 64, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(map(0x400, 0x800, 512, XPI_ORDER_2M, XPI_LEAF_FOREIGN), 0);
	for (i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		xpi_mappings_mark(&mappings, i, 1, xpi_leaf_error(errs[i]));
		CHECK_EQ(xpi_mappings_error(&mappings, i, 2), errs[i]);
	}
	CHECK_EQ(xpi_mappings_error(&mappings, 20, 40), 0);
	CHECK_EQ(xpi_mappings_error(&mappings, 5, 1ULL << 30), errs[5]);
	xpi_mappings_mark(&mappings, 40, 1, xpi_leaf_error(-ENODEV));
	CHECK_EQ(xpi_mappings_error(&mappings, 20, 40), -EIO);
	/* the first error stays */
	xpi_mappings_mark(&mappings, 2, 1, xpi_leaf_error(-EIO));
	CHECK_EQ(xpi_mappings_error(&mappings, 2, 1), -EACCES);
	/* a range within a large leaf */
	xpi_mappings_mark(&mappings, 0x4ff, 3, xpi_leaf_error(-ENOMEM));
	CHECK_EQ(xpi_mappings_error(&mappings, 0x400, 512), -ENOMEM);
	CHECK_EQ(xpi_mappings_error(&mappings, 0x200, 0x400), -ENOMEM);
	expect(0x401, 0x801);
	/* removing forgets the errors and updates their count */
	CHECK_EQ(unmap(0x400, 512), 512);
	CHECK_EQ(mappings.nr_failed, i + 1);
	CHECK_EQ(unmap(0, 64), 64);
	CHECK_EQ(mappings.nr_failed, 0);
	CHECK_EQ(map(0, 0x50, 64, XPI_ORDER_4K, 0), 0);
	CHECK_EQ(xpi_mappings_error(&mappings, 0, 64), 0);
	teardown();
}

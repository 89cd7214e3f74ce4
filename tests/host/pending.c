// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the pending lists against a hypervisor with one context, by hand and at
 * random. After every step (I1) Xen maps what the mappings show, minus pending
 * maps, plus pending unmaps.
 *
 * Pins: virtio-iommu's queue loses the error of a map that another thread's sync
 * has sent.
 */
#include <errno.h>

#include <linux/limits.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "mappings.h"
#include "pending.h"
#include "runs.h"

#include "fake.h"
#include "harness.h"

#define CTX		7
#define PAGES		4096U
#define CPUS		4U
#define BUF		(16 * sizeof(struct xen_pv_iommu_batch))
#define FORBIDDEN	XPI_PFN_ALIEN
#define NO_FRAME	XPI_PFN_NONE
/* Frames of these pages are contiguous in pairs. */
#define SCATTERED	XPI_PFN_SCATTERED

void (*fake_before_mb)(void);
void (*fake_on_unlock)(void);

static unsigned int lost;	/* unmaps that the driver logged as lost */
/* Pages of all calls during one period with interrupts off, and the most. */
static unsigned int in_one_go, most_in_one_go, goes;
static bool whole_leaves;	/* unmaps must not cut 512 aligned pages */
static void (*during)(void);	/* work of another CPU during a call */
static void (*refused)(void);	/* work of another CPU after Xen has refused one */

static struct xpi_mappings mappings;
static struct xpi_pending_pair pair[CPUS];
static struct xpi_pending pending;

/*
 * The hypervisor
 */

static int check_leaf(const struct xen_pv_iommu_batch *d, u32 size)
{
	(void)size;
	if (whole_leaves && d->op == XEN_PV_IOMMU_BATCH_UNMAP && d->dfn >= 512)
		CHECK(!(d->dfn % 512) && !(d->nr % 512));
	return 0;
}

static void count_go(const struct xen_pv_iommu_batch *d, unsigned int count)
{
	if (goes != fake_locks_taken)
		in_one_go = 0;
	goes = fake_locks_taken;
	while (count--)
		in_one_go += d++->nr;
	if (in_one_go > most_in_one_go)
		most_in_one_go = in_one_go;
}

static void run_once(void (**what)(void))
{
	void (*fn)(void) = *what;

	*what = NULL;
	if (fn)
		fn();
}

static long on_call(unsigned int op, void *array, unsigned int count)
{
	long ret;

	CHECK_EQ(op, XEN_PV_IOMMU_OP_BATCH);
	count_go(array, count);
	run_once(&during);
	ret = checked_call(op, array, count);
	if (ret != (long)count && !xpi_fake.call_fault.err)
		run_once(&refused);
	return ret;
}

/* Make every call return @err; 0: none. */
static void break_calls(int err)
{
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = err, .always = true, .ops = XPI_FAKE_OP(BATCH),
	};
}

/*
 * The driver
 */

static const struct xpi_mappings_mem mem = { page_alloc, page_free };

/* The log may be sent through a network card whose DMA is in these lists. */
static void on_lost(struct xpi_pending *l, const struct xpi_lost *what)
{
	CHECK_EQ(fake_locks_held, 0);
	CHECK(l == &pending && what->times && what->err && what->nr);
	CHECK(what->dfn + what->nr <= PAGES);
	lost += what->times;
}

/* Calls of the tracing callback, the last one first. */
static struct {
	enum xpi_why why;
	unsigned int descs;
	u8 op;
} told[16];
static unsigned int nr_told;

static void on_sending(const struct xpi_batch *b, enum xpi_why why)
{
	CHECK(b->used && fake_locks_held && *xpi_why_name(why));
	memmove(&told[1], &told[0], sizeof(told) - sizeof(told[0]));
	told[0].why = why;
	told[0].descs = b->used;
	told[0].op = xpi_batch_at(b, 0)->op;
	nr_told++;
}

static void setup_short(unsigned int cpus, unsigned int max_maps)
{
	const struct xpi_pending_config c = {
		.hv = &xpi_fake_hv, .alloc = page_alloc, .bytes = BUF,
		.max_count = 1000, .max_maps = max_maps, .ctx = CTX,
	};

	fake_init(CTX, PAGES);
	xpi_fake.call = on_call;
	xpi_fake.leaf = check_leaf;
	xpi_fake.max_count = BUF / sizeof(struct xen_pv_iommu_batch);
	memset(pair, 0, sizeof(pair));
	lost = nr_told = 0;
	in_one_go = most_in_one_go = 0;
	whole_leaves = false;
	during = NULL;
	refused = NULL;
	fake_before_mb = NULL;
	fake_on_unlock = NULL;
	CHECK_EQ(xpi_mappings_init(&mappings, &mem, PAGES - 1, GFP_KERNEL), 0);
	pending = (struct xpi_pending){
		.mappings = &mappings, .lost = on_lost, .free = page_free,
		.sending = on_sending,
		.max_nr = 64, .nr = cpus, .pair = pair,
	};
	xpi_pending_init(&pending);
	CHECK_EQ(xpi_pending_fill(&pending, &c, GFP_KERNEL), 0);
}

static void setup(unsigned int cpus)
{
	setup_short(cpus, 1000);
}

static void teardown(void)
{
	xpi_pending_fini(&pending);
	xpi_mappings_fini(&mappings);
	fake_fini();
}

static int map_on(unsigned int cpu, u64 dfn, u64 pfn, u64 nr)
{
	const struct xpi_map m = {
		.dfn = dfn, .pfn = pfn, .nr = nr, .flags = XEN_PV_IOMMU_F_R,
	};
	int ret;

	CHECK_EQ(xpi_mappings_reserve(&mappings, dfn, nr, 0, GFP_ATOMIC), 0);
	CHECK_EQ(xpi_mappings_add(&mappings, dfn, pfn, nr, 0, 0), nr);
	ret = xpi_pending_map(&pending, cpu, &m);
	return ret < 0 ? ret : 0;
}

static int sync_map(u64 dfn, u64 nr)
{
	xpi_pending_sync_map(&pending, dfn, nr);
	return xpi_mappings_error(&mappings, dfn, nr);
}

/* Same as the driver: with errors in the range the unmap is not deferred. */
static void unmap_on(unsigned int cpu, u64 dfn, u64 nr)
{
	int err = xpi_mappings_error(&mappings, dfn, nr);

	xpi_pending_unmap(&pending, cpu, dfn, nr);
	CHECK_EQ(xpi_mappings_remove(&mappings, dfn, nr), nr);
	if (err)
		xpi_pending_sync_unmap(&pending, dfn, nr, XPI_WHY_ERROR);
}

/* A mapping that the driver did not make; the tests add and remove it. */
static const struct xpi_fake_pte unknown = {
	.gfn = 76, .flags = XEN_PV_IOMMU_F_R,
}, nothing;

static bool waits(const struct xpi_pending_list *p, u64 dfn)
{
	unsigned int i;

	for (i = 0; i < p->batch.used; i++) {
		const struct xen_pv_iommu_batch *d = xpi_batch_at(&p->batch, i);

		if (dfn >= d->dfn && dfn < d->dfn + d->nr)
			return true;
	}
	return false;
}

static bool waits_anywhere(u64 dfn, bool unmaps)
{
	unsigned int i;

	for (i = 0; i < pending.nr; i++)
		if (waits(unmaps ? &pair[i].unmaps : &pair[i].maps, dfn))
			return true;
	return false;
}

/* I1. Where a map failed, Xen may map less. */
static void check_page(u64 dfn)
{
	bool waits_map = waits_anywhere(dfn, false);
	bool waits_unmap = waits_anywhere(dfn, true);
	u64 pfn;

	if (!xpi_mappings_lookup(&mappings, dfn, &pfn)) {
		CHECK(!waits_map);
		CHECK_EQ(!!mapped(dfn), waits_unmap);
		return;
	}
	if (xpi_mappings_error(&mappings, dfn, 1))
		return;
	/* A page in a pending unmap must be mapped. */
	if (waits_unmap) {
		CHECK(waits_map && mapped(dfn));
	} else if (waits_map) {
		CHECK(!mapped(dfn));
	} else {
		CHECK_EQ(mapped(dfn), xpi_fake_frame(pfn, 1).gfn + 1);
	}
}

static void check_all(void)
{
	u64 dfn;

	for (dfn = 0; dfn < PAGES; dfn++)
		check_page(dfn);
	CHECK_EQ(fake_locks_held, 0);
}

TEST(maps_wait_for_their_sync)
{
	unsigned int i;

	setup(1);
	/* An NVMe request of 128 KiB takes one hypercall. */
	for (i = 0; i < 15; i++)
		CHECK_EQ(map_on(0, 100 + i, 1000 + 7 * i, 1), 0);
	CHECK_EQ(nr_calls(), 0);
	check_all();
	CHECK_EQ(sync_map(100, 15), 0);
	CHECK_EQ(nr_calls(), 1);
	CHECK_EQ(xpi_fake.descs, 15);
	check_all();
	CHECK_EQ(sync_map(100, 15), 0);
	CHECK_EQ(nr_calls(), 1);
	teardown();
}

/* Xen takes longer for a map than for an unmap. */
TEST(fewer_maps_than_unmaps_at_a_time)
{
	unsigned int i;

	setup_short(1, 4);
	for (i = 0; i < 12; i++)
		CHECK_EQ(map_on(0, 100 + 2 * i, 1000 + 7 * i, 1), 0);
	CHECK_EQ(nr_calls(), 2);
	CHECK_EQ(sync_map(100, 24), 0);
	CHECK_EQ(nr_calls(), 3);
	check_all();
	for (i = 0; i < 12; i++)
		unmap_on(0, 100 + 2 * i, 1);
	CHECK_EQ(nr_calls(), 3);
	xpi_pending_flush(&pending);
	CHECK_EQ(nr_calls(), 4);
	check_all();
	teardown();
}

static bool was_told(unsigned int i, u8 op, unsigned int d, enum xpi_why why)
{
	return told[i].op == op && told[i].descs == d && told[i].why == why;
}

TEST(onlookers_are_told_why)
{
	const u8 map = XEN_PV_IOMMU_BATCH_MAP, un = XEN_PV_IOMMU_BATCH_UNMAP;

	setup(1);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(nr_told, 0);
	CHECK_EQ(sync_map(100, 4), 0);
	CHECK(was_told(0, map, 1, XPI_WHY_SYNC_MAP));
	unmap_on(0, 100, 2);
	unmap_on(0, 102, 2);
	xpi_pending_sync_unmap(&pending, 100, 4, XPI_WHY_FOREIGN);
	CHECK(was_told(0, un, 1, XPI_WHY_FOREIGN));
	/* Nothing is pending, so the driver does not call the callback. */
	xpi_pending_flush(&pending);
	CHECK_EQ(nr_told, 2);

	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(map_on(0, 200, 2000, 4), 0);
	unmap_on(0, 102, 2);
	CHECK(was_told(1, map, 2, XPI_WHY_PART));
	CHECK(was_told(0, un, 1, XPI_WHY_HOLE));
	unmap_on(0, 100, 2);
	CHECK_EQ(map_on(0, 100, 3000, 2), 0);
	CHECK_EQ(sync_map(100, 2), 0);
	CHECK(was_told(1, map, 1, XPI_WHY_SYNC_MAP));
	CHECK(was_told(0, un, 1, XPI_WHY_REFUSED));
	unmap_on(0, 200, 4);
	xpi_pending_flush(&pending);
	CHECK(was_told(0, un, 1, XPI_WHY_FLUSH_ALL));
	teardown();
}

TEST(full_lists_are_sent)
{
	unsigned int i;

	setup(1);
	for (i = 0; i < 40; i++)
		CHECK_EQ(map_on(0, 100 + i, 1000 + 7 * i, 1), 0);
	CHECK_EQ(nr_calls(), 2);
	CHECK(was_told(0, XEN_PV_IOMMU_BATCH_MAP, 16, XPI_WHY_FULL));
	check_all();
	CHECK_EQ(sync_map(100, 40), 0);
	CHECK_EQ(nr_calls(), 3);
	for (i = 0; i < 40; i++)
		unmap_on(0, 100 + 2 * i % 40 + 2 * i / 40, 1);
	CHECK_EQ(nr_calls(), 5);
	check_all();
	xpi_pending_flush(&pending);
	CHECK_EQ(nr_calls(), 6);
	check_all();
	teardown();
}

/*
 * Interrupts are off during a call, so a call has few pages, and interrupts are
 * enabled before the next one.
 */
TEST(long_requests_go_in_steps)
{
	const u64 nr = 3500;

	setup(1);
	pending.max_nr = XPI_CHUNK_PAGES;
	CHECK_EQ(map_on(0, 100, 0x1000, nr), 0);
	CHECK_EQ(sync_map(100, nr), 0);
	CHECK(nr_calls() >= nr / XPI_PENDING_PAGES);
	unmap_on(0, 100, nr);
	xpi_pending_flush(&pending);
	check_all();
	CHECK(most_in_one_go && most_in_one_go <= XPI_PENDING_PAGES);
	teardown();
}

/* The same for many requests that fit into one batch. */
TEST(many_pages_do_not_wait)
{
	unsigned int i;

	setup(1);
	pending.max_nr = XPI_CHUNK_PAGES;
	for (i = 0; i < 8; i++)
		CHECK_EQ(map_on(0, 500 * i, 0x1000 + 1000 * i, 300), 0);
	CHECK_EQ(sync_map(0, 3800), 0);
	for (i = 0; i < 8; i++)
		unmap_on(0, 500 * i, 300);
	xpi_pending_flush(&pending);
	check_all();
	CHECK(most_in_one_go && most_in_one_go <= XPI_PENDING_PAGES);
	/* and a dropped map does not count any more */
	xpi_fake_clear_counts();
	CHECK_EQ(map_on(0, 1000, 0x2000, 300), 0);
	CHECK_EQ(map_on(0, 0, 0x1000, 400), 0);
	unmap_on(0, 0, 400);
	CHECK_EQ(map_on(0, 0, 0x1000, 400), 0);
	CHECK_EQ(nr_calls(), 0);
	CHECK_EQ(sync_map(0, 400), 0);
	CHECK_EQ(sync_map(1000, 300), 0);
	CHECK_EQ(nr_calls(), 1);
	check_all();
	teardown();
}

/* Fill all lists nearly with unmaps, with gaps between their ranges. */
static void fill_with_unmaps(void)
{
	unsigned int i;

	setup(CPUS);
	pending.max_nr = XPI_CHUNK_PAGES;
	CHECK_EQ(map_on(0, 0, 0x1000, PAGES - 8), 0);
	CHECK_EQ(sync_map(0, PAGES - 8), 0);
	/* In turn, so that a long range overlaps unmaps in each list. */
	for (i = 0; i < 12 * CPUS; i++)
		unmap_on(i % CPUS, 64 * i, 63);
	xpi_fake_clear_counts();
	most_in_one_go = 0;
}

/* Interrupts are off for one array at a time, not for the unmaps of all lists. */
TEST(refused_map_sends_unmaps_without_its_lock)
{
	fill_with_unmaps();
	CHECK_EQ(map_on(0, 0, FORBIDDEN + 1, 63), 0);
	CHECK_EQ(map_on(0, 64, 0x10, 63), 0);
	CHECK_EQ(map_on(1, 640, 0x2000, 63), 0);
	CHECK_EQ(sync_map(64, 63), 0);
	CHECK_EQ(sync_map(0, 63), -EACCES);
	CHECK_EQ(sync_map(640, 63), 0);
	CHECK(most_in_one_go && most_in_one_go <= XPI_PENDING_PAGES);
	check_all();
	teardown();
}

/* The driver sends only unmaps that overlap the map. */
TEST(refused_map_sends_no_unmaps_of_others)
{
	unsigned int m, before, u;

	fill_with_unmaps();
	xpi_pending_waiting(&pending, &m, &before);
	CHECK_EQ(map_on(0, PAGES - 8, FORBIDDEN, 8), 0);
	CHECK_EQ(sync_map(PAGES - 8, 8), -EACCES);
	xpi_pending_waiting(&pending, &m, &u);
	CHECK_EQ(u, before);
	CHECK_EQ(nr_calls(), 1);
	check_all();
	teardown();
}

/* The driver unmaps a leaf of 512 pages as a whole, wherever the range begins. */
TEST(unmaps_are_cut_where_leaves_end)
{
	setup(1);
	pending.max_nr = XPI_CHUNK_PAGES;
	whole_leaves = true;
	CHECK_EQ(map_on(0, 100, 0x1000, 412), 0);
	CHECK_EQ(map_on(0, 512, 0x2000, 1024), 0);
	CHECK_EQ(sync_map(100, 1436), 0);
	unmap_on(0, 100, 1436);
	xpi_pending_flush(&pending);
	check_all();
	teardown();
}

TEST(what_waits_is_counted)
{
	unsigned int m, u;

	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(map_on(1, 200, SCATTERED, 4), 0);
	xpi_pending_waiting(&pending, &m, &u);
	CHECK(m == 3 && u == 0);
	CHECK_EQ(sync_map(0, PAGES), 0);
	unmap_on(0, 100, 1);
	unmap_on(1, 103, 1);
	unmap_on(1, 200, 1);
	xpi_pending_waiting(&pending, &m, &u);
	CHECK(m == 0 && u == 3);
	xpi_pending_flush(&pending);
	xpi_pending_waiting(&pending, &m, &u);
	CHECK(m == 0 && u == 0);
	teardown();
}

TEST(more_cpus_than_pairs)
{
	setup(2);
	CHECK_EQ(map_on(3, 100, 1000, 4), 0);
	CHECK(waits(&pair[1].maps, 100));
	CHECK_EQ(sync_map(100, 4), 0);
	unmap_on(2, 100, 4);
	CHECK(waits(&pair[0].unmaps, 100));
	xpi_pending_flush(&pending);
	check_all();
	teardown();
}

TEST(runs_are_cut_where_frames_are)
{
	setup(1);
	CHECK_EQ(map_on(0, 100, SCATTERED, 16), 0);
	CHECK_EQ(sync_map(100, 16), 0);
	CHECK_EQ(nr_calls(), 1);
	CHECK_EQ(xpi_fake.descs, 8);
	check_all();
	teardown();
}

TEST(unmap_of_a_waiting_map_is_never_sent)
{
	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(map_on(0, 200, 2000, 4), 0);
	CHECK_EQ(map_on(1, 300, 3000, 4), 0);
	unmap_on(1, 100, 4);
	check_all();
	unmap_on(1, 300, 4);
	CHECK_EQ(nr_calls(), 0);
	check_all();
	/* The driver reports no error twice and keeps the map between the two. */
	CHECK_EQ(sync_map(0, PAGES), 0);
	xpi_pending_flush(&pending);
	CHECK_EQ(nr_calls(), 1);
	CHECK_EQ(xpi_fake.descs, 1);
	CHECK_EQ(mapped(203), 2004);
	check_all();
	teardown();
}

TEST(unmap_of_a_part_of_a_waiting_map)
{
	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	unmap_on(1, 101, 2);
	check_all();
	xpi_pending_sync_unmap(&pending, 101, 2, XPI_WHY_SYNC);
	CHECK_EQ(sync_map(100, 1), 0);
	CHECK_EQ(mapped(100), 1001);
	CHECK_EQ(mapped(101), 0);
	CHECK_EQ(mapped(103), 1004);
	check_all();
	teardown();
}

/* Xen has nothing to unmap, and a deferred unmap would remove the next map. */
TEST(unmap_of_a_part_of_a_map_that_is_refused)
{
	setup(2);
	CHECK_EQ(map_on(0, 100, FORBIDDEN, 4), 0);
	unmap_on(1, 101, 2);
	check_all();
	CHECK_EQ(map_on(0, 101, 2000, 2), 0);
	CHECK_EQ(sync_map(101, 2), 0);
	xpi_pending_flush(&pending);
	CHECK_EQ(mapped(102), 2002);
	CHECK_EQ(sync_map(100, 1), -EACCES);
	check_all();
	teardown();
}

/* The driver sent a full list with a part of the map: it unmaps the whole map at once. */
TEST(unmap_of_a_map_half_sent)
{
	unsigned int i;

	setup(1);
	for (i = 0; i < 20; i++)
		CHECK_EQ(map_on(0, 100 + i, 1000 + 7 * i, 1), 0);
	CHECK_EQ(nr_calls(), 1);
	unmap_on(0, 100, 20);
	CHECK_EQ(nr_calls(), 2);
	check_all();
	for (i = 0; i < 20; i++)
		CHECK_EQ(mapped(100 + i), 0);
	teardown();
}

/* The first sync sends all maps; only the sync of the refused range returns the error. */
TEST(errors_find_their_owner)
{
	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(map_on(0, 200, FORBIDDEN, 4), 0);
	CHECK_EQ(map_on(0, 300, 3000, 4), 0);
	CHECK_EQ(sync_map(100, 4), 0);
	CHECK_EQ(sync_map(300, 4), 0);
	CHECK_EQ(sync_map(200, 4), -EACCES);
	CHECK_EQ(sync_map(200, 4), -EACCES);
	check_all();
	/* The core then unmaps the range, which is usable again after that. */
	unmap_on(0, 200, 4);
	xpi_pending_sync_unmap(&pending, 200, 4, XPI_WHY_SYNC);
	CHECK_EQ(mappings.nr_failed, 0);
	CHECK_EQ(map_on(1, 200, 2000, 4), 0);
	CHECK_EQ(sync_map(200, 4), 0);
	CHECK_EQ(mapped(203), 2004);
	check_all();
	teardown();
}

/* Xen did half of the map: the unmap covers both halves. */
TEST(error_in_the_middle)
{
	setup(1);
	CHECK_EQ(map_on(0, 100, FORBIDDEN - 3, 8), 0);
	CHECK_EQ(sync_map(100, 8), -EACCES);
	CHECK_EQ(mapped(102), FORBIDDEN);
	check_all();
	unmap_on(0, 100, 8);
	check_all();
	CHECK_EQ(mapped(102), 0);
	teardown();
}

TEST(page_without_a_frame)
{
	setup(1);
	CHECK_EQ(map_on(0, 100, NO_FRAME - 3, 8), -EINVAL);
	unmap_on(0, 100, 8);
	xpi_pending_sync_unmap(&pending, 100, 8, XPI_WHY_SYNC);
	check_all();
	CHECK_EQ(xpi_fake.maps, 0);
	teardown();
}

TEST(task_moves_between_map_and_sync)
{
	setup(CPUS);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(map_on(3, 104, 2000, 4), 0);
	CHECK_EQ(map_on(2, 200, 3000, 4), 0);
	CHECK_EQ(sync_map(100, 8), 0);
	CHECK_EQ(nr_calls(), 2);
	CHECK_EQ(mapped(107), 2004);
	CHECK_EQ(mapped(200), 0);
	unmap_on(1, 100, 4);
	unmap_on(2, 104, 4);
	xpi_pending_sync_unmap(&pending, 100, 8, XPI_WHY_SYNC);
	CHECK_EQ(mapped(100) | mapped(107), 0);
	check_all();
	teardown();
}

/* Hard interrupts come between a task's maps, on the same CPU. */
TEST(interrupt_leaves_waiting_maps_alone)
{
	setup(1);
	CHECK_EQ(map_on(0, 300, 5000, 4), 0);
	CHECK_EQ(sync_map(300, 4), 0);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	unmap_on(0, 300, 4);
	xpi_pending_sync_unmap(&pending, 300, 4, XPI_WHY_SYNC);
	CHECK_EQ(mapped(300), 0);
	CHECK_EQ(mapped(100), 0);
	CHECK_EQ(map_on(0, 104, 2000, 4), 0);
	CHECK_EQ(sync_map(100, 8), 0);
	CHECK_EQ(nr_calls(), 3);
	check_all();
	teardown();
}

TEST(unmaps_wait_and_merge)
{
	unsigned int i;

	setup(1);
	CHECK_EQ(map_on(0, 100, 1000, 40), 0);
	CHECK_EQ(sync_map(100, 40), 0);
	/* upwards, downwards, and one apart */
	for (i = 0; i < 10; i++)
		unmap_on(0, 100 + i, 1);
	for (i = 0; i < 10; i++)
		unmap_on(0, 129 - i, 1);
	unmap_on(0, 135, 1);
	CHECK_EQ(nr_calls(), 1);
	check_all();
	xpi_pending_flush(&pending);
	CHECK_EQ(nr_calls(), 2);
	CHECK_EQ(xpi_fake.descs, 1 + 3);
	check_all();
	teardown();
}

TEST(merged_no_further_than_allowed)
{
	setup(1);
	CHECK_EQ(map_on(0, 0, 1000, 64), 0);
	CHECK_EQ(map_on(0, 64, 2000, 64), 0);
	CHECK_EQ(sync_map(0, 128), 0);
	xpi_fake_clear_counts();
	unmap_on(0, 0, 40);
	unmap_on(0, 40, 40);
	unmap_on(0, 80, 48);
	xpi_pending_flush(&pending);
	CHECK_EQ(xpi_fake.descs, 3);
	check_all();
	teardown();
}

/* A map needs the dfns of a deferred unmap: the driver sends the unmap first. */
TEST(map_where_an_unmap_waits)
{
	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 8), 0);
	CHECK_EQ(sync_map(100, 8), 0);
	unmap_on(1, 100, 8);
	CHECK_EQ(map_on(0, 50, 500, 2), 0);
	CHECK_EQ(map_on(0, 102, 2000, 4), 0);
	CHECK_EQ(map_on(0, 60, 600, 2), 0);
	check_all();
	CHECK_EQ(sync_map(102, 4), 0);
	CHECK_EQ(mapped(100), 0);
	CHECK_EQ(mapped(102), 2001);
	check_all();
	/* The pending unmap does not remove the new map. */
	xpi_pending_flush(&pending);
	CHECK_EQ(mapped(102), 2001);
	CHECK_EQ(mapped(61), 602);
	check_all();
	teardown();
}

/* A mapping of unknown origin stays: the driver retries once, then returns the error. */
TEST(mapped_by_nobody_we_know)
{
	setup(1);
	CHECK_EQ(map_on(0, 200, 2000, 4), 0);
	CHECK_EQ(sync_map(200, 4), 0);
	unmap_on(0, 200, 4);
	xen_ctx->pte[101] = unknown;
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(sync_map(100, 4), -EEXIST);
	CHECK_EQ(mapped(101), 77);
	CHECK_EQ(nr_calls(), 3);
	xen_ctx->pte[101] = nothing;
	teardown();
}

static int others_result;

static void other_cpu(void)
{
	others_result = map_on(1, 500, 5000, 4);
	if (!others_result)
		others_result = sync_map(500, 4);
}

TEST(another_cpu_meanwhile)
{
	setup(2);
	others_result = 1;
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	during = other_cpu;
	CHECK_EQ(sync_map(100, 4), 0);
	CHECK_EQ(others_result, 0);
	CHECK_EQ(nr_calls(), 2);
	check_all();
	teardown();
}

static void other_cpu_flushes(void)
{
	xpi_pending_flush(&pending);
}

/* When this CPU looks, another CPU has already sent the unmap. */
TEST(unmap_sent_by_another_cpu_right_then)
{
	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(sync_map(100, 4), 0);
	unmap_on(1, 100, 4);
	CHECK_EQ(map_on(0, 100, 2000, 4), 0);
	refused = other_cpu_flushes;
	CHECK_EQ(sync_map(100, 4), 0);
	CHECK(!refused);
	CHECK_EQ(mapped(100), 2001);
	check_all();
	teardown();
}

static void other_cpu_unmaps(void)
{
	fake_before_mb = NULL;
	unmap_on(3, 100, 4);
}

/*
 * Flush queues rely on it: a flush sends everything pending at its start. It begins
 * with a barrier, before it reads the first list. The test detects a missing
 * barrier; only Arm would show its effect.
 */
TEST(flush_begins_with_a_barrier)
{
	setup(CPUS);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(sync_map(100, 4), 0);
	fake_before_mb = other_cpu_unmaps;
	xpi_pending_flush(&pending);
	CHECK(!fake_before_mb);
	CHECK_EQ(mapped(100), 0);
	check_all();
	teardown();
}

/* Work of another CPU after a refusal, when the sender has dropped the lock. */
static void (*while_refused)(void);

static void at_unlock(void)
{
	fake_on_unlock = NULL;
	while_refused();
}

static void arm(void)
{
	fake_on_unlock = at_unlock;
}

/* A map of 100..103 is pending in list 0, the unmap of the old mapping in list 1. */
static void refuse_once(void (*fn)(void))
{
	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(map_on(0, 200, 1100, 4), 0);
	CHECK_EQ(sync_map(100, 104), 0);
	unmap_on(1, 100, 4);
	CHECK_EQ(map_on(0, 100, 2000, 4), 0);
	CHECK_EQ(map_on(0, 300, 3000, 4), 0);
	while_refused = fn;
	refused = arm;
}

/* The other CPU sends the rest of the batch, and adds a map that Xen refuses too. */
static void other_cpu_takes_over(void)
{
	others_result = sync_map(300, 4);
	unmap_on(1, 200, 4);
	if (!others_result)
		others_result = map_on(0, 200, 4000, 4);
}

/* The second -EEXIST in the same place is the first of another map. */
TEST(another_cpu_takes_over)
{
	refuse_once(other_cpu_takes_over);
	others_result = 1;
	CHECK_EQ(sync_map(100, 4), 0);
	CHECK_EQ(others_result, 0);
	CHECK_EQ(sync_map(200, 4), 0);
	CHECK(mapped(100) == 2001 && mapped(200) == 4001 && mapped(300) == 3001);
	check_all();
	teardown();
}

/* The owner of the refused map drops it; another map takes its place in the list. */
static void other_cpu_cancels(void)
{
	unmap_on(0, 200, 4);
	others_result = map_on(0, 200, 4000, 4);
	unmap_on(1, 100, 4);
}

TEST(another_cpu_cancels)
{
	refuse_once(other_cpu_cancels);
	CHECK_EQ(sync_map(300, 4), 0);
	CHECK_EQ(others_result, 0);
	CHECK_EQ(sync_map(200, 4), 0);
	xpi_pending_flush(&pending);
	CHECK(!mapped(100) && mapped(200) == 4001 && mapped(300) == 3001);
	check_all();
	teardown();
}

/* Xen has done a part of the map, so the driver must not drop the map. */
static void other_cpu_cancels_a_part_done(void)
{
	unmap_on(1, 98, 6);
}

TEST(another_cpu_cancels_a_part_done)
{
	setup(2);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(sync_map(100, 4), 0);
	unmap_on(1, 100, 4);
	CHECK_EQ(map_on(0, 98, 2000, 6), 0);
	CHECK_EQ(map_on(0, 300, 3000, 4), 0);
	while_refused = other_cpu_cancels_a_part_done;
	refused = arm;
	CHECK_EQ(sync_map(300, 4), 0);
	xpi_pending_flush(&pending);
	CHECK(!mapped(98) && !mapped(100) && mapped(300) == 3001);
	check_all();
	teardown();
}

static void call_fails(void)
{
	break_calls(-EPERM);
}

/* The driver reports the error of the last try, not of an earlier one. */
TEST(second_try_fails_as_a_whole)
{
	setup(1);
	xen_ctx->pte[101] = unknown;
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	refused = call_fails;
	CHECK_EQ(sync_map(100, 4), -EPERM);
	break_calls(0);
	xen_ctx->pte[101] = nothing;
	unmap_on(0, 100, 4);
	teardown();
}

/* Xen returns an error for every call: each caller gets it, and no call loops. */
TEST(broken_context)
{
	unsigned int i;

	setup(2);
	CHECK_EQ(map_on(0, 300, 3000, 4), 0);
	CHECK_EQ(sync_map(300, 4), 0);
	for (i = 0; i < 10; i++)
		CHECK_EQ(map_on(0, 100 + i, 1000 + 7 * i, 1), 0);
	unmap_on(1, 300, 4);
	break_calls(-EIO);
	for (i = 0; i < 10; i++)
		CHECK_EQ(sync_map(100 + i, 1), -EIO);
	xpi_pending_flush(&pending);
	CHECK_EQ(lost, 1);
	xpi_pending_flush(&pending);
	CHECK_EQ(lost, 1);
	teardown();
}

/* As netconsole does: it sends the printed text through the same list. */
static void other_request(struct xpi_pending *l, const struct xpi_lost *what)
{
	on_lost(l, what);
	break_calls(0);
	CHECK_EQ(map_on(0, 500, 5000, 4), 0);
	CHECK_EQ(sync_map(500, 4), 0);
	unmap_on(0, 500, 4);
	xpi_pending_sync_unmap(&pending, 500, 4, XPI_WHY_SYNC);
}

TEST(log_goes_out_through_the_list)
{
	setup(1);
	pending.lost = other_request;
	CHECK_EQ(map_on(0, 100, 1000, 8), 0);
	CHECK_EQ(sync_map(100, 8), 0);
	unmap_on(0, 106, 2);
	unmap_on(0, 100, 2);
	break_calls(-EIO);
	xpi_pending_sync_unmap(&pending, 100, 2, XPI_WHY_SYNC);
	CHECK_EQ(lost, 2);
	CHECK(mapped(100) && !mapped(500));
	teardown();
}

/* An unmap sends a full list under its lock; the next sync prints. */
TEST(refused_when_the_list_is_full)
{
	unsigned int i;

	setup(1);
	CHECK_EQ(map_on(0, 100, 1000, 40), 0);
	CHECK_EQ(sync_map(100, 40), 0);
	break_calls(-EIO);
	for (i = 0; i < 17; i++)
		unmap_on(0, 100 + 2 * i, 1);
	CHECK_EQ(lost, 0);
	break_calls(0);
	xpi_pending_sync_unmap(&pending, 132, 1, XPI_WHY_SYNC);
	CHECK_EQ(lost, 16);
	teardown();
}

TEST(errors_without_a_name)
{
	setup(1);
	break_calls(-ENOSYS);
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(sync_map(100, 4), -EIO);
	teardown();
}

static void setup_unfilled(void)
{
	setup(CPUS);
	xpi_pending_fini(&pending);
	memset(pair, 0, sizeof(pair));
	xpi_pending_init(&pending);
}

static void use_and_teardown(void)
{
	CHECK_EQ(map_on(0, 100, 1000, 4), 0);
	CHECK_EQ(sync_map(100, 4), 0);
	unmap_on(1, 100, 4);
	xpi_pending_flush(&pending);
	teardown();
}

/* Allocated buffers stay, and the next caller allocates the rest. */
TEST(filled_without_memory)
{
	struct xpi_pending_config c = {
		.hv = &xpi_fake_hv, .alloc = page_alloc, .bytes = BUF,
		.max_count = 1000, .max_maps = 1000, .ctx = CTX,
	};
	unsigned int n;

	for (n = 0; n < 2 * CPUS; n++) {
		setup_unfilled();
		allocs_left = n;
		CHECK_EQ(xpi_pending_fill(&pending, &c, GFP_ATOMIC), -ENOMEM);
		CHECK(!pending.filled);
		allocs_left = U32_MAX;
		CHECK_EQ(xpi_pending_fill(&pending, &c, GFP_ATOMIC), 0);
		CHECK(pending.filled);
		use_and_teardown();
	}
}

/* Another CPU fills the lists meanwhile: each buffer is used or freed. */
static const struct xpi_pending_config *others;
static unsigned int others_fill_at;

static void *raced_alloc(gfp_t gfp)
{
	if (others && !others_fill_at--) {
		const struct xpi_pending_config *c = others;

		others = NULL;
		CHECK_EQ(xpi_pending_fill(&pending, c, gfp), 0);
	}
	return page_alloc(gfp);
}

TEST(filled_by_two)
{
	struct xpi_pending_config c = {
		.hv = &xpi_fake_hv, .alloc = raced_alloc, .bytes = BUF,
		.max_count = 1000, .max_maps = 1000, .ctx = CTX,
	};
	unsigned int n;

	for (n = 0; n < 2 * CPUS; n++) {
		setup_unfilled();
		others = &c;
		others_fill_at = n;
		CHECK_EQ(xpi_pending_fill(&pending, &c, GFP_ATOMIC), 0);
		CHECK(!others);
		use_and_teardown();
	}
}

/*
 * At random
 */

#define NR_AREAS	32U
#define AREA		(PAGES / NR_AREAS)

/* Each range has one caller: several calls map it, one syncs, one unmaps all of it. */
static struct {
	u64 nr;			/* pages that it maps, 0: none */
	bool synced;
	bool bad;		/* with a frame that Xen does not allow */
} area[NR_AREAS];

static void area_map(unsigned int a)
{
	u64 nr = 1 + rnd_below(AREA), at, n;

	area[a].bad = !rnd_below(8);
	for (at = 0; at < nr; at += n) {
		bool bad = area[a].bad && !at;
		u64 pfn = bad ? FORBIDDEN - rnd_below(2)
			      : rnd_below(2) ? SCATTERED + rnd_below(1000)
					     : rnd_below(0x7000);

		n = 1 + rnd_below(nr - at);
		if (bad && n == 1)
			pfn = FORBIDDEN;
		CHECK_EQ(map_on(rnd_below(CPUS), a * AREA + at, pfn, n), 0);
	}
	area[a].nr = nr;
	area[a].synced = false;
}

static void area_sync(unsigned int a)
{
	CHECK_EQ(sync_map(a * AREA, area[a].nr), area[a].bad ? -EACCES : 0);
	area[a].synced = true;
}

static void area_unmap(unsigned int a)
{
	unmap_on(rnd_below(CPUS), a * AREA, area[a].nr);
	area[a].nr = 0;
	if (rnd_below(2))
		xpi_pending_sync_unmap(&pending, a * AREA, AREA, XPI_WHY_SYNC);
}

static void step(void)
{
	unsigned int a = rnd_below(NR_AREAS);

	if (!rnd_below(64))
		xpi_pending_flush(&pending);
	else if (!area[a].nr)
		area_map(a);
	else if (!area[a].synced && rnd_below(8))
		area_sync(a);
	else
		area_unmap(a);
}

TEST(random_callers)
{
	unsigned int i, a;

	setup(CPUS);
	memset(area, 0, sizeof(area));
	for (i = 0; i < 200000; i++) {
		step();
		if (!(i % 64))
			check_all();
	}
	for (a = 0; a < NR_AREAS; a++)
		if (area[a].nr)
			area_unmap(a);
	xpi_pending_flush(&pending);
	check_all();
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(mapped(i), 0);
	CHECK_EQ(lost, 0);
	CHECK_EQ(mappings.nr_failed, 0);
	INFO("random-callers: %u calls, %u descriptors", nr_calls(), xpi_fake.descs);
	teardown();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the counters: arrays by length, calls by kind, the sum of all CPUs.
 * Requests go through the lists as in the driver, and the counters must match.
 */
#include <errno.h>

#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "batch.h"
#include "hv.h"
#include "mappings.h"
#include "pending.h"
#include "runs.h"
#include "stats.h"

#include "fake.h"
#include "harness.h"

#define CTX		7
#define PAGES		4096U
#define BUF		4096U
/* Pages of 128 KiB. */
#define REQUEST		32U

unsigned int fake_cpu;

static struct xpi_mappings mappings;
static struct xpi_pending_pair pair[1];
static struct xpi_pending pending;

static void zero(void)
{
	memset(fake_pcpu_xpi_stats, 0, sizeof(fake_pcpu_xpi_stats));
	fake_cpu = 0;
	fake_init(CTX, PAGES);
}

static u64 counted(enum xpi_stat stat)
{
	struct xpi_stats sum;

	xpi_stats_sum(&sum);
	return sum.n[stat];
}

static u64 arrays(unsigned int bucket)
{
	struct xpi_stats sum;

	xpi_stats_sum(&sum);
	return sum.arrays[bucket];
}

/* Count as hv.c does. */
static long counted_op(unsigned int op, void *array, unsigned int count)
{
	xpi_stats_call(op, array, count);
	return xpi_fake_hv.iommu_op(op, array, count);
}

static void counted_multi(unsigned int op, struct xpi_call *calls,
			  unsigned int nr)
{
	xpi_stats_multi(op, calls, nr);
	xpi_fake_hv.iommu_multi(op, calls, nr);
}

static const struct xpi_hv hv = {
	.iommu_op = counted_op, .iommu_multi = counted_multi,
	.frame = xpi_fake_frame,
};

static const struct xpi_mappings_mem mem = { page_alloc, page_free };

static void on_lost(struct xpi_pending *l, const struct xpi_lost *what)
{
	(void)l;
	FAIL("unmap of %#llx lost, error %d", (unsigned long long)what->dfn,
	     what->err);
}

static void lanes_up(void)
{
	const struct xpi_pending_config c = {
		.hv = &hv, .alloc = page_alloc, .bytes = BUF,
		.max_count = 1000, .max_maps = 1000, .ctx = CTX,
	};

	zero();
	memset(pair, 0, sizeof(pair));
	pending = (struct xpi_pending){
		.mappings = &mappings, .lost = on_lost, .free = page_free,
		.max_nr = 512, .nr = 1, .pair = pair,
	};
	CHECK_EQ(xpi_mappings_init(&mappings, &mem, PAGES - 1, GFP_KERNEL), 0);
	xpi_pending_init(&pending);
	CHECK_EQ(xpi_pending_fill(&pending, &c, GFP_KERNEL), 0);
}

static void lanes_down(void)
{
	xpi_pending_fini(&pending);
	xpi_mappings_fini(&mappings);
	fake_fini();
}

static void map(u64 dfn, u64 nr)
{
	const struct xpi_map m = {
		.dfn = dfn, .pfn = XPI_PFN_SINGLES + dfn, .nr = nr,
		.flags = XEN_PV_IOMMU_F_R,
	};

	CHECK_EQ(xpi_mappings_reserve(&mappings, dfn, nr, 0, GFP_ATOMIC), 0);
	CHECK_EQ(xpi_mappings_add(&mappings, dfn, m.pfn, nr, 0, 0), nr);
	CHECK_EQ(xpi_pending_map(&pending, 0, &m), 0);
}

static void unmap(u64 dfn, u64 nr)
{
	xpi_pending_unmap(&pending, 0, dfn, nr);
	CHECK_EQ(xpi_mappings_remove(&mappings, dfn, nr), nr);
}

TEST(arrays_by_length)
{
	static const struct {
		unsigned int count, bucket;
	} t[] = {
		{ 1, 0 }, { 2, 1 }, { 3, 1 }, { 4, 2 }, { 7, 2 }, { 8, 3 },
		{ 63, 5 }, { 64, 6 }, { 127, 6 }, { 128, 7 }, { 255, 7 },
		{ 256, 7 }, { 100000, 7 },
	};
	const struct xen_pv_iommu_batch d = { .op = XEN_PV_IOMMU_BATCH_MAP };
	unsigned int i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		zero();
		xpi_stats_call(XEN_PV_IOMMU_OP_BATCH, &d, t[i].count);
		CHECK_EQ(arrays(t[i].bucket), 1);
		CHECK_EQ(counted(XPI_STAT_DESCRIPTORS), t[i].count);
	}
}

TEST(calls_by_kind)
{
	struct xen_pv_iommu_batch d = { .op = XEN_PV_IOMMU_BATCH_MAP };
	struct xen_pv_iommu_ctx c = { .ctx = 1 };

	zero();
	xpi_stats_call(XEN_PV_IOMMU_OP_BATCH, &d, 1);
	d.op = XEN_PV_IOMMU_BATCH_UNMAP;
	xpi_stats_call(XEN_PV_IOMMU_OP_BATCH, &d, 1);
	xpi_stats_call(XEN_PV_IOMMU_OP_BATCH, &d, 1);
	xpi_stats_call(XEN_PV_IOMMU_OP_CTX_INFO, &c, 1);
	CHECK_EQ(counted(XPI_STAT_HYPERCALLS), 4);
	CHECK_EQ(counted(XPI_STAT_MAP_CALLS), 1);
	CHECK_EQ(counted(XPI_STAT_UNMAP_CALLS), 2);
	CHECK_EQ(counted(XPI_STAT_DESCRIPTORS), 3);
	CHECK_EQ(counted(XPI_STAT_MULTICALLS), 0);
	CHECK_EQ(arrays(0), 3);
}

TEST(multicall_is_one_hypercall)
{
	struct xen_pv_iommu_batch d = { .op = XEN_PV_IOMMU_BATCH_MAP };
	const struct xpi_call calls[] = {
		{ .array = &d, .count = 128 }, { .array = &d, .count = 128 },
		{ .array = &d, .count = 5 },
	};

	zero();
	xpi_stats_multi(XEN_PV_IOMMU_OP_BATCH, calls, 3);
	CHECK_EQ(counted(XPI_STAT_HYPERCALLS), 1);
	CHECK_EQ(counted(XPI_STAT_MULTICALLS), 1);
	CHECK_EQ(counted(XPI_STAT_MAP_CALLS), 1);
	CHECK_EQ(counted(XPI_STAT_DESCRIPTORS), 261);
	CHECK_EQ(arrays(7), 2);
	CHECK_EQ(arrays(2), 1);
}

TEST(pages_of_a_multicall)
{
	static struct xen_pv_iommu_batch buf[2][4] __attribute__((__aligned__(32)));
	struct xpi_run run = { .dfn = 100, .gfn = 200, .nr = 3 };
	struct xpi_batch b;
	unsigned int i;

	zero();
	xpi_batch_init(&b, &hv, buf[0], sizeof(buf[0]), 1000);
	xpi_batch_add_buf(&b, buf[1]);
	xpi_batch_start(&b, CTX);
	for (i = 0; i < 6; i++, run.dfn += 3)
		CHECK_EQ(xpi_batch_map(&b, &run, 0, XEN_PV_IOMMU_F_R), 0);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(counted(XPI_STAT_HYPERCALLS), 1);
	CHECK_EQ(counted(XPI_STAT_MULTICALLS), 1);
	CHECK_EQ(counted(XPI_STAT_PAGES_MAPPED), 18);
	CHECK_EQ(counted(XPI_STAT_PAGES_UNMAPPED), 0);
	CHECK_EQ(b.done, 18);
	CHECK_EQ(arrays(2), 1);
	CHECK_EQ(arrays(1), 1);
}

TEST(sum_of_all_cpus)
{
	zero();
	for (fake_cpu = 0; fake_cpu < FAKE_CPUS; fake_cpu++)
		xpi_stat_add(XPI_STAT_FAULTS, 10 + fake_cpu);
	CHECK_EQ(counted(XPI_STAT_FAULTS), 21);
}

TEST(names)
{
	unsigned int i, j;

	for (i = 0; i < XPI_STATS; i++) {
		CHECK(xpi_stat_name(i) && *xpi_stat_name(i));
		CHECK(!strpbrk(xpi_stat_name(i), " \t\n"));
		for (j = 0; j < i; j++)
			CHECK(strcmp(xpi_stat_name(i), xpi_stat_name(j)));
	}
}

TEST(scattered_request_is_two_calls)
{
	lanes_up();
	map(64, REQUEST);
	CHECK_EQ(counted(XPI_STAT_HYPERCALLS), 0);
	CHECK_EQ(counted(XPI_STAT_RUNS), REQUEST);
	xpi_pending_sync_map(&pending, 64, REQUEST);
	CHECK_EQ(counted(XPI_STAT_HYPERCALLS), 1);
	CHECK_EQ(counted(XPI_STAT_MAP_CALLS), 1);
	CHECK_EQ(counted(XPI_STAT_DESCRIPTORS), REQUEST);
	CHECK_EQ(counted(XPI_STAT_PAGES_MAPPED), REQUEST);
	CHECK_EQ(arrays(5), 1);
	unmap(64, REQUEST);
	xpi_pending_flush(&pending);
	CHECK_EQ(counted(XPI_STAT_HYPERCALLS), 2);
	CHECK_EQ(counted(XPI_STAT_UNMAP_CALLS), 1);
	CHECK_EQ(counted(XPI_STAT_PAGES_UNMAPPED), REQUEST);
	CHECK_EQ(counted(XPI_STAT_ERRORS), 0);
	CHECK_EQ(counted(XPI_STAT_MAPS_DROPPED), 0);
	lanes_down();
}

TEST(dropped_before_it_was_sent)
{
	lanes_up();
	map(64, 3);
	map(80, 2);
	unmap(64, 3);
	CHECK_EQ(counted(XPI_STAT_MAPS_DROPPED), 3);
	CHECK_EQ(counted(XPI_STAT_HYPERCALLS), 0);
	xpi_pending_sync_map(&pending, 80, 2);
	CHECK_EQ(counted(XPI_STAT_PAGES_MAPPED), 2);
	CHECK_EQ(counted(XPI_STAT_RUNS), 5);
	unmap(80, 2);
	xpi_pending_flush(&pending);
	lanes_down();
}

TEST(refused)
{
	lanes_up();
	map(64, 2);
	xpi_fake.page_fault = (struct xpi_fake_fault){
		.err = -EACCES, .always = true,
	};
	xpi_pending_sync_map(&pending, 64, 2);
	CHECK_EQ(counted(XPI_STAT_ERRORS), 2);
	CHECK_EQ(counted(XPI_STAT_PAGES_MAPPED), 0);
	unmap(64, 2);
	xpi_pending_flush(&pending);
	lanes_down();
}

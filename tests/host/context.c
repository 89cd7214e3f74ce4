// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of single requests of a context; tests/fuzz/driver.c makes random requests.
 * They cover requests that are not deferred and requests that fail in part.
 */
#include <errno.h>

#include <linux/limits.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "context.h"
#include "runs.h"

#include "fake.h"
#include "harness.h"

#define CTX		9
#define PAGES		4096U
#define LEAF_2M		512U
#define SCATTERED	XPI_PFN_SINGLES
#define NO_FRAME	XPI_PFN_END
#define FOREIGN		XPI_PFN_FOREIGN

static int unmap_error;		/* Xen refuses each unmap with this error */
static u64 refused;		/* Xen refuses to map this dfn */
static int refusal;		/* with this error */
static unsigned int no_memory;	/* how often the driver reported that Xen is out of memory */
static struct xpi_lost lost;

static struct xpi_context c;
static struct xpi_pending_pair pair[2];

static int refuse(const struct xen_pv_iommu_batch *d, u32 size)
{
	u64 dfn = d->dfn + d->done;

	if (d->op == XEN_PV_IOMMU_BATCH_UNMAP)
		return unmap_error;
	return refused >= dfn && refused - dfn < size ? refusal : 0;
}

/* Xen executes the whole call and then returns -EIO. */
static long late_error(unsigned int op, void *array, unsigned int count)
{
	checked_call(op, array, count);
	return -EIO;
}

static const struct xpi_mappings_mem mem = { page_alloc, page_free };

static void on_lost(struct xpi_pending *pending, const struct xpi_lost *what)
{
	CHECK(pending == &c.pending && what->times && !fake_locks_held);
	lost = *what;
}

static void on_no_memory(const struct xpi_context *which)
{
	CHECK_EQ(fake_locks_held, 0);
	CHECK(which == &c);
	no_memory++;
}

static void setup(bool batch)
{
	fake_init(CTX, PAGES);
	xpi_fake.leaf = refuse;
	xpi_fake.max_maps = 128;
	memset(pair, 0, sizeof(pair));
	memset(&lost, 0, sizeof(lost));
	unmap_error = 0;
	refused = U64_MAX;
	refusal = -EACCES;
	no_memory = 0;
	c = (struct xpi_context){
		.ctx = CTX, .batching = batch, .max_count = 1000,
		.max_nr = batch ? PAGES : 1, .bytes = 4096, .hv = &xpi_fake_hv,
		.mem = &mem, .no_memory = on_no_memory, .pending = {
			.lost = on_lost, .nr = 2, .pair = pair,
		},
	};
	CHECK_EQ(xpi_context_init(&c, PAGES - 1), 0);
}

static void teardown(void)
{
	xpi_context_fini(&c);
	fake_fini();
}

static int map(u64 dfn, u64 pfn, u64 nr, unsigned int order, u64 *done)
{
	const struct xpi_map m = {
		.dfn = dfn, .pfn = pfn, .nr = nr, .order = order,
		.flags = XEN_PV_IOMMU_F_R,
	};

	*done = 0;
	return xpi_context_map(&c, 0, &m, GFP_KERNEL, done);
}

static u64 nr_mapped(void)
{
	return xen_ctx->nr_mapped;
}

static u64 nr_shown(void)
{
	return xpi_mappings_leaves(&c.mappings, XPI_ORDER_4K) +
	       LEAF_2M * xpi_mappings_leaves(&c.mappings, XPI_ORDER_2M);
}

/*
 * A context without mappings has no buffers, for example that of a device without a
 * driver. If it cannot allocate all buffers, it maps nothing.
 */
TEST(buffers_come_with_the_first_map)
{
	const unsigned int buffers = 2 * 2;
	const struct xpi_map direct = { .dfn = 8, .pfn = 8, .nr = 1,
					.flags = XEN_PV_IOMMU_F_R };
	unsigned int before;
	u64 done;

	setup(true);
	CHECK_EQ(xpi_context_add_mapping(&c, &direct, XPI_LEAF_DIRECT, GFP_KERNEL), 0);
	before = pages;
	CHECK_EQ(xpi_context_unmap(&c, 1, 8, 1).nr, 1);
	CHECK_EQ(xpi_context_unmap(&c, 1, 0, 8).nr, 0);
	xpi_pending_flush(&c.pending);
	CHECK_EQ(pages, before);

	allocs_left = 0;
	CHECK_EQ(map(0, 0x1000, 1, XPI_ORDER_4K, &done), -ENOMEM);
	CHECK_EQ(done, 0);
	CHECK_EQ(nr_shown(), 0);
	allocs_left = U32_MAX;
	CHECK_EQ(map(0, 0x1000, 1, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(pages, before + buffers);
	/* From here on no unmap allocates, on any CPU. */
	allocs_left = 0;
	CHECK_EQ(xpi_context_sync_map(&c, 0, 1), 0);
	CHECK_EQ(xpi_context_unmap(&c, 1, 0, 1).nr, 1);
	xpi_pending_flush(&c.pending);
	CHECK_EQ(nr_mapped(), 0);
	teardown();
}

TEST(long_map_does_not_wait)
{
	u64 done;

	setup(true);
	CHECK_EQ(map(0, 0x1000, XPI_WAIT_MAX, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(done, XPI_WAIT_MAX);
	CHECK_EQ(nr_calls(), 0);
	CHECK_EQ(map(1024, 0x2000, XPI_WAIT_MAX + 1, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(done, XPI_WAIT_MAX + 1);
	CHECK_EQ(nr_mapped(), done);
	teardown();
}

/*
 * Xen executes the remaining calls of a multicall. After the refused page nothing
 * stays mapped.
 */
TEST(long_map_refused_midway)
{
	u64 done;

	setup(true);
	refused = 700;
	CHECK_EQ(map(0, SCATTERED, 1000, XPI_ORDER_4K, &done), -EACCES);
	CHECK_EQ(done, 700);
	CHECK_EQ(nr_mapped(), 700);
	CHECK_EQ(nr_shown(), 700);
	CHECK_EQ(lost.times, 0);
	teardown();
}

/* If a leaf that the core requests cannot be mapped whole, no part of it is mapped. */
TEST(long_map_refused_in_a_leaf)
{
	u64 done;

	setup(true);
	refused = 512 + 1000;
	CHECK_EQ(map(512, SCATTERED, 1024, XPI_ORDER_2M, &done), -EACCES);
	CHECK_EQ(done, LEAF_2M);
	CHECK_EQ(nr_mapped(), LEAF_2M);
	CHECK_EQ(nr_shown(), LEAF_2M);
	teardown();
}

TEST(long_map_ends_at_a_page_without_a_frame)
{
	u64 done;

	setup(true);
	CHECK_EQ(map(0, NO_FRAME - 600, 700, XPI_ORDER_4K, &done), -EINVAL);
	CHECK_EQ(done, 600);
	CHECK_EQ(nr_mapped(), 600);
	CHECK_EQ(nr_shown(), 600);
	teardown();
}

TEST(long_map_where_an_unmap_waits)
{
	u64 done;

	setup(true);
	CHECK_EQ(map(0, 0x1000, 4, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(xpi_context_sync_map(&c, 0, 4), 0);
	CHECK_EQ(xpi_context_unmap(&c, 1, 0, 4).nr, 4);
	CHECK_EQ(nr_mapped(), 4);
	CHECK_EQ(map(0, 0x2000, 600, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(nr_mapped(), 600);
	CHECK_EQ(mapped(0), 0x2001);
	teardown();
}

TEST(short_map_with_a_page_without_a_frame)
{
	u64 done;

	setup(true);
	CHECK_EQ(map(0, NO_FRAME - 1, 3, XPI_ORDER_4K, &done), -EINVAL);
	CHECK_EQ(done, 0);
	CHECK_EQ(nr_mapped() + nr_shown(), 0);
	teardown();
}

/* The log names Xen's limit, but not if the kernel itself is out of memory. */
TEST(xen_has_no_memory)
{
	u64 done;

	setup(true);
	refusal = -ENOMEM;
	refused = 2;
	CHECK_EQ(map(0, 0x1000, 4, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(no_memory, 0);
	CHECK_EQ(xpi_context_sync_map(&c, 0, 4), -ENOMEM);
	CHECK_EQ(no_memory, 1);
	CHECK_EQ(xpi_context_unmap(&c, 0, 0, 4).nr, 4);
	CHECK_EQ(map(0, 0x1000, 600, XPI_ORDER_4K, &done), -ENOMEM);
	CHECK_EQ(done, 2);
	CHECK_EQ(no_memory, 2);
	refusal = -EACCES;
	CHECK_EQ(map(2, 0x1000, 600, XPI_ORDER_4K, &done), -EACCES);
	allocs_left = 0;
	CHECK_EQ(map(1024, 0x1000, 600, XPI_ORDER_4K, &done), -ENOMEM);
	CHECK_EQ(no_memory, 2);
	teardown();
}

TEST(one_by_one_and_xen_has_no_memory)
{
	u64 done;

	setup(false);
	refusal = -ENOMEM;
	refused = 2;
	CHECK_EQ(map(0, 0x1000, 4, XPI_ORDER_4K, &done), -ENOMEM);
	CHECK_EQ(done, 2);
	CHECK_EQ(no_memory, 1);
	teardown();
}

TEST(map_where_something_is)
{
	u64 done;

	setup(true);
	CHECK_EQ(map(8, 0x1000, 8, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(map(0, 0x2000, 16, XPI_ORDER_4K, &done), -EEXIST);
	CHECK_EQ(done, 0);
	CHECK_EQ(xpi_context_sync_map(&c, 0, 16), 0);
	CHECK_EQ(nr_mapped(), 8);
	CHECK_EQ(nr_shown(), 8);
	teardown();
}

/* Leave a leaf from 512 on, whose unmap waits in the other list. */
static void leave_a_leaf(void)
{
	u64 done;

	setup(true);
	CHECK_EQ(map(LEAF_2M, 0x1000, LEAF_2M, XPI_ORDER_2M, &done), 0);
	CHECK_EQ(xpi_context_sync_map(&c, LEAF_2M, LEAF_2M), 0);
	CHECK_EQ(xpi_context_unmap(&c, 1, LEAF_2M, LEAF_2M).nr, LEAF_2M);
	CHECK_EQ(nr_mapped(), LEAF_2M);
}

static void leaf_was_not_cut(void)
{
	xpi_pending_flush(&c.pending);
	CHECK_EQ(lost.times, 0);
	CHECK_EQ(nr_mapped() + nr_shown(), 0);
	teardown();
}

/*
 * The kernel's DMA layer reuses an iova only after a flush. A caller that reuses it
 * earlier finds a lost unmap in the log.
 */
TEST(refused_where_an_unmap_waits)
{
	u64 done;

	leave_a_leaf();
	refused = 600;
	CHECK_EQ(map(600, 0x3000, 4, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(xpi_context_sync_map(&c, 600, 4), -EACCES);
	CHECK_EQ(xpi_context_unmap(&c, 0, 600, 4).nr, 4);
	leaf_was_not_cut();
}

TEST(dropped_where_an_unmap_waits)
{
	u64 done;

	leave_a_leaf();
	CHECK_EQ(map(508, 0x3000, 4, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(xpi_context_sync_map(&c, 508, 4), 0);
	CHECK_EQ(map(512, 0x4000, 4, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(xpi_context_unmap(&c, 0, 508, 8).nr, 8);
	leaf_was_not_cut();
}

TEST(undone_where_an_unmap_waits)
{
	u64 done;

	leave_a_leaf();
	CHECK_EQ(map(508, NO_FRAME - 6, 8, XPI_ORDER_4K, &done), -EINVAL);
	leaf_was_not_cut();
}

/* Their owner needs the pages back, so the unmap is not deferred. */
TEST(foreign_pages_are_unmapped_at_once)
{
	struct xpi_removed t;
	u64 done;

	setup(true);
	CHECK_EQ(map(0, 0x1000, 2, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(map(2, FOREIGN, 2, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(xpi_context_sync_map(&c, 0, 4), 0);
	t = xpi_context_unmap(&c, 0, 0, 2);
	CHECK(t.nr == 2 && !(t.flags & XPI_LEAF_NOW));
	CHECK_EQ(nr_mapped(), 4);
	t = xpi_context_unmap(&c, 0, 2, 2);
	CHECK(t.nr == 2 && t.flags & XPI_LEAF_NOW);
	CHECK(!mapped(2) && !mapped(3));
	teardown();
}

/* One unmap of leaves of different kinds, up to a hole. */
TEST(unmap_of_several_kinds)
{
	const struct xpi_map direct = {
		.dfn = 2, .pfn = 2, .nr = 2, .flags = XEN_PV_IOMMU_F_R,
	};
	u64 done;

	setup(true);
	CHECK_EQ(map(0, 0x1000, 2, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(xpi_context_add_mapping(&c, &direct, XPI_LEAF_DIRECT, GFP_ATOMIC),
		 0);
	CHECK_EQ(map(4, FOREIGN, 2, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(map(7, 0x1000, 1, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(xpi_context_sync_map(&c, 0, 8), 0);
	/* Linux must not map the DIRECT region. */
	CHECK_EQ(nr_mapped(), 5);
	CHECK_EQ(xpi_context_unmap(&c, 0, 0, 8).nr, 6);
	CHECK_EQ(nr_mapped(), 1);
	CHECK_EQ(nr_shown(), 1);
	teardown();
}

TEST(one_by_one_without_batches)
{
	u64 done;

	setup(false);
	CHECK_EQ(map(0, 0x1000, 16, XPI_ORDER_4K, &done), 0);
	CHECK_EQ(nr_calls(), 16);
	CHECK_EQ(nr_mapped(), 16);
	CHECK_EQ(xpi_context_unmap(&c, 0, 0, 16).nr, 16);
	CHECK_EQ(nr_calls(), 32);
	CHECK_EQ(nr_mapped(), 0);
	teardown();
}

/* Q1: the core charges a user for the nodes and buffers that its maps allocate. */
TEST(pages_are_charged_as_the_core_asks)
{
	struct xpi_map m = {
		.dfn = 5, .pfn = 0x1000, .nr = 1, .order = XPI_ORDER_4K,
		.flags = XEN_PV_IOMMU_F_R,
	};
	u64 done;

	setup(true);
	got_pages = 0;
	all_gfp = ~0U;
	/* The first map allocates a node and the buffers of all lists. */
	CHECK_EQ(xpi_context_map(&c, 0, &m, GFP_KERNEL_ACCOUNT, &done), 0);
	CHECK(got_pages > 1);
	/* A long request allocates buffers of its own. */
	m.dfn = LEAF_2M;
	m.pfn = SCATTERED;
	m.nr = 2 * LEAF_2M;
	CHECK_EQ(xpi_context_map(&c, 0, &m, GFP_KERNEL_ACCOUNT, &done), 0);
	CHECK(got_pages >= 5);
	CHECK(all_gfp & __GFP_ACCOUNT);
	teardown();
}

TEST(unmap_that_xen_refuses_is_told)
{
	u64 done;

	setup(false);
	CHECK_EQ(map(0, 0x1000, 4, XPI_ORDER_4K, &done), 0);
	unmap_error = -EBUSY;
	CHECK_EQ(xpi_context_unmap(&c, 0, 0, 4).nr, 4);
	CHECK_EQ(lost.times, 1);
	CHECK(lost.dfn == 0 && lost.nr == 4 && lost.err == -EBUSY);
	CHECK_EQ(nr_shown(), 0);
	teardown();
}

/* Regression: the driver logged "unmap of 0x0 pages" as lost. */
TEST(late_error_of_an_unmap_loses_nothing)
{
	u64 done;

	setup(false);
	CHECK_EQ(map(0, 0x1000, 1, XPI_ORDER_4K, &done), 0);
	xpi_fake.call = late_error;
	CHECK_EQ(xpi_context_unmap(&c, 0, 0, 1).nr, 1);
	CHECK_EQ(nr_mapped(), 0);
	CHECK_EQ(lost.times, 0);
	teardown();
}

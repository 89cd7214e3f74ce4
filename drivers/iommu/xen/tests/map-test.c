// SPDX-License-Identifier: GPL-2.0
/*
 * The hypercalls that the driver makes for the core's maps: how many, with which
 * descriptors, and when; and their errors. Most calls go through the core, as those
 * of VFIO and of the DMA API do.
 *
 * Pins: virtio-iommu's queue loses the error of a map that another thread's sync
 * has sent.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

#include "driver.h"
#include "fake-hv.h"
#include "one.h"

static void contiguous(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 64));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.pages, 64);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN + 63), XPI_ONE_PFN + 63);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN + 64), 0);
	KUNIT_EXPECT_EQ(test, xpi_one_pte(XPI_ONE_DFN)->flags,
			XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W);
	xpi_one_expect_same(test);
}

static void scattered(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_PFN_SCATTERED, 64));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 32);
	xpi_one_expect_same(test);
}

/* A block request: pages from anywhere, one hypercall. */
static void scatterlist(struct kunit *test)
{
	struct scatterlist sg[32];
	unsigned int i;

	sg_init_table(sg, ARRAY_SIZE(sg));
	for (i = 0; i < ARRAY_SIZE(sg); i++)
		sg_set_page(&sg[i], pfn_to_page(XPI_ONE_PFN + 7 * i), SZ_4K, 0);
	KUNIT_EXPECT_EQ(test, SZ_4K * ARRAY_SIZE(sg),
			iommu_map_sg(xpi_one, XPI_ADDR(XPI_ONE_DFN), sg, ARRAY_SIZE(sg),
				     XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, ARRAY_SIZE(sg));
	xpi_one_expect_same(test);
}

static void no_run_is_too_long(struct kunit *test)
{
	xpi_fake.max_nr = 64;
	xpi_one_renew(test);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0, XPI_ONE_PFN, 200));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 4);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0, 200), 200);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 4);
}

static void no_array_is_too_long(struct kunit *test)
{
	xpi_fake.max_count = 8;
	xpi_one_renew(test);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0, XPI_PFN_SCATTERED, 64));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 4);
	xpi_one_expect_same(test);
}

/* Only where interrupts are off meanwhile. */
static void no_array_is_too_long_for_interrupts(struct kunit *test)
{
	xpi_fake.max_maps = 8;
	xpi_one_renew(test);
	KUNIT_EXPECT_EQ(test, 0, iommu_map(xpi_one, 0, XPI_ADDR(XPI_PFN_SCATTERED),
					   XPI_ADDR(64), XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 4);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0, 64), 64);
}

static void large_leaves(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0x400, XPI_ONE_PFN, 0x400));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1);
	KUNIT_EXPECT_EQ(test, xpi_one_pte(0x400)->order, 9);
	KUNIT_EXPECT_EQ(test, xpi_one_pte(0x7ff)->order, 9);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(0x5ff), XPI_ONE_PFN + 0x1ff);
	/* A leaf is never split, and Xen is not asked to. */
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0x400, 1), 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 0);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0x400, 0x200), 0x200);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0x200);
}

/* One leaf waits as well as many pages do. */
static void large_leaf_waits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, iommu_map(xpi_one, XPI_ADDR(0x200), XPI_ADDR(XPI_ONE_PFN),
					   SZ_2M, XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_one_pte(0x200)->order, 9);
	xpi_one_expect_same(test);
}

static void unaligned_has_small_leaves(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0x400, XPI_ONE_PFN + 1, 0x400));
	KUNIT_EXPECT_EQ(test, xpi_one_pte(0x400)->order, 0);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0x400, 1), 1);
	xpi_one_expect_same(test);
}

/* The core mapped 4 KiB pages one by one: it may unmap one by one. */
static void two_maps_are_never_one_leaf(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0x200, XPI_ONE_PFN, 0x100));
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0x300, XPI_ONE_PFN + 0x100, 0x100));
	KUNIT_EXPECT_EQ(test, xpi_one_pte(0x200)->order, 0);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0x200, 1), 1);
	xpi_one_expect_same(test);
}

static void long_request_in_a_multicall(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0, XPI_PFN_SCATTERED, 2000));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1000);
	KUNIT_EXPECT_GT(test, xpi_fake.multis, 0);
	KUNIT_EXPECT_LE(test, XPI_ONE_BATCHES, 8);
	xpi_one_expect_same(test);
}

/*
 * Another call of the multicall has mapped pages after the failing one. The driver
 * unmaps them leaf by leaf, whatever a descriptor may have.
 */
static void large_leaves_behind_an_error(struct kunit *test)
{
	xpi_fake.max_nr = 700;
	xpi_fake.max_count = 1;
	xpi_one_renew(test);
	xpi_fake.page_fault = (struct xpi_fake_fault){ .err = -EACCES };
	KUNIT_EXPECT_EQ(test, -EACCES, xpi_one_map(0, XPI_ONE_PFN, 0x800));
	KUNIT_EXPECT_GT(test, xpi_fake.multis, 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
	xpi_one_expect_same(test);
}

static void long_request_that_cannot_sleep(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, iommu_map(xpi_one, 0, XPI_ADDR(XPI_PFN_SCATTERED),
					   XPI_ADDR(2000), XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1000);
	KUNIT_EXPECT_EQ(test, xpi_fake.multis, 0);
	xpi_one_expect_same(test);
}

/* batch=0, for comparison. */
static void page_by_page(struct kunit *test)
{
	xpi_driver_batch(false);
	xpi_one_renew(test);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 8));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 8);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 8), 8);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 16);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
}

static void whose_frames(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0, XPI_PFN_FOREIGN, 2));
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(2, XPI_PFN_MMIO, 2));
	KUNIT_EXPECT_TRUE(test, xpi_one_pte(1)->flags & XEN_PV_IOMMU_F_FOREIGN);
	KUNIT_EXPECT_TRUE(test, xpi_one_pte(2)->flags & XEN_PV_IOMMU_F_MMIO);
	xpi_one_expect_same(test);
}

/* One call, pages of three kinds: a descriptor for each. */
static void kinds_are_not_mixed(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_PFN_MMIO - 4, 8));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 2);
	KUNIT_EXPECT_TRUE(test, xpi_one_pte(XPI_ONE_DFN)->flags & XEN_PV_IOMMU_F_FOREIGN);
	KUNIT_EXPECT_TRUE(test, xpi_one_pte(XPI_ONE_DFN + 4)->flags & XEN_PV_IOMMU_F_MMIO);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 8), 8);
}

/* Tables may be read, so only what lies behind them is refused. */
static int map_tables_and_aliens(u64 nr)
{
	return iommu_map(xpi_one, XPI_ADDR(XPI_ONE_DFN), XPI_ADDR(XPI_PFN_ALIEN - nr),
			 XPI_ADDR(2 * nr), IOMMU_READ, GFP_KERNEL);
}

static void refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EACCES, map_tables_and_aliens(8));
	xpi_one_expect_nothing(test);
	KUNIT_EXPECT_EQ(test, -ETXTBSY, xpi_one_map(XPI_ONE_DFN, XPI_PFN_TABLE - 8, 16));
	xpi_one_expect_nothing(test);
	KUNIT_EXPECT_EQ(test, 0, iommu_map(xpi_one, XPI_ADDR(XPI_ONE_DFN),
					   XPI_ADDR(XPI_PFN_TABLE), SZ_4K,
					   IOMMU_READ, GFP_KERNEL));
	xpi_one_expect_same(test);
}

static void refused_in_a_long_request(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EACCES, map_tables_and_aliens(600));
	xpi_one_expect_nothing(test);
}

static void without_a_frame(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_one_map(XPI_ONE_DFN, XPI_PFN_NONE, 4));
	xpi_one_expect_nothing(test);
	KUNIT_EXPECT_NE(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_PFN_NONE - 4, 8));
	xpi_one_expect_nothing(test);
}

static void without_rights(struct kunit *test)
{
	size_t mapped = 0;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			xpi_one->ops->map_pages(xpi_one, XPI_ADDR(XPI_ONE_DFN),
						XPI_ADDR(XPI_ONE_PFN), SZ_4K, 1,
						0, GFP_KERNEL, &mapped));
	KUNIT_EXPECT_EQ(test, mapped, 0);
	xpi_one_expect_nothing(test);
}

/* Nothing is replaced, and Xen need not say so. */
static void occupied(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN + 2, XPI_ONE_PFN, 1));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, -EEXIST, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN + 64, 4));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN + 2), XPI_ONE_PFN);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN), 0);
	xpi_one_expect_same(test);
}

/* The warning names the limit if the domain has reached it. */
static void expect_warned(struct kunit *test, bool of_limit)
{
	const char *warned = xpi_driver.warned ?: "";

	KUNIT_EXPECT_EQ_MSG(test, !!strstr(warned, "page tables"), true,
			    "it says: %s", warned);
	KUNIT_EXPECT_EQ_MSG(test, !!strstr(warned, "ctx-mem="), of_limit,
			    "it says: %s", warned);
}

static void out_of_tables(struct kunit *test)
{
	xpi_fake.pt_pages_max = 1;
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0, XPI_ONE_PFN, 8));
	KUNIT_EXPECT_NULL(test, xpi_driver.warned);
	KUNIT_EXPECT_EQ(test, -ENOMEM, xpi_one_map(0x1f8, XPI_ONE_PFN, 16));
	expect_warned(test, true);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 8);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0, 8), 8);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0x200, XPI_ONE_PFN, 8));
	xpi_one_expect_same(test);
}

/* A greater ctx-mem= would not help. */
static void xen_is_out_of_memory(struct kunit *test)
{
	xpi_fake.page_fault = (struct xpi_fake_fault){ .err = -ENOMEM };
	KUNIT_EXPECT_EQ(test, -ENOMEM, xpi_one_map(0, XPI_ONE_PFN, 8));
	expect_warned(test, false);
	xpi_driver.warned = NULL;
	xpi_fake.page_fault = (struct xpi_fake_fault){ .err = -EACCES };
	KUNIT_EXPECT_EQ(test, -EACCES, xpi_one_map(0, XPI_ONE_PFN, 8));
	KUNIT_EXPECT_NULL(test, xpi_driver.warned);
	xpi_one_expect_same(test);
}

static void an_error_is_its_owners(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, xpi_one_map_only(0, XPI_PFN_ALIEN, 4, &mapped));
	KUNIT_ASSERT_EQ(test, mapped, 4 * SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map_only(8, XPI_ONE_PFN, 4, &mapped));
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map_only(16, XPI_ONE_PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);
	KUNIT_EXPECT_EQ(test, xpi_driver_waiting(xpi_one, false), 3);

	KUNIT_EXPECT_EQ(test, 0, xpi_one_sync_map(8, 4));
	KUNIT_EXPECT_EQ(test, 0, xpi_one_sync_map(16, 4));
	KUNIT_EXPECT_EQ(test, -EACCES, xpi_one_sync_map(0, 4));
	/* Until the owner unmaps it, as the core does then. */
	KUNIT_EXPECT_EQ(test, -EACCES, xpi_one_sync_map(0, 4));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(0, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_sync_map(0, 32));
	xpi_one_expect_same(test);
}

static void moved_to_another_cpu(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, xpi_one_map_only(XPI_ONE_DFN, XPI_ONE_PFN, 4, &mapped));
	xpi_driver.cpu = 1;
	KUNIT_EXPECT_EQ(test, 0, xpi_one_sync_map(XPI_ONE_DFN, 4));
	KUNIT_EXPECT_EQ(test, xpi_driver_waiting(xpi_one, false), 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	xpi_one_expect_same(test);
}

static void broken_context(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0, XPI_ONE_PFN, 4));
	xpi_fake_ctx(xpi_driver_ctx(xpi_one))->broken = true;
	KUNIT_EXPECT_EQ(test, -EIO, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 4));
	KUNIT_EXPECT_EQ(test, -EIO, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 1024));
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN), 0);
	xpi_fake_ctx(xpi_driver_ctx(xpi_one))->broken = false;
	xpi_one_expect_same(test);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(contiguous),
	KUNIT_CASE(scattered),
	KUNIT_CASE(scatterlist),
	KUNIT_CASE(no_run_is_too_long),
	KUNIT_CASE(no_array_is_too_long),
	KUNIT_CASE(no_array_is_too_long_for_interrupts),
	KUNIT_CASE(large_leaves),
	KUNIT_CASE(large_leaf_waits),
	KUNIT_CASE(unaligned_has_small_leaves),
	KUNIT_CASE(two_maps_are_never_one_leaf),
	KUNIT_CASE(long_request_in_a_multicall),
	KUNIT_CASE(large_leaves_behind_an_error),
	KUNIT_CASE(long_request_that_cannot_sleep),
	KUNIT_CASE(page_by_page),
	KUNIT_CASE(whose_frames),
	KUNIT_CASE(kinds_are_not_mixed),
	KUNIT_CASE(refused),
	KUNIT_CASE(refused_in_a_long_request),
	KUNIT_CASE(without_a_frame),
	KUNIT_CASE(without_rights),
	KUNIT_CASE(occupied),
	KUNIT_CASE(out_of_tables),
	KUNIT_CASE(xen_is_out_of_memory),
	KUNIT_CASE(an_error_is_its_owners),
	KUNIT_CASE(moved_to_another_cpu),
	KUNIT_CASE(broken_context),
	{}
};

static struct kunit_suite map_suite = {
	.name = "xpi-map",
	.init = xpi_one_init,
	.exit = xpi_one_exit,
	.test_cases = map_cases,
};

kunit_test_suites(&map_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * The hypercalls that the driver makes for the core's unmaps, strict and deferred.
 *
 * Pins: VFIO of Linux 6.12 maps 8 KiB and unmaps 4 KiB twice.
 */
#include <kunit/test.h>
#include <linux/iommu.h>

#include "driver.h"
#include "fake-hv.h"
#include "one.h"

/* Unmap and flush are one hypercall: Linux 7.3 relies on both being cheap. */
static void strict(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 16));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	xpi_one_expect_nothing(test);
}

static void halves(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 2));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 1), 1);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN), 0);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN + 1), XPI_ONE_PFN + 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 1);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN + 1, 1), 1);
	xpi_one_expect_nothing(test);
}

static void many_maps_at_once(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN + i, XPI_ONE_PFN + 7 * i, 1));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 32), 32);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 1);
	xpi_one_expect_nothing(test);
}

static void up_to_a_hole(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 4));
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN + 5, XPI_ONE_PFN + 5, 4));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 9), 4);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN + 5), XPI_ONE_PFN + 5);
	xpi_one_expect_same(test);
}

static void nothing_there(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 4), 0);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);
}

static void waiting_map_is_never_sent(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, xpi_one_map_only(XPI_ONE_DFN, XPI_ONE_PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_sync_map(XPI_ONE_DFN, 4));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);
	xpi_one_expect_nothing(test);
}

/* A mapped and a pending part, in one unmap. */
static void half_of_it_waits(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 4));
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map_only(XPI_ONE_DFN + 4, XPI_ONE_PFN + 4, 4, &mapped));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN, 8), 8);
	xpi_one_expect_nothing(test);
}

static void part_of_what_waits(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, xpi_one_map_only(XPI_ONE_DFN, XPI_ONE_PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_DFN + 1, 2), 2);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_sync_map(XPI_ONE_DFN, 4));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 2);
	xpi_one_expect_same(test);
}

static void deferred(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 16));
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(0x100, XPI_ONE_PFN + 0x100, 16));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(0x100, 16), 16);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 32);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN), 0);
	xpi_one_expect_same(test);

	xpi_one->ops->flush_iotlb_all(xpi_one);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	xpi_one_expect_nothing(test);
}

/* A PV domain's Xen does not offer it: whatever the core says, do it now. */
static void deferred_is_not_offered(struct kunit *test)
{
	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_DEFER;
	xpi_one_renew(test);
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 16));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	xpi_one_expect_nothing(test);
}

/* Their owner wants them back. */
static void foreign_pages_do_not_wait(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_PFN_FOREIGN, 4));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	xpi_one_expect_nothing(test);
	/* One among others is enough. */
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_PFN_FOREIGN - 2, 4));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 4), 4);
	xpi_one_expect_nothing(test);
}

static void others_wait_beside_foreign_ones(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 4));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	xpi_one_expect_same(test);
}

static void map_where_an_unmap_waits(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 16));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN + 4, XPI_ONE_PFN + 64, 4));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	KUNIT_EXPECT_EQ(test, xpi_one_pte(XPI_ONE_DFN + 4)->gfn, XPI_ONE_PFN + 64);
	xpi_one_expect_same(test);
}

static void long_map_where_an_unmap_waits(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 16));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0, XPI_ONE_PFN + 1, 1000));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 1000);
	xpi_one_expect_same(test);
}

static void large_map_where_small_unmaps_wait(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(0x208, XPI_ONE_PFN, 4));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(0x208, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(0x200, XPI_ONE_PFN, 0x200));
	KUNIT_EXPECT_EQ(test, xpi_one_pte(0x200)->order, 9);
	xpi_one_expect_same(test);
}

/* More than the buffer holds: sent when it is full, not lost. */
static void more_than_can_wait(struct kunit *test)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(0, XPI_ONE_PFN + 1, 600));
	for (i = 0; i < 600; i += 2)
		KUNIT_ASSERT_EQ(test, xpi_one_unmap_later(i, 1), 1);
	xpi_one_expect_same(test);
	xpi_one->ops->flush_iotlb_all(xpi_one);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 300);
	xpi_one_expect_same(test);
}

static void flushed_by_another_cpu(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 4));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 4), 4);
	xpi_driver.cpu = 1;
	xpi_one->ops->flush_iotlb_all(xpi_one);
	xpi_one_expect_nothing(test);
}

static struct kunit_case unmap_cases[] = {
	KUNIT_CASE(strict),
	KUNIT_CASE(halves),
	KUNIT_CASE(many_maps_at_once),
	KUNIT_CASE(up_to_a_hole),
	KUNIT_CASE(nothing_there),
	KUNIT_CASE(waiting_map_is_never_sent),
	KUNIT_CASE(half_of_it_waits),
	KUNIT_CASE(part_of_what_waits),
	KUNIT_CASE(deferred),
	KUNIT_CASE(deferred_is_not_offered),
	KUNIT_CASE(foreign_pages_do_not_wait),
	KUNIT_CASE(others_wait_beside_foreign_ones),
	KUNIT_CASE(map_where_an_unmap_waits),
	KUNIT_CASE(long_map_where_an_unmap_waits),
	KUNIT_CASE(large_map_where_small_unmaps_wait),
	KUNIT_CASE(more_than_can_wait),
	KUNIT_CASE(flushed_by_another_cpu),
	{}
};

static struct kunit_suite unmap_suite = {
	.name = "xpi-unmap",
	.init = xpi_one_init,
	.exit = xpi_one_exit,
	.test_cases = unmap_cases,
};

kunit_test_suites(&unmap_suite);

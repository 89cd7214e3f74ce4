// SPDX-License-Identifier: GPL-2.0
/*
 * The hypercalls that the driver makes for the core's calls: how many, with which
 * descriptors, and when. Most calls go through the core, as those of VFIO and
 * of the DMA API do.
 *
 * Pins: virtio-iommu's queue loses the error of a map that another thread's sync
 * has sent; VFIO of Linux 6.12 maps 8 KiB and unmaps 4 KiB twice; an earlier
 * PV-IOMMU driver sent reserved 1:1 regions although Xen maps them itself; a
 * domain that iommufd kept was freed by code that had been unloaded.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

#include "driver.h"
#include "fake-hv.h"

#define DFN	0x20U
#define PFN	0x1000U
#define BATCHES	(xpi_fake.calls[XEN_PV_IOMMU_OP_BATCH])
#define CTX_SETS	(xpi_fake.calls[XEN_PV_IOMMU_OP_CTX_SET])

/* The domain that every test of maps and unmaps begins with. */
static struct iommu_domain *dom;

static int one_domain_init(struct kunit *test)
{
	int ret = xpi_driver_init(test);

	if (ret)
		return ret;
	dom = xpi_driver_domain(NULL);
	if (IS_ERR(dom))
		return PTR_ERR(dom);
	xpi_fake_clear_counts();
	return 0;
}

static void one_domain_exit(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, xpi_driver_differs(dom, false));
	xpi_driver_free(dom);
	xpi_driver_exit(test);
}

/* Limits are looked at when a domain is made. */
static void new_domain(struct kunit *test)
{
	xpi_driver_free(dom);
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	dom = xpi_driver_domain(NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dom);
	xpi_fake_clear_counts();
}

static int map(u64 dfn, u64 pfn, u64 nr)
{
	return iommu_map(dom, XPI_ADDR(dfn), XPI_ADDR(pfn), XPI_ADDR(nr),
			 XPI_RW, GFP_KERNEL);
}

/* As the core does it, but the sync is left to the caller. */
static int map_only(u64 dfn, u64 pfn, u64 nr, size_t *mapped)
{
	*mapped = 0;
	return dom->ops->map_pages(dom, XPI_ADDR(dfn), XPI_ADDR(pfn), SZ_4K, nr,
				   XPI_RW, GFP_ATOMIC, mapped);
}

static int sync_map(u64 dfn, u64 nr)
{
	return dom->ops->iotlb_sync_map(dom, XPI_ADDR(dfn), XPI_ADDR(nr));
}

static u64 unmap(u64 dfn, u64 nr)
{
	return iommu_unmap(dom, XPI_ADDR(dfn), XPI_ADDR(nr)) >> 12;
}

/* As the DMA API does it if the flush is deferred. */
static u64 unmap_later(u64 dfn, u64 nr)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	return iommu_unmap_fast(dom, XPI_ADDR(dfn), XPI_ADDR(nr), &gather) >> 12;
}

static const struct xpi_fake_pte *pte(u64 dfn)
{
	return &xpi_fake_ctx(xpi_driver_ctx(dom))->pte[dfn];
}

static u64 pfn_at(u64 dfn)
{
	return iommu_iova_to_phys(dom, XPI_ADDR(dfn)) >> 12;
}

static void expect_same(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, xpi_driver_differs(dom, false));
}

/* --- xpi-map: coalescing, orders, errors ---------------------------------- */

static void contiguous(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(DFN, PFN, 64));
	KUNIT_EXPECT_EQ(test, BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.pages, 64);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN + 63), PFN + 63);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN + 64), 0);
	KUNIT_EXPECT_EQ(test, pte(DFN)->flags,
			XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W);
	expect_same(test);
}

static void scattered(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(DFN, XPI_PFN_SCATTERED, 64));
	KUNIT_EXPECT_EQ(test, BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 32);
	expect_same(test);
}

/* A block request: pages from anywhere, one hypercall. */
static void scatterlist(struct kunit *test)
{
	struct scatterlist sg[32];
	unsigned int i;

	sg_init_table(sg, ARRAY_SIZE(sg));
	for (i = 0; i < ARRAY_SIZE(sg); i++)
		sg_set_page(&sg[i], pfn_to_page(PFN + 7 * i), SZ_4K, 0);
	KUNIT_EXPECT_EQ(test, SZ_4K * ARRAY_SIZE(sg),
			iommu_map_sg(dom, XPI_ADDR(DFN), sg, ARRAY_SIZE(sg),
				     XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, ARRAY_SIZE(sg));
	expect_same(test);
}

static void no_run_is_too_long(struct kunit *test)
{
	xpi_fake.max_nr = 64;
	new_domain(test);
	KUNIT_EXPECT_EQ(test, 0, map(0, PFN, 200));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 4);
	KUNIT_EXPECT_EQ(test, unmap(0, 200), 200);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 4);
}

static void no_array_is_too_long(struct kunit *test)
{
	xpi_fake.max_count = 8;
	new_domain(test);
	KUNIT_EXPECT_EQ(test, 0, map(0, XPI_PFN_SCATTERED, 64));
	KUNIT_EXPECT_EQ(test, BATCHES, 4);
	expect_same(test);
}

/* Only where interrupts are off meanwhile. */
static void no_array_is_too_long_for_interrupts(struct kunit *test)
{
	xpi_fake.max_maps = 8;
	new_domain(test);
	KUNIT_EXPECT_EQ(test, 0, iommu_map(dom, 0, XPI_ADDR(XPI_PFN_SCATTERED),
					   XPI_ADDR(64), XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, BATCHES, 4);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, unmap(0, 64), 64);
}

static void large_leaves(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(0x400, PFN, 0x400));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1);
	KUNIT_EXPECT_EQ(test, pte(0x400)->order, 9);
	KUNIT_EXPECT_EQ(test, pte(0x7ff)->order, 9);
	KUNIT_EXPECT_EQ(test, pfn_at(0x5ff), PFN + 0x1ff);
	/* A leaf is never split, and Xen is not asked to. */
	KUNIT_EXPECT_EQ(test, unmap(0x400, 1), 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 0);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, unmap(0x400, 0x200), 0x200);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0x200);
}

/* One leaf waits as well as many pages do. */
static void large_leaf_waits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, iommu_map(dom, XPI_ADDR(0x200), XPI_ADDR(PFN),
					   SZ_2M, XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, BATCHES, 1);
	KUNIT_EXPECT_EQ(test, pte(0x200)->order, 9);
	expect_same(test);
}

static void unaligned_has_small_leaves(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(0x400, PFN + 1, 0x400));
	KUNIT_EXPECT_EQ(test, pte(0x400)->order, 0);
	KUNIT_EXPECT_EQ(test, unmap(0x400, 1), 1);
	expect_same(test);
}

/* The core mapped 4 KiB pages one by one: it may unmap one by one. */
static void two_maps_are_never_one_leaf(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(0x200, PFN, 0x100));
	KUNIT_EXPECT_EQ(test, 0, map(0x300, PFN + 0x100, 0x100));
	KUNIT_EXPECT_EQ(test, pte(0x200)->order, 0);
	KUNIT_EXPECT_EQ(test, unmap(0x200, 1), 1);
	expect_same(test);
}

static void long_request_in_a_multicall(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(0, XPI_PFN_SCATTERED, 2000));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1000);
	KUNIT_EXPECT_GT(test, xpi_fake.multis, 0);
	KUNIT_EXPECT_LE(test, BATCHES, 8);
	expect_same(test);
}

/*
 * Another call of the multicall has mapped pages after the failing one. The driver
 * unmaps them leaf by leaf, whatever a descriptor may have.
 */
static void large_leaves_behind_an_error(struct kunit *test)
{
	xpi_fake.max_nr = 700;
	xpi_fake.max_count = 1;
	new_domain(test);
	xpi_fake.page_fault = (struct xpi_fake_fault){ .err = -EACCES };
	KUNIT_EXPECT_EQ(test, -EACCES, map(0, PFN, 0x800));
	KUNIT_EXPECT_GT(test, xpi_fake.multis, 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
	expect_same(test);
}

static void long_request_that_cannot_sleep(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, iommu_map(dom, 0, XPI_ADDR(XPI_PFN_SCATTERED),
					   XPI_ADDR(2000), XPI_RW, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 1000);
	KUNIT_EXPECT_EQ(test, xpi_fake.multis, 0);
	expect_same(test);
}

/* batch=0, for comparison. */
static void page_by_page(struct kunit *test)
{
	xpi_driver_batch(false);
	new_domain(test);
	KUNIT_EXPECT_EQ(test, 0, map(DFN, PFN, 8));
	KUNIT_EXPECT_EQ(test, BATCHES, 8);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, unmap(DFN, 8), 8);
	KUNIT_EXPECT_EQ(test, BATCHES, 16);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
}

static void whose_frames(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(0, XPI_PFN_FOREIGN, 2));
	KUNIT_EXPECT_EQ(test, 0, map(2, XPI_PFN_MMIO, 2));
	KUNIT_EXPECT_TRUE(test, pte(1)->flags & XEN_PV_IOMMU_F_FOREIGN);
	KUNIT_EXPECT_TRUE(test, pte(2)->flags & XEN_PV_IOMMU_F_MMIO);
	expect_same(test);
}

/* One call, pages of three kinds: a descriptor for each. */
static void kinds_are_not_mixed(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(DFN, XPI_PFN_MMIO - 4, 8));
	KUNIT_EXPECT_EQ(test, xpi_fake.descs, 2);
	KUNIT_EXPECT_TRUE(test, pte(DFN)->flags & XEN_PV_IOMMU_F_FOREIGN);
	KUNIT_EXPECT_TRUE(test, pte(DFN + 4)->flags & XEN_PV_IOMMU_F_MMIO);
	KUNIT_EXPECT_EQ(test, unmap(DFN, 8), 8);
}

static void expect_nothing(struct kunit *test)
{
	expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN), 0);
}

/* Tables may be read, so only what lies behind them is refused. */
static int map_tables_and_aliens(u64 nr)
{
	return iommu_map(dom, XPI_ADDR(DFN), XPI_ADDR(XPI_PFN_ALIEN - nr),
			 XPI_ADDR(2 * nr), IOMMU_READ, GFP_KERNEL);
}

static void refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EACCES, map_tables_and_aliens(8));
	expect_nothing(test);
	KUNIT_EXPECT_EQ(test, -ETXTBSY, map(DFN, XPI_PFN_TABLE - 8, 16));
	expect_nothing(test);
	KUNIT_EXPECT_EQ(test, 0, iommu_map(dom, XPI_ADDR(DFN),
					   XPI_ADDR(XPI_PFN_TABLE), SZ_4K,
					   IOMMU_READ, GFP_KERNEL));
	expect_same(test);
}

static void refused_in_a_long_request(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EACCES, map_tables_and_aliens(600));
	expect_nothing(test);
}

static void without_a_frame(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -EINVAL, map(DFN, XPI_PFN_NONE, 4));
	expect_nothing(test);
	KUNIT_EXPECT_NE(test, 0, map(DFN, XPI_PFN_NONE - 4, 8));
	expect_nothing(test);
}

static void without_rights(struct kunit *test)
{
	size_t mapped = 0;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			dom->ops->map_pages(dom, XPI_ADDR(DFN), XPI_ADDR(PFN),
					    SZ_4K, 1, 0, GFP_KERNEL, &mapped));
	KUNIT_EXPECT_EQ(test, mapped, 0);
	expect_nothing(test);
}

/* Nothing is replaced, and Xen need not say so. */
static void occupied(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(DFN + 2, PFN, 1));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, -EEXIST, map(DFN, PFN + 64, 4));
	KUNIT_EXPECT_EQ(test, BATCHES, 0);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN + 2), PFN);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN), 0);
	expect_same(test);
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
	KUNIT_EXPECT_EQ(test, 0, map(0, PFN, 8));
	KUNIT_EXPECT_NULL(test, xpi_driver.warned);
	KUNIT_EXPECT_EQ(test, -ENOMEM, map(0x1f8, PFN, 16));
	expect_warned(test, true);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 8);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, unmap(0, 8), 8);
	KUNIT_EXPECT_EQ(test, 0, map(0x200, PFN, 8));
	expect_same(test);
}

/* A greater ctx-mem= would not help. */
static void xen_is_out_of_memory(struct kunit *test)
{
	xpi_fake.page_fault = (struct xpi_fake_fault){ .err = -ENOMEM };
	KUNIT_EXPECT_EQ(test, -ENOMEM, map(0, PFN, 8));
	expect_warned(test, false);
	xpi_driver.warned = NULL;
	xpi_fake.page_fault = (struct xpi_fake_fault){ .err = -EACCES };
	KUNIT_EXPECT_EQ(test, -EACCES, map(0, PFN, 8));
	KUNIT_EXPECT_NULL(test, xpi_driver.warned);
	expect_same(test);
}

static void an_error_is_its_owners(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, map_only(0, XPI_PFN_ALIEN, 4, &mapped));
	KUNIT_ASSERT_EQ(test, mapped, 4 * SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, map_only(8, PFN, 4, &mapped));
	KUNIT_ASSERT_EQ(test, 0, map_only(16, PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, BATCHES, 0);
	KUNIT_EXPECT_EQ(test, xpi_driver_waiting(dom, false), 3);

	KUNIT_EXPECT_EQ(test, 0, sync_map(8, 4));
	KUNIT_EXPECT_EQ(test, 0, sync_map(16, 4));
	KUNIT_EXPECT_EQ(test, -EACCES, sync_map(0, 4));
	/* Until the owner unmaps it, as the core does then. */
	KUNIT_EXPECT_EQ(test, -EACCES, sync_map(0, 4));
	KUNIT_EXPECT_EQ(test, unmap(0, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, sync_map(0, 32));
	expect_same(test);
}

static void moved_to_another_cpu(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, map_only(DFN, PFN, 4, &mapped));
	xpi_driver.cpu = 1;
	KUNIT_EXPECT_EQ(test, 0, sync_map(DFN, 4));
	KUNIT_EXPECT_EQ(test, xpi_driver_waiting(dom, false), 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	expect_same(test);
}

static void broken_context(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, map(0, PFN, 4));
	xpi_fake_ctx(xpi_driver_ctx(dom))->broken = true;
	KUNIT_EXPECT_EQ(test, -EIO, map(DFN, PFN, 4));
	KUNIT_EXPECT_EQ(test, -EIO, map(DFN, PFN, 1024));
	KUNIT_EXPECT_EQ(test, pfn_at(DFN), 0);
	xpi_fake_ctx(xpi_driver_ctx(dom))->broken = false;
	expect_same(test);
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
	.init = one_domain_init,
	.exit = one_domain_exit,
	.test_cases = map_cases,
};

/* --- xpi-unmap: strict and deferred --------------------------------------- */

/* Unmap and flush are one hypercall: Linux 7.3 relies on both being cheap. */
static void strict(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 16));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, unmap(DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	expect_nothing(test);
}

static void halves(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 2));
	KUNIT_EXPECT_EQ(test, unmap(DFN, 1), 1);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN), 0);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN + 1), PFN + 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 1);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, unmap(DFN + 1, 1), 1);
	expect_nothing(test);
}

static void many_maps_at_once(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		KUNIT_ASSERT_EQ(test, 0, map(DFN + i, PFN + 7 * i, 1));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, unmap(DFN, 32), 32);
	KUNIT_EXPECT_EQ(test, xpi_fake.unmaps, 1);
	expect_nothing(test);
}

static void up_to_a_hole(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 4));
	KUNIT_ASSERT_EQ(test, 0, map(DFN + 5, PFN + 5, 4));
	KUNIT_EXPECT_EQ(test, unmap(DFN, 9), 4);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN + 5), PFN + 5);
	expect_same(test);
}

static void nothing_there(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, unmap(DFN, 4), 0);
	KUNIT_EXPECT_EQ(test, BATCHES, 0);
}

static void waiting_map_is_never_sent(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, map_only(DFN, PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, unmap(DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, sync_map(DFN, 4));
	KUNIT_EXPECT_EQ(test, BATCHES, 0);
	expect_nothing(test);
}

/* A mapped and a pending part, in one unmap. */
static void half_of_it_waits(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 4));
	KUNIT_ASSERT_EQ(test, 0, map_only(DFN + 4, PFN + 4, 4, &mapped));
	KUNIT_EXPECT_EQ(test, unmap(DFN, 8), 8);
	expect_nothing(test);
}

static void part_of_what_waits(struct kunit *test)
{
	size_t mapped;

	KUNIT_ASSERT_EQ(test, 0, map_only(DFN, PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, unmap(DFN + 1, 2), 2);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, 0, sync_map(DFN, 4));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 2);
	expect_same(test);
}

static void deferred(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 16));
	KUNIT_ASSERT_EQ(test, 0, map(0x100, PFN + 0x100, 16));
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, unmap_later(0x100, 16), 16);
	KUNIT_EXPECT_EQ(test, BATCHES, 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 32);
	KUNIT_EXPECT_EQ(test, pfn_at(DFN), 0);
	expect_same(test);

	dom->ops->flush_iotlb_all(dom);
	KUNIT_EXPECT_EQ(test, BATCHES, 1);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	expect_nothing(test);
}

/* A PV domain's Xen does not offer it: whatever the core says, do it now. */
static void deferred_is_not_offered(struct kunit *test)
{
	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_DEFER;
	new_domain(test);
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 16));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	expect_nothing(test);
}

/* Their owner wants them back. */
static void foreign_pages_do_not_wait(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, XPI_PFN_FOREIGN, 4));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, xpi_fake.flushes, 1);
	expect_nothing(test);
	/* One among others is enough. */
	KUNIT_ASSERT_EQ(test, 0, map(DFN, XPI_PFN_FOREIGN - 2, 4));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 4), 4);
	expect_nothing(test);
}

static void others_wait_beside_foreign_ones(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 4));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	expect_same(test);
}

static void map_where_an_unmap_waits(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 16));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, 0, map(DFN + 4, PFN + 64, 4));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	KUNIT_EXPECT_EQ(test, pte(DFN + 4)->gfn, PFN + 64);
	expect_same(test);
}

static void long_map_where_an_unmap_waits(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 16));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 16), 16);
	KUNIT_EXPECT_EQ(test, 0, map(0, PFN + 1, 1000));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 1000);
	expect_same(test);
}

static void large_map_where_small_unmaps_wait(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(0x208, PFN, 4));
	KUNIT_EXPECT_EQ(test, unmap_later(0x208, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, map(0x200, PFN, 0x200));
	KUNIT_EXPECT_EQ(test, pte(0x200)->order, 9);
	expect_same(test);
}

/* More than the buffer holds: sent when it is full, not lost. */
static void more_than_can_wait(struct kunit *test)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, map(0, PFN + 1, 600));
	for (i = 0; i < 600; i += 2)
		KUNIT_ASSERT_EQ(test, unmap_later(i, 1), 1);
	expect_same(test);
	dom->ops->flush_iotlb_all(dom);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 300);
	expect_same(test);
}

static void flushed_by_another_cpu(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, map(DFN, PFN, 4));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 4), 4);
	xpi_driver.cpu = 1;
	dom->ops->flush_iotlb_all(dom);
	expect_nothing(test);
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
	.init = one_domain_init,
	.exit = one_domain_exit,
	.test_cases = unmap_cases,
};

/* --- xpi-domain: life of domains, devices, what the core is told ---------- */

static void figures(struct kunit *test)
{
	struct iommu_domain *d = xpi_driver_domain(NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->pgsize_bitmap, SZ_4K | SZ_2M);
	KUNIT_EXPECT_EQ(test, d->geometry.aperture_start, 0);
	KUNIT_EXPECT_EQ(test, d->geometry.aperture_end, (1ULL << 39) - 1);
	KUNIT_EXPECT_TRUE(test, d->geometry.force_aperture);
	xpi_driver_free(d);
}

static void freed_while_things_wait(struct kunit *test)
{
	struct iommu_domain *d = xpi_driver_domain(NULL);
	size_t mapped;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	dom = d;
	KUNIT_EXPECT_EQ(test, 0, map(DFN, PFN, 8));
	KUNIT_EXPECT_EQ(test, unmap_later(DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, map_only(0x100, PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 8);
	xpi_driver_free(d);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
}

/* iommufd may free a domain when no device holds the module any more. */
static void holds_the_module(struct kunit *test)
{
	struct iommu_domain *d[2];

	xpi_fake.max_ctx = 1;
	d[0] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, d[0]);
	d[1] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_TRUE(test, IS_ERR(d[1]));
	KUNIT_EXPECT_EQ(test, xpi_driver_holds(), 1);
	xpi_driver_free(d[0]);
	KUNIT_EXPECT_EQ(test, xpi_driver_holds(), 0);
}

static void no_context_left(struct kunit *test)
{
	struct iommu_domain *d[2];

	xpi_fake.max_ctx = 1;
	d[0] = xpi_driver_domain(NULL);
	d[1] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, d[0]);
	KUNIT_EXPECT_PTR_EQ(test, d[1], ERR_PTR(-ENOSPC));
	xpi_driver_free(d[0]);
	d[1] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, d[1]);
	xpi_driver_free(d[1]);
}

/*
 * Q1: what users may have
 */

static const struct xpi_fake_ctx *ctx_of(struct iommu_domain *d)
{
	return xpi_fake_ctx(xpi_driver_ctx(d));
}

/* As the core does for VFIO, before a domain is made. */
static void claim(struct kunit *test, struct device *dev)
{
	KUNIT_ASSERT_EQ(test, 0,
			xpi_driver_attach(xpi_driver_ops()->blocked_domain, dev));
}

static void give_back(struct device *dev)
{
	xpi_driver_attach(xpi_driver_ops()->identity_domain, dev);
}

static struct iommu_domain *domain_as(struct kunit *test, struct device *dev,
				      unsigned int type)
{
	struct iommu_domain *d = xpi_driver_domain_as(dev, type);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	return d;
}

/* The reserve is for domains of the DMA API, from the first moment. */
static void kernels_context_has_the_reserve(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own = domain_as(test, dev, IOMMU_DOMAIN_DMA), *user;

	KUNIT_EXPECT_TRUE(test, ctx_of(own)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	claim(test, dev);
	user = domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_FALSE(test, ctx_of(user)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev));
	/* A second one of the same user. */
	xpi_driver_free(domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED));
	KUNIT_EXPECT_EQ(test, CTX_SETS, 0);
	give_back(dev);
	xpi_driver_free(user);
	xpi_driver_free(own);
}

static void guess_is_settled_at_attach(struct kunit *test)
{
	struct device *dev[2] = {
		xpi_driver_add_dev(test, 0), xpi_driver_add_dev(test, 1),
	};
	struct iommu_domain *user = domain_as(test, dev[0], IOMMU_DOMAIN_UNMANAGED);
	struct iommu_domain *own = domain_as(test, NULL, IOMMU_DOMAIN_DMA_FQ);

	KUNIT_EXPECT_TRUE(test, ctx_of(user)->reserve);
	KUNIT_EXPECT_FALSE(test, ctx_of(own)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev[0]));
	KUNIT_EXPECT_FALSE(test, ctx_of(user)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev[0]));
	KUNIT_EXPECT_TRUE(test, ctx_of(own)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev[1]));
	KUNIT_EXPECT_EQ(test, CTX_SETS, 2);
	give_back(dev[0]);
	give_back(dev[1]);
	xpi_driver_free(user);
	xpi_driver_free(own);
}

/* A kernel's map could fail without the reserve: the device stays where it is. */
static void xen_keeps_the_old_limits(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = domain_as(test, NULL, IOMMU_DOMAIN_DMA);

	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -ENOENT, .ops = XPI_FAKE_OP(CTX_SET),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_TRUE(test, ctx_of(d)->reserve);
	give_back(dev);
	xpi_driver_free(d);
}

/* An older Xen gets no request that it does not know. */
static void xen_without_limits(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own, *user;

	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_LIMITS;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	own = domain_as(test, NULL, IOMMU_DOMAIN_DMA);
	user = domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev));
	KUNIT_EXPECT_EQ(test, CTX_SETS, 0);
	give_back(dev);
	xpi_driver_free(user);
	xpi_driver_free(own);
}

static void users_have_all_numbers(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own, *guess, *user[2];

	xpi_fake.max_ctx = 4;
	xpi_fake.ctx_reserve = 2;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	guess = domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED);
	user[0] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	user[1] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_PTR_EQ(test, xpi_driver_domain(NULL), ERR_PTR(-ENOSPC));
	/* The one that began as the kernel's must not become one more. */
	KUNIT_EXPECT_EQ(test, -ENOSPC, xpi_driver_attach(guess, dev));
	own = domain_as(test, dev, IOMMU_DOMAIN_DMA);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	xpi_driver_free(user[0]);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(guess, dev));
	give_back(dev);
	xpi_driver_free(user[1]);
	xpi_driver_free(guess);
	xpi_driver_free(own);
}

/* How many tables the domain gets, each for one page. */
static unsigned int fill(struct iommu_domain *d)
{
	unsigned int n = 0;

	dom = d;
	while (n < XPI_FAKE_DFNS / 512 && !map(n * 512, PFN, 1))
		n++;
	return n;
}

static void users_fill_up(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own, *user[2];

	xpi_fake.pt_pages_max = 8;
	xpi_fake.pt_pages_reserve = 2;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	own = domain_as(test, dev, IOMMU_DOMAIN_DMA);
	user[0] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	user[1] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	KUNIT_EXPECT_EQ(test, fill(user[0]), 3);
	KUNIT_EXPECT_EQ(test, fill(user[1]), 3);
	KUNIT_EXPECT_EQ(test, fill(own), 2);
	give_back(dev);
	xpi_driver_free(user[0]);
	xpi_driver_free(user[1]);
	xpi_driver_free(own);
}

static void domains_are_apart(struct kunit *test)
{
	struct iommu_domain *a = xpi_driver_domain(NULL);
	struct iommu_domain *b = xpi_driver_domain(NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	dom = a;
	KUNIT_EXPECT_EQ(test, 0, map(DFN, PFN, 4));
	dom = b;
	KUNIT_EXPECT_EQ(test, pfn_at(DFN), 0);
	KUNIT_EXPECT_EQ(test, 0, map(DFN, PFN + 8, 4));
	dom = a;
	KUNIT_EXPECT_EQ(test, pfn_at(DFN), PFN);
	xpi_driver_free(a);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	xpi_driver_free(b);
}

/* Xen says nonsense: the driver does not load. */
static void useless_xen(struct kunit *test)
{
	xpi_fake.features = 0;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_ask());
	xpi_fake_reset();
	xpi_fake.max_nr = 0;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_ask());
	xpi_fake_reset();
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_ask());
}

/* A crashed predecessor's context is not there any more, nor its device in it. */
static void reset_returns_devices(struct kunit *test)
{
	struct xen_pv_iommu_ctx c = {};
	struct xen_pv_iommu_attach a = { .dev.id = xpi_fake.dev[0].sbdf };

	KUNIT_ASSERT_EQ(test, 1,
			xpi_fake_hv.iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1));
	a.ctx = c.ctx;
	KUNIT_ASSERT_EQ(test, 1,
			xpi_fake_hv.iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, c.ctx);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_reset());
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
	KUNIT_EXPECT_EQ(test, xpi_fake_nr_ctx(), 0);
}

static void reserve_as(u32 type, unsigned int which, u64 dfn, u64 nr)
{
	struct xpi_fake_dev *dev = &xpi_fake.dev[which];

	dev->resv[dev->nr_resv].type = type;
	dev->resv[dev->nr_resv].start = XPI_ADDR(dfn);
	dev->resv[dev->nr_resv].last = XPI_ADDR(dfn + nr) - 1;
	dev->nr_resv++;
}

static void reserve(unsigned int which, u64 dfn, u64 nr)
{
	reserve_as(XEN_PV_IOMMU_RESV_DIRECT, which, dfn, nr);
}

static void direct_is_never_sent(struct kunit *test)
{
	struct device *dev;

	reserve(0, PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	dom = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dom);
	xpi_fake_clear_counts();

	KUNIT_EXPECT_EQ(test, 0, map(PFN, PFN, 16));
	KUNIT_EXPECT_EQ(test, pfn_at(PFN + 15), PFN + 15);
	KUNIT_EXPECT_EQ(test, BATCHES, 0);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, unmap(PFN, 16), 16);
	KUNIT_EXPECT_EQ(test, pfn_at(PFN), 0);
	KUNIT_EXPECT_EQ(test, BATCHES, 0);

	/* Not the region, or not 1:1: Xen is to judge. */
	KUNIT_EXPECT_EQ(test, 0, map(PFN + 16, PFN + 16, 1));
	KUNIT_EXPECT_EQ(test, -EADDRINUSE, map(PFN, PFN + 16, 1));
	expect_same(test);
	xpi_driver_free(dom);
}

/* L7: a program's domain has it as ordinary iova, and Xen is told so. */
static void relaxable_by_domain(struct kunit *test)
{
	struct iommu_domain *identity = xpi_driver_ops()->identity_domain;
	struct iommu_domain *api, *user;
	struct device *dev;

	reserve_as(XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE, 0, PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	api = xpi_driver_domain(dev);
	user = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, api);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, user);
	api->type = IOMMU_DOMAIN_DMA;

	/* The core maps it in the DMA API's before it attaches the device. */
	dom = api;
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, 0, map(PFN, PFN, 16));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(api, dev));
	KUNIT_EXPECT_FALSE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, pfn_at(PFN + 15), PFN + 15);
	KUNIT_EXPECT_EQ(test, BATCHES, 0);

	dom = user;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev));
	KUNIT_EXPECT_TRUE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, 0, map(PFN, PFN, 16));
	KUNIT_EXPECT_GT(test, BATCHES, 0);
	expect_same(test);
	KUNIT_EXPECT_EQ(test, unmap(PFN, 16), 16);
	KUNIT_EXPECT_EQ(test, 0, map(PFN, PFN + 16, 1));
	expect_same(test);

	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(api, dev));
	KUNIT_EXPECT_FALSE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(identity, dev));
	xpi_driver_free(user);
	xpi_driver_free(api);
}

/* Where Xen cannot be told, it is as DIRECT. */
static void relaxable_to_an_older_xen(struct kunit *test)
{
	struct iommu_domain *identity = xpi_driver_ops()->identity_domain;
	struct device *dev;

	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_RELAX;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	reserve_as(XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE, 0, PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	dom = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dom);
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(dom, dev));
	KUNIT_EXPECT_EQ(test, 0, map(PFN, PFN, 16));
	KUNIT_EXPECT_EQ(test, BATCHES, 0);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(identity, dev));
	xpi_driver_free(dom);
}

static void attach_and_back(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->blocked_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_BLOCKED);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(d));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->identity_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
	xpi_driver_free(d);
}

static const struct {
	int xen, core;
} attach_errors[] = {
	{ -ENOMEM, -ENOMEM }, { -ENOSPC, -ENOSPC }, { -ENODEV, -ENODEV },
	{ -EADDRINUSE, -EINVAL }, { -EIO, -ENODEV }, { -EPERM, -ENODEV },
	{ -ENOENT, -ENODEV }, { -ENXIO, -ENODEV }, { -EINVAL, -ENODEV },
};

static void attach_fails_as_the_core_likes_it(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	for (i = 0; i < ARRAY_SIZE(attach_errors); i++) {
		xpi_fake.call_fault = (struct xpi_fake_fault){
			.err = attach_errors[i].xen,
			.ops = XPI_FAKE_OP(ATTACH),
		};
		KUNIT_EXPECT_EQ_MSG(test, attach_errors[i].core,
				    xpi_driver_attach(d, dev),
				    "Xen said %d", attach_errors[i].xen);
		KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx,
				XEN_PV_IOMMU_CTX_DEFAULT);
	}
	xpi_driver_free(d);
}

/* Something is mapped where the second device's region must go. */
static void attach_of_a_clash(struct kunit *test)
{
	struct device *dev;

	dom = xpi_driver_domain(NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dom);
	KUNIT_ASSERT_EQ(test, 0, map(PFN, 0, 1));
	reserve(1, PFN, 1);
	dev = xpi_driver_add_dev(test, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_driver_attach(dom, dev));
	KUNIT_EXPECT_EQ(test, unmap(PFN, 1), 1);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(dom, dev));
	KUNIT_EXPECT_EQ(test, 0,
			xpi_driver_attach(xpi_driver_ops()->identity_domain,
					  dev));
	xpi_driver_free(dom);
}

/* VFIO tries it, and wants to hear -EINVAL. Xen need not be asked. */
static void attach_of_a_lesser_device(struct kunit *test)
{
	struct iommu_domain *d = xpi_driver_domain(NULL);
	struct device *dev;

	xpi_fake.dev[0].iova_last = SZ_4G - 1;
	xpi_fake.dev[1].pgsizes = SZ_4K;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	dev = xpi_driver_add_dev(test, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_driver_attach(d, dev));
	dev = xpi_driver_add_dev(test, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	xpi_driver_free(d);

	d = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->pgsize_bitmap, SZ_4K);
	xpi_driver_free(d);
}

/* It is held while a user has it, and only then. */
static void attach_for_a_user(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	d->type = IOMMU_DOMAIN_DMA;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 0);
	d->type = IOMMU_DOMAIN_UNMANAGED;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 1);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EIO, .ops = XPI_FAKE_OP(ATTACH),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV,
			xpi_driver_attach(ops->blocked_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 1);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->blocked_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 0);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EIO, .ops = XPI_FAKE_OP(ATTACH),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 0);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->identity_domain, dev));
	xpi_driver_free(d);
}

/* Its group claims an isolation that is gone. */
static void attach_of_a_device_that_is_not_apart(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	xpi_driver.acs_lost = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	d->type = IOMMU_DOMAIN_DMA;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->identity_domain, dev));
	xpi_driver_free(d);
}

/* At hot unplug Xen is the first to forget a device. */
static void release_of_a_device_that_is_gone(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);

	xpi_fake.dev[0].sbdf = 0xffff;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->release_domain, dev));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			xpi_driver_attach(ops->identity_domain, dev));
}

static void what_is_reserved(struct kunit *test)
{
	struct iommu_resv_region *r, *next;
	unsigned int direct = 0, msi = 0;
	LIST_HEAD(regions);
	struct device *dev;

	reserve(0, PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	xpi_driver_ops()->get_resv_regions(dev, &regions);
	list_for_each_entry_safe(r, next, &regions, list) {
		direct += r->type == IOMMU_RESV_DIRECT &&
			  r->start == XPI_ADDR(PFN) &&
			  r->length == XPI_ADDR(16);
		msi += r->type == IOMMU_RESV_MSI;
		kfree(r);
	}
	KUNIT_EXPECT_EQ(test, direct, 1);
	KUNIT_EXPECT_EQ(test, msi, IS_ENABLED(CONFIG_X86) ? 1 : 0);
}

/* The interrupt window of Xen is not reserved twice. */
static void kinds_of_reserved(struct kunit *test)
{
	static const struct {
		u32 xen;
		enum iommu_resv_type core;
		int prot;
	} kind[XPI_FAKE_RESVS] = {
		{ XEN_PV_IOMMU_RESV_DIRECT, IOMMU_RESV_DIRECT, XPI_RW },
		{ XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE,
		  IOMMU_RESV_DIRECT_RELAXABLE, XPI_RW },
		{ XEN_PV_IOMMU_RESV_MSI_HW, IOMMU_RESV_MSI,
		  IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO },
		{ XEN_PV_IOMMU_RESV_RESERVED, IOMMU_RESV_RESERVED, 0 },
	};
	struct iommu_resv_region *r, *next;
	LIST_HEAD(regions);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kind); i++)
		reserve_as(kind[i].xen, 0, PFN + i, 1);
	xpi_driver_ops()->get_resv_regions(xpi_driver_add_dev(test, 0),
					   &regions);
	i = 0;
	list_for_each_entry_safe(r, next, &regions, list) {
		if (i < ARRAY_SIZE(kind)) {
			KUNIT_EXPECT_EQ(test, r->start, XPI_ADDR(PFN + i));
			KUNIT_EXPECT_EQ(test, r->type, kind[i].core);
			KUNIT_EXPECT_EQ(test, r->prot, kind[i].prot);
		}
		i++;
		kfree(r);
	}
	KUNIT_EXPECT_EQ(test, i, ARRAY_SIZE(kind));
}

static void what_it_can(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);

	KUNIT_EXPECT_TRUE(test, ops->capable(dev, IOMMU_CAP_DEFERRED_FLUSH));
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_NOEXEC));
	/* On x86 all DMA snoops; else Xen would have had to say so. */
	KUNIT_EXPECT_EQ(test, ops->capable(dev, IOMMU_CAP_CACHE_COHERENCY),
			IS_ENABLED(CONFIG_X86));
	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_DEFER;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_DEFERRED_FLUSH));
}

/* Only what Xen says of the context that it had the device in from the start. */
static void protected_from_the_start(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev;

	xpi_fake.dev[1].flags &= ~XEN_PV_IOMMU_DEV_F_PROTECTED;
	dev = xpi_driver_add_dev(test, 0);
	KUNIT_EXPECT_TRUE(test, ops->capable(dev, IOMMU_CAP_PRE_BOOT_PROTECTION));
	dev = xpi_driver_add_dev(test, 1);
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_PRE_BOOT_PROTECTION));
}

/* A predecessor has left it there; that says nothing of the time before. */
static void blocked_is_not_protected(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev;

	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_BLOCKED;
	dev = xpi_driver_add_dev(test, 0);
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_PRE_BOOT_PROTECTION));
	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_DEFAULT;
}

static struct kunit_case domain_cases[] = {
	KUNIT_CASE(figures),
	KUNIT_CASE(freed_while_things_wait),
	KUNIT_CASE(holds_the_module),
	KUNIT_CASE(no_context_left),
	KUNIT_CASE(kernels_context_has_the_reserve),
	KUNIT_CASE(guess_is_settled_at_attach),
	KUNIT_CASE(xen_keeps_the_old_limits),
	KUNIT_CASE(xen_without_limits),
	KUNIT_CASE(users_have_all_numbers),
	KUNIT_CASE(users_fill_up),
	KUNIT_CASE(domains_are_apart),
	KUNIT_CASE(useless_xen),
	KUNIT_CASE(reset_returns_devices),
	KUNIT_CASE(direct_is_never_sent),
	KUNIT_CASE(relaxable_by_domain),
	KUNIT_CASE(relaxable_to_an_older_xen),
	KUNIT_CASE(attach_and_back),
	KUNIT_CASE(attach_fails_as_the_core_likes_it),
	KUNIT_CASE(attach_of_a_clash),
	KUNIT_CASE(attach_of_a_lesser_device),
	KUNIT_CASE(attach_for_a_user),
	KUNIT_CASE(attach_of_a_device_that_is_not_apart),
	KUNIT_CASE(release_of_a_device_that_is_gone),
	KUNIT_CASE(what_is_reserved),
	KUNIT_CASE(kinds_of_reserved),
	KUNIT_CASE(what_it_can),
	KUNIT_CASE(protected_from_the_start),
	KUNIT_CASE(blocked_is_not_protected),
	{}
};

static struct kunit_suite domain_suite = {
	.name = "xpi-domain",
	.init = xpi_driver_init,
	.exit = xpi_driver_exit,
	.test_cases = domain_cases,
};

kunit_test_suites(&map_suite, &unmap_suite, &domain_suite);

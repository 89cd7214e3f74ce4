// SPDX-License-Identifier: GPL-2.0
/*
 * Answers of Xen that the driver accepts, and those that it rejects.
 *
 * Pins: the IOMMU core ends in a BUG if no page size is the kernel's.
 */
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <xen/interface/pv-iommu.h>

#include "caps.h"

static struct xen_pv_iommu_query query;
static struct xpi_caps caps;

static int caps_init(struct kunit *test)
{
	query = (struct xen_pv_iommu_query){
		.size = sizeof(query),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
		.features = XEN_PV_IOMMU_FEAT_BLOCKED,
		.max_ctx = 256,
		.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
		.iova_last = (1ULL << 48) - 1,
		.max_count = 4096,
		.max_nr = 1 << 20,
	};
	KUNIT_ASSERT_NULL(test, xpi_caps_check(&query, &caps));
	return 0;
}

static void expect_refused(struct kunit *test, const char *part)
{
	const char *why = xpi_caps_check(&query, &caps);

	KUNIT_ASSERT_NOT_NULL_MSG(test, why, "accepted, '%s' expected", part);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(why, part), "refused for '%s'",
				  why);
}

static void accepted(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, caps.max_ctx, 256);
	KUNIT_EXPECT_EQ(test, caps.max_count, 4096);
	KUNIT_EXPECT_EQ(test, caps.max_nr, 1 << 20);
	/* The driver does not use leaves of 1 GiB. */
	KUNIT_EXPECT_EQ(test, caps.pgsizes, SZ_4K | SZ_2M);
	KUNIT_EXPECT_EQ(test, caps.iova_last, (1ULL << 48) - 1);
}

static void wrong_interface(struct kunit *test)
{
	query.magic_version = 1;
	expect_refused(test, "another interface");
	query.magic_version = XEN_PV_IOMMU_MAGIC;
	expect_refused(test, "version");
	query.magic_version = XEN_PV_IOMMU_MAGIC | (XEN_PV_IOMMU_VERSION + 1);
	expect_refused(test, "version");
}

static void page_sizes(struct kunit *test)
{
	query.pgsize_bitmap = 0;
	expect_refused(test, "4 KiB");
	query.pgsize_bitmap = SZ_2M;
	expect_refused(test, "4 KiB");
}

static void address_space(struct kunit *test)
{
	query.iova_last = 0;
	expect_refused(test, "address space");
	query.iova_last = SZ_4G - SZ_4K - 1;
	expect_refused(test, "address space");
	query.iova_last = SZ_4G;
	expect_refused(test, "address space");
	query.iova_last = SZ_4G - 1;
	KUNIT_EXPECT_NULL(test, xpi_caps_check(&query, &caps));
}

static void limits(struct kunit *test)
{
	query.max_nr = 0;
	expect_refused(test, "limits");
	query.max_count = XEN_PV_IOMMU_COUNT_LIMIT;
	expect_refused(test, "limits");
	query.max_ctx = 0;
	expect_refused(test, "no contexts");
}

static void cannot_block(struct kunit *test)
{
	query.features &= ~XEN_PV_IOMMU_FEAT_BLOCKED;
	expect_refused(test, "block");
}

/* A device can have less than Xen, but not more. */
static void narrowed(struct kunit *test)
{
	struct xen_pv_iommu_dev_query dq = {
		.pgsize_bitmap = ~0ULL, .iova_last = ~0ULL,
	};
	struct xpi_caps dev;

	KUNIT_ASSERT_NULL(test, xpi_caps_narrow(&caps, &dq, &dev));
	KUNIT_EXPECT_EQ(test, dev.pgsizes, SZ_4K | SZ_2M);
	KUNIT_EXPECT_EQ(test, dev.iova_last, (1ULL << 48) - 1);
	dq.pgsize_bitmap = SZ_4K;
	dq.iova_last = (1ULL << 39) - 1;
	KUNIT_ASSERT_NULL(test, xpi_caps_narrow(&caps, &dq, &dev));
	KUNIT_EXPECT_EQ(test, dev.pgsizes, SZ_4K);
	KUNIT_EXPECT_EQ(test, dev.iova_last, (1ULL << 39) - 1);
	dq.iova_last = SZ_4K - 1;
	KUNIT_EXPECT_NOT_NULL(test, xpi_caps_narrow(&caps, &dq, &dev));
	dq.pgsize_bitmap = 0;
	KUNIT_EXPECT_NOT_NULL(test, xpi_caps_narrow(&caps, &dq, &dev));
}

static bool check_resv(u64 start, u64 last, u32 type, struct xpi_resv *resv)
{
	const struct xen_pv_iommu_dev_resv r = {
		.start = start, .last = last, .type = type,
	};

	return xpi_resv_check(&r, 0, resv);
}

static void reserved_regions(struct kunit *test)
{
	struct xpi_resv r;

	/* A part of a page is the whole page. */
	KUNIT_ASSERT_TRUE(test, check_resv(0x1234, 0x1234,
					   XEN_PV_IOMMU_RESV_DIRECT, &r));
	KUNIT_EXPECT_EQ(test, r.start, 0x1000);
	KUNIT_EXPECT_EQ(test, r.last, 0x1fff);
	KUNIT_EXPECT_EQ(test, r.type, XEN_PV_IOMMU_RESV_DIRECT);
	/* Unknown types count as reserved. */
	KUNIT_ASSERT_TRUE(test, check_resv(0x1000, 0x1fff, 77, &r));
	KUNIT_EXPECT_EQ(test, r.type, XEN_PV_IOMMU_RESV_RESERVED);
	KUNIT_EXPECT_FALSE(test, check_resv(0x2000, 0x1fff,
					    XEN_PV_IOMMU_RESV_DIRECT, &r));
	/* Its length would be 0. */
	KUNIT_EXPECT_FALSE(test, check_resv(0, ~0ULL,
					    XEN_PV_IOMMU_RESV_RESERVED, &r));
}

static unsigned int width(u64 iova_last)
{
	const struct xpi_caps c = { .iova_last = iova_last };

	return (xpi_caps_vtd_cap(&c) >> 16) + 1;
}

/* As DPDK reads it. */
static void width_for_programs(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, width((1ULL << 39) - 1), 39);
	KUNIT_EXPECT_EQ(test, width(~0ULL), 64);
	/* All addresses of that width must do. */
	KUNIT_EXPECT_EQ(test, width((1ULL << 47) + 0xfff), 47);
}

static struct kunit_case caps_cases[] = {
	KUNIT_CASE(accepted),
	KUNIT_CASE(wrong_interface),
	KUNIT_CASE(page_sizes),
	KUNIT_CASE(address_space),
	KUNIT_CASE(limits),
	KUNIT_CASE(cannot_block),
	KUNIT_CASE(narrowed),
	KUNIT_CASE(reserved_regions),
	KUNIT_CASE(width_for_programs),
	{}
};

static struct kunit_suite caps_suite = {
	.name = "xpi-caps",
	.init = caps_init,
	.test_cases = caps_cases,
};

kunit_test_suites(&caps_suite);

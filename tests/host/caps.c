// SPDX-License-Identifier: GPL-2.0
/*
 * Tests which answers of Xen the driver accepts and which it rejects.
 */
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "caps.h"

#include "harness.h"

static struct xen_pv_iommu_query good_query(void)
{
	return (struct xen_pv_iommu_query){
		.size = sizeof(struct xen_pv_iommu_query),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
		.features = XEN_PV_IOMMU_FEAT_BLOCKED | XEN_PV_IOMMU_FEAT_MMIO,
		.max_ctx = 256,
		.pgsize_bitmap = 0x40201000,
		.iova_last = (1ULL << 48) - 1,
		.max_count = 4096,
		.max_nr = 1 << 20,
	};
}

static void refused(const struct xen_pv_iommu_query *q, const char *part)
{
	struct xpi_caps caps;
	const char *why = xpi_caps_check(q, &caps);

	if (!why)
		FAIL("accepted, '%s' expected", part);
	if (!strstr(why, part))
		FAIL("refused for '%s', not for '%s'", why, part);
}

TEST(request)
{
	struct xen_pv_iommu_query q;

	memset(&q, 0xff, sizeof(q));
	xpi_query_init(&q);
	CHECK_EQ(q.size, 72);
	CHECK_EQ(q.magic_version, 0x58504901);
	CHECK_EQ(q.features, 0);
	CHECK_EQ(q.mbz, 0);
}

TEST(good_answer)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	CHECK(!xpi_caps_check(&q, &caps));
	CHECK_EQ(caps.features, q.features);
	CHECK_EQ(caps.max_ctx, 256);
	CHECK_EQ(caps.max_count, 4096);
	CHECK_EQ(caps.max_nr, 1 << 20);
	CHECK_EQ(caps.pgsizes, 0x201000);
	CHECK_EQ(caps.iova_last, (1ULL << 48) - 1);
}

/* DPDK computes the width in this way: bits 16 to 21, plus one. */
static unsigned int width_read(u64 iova_last)
{
	struct xpi_caps caps = { .iova_last = iova_last };
	u64 cap = xpi_caps_vtd_cap(&caps);

	CHECK_EQ(cap & ~0x3f0000ULL, 0);
	return (cap >> 16) + 1;
}

TEST(width_for_programs)
{
	CHECK_EQ(width_read((1ULL << 39) - 1), 39);
	CHECK_EQ(width_read((1ULL << 48) - 1), 48);
	CHECK_EQ(width_read((1ULL << 57) - 1), 57);
	CHECK_EQ(width_read(0xffffffff), 32);
	CHECK_EQ(width_read(~0ULL), 64);
	/* A width counts only if all of its addresses can be used. */
	CHECK_EQ(width_read((1ULL << 47) + 0xfff), 47);
	CHECK_EQ(width_read(~0ULL - 0x1000), 63);
}

/* The driver ignores a virq without the feature, and the feature without a virq. */
TEST(fault_virq)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	q.features |= XEN_PV_IOMMU_FEAT_FAULTS;
	q.fault_virq = 14;
	CHECK(!xpi_caps_check(&q, &caps));
	CHECK_EQ(caps.fault_virq, 14);
	q.features &= ~XEN_PV_IOMMU_FEAT_FAULTS;
	CHECK(!xpi_caps_check(&q, &caps));
	CHECK_EQ(caps.fault_virq, 0);
	q.features |= XEN_PV_IOMMU_FEAT_FAULTS;
	q.fault_virq = 0;
	CHECK(!xpi_caps_check(&q, &caps));
	CHECK_EQ(caps.fault_virq, 0);
}

/* A newer Xen may return more fields than the driver knows. */
TEST(longer_answer)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	q.size = 128;
	CHECK(!xpi_caps_check(&q, &caps));
}

/* QUERY grows: the driver accepts a Xen that lacks the newest fields. */
TEST(shorter_answer)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	q.size = 64;
	CHECK(!xpi_caps_check(&q, &caps));
	q.size = 63;
	refused(&q, "too short");
}

TEST(wrong_interface)
{
	struct xen_pv_iommu_query q = good_query();

	q.magic_version = 1;
	refused(&q, "another interface");
	q.magic_version = XEN_PV_IOMMU_MAGIC;
	refused(&q, "version");
	q.magic_version = XEN_PV_IOMMU_MAGIC | 2;
	refused(&q, "version");
	q = good_query();
	q.size = 48;
	refused(&q, "too short");
}

/* Each of these would cause a BUG or an endless loop in the IOMMU core. */
TEST(page_sizes)
{
	struct xen_pv_iommu_query q = good_query();

	q.pgsize_bitmap = 0;
	refused(&q, "4 KiB");
	q.pgsize_bitmap = 0x200000;
	refused(&q, "4 KiB");
}

TEST(address_space)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	q.iova_last = 0;
	refused(&q, "address space");
	q.iova_last = 0xffffefff;
	refused(&q, "address space");
	q.iova_last = 0x100000000;
	refused(&q, "address space");
	q.iova_last = 0xffffffff;
	CHECK(!xpi_caps_check(&q, &caps));
	q.iova_last = ~0ULL;
	CHECK(!xpi_caps_check(&q, &caps));
}

TEST(limits)
{
	struct xen_pv_iommu_query q = good_query();

	q.max_ctx = 0;
	refused(&q, "no contexts");
	q = good_query();
	q.max_count = 0;
	refused(&q, "limits");
	q.max_count = XEN_PV_IOMMU_COUNT_LIMIT;
	refused(&q, "limits");
	q = good_query();
	q.max_nr = 0;
	refused(&q, "limits");
}

TEST(cannot_block)
{
	struct xen_pv_iommu_query q = good_query();

	q.features = 0;
	refused(&q, "block");
}

static struct xpi_caps good_caps(void)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	CHECK(!xpi_caps_check(&q, &caps));
	return caps;
}

TEST(device_narrows)
{
	struct xpi_caps caps = good_caps(), dev;
	struct xen_pv_iommu_dev_query dq = {
		.pgsize_bitmap = 0x1000,
		.iova_last = (1ULL << 39) - 1,
	};

	CHECK(!xpi_caps_narrow(&caps, &dq, &dev));
	CHECK_EQ(dev.pgsizes, 0x1000);
	CHECK_EQ(dev.iova_last, (1ULL << 39) - 1);
	CHECK_EQ(dev.max_nr, caps.max_nr);
}

TEST(device_never_widens)
{
	struct xpi_caps caps = good_caps(), dev;
	struct xen_pv_iommu_dev_query dq = {
		.pgsize_bitmap = ~0ULL,
		.iova_last = ~0ULL,
	};

	CHECK(!xpi_caps_narrow(&caps, &dq, &dev));
	CHECK_EQ(dev.pgsizes, 0x201000);
	CHECK_EQ(dev.iova_last, (1ULL << 48) - 1);
}

TEST(nonsense_device)
{
	struct xpi_caps caps = good_caps(), dev;
	struct xen_pv_iommu_dev_query dq = {
		.pgsize_bitmap = 0,
		.iova_last = ~0ULL,
	};

	CHECK(xpi_caps_narrow(&caps, &dq, &dev));
	dq.pgsize_bitmap = 0x1000;
	dq.iova_last = 0xfff;
	CHECK(xpi_caps_narrow(&caps, &dq, &dev));
}

static bool resv(u64 start, u64 last, u32 type, struct xpi_resv *out)
{
	struct xen_pv_iommu_dev_resv r = {
		.start = start,
		.last = last,
		.type = type,
	};

	return xpi_resv_check(&r, XEN_PV_IOMMU_FEAT_RELAX, out);
}

/* The driver does not trust Xen's count, which may exceed Xen's own limit. */
TEST(tables_run_out)
{
	struct xen_pv_iommu_query q = { .pt_pages_max = 100 };

	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_NONE);
	q.pt_pages = 94;
	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_NONE);
	q.pt_pages = 95;
	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_DOMAIN);
	q.pt_pages = ~0U;
	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_DOMAIN);
	q.pt_pages_max = ~0U;
	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_DOMAIN);
	q.pt_pages = 1000;
	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_NONE);
	q.pt_pages = q.pt_pages_max = 0;
	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_DOMAIN);
}

/* C2: the log names the limit that was reached. */
TEST(tables_of_a_user_run_out)
{
	struct xen_pv_iommu_query q = {
		.features = XEN_PV_IOMMU_FEAT_LIMITS, .pt_pages_max = 100,
		.pt_pages_reserve = 25, .pt_pages = 60,
	};
	struct xen_pv_iommu_ctx c = { .pt_pages_max = 37, .pt_pages = 31 };

	CHECK_EQ(xpi_tables_bound_by(&q, &c), XPI_BOUND_NONE);
	c.pt_pages = 32;
	CHECK_EQ(xpi_tables_bound_by(&q, &c), XPI_BOUND_CTX);
	c.pt_pages = 1;
	q.pt_pages = 70;
	CHECK_EQ(xpi_tables_bound_by(&q, &c), XPI_BOUND_USERS);
	CHECK_EQ(xpi_tables_bound_by(&q, NULL), XPI_BOUND_NONE);
	q.pt_pages_reserve = ~0U;
	CHECK_EQ(xpi_tables_bound_by(&q, &c), XPI_BOUND_USERS);
	c.flags = XEN_PV_IOMMU_CTX_F_RESERVE;
	CHECK_EQ(xpi_tables_bound_by(&q, &c), XPI_BOUND_NONE);
	c.flags = 0;
	q.features = 0;
	CHECK_EQ(xpi_tables_bound_by(&q, &c), XPI_BOUND_NONE);
	q.pt_pages = 95;
	CHECK_EQ(xpi_tables_bound_by(&q, &c), XPI_BOUND_DOMAIN);
}

static void reserve(u32 ctxs, u32 tables, const char *why)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	q.features |= XEN_PV_IOMMU_FEAT_LIMITS;
	q.pt_pages_max = 1000;
	q.ctx_reserve = ctxs;
	q.pt_pages_reserve = tables;
	if (why) {
		refused(&q, why);
		return;
	}
	CHECK(!xpi_caps_check(&q, &caps));
	CHECK_EQ(caps.ctx_reserve, ctxs);
	CHECK_EQ(caps.user_tables, 1000 - tables);
}

/* Q1: an older Xen reports no reserve; the driver leaves some tables to users. */
TEST(reserve_for_the_kernel)
{
	struct xen_pv_iommu_query q = good_query();
	struct xpi_caps caps;

	reserve(0, 0, NULL);
	reserve(1, 999, NULL);
	reserve(q.max_ctx - 1, 1, NULL);
	reserve(q.max_ctx, 1, "for the kernel");
	reserve(1, 1000, "for the kernel");
	reserve(1, ~0U, "for the kernel");

	q.features &= ~XEN_PV_IOMMU_FEAT_LIMITS;
	q.pt_pages_max = 1000;
	q.ctx_reserve = q.pt_pages_reserve = ~0U;
	CHECK(!xpi_caps_check(&q, &caps));
	CHECK_EQ(caps.ctx_reserve, 0);
	CHECK_EQ(caps.user_tables, 1000);
}

TEST(reserved_regions)
{
	struct xpi_resv r;

	CHECK(resv(0xfee00000, 0xfeefffff, XEN_PV_IOMMU_RESV_MSI_HW, &r));
	CHECK_EQ(r.start, 0xfee00000);
	CHECK_EQ(r.last, 0xfeefffff);
	CHECK_EQ(r.type, XEN_PV_IOMMU_RESV_MSI_HW);

	/* A part of a page counts as the whole page. */
	CHECK(resv(0x1234, 0x1234, XEN_PV_IOMMU_RESV_DIRECT, &r));
	CHECK_EQ(r.start, 0x1000);
	CHECK_EQ(r.last, 0x1fff);

	/* The region at the top of the address space. */
	CHECK(resv(~0ULL - 0xfff, ~0ULL, XEN_PV_IOMMU_RESV_RESERVED, &r));
	CHECK_EQ(r.last, ~0ULL);
}

/* L7: without the feature Xen maps relaxable regions, as it does DIRECT regions. */
TEST(relaxable_needs_the_feature)
{
	struct xen_pv_iommu_dev_resv r = {
		.start = 0x1000,
		.last = 0x1fff,
		.type = XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE,
	};
	struct xpi_resv out;

	CHECK(xpi_resv_check(&r, XEN_PV_IOMMU_FEAT_RELAX, &out));
	CHECK_EQ(out.type, XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE);
	CHECK(xpi_resv_check(&r, ~XEN_PV_IOMMU_FEAT_RELAX, &out));
	CHECK_EQ(out.type, XEN_PV_IOMMU_RESV_DIRECT);
}

TEST(nonsense_regions)
{
	struct xpi_resv r;

	CHECK(!resv(0x2000, 0x1fff, XEN_PV_IOMMU_RESV_DIRECT, &r));
	/* Reject it: its length would overflow to 0. */
	CHECK(!resv(0, ~0ULL, XEN_PV_IOMMU_RESV_RESERVED, &r));
	CHECK(!resv(1, ~0ULL - 1, XEN_PV_IOMMU_RESV_RESERVED, &r));
	/* Treat unknown types as reserved. */
	CHECK(resv(0x1000, 0x1fff, 77, &r));
	CHECK_EQ(r.type, XEN_PV_IOMMU_RESV_RESERVED);
}

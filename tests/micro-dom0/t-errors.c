// SPDX-License-Identifier: GPL-2.0
/* Calls that are wrong as calls: operation, count, address, register. */
#include "hypercall.h"
#include "iommu.h"
#include "mem.h"
#include "test.h"

#define DFN	0x1000UL
#define BATCH	XEN_PV_IOMMU_OP_BATCH

/* Reserved or unknown: -EOPNOTSUPP, whatever the arguments. */
static void ops_not_served(void)
{
	bool faults = query().features & XEN_PV_IOMMU_FEAT_FAULTS;
	unsigned int op;

	for (op = 0; op < 256; op++) {
		if (op <= XEN_PV_IOMMU_OP_RESET &&
		    (op != XEN_PV_IOMMU_OP_FAULT_READ || faults))
			continue;
		CHECK(iommu_call(op, 0, 1, 0, 0) == -EOPNOTSUPP,
		      "op %u gave %ld", op, iommu_call(op, 0, 1, 0, 0));
	}
}

/* One good descriptor, that must not take effect. */
static struct xen_pv_iommu_batch good(uint32_t ctx)
{
	return desc_map(ctx, DFN, gfn_of(page_alloc()), 1, RW);
}

static void counts(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d = good(ctx);
	uint64_t max = query().max_count;

	EXPECT(iommu_op(BATCH, &d, 0), -EINVAL);
	EXPECT(iommu_op(BATCH, &d, max + 1), -EINVAL);
	EXPECT(iommu_op(BATCH, &d, 1UL << 32), -EINVAL);
	EXPECT(iommu_op(BATCH, &d, 1UL << 32 | 1), -EINVAL);
	EXPECT(iommu_op(BATCH, &d, ~0UL), -EINVAL);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_LOOKUP, &d, 0), -EINVAL);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &d, max + 1), -EINVAL);
	EXPECT(d.status, 0x5a5a);
	expect_hole(ctx, DFN);
}

static void spare_registers(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d = good(ctx);

	EXPECT(iommu_call(BATCH, hc_ptr(&d), 1, 1, 0), -EINVAL);
	EXPECT(iommu_call(BATCH, hc_ptr(&d), 1, 0, 1UL << 63), -EINVAL);
	expect_hole(ctx, DFN);
}

/* Xen's own bits in cmd, as a caller might forge them. */
static void resume_bits(void)
{
	struct xen_pv_iommu_batch d[2];
	uint32_t ctx = ctx_alloc();
	uint64_t p = hc_ptr(d);

	d[0] = good(ctx);
	d[1] = desc_map(ctx, DFN + 1, gfn_of(page_alloc()), 1, RW);
	EXPECT(iommu_call(BATCH | 3 << 8, p, 2, 0, 0), -EINVAL);
	EXPECT(iommu_call(BATCH | 0xffffff00, p, 2, 0, 0), -EINVAL);
	expect_hole(ctx, DFN);
	expect_hole(ctx, DFN + 1);
	/* In range they are believed: they bound our own work only. */
	EXPECT(iommu_call(BATCH | 1 << 8, p, 2, 0, 0), 2);
	expect_hole(ctx, DFN);
	EXPECT(d[1].done, 1);
}

static void bad_addresses(void)
{
	static const uint64_t bad[] = {
		0, 0x1000, 0x7fffffff0000UL, 0x800000000000UL,
		0xffff800000000000UL, 0xffff830000000000UL,
		0xffffffffffffffe0UL, 0xfffffffffffff000UL,
	};
	unsigned int i;

	for (i = arch_is_pv ? 0 : 2; i < ARRAY_SIZE(bad); i++) {
		CHECK(iommu_call(BATCH, bad[i], 1, 0, 0) == -EFAULT,
		      "BATCH at 0x%lx gave %ld", bad[i],
		      iommu_call(BATCH, bad[i], 1, 0, 0));
		EXPECT(iommu_call(XEN_PV_IOMMU_OP_QUERY, bad[i], 1, 0, 0),
		       -EFAULT);
		EXPECT(iommu_call(XEN_PV_IOMMU_OP_LOOKUP, bad[i], 1, 0, 0),
		       -EFAULT);
	}
}

/* An array that runs off the end of what is mapped. */
static void array_off_the_edge(void)
{
	struct xen_pv_iommu_batch *end =
		(void *)((char *)arch_edge_page() + PAGE_SIZE);
	uint32_t ctx = ctx_alloc();
	unsigned int i;
	long rc;

	for (i = 1; i <= 20; i++)
		end[-(int)i] = desc_map(ctx, DFN + i,
					gfn_of(page_alloc()), 1, RW);
	rc = iommu_op(BATCH, end - 20, 25);
	/* How much was read at a time is Xen's business, the count is not. */
	CHECK(rc == -EFAULT || (rc > 0 && rc <= 20), "25 of 20 gave %ld", rc);
	for (i = 1; i <= 20; i++)
		if (rc > 0 && (int)i > 20 - rc)
			EXPECT(end[-(int)i].done, 1);
		else
			expect_hole(ctx, DFN + i);
}

/* Half a struct is none. */
static void struct_off_the_edge(void)
{
	char *end = (char *)arch_edge_page() + PAGE_SIZE;
	struct xen_pv_iommu_query *q = (void *)(end - 32);

	memset(q, 0, 32);
	q->size = sizeof(*q);
	q->magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, q, 1), -EFAULT);
	q->size = 32;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_QUERY, q, 1), 1);
}

/* What cannot be written back is done all the same, and counted. */
static void array_readonly(void)
{
	struct xen_pv_iommu_batch *d = page_alloc();
	uint32_t ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc());

	d[0] = desc_map(ctx, DFN, gfn, 1, RW);
	page_readonly(d);
	EXPECT(iommu_op(BATCH, d, 1), 1);
	expect_leaf(ctx, DFN, gfn, RW, 0);
	EXPECT(d->status, 0x5a5a);
	page_writable(d);
}

const struct test errors_tests[] = {
	{ .name = "errors.ops-not-served", .fn = ops_not_served },
	{ .name = "errors.counts", .fn = counts },
	{ .name = "errors.spare-registers", .fn = spare_registers },
	{ .name = "errors.resume-bits", .fn = resume_bits },
	{ .name = "errors.bad-addresses", .fn = bad_addresses },
	{ .name = "errors.array-off-the-edge", .fn = array_off_the_edge },
	{ .name = "errors.struct-off-the-edge", .fn = struct_off_the_edge },
	{ .name = "errors.array-readonly", .fn = array_readonly },
	{ }
};

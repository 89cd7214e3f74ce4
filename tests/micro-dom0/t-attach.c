// SPDX-License-Identifier: GPL-2.0
/* DEV_QUERY, DEV_RESV, ATTACH: properties of devices, and their contexts. */
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "pci.h"
#include "test.h"

#define MSI_START	0xfee00000UL
#define MSI_LAST	0xfeefffffUL
/* The testbed has no device on this bus. */
#define NO_DEVICE	PCI_BDF(0x55, 3, 0)

static void dev_query(void)
{
	struct xen_pv_iommu_query q = query();
	struct xen_pv_iommu_dev_query d;

	edu_need(1);
	EXPECT(try_dev_query(edu[0].bdf, &d), 0);
	info("edu: flags 0x%x, %u reserved regions", d.flags, d.nr_resv);
	EXPECT(d.dev.id, edu[0].bdf);
	CHECK(d.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX, "edu cannot be attached");
	/* In DEFAULT it is protected if DEFAULT translates, i.e. not in pass-through. */
	EXPECT(!!(d.flags & XEN_PV_IOMMU_DEV_F_PROTECTED),
	       !option("passthrough", 0));
	EXPECT(d.flags >> XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT, 0);
	EXPECT(d.flags & (XEN_PV_IOMMU_DEV_F_ATS | XEN_PV_IOMMU_DEV_F_ABSENT |
			  XEN_PV_IOMMU_DEV_F_ALIASED), 0);
	EXPECT(!!(d.flags & XEN_PV_IOMMU_DEV_F_MSI_ISOLATED),
	       !!(q.features & XEN_PV_IOMMU_FEAT_MSI_ISOLATED));
	EXPECT(d.ctx, XEN_PV_IOMMU_CTX_DEFAULT);
	EXPECT(d.group, edu[0].bdf);
	EXPECT(d.pgsize_bitmap & q.pgsize_bitmap, q.pgsize_bitmap);
	CHECK(d.iova_last >= q.iova_last, "aperture smaller than QUERY's");
	EXPECT(d.pasid_bits, 0);
	EXPECT(d.mbz, 0);
	CHECK(d.nr_resv >= 1, "the interrupt range is not reserved");
	attach(&edu[0], ctx_alloc());
	EXPECT(try_dev_query(edu[0].bdf, &d), 0);
	CHECK(d.flags & XEN_PV_IOMMU_DEV_F_PROTECTED, "not translated in a context");
}

static void dev_unknown(void)
{
	struct xen_pv_iommu_dev_query d;

	EXPECT(try_dev_query(NO_DEVICE, &d), -ENODEV);
	EXPECT(try_dev_query(0x10000 | edu[0].bdf, &d), -ENODEV);
	EXPECT(try_dev_query(0xffffffff, &d), -ENODEV);
}

static void dev_malformed(void)
{
	struct xen_pv_iommu_dev_query d = { 0 };

	edu_need(1);
	d.dev = dev_name(&edu[0]);
	d.dev.mbz = 1;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_QUERY, &d, 1), -EINVAL);
	d.dev.mbz = 0;
	d.mbz = 1UL << 63;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_QUERY, &d, 1), -EINVAL);
	d.mbz = 0;
	d.dev.type = 2;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_QUERY, &d, 1), -EINVAL);
	/* This machine has no devicetree. */
	d.dev.type = XEN_PV_IOMMU_DEV_DT;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_QUERY, &d, 1), -ENODEV);
	d.dev = dev_name(&edu[0]);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_QUERY, &d, 1), 1);
}

static void dev_array(void)
{
	struct xen_pv_iommu_dev_query d[3] = { 0 };

	edu_need(2);
	d[0].dev = dev_name(&edu[0]);
	d[1].dev = dev_name(&edu[1]);
	d[2].dev.id = NO_DEVICE;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_QUERY, d, 3), 2);
	EXPECT(d[1].group, edu[1].bdf);
}

/* A bridge has no table of its own: it must not be reported as isolated. */
static void host_bridge(void)
{
	struct xen_pv_iommu_dev_query d;
	struct xen_pv_iommu_attach a = { .ctx = XEN_PV_IOMMU_CTX_BLOCKED };

	EXPECT(try_dev_query(PCI_BDF(0, 0, 0), &d), 0);
	EXPECT(d.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX, 0);
	EXPECT(d.flags >> XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT,
	       XEN_PV_IOMMU_NO_CTX_BRIDGE);
	a.dev.id = PCI_BDF(0, 0, 0);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1), -ENODEV);
	EXPECT(a.status, -ENODEV);
}

static long resv(uint32_t id, uint32_t index, struct xen_pv_iommu_dev_resv *r)
{
	memset(r, POISON8, sizeof(*r));
	r->dev = (struct xen_pv_iommu_dev){ .id = id };
	r->index = index;
	r->mbz = 0;
	return iommu_op(XEN_PV_IOMMU_OP_DEV_RESV, r, 1);
}

static void dev_resv(void)
{
	struct xen_pv_iommu_dev_query d;
	struct xen_pv_iommu_dev_resv r;
	bool msi = false;
	uint32_t i;

	edu_need(1);
	EXPECT(try_dev_query(edu[0].bdf, &d), 0);
	for (i = 0; i < d.nr_resv; i++) {
		EXPECT(resv(edu[0].bdf, i, &r), 1);
		CHECK(r.start <= r.last, "region %u is upside down", i);
		msi |= r.type == XEN_PV_IOMMU_RESV_MSI_HW &&
		       r.start == MSI_START && r.last == MSI_LAST;
	}
	CHECK(msi, "no region for interrupts");
	EXPECT(resv(edu[0].bdf, d.nr_resv, &r), -ENOENT);
	EXPECT(resv(edu[0].bdf, 0xffffffff, &r), -ENOENT);
	EXPECT(resv(NO_DEVICE, 0, &r), -ENODEV);
	r.mbz = 1;
	r.dev.id = edu[0].bdf;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1), -EINVAL);
}

static uint32_t attach_prev(const struct edu *e, uint32_t ctx)
{
	struct xen_pv_iommu_attach a = { .dev = dev_name(e), .ctx = ctx };

	EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1), 1);
	return a.prev_ctx;
}

static void moves(void)
{
	uint32_t a = ctx_alloc(), b = ctx_alloc();

	edu_need(2);
	attach(&edu[0], a);
	EXPECT(ctx_of(&edu[0]), a);
	EXPECT(ctx_of(&edu[1]), XEN_PV_IOMMU_CTX_DEFAULT);
	EXPECT(attach_prev(&edu[0], b), a);
	EXPECT(attach_prev(&edu[0], b), b);
	EXPECT(attach_prev(&edu[0], XEN_PV_IOMMU_CTX_BLOCKED), b);
	EXPECT(attach_prev(&edu[0], XEN_PV_IOMMU_CTX_DEFAULT),
	       XEN_PV_IOMMU_CTX_BLOCKED);
	EXPECT(attach_prev(&edu[0], XEN_PV_IOMMU_CTX_DEFAULT),
	       XEN_PV_IOMMU_CTX_DEFAULT);
	/* No device is left in them. */
	ctx_free(a);
	ctx_free(b);
}

static void bad_attach(const struct edu *e, uint32_t ctx, uint32_t flags,
		       long want)
{
	struct xen_pv_iommu_attach a = {
		.dev = dev_name(e), .ctx = ctx, .flags = flags,
		.status = POISON32,
	};
	long rc = iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1);

	CHECK(rc == want, "ctx 0x%x, flags 0x%x: %ld, not %ld", ctx, flags, rc,
	      want);
	EXPECT(a.status, want);
}

static void refusals(void)
{
	uint32_t ctx = ctx_alloc(), stale = ctx_alloc();
	struct xen_pv_iommu_attach a = { .ctx = ctx };

	edu_need(1);
	ctx_free(stale);
	attach(&edu[0], ctx);
	bad_attach(&edu[0], stale, 0, -ENOENT);
	bad_attach(&edu[0], XEN_PV_IOMMU_CTX_INVALID, 0, -ENOENT);
	bad_attach(&edu[0], 0x10000, 0, -ENOENT);
	bad_attach(&edu[0], ctx | 0x10000, 0, -ENOENT);
	bad_attach(&edu[0], ctx, 1, -EINVAL);
	bad_attach(&edu[0], ctx, 1u << 31, -EINVAL);
	EXPECT(ctx_of(&edu[0]), ctx);
	a.dev.id = NO_DEVICE;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1), -ENODEV);
	a.dev = dev_name(&edu[0]);
	a.dev.mbz = 1;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1), -EINVAL);
	EXPECT(ctx_of(&edu[0]), ctx);
}

/* An array stops at its first failure; the devices before it have moved. */
static void array(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_attach a[3];
	unsigned int i;

	edu_need(3);
	for (i = 0; i < 3; i++)
		attach(&edu[i], XEN_PV_IOMMU_CTX_BLOCKED);
	for (i = 0; i < 3; i++)
		a[i] = (struct xen_pv_iommu_attach){
			.dev = dev_name(&edu[i]), .ctx = ctx,
		};
	a[1].dev.id = NO_DEVICE;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, a, 3), 1);
	EXPECT(a[1].status, -ENODEV);
	EXPECT(ctx_of(&edu[0]), ctx);
	EXPECT(ctx_of(&edu[2]), XEN_PV_IOMMU_CTX_BLOCKED);
}

/* Many cycles must leak neither a domain id nor a page (XSA-399). */
static void storm(void)
{
	unsigned int i, j;
	uint32_t ctx;

	edu_need(4);
	for (i = 0; i < 200; i++) {
		ctx = ctx_alloc();
		for (j = 0; j < 4; j++)
			attach(&edu[j], ctx);
		for (j = 0; j < 4; j++)
			attach(&edu[j], j & 1 ? XEN_PV_IOMMU_CTX_BLOCKED :
						XEN_PV_IOMMU_CTX_DEFAULT);
		ctx_free(ctx);
	}
}

const struct test attach_tests[] = {
	{ .name = "attach.dev-query", .fn = dev_query },
	{ .name = "attach.dev-unknown", .fn = dev_unknown },
	{ .name = "attach.dev-malformed", .fn = dev_malformed },
	{ .name = "attach.dev-array", .fn = dev_array },
	{ .name = "attach.dev-resv", .fn = dev_resv },
	{ .name = "attach.host-bridge", .fn = host_bridge },
	{ .name = "attach.moves", .fn = moves },
	{ .name = "attach.refusals", .fn = refusals },
	{ .name = "attach.array", .fn = array },
	{ .name = "attach.storm", .fn = storm },
	{ }
};

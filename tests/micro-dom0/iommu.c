// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "hypercall.h"
#include "iommu.h"
#include "test.h"

#define CTX_NOTED_MAX	4096

static uint16_t noted[CTX_NOTED_MAX];
static unsigned int nr_noted;
static bool moved[EDU_PLACES];
/* The moved device that is not an edu, if there is one. */
static uint32_t moved_id;

static bool from_32bit;

void iommu_call_from(unsigned int bits)
{
	from_32bit = bits == 32;
}

static long call_from_32bit(uint32_t cmd, uint64_t arg0, uint64_t arg1,
			    uint64_t arg2, uint64_t arg3)
{
	uint32_t args[] = { cmd, arg0, arg1, arg2, arg3 };

	CHECK(!((arg0 | arg1 | arg2 | arg3) >> 32),
	      "an argument does not fit a 32-bit register");
	return arch_hypercall32(__HYPERVISOR_iommu_op, args);
}

long iommu_call(uint32_t cmd, uint64_t arg0, uint64_t arg1, uint64_t arg2,
		uint64_t arg3)
{
	if (from_32bit)
		return call_from_32bit(cmd, arg0, arg1, arg2, arg3);
	return hypercall(__HYPERVISOR_iommu_op, cmd, arg0, arg1, arg2, arg3);
}

long iommu_op(uint32_t op, const void *array, uint64_t count)
{
	return iommu_call(op, hc_ptr(array), count, 0, 0);
}

/* An operation on one struct: turn the result 1 into 0. */
static long one(uint32_t op, void *arg)
{
	long rc = iommu_op(op, arg, 1);

	CHECK(rc < 0 || rc == 1, "op %u on one element returned %ld", op, rc);
	return rc < 0 ? rc : 0;
}

void ctx_note(uint32_t ctx)
{
	CHECK(nr_noted < CTX_NOTED_MAX, "too many contexts");
	noted[nr_noted++] = ctx;
}

static void forget(uint32_t ctx)
{
	unsigned int i;

	for (i = 0; i < nr_noted; i++)
		if (noted[i] == ctx)
			noted[i--] = noted[--nr_noted];
}

long try_ctx_alloc_as(uint32_t flags, uint32_t pt_pages_max)
{
	struct xen_pv_iommu_ctx c = {
		.flags = flags, .pt_pages_max = pt_pages_max,
	};
	long rc = one(XEN_PV_IOMMU_OP_CTX_ALLOC, &c);

	if (rc)
		return rc;
	CHECK(c.ctx >= XEN_PV_IOMMU_CTX_FIRST && c.ctx <= XEN_PV_IOMMU_CTX_LAST,
	      "CTX_ALLOC gave the number 0x%x", c.ctx);
	ctx_note(c.ctx);
	return c.ctx;
}

uint32_t ctx_alloc_as(uint32_t flags, uint32_t pt_pages_max)
{
	long ctx = try_ctx_alloc_as(flags, pt_pages_max);

	CHECK(ctx > 0, "CTX_ALLOC gave %ld", ctx);
	return ctx;
}

long try_ctx_alloc(void)
{
	return try_ctx_alloc_as(0, 0);
}

uint32_t ctx_alloc(void)
{
	return ctx_alloc_as(0, 0);
}

long try_ctx_free(uint32_t ctx)
{
	struct xen_pv_iommu_ctx c = { .ctx = ctx };
	long rc = one(XEN_PV_IOMMU_OP_CTX_FREE, &c);

	if (!rc)
		forget(ctx);
	return rc;
}

void ctx_free(uint32_t ctx)
{
	EXPECT(try_ctx_free(ctx), 0);
}

long try_ctx_info(uint32_t ctx, struct xen_pv_iommu_ctx *info)
{
	memset(info, POISON8, sizeof(*info));
	info->ctx = ctx;
	info->flags = 0;
	return one(XEN_PV_IOMMU_OP_CTX_INFO, info);
}

struct xen_pv_iommu_dev dev_name(const struct edu *e)
{
	return (struct xen_pv_iommu_dev){
		.type = XEN_PV_IOMMU_DEV_PCI, .id = e->bdf,
	};
}

static long attach_flags(const struct edu *e, uint32_t ctx, uint32_t flags)
{
	struct xen_pv_iommu_attach a = {
		.dev = dev_name(e), .ctx = ctx,
		.prev_ctx = POISON32, .status = POISON32,
	};
	long rc = one(XEN_PV_IOMMU_OP_ATTACH, &a);

	EXPECT(a.status, rc);
	if (!rc) {
		moved[e - edu] = ctx != XEN_PV_IOMMU_CTX_DEFAULT;
		CHECK(a.prev_ctx != POISON32, "ATTACH left prev_ctx unwritten");
		EXPECT(a.flags, flags);
	}
	return rc;
}

long try_attach(const struct edu *e, uint32_t ctx)
{
	return attach_flags(e, ctx, 0);
}

void attach_absent(const struct edu *e, uint32_t ctx)
{
	EXPECT(attach_flags(e, ctx, XEN_PV_IOMMU_ATTACH_F_ABSENT), 0);
}

void attach(const struct edu *e, uint32_t ctx)
{
	EXPECT(try_attach(e, ctx), 0);
}

long try_attach_id_as(uint32_t id, uint32_t ctx, uint32_t flags)
{
	struct xen_pv_iommu_attach a = {
		.dev.id = id, .ctx = ctx, .flags = flags,
	};
	long rc = one(XEN_PV_IOMMU_OP_ATTACH, &a);

	EXPECT(a.status, rc);
	if (!rc) {
		moved_id = ctx == XEN_PV_IOMMU_CTX_DEFAULT ? 0 : id;
		EXPECT(a.flags, 0);
	}
	return rc;
}

long try_attach_id(uint32_t id, uint32_t ctx)
{
	return try_attach_id_as(id, ctx, 0);
}

void attach_id(uint32_t id, uint32_t ctx)
{
	EXPECT(try_attach_id(id, ctx), 0);
}

long try_dev_query(uint32_t sbdf, struct xen_pv_iommu_dev_query *q)
{
	memset(q, POISON8, sizeof(*q));
	q->dev.type = XEN_PV_IOMMU_DEV_PCI;
	q->dev.id = sbdf;
	q->dev.mbz = 0;
	q->mbz = 0;
	return one(XEN_PV_IOMMU_OP_DEV_QUERY, q);
}

uint32_t ctx_of(const struct edu *e)
{
	struct xen_pv_iommu_dev_query q;

	EXPECT(try_dev_query(e->bdf, &q), 0);
	return q.ctx;
}

struct xen_pv_iommu_batch desc_map(uint32_t ctx, uint64_t dfn, uint64_t gfn,
				   uint32_t nr, unsigned int flags)
{
	return (struct xen_pv_iommu_batch){
		.op = XEN_PV_IOMMU_BATCH_MAP, .ctx = ctx, .dfn = dfn,
		.gfn = gfn, .nr = nr, .flags = flags, .status = 0x5a5a,
	};
}

struct xen_pv_iommu_batch desc_unmap(uint32_t ctx, uint64_t dfn, uint32_t nr)
{
	return (struct xen_pv_iommu_batch){
		.op = XEN_PV_IOMMU_BATCH_UNMAP, .ctx = ctx, .dfn = dfn,
		.nr = nr, .status = 0x5a5a,
	};
}

long batch_one(struct xen_pv_iommu_batch *d)
{
	long rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 1);

	CHECK(rc <= 1, "BATCH of one element returned %ld", rc);
	CHECK(d->done <= d->nr, "done is %u of %u", d->done, d->nr);
	if (rc == 1) {
		EXPECT(d->status, 0);
		EXPECT(d->done, d->nr);
		return 0;
	}
	/* No element was done, so the result is the error of the first element. */
	EXPECT(rc, d->status);
	return rc;
}

long try_map(uint32_t ctx, uint64_t dfn, uint64_t gfn, uint32_t nr,
	     unsigned int flags)
{
	struct xen_pv_iommu_batch d = desc_map(ctx, dfn, gfn, nr, flags);

	return batch_one(&d);
}

void map(uint32_t ctx, uint64_t dfn, uint64_t gfn, uint32_t nr,
	 unsigned int flags)
{
	EXPECT(try_map(ctx, dfn, gfn, nr, flags), 0);
}

long try_unmap(uint32_t ctx, uint64_t dfn, uint32_t nr)
{
	struct xen_pv_iommu_batch d = desc_unmap(ctx, dfn, nr);

	return batch_one(&d);
}

void unmap(uint32_t ctx, uint64_t dfn, uint32_t nr)
{
	EXPECT(try_unmap(ctx, dfn, nr), 0);
}

long try_unmap_park(uint32_t ctx, uint64_t dfn, uint32_t nr)
{
	struct xen_pv_iommu_batch d = desc_unmap(ctx, dfn, nr);

	d.flags = NOFLUSH;
	return batch_one(&d);
}

long try_sync(uint32_t ctx)
{
	struct xen_pv_iommu_batch d = {
		.op = XEN_PV_IOMMU_BATCH_SYNC, .ctx = ctx, .status = 0x5a5a,
	};

	return batch_one(&d);
}

long try_fault_read(struct xen_pv_iommu_fault *f)
{
	memset(f, POISON8, sizeof(*f));
	return one(XEN_PV_IOMMU_OP_FAULT_READ, f);
}

long try_lookup(uint32_t ctx, uint64_t dfn, struct xen_pv_iommu_lookup *l)
{
	memset(l, POISON8, sizeof(*l));
	l->dfn = dfn;
	l->ctx = ctx;
	l->mbz = 0;
	return one(XEN_PV_IOMMU_OP_LOOKUP, l);
}

void expect_leaf(uint32_t ctx, uint64_t dfn, uint64_t gfn, unsigned int flags,
		 unsigned int order)
{
	struct xen_pv_iommu_lookup l;

	EXPECT(try_lookup(ctx, dfn, &l), 0);
	EXPECT(l.flags, flags);
	EXPECT(l.order, order);
	if (l.gfn != XEN_PV_IOMMU_GFN_UNKNOWN ||
	    (query().features & XEN_PV_IOMMU_FEAT_LOOKUP_GFN))
		EXPECT(l.gfn, gfn);
}

void expect_hole(uint32_t ctx, uint64_t dfn)
{
	struct xen_pv_iommu_lookup l;

	EXPECT(try_lookup(ctx, dfn, &l), -ENOENT);
}

long try_query(struct xen_pv_iommu_query *q, uint32_t size)
{
	q->size = size;
	q->magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION;
	return iommu_op(XEN_PV_IOMMU_OP_QUERY, q, 1);
}

struct xen_pv_iommu_query query(void)
{
	struct xen_pv_iommu_query q = { 0 };

	EXPECT(try_query(&q, sizeof(q)), 1);
	return q;
}

void iommu_forget_all(void)
{
	nr_noted = 0;
}

void iommu_reset(void)
{
	unsigned int i;

	for (i = 0; i < EDU_PLACES; i++)
		if (moved[i])
			attach(&edu[i], XEN_PV_IOMMU_CTX_DEFAULT);
	if (moved_id)
		attach_id(moved_id, XEN_PV_IOMMU_CTX_DEFAULT);
	while (nr_noted)
		ctx_free(noted[nr_noted - 1]);
}

// SPDX-License-Identifier: GPL-2.0
/* Calls with a wrong operation, count, address or register. */
#include "hypercall.h"
#include "iommu.h"
#include "mem.h"
#include "test.h"

#define DFN	0x1000UL
#define BATCH	XEN_PV_IOMMU_OP_BATCH

/* Reserved or unknown operations return -EOPNOTSUPP with any arguments. */
static void ops_not_served(void)
{
	bool faults = query().features & XEN_PV_IOMMU_FEAT_FAULTS;
	unsigned int op;

	for (op = 0; op < 256; op++) {
		if (op <= XEN_PV_IOMMU_OP_CTX_SET &&
		    (op != XEN_PV_IOMMU_OP_FAULT_READ || faults))
			continue;
		CHECK(iommu_call(op, 0, 1, 0, 0) == -EOPNOTSUPP,
		      "op %u gave %ld", op, iommu_call(op, 0, 1, 0, 0));
	}
}

/* A valid descriptor, which must not take effect. */
static struct xen_pv_iommu_batch good(uint32_t ctx)
{
	return desc_map(ctx, DFN, gfn_of(page_alloc()), 1, RW);
}

/*
 * "Xen rejects IN flag bits and kinds of names that it does not know with -EINVAL": all
 * such bits, and the kinds that are only reserved.
 */
static void unknown_bits(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d;
	unsigned int bit;

	edu_need(1);
	for (bit = 0; bit < 16; bit++) {
		d = good(ctx);
		if ((1U << bit) & (RW | MMIO | FOREIGN))
			continue;
		d.flags |= 1U << bit;
		CHECK(batch_one(&d) == -EINVAL, "MAP accepts flag %u", bit);
		d = desc_unmap(ctx, DFN, 1);
		if ((1U << bit) == NOFLUSH)
			continue;
		d.flags |= 1U << bit;
		CHECK(batch_one(&d) == -EINVAL, "UNMAP accepts flag %u", bit);
	}
	for (bit = 2; bit < 32; bit++) {
		struct xen_pv_iommu_attach a = {
			.dev = dev_name(&edu[0]), .ctx = ctx,
			.flags = 1U << bit,
		};

		CHECK(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1) == -EINVAL,
		      "ATTACH accepts flag %u", bit);
	}
}

static void unknown_names(void)
{
	static const uint32_t kinds[] = {
		XEN_PV_IOMMU_DEV_PCI_MACHINE, XEN_PV_IOMMU_DEV_ACPI, 4, 0x100,
		0xffffffff,
	};
	struct xen_pv_iommu_dev_query q;
	struct xen_pv_iommu_attach a;
	struct xen_pv_iommu_dev_resv r;
	unsigned int i;

	edu_need(1);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct xen_pv_iommu_dev dev = dev_name(&edu[0]);

		dev.type = kinds[i];
		q = (struct xen_pv_iommu_dev_query){ .dev = dev };
		a = (struct xen_pv_iommu_attach){
			.dev = dev, .ctx = XEN_PV_IOMMU_CTX_BLOCKED,
		};
		r = (struct xen_pv_iommu_dev_resv){ .dev = dev };
		EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -EINVAL);
		EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1), -EINVAL);
		EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1), -EINVAL);
	}
	EXPECT(ctx_of(&edu[0]), XEN_PV_IOMMU_CTX_DEFAULT);
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

/* Xen's own bits in cmd, which a caller may forge. */
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
	/* Xen accepts values in range: they affect the caller only. */
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

/* An array that extends beyond mapped memory. */
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
	/* How much Xen reads at a time is not defined, but the count is. */
	CHECK(rc == -EFAULT || (rc > 0 && rc <= 20), "25 of 20 gave %ld", rc);
	for (i = 1; i <= 20; i++)
		if (rc > 0 && (int)i > 20 - rc)
			EXPECT(end[-(int)i].done, 1);
		else
			expect_hole(ctx, DFN + i);
}

/* Xen must reject half a struct. */
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

/* If Xen cannot write a result back, the element is still done and counted. */
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

/*
 * An operation must write its OUT fields, and only these. Earlier code fell through from
 * one operation into the next and wrote the other's struct over the caller's memory;
 * other code incremented OUT fields without initialising them. Each call is made twice
 * with different garbage in its OUT fields and after the struct. It must leave the same
 * OUT fields both times, and the garbage after the struct unchanged.
 */
#define BEHIND	64U

struct sample {
	uint32_t op, size;
	struct {
		size_t from, to;
	} out[2];
	union {
		struct xen_pv_iommu_query query;
		struct xen_pv_iommu_dev_query dev_query;
		struct xen_pv_iommu_dev_resv dev_resv;
		struct xen_pv_iommu_ctx ctx;
		struct xen_pv_iommu_attach attach;
		struct xen_pv_iommu_batch batch;
		struct xen_pv_iommu_lookup lookup;
		struct xen_pv_iommu_fault fault;
		/* The largest struct, and the bytes after it. */
		uint8_t raw[sizeof(struct xen_pv_iommu_query) + BEHIND];
	};
};

#define SIZE_OF(member)	sizeof(((struct sample *)0)->member)
#define AT(type, field)	__builtin_offsetof(struct xen_pv_iommu_##type, field)
#define SAMPLE(nr, member, from1, to1, from2, to2, ...)			\
	{ .op = XEN_PV_IOMMU_OP_##nr, .size = SIZE_OF(member),		\
	  .out = { { from1, to1 }, { from2, to2 } }, .member = { __VA_ARGS__ } }

#define QUERY(...)							\
	SAMPLE(QUERY, query, AT(query, features), AT(query, mbz), 0, 0,	\
	       __VA_ARGS__)
#define DEV_QUERY(...)							\
	SAMPLE(DEV_QUERY, dev_query, AT(dev_query, flags),		\
	       AT(dev_query, mbz), 0, 0, __VA_ARGS__)
#define DEV_RESV(...)							\
	SAMPLE(DEV_RESV, dev_resv, AT(dev_resv, start),			\
	       AT(dev_resv, index), AT(dev_resv, type), AT(dev_resv, mbz), \
	       __VA_ARGS__)
#define CTX(nr, ...)							\
	SAMPLE(nr, ctx, AT(ctx, iova_last), SIZE_OF(ctx), 0, 0, __VA_ARGS__)
/* All fields of this struct are IN as well. */
#define CTX_IN(nr, ...)							\
	SAMPLE(nr, ctx, 0, 0, 0, 0, __VA_ARGS__)
#define ATTACH(...)							\
	SAMPLE(ATTACH, attach, AT(attach, prev_ctx), SIZE_OF(attach),	\
	       0, 0, __VA_ARGS__)
#define BATCH_OF(...)							\
	SAMPLE(BATCH, batch, AT(batch, status), SIZE_OF(batch), 0, 0,	\
	       __VA_ARGS__)
#define LOOKUP(...)							\
	SAMPLE(LOOKUP, lookup, AT(lookup, gfn), AT(lookup, ctx),	\
	       AT(lookup, flags), AT(lookup, mbz), __VA_ARGS__)
#define LOOKUP_NEXT(...)						\
	SAMPLE(LOOKUP_NEXT, lookup, AT(lookup, gfn), AT(lookup, ctx),	\
	       AT(lookup, flags), AT(lookup, mbz), __VA_ARGS__)
#define FAULT_READ(...)							\
	SAMPLE(FAULT_READ, fault, 0, SIZE_OF(fault), 0, 0, __VA_ARGS__)

/* Make the call with garbage after the struct, which must stay unchanged. */
static long serve(struct sample *s, uint8_t garbage)
{
	unsigned int i;
	long rc;

	for (i = 0; i < ARRAY_SIZE(s->out); i++)
		memset(s->raw + s->out[i].from, garbage,
		       s->out[i].to - s->out[i].from);
	memset(s->raw + s->size, garbage, BEHIND);
	rc = iommu_op(s->op, s->raw, 1);
	for (i = s->size; i < s->size + BEHIND; i++)
		CHECK(s->raw[i] == garbage, "op %u writes byte %u of %u", s->op,
		      i, s->size);
	return rc;
}

static void same_twice(const struct sample *s, long want)
{
	struct sample a = *s, b = *s;
	unsigned int i;
	long rc = serve(&a, 0);

	CHECK(rc == want, "op %u gave %ld, not %ld", s->op, rc, want);
	EXPECT(serve(&b, 0xff), want);
	for (i = 0; i < s->size; i++)
		CHECK(a.raw[i] == b.raw[i], "op %u leaves byte %u as it was",
		      s->op, i);
}

#define MAGIC	(XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION)
/* No machine of the testbed has this device or context. */
#define NO_DEV	.dev.id = 0xffff
#define NO_CTX	.ctx = XEN_PV_IOMMU_CTX_LAST

static void out_fields_on_errors(void)
{
	static const struct {
		struct sample s;
		long want;
	} bad[] = {
		{ QUERY(SIZE_OF(query), MAGIC, .mbz = 1), -EINVAL },
		{ DEV_QUERY(.mbz = 1), -EINVAL },
		{ DEV_QUERY(.dev.mbz = 1), -EINVAL },
		{ DEV_QUERY(NO_DEV), -ENODEV },
		{ DEV_RESV(.mbz = 1), -EINVAL },
		{ DEV_RESV(NO_DEV), -ENODEV },
		{ CTX_IN(CTX_ALLOC, .flags = 1), -EINVAL },
		{ CTX_IN(CTX_SET, .flags = 1), -EINVAL },
		{ CTX_IN(CTX_SET, NO_CTX), -ENOENT },
		{ CTX(CTX_NEXT, .flags = 1), -EINVAL },
		{ CTX(CTX_NEXT, NO_CTX), -ENOENT },
		{ CTX(CTX_FREE, .flags = 1), -EINVAL },
		{ CTX(CTX_FREE, NO_CTX), -ENOENT },
		{ CTX(CTX_INFO, .flags = 1), -EINVAL },
		{ CTX(CTX_INFO, NO_CTX), -ENOENT },
		{ CTX(RESET, .ctx = 1), -EINVAL },
		{ CTX(RESET, .flags = 3), -EINVAL },
		{ ATTACH(.flags = 1), -EINVAL },
		{ ATTACH(NO_DEV), -ENODEV },
		{ BATCH_OF(.op = 200), -EINVAL },
		{ BATCH_OF(NO_CTX, .op = XEN_PV_IOMMU_BATCH_UNMAP, .nr = 1),
		  -ENOENT },
		{ LOOKUP(.mbz = 1), -EINVAL },
		{ LOOKUP(NO_CTX), -ENOENT },
		{ LOOKUP_NEXT(.mbz = 1), -EINVAL },
		{ LOOKUP_NEXT(NO_CTX), -ENOENT },
	};
	static const struct sample fault = FAULT_READ(.pasid = 0);
	struct xen_pv_iommu_fault f;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		same_twice(&bad[i].s, bad[i].want);
	if (!(query().features & XEN_PV_IOMMU_FEAT_FAULTS))
		return;
	while (!try_fault_read(&f))
		;
	same_twice(&fault, -ENOENT);
}

static void keep_to_their_size(void)
{
	uint32_t ctx = ctx_alloc(), bdf = edu[0].bdf;
	struct sample alloc = CTX_IN(CTX_ALLOC, .flags = 0), good[] = {
		QUERY(SIZE_OF(query), MAGIC),
		DEV_QUERY(.dev.id = bdf),
		DEV_RESV(.dev.id = bdf),
		CTX(CTX_INFO, ctx),
		ATTACH(.dev.id = bdf, .ctx = XEN_PV_IOMMU_CTX_DEFAULT),
		BATCH_OF(.ctx = ctx, .dfn = DFN, .gfn = gfn_of(page_alloc()),
			 .nr = 1, .op = XEN_PV_IOMMU_BATCH_MAP, .flags = RW),
		LOOKUP(.ctx = ctx, .dfn = DFN),
		CTX(CTX_NEXT, 0),
		LOOKUP_NEXT(.ctx = ctx),
		CTX_IN(CTX_SET, .ctx = ctx),
	};
	unsigned int i;

	edu_need(1);
	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT(serve(&good[i], 0x5c), 1);
	EXPECT(serve(&alloc, 0x5c), 1);
	ctx_free(alloc.ctx.ctx);
}

const struct test errors_tests[] = {
	{ .name = "errors.ops-not-served", .fn = ops_not_served },
	{ .name = "errors.unknown-bits", .fn = unknown_bits },
	{ .name = "errors.unknown-names", .fn = unknown_names },
	{ .name = "errors.counts", .fn = counts },
	{ .name = "errors.spare-registers", .fn = spare_registers },
	{ .name = "errors.resume-bits", .fn = resume_bits },
	{ .name = "errors.bad-addresses", .fn = bad_addresses },
	{ .name = "errors.array-off-the-edge", .fn = array_off_the_edge },
	{ .name = "errors.struct-off-the-edge", .fn = struct_off_the_edge },
	{ .name = "errors.array-readonly", .fn = array_readonly },
	{ .name = "errors.out-fields", .fn = out_fields_on_errors },
	{ .name = "errors.keep-to-their-size", .fn = keep_to_their_size },
	{ }
};

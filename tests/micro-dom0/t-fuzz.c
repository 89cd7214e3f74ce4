// SPDX-License-Identifier: GPL-2.0
/*
 * Random calls around a valid state: contexts with mappings, devices that move between
 * them. With any results of these calls Xen must afterwards have no context, table, page
 * or type reference left. The same seed makes the same calls. "fuzz=N" on the command
 * line sets their number.
 */
#include "clock.h"
#include "domctl.h"
#include "hypercall.h"
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "test.h"

#define DFN		0x1000UL
#define CALLS		50000
/* Number of calls between two checks. */
#define ROUND		1000000UL
/* Pages that Xen's allocator of small objects may hold partly used. */
#define SLACK		8

#define NR_PAGES	8
#define NR_DFNS		64
#define NR_CTXS		4
#define NR_DEVICES	4
#define NR_DESCS	8

static struct {
	uint64_t gfn;			/* of the first of NR_PAGES */
	uint32_t ctx[NR_CTXS];		/* some may be stale, on purpose */
	uint64_t calls, elements, refused;
} fuzz;

/* The argument of most calls; not on the stack, which may be the target of DMA. */
static union {
	struct xen_pv_iommu_batch batch[NR_DESCS];
	struct xen_pv_iommu_attach attach;
	struct xen_pv_iommu_ctx ctx;
	struct xen_pv_iommu_lookup lookup;
	struct xen_pv_iommu_dev_query dev;
	struct xen_pv_iommu_dev_resv resv;
	struct xen_pv_iommu_fault fault;
	struct xen_pv_iommu_query query;
	uint64_t words[32];
	uint8_t bytes[256];
} arg;

/* Small numbers, large ones, and those around a power of two. */
static uint64_t odd_number(void)
{
	uint64_t r = random_u64();

	switch (r & 3) {
	case 0:
		return (r >> 8) & 31;
	case 1:
		return (1UL << ((r >> 8) & 63)) - ((r >> 16) & 1);
	default:
		return random_u64() >> ((r >> 8) & 63);
	}
}

static uint32_t some_ctx(void)
{
	uint64_t r = random_u64();

	return r & 31 ? fuzz.ctx[(r >> 8) % NR_CTXS] : odd_number();
}

static uint32_t some_target(void)
{
	uint64_t r = random_u64();

	switch (r & 7) {
	case 0:
		return XEN_PV_IOMMU_CTX_BLOCKED;
	case 1:
		return XEN_PV_IOMMU_CTX_DEFAULT;
	default:
		return some_ctx();
	}
}

static struct xen_pv_iommu_dev some_device(void)
{
	uint64_t r = random_u64();

	return (struct xen_pv_iommu_dev){
		.id = r & 15 && nr_edu >= NR_DEVICES
		      ? edu[(r >> 8) % NR_DEVICES].bdf : odd_number(),
	};
}

/* Sometimes change one of the first @size bytes. Returns true if it did. */
static bool spoil(unsigned int size)
{
	uint64_t r = random_u64();

	if (r & 3)
		return false;
	arg.bytes[(r >> 8) % size] = r >> 32;
	return true;
}

static long count(long rc, unsigned int nr)
{
	fuzz.calls++;
	fuzz.elements += rc > 0 ? rc + (rc < (long)nr) : 1;
	fuzz.refused += rc < (long)nr;
	CHECK(rc <= (long)nr && rc != -ENOSYS, "a call for %u gave %ld", nr, rc);
	return rc;
}

static long call(unsigned int op, unsigned int nr)
{
	return count(iommu_op(op, &arg, nr), nr);
}

static struct xen_pv_iommu_batch good_desc(void)
{
	uint64_t r = random_u64();
	unsigned int first = r % NR_PAGES;
	unsigned int nr = 1 + (r >> 8) % (NR_PAGES - first);
	uint64_t dfn = DFN + (r >> 16) % NR_DFNS;

	if (r >> 63)
		return desc_unmap(some_ctx(), dfn, nr * 2);
	return desc_map(some_ctx(), dfn, fuzz.gfn + first, nr,
			1 + (r >> 32) % 3);
}

static void bad_field(struct xen_pv_iommu_batch *d)
{
	uint64_t v = odd_number();

	switch (random_u64() % 10) {
	case 0:
		d->dfn = v;
		break;
	case 1:
		d->gfn = v;
		break;
	case 2:
		d->nr = v;
		break;
	case 3:
		d->done = v;
		break;
	case 4:
		d->ctx = v;
		break;
	case 5:
		d->op = v;
		break;
	case 6:
		d->order = v;
		break;
	case 7:
		d->flags = v;
		break;
	case 8:
		d->flags ^= 1UL << (v & 7);
		break;
	case 9:
		memcpy(d, &v, sizeof(v));
		break;
	}
}

static void fuzz_batch(void)
{
	unsigned int i, nr = 1 + random_u64() % NR_DESCS;

	for (i = 0; i < nr; i++) {
		arg.batch[i] = good_desc();
		if (random_u64() & 1)
			bad_field(&arg.batch[i]);
	}
	call(XEN_PV_IOMMU_OP_BATCH, nr);
}

static void fuzz_alloc(void)
{
	unsigned int slot = random_u64() % NR_CTXS;
	long rc;

	arg.ctx = (struct xen_pv_iommu_ctx){ .ctx = fuzz.ctx[slot] };
	spoil(sizeof(arg.ctx));
	/* Free the context in the slot, unless a device is attached to it. */
	rc = call(XEN_PV_IOMMU_OP_CTX_FREE, 1);
	if (rc < 0 && rc != -ENOENT)
		return;
	arg.ctx = (struct xen_pv_iommu_ctx){ 0 };
	spoil(sizeof(arg.ctx));
	if (call(XEN_PV_IOMMU_OP_CTX_ALLOC, 1) == 1)
		fuzz.ctx[slot] = arg.ctx.ctx;
}

static void fuzz_attach(void)
{
	arg.attach = (struct xen_pv_iommu_attach){
		.dev = some_device(), .ctx = some_target(),
	};
	spoil(sizeof(arg.attach));
	call(XEN_PV_IOMMU_OP_ATTACH, 1);
}

static void fuzz_info(void)
{
	arg.ctx = (struct xen_pv_iommu_ctx){ .ctx = some_target() };
	spoil(sizeof(arg.ctx));
	call(random_u64() & 1 ? XEN_PV_IOMMU_OP_CTX_INFO
			      : XEN_PV_IOMMU_OP_CTX_NEXT, 1);
}

static void fuzz_set(void)
{
	arg.ctx = (struct xen_pv_iommu_ctx){
		.ctx = some_ctx(), .pt_pages_max = odd_number(),
		.flags = random_u64() & XEN_PV_IOMMU_CTX_F_RESERVE,
	};
	spoil(sizeof(arg.ctx));
	call(XEN_PV_IOMMU_OP_CTX_SET, 1);
}

static void fuzz_lookup(void)
{
	arg.lookup = (struct xen_pv_iommu_lookup){
		.dfn = DFN + random_u64() % NR_DFNS, .ctx = some_ctx(),
	};
	spoil(sizeof(arg.lookup));
	call(random_u64() & 1 ? XEN_PV_IOMMU_OP_LOOKUP
			      : XEN_PV_IOMMU_OP_LOOKUP_NEXT, 1);
}

static void fuzz_device(void)
{
	arg.resv = (struct xen_pv_iommu_dev_resv){
		.dev = some_device(), .index = random_u64() & 3,
	};
	if (spoil(sizeof(arg.resv)) || random_u64() & 1)
		call(XEN_PV_IOMMU_OP_DEV_RESV, 1);
	else
		call(XEN_PV_IOMMU_OP_DEV_QUERY, 1);
}

static void fuzz_query(void)
{
	arg.query = (struct xen_pv_iommu_query){
		.size = sizeof(arg.query),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
	};
	if (spoil(8))
		arg.query.size %= sizeof(arg) + 1;
	call(XEN_PV_IOMMU_OP_QUERY, 1);
}

/* Any operation, any count, any content. RESET is among them. */
static void fuzz_garbage(void)
{
	uint64_t r = random_u64();
	unsigned int i, op = r & 64 ? r & 15 : r & 255;
	uint64_t nr = r & 128 ? odd_number() : 1;

	/* Limit nr so that Xen writes only to arg. */
	if (nr > 2)
		nr |= 1UL << 40;
	for (i = 0; i < ARRAY_SIZE(arg.words); i++)
		arg.words[i] = random_u64() & 3 ? 0 : odd_number();
	if (op == XEN_PV_IOMMU_OP_QUERY)
		arg.query.size %= sizeof(arg) + 1;
	if (r & 256)
		op |= (uint32_t)odd_number() << 8;
	count(iommu_call(op, hc_ptr(&arg), nr,
			 r & 0xe00 ? 0 : odd_number(), 0), nr > 2 ? 2 : nr);
}

/* Addresses that are unmapped, or Xen's. */
static void fuzz_address(void)
{
	static const uint64_t bad[] = {
		0x7fffffff0000UL, 0x800000000000UL, 0xffff800000000000UL,
		0xffff830000000000UL, 0xfffffffffffff000UL,
		0xffffffffffffffffUL,
	};
	uint64_t r = random_u64();

	count(iommu_call(r % 13, bad[(r >> 8) % ARRAY_SIZE(bad)], 1, 0, 0), 1);
}

static const struct {
	void (*fn)(void);
	unsigned int weight;		/* of 64 */
} kinds[] = {
	{ fuzz_batch, 43 }, { fuzz_set, 1 }, { fuzz_alloc, 1 }, { fuzz_attach, 2 },
	{ fuzz_info, 2 }, { fuzz_lookup, 5 }, { fuzz_device, 3 },
	{ fuzz_query, 2 }, { fuzz_garbage, 4 }, { fuzz_address, 1 },
};

static void one_call(void)
{
	unsigned int r = random_u64() & 63, i = 0;

	while (r >= kinds[i].weight)
		r -= kinds[i++].weight;
	kinds[i].fn();
}

/* Free all by RESET, also contexts that random calls have created. */
static void all_gone(void)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_TO_BLOCKED };
	unsigned int i;

	EXPECT(iommu_op(XEN_PV_IOMMU_OP_RESET, &c, 1), 1);
	for (i = 0; i < nr_edu; i++)
		attach(&edu[i], XEN_PV_IOMMU_CTX_DEFAULT);
}

/* No reference to the pages is left: each can become a page table. */
static void pages_released(char *pages)
{
	unsigned int i;

	for (i = 0; arch_is_pv && i < NR_PAGES; i++) {
		memset(pages + i * PAGE_SIZE, 0, PAGE_SIZE);
		page_readonly(pages + i * PAGE_SIZE);
		EXPECT(page_pin(pages + i * PAGE_SIZE), 0);
		EXPECT(page_unpin(pages + i * PAGE_SIZE), 0);
		page_writable(pages + i * PAGE_SIZE);
	}
}

static void round_of(uint64_t calls, char *pages)
{
	struct xen_pv_iommu_query before = query(), now;
	uint64_t end = fuzz.calls + calls, had = dom_pages(0);

	while (fuzz.calls < end)
		one_call();
	all_gone();
	now = query();
	EXPECT(now.nr_ctx, before.nr_ctx);
	EXPECT(now.pt_pages, before.pt_pages);
	EXPECT(dom_pages(0), had);
	pages_released(pages);
}

static void everything(void)
{
	uint64_t calls = option("fuzz", CALLS), began, had, has, s;
	char *pages = pages_alloc(NR_PAGES);

	fuzz.gfn = gfn_of(pages);
	/* Once before counting: memory that Xen allocates once is no leak. */
	round_of(10000, pages);
	had = free_pages();
	began = clock_ns();
	fuzz.calls = fuzz.elements = fuzz.refused = 0;
	while (fuzz.calls < calls) {
		uint64_t left = calls - fuzz.calls;

		round_of(left < ROUND ? left : ROUND, pages);
		if (calls > ROUND)
			info("fuzz: %lu calls, %lu pages free", fuzz.calls,
			     free_pages());
	}
	has = free_pages();
	s = (clock_ns() - began) / MSEC;
	info("fuzz: %lu calls, %lu elements, %lu refused, %lu calls/s",
	     fuzz.calls, fuzz.elements, fuzz.refused,
	     fuzz.calls * 1000 / (s + 1));
	info("fuzz: %lu pages free before, %lu after", had, has);
	CHECK(fuzz.refused > fuzz.calls / 4, "Xen refused only %lu of %lu",
	      fuzz.refused, fuzz.calls);
	CHECK(fuzz.refused < fuzz.calls * 9 / 10, "Xen refused %lu of %lu",
	      fuzz.refused, fuzz.calls);
	CHECK(has + SLACK >= had, "%lu pages are lost", had - has);
}

const struct test fuzz_tests[] = {
	{ .name = "fuzz.everything", .fn = everything },
	{ }
};

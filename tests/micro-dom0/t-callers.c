// SPDX-License-Identifier: GPL-2.0
/*
 * Calls from 32-bit mode: the interface has one layout for both kinds of callers. Here
 * a call from 32-bit mode must have the same result as the call from 64-bit mode, bit
 * by bit. (In addition main.c runs whole groups of tests again from 32-bit mode.) Only
 * on PVH, where Xen reads the mode at each call.
 */
#include "clock.h"
#include "dma.h"
#include "hypercall.h"
#include "mem.h"
#include "output.h"
#include "test.h"

#define BATCH		XEN_PV_IOMMU_OP_BATCH

static long call_from(unsigned int bits, uint32_t op, void *array,
		      uint64_t count)
{
	long rc;

	iommu_call_from(bits);
	rc = iommu_op(op, array, count);
	iommu_call_from(64);
	return rc;
}

/*
 * Make the same call on two copies of @array, one from each mode. Both must write the
 * same. Returns the result; @array has what the call from 32-bit mode wrote.
 */
static long call_both(uint32_t op, void *array, uint64_t count, size_t size)
{
	char *copy = page_alloc();
	long rc;

	CHECK(size <= PAGE_SIZE, "harness: %lu bytes to compare", size);
	memcpy(copy, array, size);
	rc = call_from(32, op, array, count);
	EXPECT(call_from(64, op, copy, count), rc);
	CHECK(!memcmp(copy, array, size), "op %u differs in what it wrote", op);
	return rc;
}

static void query_same(void)
{
	struct xen_pv_iommu_query q = {
		.size = sizeof(q),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
	};

	EXPECT(call_both(XEN_PV_IOMMU_OP_QUERY, &q, 1, sizeof(q)), 1);
	EXPECT(q.size, sizeof(q));
	CHECK(q.iova_last >> 32, "iova_last is 0x%lx", q.iova_last);
}

static void dev_query(void)
{
	struct xen_pv_iommu_dev_query q[EDU_MAX + 1];
	unsigned int i;

	edu_need(1);
	memset(q, 0, sizeof(q));
	for (i = 0; i < nr_edu; i++)
		q[i].dev = dev_name(&edu[i]);
	/* There is no such device: the last element fails. */
	q[nr_edu].dev.id = 0xffff;
	EXPECT(call_both(XEN_PV_IOMMU_OP_DEV_QUERY, q, nr_edu + 1, sizeof(q)),
	       nr_edu);
	for (i = 0; i < nr_edu; i++) {
		EXPECT(q[i].dev.id, edu[i].bdf);
		CHECK(q[i].flags & XEN_PV_IOMMU_DEV_F_CAN_CTX,
		      "flags 0x%x of device %u", q[i].flags, i);
		CHECK(q[i].iova_last >> 32, "iova_last is 0x%lx", q[i].iova_last);
	}
}

static void dev_resv(void)
{
	struct xen_pv_iommu_dev_resv r, direct;
	struct edu *e = direct_device(&direct);
	unsigned int i, seen = 0;
	long rc;

	for (i = 0; ; i++) {
		r = (struct xen_pv_iommu_dev_resv){
			.dev = dev_name(e), .index = i,
		};
		rc = call_both(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1, sizeof(r));
		if (rc != 1)
			break;
		seen += !memcmp(&r, &direct, sizeof(r));
	}
	EXPECT(rc, -ENOENT);
	EXPECT(seen, 1);
}

/* Contexts created in one mode exist in the other, with the same properties. */
static void contexts(void)
{
	struct xen_pv_iommu_ctx c[2] = { 0 }, info;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		EXPECT(call_from(i ? 64 : 32, XEN_PV_IOMMU_OP_CTX_ALLOC, &c[i],
				 1), 1);
		ctx_note(c[i].ctx);
	}
	CHECK(c[0].ctx != c[1].ctx, "both are %u", c[0].ctx);
	for (i = 0; i < 2; i++) {
		info = (struct xen_pv_iommu_ctx){ .ctx = c[i].ctx };
		EXPECT(call_both(XEN_PV_IOMMU_OP_CTX_INFO, &info, 1,
				 sizeof(info)), 1);
		CHECK(!memcmp(&info, &c[i], sizeof(info)),
		      "CTX_INFO and CTX_ALLOC differ");
	}
	c[0].ctx = c[1].ctx;
	CHECK(!memcmp(&c[0], &c[1], sizeof(c[0])), "CTX_ALLOC differs");
	info.ctx = 0;
	EXPECT(call_both(XEN_PV_IOMMU_OP_CTX_INFO, &info, 1, sizeof(info)),
	       -ENOENT);
}

/* A context freed in one mode must not exist in the other. */
static void free_other(void)
{
	unsigned int bits;

	for (bits = 32; bits <= 64; bits += 32) {
		struct xen_pv_iommu_ctx c = { 0 };

		EXPECT(call_from(96 - bits, XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1), 1);
		c.flags = 0;
		EXPECT(call_from(bits, XEN_PV_IOMMU_OP_CTX_FREE, &c, 1), 1);
		c.flags = 0;
		EXPECT(call_both(XEN_PV_IOMMU_OP_CTX_FREE, &c, 1, sizeof(c)),
		       -ENOENT);
	}
}

/* Move a device in turn from both modes; each call returns the context of the other. */
static void attach_other(void)
{
	uint32_t ctx[2] = { ctx_alloc(), ctx_alloc() };
	struct xen_pv_iommu_attach a;
	unsigned int i;

	edu_need(1);
	attach(&edu[0], ctx[1]);
	for (i = 0; i < 4; i++) {
		a = (struct xen_pv_iommu_attach){
			.dev = dev_name(&edu[0]), .ctx = ctx[i % 2],
			.prev_ctx = POISON32, .status = POISON32,
		};
		EXPECT(call_from(i % 2 ? 64 : 32, XEN_PV_IOMMU_OP_ATTACH, &a, 1),
		       1);
		EXPECT(a.status, 0);
		EXPECT(a.prev_ctx, ctx[!(i % 2)]);
		EXPECT(ctx_of(&edu[0]), ctx[i % 2]);
	}
	a.ctx = XEN_PV_IOMMU_CTX_LAST;
	a.flags = 0;
	EXPECT(call_both(XEN_PV_IOMMU_OP_ATTACH, &a, 1, sizeof(a)), -ENOENT);
	EXPECT(a.status, -ENOENT);
	EXPECT(ctx_of(&edu[0]), ctx[1]);
}

/* A frame number that needs more than 32 bits; the fourth is refused. */
static void fill_batch(struct xen_pv_iommu_batch *d, uint32_t ctx, uint64_t gfn)
{
	uint64_t high = query().iova_last >> PAGE_SHIFT;

	d[0] = desc_map(ctx, DFN, gfn, 2, RW);
	d[1] = desc_map(ctx, high - 1, gfn + 1, 2, RO);
	d[2] = desc_unmap(ctx, DFN, 1);
	d[3] = desc_map(ctx, DFN, gfn, 3, RW);
	d[4] = desc_map(ctx, DFN + 9, gfn, 1, RW);
}

static void lookup_same(uint32_t ctx, uint64_t dfn, uint64_t gfn,
			unsigned int flags)
{
	struct xen_pv_iommu_lookup l = { .dfn = dfn, .ctx = ctx, .gfn = 1 };
	long rc = call_both(XEN_PV_IOMMU_OP_LOOKUP, &l, 1, sizeof(l));

	EXPECT(rc, flags ? 1 : -ENOENT);
	EXPECT(l.flags, flags);
	EXPECT(l.gfn, flags ? gfn : XEN_PV_IOMMU_GFN_UNKNOWN);
}

static void batch_same(void)
{
	struct xen_pv_iommu_batch d[2][5];
	uint32_t ctx[2] = { ctx_alloc(), ctx_alloc() };
	uint64_t gfn = gfn_of(pages_alloc(3));
	uint64_t high = query().iova_last >> PAGE_SHIFT;
	unsigned int i;

	CHECK(high >> 32, "the last frame is 0x%lx", high);
	for (i = 0; i < 2; i++) {
		fill_batch(d[i], ctx[i], gfn);
		EXPECT(call_from(i ? 64 : 32, BATCH, d[i], 5), 3);
		lookup_same(ctx[i], DFN, gfn, RW);
		lookup_same(ctx[i], DFN + 1, gfn + 1, RW);
		lookup_same(ctx[i], high - 1, gfn + 1, RO);
		lookup_same(ctx[i], high, gfn + 2, RO);
		lookup_same(ctx[i], DFN + 9, 0, 0);
	}
	EXPECT(d[0][3].status, -EEXIST);
	EXPECT(d[0][3].done, 1);
	EXPECT(d[0][4].status, 0x5a5a);
	for (i = 0; i < 5; i++)
		d[0][i].ctx = ctx[1];
	CHECK(!memcmp(d[0], d[1], sizeof(d[0])), "BATCH differs in what it wrote");
}

/* Two equal faults; each mode reads one record. */
static void fault_read(void)
{
	struct xen_pv_iommu_fault f[2];
	struct place p = place(0);
	unsigned int i, tries;

	load(&p, 0xfa17);
	for (i = 0; i < 2; i++) {
		while (!try_fault_read(&f[i]))
			;
		edu_write(p.e, iova(DFN), WORD);
		fault_expected(p.e, iova(DFN), true);
		memset(&f[i], POISON8, sizeof(f[i]));
		for (tries = 0; tries < 1000; tries++) {
			if (call_from(i ? 64 : 32, XEN_PV_IOMMU_OP_FAULT_READ,
				      &f[i], 1) == 1)
				break;
			sleep_ms(1);
		}
		CHECK(tries < 1000, "no fault was recorded");
		EXPECT(f[i].dev.id, p.e->bdf);
		EXPECT(f[i].ctx, p.ctx);
		EXPECT(f[i].reason, XEN_PV_IOMMU_FAULT_UNMAPPED);
		EXPECT(f[i].flags, XEN_PV_IOMMU_FAULT_F_WRITE);
	}
	CHECK(f[0].time && f[0].time < f[1].time, "time goes from %lu to %lu",
	      f[0].time, f[1].time);
	f[0].time = f[1].time;
	f[0].lost = f[1].lost;
	CHECK(!memcmp(&f[0], &f[1], sizeof(f[0])), "the records differ");
	while (!try_fault_read(&f[0]))
		;
	EXPECT(call_both(XEN_PV_IOMMU_OP_FAULT_READ, &f[0], 1, sizeof(f[0])),
	       -ENOENT);
	positive(&p);
}

static void reset_all(void)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_TO_DEFAULT };
	struct place p = place(0);

	map(ctx_alloc(), DFN, gfn_of(p.own), 1, RW);
	EXPECT(call_from(32, XEN_PV_IOMMU_OP_RESET, &c, 1), 1);
	iommu_forget_all();
	EXPECT(query().nr_ctx, 0);
	/* It is a bus master. */
	EXPECT(ctx_of(p.e), XEN_PV_IOMMU_CTX_BLOCKED);
	c.flags = 0;
	EXPECT(call_both(XEN_PV_IOMMU_OP_RESET, &c, 1, sizeof(c)), -EINVAL);
}

/* @array as a number: both modes must return @want. */
static void refused(uint32_t cmd, uint32_t array, uint32_t count, uint32_t spare,
		    long want)
{
	unsigned int bits;
	long rc;

	for (bits = 32; bits <= 64; bits += 32) {
		iommu_call_from(bits);
		rc = iommu_call(cmd, array, count, spare, 0);
		if (rc == want)
			rc = iommu_call(cmd, array, count, 0, spare);
		iommu_call_from(64);
		CHECK(rc == want, "%u-bit: 0x%x(0x%x, %u, 0x%x) gave %ld, not %ld",
		      bits, cmd, array, count, spare, rc, want);
	}
}

static void errors(void)
{
	uint32_t unmapped = hc_ptr(arch_edge_page()) + PAGE_SIZE;
	uint32_t ctx = ctx_alloc(), max = query().max_count, at, op;
	struct xen_pv_iommu_batch d = desc_map(ctx, DFN, gfn_of(page_alloc()), 1,
					       RW);

	at = hc_ptr(&d);
	refused(BATCH, at, 0, 0, -EINVAL);
	refused(BATCH, at, max + 1, 0, -EINVAL);
	refused(BATCH, at, 0x80000001, 0, -EINVAL);
	refused(BATCH, at, 0xffffffff, 0, -EINVAL);
	refused(BATCH, at, 1, 1, -EINVAL);
	refused(BATCH, at, 1, 0x80000000, -EINVAL);
	refused(BATCH | 2 << 8, at, 1, 0, -EINVAL);
	refused(BATCH | 0xffffff00, at, 1, 0, -EINVAL);
	for (op = XEN_PV_IOMMU_OP_CTX_SET + 1; op < 256; op++)
		refused(op, 0, 1, 0, -EOPNOTSUPP);
	for (op = 0; op <= XEN_PV_IOMMU_OP_CTX_SET; op++)
		if (op != XEN_PV_IOMMU_OP_FAULT_READ)
			refused(op, unmapped, 1, 0, -EFAULT);
	/* An array that begins in the last 16 bytes of 4 GiB and ends beyond. */
	refused(BATCH, 0xfffffff0, 1, 0, -EFAULT);
	EXPECT(d.status, 0x5a5a);
	expect_hole(ctx, DFN);
	EXPECT(call_from(32, BATCH, &d, 1), 1);
	expect_leaf(ctx, DFN, d.gfn, RW, 0);
}

#define ENTRIES		4
#define PER_ENTRY	32

/* DEBUG builds of Xen overwrite the entries: fill them before each call. */
static void fill_entry(struct multicall_entry32 *entry, void *d, uint32_t count)
{
	*entry = (struct multicall_entry32){
		.op = __HYPERVISOR_iommu_op,
		.result = 0x5a5a,
		.args = { BATCH, hc_ptr(d), count },
	};
}

static long multicall(struct multicall_entry32 *entry, unsigned int nr)
{
	uint32_t args[5] = { hc_ptr(entry), nr };

	return arch_hypercall32(HC_MULTICALL, args);
}

static uint64_t dfn_at(unsigned int i, unsigned int j)
{
	return DFN + i * 0x1000 + j * 2;
}

/* One entry stops short; the entries after it are still executed. */
static void multicall_batches(void)
{
	static struct xen_pv_iommu_batch d[ENTRIES][PER_ENTRY];
	struct multicall_entry32 entry[ENTRIES];
	uint64_t gfn = gfn_of(pages_alloc(PER_ENTRY));
	uint32_t ctx = ctx_alloc();
	unsigned int i, j;

	for (i = 0; i < ENTRIES; i++) {
		for (j = 0; j < PER_ENTRY; j++)
			d[i][j] = desc_map(ctx, dfn_at(i, j), gfn + j, 1, RW);
		fill_entry(&entry[i], d[i], PER_ENTRY);
	}
	d[1][7].flags = 0;
	entry[2].args[2] = 0;
	EXPECT(multicall(entry, ENTRIES), 0);
	EXPECT(entry[0].result, PER_ENTRY);
	EXPECT(entry[1].result, 7);
	EXPECT(d[1][7].status, -EINVAL);
	EXPECT(entry[2].result, -EINVAL);
	EXPECT(entry[3].result, PER_ENTRY);
	for (j = 0; j < PER_ENTRY; j++) {
		expect_leaf(ctx, dfn_at(0, j), gfn + j, RW, 0);
		expect_leaf(ctx, dfn_at(3, j), gfn + j, RW, 0);
	}
	expect_leaf(ctx, dfn_at(1, 6), gfn + 6, RW, 0);
	expect_hole(ctx, dfn_at(1, 7));
	expect_hole(ctx, dfn_at(2, 0));
}

/*
 * A call that Xen preempts and continues. A device that copies the descriptors meanwhile
 * shows it: Xen writes `done` in the middle of a descriptor only when it preempts. To
 * cause that, another device faults shortly before, so that Xen has pending work.
 */
#define TABLES		6000U
#define TABLE_PAGES	512U
#define FIRST_DFN	0x100000UL
#define TRIES		40U

struct watch {
	struct place faulting, watching;
	struct xen_pv_iommu_batch *d;	/* two: a NOP, and the long UNMAP */
	uint32_t ctx;
	uint64_t gfn;
};

static struct watch watch_set_up(void)
{
	struct watch w = { .faulting = place(0), .watching = place(1) };

	w.ctx = ctx_alloc();
	w.gfn = gfn_of(page_alloc());
	w.d = page_alloc();
	map(w.watching.ctx, DFN, gfn_of(w.d), 1, RO);
	return w;
}

/* Leaves in many tables, mapped from 32-bit mode. */
static void fill_tables(const struct watch *w)
{
	static struct xen_pv_iommu_batch d[TABLES];
	unsigned int i;

	for (i = 0; i < TABLES; i++)
		d[i] = desc_map(w->ctx, FIRST_DFN + i * TABLE_PAGES +
				i % TABLE_PAGES, w->gfn, 1, RW);
	EXPECT(call_from(32, BATCH, d, TABLES), TABLES);
	w->d[0] = (struct xen_pv_iommu_batch){
		.op = XEN_PV_IOMMU_BATCH_NOP, .ctx = w->ctx,
	};
	w->d[1] = desc_unmap(w->ctx, FIRST_DFN, TABLES * TABLE_PAGES);
}

/* Return `done` in the copy that the device made, read through its own page. */
static uint32_t done_when_copied(const struct place *p)
{
	struct xen_pv_iommu_batch *copy = (void *)&p->own[8];

	edu_write(p->e, iova(OWN_DFN) + 8 * WORD, 2 * sizeof(*copy));
	return copy[1].done;
}

/*
 * One try: the second device copies @gap ms after the first one's fault, and the call
 * begins @ms after both were started. The host's speed decides which values hit the
 * middle of the call, so preempt() tries many.
 */
static bool seen_under_way(const struct watch *w, long (*call)(void *),
			   unsigned int gap, unsigned int ms)
{
	struct edu_job fault = { w->faulting.e, true, iova(DFN), WORD };
	struct edu_job copy = {
		w->watching.e, false, iova(DFN), 2 * sizeof(w->d[0]),
	};
	struct xen_pv_iommu_ctx c;
	uint32_t done;

	fill_tables(w);
	edu_begin(&fault);
	sleep_ms(gap);
	edu_begin(&copy);
	sleep_ms(ms);
	EXPECT(call(w->d), 2);
	edu_end(&fault);
	edu_end(&copy);
	EXPECT(w->d[1].status, 0);
	EXPECT(w->d[1].done, TABLES * TABLE_PAGES);
	EXPECT(try_ctx_info(w->ctx, &c), 0);
	EXPECT(c.nr_mapped, 0);
	done = done_when_copied(&w->watching);
	return done && done < TABLES * TABLE_PAGES;
}

static void preempt(long (*call)(void *))
{
	struct watch w = watch_set_up();
	unsigned int i;

	for (i = 0; i < TRIES; i++)
		if (seen_under_way(&w, call, 1 + i % 6, 60 + i * 7 % 40))
			break;
	CHECK(i < TRIES, "never seen preempted in %u calls", TRIES);
	info("callers: seen preempted in call %u", i + 1);
	positive(&w.faulting);
}

static long plain_call(void *d)
{
	return call_from(32, BATCH, d, 2);
}

static void preempted(void)
{
	preempt(plain_call);
}

/* The call is the first of two entries; the second must be executed after it. */
static long within_multicall(void *d)
{
	struct multicall_entry32 entry[2];
	struct xen_pv_iommu_query q = {
		.size = sizeof(q),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
	};

	fill_entry(&entry[0], d, 2);
	fill_entry(&entry[1], &q, 1);
	entry[1].args[0] = XEN_PV_IOMMU_OP_QUERY;
	EXPECT(multicall(entry, 2), 0);
	EXPECT(entry[1].result, 1);
	CHECK(q.max_count, "QUERY wrote nothing");
	return entry[0].result;
}

static void multicall_preempted(void)
{
	preempt(within_multicall);
}

/* DMA in a context that only calls from 32-bit mode have set up. */
static void dma(void)
{
	uint64_t high = query().iova_last >> PAGE_SHIFT;
	uint64_t *page = page_alloc();
	struct place p = place(0);

	map(p.ctx, high, gfn_of(page), 1, RW);
	map(p.ctx, DFN, gfn_of(page), 1, RO);
	reaches(&p, high, page);
	page[0] = random_u64();
	EXPECT(get_word(&p, iova(DFN)), page[0]);
	write_blocked(&p, iova(DFN + 1), page);
	unmap(p.ctx, high, 1);
	write_blocked(&p, iova(high), page);
	attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	attach(p.e, p.ctx);
	map(p.ctx, high, gfn_of(page), 1, RW);
	reaches(&p, high, page);
}

const struct test callers_tests[] = {
	{ .name = "callers.query-same", .fn = query_same, .only_pvh = true },
	{ .name = "callers.dev-query", .fn = dev_query, .only_pvh = true },
	{ .name = "callers.dev-resv", .fn = dev_resv, .only_pvh = true },
	{ .name = "callers.contexts", .fn = contexts, .only_pvh = true },
	{ .name = "callers.free", .fn = free_other, .only_pvh = true },
	{ .name = "callers.attach", .fn = attach_other, .only_pvh = true },
	{ .name = "callers.batch-same", .fn = batch_same, .only_pvh = true },
	{ .name = "callers.fault-read", .fn = fault_read, .only_pvh = true },
	{ .name = "callers.reset", .fn = reset_all, .only_pvh = true },
	{ .name = "callers.errors", .fn = errors, .only_pvh = true },
	{ .name = "callers.multicall", .fn = multicall_batches, .only_pvh = true },
	{ .name = "callers.preempted", .fn = preempted, .only_pvh = true },
	{ .name = "callers.multicall-preempted", .fn = multicall_preempted,
	  .only_pvh = true },
	{ .name = "callers.dma", .fn = dma, .only_pvh = true,
	  .from_32bit = true },
	{ }
};

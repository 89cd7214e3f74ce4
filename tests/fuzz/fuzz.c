// SPDX-License-Identifier: GPL-2.0
/*
 * Decode bytes as a sequence of iommu_op calls into the real hypercall and context
 * code, on the fakes of the host tests. After each call, references equal leaves,
 * tables are counted, and locks are taken in order and released. No frame or table
 * that a device can reach is released, and devices are in the recorded contexts. At
 * the end the domain dies, and everything must be free.
 *
 * libFuzzer calls the functions in engine.h.
 */
#define HARNESS_NO_MAIN

#include "unexplored.h"

UNEXPLORED_BEGIN
#include "xen-fake/backend.h"
UNEXPLORED_END

#include "engine.h"
#include "input.h"

#define SPAN 6144U	/* dfns; the last third only small leaves */
#define MAX_OPS 400U
#define NR_CTX 12U

static struct {
	unsigned int ids[NR_CTX];	/* numbers that were allocated */
	unsigned int nr_ids;
	unsigned int lost_tables;
	char plan[2];			/* work of the other CPU in a flush */
	struct iommu_ctx *other;
	uint64_t other_dfn;
} in;

/* For the log: how many inputs had an effect. */
static struct {
	uint64_t calls, done, others;
} count;

static long hypercall(unsigned int cmd, void *arg, unsigned long nr)
{
	long rc = call_cmd(cmd, arg, nr);

	CHECK(rc >= 0 || (rc > -4096 && rc != -ERESTART));
	CHECK(rc < 0 || (unsigned long)rc <= nr);
	count.calls++;
	count.done += rc > 0;
	return rc;
}

/* Return a context that exists in most cases. */
static unsigned int some_ctx(void)
{
	unsigned int b = byte();

	if (b < 220 && in.nr_ids)
		return in.ids[b % in.nr_ids];
	switch (b & 3) {
	case 0:
		return 0;
	case 1:
		return BLOCKED;
	case 2:
		return INVALID;
	default:
		return word();
	}
}

static struct pci_dev *some_dev(void)
{
	return &t.dev[byte() % NR_DEVS];
}

/* Make possible limits, or set a field that must be zero. */
static void wish(struct xen_pv_iommu_ctx *c)
{
	unsigned int b = byte();

	if (b & 1)
		c->flags = XEN_PV_IOMMU_CTX_F_RESERVE;
	if (b & 2)
		c->pt_pages_max = b & 4 ? byte() : wild();
	switch (b & 0xf8) {
	case 0x08: c->flags |= word(); break;
	case 0x10: c->iova_last = wild(); break;
	case 0x18: c->pt_pages = wild(); break;
	case 0x20: c->nr_mapped = wild(); break;
	}
}

static void do_alloc(void)
{
	struct xen_pv_iommu_ctx c = { 0 };

	wish(&c);
	if (hypercall(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1) == 1 &&
	    in.nr_ids < NR_CTX)
		in.ids[in.nr_ids++] = c.ctx;
}

static void do_set(void)
{
	struct xen_pv_iommu_ctx c = { .ctx = some_ctx() };

	wish(&c);
	hypercall(XEN_PV_IOMMU_OP_CTX_SET, &c, 1);
}

static void do_free(void)
{
	struct xen_pv_iommu_ctx c = { .ctx = some_ctx() };
	unsigned int i;

	if (hypercall(XEN_PV_IOMMU_OP_CTX_FREE, &c, 1) != 1)
		return;
	for (i = 0; i < in.nr_ids; i++)
		if (in.ids[i] == c.ctx)
			in.ids[i] = in.ids[--in.nr_ids];
}

static void do_attach(void)
{
	struct xen_pv_iommu_attach a[2];
	unsigned int i, nr = 1 + (byte() & 1);

	for (i = 0; i < nr; i++)
		a[i] = (struct xen_pv_iommu_attach){
			.dev.id = some_dev()->sbdf.sbdf, .ctx = some_ctx(),
			.flags = byte() % 4 ? 0 : XEN_PV_IOMMU_ATTACH_F_RELAX,
		};
	hypercall(XEN_PV_IOMMU_OP_ATTACH, a, nr);
}

static void do_reset(void)
{
	struct xen_pv_iommu_ctx c = { .flags = byte() % 4 };

	if (hypercall(XEN_PV_IOMMU_OP_RESET, &c, 1) == 1)
		in.nr_ids = 0;
}

static struct xen_pv_iommu_batch descriptor(void)
{
	unsigned int kind = byte();
	uint64_t dfn = word() % SPAN;
	struct xen_pv_iommu_batch e = {
		.dfn = dfn, .ctx = some_ctx(), .op = kind & 3,
		.nr = 1 + word() % (kind & 64 ? 2048 : 16),
	};

	if (kind & 128)
		e.dfn &= ~511ULL;
	if (e.op == XEN_PV_IOMMU_BATCH_MAP) {
		e.gfn = RAM_MFN + word() % RAM_PAGES;
		if (kind & 4)
			e.gfn = (e.gfn & ~511ULL) | (e.dfn & 511);
		if (kind & 8)
			e.order = 9;
		if (kind & 64 && e.order)
			e.nr = (e.nr + 511) & ~511U;
		e.flags = 1 + byte() % 3;
	} else if (e.op == XEN_PV_IOMMU_BATCH_UNMAP) {
		if (kind & 16 && dom0.translated)
			e.flags = XEN_PV_IOMMU_F_NOFLUSH;
	} else {
		e.dfn = e.nr = 0;
	}
	if (kind & 32) {	/* one field is invalid */
		switch (byte() % 8) {
		case 0: e.dfn = wild(); break;
		case 1: e.gfn = wild(); break;
		case 2: e.nr = wild(); break;
		case 3: e.done = wild(); break;
		case 4: e.order = byte(); break;
		case 5: e.flags = word(); break;
		case 6: e.op = byte(); break;
		case 7: e.ctx = wild(); break;
		}
	}
	return e;
}

static void do_batch(void)
{
	struct xen_pv_iommu_batch b[24];
	unsigned int nr = 1 + byte() % 24;
	long i, done;

	for (i = 0; i < nr; i++)
		b[i] = descriptor();
	done = hypercall(XEN_PV_IOMMU_OP_BATCH, b, nr);
	for (i = 0; i < done; i++)
		CHECK(!b[i].status && (b[i].done == b[i].nr ||
				       b[i].op == XEN_PV_IOMMU_BATCH_NOP));
}

static void do_query_like(void)
{
	union {
		struct xen_pv_iommu_query q;
		struct xen_pv_iommu_dev_query dq;
		struct xen_pv_iommu_dev_resv r;
		struct xen_pv_iommu_ctx c;
		struct xen_pv_iommu_lookup l;
		struct xen_pv_iommu_fault f;
		uint8_t raw[4096];
	} a;

	memset(&a, 0, sizeof(a));
	switch (byte() % 8) {
	case 0:
		a.q.size = byte() & 1 ? sizeof(a.q) : word();
		a.q.magic_version = XEN_PV_IOMMU_MAGIC | (byte() & 3);
		hypercall(XEN_PV_IOMMU_OP_QUERY, &a, 1);
		break;
	case 1:
		a.dq.dev.id = some_dev()->sbdf.sbdf;
		a.dq.dev.type = byte() & 1;
		hypercall(XEN_PV_IOMMU_OP_DEV_QUERY, &a, 1);
		break;
	case 2:
		a.r.dev.id = some_dev()->sbdf.sbdf;
		a.r.index = byte() & 3;
		hypercall(XEN_PV_IOMMU_OP_DEV_RESV, &a, 1);
		break;
	case 3:
		a.c.ctx = some_ctx();
		hypercall(XEN_PV_IOMMU_OP_CTX_INFO, &a, 1);
		break;
	case 4:
		a.l.ctx = some_ctx();
		a.l.dfn = byte() & 1 ? word() : wild();
		hypercall(XEN_PV_IOMMU_OP_LOOKUP, &a, 1);
		break;
	case 5:
		hypercall(XEN_PV_IOMMU_OP_FAULT_READ, &a, 1);
		break;
	case 6:
		a.c.ctx = byte();
		hypercall(XEN_PV_IOMMU_OP_CTX_NEXT, &a, 1);
		break;
	case 7:
		a.l.ctx = some_ctx();
		a.l.dfn = byte() & 1 ? word() : wild();
		hypercall(XEN_PV_IOMMU_OP_LOOKUP_NEXT, &a, 1);
		break;
	}
}

/* Random number, resume point and structs. */
static void do_raw(void)
{
	static uint8_t buf[64 * 64];
	unsigned int cmd = byte() % 20, nr = byte() % 40, i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = i < 96 && byte() < 128 ? byte() : 0;
	if (byte() < 64)
		cmd |= word() << 8;
	/* Room for the largest of the structs. */
	if (cmd % 256 != XEN_PV_IOMMU_OP_QUERY)
		hypercall(cmd, buf, nr);
	in.nr_ids = cmd % 256 == XEN_PV_IOMMU_OP_RESET ? 0 : in.nr_ids;
}

static void do_missing_memory(void)
{
	static struct xen_pv_iommu_batch b[16];
	unsigned int i;

	for (i = 0; i < 16; i++)
		b[i] = descriptor();
	machine.bad = (char *)b + word() % sizeof(b);
	machine.bad_end = (char *)(b + 16);
	machine.bad_ro = byte() & 1;
	hypercall(XEN_PV_IOMMU_OP_BATCH, b, 16);
	machine.bad = NULL;
}

static void do_fault(void)
{
	uint64_t iova = byte() & 1 ? (uint64_t)word() << 8 : wild();
	pci_sbdf_t id = some_dev()->sbdf;
	unsigned int n = 1 + byte() % 16;

	while (n--)
		iommu_ctx_fault(id, iova, n & 1);
	check_rest();
}

/* A device is assigned, returned, unplugged or plugged in again. */
static void do_device(void)
{
	struct pci_dev *pdev = some_dev();
	unsigned int dev = pdev - t.dev;

	switch (byte() % 4) {
	case 0:
		if (pdev->domain == &dom0)
			give_away(dev);
		break;
	case 1:
		if (pdev->domain != &dom0)
			come_back(dev);
		break;
	case 2:
		pdev->command ^= PCI_COMMAND_MASTER;
		break;
	case 3:
		pcidevs_lock();
		pdev->hw = NULL;
		pdev->hw_suppressed = false;
		iommu_ctx_device_gone(pdev);
		pcidevs_unlock();
		pdev->domain = &dom0;
		break;
	}
	check_rest();
}

static void set_quota(unsigned int pages)
{
	dom0.iommu.ctxs->pt_pages_max = pages;
	dom0.iommu.ctxs->pt_pages_reserve = pages / 4;
}

static void do_trouble(void)
{
	static const int errors[] = { 0, -EACCES, -ETXTBSY, -EINVAL };

	switch (byte() % 8) {
	case 0:
		machine.fail_alloc = byte() % 32;
		break;
	case 1:
		machine.fail_flush = byte() % 16;
		machine.nr_fail_flush = byte() % 5;
		break;
	case 2:
		machine.preempt_every = byte() % 8;
		break;
	case 3:
		t.frame_rc[word() % RAM_PAGES] = errors[byte() % ARRAY_SIZE(errors)];
		break;
	case 4:
		if (dom0.iommu.ctxs)
			set_quota(dom0.iommu.ctxs->pt_pages + byte() % 16);
		break;
	case 5:
		machine.fail_alloc = -1;
		machine.nr_fail_flush = 0;
		machine.preempt_every = 0;
		if (dom0.iommu.ctxs)
			set_quota(HEAP_PAGES);
		break;
	case 6:
		t.suppress_rc = byte() & 1 ? -EIO : 0;
		break;
	case 7:
		time_passes(MILLISECS(byte() * 8));
		check_rest();
		break;
	}
}

/*
 * The other CPU, in the middle of a flush of this one. If it has to wait for a
 * lock, it stops there for ever, and the caller drops its reference.
 */
static void other_cpu(void)
{
	in.other = iommu_ctx_get(&dom0, in.plan[1]);
	if (!in.other)
		return;
	switch (in.plan[0]) {
	case 0:
		iommu_ctx_sync(in.other);
		break;
	case 1:
		if (iommu_ctx_can_defer(&dom0))
			iommu_ctx_unmap_park(in.other, in.other_dfn, 8);
		break;
	case 2:
		iommu_ctx_reclaim(&dom0, in.other, in.other_dfn % 4);
		break;
	case 3:
		iommu_ctx_fault(t.dev[0].sbdf, 0x1000, true);
		break;
	}
}

static void in_flush(void)
{
	machine.in_flush = NULL;
	in.other = NULL;
	/* Reclaim may have to wait for this lock with a reference of its own. */
	if (in.plan[0] == 2 && machine.held.pci)
		return;
	on_other_cpu(other_cpu);
	if (in.other)
		iommu_ctx_put(in.other);
	count.others++;
}

static void do_other_cpu(void)
{
	in.plan[0] = byte() % 4;
	in.plan[1] = 1 + byte() % NR_CTX;
	in.other_dfn = word() % SPAN;
	machine.in_flush = in_flush;
}

static void step(void)
{
	unsigned int b = byte();

	if (b < 24)
		do_alloc();
	else if (b < 30)
		do_free();
	else if (b < 36)
		do_set();
	else if (b < 56)
		do_attach();
	else if (b < 160)
		do_batch();
	else if (b < 180)
		do_query_like();
	else if (b < 192)
		do_raw();
	else if (b < 200)
		do_missing_memory();
	else if (b < 208)
		do_fault();
	else if (b < 222)
		do_device();
	else if (b < 238)
		do_trouble();
	else if (b < 252)
		do_other_cpu();
	else
		do_reset();
}

static void begin(void)
{
	unsigned int mode = byte();

	start_as(mode & 1, mode & 2);
	t.count_kept = t.count_parked = true;
	if (mode & 4) {		/* some shared, some overlap, one large */
		t.dev[0].nr_direct = t.dev[1].nr_direct = 1;
		t.dev[0].direct[0][0] = t.dev[1].direct[0][0] = 0x64000;
		t.dev[0].direct[0][1] = t.dev[1].direct[0][1] = 0x66fff;
		t.dev[2].nr_direct = 2;
		t.dev[2].direct[0][0] = 0x65000;
		t.dev[2].direct[0][1] = 0x65fff;
		t.dev[2].direct[1][0] = 0x900000;
		t.dev[2].direct[1][1] = 0x901fff;
		t.dev[3].nr_direct = 1;
		t.dev[3].direct[0][0] = 0x7ff000;
		t.dev[3].direct[0][1] = 0xc00fff;
		t.dev[1].relaxable = t.dev[3].relaxable = true;
	}
	in.nr_ids = 0;
	in.plan[0] = 0;
	do_alloc();
	do_alloc();
}

/* The domain dies: Xen frees everything but what it keeps for ever. */
static void finish(void)
{
	unsigned int i;

	machine.fail_alloc = -1;
	machine.nr_fail_flush = 0;
	machine.in_flush = NULL;
	for (i = 0; i < NR_DEVS; i++)
		give_away(i);
	while (iommu_ctx_relinquish(&dom0) == -ERESTART)
		CHECK(machine.preempt_every);
	check_rest();
	CHECK(!dom0.iommu.ctxs);
	CHECK_EQ(machine.objects, 0);
	CHECK_EQ(t.refs, t.kept_refs);
	for (i = 0; i < NR_DEVS; i++)
		CHECK(!t.dev[i].ctx);
	machine_start();
}

static void fuzz_one(void)
{
	static const char nr[] = "nr-ctx=12";
	unsigned int ops = 0;

	if (fuzz_inputs == 1)
		iommu_ctx_parse_param(nr, nr + sizeof(nr) - 1);
	begin();
	while (input_left() && ops++ < MAX_OPS)
		step();
	finish();
}

static void fuzz_figures(void)
{
	printf("%" PRIu64 " hypercalls, %" PRIu64 " of them did something, %"
	       PRIu64 " on another CPU", count.calls, count.done, count.others);
}

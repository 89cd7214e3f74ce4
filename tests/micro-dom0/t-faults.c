// SPDX-License-Identifier: GPL-2.0
/* Fault records: address, device, reason and time of a fault; and lost records. */
#include "clock.h"
#include "dma.h"
#include "hypercall.h"
#include "mem.h"
#include "output.h"
#include "pci.h"
#include "test.h"

#define RING_SIZE	64

/* The ring may have been full: the next record has the number of lost ones. */
static bool may_have_lost;

static unsigned int drain(void)
{
	struct xen_pv_iommu_fault f;
	unsigned int n = 0;

	if (!(query().features & XEN_PV_IOMMU_FEAT_FAULTS))
		test_skip("this Xen keeps no fault records");
	while (!try_fault_read(&f))
		CHECK(++n <= 2 * RING_SIZE, "the ring does not become empty");
	if (n)
		may_have_lost = n >= RING_SIZE;
	return n;
}

/* Return the only record. Xen writes it from a tasklet, a little later. */
static struct xen_pv_iommu_fault only_fault(void)
{
	struct xen_pv_iommu_fault f, more;
	unsigned int i;

	for (i = 0; i < 100 && try_fault_read(&f); i++)
		sleep_ms(1);
	CHECK(i < 100, "no fault was recorded");
	/* QEMU may report the same address twice, but no other. */
	while (!try_fault_read(&more)) {
		EXPECT(more.dev.id, f.dev.id);
		EXPECT(more.iova, f.iova);
	}
	return f;
}

static void expect_fault(const struct place *p, uint64_t addr, bool write,
			 unsigned int reason, uint32_t ctx)
{
	uint64_t before = clock_ns();
	struct xen_pv_iommu_fault f;

	load(p, 0xfa17);
	if (ctx != p->ctx)
		attach(p->e, ctx);
	drain();
	if (write)
		edu_write(p->e, addr, WORD);
	else
		edu_read(p->e, addr, WORD);
	f = only_fault();
	EXPECT(f.dev.type, XEN_PV_IOMMU_DEV_PCI);
	EXPECT(f.dev.id, p->e->bdf);
	EXPECT(f.iova >> PAGE_SHIFT, addr >> PAGE_SHIFT);
	EXPECT(f.ctx, ctx);
	EXPECT(f.reason, reason);
	EXPECT(f.flags, write ? XEN_PV_IOMMU_FAULT_F_WRITE : 0);
	CHECK(!f.lost || may_have_lost, "%u records lost", f.lost);
	may_have_lost = false;
	CHECK(f.time > before && f.time <= clock_ns(),
	      "time %lu, began at %lu, is %lu", f.time, before, clock_ns());
	if (ctx != p->ctx)
		attach(p->e, p->ctx);
	positive(p);
	EXPECT(drain(), 0);
}

static void unmapped(void)
{
	struct place p = place(0);

	expect_fault(&p, iova(DFN), true, XEN_PV_IOMMU_FAULT_UNMAPPED, p.ctx);
	expect_fault(&p, iova(DFN + 1), false, XEN_PV_IOMMU_FAULT_UNMAPPED,
		     p.ctx);
}

static void permission(void)
{
	struct place p = place(0);
	uint64_t gfn = gfn_of(page_alloc());

	map(p.ctx, DFN, gfn, 1, RO);
	map(p.ctx, DFN + 1, gfn, 1, XEN_PV_IOMMU_F_W);
	expect_fault(&p, iova(DFN), true, XEN_PV_IOMMU_FAULT_PERM, p.ctx);
	expect_fault(&p, iova(DFN + 1), false, XEN_PV_IOMMU_FAULT_PERM, p.ctx);
}

static void range(void)
{
	struct place p = place(0);
	uint64_t last = query().iova_last;

	if (last >> 52)
		test_skip("the aperture is as large as addresses are");
	expect_fault(&p, last + 1, true, XEN_PV_IOMMU_FAULT_RANGE, p.ctx);
}

static void in_blocked(void)
{
	struct place p = place(0);

	expect_fault(&p, iova(OWN_DFN), true, XEN_PV_IOMMU_FAULT_UNMAPPED,
		     XEN_PV_IOMMU_CTX_BLOCKED);
}

/* Records of two devices; the older record comes first. */
static void in_order(void)
{
	struct place a = place(0), b = place(1);
	struct xen_pv_iommu_fault fa, fb;

	drain();
	edu_write(a.e, iova(DFN), WORD);
	sleep_ms(2);
	edu_write(b.e, iova(DFN + 1), WORD);
	sleep_ms(2);
	EXPECT(try_fault_read(&fa), 0);
	EXPECT(try_fault_read(&fb), 0);
	EXPECT(fa.dev.id, a.e->bdf);
	EXPECT(fa.ctx, a.ctx);
	EXPECT(fb.dev.id, b.e->bdf);
	EXPECT(fb.ctx, b.ctx);
	CHECK(fa.time < fb.time, "time goes from %lu to %lu", fa.time, fb.time);
	positive(&a);
	positive(&b);
}

static void empty(void)
{
	struct xen_pv_iommu_fault f;

	drain();
	EXPECT(try_fault_read(&f), -ENOENT);
	EXPECT(f.dev.id, 0);
	EXPECT(f.time, 0);
}

/*
 * More faults than records: the oldest records stay, later faults are counted, and the
 * next record has the count. Xen turns off a device that faults too often; edu_run()
 * turns it on again.
 */
static void overflow(void)
{
	struct edu_job jobs[EDU_MAX];
	struct xen_pv_iommu_fault f;
	uint32_t ctx = ctx_alloc();
	unsigned int i, n, lost;
	uint64_t time = 0;
	struct place p;

	edu_need(4);
	p = place_in(&edu[0], ctx);
	for (i = 0; i < nr_edu; i++) {
		attach(&edu[i], ctx);
		jobs[i] = (struct edu_job){ &edu[i], true, iova(DFN + i), WORD };
	}
	drain();
	/* Twice the size of the ring, because the IOMMU does not record every fault. */
	for (i = 0; i < 2 * RING_SIZE / nr_edu; i++)
		edu_run_apart(jobs, nr_edu, 4);
	for (n = 0; !try_fault_read(&f); n++) {
		CHECK(!f.lost || (!n && may_have_lost), "record %u lost %u", n,
		      f.lost);
		CHECK(f.time >= time, "record %u is older than the last", n);
		time = f.time;
	}
	EXPECT(n, RING_SIZE);
	edu_write(p.e, iova(DFN), WORD);
	sleep_ms(2);
	EXPECT(try_fault_read(&f), 0);
	lost = f.lost;
	CHECK(lost > 0 && lost <= 2 * RING_SIZE, "%u lost", lost);
	info("faults.overflow: %u lost", lost);
	/* The count is reported once. */
	edu_write(p.e, iova(DFN), WORD);
	sleep_ms(2);
	EXPECT(try_fault_read(&f), 0);
	EXPECT(f.lost, 0);
	for (i = 0; i < nr_edu; i++) {
		p.e = &edu[i];
		positive(&p);
	}
}

static volatile uint64_t *pending_word(uint32_t port)
{
	return (volatile uint64_t *)((char *)arch_shared_info() +
				     SHARED_INFO_PENDING) + port / 64;
}

/* Clear a pending event. Returns whether it was pending. */
static bool take_event(uint32_t port)
{
	uint64_t bit = 1UL << port % 64;

	return __atomic_fetch_and(pending_word(port), ~bit, __ATOMIC_SEQ_CST) &
	       bit;
}

static uint32_t bind_virq(uint32_t virq)
{
	struct evtchn_bind_virq bind = { .virq = virq };

	EXPECT(hypercall(HC_EVENT_CHANNEL_OP, EVTCHNOP_BIND_VIRQ, hc_ptr(&bind),
			 0, 0, 0), 0);
	return bind.port;
}

static void close_port(uint32_t port)
{
	EXPECT(hypercall(HC_EVENT_CHANNEL_OP, EVTCHNOP_CLOSE, hc_ptr(&port), 0,
			 0, 0), 0);
}

static void fault_at(const struct place *p, uint64_t dfn)
{
	edu_write(p->e, iova(dfn), WORD);
	sleep_ms(2);
}

/* The event is raised for the first record, not for later ones. */
static void virq(void)
{
	struct place p = place(0);
	uint32_t port;

	EXPECT(query().fault_virq, 14);
	drain();
	port = bind_virq(14);
	take_event(port);
	fault_at(&p, DFN);
	CHECK(take_event(port), "no event for the first record");
	fault_at(&p, DFN + 1);
	CHECK(!take_event(port), "an event for the second record");
	CHECK(drain() >= 2, "records are missing");
	CHECK(!take_event(port), "an event for reading a record");
	fault_at(&p, DFN + 2);
	CHECK(take_event(port), "no event after the ring was empty");
	drain();
	close_port(port);
	positive(&p);
}

const struct test faults_tests[] = {
	{ .name = "faults.unmapped", .fn = unmapped },
	{ .name = "faults.permission", .fn = permission },
	{ .name = "faults.range", .fn = range },
	{ .name = "faults.in-blocked", .fn = in_blocked },
	{ .name = "faults.in-order", .fn = in_order },
	{ .name = "faults.empty", .fn = empty },
	{ .name = "faults.overflow", .fn = overflow, .slow = true },
	{ .name = "faults.virq", .fn = virq },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/*
 * A device with address translation services enabled (Xen's ats=1; run with --ats).
 * Tested here: it can be attached, Xen reports ATS, and unmap and move take effect for
 * it. A flush of its own TLB cannot be tested by DMA: QEMU's virtio devices have no
 * TLB, but translate each access by the IOMMU. QEMU's trace has the invalidations that
 * Xen requests, and the runner reads the trace. So each unmap and each move is between
 * two marks in the trace. This file announces their number, and what each has to
 * flush.
 */
#include "dma.h"
#include "mem.h"
#include "output.h"
#include "pci.h"
#include "rng.h"
#include "test.h"

#define LEN	64U
#define ROUNDS	20U

/* Marks that ats.py finds in the trace. */
#define MARK_END	0xe0
#define MARK_UNMAP	0xe1
#define MARK_MOVE	0xe2

/* The device in @ctx; at the start it has written to @page at DFN. */
struct setup {
	uint32_t ctx, bdf;
	bool ats;
	uint64_t *page, *ring;
};

static bool writes(uint64_t dfn, uint64_t *page)
{
	return rng_reaches(iova(dfn), page);
}

static struct setup set_up(void)
{
	struct xen_pv_iommu_dev_query q;
	struct setup s;

	s.bdf = rng_find();
	if (s.bdf == RNG_NONE)
		test_skip("needs --ats");
	EXPECT(try_dev_query(s.bdf, &q), 0);
	CHECK(q.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX,
	      "it cannot be attached: flags 0x%x", q.flags);
	s.ats = q.flags & XEN_PV_IOMMU_DEV_F_ATS;
	if (!s.ats)
		info("ats: Xen has not enabled ATS, no device flush is sent");
	s.ctx = ctx_alloc();
	s.page = page_alloc();
	s.ring = page_alloc();
	map(s.ctx, OWN_DFN, gfn_of(s.ring), 1, RW);
	map(s.ctx, DFN, gfn_of(s.page), 1, RW);
	attach_id(s.bdf, s.ctx);
	rng_start(s.ring, iova(OWN_DFN));
	CHECK(writes(DFN, s.page), "virtio-rng cannot reach its page");
	return s;
}

static void enabled(void)
{
	struct xen_pv_iommu_dev_query q;
	struct setup s = set_up();

	EXPECT(try_dev_query(s.bdf, &q), 0);
	EXPECT(q.ctx, s.ctx);
	CHECK(query().features & XEN_PV_IOMMU_FEAT_ATS_OK, "FEAT_ATS_OK is not set");
	if (!(q.flags & XEN_PV_IOMMU_DEV_F_ATS))
		test_skip("ATS is not enabled: needs Xen's ats=1");
	rng_stop();
}

/* Write the register of the interrupt line, which has no effect here. */
static void mark(const struct setup *s, uint16_t mark)
{
	pci_write16(s->bdf, PCI_INTERRUPT_LINE, mark);
}

static void marked_move(const struct setup *s, uint32_t ctx)
{
	mark(s, MARK_MOVE);
	attach_id(s->bdf, ctx);
	mark(s, MARK_END);
}

/* Announce: each of the @nr must flush at least [@first, @last]; the runner checks it. */
static void flush_expected(const struct setup *s, const char *what,
			   unsigned int nr, uint64_t first, uint64_t last)
{
	if (s->ats)
		info("flush-expected %s %u %02x:%02x.%u 0x%lx-0x%lx", what, nr,
		     s->bdf >> 8, (s->bdf >> 3) & 31, s->bdf & 7, first, last);
}

static void unmapped(void)
{
	struct setup s = set_up();
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		mark(&s, MARK_UNMAP);
		unmap(s.ctx, DFN, 1);
		mark(&s, MARK_END);
		CHECK(!writes(DFN, s.page), "it wrote to an unmapped page");
		map(s.ctx, DFN, gfn_of(s.page), 1, RW);
		CHECK(writes(DFN, s.page), "it does not reach its page again");
	}
	flush_expected(&s, "unmap", i, iova(DFN), iova(DFN + 1) - 1);
	rng_stop();
}

static void moved(void)
{
	struct setup s = set_up();
	uint64_t *other = page_alloc();
	uint32_t b = ctx_alloc();
	unsigned int i;

	map(b, OWN_DFN, gfn_of(s.ring), 1, RW);
	map(b, DFN, gfn_of(other), 1, RW);
	for (i = 0; i < ROUNDS; i++) {
		memset(s.page, 0, PAGE_SIZE);
		marked_move(&s, b);
		CHECK(writes(DFN, other), "it does not reach the new page");
		CHECK(!s.page[0] && !s.page[1], "it wrote to the old page");
		marked_move(&s, s.ctx);
		memset(other, 0, PAGE_SIZE);
		CHECK(writes(DFN, s.page), "it does not reach the page again");
		CHECK(!other[0] && !other[1], "it wrote to the other page");
	}
	flush_expected(&s, "move", 2 * i, 0, query().iova_last);
	rng_stop();
}

static unsigned int all_fault_flags(void)
{
	struct xen_pv_iommu_fault f;
	unsigned int flags = 0;

	while (!try_fault_read(&f))
		flags |= f.flags;
	return flags;
}

/* In a context the device continues, and a record says that others are suppressed. */
static void suppressed(void)
{
	struct setup s = set_up();
	unsigned int i, flags = 0;

	unmap(s.ctx, DFN, 1);
	all_fault_flags();
	for (i = 0; i < 100; i++) {
		CHECK(rng_write(iova(DFN), LEN), "it was turned off");
		flags |= all_fault_flags();
	}
	CHECK(rng_is_master(), "its bus mastering is off");
	EXPECT(flags & XEN_PV_IOMMU_FAULT_F_DISABLED, 0);
	CHECK(flags & XEN_PV_IOMMU_FAULT_F_SUPPRESSED,
	      "no record says that its faults are not reported");
	map(s.ctx, DFN, gfn_of(s.page), 1, RW);
	CHECK(writes(DFN, s.page), "it does not reach its page again");
	rng_stop();
}

/* In DEFAULT Xen turns off a device that faults too often, and a record says so. */
static void disabled(void)
{
	struct setup s = set_up();
	uint64_t nowhere = (query().iova_last + 1) / 2;
	unsigned int i, flags;

	attach_id(s.bdf, XEN_PV_IOMMU_CTX_DEFAULT);
	rng_start(s.ring, iova(gfn_of(s.ring)));
	CHECK(writes(gfn_of(s.page), s.page), "it does not reach its page");
	all_fault_flags();
	for (i = 0; i < 200 && rng_is_master(); i++) {
		flags = all_fault_flags();
		CHECK(!(flags & XEN_PV_IOMMU_FAULT_F_DISABLED),
		      "Xen reports that it is off, but it is on");
		EXPECT(flags & XEN_PV_IOMMU_FAULT_F_SUPPRESSED, 0);
		(void)rng_write(nowhere, LEN);
	}
	if (rng_is_master())
		test_skip("Xen did not turn it off, because its faults were too slow");
	info("ats.disabled: after %u transfers", i);
	CHECK(all_fault_flags() & XEN_PV_IOMMU_FAULT_F_DISABLED,
	      "no record says that it was turned off");
	rng_start(s.ring, iova(gfn_of(s.ring)));
	CHECK(writes(gfn_of(s.page), s.page),
	      "it does not reach its page again");
	rng_stop();
}

/* XSA-442: a move or an unmap takes effect only with its flush. */
const struct test ats_tests[] = {
	{ .name = "ats.enabled", .fn = enabled },
	{ .name = "ats.unmapped", .fn = unmapped },
	{ .name = "ats.moved", .fn = moved },
	{ .name = "ats.suppressed", .fn = suppressed },
	{ .name = "ats.disabled", .fn = disabled },
	{ }
};

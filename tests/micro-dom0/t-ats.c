// SPDX-License-Identifier: GPL-2.0
/*
 * A device with address translation services enabled (Xen's ats=1; run with
 * --ats). Seen here: that it may be attached, is told of, and that unmap and
 * move hold for it. Not seen: that its own cache is flushed. QEMU's virtio
 * devices have none, they ask the IOMMU each time.
 */
#include "dma.h"
#include "mem.h"
#include "output.h"
#include "rng.h"
#include "test.h"

#define LEN	64U

/* Set up, the device has written to @page, at DFN of @ctx. */
struct setup {
	uint32_t ctx, bdf;
	uint64_t *page, *ring;
};

static bool writes(uint64_t dfn, uint64_t *page)
{
	unsigned int i;

	memset(page, 0, PAGE_SIZE);
	(void)rng_write(iova(dfn), LEN);
	for (i = 0; i < LEN / 8; i++)
		if (page[i])
			return true;
	return false;
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
	if (!(q.flags & XEN_PV_IOMMU_DEV_F_ATS))
		info("ats: Xen has not enabled ATS, no device flush is sent");
	s.ctx = ctx_alloc();
	s.page = page_alloc();
	s.ring = page_alloc();
	map(s.ctx, OWN_DFN, gfn_of(s.ring), 1, RW);
	map(s.ctx, DFN, gfn_of(s.page), 1, RW);
	attach_id(s.bdf, s.ctx);
	rng_start(s.ring, iova(OWN_DFN));
	CHECK(writes(DFN, s.page), "virtio-rng does not reach its page");
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

/* It faults quickly enough for Xen to turn it off now and then. */
static void keep_going(const struct setup *s)
{
	if (!rng_is_master())
		rng_start(s->ring, iova(OWN_DFN));
}

static void unmapped(void)
{
	struct setup s = set_up();
	unsigned int i;

	for (i = 0; i < 20; i++) {
		unmap(s.ctx, DFN, 1);
		CHECK(!writes(DFN, s.page), "it wrote to an unmapped page");
		keep_going(&s);
		map(s.ctx, DFN, gfn_of(s.page), 1, RW);
		CHECK(writes(DFN, s.page), "it does not reach its page again");
	}
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
	for (i = 0; i < 20; i++) {
		memset(s.page, 0, PAGE_SIZE);
		attach_id(s.bdf, b);
		CHECK(writes(DFN, other), "it does not reach the new page");
		CHECK(!s.page[0] && !s.page[1], "it wrote to the old page");
		attach_id(s.bdf, s.ctx);
		memset(other, 0, PAGE_SIZE);
		CHECK(writes(DFN, s.page), "it does not reach the page again");
		CHECK(!other[0] && !other[1], "it wrote to the other page");
	}
	info("ats: QEMU's devices keep no device TLB; its flush is not tested");
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

/* What faults too quickly Xen turns off, and the record says so. */
static void disabled(void)
{
	struct setup s = set_up();
	unsigned int i, flags;

	unmap(s.ctx, DFN, 1);
	all_fault_flags();
	for (i = 0; i < 200 && rng_is_master(); i++) {
		flags = all_fault_flags();
		CHECK(!(flags & XEN_PV_IOMMU_FAULT_F_DISABLED),
		      "told to be off, and it is on");
		(void)rng_write(iova(DFN), LEN);
	}
	if (rng_is_master())
		test_skip("Xen did not turn it off, its faults were too slow");
	info("ats.disabled: after %u transfers", i);
	CHECK(all_fault_flags() & XEN_PV_IOMMU_FAULT_F_DISABLED,
	      "no record says that it was turned off");
	map(s.ctx, DFN, gfn_of(s.page), 1, RW);
	keep_going(&s);
	CHECK(writes(DFN, s.page), "it does not reach its page again");
	rng_stop();
}

const struct test ats_tests[] = {
	{ .name = "ats.enabled", .fn = enabled },
	{ .name = "ats.unmapped", .fn = unmapped },
	{ .name = "ats.moved", .fn = moved },
	{ .name = "ats.disabled", .fn = disabled },
	{ }
};

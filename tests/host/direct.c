// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of regions that devices require mapped 1:1 (RMRR): large ones, those that
 * overlap, and an ATTACH that is interrupted while Xen maps one.
 */
#include "xen-fake/backend.h"

#define BLOCK 512UL		/* pages of a leaf of order 9 */
#define GIB (BLOCK * BLOCK)	/* pages of 1 GiB */
#define LARGE 0x40000UL		/* a dfn that is a multiple of 1 GiB */

/* Return the order of the leaf at dfn, which must map dfn 1:1, or the error. */
static long order_at(unsigned int ctx, uint64_t dfn)
{
	struct xen_pv_iommu_lookup l = { .dfn = dfn, .ctx = ctx };
	long rc = call(XEN_PV_IOMMU_OP_LOOKUP, &l, 1);

	if (rc != 1)
		return rc;
	CHECK_EQ(l.gfn, dfn);
	CHECK_EQ(l.flags & RW, RW);
	return l.order;
}

static uint64_t mapped(unsigned int ctx)
{
	return ctx_info(ctx).nr_mapped;
}

static void count_from_here(void)
{
	machine.maps = machine.maps_longest = 0;
	machine.ctx_holds = machine.pci_holds = 0;
}

/* Return the most table pages that Xen mapped between two checks for preemption. */
static unsigned int walked(void)
{
	return machine.maps > machine.maps_longest ? machine.maps :
						     machine.maps_longest;
}

/*
 * Large regions
 */

/* X4: earlier code walked the tree three times for each of 262144 pages, in one hold. */
TEST(large_region)
{
	long ctx;

	start();
	give_region(0, LARGE, GIB);
	ctx = ctx_alloc();
	count_from_here();
	CHECK_EQ(attach(0, ctx), 1);
	/* For 32 leaves Xen locks the context twice: to look, and to map. */
	CHECK(machine.ctx_holds <= 2 * (GIB / BLOCK / 32) + 2);
	CHECK(machine.pci_holds <= 4);
	CHECK(walked() < 300);
	CHECK_EQ(order_at(ctx, LARGE), 9);
	CHECK_EQ(order_at(ctx, LARGE + GIB - 1), 9);
	CHECK_EQ(mapped(ctx), GIB);
	count_from_here();
	CHECK_EQ(attach(0, 0), 1);
	CHECK(machine.ctx_holds <= GIB / BLOCK / 32 + 2);
	CHECK(walked() < 4 * GIB / BLOCK);
	CHECK_EQ(mapped(ctx), 0);
	CHECK_EQ(order_at(ctx, LARGE), -ENOENT);
	end();
}

/* The ends are not aligned: Xen maps small leaves there. */
TEST(large_region_with_ends)
{
	const uint64_t first = LARGE - 3, last = LARGE + 4 * BLOCK + 500;
	long ctx;

	start();
	give_region(0, first, last - first + 1);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(order_at(ctx, first - 1), -ENOENT);
	CHECK_EQ(order_at(ctx, first), 0);
	CHECK_EQ(order_at(ctx, LARGE - 1), 0);
	CHECK_EQ(order_at(ctx, LARGE), 9);
	CHECK_EQ(order_at(ctx, LARGE + 4 * BLOCK - 1), 9);
	CHECK_EQ(order_at(ctx, LARGE + 4 * BLOCK), 0);
	CHECK_EQ(order_at(ctx, last), 0);
	CHECK_EQ(order_at(ctx, last + 1), -ENOENT);
	CHECK_EQ(mapped(ctx), last - first + 1);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	end();
}

/* The IOMMU has no leaves of order 9. */
TEST(large_region_in_small_leaves)
{
	long ctx;

	start();
	dom0.iommu.ctxs->caps.pgsize_bitmap = PAGE_SIZE_4K;
	give_region(0, LARGE, 2 * BLOCK);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(order_at(ctx, LARGE), 0);
	CHECK_EQ(mapped(ctx), 2 * BLOCK);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	end();
}

/*
 * A large leaf replaces an empty table. Xen flushes before the device enters, since
 * an IOMMU may have cached the table, and frees the table after that.
 */
TEST(empty_table_gives_way)
{
	long ctx;

	start();
	give_region(0, 2 * BLOCK, BLOCK);
	ctx = ctx_alloc();
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(map(ctx, 2 * BLOCK + 7, RAM_MFN, 1), 1);
	CHECK_EQ(unmap(ctx, 2 * BLOCK + 7, 1), 1);
	trace_start();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_TRACE("MFTS");
	CHECK_EQ(order_at(ctx, 2 * BLOCK), 9);
	end();
}

/* That flush fails: the context breaks, and nothing of the region remains. */
TEST(empty_table_not_flushed)
{
	long ctx;

	start();
	give_region(0, 2 * BLOCK, BLOCK);
	give_region(1, 6 * BLOCK, 3);
	ctx = ctx_alloc();
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(map(ctx, 2 * BLOCK + 7, RAM_MFN, 1), 1);
	CHECK_EQ(unmap(ctx, 2 * BLOCK + 7, 1), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	CHECK_EQ(attach(0, ctx), -EIO);
	CHECK(!t.dev[0].ctx && !t.dev[0].hw);
	CHECK_EQ(t.dev[1].ctx->id, BLOCKED);
	CHECK_EQ(mapped(ctx), 0);
	CHECK_EQ(attach(0, ctx), -EIO);
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK_EQ(attach(1, 0), 1);
	/* The table was not flushed, so Xen never frees it. */
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK_EQ(machine.heap_nr, 1);
	CHECK_EQ(machine.objects, 0);
	machine_start();
}

/*
 * Leaves that exist already
 */

/* Xen accepts the owner's leaves, small and large; the owner keeps them. */
TEST(large_region_adopts)
{
	const uint64_t dfn = MMIO_GFN;
	struct xen_pv_iommu_batch e;
	long ctx;

	start();
	give_region(0, dfn, 4 * BLOCK);
	ctx = ctx_alloc();
	CHECK_EQ(map(ctx, dfn + 37, dfn + 37, 1), 1);
	e = map_desc(ctx, dfn + 2 * BLOCK, dfn + 2 * BLOCK, BLOCK);
	e.order = 9;
	CHECK_EQ(batch1(e), 1);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(order_at(ctx, dfn), 0);
	CHECK_EQ(order_at(ctx, dfn + 37), 0);
	CHECK_EQ(order_at(ctx, dfn + BLOCK - 1), 0);
	CHECK_EQ(order_at(ctx, dfn + BLOCK), 9);
	CHECK_EQ(order_at(ctx, dfn + 2 * BLOCK), 9);
	CHECK_EQ(order_at(ctx, dfn + 3 * BLOCK), 9);
	CHECK_EQ(mapped(ctx), 4 * BLOCK);
	CHECK_EQ(unmap(ctx, dfn + 37, 1), -EADDRINUSE);
	CHECK_EQ(unmap(ctx, dfn + 2 * BLOCK, BLOCK), -EADDRINUSE);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), BLOCK + 1);
	CHECK_EQ(order_at(ctx, dfn + 37), 0);
	CHECK_EQ(order_at(ctx, dfn + 2 * BLOCK), 9);
	CHECK_EQ(unmap(ctx, dfn, 4 * BLOCK), 1);
	end();
}

/* Another leaf is at the very end: nothing of the region remains (XSA-460). */
TEST(large_region_clashes)
{
	unsigned int preempt;
	long ctx;

	for (preempt = 0; preempt < 2; preempt++) {
		start();
		give_region(0, LARGE, GIB);
		ctx = ctx_alloc();
		CHECK_EQ(map(ctx, LARGE + GIB - 1, RAM_MFN, 1), 1);
		machine.preempt_every = preempt;
		CHECK_EQ(attach(0, ctx), -EADDRINUSE);
		machine.preempt_every = 0;
		CHECK_EQ(last_attach.status, -EADDRINUSE);
		CHECK(!t.dev[0].ctx && !t.dev[0].hw);
		CHECK_EQ(mapped(ctx), 1);
		CHECK_EQ(map(ctx, LARGE, RAM_MFN, 1), 1);
		end();
	}
}

/*
 * Regions that overlap
 */

/* A large leaf stays as a whole while any device needs a page of it. */
TEST(regions_overlap)
{
	long ctx;

	start();
	give_region(0, LARGE, BLOCK);
	give_region(1, LARGE + 100, 16);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(mapped(ctx), BLOCK);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(order_at(ctx, LARGE + 100), 9);
	CHECK_EQ(attach(1, 0), 1);
	CHECK_EQ(mapped(ctx), 0);

	/* In the other order there is no large leaf. */
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(order_at(ctx, LARGE), 0);
	CHECK_EQ(mapped(ctx), BLOCK);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), 16);
	CHECK_EQ(order_at(ctx, LARGE + 115), 0);
	CHECK_EQ(attach(1, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	end();
}

/* Devices come and go in random order; Xen flushes every removed leaf. */
TEST(regions_overlap_at_random)
{
	static const uint64_t region[NR_DEVS][2] = {
		{ 2 * BLOCK, 2 * BLOCK },
		{ 3 * BLOCK - 20, 40 },
		{ 3 * BLOCK + 5, BLOCK },
		{ 2 * BLOCK, 2 * BLOCK },
	};
	bool in[NR_DEVS] = { false };
	unsigned int i, step, dev;
	struct hw_ctx *hw;
	uint64_t dfn;
	long ctx;

	start();
	for (i = 0; i < NR_DEVS; i++)
		give_region(i, region[i][0], region[i][1]);
	ctx = ctx_alloc();
	for (step = 0; step < 300; step++) {
		machine.preempt_every = rnd_below(2);
		dev = rnd_below(NR_DEVS);
		CHECK_EQ(attach(dev, in[dev] ? 0 : ctx), 1);
		in[dev] = !in[dev];
		for (i = 0; i < NR_DEVS; i++) {
			for (dfn = region[i][0]; in[i] && dfn < region[i][0] +
			     region[i][1]; dfn += 5)
				CHECK(order_at(ctx, dfn) >= 0);
		}
		if (!in[0] && !in[1] && !in[2] && !in[3])
			CHECK_EQ(mapped(ctx), 0);
		hw = hw_of(iommu_ctx_get(&dom0, ctx));
		iommu_ctx_put(hw->ctx);
		for (dfn = 2 * BLOCK; dfn < 5 * BLOCK; dfn++)
			CHECK(!hw->leaf[dfn] || order_at(ctx, dfn) >= 0);
	}
	end();
}

/*
 * Regions that the caller of ATTACH may take over (L7)
 */
#define RELAX XEN_PV_IOMMU_ATTACH_F_RELAX
#define REGION 0x900UL

static long start_relaxable(void)
{
	start();
	give_region(0, REGION, 4);
	t.dev[0].relaxable = true;
	return ctx_alloc();
}

/* The caller may map and unmap the region. */
static void check_free(unsigned int ctx)
{
	CHECK_EQ(order_at(ctx, REGION), -ENOENT);
	CHECK_EQ(map(ctx, REGION - 1, RAM_MFN, 6), 1);
	CHECK_EQ(look(ctx, REGION), RAM_MFN + 1);
	CHECK_EQ(unmap(ctx, REGION - 1, 6), 1);
}

static void check_taken(unsigned int ctx)
{
	CHECK_EQ(order_at(ctx, REGION + 3), 0);
	CHECK_EQ(map(ctx, REGION, RAM_MFN, 1), -EADDRINUSE);
	CHECK_EQ(unmap(ctx, REGION, 1), -EADDRINUSE);
}

TEST(relaxed)
{
	long ctx = start_relaxable();

	CHECK(query().features & XEN_PV_IOMMU_FEAT_RELAX);
	CHECK_EQ(attach_as(0, ctx, RELAX), 1);
	CHECK_EQ(last_attach.flags, 0);
	check_free(ctx);
	CHECK_EQ(attach(0, 0), 1);
	/* The flag applies to one ATTACH only. */
	CHECK_EQ(attach(0, ctx), 1);
	check_taken(ctx);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	/* The caller's own mapping is in the way only if Xen has to map the region. */
	CHECK_EQ(map(ctx, REGION, RAM_MFN, 1), 1);
	CHECK_EQ(attach(0, ctx), -EADDRINUSE);
	CHECK_EQ(attach_as(0, ctx, RELAX), 1);
	CHECK_EQ(look(ctx, REGION), RAM_MFN);
	end();
}

/* Xen rejects all other flags. For DEFAULT and BLOCKED the flag has no effect. */
TEST(relaxed_flags)
{
	long ctx = start_relaxable();
	uint32_t bit;

	for (bit = 1; bit; bit <<= 1)
		if (bit != RELAX)
			CHECK_EQ(attach_as(0, ctx, RELAX | bit), -EINVAL);
	CHECK(!t.dev[0].ctx);
	CHECK_EQ(attach_as(0, BLOCKED, RELAX), 1);
	CHECK_EQ(attach_as(0, 0, RELAX), 1);
	end();
}

/* The flag applies until the device leaves, whatever the caller requests meanwhile. */
TEST(relaxed_holds)
{
	long ctx = start_relaxable(), other = ctx_alloc();

	CHECK_EQ(attach_as(0, ctx, RELAX), 1);
	CHECK_EQ(attach(0, ctx), 1);
	check_free(ctx);
	give_away(0);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(last_attach.flags, XEN_PV_IOMMU_ATTACH_F_ABSENT);
	check_free(ctx);
	come_back(0);
	check_free(ctx);
	/* A move while the device is away counts too. */
	give_away(0);
	CHECK_EQ(attach(0, other), 1);
	check_taken(other);
	CHECK_EQ(attach_as(0, ctx, RELAX), 1);
	CHECK_EQ(mapped(other), 0);
	come_back(0);
	CHECK_EQ(hw_id(0), ctx);
	check_free(ctx);
	/* The flag does not remove a region that Xen has mapped. */
	CHECK_EQ(attach(0, other), 1);
	CHECK_EQ(attach_as(0, other, RELAX), 1);
	check_taken(other);
	end();
}

/* A region that another device needs stays mapped when the relaxed device leaves. */
TEST(relaxed_beside_others)
{
	long ctx = start_relaxable();

	give_region(1, REGION, 4);
	give_region(0, 0x800, 1);
	CHECK_EQ(attach_as(0, ctx, RELAX), 1);
	CHECK_EQ(order_at(ctx, 0x800), -ENOENT);
	check_free(ctx);
	/* The region of this device is DIRECT, so the flag has no effect for it. */
	CHECK_EQ(attach_as(1, ctx, RELAX), 1);
	check_taken(ctx);
	CHECK_EQ(attach(0, 0), 1);
	check_taken(ctx);
	CHECK_EQ(attach(1, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	end();
}

/* Xen no longer knows the type of an unplugged device. */
TEST(relaxed_device_gone)
{
	long ctx = start_relaxable();
	unsigned int relaxed;

	for (relaxed = 0; relaxed < 2; relaxed++) {
		t.dev[0].relaxable = true;
		CHECK_EQ(attach_as(0, ctx, relaxed ? RELAX : 0), 1);
		t.dev[0].relaxable = false;
		t.dev[0].hw = NULL;
		pcidevs_lock();
		iommu_ctx_device_gone(&t.dev[0]);
		pcidevs_unlock();
		CHECK_EQ(mapped(ctx), 0);
	}
	end();
}

TEST(relaxable_is_told)
{
	struct xen_pv_iommu_dev_query q = { .dev.id = 0x100 };
	struct xen_pv_iommu_dev_resv r = { .dev.id = 0x100, .index = 1 };

	start_relaxable();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), 1);
	CHECK(q.flags & XEN_PV_IOMMU_DEV_F_HAS_DIRECT);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1), 1);
	CHECK_EQ(r.type, XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE);
	end();
}

/*
 * Attaching is interrupted
 */

/* Attach until the first continuation; the test may then continue it. */
static long attach_some(unsigned int dev, unsigned int id)
{
	long rc;

	last_attach = (struct xen_pv_iommu_attach){
		.dev = { .id = t.dev[dev].sbdf.sbdf }, .ctx = id,
	};
	machine.preempt_every = 1;
	machine.cont.made = false;
	rc = do_iommu_op(XEN_PV_IOMMU_OP_ATTACH, (void_handle){ &last_attach },
			 1, 0, 0);
	machine.preempt_every = 0;
	CHECK_EQ(rc, -ERESTART);
	CHECK(machine.cont.made);
	machine.cont.made = false;
	/* The device is in its old context, for the hardware and in Xen's records. */
	CHECK(!t.dev[dev].ctx && !t.dev[dev].hw);
	CHECK_EQ(t.dev[dev].ctx_regions, 0);
	return rc;
}

static long attach_rest(void)
{
	return call_cmd(machine.cont.cmd, &last_attach, 1);
}

static long start_half_way(void)
{
	long ctx;

	start();
	give_region(0, LARGE, 4 * GIB);
	ctx = ctx_alloc();
	attach_some(0, ctx);
	CHECK(mapped(ctx) > 0 && mapped(ctx) < 4 * GIB);
	return ctx;
}

TEST(interrupted)
{
	struct xen_pv_iommu_dev_query q = { .dev.id = 0x100 };
	long ctx = start_half_way();

	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), 1);
	CHECK_EQ(q.ctx, 0);
	/* The owner can change no page of the region. */
	CHECK_EQ(map(ctx, LARGE + 4 * GIB - 1, RAM_MFN, 1), -EADDRINUSE);
	CHECK_EQ(unmap(ctx, LARGE, BLOCK), -EADDRINUSE);
	CHECK_EQ(attach_rest(), 1);
	CHECK_EQ(last_attach.status, 0);
	CHECK_EQ(last_attach.prev_ctx, 0);
	CHECK_EQ(hw_id(0), ctx);
	CHECK_EQ(mapped(ctx), 4 * GIB);
	end();
}

/* Each step makes progress, even if preemption is always pending. */
TEST(interrupted_all_the_time)
{
	long ctx;

	start();
	give_region(0, LARGE, 4 * GIB);
	give_region(0, 3, 5);
	ctx = ctx_alloc();
	machine.preempt_every = 1;
	CHECK_EQ(attach(0, ctx), 1);
	CHECK(continuations >= 4 && continuations <= 6);
	machine.preempt_every = 0;
	CHECK_EQ(mapped(ctx), 4 * GIB + 5);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	end();
}

TEST(interrupted_context_freed)
{
	long ctx = start_half_way();

	CHECK_EQ(ctx_free(ctx), 1);
	CHECK_EQ(attach_rest(), -ENOENT);
	CHECK(!t.dev[0].ctx);
	end();
}

/* The device is unplugged: the next device that leaves removes the leaves mapped for it. */
TEST(interrupted_device_gone)
{
	long ctx = start_half_way();

	t.dev[0].domain = dom_xen;
	CHECK_EQ(attach_rest(), -ENODEV);
	t.dev[0].domain = &dom0;
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(attach(1, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	CHECK_EQ(map(ctx, LARGE, RAM_MFN, 1), 1);
	end();
}

/* Another device that needs the same region maps the rest, and may leave again. */
TEST(interrupted_by_a_mate)
{
	long ctx = start_half_way();
	struct xen_pv_iommu_attach a;

	give_region(1, LARGE, 4 * GIB);
	a = last_attach;
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(mapped(ctx), 4 * GIB);
	last_attach = a;
	CHECK_EQ(attach_rest(), 1);
	CHECK_EQ(attach(1, 0), 1);
	CHECK_EQ(mapped(ctx), 4 * GIB);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	end();
}

/*
 * A device that leaves meanwhile removes leaves that no member needs; ATTACH starts
 * over.
 */
TEST(interrupted_and_swept)
{
	long ctx = start_half_way();
	struct xen_pv_iommu_attach a = last_attach;

	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(attach(1, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	last_attach = a;
	CHECK_EQ(attach_rest(), 1);
	CHECK_EQ(mapped(ctx), 4 * GIB);
	end();
}

/*
 * Page tables are at their quota, and some empty ones can be reclaimed. The region
 * needs some that are in its own context. It keeps the tables that it has
 * allocated; otherwise reclaim would take them away again for ever.
 */
static long at_quota(unsigned int empty)
{
	unsigned int i;
	long ctx;

	start();
	dom0.iommu.ctxs->caps.pgsize_bitmap = PAGE_SIZE_4K;
	give_region(0, LARGE, 8 * BLOCK);
	ctx = ctx_alloc();
	/* The tables above the region's eight tables exist. */
	CHECK_EQ(map(ctx, LARGE + 8 * BLOCK, RAM_MFN, 1), 1);
	for (i = 0; i < empty; i++) {
		CHECK_EQ(map(ctx, i * BLOCK, RAM_MFN, 1), 1);
		CHECK_EQ(unmap(ctx, i * BLOCK, 1), 1);
	}
	dom0.iommu.ctxs->pt_pages_max = dom0.iommu.ctxs->pt_pages;
	dom0.iommu.ctxs->pt_pages_reserve = 0;
	max_continuations = 100;
	return ctx;
}

TEST(reclaimed_for_a_region)
{
	unsigned int preempt;
	long ctx;

	for (preempt = 0; preempt < 2; preempt++) {
		ctx = at_quota(8);
		machine.preempt_every = preempt;
		CHECK_EQ(attach(0, ctx), 1);
		machine.preempt_every = 0;
		CHECK_EQ(mapped(ctx), 8 * BLOCK + 1);
		CHECK(query().pt_pages <= query().pt_pages_max);
		end();
	}
}

TEST(nothing_to_reclaim_for_a_region)
{
	unsigned int preempt;
	long ctx;

	for (preempt = 0; preempt < 2; preempt++) {
		ctx = at_quota(5);
		machine.preempt_every = preempt;
		CHECK_EQ(attach(0, ctx), -ENOMEM);
		machine.preempt_every = 0;
		CHECK_EQ(last_attach.status, -ENOMEM);
		CHECK(!t.dev[0].ctx && !t.dev[0].hw);
		CHECK_EQ(mapped(ctx), 1);
		CHECK_EQ(unmap(ctx, LARGE, 8 * BLOCK), 1);
		end();
	}
}

/* The flush of reclaimed tables fails: Xen blocks the context's members. */
TEST(give_up_flush_fails)
{
	long ctx = at_quota(1);

	CHECK_EQ(attach(1, ctx), 1);
	machine.fail_flush = 1;		/* not the flush of the table */
	machine.nr_fail_flush = 2;
	CHECK_EQ(attach(0, ctx), -ENOMEM);
	CHECK(!t.dev[0].ctx && !t.dev[0].hw);
	CHECK_EQ(hw_id(1), BLOCKED);
	CHECK(ctx_info(ctx).flags & XEN_PV_IOMMU_CTX_F_BROKEN);
	end();
}

TEST(interrupted_and_reset)
{
	start_half_way();
	end();
}

/* The devices' last regions exceed the number that Xen can record for a device. */
TEST(too_many_regions)
{
	long ctx;

	start();
	t.dev[0].nr_direct = 64;
	t.dev[0].many = true;
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), -ENOMEM);
	CHECK_EQ(mapped(ctx), 0);
	t.dev[0].nr_direct = 63;
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(mapped(ctx), 63);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(mapped(ctx), 0);
	end();
}

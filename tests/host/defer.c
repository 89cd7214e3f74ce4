// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of UNMAP with NOFLUSH and of SYNC, for a translated domain. Parked leaves
 * keep their references until their flush is complete, on whichever CPU (XSA-346).
 * SYNC returns only after every leaf that was parked before it is flushed (ruling
 * 9).
 *
 * The second CPU of the tests runs in the middle of a flush of the first.
 */
#include "xen-fake/backend.h"

#define PARK_MAX 512U

static struct xen_pv_iommu_batch park_desc(unsigned int ctx, uint64_t dfn,
					   uint32_t nr)
{
	struct xen_pv_iommu_batch e = unmap_desc(ctx, dfn, nr);

	e.flags = XEN_PV_IOMMU_F_NOFLUSH;
	return e;
}

static long park(unsigned int ctx, uint64_t dfn, uint32_t nr)
{
	return batch1(park_desc(ctx, dfn, nr));
}

/* Start with @nr pages mapped, the first @parked of which are unmapped and parked. */
static long start_parked(uint32_t nr, uint32_t parked)
{
	long ctx = start_ctx_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, nr), 1);
	t.parked = parked;
	CHECK_EQ(park(ctx, 0, parked), 1);
	return ctx;
}

static struct xen_pv_iommu_batch sync_desc(unsigned int ctx)
{
	return (struct xen_pv_iommu_batch){
		.ctx = ctx, .op = XEN_PV_IOMMU_BATCH_SYNC,
	};
}

static long sync_ctx(unsigned int ctx)
{
	return batch1(sync_desc(ctx));
}

static bool held(unsigned int n)
{
	return machine.ram[n].refs;
}

/* The fakes also check that locks are taken in one order (XSA-467). */
TEST(nothing_before_sync)
{
	long ctx;

	start_translated();
	CHECK(query().features & XEN_PV_IOMMU_FEAT_DEFER);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(map(ctx, 0, RAM_MFN, 8), 1);
	trace_start();
	t.parked = 4;
	CHECK_EQ(park(ctx, 0, 4), 1);
	/* The caller sees no mapping; the device may still use the frames. */
	CHECK_EQ(look(ctx, 0), -ENOENT);
	CHECK_EQ(look(ctx, 4), RAM_MFN + 4);
	CHECK_TRACE("C");
	CHECK(held(0) && held(3));
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK_TRACE("CFP");
	CHECK(!held(0) && !held(3) && held(4));
	CHECK_EQ(machine.flushes, 1);
	/* Nothing is parked, so SYNC makes no flush. */
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK_EQ(machine.flushes, 1);
	end();
}

/* One flush covers many unmap calls. */
TEST(one_flush_for_many)
{
	long ctx = start_ctx_translated();
	unsigned int i;

	CHECK_EQ(map(ctx, 0, RAM_MFN, 256), 1);
	trace_start();
	for (i = 0; i < 256; i++) {
		t.parked = i + 1;
		CHECK_EQ(park(ctx, i, 1), 1);
	}
	CHECK_EQ(machine.flushes, 0);
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK_EQ(machine.flushes, 1);
	CHECK_EQ(t.refs, 0);
	end();
}

/* A full gather forces the flush, which limits the memory that parked leaves hold. */
TEST(full_gather_flushes)
{
	long ctx = start_ctx_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 2000), 1);
	trace_start();
	t.parked = PARK_MAX;
	CHECK_EQ(park(ctx, 0, PARK_MAX), 1);
	CHECK_EQ(machine.flushes, 0);
	t.parked = 1;
	CHECK_EQ(park(ctx, PARK_MAX, 1), 1);
	CHECK_EQ(machine.flushes, 1);
	CHECK(!held(0) && held(PARK_MAX));
	/* However many leaves were unmapped, at most one gather is parked. */
	t.parked = (2000 - PARK_MAX - 1) % PARK_MAX + 1;
	CHECK_EQ(park(ctx, PARK_MAX + 1, 2000 - PARK_MAX - 1), 1);
	CHECK_EQ(t.refs, t.parked);
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK_EQ(t.refs, 0);
	end();
}

/* A large leaf takes one slot and holds all of its frames. */
TEST(large_leaf_parked)
{
	long ctx = start_ctx_translated();

	CHECK_EQ(map_2m(ctx, 512, RAM_MFN, 1024), 1);
	t.parked = 512;
	CHECK_EQ(park(ctx, 512, 512), 1);
	CHECK_EQ(park(ctx, 1024, 1), -ERANGE);
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK_EQ(t.refs, 512);
	end();
}

TEST(pv_may_not)
{
	long ctx;

	start();
	CHECK(!(query().features & XEN_PV_IOMMU_FEAT_DEFER));
	ctx = ctx_alloc();
	CHECK_EQ(map(ctx, 0, RAM_MFN, 1), 1);
	trace_start();
	CHECK_EQ(park(ctx, 0, 1), -EOPNOTSUPP);
	CHECK_EQ(look(ctx, 0), RAM_MFN);
	CHECK_TRACE("");
	/* If no leaf was ever parked, SYNC does nothing. */
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK_EQ(machine.flushes, 0);
	end();
}

TEST(sync_errors)
{
	struct xen_pv_iommu_batch e;
	long ctx = start_ctx_translated();

	CHECK_EQ(sync_ctx(0), -EINVAL);
	CHECK_EQ(sync_ctx(BLOCKED), -EINVAL);
	CHECK_EQ(sync_ctx(ctx + 1), -ENOENT);
	e = sync_desc(ctx);
	e.nr = 1;
	CHECK_EQ(batch1(e), -EINVAL);
	e = sync_desc(ctx);
	e.flags = XEN_PV_IOMMU_F_NOFLUSH;
	CHECK_EQ(batch1(e), -EINVAL);
	end();
}

/* A strict unmap in the same array does not wait for SYNC. */
TEST(strict_beside_parked)
{
	struct xen_pv_iommu_batch b[3];
	long ctx = start_ctx_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 8), 1);
	b[0] = park_desc(ctx, 0, 2);
	b[1] = unmap_desc(ctx, 2, 2);
	t.parked = 2;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 2), 2);
	CHECK(held(0) && !held(2));
	b[0] = unmap_desc(ctx, 4, 2);
	b[1] = sync_desc(ctx);
	b[2] = park_desc(ctx, 6, 2);
	t.parked = 2;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 3), 3);
	CHECK(!held(0) && !held(4) && held(6));
	t.parked = 0;
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

/* A dfn is mapped again while its old page is parked: Xen holds and releases both. */
TEST(mapped_again_while_parked)
{
	long ctx = start_parked(1, 1);

	CHECK_EQ(map(ctx, 0, RAM_MFN + 1, 1), 1);
	CHECK(held(0) && held(1));
	t.parked = 2;
	CHECK_EQ(park(ctx, 0, 1), 1);
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK_EQ(t.refs, 0);
	end();
}

TEST(free_with_parked_leaves)
{
	long ctx = start_parked(8, 4);

	trace_start();
	t.parked = 0;
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK_EQ(t.refs, 0);
	CHECK_TRACE("FPCFPFT");
	end();
}

TEST(reset_with_parked_leaves)
{
	long ctx = start_attached_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 4), 1);
	t.parked = 4;
	CHECK_EQ(park(ctx, 0, 4), 1);
	t.parked = 0;
	CHECK_EQ(reset(true), 1);
	CHECK_EQ(t.refs, 0);
	end();
}

TEST(relinquish_with_parked_leaves)
{
	start_parked(8, 4);
	t.parked = 0;
	table_free();
	CHECK_EQ(t.refs, 0);
}

/* If the flush fails, Xen keeps the references and the context is broken (R7, XSA-373). */
TEST(sync_flush_fails)
{
	long ctx = start_attached_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 8), 1);
	t.parked = 4;
	CHECK_EQ(park(ctx, 0, 4), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 1;
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	t.parked = 2;
	CHECK_EQ(park(ctx, 4, 2), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	t.parked = 0;
	t.kept = 2;
	CHECK_EQ(sync_ctx(ctx), -EIO);
	CHECK(held(4) && held(5));
	CHECK(ctx_info(ctx).flags & XEN_PV_IOMMU_CTX_F_BROKEN);
	CHECK_EQ(hw_id(0), BLOCKED);
	CHECK_EQ(park(ctx, 6, 1), -EIO);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

/* The same for the flush that a full gather forces. */
TEST(full_gather_flush_fails)
{
	long ctx = start_attached_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, PARK_MAX + 8), 1);
	t.parked = PARK_MAX;
	CHECK_EQ(park(ctx, 0, PARK_MAX), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	t.parked = 0;
	t.kept = PARK_MAX;
	CHECK_EQ(park(ctx, PARK_MAX, 8), -EIO);
	CHECK(ctx_info(ctx).flags & XEN_PV_IOMMU_CTX_F_BROKEN);
	CHECK_EQ(hw_id(0), BLOCKED);
	/* Leaves that were not unmapped stay mapped until the context is freed. */
	CHECK_EQ(t.refs, PARK_MAX + 8);
	end();
}

TEST(park_allocation_n_fails)
{
	unsigned int n;
	long ctx;

	for (n = 0;; n++) {
		start_translated();
		machine.fail_alloc = n;
		ctx = ctx_alloc();
		machine.fail_alloc = -1;
		if (!machine.failed)
			break;
		CHECK_EQ(ctx, -ENOMEM);
		end();
	}
	CHECK(n >= 4);
	end();
}

/*
 * Two CPUs
 */
static struct iommu_ctx *other_ctx;
static int other_rc;
static int64_t other_done;
static bool other_finished;

static void other_sync(void)
{
	other_rc = iommu_ctx_sync(other_ctx);
}

static void other_park(void)
{
	other_done = iommu_ctx_unmap_park(other_ctx, 4, 2);
}

static void sync_in_flush(void)
{
	machine.in_flush = NULL;
	other_finished = on_other_cpu(other_sync);
}

static void park_in_flush(void)
{
	machine.in_flush = NULL;
	other_finished = on_other_cpu(other_park);
}

/*
 * The other CPU finds nothing parked, since this CPU took everything and is
 * flushing. It must wait until the caller can reuse the iovas.
 */
TEST(sync_waits_for_anothers_flush)
{
	long ctx = start_parked(8, 4);

	other_ctx = iommu_ctx_get(&dom0, ctx);
	machine.in_flush = sync_in_flush;
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK(!other_finished);
	/* After this CPU has dropped the lock, the other CPU can sync. */
	CHECK(on_other_cpu(other_sync));
	CHECK_EQ(other_rc, 0);
	iommu_ctx_put(other_ctx);
	end();
}

/* The same for a full gather, which any unmap may have to flush. */
TEST(sync_waits_for_a_full_gather)
{
	long ctx = start_parked(PARK_MAX + 1, PARK_MAX);

	other_ctx = iommu_ctx_get(&dom0, ctx);
	machine.in_flush = sync_in_flush;
	t.parked = 1;
	CHECK_EQ(park(ctx, PARK_MAX, 1), 1);
	CHECK(!other_finished);
	iommu_ctx_put(other_ctx);
	t.parked = 0;
	end();
}

/* Other CPUs fill the gather again after each flush (XSA-492). */
#define FILLERS		12U

static struct iommu_ctx *fill_ctx;
static uint64_t fill_dfn;

static void other_fills(void)
{
	int64_t done = iommu_ctx_unmap_park(fill_ctx, fill_dfn, PARK_MAX);

	CHECK_EQ(done, PARK_MAX);
	fill_dfn += PARK_MAX;
}

static void fill_in_flush(void)
{
	if (fill_dfn == (1 + FILLERS) * PARK_MAX)
		machine.in_flush = NULL;
	else
		CHECK(on_other_cpu(other_fills));
}

TEST(full_gather_again_and_again)
{
	long ctx = start_ctx_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, (1 + FILLERS) * PARK_MAX), 1);
	CHECK_EQ(map(ctx, 1 << 20, RAM_MFN, 1), 1);
	t.parked = PARK_MAX;
	CHECK_EQ(park(ctx, 0, PARK_MAX), 1);
	fill_ctx = iommu_ctx_get(&dom0, ctx);
	fill_dfn = PARK_MAX;
	machine.in_flush = fill_in_flush;
	t.parked = 1;
	CHECK_EQ(park(ctx, 1 << 20, 1), 1);
	CHECK_EQ(continuations, FILLERS / 4);
	iommu_ctx_put(fill_ctx);
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	end();
}

/*
 * The flush in progress does not cover a leaf that the other CPU unmaps meanwhile,
 * so it does not release that leaf. The other CPU need not wait.
 */
TEST(parked_during_a_flush_is_not_released)
{
	long ctx = start_parked(8, 4);

	other_ctx = iommu_ctx_get(&dom0, ctx);
	machine.in_flush = park_in_flush;
	t.parked = 2;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK(other_finished);
	CHECK_EQ(other_done, 2);
	CHECK(!held(0) && held(4) && held(5));
	t.parked = 0;
	CHECK_EQ(sync_ctx(ctx), 1);
	CHECK(!held(4) && held(6));
	iommu_ctx_put(other_ctx);
	end();
}

/*
 * Between a strict unmap and its flush nothing is parked, so a SYNC of another CPU
 * does not wait (XSA-499).
 */
TEST(strict_flush_delays_no_sync)
{
	long ctx = start_ctx_translated();

	other_ctx = iommu_ctx_get(&dom0, ctx);
	CHECK_EQ(map(ctx, 0, RAM_MFN, 8), 1);
	machine.in_flush = sync_in_flush;
	CHECK_EQ(unmap(ctx, 0, 4), 1);
	CHECK(other_finished);
	CHECK_EQ(other_rc, 0);
	iommu_ctx_put(other_ctx);
	end();
}

/* Park, sync and map again at random; machine.h checks the references. */
TEST(random_parking)
{
	unsigned int i, n, steps = 20000;
	uint64_t dfn, flushes = 0;
	long ctx, rc;

	start_translated();
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	t.count_parked = true;
	for (i = 0; i < steps; i++) {
		dfn = rnd_below(2048);
		n = 1 + rnd_below(64);
		switch (rnd_below(8)) {
		case 0:
			rc = sync_ctx(ctx);
			CHECK_EQ(rc, 1);
			break;
		case 1:
			CHECK_EQ(unmap(ctx, dfn, n), 1);
			break;
		case 2: case 3: case 4:
			CHECK_EQ(park(ctx, dfn, n), 1);
			break;
		default:
			rc = map(ctx, dfn, RAM_MFN + rnd_below(RAM_PAGES - 64),
				 n);
			CHECK(rc == 1 || rc == -EEXIST);
		}
		flushes += machine.flushes;
		machine.flushes = 0;
	}
	INFO("%u calls, %" PRIu64 " flushes", steps, flushes);
	end();
}

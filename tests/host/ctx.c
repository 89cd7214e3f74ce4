// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of contexts and of the hypercall: the real files of xen/overlay
 * (XEN_GENERIC of tests/host/xen.mk) on the fakes of xen-fake/backend.h.
 */
#include "xen-fake/backend.h"

/*
 * Order: clear, flush, release (XSA-346)
 */
TEST(order_clear_flush_put)
{
	long ctx = start_ctx();

	trace_start();
	CHECK_EQ(map(ctx, 16, RAM_MFN, 4), 1);
	CHECK_TRACE("GM");
	trace_start();
	CHECK_EQ(unmap(ctx, 16, 4), 1);
	CHECK_TRACE("CFP");
	CHECK_EQ(machine.flushes, 1);
	end();
}

TEST(order_clear_flush_put_large)
{
	long ctx = start_ctx();

	CHECK_EQ(map_2m(ctx, 512, RAM_MFN, 1024), 1);
	CHECK_EQ(t.refs, 1024);
	trace_start();
	CHECK_EQ(unmap(ctx, 512, 1024), 1);
	CHECK_TRACE("CFP");
	CHECK_EQ(machine.flushes, 1);
	end();
}

/* Without a leaf to flush Xen does not call the flush function. */
TEST(map_and_holes_do_not_flush)
{
	long ctx = start_ctx();

	trace_start();
	CHECK_EQ(map(ctx, 0, RAM_MFN, 600), 1);
	CHECK_EQ(unmap(ctx, 2000, 100), 1);
	CHECK_EQ(map(ctx, 5, RAM_MFN, 1), -EEXIST);
	CHECK_EQ(machine.flushes, 0);
	end();
}

TEST(map_flushes_where_hardware_caches_holes)
{
	long ctx;

	start_on(true);
	ctx = ctx_alloc();
	trace_start();
	CHECK_EQ(map(ctx, 0, RAM_MFN, 100), 1);
	CHECK_TRACE("GMF");
	CHECK_EQ(machine.flushes, 1);
	end();
}

TEST(one_flush_for_a_gather)
{
	static struct xen_pv_iommu_batch b[128];
	unsigned int i;
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 1024), 1);
	for (i = 0; i < 128; i++)
		b[i] = unmap_desc(ctx, i * 4, 4);
	trace_start();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 128), 128);
	CHECK_EQ(machine.flushes, 1);
	CHECK_TRACE("CFP");
	trace_start();
	CHECK_EQ(map(ctx, 0, RAM_MFN, 512), 1);
	CHECK_EQ(unmap(ctx, 0, 1024), 1);
	CHECK_EQ(machine.flushes, 2);
	end();
}

/* A gather covers one context: Xen flushes it before it turns to another (XSA-80). */
TEST(flush_before_another_context)
{
	struct xen_pv_iommu_batch b[4];
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(map(one, 0, RAM_MFN, 1), 1);
	CHECK_EQ(map(two, 0, RAM_MFN + 1, 1), 1);
	b[0] = unmap_desc(one, 0, 1);
	b[1] = unmap_desc(two, 0, 1);
	b[2] = map_desc(one, 1, RAM_MFN, 1);
	trace_start();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 3), 3);
	CHECK_TRACE("CFPCFPGM");
	end();
}

/* However the call ends, Xen flushes and releases what it unmapped (XSA-80). */
TEST(flush_on_every_way_out)
{
	static struct xen_pv_iommu_batch b[20];
	unsigned int i;
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 64), 1);

	b[0] = unmap_desc(ctx, 0, 2);
	b[1] = map_desc(ctx, 10, RAM_MFN, 1);
	trace_start();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 2), 1);
	CHECK_EQ(b[1].status, -EEXIST);
	CHECK_EQ(t.refs, 62);
	CHECK_EQ(machine.flushes, 1);

	/* The second half of the array is not readable. */
	for (i = 0; i < 20; i++)
		b[i] = unmap_desc(ctx, 2 + i, 1);
	machine.bad = (char *)&b[10];
	machine.bad_end = (char *)&b[20];
	trace_start();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 20), 8);
	CHECK_EQ(machine.flushes, 1);
	CHECK_EQ(t.refs, 54);
	machine.bad = NULL;

	/* An unknown context follows an unmap. */
	b[0] = unmap_desc(ctx, 20, 2);
	b[1] = unmap_desc(77, 0, 1);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 2), 1);
	CHECK_EQ(b[1].status, -ENOENT);
	end();
}

/* Before a continuation Xen flushes everything, and it does no descriptor twice. */
TEST(flush_before_continuation)
{
	static struct xen_pv_iommu_batch b[20];
	unsigned int i, every;
	long ctx;

	for (every = 1; every < 8; every++) {
		start();
		ctx = ctx_alloc();
		for (i = 0; i < 20; i++)
			b[i] = map_desc(ctx, i * 300, RAM_MFN + i * 300, 300);
		machine.preempt_every = every;
		CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 20), 20);
		CHECK(continuations >= 20 / every / 2);
		for (i = 0; i < 20; i++) {
			CHECK_EQ(b[i].done, 300);
			CHECK_EQ(look(ctx, i * 300 + 299),
				 (long)(RAM_MFN + i * 300 + 299));
			b[i] = unmap_desc(ctx, i * 300, 300);
		}
		CHECK_EQ(t.refs, 6000);
		CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 20), 20);
		CHECK(continuations);
		CHECK_EQ(t.refs, 0);
		end();
	}
}

/*
 * References after errors
 */
/* XSA-291, XSA-378, XSA-389: Xen refuses a frame in the middle of a range. */
TEST(refused_frame_n)
{
	unsigned int n;
	long ctx = start_ctx();

	for (n = 0; n < 40; n++) {
		t.frame_rc[n] = -ETXTBSY;
		CHECK_EQ(map(ctx, 500, RAM_MFN, 40), -ETXTBSY);
		CHECK_EQ(last.done, n);
		CHECK_EQ(t.refs, n);
		CHECK_EQ(ctx_info(ctx).nr_mapped, n);
		t.frame_rc[n] = 0;
		CHECK_EQ(unmap(ctx, 500, 40), 1);
		CHECK_EQ(t.refs, 0);
	}
	end();
}

/* Ruling 31b: if Xen refuses one frame of a large leaf, it maps no part of it (XSA-389). */
TEST(refused_frame_in_large_leaf)
{
	unsigned int n;
	long ctx = start_ctx();

	for (n = 0; n < 1024; n += 93) {
		t.frame_rc[n] = -EACCES;
		CHECK_EQ(map_2m(ctx, 512, RAM_MFN, 1024), -EACCES);
		CHECK_EQ(last.done, n < 512 ? 0 : 512);
		CHECK_EQ(t.refs, last.done);
		t.frame_rc[n] = 0;
		CHECK_EQ(unmap(ctx, 512, 1024), 1);
	}
	end();
}

TEST(map_over_mapping)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 10, RAM_MFN, 1), 1);
	CHECK_EQ(map(ctx, 10, RAM_MFN + 1, 1), -EEXIST);
	CHECK_EQ(look(ctx, 10), RAM_MFN);
	CHECK_EQ(map(ctx, 8, RAM_MFN + 8, 4), -EEXIST);
	CHECK_EQ(last.done, 2);
	CHECK_EQ(t.refs, 3);
	CHECK_EQ(machine.ram[0].refs, 1);
	CHECK_EQ(machine.ram[10].refs, 0);
	end();
}

static void scattered(struct xen_pv_iommu_batch *b, long ctx, uint64_t dfn,
		      unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		b[i] = map_desc(ctx, dfn + i, RAM_MFN + 2 * i, 1);
		b[i].status = 1;
	}
}

/*
 * Xen groups small adjacent maps. Each descriptor still gets its own error, and Xen
 * maps nothing after the one that fails.
 */
TEST(maps_side_by_side)
{
	struct xen_pv_iommu_batch b[20];
	unsigned int bad, i;
	long ctx;

	for (bad = 0; bad < ARRAY_SIZE(b); bad++) {
		start();
		ctx = ctx_alloc();
		t.frame_rc[2 * bad] = -EACCES;
		/* A page table ends in the middle of these dfns. */
		scattered(b, ctx, 512 - 11, ARRAY_SIZE(b));
		CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, ARRAY_SIZE(b)),
			 bad ? (long)bad : -EACCES);
		CHECK_EQ(t.refs, bad);
		for (i = 0; i <= bad; i++) {
			CHECK_EQ(b[i].status, i == bad ? -EACCES : 0);
			CHECK_EQ(b[i].done, i < bad);
			CHECK_EQ(look(ctx, 512 - 11 + i),
				 i < bad ? RAM_MFN + 2 * i : -ENOENT);
		}
		t.frame_rc[2 * bad] = 0;
		end();
	}
}

/* An older leaf is in the way: the map before it ends there, the leaf stays. */
TEST(maps_side_by_side_meet_another)
{
	struct xen_pv_iommu_batch b[4];
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 5, RAM_MFN + 40, 1), 1);
	b[0] = map_desc(ctx, 0, RAM_MFN, 2);
	b[1] = map_desc(ctx, 2, RAM_MFN + 4, 8);
	b[2] = map_desc(ctx, 10, RAM_MFN + 20, 1);
	b[3] = map_desc(ctx, 11, RAM_MFN + 30, 1);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 4), 1);
	CHECK_EQ(b[0].done, 2);
	CHECK_EQ(b[1].done, 3);
	CHECK_EQ(b[1].status, -EEXIST);
	CHECK_EQ(b[2].done, 0);
	CHECK_EQ(t.refs, 6);
	CHECK_EQ(look(ctx, 4), RAM_MFN + 6);
	CHECK_EQ(look(ctx, 5), RAM_MFN + 40);
	CHECK_EQ(look(ctx, 10), -ENOENT);
	end();
}

/* XSA-291: no reference remains, whichever table allocation fails. */
TEST(map_allocation_n_fails)
{
	unsigned int n;
	long ctx;

	for (n = 0;; n++) {
		start();
		ctx = ctx_alloc();
		machine.fail_alloc = n;
		machine.failed = false;
		if (map(ctx, 0, RAM_MFN, 600) == 1)
			break;
		CHECK(machine.failed);
		CHECK_EQ(last.status, -ENOMEM);
		CHECK_EQ(t.refs, last.done);
		machine.fail_alloc = -1;
		CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, &last, 1), 1);
		CHECK_EQ(t.refs, 600);
		end();
	}
	/* The map allocates two tables of leaves and one for the levels above. */
	CHECK_EQ(n, 3);
	end();
}

TEST(alloc_allocation_n_fails)
{
	unsigned int n;
	long rc;

	for (n = 0;; n++) {
		start();
		machine.fail_alloc = n;
		machine.failed = false;
		rc = ctx_alloc();
		machine.fail_alloc = -1;
		if (rc > 0)
			break;
		CHECK(machine.failed);
		CHECK_EQ(rc, -ENOMEM);
		end();
	}
	CHECK(n >= 3);
	end();
}

TEST(first_query_allocation_n_fails)
{
	struct xen_pv_iommu_query q;
	unsigned int n;
	long rc;

	for (n = 0;; n++) {
		machine_start();
		memset(&t, 0, sizeof(t));
		dom0.iommu.platform_ops = &be_ops;
		q = (struct xen_pv_iommu_query){
			.size = sizeof(q),
			.magic_version = XEN_PV_IOMMU_MAGIC | 1,
		};
		machine.fail_alloc = n;
		rc = call(XEN_PV_IOMMU_OP_QUERY, &q, 1);
		machine.fail_alloc = -1;
		if (rc == 1)
			break;
		CHECK(machine.failed);
		CHECK_EQ(rc, -ENOMEM);
		CHECK_EQ(machine.objects, 0);
		CHECK_EQ(machine.heap_nr, 0);
		CHECK(!dom0.iommu.ctxs);
		/* Before it was destroyed no other CPU could see the unfinished table. */
		CHECK(!t.half_made);
	}
	CHECK(n >= 4);
	CHECK(!t.half_made);
	end();
}

/* Xen replaces an empty table by a large leaf (ruling 8, XSA-480). */
TEST(replaced_table_is_flushed_then_freed)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 512, RAM_MFN, 1), 1);
	CHECK_EQ(unmap(ctx, 512, 1), 1);
	trace_start();
	CHECK_EQ(map_2m(ctx, 512, RAM_MFN, 512), 1);
	CHECK_TRACE("GMFT");
	end();
}

/*
 * XSA-410: page-table memory has a limit; a map that reaches it fails without side
 * effects.
 */
static void run_out_of_tables(unsigned int max)
{
	uint64_t dfn = 0;
	unsigned int n;
	long one, two;

	one = ctx_alloc_reserve();
	two = ctx_alloc();
	for (n = 0; n < HEAP_PAGES; n++, dfn += 512)
		if (map(one, dfn, RAM_MFN + n, 1) != 1)
			break;
	CHECK_EQ(last.status, -ENOMEM);
	CHECK_EQ(t.refs, n);
	CHECK_EQ(query().pt_pages, max);
	CHECK_EQ(machine.heap_nr, max);
	CHECK_EQ(map(two, 0, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(ctx_alloc(), -ENOMEM);
	/* Maps into an existing table still succeed. */
	CHECK_EQ(map(one, 1, RAM_MFN, 100), 1);
	CHECK_EQ(ctx_free(one), 1);
	CHECK_EQ(map(two, 0, RAM_MFN, 1), 1);
}

/* XSA-409, XSA-410: Xen allocates tables up to the quota and no more. */
TEST(quota_exhausted)
{
	start();
	dom0.iommu.ctxs->pt_pages_max = 40;
	dom0.iommu.ctxs->pt_pages_reserve = 0;
	run_out_of_tables(40);
	CHECK_EQ(query().pt_pages_max, 40);
	end();
}

/* XSA-409: out of memory fails this call and has no other effect. */
TEST(heap_exhausted)
{
	start();
	machine.heap_max = 40;
	run_out_of_tables(40);
	end();
}

/*
 * After a failed flush (R7) Xen holds the references of the leaves for ever
 */
TEST(flush_failure_is_retried)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 4), 1);
	trace_start();
	machine.fail_flush = 0;
	machine.nr_fail_flush = 1;
	CHECK_EQ(unmap(ctx, 0, 4), 1);
	CHECK_TRACE("CfFP");
	CHECK_EQ(ctx_info(ctx).flags, 0);
	end();
}

TEST(flush_failure_keeps_references)
{
	struct xen_pv_iommu_batch e;
	long ctx = start_attached();

	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(map(ctx, 0, RAM_MFN, 4), 1);
	trace_start();
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	t.kept = 4;
	e = unmap_desc(ctx, 0, 4);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, &e, 1), -EIO);
	CHECK_TRACE("CfS");
	CHECK_EQ(machine.ram[3].refs, 1);

	/* The context is broken: Xen blocks its devices and rejects new maps. */
	CHECK(ctx_info(ctx).flags & XEN_PV_IOMMU_CTX_F_BROKEN);
	CHECK_EQ(t.dev[0].ctx->id, BLOCKED);
	CHECK_EQ(t.dev[1].ctx->id, BLOCKED);
	CHECK_EQ(map(ctx, 0, RAM_MFN + 8, 1), -EIO);
	CHECK_EQ(attach(0, ctx), -EIO);
	CHECK_EQ(last_attach.status, -EIO);
	/* Devices can leave a broken context, and it can be freed. */
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

/* If Xen cannot even block a device, the context cannot be freed. */
TEST(flush_failure_and_no_way_out)
{
	struct xen_pv_iommu_batch e;
	unsigned int printks;
	long ctx = start_attached();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 4), 1);
	printks = fake_printks;
	machine.fail_flush = 0;
	machine.nr_fail_flush = 3;
	t.kept = 4;
	e = unmap_desc(ctx, 0, 4);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, &e, 1), -EIO);
	CHECK_EQ(fake_printks - printks, 2);
	CHECK_EQ(hw_id(0), ctx);
	CHECK_EQ(ctx_free(ctx), -EBUSY);
	CHECK_EQ(attach(0, BLOCKED), 1);
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

TEST(flush_failure_after_replacement)
{
	struct xen_pv_iommu_batch e;
	long ctx = start_attached();

	CHECK_EQ(map(ctx, 512, RAM_MFN, 1), 1);
	CHECK_EQ(unmap(ctx, 512, 1), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	e = map_desc(ctx, 512, RAM_MFN, 512);
	e.order = 9;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, &e, 1), -EIO);
	CHECK(ctx_info(ctx).flags & XEN_PV_IOMMU_CTX_F_BROKEN);
	CHECK_EQ(t.dev[0].ctx->id, BLOCKED);
	/* The new leaf stays mapped and holds its frames. */
	CHECK_EQ(t.refs, 512);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(ctx_free(ctx), 1);
	/* Xen never reuses the table page that it could not flush. */
	CHECK_EQ(machine.heap_nr, 3);
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK_EQ(machine.heap_nr, 1);
	CHECK_EQ(machine.objects, 0);
	machine_start();
}

/*
 * Moving devices. After a failure a device is in its old context (ruling 2,
 * XSA-449)
 */
/* XSA-302: after the move the device cannot reach the old context. */
TEST(attach_moves)
{
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(attach(0, one), 1);
	CHECK_EQ(last_attach.prev_ctx, 0);
	CHECK_EQ(hw_id(0), one);
	trace_start();
	CHECK_EQ(attach(0, one), 1);
	CHECK_TRACE("");
	CHECK_EQ(attach(0, two), 1);
	CHECK_EQ(last_attach.prev_ctx, one);
	CHECK_EQ(attach(0, BLOCKED), 1);
	CHECK_EQ(last_attach.prev_ctx, two);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(last_attach.prev_ctx, BLOCKED);
	CHECK(!t.dev[0].hw && !t.dev[0].ctx);
	end();
}

TEST(failed_move_stays_in_the_old_context)
{
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(map(one, 0, RAM_MFN, 4), 1);
	CHECK_EQ(attach(0, one), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 1;
	CHECK_EQ(attach(0, two), -EIO);
	CHECK_EQ(last_attach.status, -EIO);
	CHECK_EQ(t.dev[0].ctx->id, one);
	CHECK_EQ(hw_id(0), one);
	/* The new context has no member, the old one still has the device. */
	CHECK_EQ(ctx_free(two), 1);
	CHECK_EQ(ctx_free(one), -EBUSY);
	CHECK_EQ(look(one, 3), RAM_MFN + 3);

	machine.nr_fail_flush = 1;
	machine.fail_flush = 0;
	CHECK_EQ(attach(0, 0), -EIO);
	CHECK_EQ(t.dev[0].ctx->id, one);
	machine.nr_fail_flush = 1;
	machine.fail_flush = 0;
	CHECK_EQ(attach(0, BLOCKED), -EIO);
	CHECK_EQ(t.dev[0].ctx->id, one);
	CHECK_EQ(attach(0, 0), 1);
	end();
}

TEST(attach_errors)
{
	long ctx, rc;

	start();
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx + 1), -ENOENT);
	CHECK_EQ(attach(0, INVALID), -ENOENT);
	CHECK(!t.dev[0].ctx);
	t.enter_rc = -ENOSPC;
	CHECK_EQ(attach(0, ctx), -ENOSPC);
	CHECK(!t.dev[0].ctx);
	/* A move to BLOCKED allocates nothing, so it cannot fail here (ruling 4). */
	machine.fail_alloc = 0;
	CHECK_EQ(attach(0, BLOCKED), 1);
	CHECK(!machine.failed);
	CHECK_EQ(attach(0, 0), 1);
	CHECK(!machine.failed);
	machine.fail_alloc = -1;
	t.enter_rc = 0;
	t.dev[1].broken = true;
	CHECK_EQ(attach(1, ctx), -ENODEV);
	t.dev[2].domain = dom_xen;
	CHECK_EQ(attach(2, ctx), -ENODEV);
	last_attach = (struct xen_pv_iommu_attach){ .dev.id = 0x999 };
	rc = call(XEN_PV_IOMMU_OP_ATTACH, &last_attach, 1);
	CHECK_EQ(rc, -ENODEV);
	CHECK_EQ(last_attach.status, -ENODEV);
	end();
}

/*
 * Ruling 10: while a device is away, ATTACH only sets the context to which it returns
 * (XSA-302, XSA-306).
 */
TEST(attach_while_away)
{
	long ctx = start_attached();

	give_away(0);
	trace_start();
	CHECK_EQ(attach(0, BLOCKED), 1);
	CHECK_EQ(last_attach.flags, XEN_PV_IOMMU_ATTACH_F_ABSENT);
	CHECK_TRACE("");
	CHECK_EQ(t.dev[0].ctx->id, BLOCKED);
	CHECK_EQ(ctx_free(ctx), 1);
	come_back(0);
	end();
}

/*
 * Reserved regions
 */

/*
 * XSA-378, XSA-386, XSA-400: the owner cannot change the region while a device
 * needs it. Xen removes it with the last device.
 */
TEST(direct_region_comes_and_goes)
{
	long ctx;

	start();
	give_region(0, 0x700, 4);
	give_region(1, 0x700, 4);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(look(ctx, 0x703), 0x703);
	CHECK_EQ(attach(1, ctx), 1);
	/* Xen checks every page of a range; the owner cannot change one of the region. */
	CHECK_EQ(map(ctx, 0x702, RAM_MFN, 1), -EADDRINUSE);
	CHECK_EQ(map(ctx, 0x6f0, RAM_MFN, 32), -EADDRINUSE);
	CHECK_EQ(last.done, 16);
	CHECK_EQ(unmap(ctx, 0x700, 4), -EADDRINUSE);
	CHECK_EQ(unmap(ctx, 0x6f0, 32), -EADDRINUSE);
	CHECK_EQ(look(ctx, 0x700), 0x700);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(look(ctx, 0x700), 0x700);
	trace_start();
	CHECK_EQ(attach(1, 0), 1);
	CHECK_TRACE("SCF");
	CHECK_EQ(look(ctx, 0x700), -ENOENT);
	CHECK_EQ(map(ctx, 0x702, RAM_MFN, 1), 1);
	end();
}

/* XSA-378, XSA-460: Xen replaces no leaf, and the attach fails. */
TEST(direct_region_clashes)
{
	long ctx;

	start();
	give_region(0, 0x700, 4);
	give_region(0, 0x780, 1);
	ctx = ctx_alloc();
	CHECK_EQ(map(ctx, 0x780, RAM_MFN, 1), 1);
	CHECK_EQ(attach(0, ctx), -EADDRINUSE);
	/* Xen removed all of it, also the region that did fit. */
	CHECK_EQ(look(ctx, 0x700), -ENOENT);
	CHECK_EQ(map(ctx, 0x700, RAM_MFN, 1), 1);
	CHECK(!t.dev[0].ctx);
	end();
}

/* Ruling 7: Xen accepts the owner's leaf if it equals the region's; the owner keeps it. */
TEST(direct_region_adopts)
{
	long ctx;

	start();
	give_region(0, MMIO_GFN, 2);
	ctx = ctx_alloc();
	CHECK_EQ(map(ctx, MMIO_GFN, MMIO_GFN, 1), 1);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(unmap(ctx, MMIO_GFN, 1), -EADDRINUSE);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(look(ctx, MMIO_GFN), MMIO_GFN);
	CHECK_EQ(look(ctx, MMIO_GFN + 1), -ENOENT);
	CHECK_EQ(unmap(ctx, MMIO_GFN, 1), 1);
	CHECK_EQ(look(ctx, MMIO_GFN), -ENOENT);
	end();
}

/* If the IOMMU caches holes, Xen flushes before it relies on a region. */
TEST(direct_region_where_holes_are_cached)
{
	long ctx;

	start_on(true);
	give_region(0, 0x700, 4);
	ctx = ctx_alloc();
	trace_start();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_TRACE("MFS");
	CHECK_EQ(attach(0, 0), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	CHECK_EQ(attach(0, ctx), -EIO);
	CHECK(!t.dev[0].hw);
	CHECK_EQ(look(ctx, 0x700), -ENOENT);
	end();
}

TEST(direct_region_not_in_blocked)
{
	start();
	give_region(0, 0x700, 4);
	CHECK_EQ(attach(0, BLOCKED), 1);
	CHECK_EQ(look(BLOCKED, 0x700), -ENOENT);
	CHECK_EQ(ctx_info(BLOCKED).nr_mapped, 0);
	end();
}

/* XSA-460: whichever allocation fails, nothing of the region remains. */
TEST(direct_region_allocation_n_fails)
{
	unsigned int n;
	long ctx, rc;

	for (n = 0;; n++) {
		start();
		give_region(0, 0x1f0, 32);	/* across two tables */
		give_region(0, 0x800, 1);
		ctx = ctx_alloc();
		machine.fail_alloc = n;
		rc = attach(0, ctx);
		machine.fail_alloc = -1;
		if (rc == 1)
			break;
		CHECK(machine.failed);
		CHECK_EQ(rc, -ENOMEM);
		CHECK(!t.dev[0].ctx);
		CHECK_EQ(ctx_info(ctx).nr_mapped, 0);
		end();
	}
	CHECK_EQ(n, 6);		/* two regions, four tables */
	end();
}

/*
 * IOMMUs of current members may cache a leaf that a failed attach removed again. It
 * must not affect the next map (XSA-400).
 */
TEST(direct_region_undone_is_flushed)
{
	struct hw_ctx *hw;
	long ctx;

	start();
	give_region(1, 0x1f0, 32);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	hw = hw_of(t.dev[0].ctx);
	machine.fail_alloc = 3;		/* region, two tables; the third fails */
	CHECK_EQ(attach(1, ctx), -ENOMEM);
	machine.fail_alloc = -1;
	CHECK(machine.failed);
	CHECK_EQ(look(ctx, 0x1f0), -ENOENT);
	CHECK(!hw->leaf[0x1f0]);
	end();
}

TEST(msi_window)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0xfee00, MMIO_GFN, 1), -EADDRINUSE);
	CHECK_EQ(map(ctx, 0xfeeff, MMIO_GFN, 1), -EADDRINUSE);
	CHECK_EQ(map(ctx, 0xfedfe, MMIO_GFN, 4), -EADDRINUSE);
	CHECK_EQ(last.done, 2);
	CHECK_EQ(map(ctx, 0xfef00, MMIO_GFN, 1), 1);
	end();
}

/*
 * Lifetime of contexts
 */
TEST(numbers_go_round)
{
	unsigned int i;
	long ctx, first;

	start();
	first = ctx_alloc();
	CHECK_EQ(ctx_free(first), 1);
	for (i = 0; i < 100; i++) {
		ctx = ctx_alloc();
		CHECK_EQ(ctx, first + 1 + i);
		CHECK_EQ(ctx_free(ctx), 1);
		CHECK_EQ(ctx_free(ctx), -ENOENT);
	}
	dom0.iommu.ctxs->last_id = XEN_PV_IOMMU_CTX_LAST - 1;
	CHECK_EQ(ctx_alloc(), XEN_PV_IOMMU_CTX_LAST);
	CHECK_EQ(ctx_alloc(), 1);
	CHECK_EQ(ctx_free(XEN_PV_IOMMU_CTX_LAST), 1);
	CHECK_EQ(ctx_free(0), -ENOENT);
	CHECK_EQ(ctx_free(BLOCKED), -ENOENT);
	CHECK_EQ(ctx_free(INVALID), -ENOENT);
	end();
}

TEST(contexts_run_out)
{
	unsigned int nr;
	long rc;

	start();
	/* The default is larger than the number of contexts that the fake IOMMU has. */
	CHECK_EQ(param("nr-ctx=0"), -EINVAL);
	CHECK_EQ(param("nr-ctx=4097"), -EINVAL);
	CHECK_EQ(param("nr-ctx=2x"), -EINVAL);
	CHECK_EQ(param("nr-dtx=2"), -ENOENT);
	CHECK_EQ(param("nr-ctx=20"), 0);
	CHECK_EQ(query().max_ctx, 20);
	for (nr = 0; (rc = ctx_alloc_reserve()) > 0; nr++)
		;
	CHECK_EQ(rc, -ENOSPC);
	CHECK_EQ(nr, 20);
	CHECK_EQ(query().nr_ctx, 20);
	CHECK_EQ(ctx_free(7), 1);
	CHECK(ctx_alloc() > 0);
	end();
}

TEST(free_with_members)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 1), 1);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(ctx_free(ctx), -EBUSY);
	CHECK_EQ(look(ctx, 0), RAM_MFN);
	give_away(0);			/* members that are away count too */
	CHECK_EQ(ctx_free(ctx), -EBUSY);
	come_back(0);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK_EQ(t.refs, 0);
	end();
}

/* FREE takes steps; it ends whatever the guest does in between (XSA-410, XSA-492). */
TEST(free_in_steps)
{
	unsigned int every;
	long ctx;

	for (every = 1; every < 5; every++) {
		start();
		ctx = ctx_alloc();
		CHECK_EQ(map(ctx, 3, RAM_MFN, 8000), 1);
		CHECK_EQ(map_2m(ctx, 1 << 20, RAM_MFN, 4096), 1);
		machine.preempt_every = every;
		CHECK_EQ(ctx_free(ctx), 1);
		CHECK(continuations);
		CHECK_EQ(t.refs, 0);
		end();
	}
}

static long ctx_with_sparse_pages(unsigned int tables)
{
	long ctx = ctx_alloc();
	unsigned int i;

	for (i = 0; i < tables; i++)
		CHECK_EQ(map(ctx, i * 512, RAM_MFN, 1), 1);
	machine.maps = machine.maps_longest = 0;
	return ctx;
}

/*
 * True if Xen checked for preemption often enough: table pages mapped between two
 * checks.
 */
static bool looked_often(void)
{
	unsigned int longest = machine.maps_longest;

	machine.maps = machine.maps_longest = 0;
	return longest && longest <= 2048;
}

/*
 * One page in each table gives the longest distance to the next leaf, an empty
 * table that to the next table (XSA-410).
 */
TEST(long_calls_look_often)
{
	const unsigned int tables = 2000;
	long ctx;

	start();
	ctx = ctx_with_sparse_pages(tables);
	CHECK_EQ(unmap(ctx, 0, tables * 512), 1);
	CHECK(looked_often());
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK(looked_often());

	ctx = ctx_with_sparse_pages(tables);
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK(looked_often());
	end();
}

/* No new user gets a reference to a dying context, and one caller frees it (XSA-502). */
TEST(dying_context)
{
	struct xen_pv_iommu_ctx c;
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 2000), 1);
	c = (struct xen_pv_iommu_ctx){ .ctx = ctx };
	machine.preempt_every = 1;
	CHECK_EQ(do_iommu_op(XEN_PV_IOMMU_OP_CTX_FREE, (void_handle){ &c }, 1,
			     0, 0), -ERESTART);
	machine.preempt_every = 0;
	CHECK(t.refs && t.refs < 2000);
	CHECK_EQ(map(ctx, 5000, RAM_MFN, 1), -ENOENT);
	CHECK_EQ(unmap(ctx, 1999, 1), -ENOENT);
	CHECK_EQ(attach(0, ctx), -ENOENT);
	CHECK_EQ(look(ctx, 1999), -ENOENT);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_INFO, &c, 1), -ENOENT);
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK_EQ(t.refs, 0);
	end();
}

/*
 * Ruling 16: a device that still does DMA must not reach the default table
 * (XSA-302, XSA-337).
 */
TEST(reset_moves_masters_to_blocked)
{
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(map(one, 0, RAM_MFN, 700), 1);
	CHECK_EQ(attach(0, one), 1);
	CHECK_EQ(attach(1, two), 1);
	CHECK_EQ(attach(2, BLOCKED), 1);
	t.dev[1].command = PCI_COMMAND_MASTER;
	machine.preempt_every = 1;
	CHECK_EQ(reset(true), 1);
	machine.preempt_every = 0;
	CHECK_EQ(hw_id(0), 0);
	CHECK_EQ(hw_id(1), BLOCKED);
	CHECK_EQ(hw_id(2), 0);
	CHECK_EQ(query().nr_ctx, 0);
	CHECK_EQ(t.refs, 0);
	CHECK_EQ(reset(false), 1);
	CHECK_EQ(hw_id(1), BLOCKED);
	end();
}

/* RESET moves devices that are away in Xen's records only. */
TEST(reset_devices_away)
{
	long ctx = start_attached();

	CHECK_EQ(attach(1, ctx), 1);
	t.dev[1].command = PCI_COMMAND_MASTER;
	give_away(0);
	give_away(1);
	trace_start();
	CHECK_EQ(reset(true), 1);
	CHECK(!strchr(machine.trace, 'S'));
	CHECK(!t.dev[0].ctx);
	CHECK_EQ(t.dev[1].ctx->id, BLOCKED);
	come_back(0);
	come_back(1);
	end();
}

/* XSA-285: a device is unplugged while it is in a context. */
TEST(device_unplugged)
{
	long ctx;

	start();
	give_region(0, 0x700, 4);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	pcidevs_lock();
	/* Xen has cleared its context entry before this. */
	t.dev[0].hw = NULL;
	iommu_ctx_device_gone(&t.dev[0]);
	iommu_ctx_device_gone(&t.dev[1]);
	pcidevs_unlock();
	CHECK_EQ(look(ctx, 0x700), -ENOENT);
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

/*
 * Decoding
 */
TEST(op_errors)
{
	struct xen_pv_iommu_ctx c = { 0 };
	unsigned int op;

	start();
	/* Xen rejects reserved numbers and unknown ones. */
	for (op = XEN_PV_IOMMU_OP_CTX_SET + 1; op < 256; op++)
		CHECK_EQ(call(op, &c, 1), -EOPNOTSUPP);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 0), -EINVAL);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, query().max_count + 1),
		 -EINVAL);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, ~0UL), -EINVAL);
	CHECK_EQ(call_cmd(XEN_PV_IOMMU_OP_CTX_ALLOC | 2 << 8, &c, 1), -EINVAL);
	CHECK_EQ(do_iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, (void_handle){ &c }, 1,
			     1, 0), -EINVAL);
	CHECK_EQ(do_iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, (void_handle){ &c }, 1,
			     0, 1), -EINVAL);
	c.flags = 1;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1), -EINVAL);
	c = (struct xen_pv_iommu_ctx){ 0 };
	CHECK_EQ(call(XEN_PV_IOMMU_OP_RESET, &c, 1), -EINVAL);
	machine.bad = (char *)&c;
	machine.bad_end = (char *)(&c + 1);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1), -EFAULT);
	machine.bad = NULL;
	dom0.hardware = false;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1), -EPERM);
	dom0.hardware = true;
	end();

	/* A domain without permission never gets a table. */
	memset(&t, 0, sizeof(t));
	dom0.iommu.platform_ops = &be_ops;
	t.arch_rc = -EOPNOTSUPP;
	for (op = 0; op < 256; op++)
		CHECK_EQ(call(op, &c, 1), -EOPNOTSUPP);
	CHECK(!dom0.iommu.ctxs);
}

/* A guest may resume at any element and claim any progress; it only harms itself. */
TEST(batch_progress_is_checked)
{
	struct xen_pv_iommu_batch b[2];
	long ctx = start_ctx();

	b[0] = map_desc(ctx, 0, RAM_MFN, 4);
	b[0].done = 5;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 1), -EINVAL);
	b[0].done = 4;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 1), 1);
	CHECK_EQ(t.refs, 0);
	b[0].done = 3;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 1), 1);
	CHECK_EQ(t.refs, 1);
	CHECK_EQ(look(ctx, 3), RAM_MFN + 3);
	b[1] = map_desc(ctx, 100, RAM_MFN, 1);
	CHECK_EQ(call_cmd(XEN_PV_IOMMU_OP_BATCH | 1 << 8, b, 2), 2);
	CHECK_EQ(look(ctx, 0), -ENOENT);
	CHECK_EQ(look(ctx, 100), RAM_MFN);
	CHECK_EQ(call_cmd(XEN_PV_IOMMU_OP_BATCH | 2 << 8, b, 2), 2);
	end();
}

TEST(batch_errors)
{
	struct xen_pv_iommu_batch e;
	long ctx = start_ctx();

#define BAD(what, rc) do {						\
		e = map_desc(ctx, 0, RAM_MFN, 1);			\
		what;							\
		CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, &e, 1), rc);	\
		CHECK_EQ(e.status, rc);					\
	} while (0)
	BAD(e.nr = 0, -EINVAL);
	BAD(e.nr = query().max_nr + 1, -EINVAL);
	BAD(e.flags = 0, -EINVAL);
	BAD(e.flags |= 1U << 5, -EINVAL);
	BAD(e.flags |= XEN_PV_IOMMU_F_NOFLUSH, -EINVAL);
	BAD(e.order = 1, -EINVAL);
	BAD(e.order = 27, -EINVAL);
	BAD(e.op = 4, -EINVAL);
	BAD(e.dfn = 1ULL << 27, -EINVAL);
	BAD((e.dfn = (1ULL << 27) - 1, e.nr = 2), -EINVAL);
	BAD((e.dfn = ~0ULL, e.nr = 2), -EINVAL);
	BAD((e.gfn = ~0ULL, e.nr = 2), -EINVAL);
	BAD(e.ctx = 0, -EINVAL);
	BAD(e.ctx = BLOCKED, -EINVAL);
	BAD(e.ctx = INVALID, -EINVAL);
	BAD(e.ctx = ctx + 1, -ENOENT);
	BAD((e.op = XEN_PV_IOMMU_BATCH_UNMAP), -EINVAL);
	BAD((e = unmap_desc(ctx, 0, 1), e.flags = F_R), -EINVAL);
	BAD((e = unmap_desc(ctx, 0, 1), e.order = 9), -EINVAL);
	BAD((e = unmap_desc(ctx, 0, 1), e.flags = XEN_PV_IOMMU_F_NOFLUSH),
	    -EOPNOTSUPP);
	BAD((e.op = XEN_PV_IOMMU_BATCH_SYNC), -EINVAL);
	CHECK_EQ(ctx_info(ctx).nr_mapped, 0);
	end();
}

TEST(device_queries)
{
	struct xen_pv_iommu_dev_query q = { .dev.id = 0x100 };
	struct xen_pv_iommu_dev_resv r = { .dev.id = 0x100, .index = 1 };
	long ctx;

	start();
	give_region(0, 0x700, 4);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	q.flags = q.ctx = 0x55555555;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), 1);
	CHECK_EQ(q.flags, XEN_PV_IOMMU_DEV_F_CAN_CTX |
			  XEN_PV_IOMMU_DEV_F_HAS_DIRECT);
	CHECK_EQ(q.ctx, ctx);
	CHECK_EQ(q.nr_resv, 2);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1), 1);
	CHECK_EQ(r.start, 0x700000);
	CHECK_EQ(r.last, 0x703fff);
	CHECK_EQ(r.type, XEN_PV_IOMMU_RESV_DIRECT);
	r.index = 2;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1), -ENOENT);
	give_away(0);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), 1);
	CHECK(q.flags & XEN_PV_IOMMU_DEV_F_ABSENT);
	CHECK_EQ(q.ctx, ctx);
	come_back(0);
	end();
}

/* Each property that the back end reports sets its own flag or field. */
TEST(device_query_tells_what_the_back_end_says)
{
	static const struct {
		struct iommu_ctx_dev said;
		uint32_t flags;
	} fact[] = {
		{ { .protected = true }, XEN_PV_IOMMU_DEV_F_PROTECTED },
		{ { .ats = true }, XEN_PV_IOMMU_DEV_F_ATS },
		{ { .aliased = true }, XEN_PV_IOMMU_DEV_F_ALIASED },
		{ { .coherent_walk = true }, XEN_PV_IOMMU_DEV_F_COHERENT_WALK },
		{ { .msi_isolated = true }, XEN_PV_IOMMU_DEV_F_MSI_ISOLATED },
	};
	struct xen_pv_iommu_dev_query q = { .dev.id = 0x100 };
	unsigned int i;

	start();
	for (i = 0; i < ARRAY_SIZE(fact); i++) {
		t.dev_info = fact[i].said;
		CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), 1);
		CHECK_EQ(q.flags, XEN_PV_IOMMU_DEV_F_CAN_CTX | fact[i].flags);
	}
	t.dev_info = (struct iommu_ctx_dev){
		.no_ctx = XEN_PV_IOMMU_NO_CTX_BRIDGE, .group = 11,
		.iommu_id = 12, .pgsize_bitmap = 13, .iova_last = 14,
	};
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), 1);
	CHECK_EQ(q.flags, XEN_PV_IOMMU_NO_CTX_BRIDGE <<
			  XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT);
	CHECK_EQ(q.group, 11);
	CHECK_EQ(q.iommu_id, 12);
	CHECK_EQ(q.pgsize_bitmap, 13);
	CHECK_EQ(q.iova_last, 14);
	end();
}

/*
 * Xen keeps a device that it could not add, for example a virtual function of a PVH
 * dom0. The device has no owner and must not pass for one of another domain.
 */
TEST(device_without_owner)
{
	struct xen_pv_iommu_dev_query q = { .dev.id = 0x101 };
	long ctx = start_ctx();

	t.dev[1].domain = NULL;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -ENODEV);
	CHECK_EQ(attach(1, ctx), -ENODEV);
	CHECK_EQ(attach(1, BLOCKED), -ENODEV);
	t.dev[1].domain = &dom0;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), 1);
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(attach(1, 0), 1);
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

TEST(device_query_errors)
{
	struct xen_pv_iommu_dev_query q = { .dev.id = 0x999 };
	struct xen_pv_iommu_dev_resv r = { .dev.id = 0x999 };

	start();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -ENODEV);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1), -ENODEV);
	t.dev[0].domain = dom_xen;
	q.dev.id = 0x100;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -ENODEV);
	q.dev.id = 0x101;
	q.dev.type = XEN_PV_IOMMU_DEV_DT;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -ENODEV);
	/* Xen rejects reserved kinds and unknown ones. */
	q.dev.type = XEN_PV_IOMMU_DEV_PCI_MACHINE;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -EINVAL);
	q.dev.type = XEN_PV_IOMMU_DEV_ACPI;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -EINVAL);
	q.dev.type = 1U << 31;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -EINVAL);
	q.dev.type = XEN_PV_IOMMU_DEV_PCI;
	q.dev.mbz = 1ULL << 40;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -EINVAL);
	q.dev.mbz = 0;
	q.mbz = 1ULL << 40;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_QUERY, &q, 1), -EINVAL);
	r.dev.id = 0x101;
	r.mbz = 1ULL << 40;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_DEV_RESV, &r, 1), -EINVAL);
	end();
}

/* Arrays of the other structs: Xen counts each element. */
TEST(arrays)
{
	struct xen_pv_iommu_ctx c[10];
	unsigned int i;

	start();
	memset(c, 0, sizeof(c));
	machine.preempt_every = 1;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, c, 10), 10);
	CHECK_EQ(continuations, 9);
	machine.preempt_every = 0;
	for (i = 0; i < 10; i++) {
		CHECK_EQ(c[i].ctx, c[0].ctx + i);
		c[i].flags = 0;
	}
	c[6].ctx = 0xfff0;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_FREE, c, 10), 6);
	CHECK_EQ(query().nr_ctx, 4);
	c[6].ctx = c[0].ctx;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_FREE, c + 6, 1), -ENOENT);
	/* The element is done even if the guest cannot read the result. */
	memset(c, 0, sizeof(c));
	machine.bad = (char *)c;
	machine.bad_end = (char *)(c + 10);
	machine.bad_ro = true;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_ALLOC, c, 10), 1);
	CHECK_EQ(query().nr_ctx, 5);
	end();
}

TEST(query_sizes)
{
	struct {
		struct xen_pv_iommu_query q;
		char tail[64];
	} big;

	start();
	memset(&big, 0x55, sizeof(big));
	big.q = (struct xen_pv_iommu_query){
		.size = sizeof(big), .magic_version = XEN_PV_IOMMU_MAGIC | 9,
	};
	CHECK_EQ(call(XEN_PV_IOMMU_OP_QUERY, &big, 1), 1);
	CHECK_EQ(big.q.size, sizeof(big.q));
	CHECK_EQ(big.q.magic_version, XEN_PV_IOMMU_MAGIC | 1);
	CHECK(!big.tail[0] && !big.tail[63]);
	memset(&big, 0x55, sizeof(big));
	big.q.size = 16;
	big.q.magic_version = XEN_PV_IOMMU_MAGIC | 1;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_QUERY, &big, 1), 1);
	CHECK_EQ(big.q.pgsize_bitmap, 0x5555555555555555);
	big.q.size = 15;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_QUERY, &big, 1), -EINVAL);
	big.q.size = 4097;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_QUERY, &big, 1), -EINVAL);
	big.q.size = 64;
	big.q.magic_version = XEN_PV_IOMMU_MAGIC;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_QUERY, &big, 1), -EINVAL);
	end();
}

/* If copying back fails, the completed work still counts (ruling 32). */
TEST(read_only_array)
{
	static struct xen_pv_iommu_batch b[2];
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 2), 1);
	b[0] = unmap_desc(ctx, 0, 1);
	b[1] = unmap_desc(ctx, 1, 1);
	machine.bad = (char *)b;
	machine.bad_end = (char *)(b + 2);
	machine.bad_ro = true;
	trace_start();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, 2), 2);
	CHECK_TRACE("CFP");
	end();
}

/*
 * Random batches against a model, with random failures
 */
#define SPAN 4096U
#define NR_MODEL 3
static struct {
	long id;
	uint64_t gfn[SPAN];		/* 0: not mapped */
	uint8_t order[SPAN];
} model[NR_MODEL];

/* Compute the expected result of one descriptor. */
static int model_map(unsigned int c, struct xen_pv_iommu_batch *e)
{
	while (e->done < e->nr) {
		uint64_t dfn = e->dfn + e->done, gfn = e->gfn + e->done;
		bool large = e->order && e->nr - e->done >= 512 &&
			     !((dfn | gfn) & 511);
		unsigned int n = large ? 512 : 1, i;

		for (i = 0; i < n; i++)
			if (t.frame_rc[gfn + i - RAM_MFN])
				return t.frame_rc[gfn + i - RAM_MFN];
		for (i = 0; i < n; i++)
			if (model[c].gfn[dfn + i])
				return -EEXIST;
		for (i = 0; i < n; i++) {
			model[c].gfn[dfn + i] = gfn + i;
			model[c].order[dfn + i] = large ? 9 : 0;
		}
		e->done += n;
	}
	return 0;
}

static int model_unmap(unsigned int c, struct xen_pv_iommu_batch *e)
{
	while (e->done < e->nr) {
		uint64_t dfn = e->dfn + e->done;
		unsigned int n = 1U << (model[c].gfn[dfn] ?
					model[c].order[dfn] : 0);

		if (dfn & (n - 1) || e->nr - e->done < n)
			return -ERANGE;
		memset(&model[c].gfn[dfn], 0, n * sizeof(uint64_t));
		e->done += n;
	}
	return 0;
}

static struct xen_pv_iommu_batch random_desc(unsigned int *c)
{
	struct xen_pv_iommu_batch e;
	uint32_t nr = 1 + rnd_below(1 << rnd_below(12));
	uint64_t dfn = rnd_below(SPAN);

	*c = rnd_below(NR_MODEL);
	if (rnd_below(3) == 0)
		dfn &= ~511ULL;
	if (nr > SPAN - dfn)
		nr = SPAN - dfn;
	if (rnd_below(2)) {
		uint64_t gfn = rnd_below(RAM_PAGES - SPAN);

		if (rnd_below(2))
			gfn = (gfn & ~511ULL) | (dfn & 511);
		e = map_desc(model[*c].id, dfn, RAM_MFN + gfn, nr);
		e.order = rnd_below(2) * 9;
	} else {
		e = unmap_desc(model[*c].id, dfn, nr);
	}
	return e;
}

/*
 * Make a map follow the previous one in most cases, since Xen groups adjacent small
 * maps.
 */
static void put_behind(struct xen_pv_iommu_batch *e,
		       const struct xen_pv_iommu_batch *before)
{
	uint64_t dfn = before->dfn + before->nr;
	uint32_t nr = 1 + rnd_below(4);

	if (e->op != XEN_PV_IOMMU_BATCH_MAP || e->ctx != before->ctx ||
	    dfn + nr > SPAN || rnd_below(4) == 0)
		return;
	e->dfn = dfn;
	e->nr = nr;
}

static void random_call(void)
{
	struct xen_pv_iommu_batch b[12], want[12];
	unsigned int nr = 1 + rnd_below(12), i, ok, c;
	int rc = 0;

	for (i = ok = 0; i < nr; i++) {
		b[i] = random_desc(&c);
		if (i)
			put_behind(&b[i], &b[i - 1]);
		want[i] = b[i];
		if (rc)
			continue;
		rc = b[i].op == XEN_PV_IOMMU_BATCH_MAP ?
		     model_map(c, &want[i]) : model_unmap(c, &want[i]);
		want[i].status = rc;
		ok += !rc;
	}
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, b, nr), ok ? (long)ok : rc);
	for (i = 0; i < nr; i++)
		if (memcmp(&b[i], &want[i], sizeof(b[i])))
			FAIL("descriptor %u: done %u status %d, not %u %d", i,
			     b[i].done, b[i].status, want[i].done,
			     want[i].status);
}

/*
 * Xen reports the part of a request that it completed (XSA-389). It counts every
 * table for the context that owns it (XSA-390).
 */
TEST(random_batches)
{
	unsigned int i, c, n, steps = 20000;
	uint64_t dfn, mapped = 0;

	start();
	for (c = 0; c < NR_MODEL; c++) {
		memset(&model[c], 0, sizeof(model[c]));
		model[c].id = ctx_alloc();
		CHECK_EQ(attach(c, model[c].id), 1);
	}
	for (i = 0; i < steps; i++) {
		n = rnd_below(RAM_PAGES);
		t.frame_rc[n] = t.frame_rc[n] ? 0 :
				rnd_below(2) ? -EACCES : -ETXTBSY;
		if (rnd_below(64) == 0)
			memset(t.frame_rc, 0, sizeof(t.frame_rc));
		machine.preempt_every = rnd_below(3) ? 0 : 1 + rnd_below(9);
		random_call();
		c = rnd_below(NR_MODEL);
		dfn = rnd_below(SPAN);
		CHECK_EQ(look(model[c].id, dfn),
			 model[c].gfn[dfn] ? (long)model[c].gfn[dfn] : -ENOENT);
		mapped += t.refs;
	}
	INFO("%u batches, %" PRIu64 " pages mapped on average", steps,
	     mapped / steps);
	end();
}

/*
 * The contents of an operation's struct, and of the memory after it, on return
 */
struct op_sample {
	enum xen_pv_iommu_op op;
	unsigned int size;
	union {
		struct xen_pv_iommu_query query;
		struct xen_pv_iommu_dev_query dev_query;
		struct xen_pv_iommu_dev_resv dev_resv;
		struct xen_pv_iommu_ctx ctx;
		struct xen_pv_iommu_attach attach;
		struct xen_pv_iommu_batch batch;
		struct xen_pv_iommu_lookup lookup;
		struct xen_pv_iommu_fault fault;
		uint8_t raw[96];
	};
};

#define SAMPLE(nr, member, ...)						\
	(struct op_sample){ .op = XEN_PV_IOMMU_OP_##nr,			\
			    .size = sizeof(((struct op_sample *)0)->member), \
			    .member = { __VA_ARGS__ } }

/* Fill the OUT fields, which may have any contents before the call. */
#define FILL(s, member, first, fill)					\
	memset(&(s)->member.first, fill,				\
	       sizeof((s)->member) - offsetof(typeof((s)->member), first))

static void fill_out(struct op_sample *s, uint8_t fill)
{
	switch (s->op) {
	case XEN_PV_IOMMU_OP_QUERY:
		memset(&s->query.features, fill,
		       offsetof(struct xen_pv_iommu_query, mbz) -
		       offsetof(struct xen_pv_iommu_query, features));
		break;
	case XEN_PV_IOMMU_OP_DEV_QUERY:
		memset(&s->dev_query.flags, fill,
		       offsetof(struct xen_pv_iommu_dev_query, mbz) -
		       offsetof(struct xen_pv_iommu_dev_query, flags));
		break;
	case XEN_PV_IOMMU_OP_DEV_RESV:
		s->dev_resv.start = s->dev_resv.last = s->dev_resv.type =
			fill * 0x01010101U;
		break;
	case XEN_PV_IOMMU_OP_CTX_ALLOC:
	case XEN_PV_IOMMU_OP_CTX_SET:
		break;		/* the whole struct is IN as well */
	case XEN_PV_IOMMU_OP_CTX_FREE:
	case XEN_PV_IOMMU_OP_CTX_INFO:
	case XEN_PV_IOMMU_OP_CTX_NEXT:
	case XEN_PV_IOMMU_OP_RESET:
		FILL(s, ctx, iova_last, fill);
		break;
	case XEN_PV_IOMMU_OP_ATTACH:
		FILL(s, attach, prev_ctx, fill);
		break;
	case XEN_PV_IOMMU_OP_BATCH:
		FILL(s, batch, status, fill);
		break;
	case XEN_PV_IOMMU_OP_LOOKUP:
	case XEN_PV_IOMMU_OP_LOOKUP_NEXT:
		s->lookup.gfn = s->lookup.flags = s->lookup.order = fill;
		break;
	default:
		memset(s->raw, fill, s->size);
	}
}

/* Run each sample on a newly started machine, so that results can be compared. */
static struct op_sample sample_run(unsigned int n, uint8_t fill)
{
	struct op_sample s, samples[] = {
		SAMPLE(DEV_QUERY, dev_query, .dev.id = 0x100),
		SAMPLE(DEV_RESV, dev_resv, .dev.id = 0x100),
		SAMPLE(CTX_ALLOC, ctx, .flags = 0),
		SAMPLE(CTX_INFO, ctx, .ctx = 1),
		SAMPLE(ATTACH, attach, .dev.id = 0x101, .ctx = 1),
		SAMPLE(BATCH, batch, .ctx = 1, .dfn = 8, .gfn = RAM_MFN + 8,
		       .nr = 1, .flags = RW, .op = XEN_PV_IOMMU_BATCH_MAP),
		SAMPLE(LOOKUP, lookup, .ctx = 1),
		SAMPLE(FAULT_READ, fault, .pasid = 0),
		SAMPLE(CTX_NEXT, ctx, .ctx = 0),
		SAMPLE(LOOKUP_NEXT, lookup, .ctx = 1),
		SAMPLE(CTX_SET, ctx, .ctx = 1, .pt_pages_max = 9),
	};

	if (n >= ARRAY_SIZE(samples))
		return (struct op_sample){ .size = 0 };
	start();
	CHECK_EQ(ctx_alloc(), 1);
	CHECK_EQ(attach(0, 1), 1);
	CHECK_EQ(map(1, 0, RAM_MFN, 4), 1);
	iommu_ctx_fault(t.dev[0].sbdf, 0x5000, true);
	s = samples[n];
	memset(s.raw + s.size, fill, sizeof(s.raw) - s.size);
	fill_out(&s, fill);
	CHECK_EQ(call(s.op, s.raw, 1), 1);
	end();
	return s;
}

/* Xen sets OUT fields; it neither adds to them nor skips one (lessons 2.7). */
TEST(out_fields_are_set)
{
	struct op_sample zero, ones;
	unsigned int n;

	for (n = 0; (zero = sample_run(n, 0)).size; n++) {
		ones = sample_run(n, 0xff);
		if (memcmp(zero.raw, ones.raw, zero.size))
			FAIL("operation %u leaves what it found", zero.op);
	}
	CHECK_EQ(n, 11);
}

/* Xen sets them on errors too: the result must not depend on the old contents. */
static void set_on_error(const struct op_sample *bad)
{
	struct op_sample zero = *bad, ones = *bad;

	fill_out(&zero, 0);
	fill_out(&ones, 0xff);
	CHECK(call(zero.op, zero.raw, 1) < 0);
	CHECK(call(ones.op, ones.raw, 1) < 0);
	if (memcmp(zero.raw, ones.raw, sizeof(zero.raw)))
		FAIL("operation %u leaves what it found", bad->op);
}

TEST(out_fields_are_set_on_errors)
{
	const struct op_sample bad[] = {
		SAMPLE(QUERY, query, .magic_version = XEN_PV_IOMMU_MAGIC | 1,
		       .size = sizeof(struct xen_pv_iommu_query), .mbz = 1),
		SAMPLE(DEV_QUERY, dev_query, .mbz = 1),
		SAMPLE(DEV_QUERY, dev_query, .dev.id = 0xffff),
		SAMPLE(DEV_RESV, dev_resv, .dev.id = 0x100, .mbz = 1),
		SAMPLE(DEV_RESV, dev_resv, .dev.id = 0xffff),
		SAMPLE(CTX_ALLOC, ctx, .flags = 1),
		SAMPLE(CTX_FREE, ctx, .ctx = 77),
		SAMPLE(CTX_FREE, ctx, .flags = 1),
		SAMPLE(CTX_INFO, ctx, .ctx = 77),
		SAMPLE(ATTACH, attach, .dev.id = 0xffff),
		SAMPLE(ATTACH, attach, .dev.id = 0x100, .flags = 4),
		SAMPLE(BATCH, batch, .op = 200),
		SAMPLE(LOOKUP, lookup, .ctx = 77),
		SAMPLE(LOOKUP, lookup, .mbz = 1),
		SAMPLE(LOOKUP_NEXT, lookup, .ctx = 77),
		SAMPLE(LOOKUP_NEXT, lookup, .mbz = 1),
		SAMPLE(CTX_NEXT, ctx, .ctx = 2),
		SAMPLE(CTX_SET, ctx, .ctx = 77),
		SAMPLE(CTX_SET, ctx, .flags = 1),
		SAMPLE(FAULT_READ, fault, .pasid = 0),
		SAMPLE(RESET, ctx, .ctx = 1),
	};
	unsigned int n;

	start();
	for (n = 0; n < ARRAY_SIZE(bad); n++)
		set_on_error(&bad[n]);
	end();
}

/* No operation writes after the end of its own struct (lessons 2.6). */
TEST(structs_keep_to_their_size)
{
	struct op_sample s;
	unsigned int n, i;

	for (n = 0; (s = sample_run(n, 0x5c)).size; n++)
		for (i = s.size; i < sizeof(s.raw); i++)
			if (s.raw[i] != 0x5c)
				FAIL("operation %u writes byte %u of %u", s.op,
				     i, s.size);
}

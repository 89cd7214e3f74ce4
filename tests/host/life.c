// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of contexts besides maps and moves: Xen records refused DMA, memory runs
 * short, flushes fail at every place, devices are away, and the domain dies.
 */
#include "xen-fake/backend.h"

#define RING 64U

/*
 * Faults
 */
static long fault_read(struct xen_pv_iommu_fault *f)
{
	memset(f, 0xaa, sizeof(*f));
	return call(XEN_PV_IOMMU_OP_FAULT_READ, f, 1);
}

/* Return whether Xen's log reports the fault. */
static bool fault(unsigned int dev, uint64_t iova, bool write)
{
	bool logged = iommu_ctx_fault(t.dev[dev].sbdf, iova, write);

	check_rest();
	return logged;
}

TEST(fault_record)
{
	struct xen_pv_iommu_fault f;
	uint64_t time;
	long ctx = start_ctx();

	t.dev[1].command = PCI_COMMAND_MASTER;
	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(map(ctx, 5, RAM_MFN, 1), 1);
	CHECK_EQ(fault_read(&f), -ENOENT);
	CHECK(!f.iova && !f.time && !f.dev.id);

	fault(1, 0x4567, true);
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.dev.type, XEN_PV_IOMMU_DEV_PCI);
	CHECK_EQ(f.dev.id, t.dev[1].sbdf.sbdf);
	CHECK_EQ(f.iova, 0x4567);
	CHECK_EQ(f.ctx, ctx);
	CHECK_EQ(f.reason, XEN_PV_IOMMU_FAULT_UNMAPPED);
	CHECK_EQ(f.flags, XEN_PV_IOMMU_FAULT_F_WRITE);
	CHECK_EQ(f.lost, 0);
	CHECK(f.time);
	time = f.time;
	CHECK_EQ(fault_read(&f), -ENOENT);

	/* A leaf is present: the access right was missing. */
	fault(1, 0x5008, false);
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.reason, XEN_PV_IOMMU_FAULT_PERM);
	CHECK_EQ(f.flags, 0);
	CHECK(f.time > time);
	/* The owner has turned bus mastering off, which Xen does not report. */
	t.dev[1].command = 0;
	fault(1, 0x5008, false);
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.flags, 0);
	end();
}

TEST(fault_reasons)
{
	struct xen_pv_iommu_fault f;

	start();
	t.dev[0].command = PCI_COMMAND_MASTER;
	fault(0, 1ULL << 39, false);
	fault(0, (1ULL << 39) - 1, false);
	CHECK_EQ(attach(0, BLOCKED), 1);
	fault(0, 0, false);
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.reason, XEN_PV_IOMMU_FAULT_RANGE);
	/* A fault in the ordinary table: the context code does not read that table. */
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.reason, XEN_PV_IOMMU_FAULT_OTHER);
	CHECK_EQ(f.ctx, 0);
	CHECK_EQ(f.flags, 0);
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.ctx, BLOCKED);
	CHECK_EQ(f.reason, XEN_PV_IOMMU_FAULT_UNMAPPED);
	end();
}

/* Records come oldest first, across the ring's end; Xen counts those that were lost. */
TEST(fault_ring_overflows)
{
	struct xen_pv_iommu_fault f;
	unsigned int i, round;

	start();
	for (round = 0; round < 3; round++) {
		for (i = 0; i < RING + 7; i++)
			fault(0, i << PAGE_SHIFT, false);
		for (i = 0; i < RING; i++) {
			CHECK_EQ(fault_read(&f), 1);
			CHECK_EQ(f.iova, i << PAGE_SHIFT);
			CHECK_EQ(f.lost, round && !i ? 7 : 0);
		}
		CHECK_EQ(fault_read(&f), -ENOENT);
		/* Advance the start of the ring. */
		if (round == 1) {
			fault(0, 1, false);
			CHECK_EQ(fault_read(&f), 1);
			CHECK_EQ(f.lost, 7);
			for (i = 0; i < RING + 7; i++)
				fault(0, 1, false);
			for (i = 0; i < RING; i++)
				CHECK_EQ(fault_read(&f), 1);
		}
	}
	end();
}

/* The first record after a loss reports the number of lost ones. */
TEST(fault_lost_count)
{
	struct xen_pv_iommu_fault f;
	unsigned int i;

	start();
	for (i = 0; i < RING + 3; i++)
		fault(0, i, false);
	CHECK_EQ(fault_read(&f), 1);
	fault(0, 0x1000, false);
	fault(0, 0x2000, false);	/* lost: full again */
	for (i = 1; i < RING; i++) {
		CHECK_EQ(fault_read(&f), 1);
		CHECK_EQ(f.iova, i);
		CHECK_EQ(f.lost, 0);
	}
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.iova, 0x1000);
	CHECK_EQ(f.lost, 3);
	fault(0, 0x3000, false);
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.lost, 1);
	end();
}

TEST(fault_virq_once)
{
	struct xen_pv_iommu_fault f;
	unsigned int i;

	start();
	CHECK_EQ(machine.virqs, 0);
	fault(0, 0, false);
	CHECK_EQ(machine.virqs, 1);
	for (i = 0; i < RING + 5; i++)
		fault(0, i, false);
	CHECK_EQ(machine.virqs, 1);
	/* Not empty yet. */
	for (i = 0; i < RING - 1; i++)
		CHECK_EQ(fault_read(&f), 1);
	fault(0, 0, false);
	CHECK_EQ(machine.virqs, 1);
	while (fault_read(&f) == 1)
		;
	fault(0, 0, false);
	CHECK_EQ(machine.virqs, 2);
	end();
}

/* Xen records faults of the hardware domain's devices only, and only if it has a table. */
TEST(fault_owner)
{
	static struct domain domu = { .domain_id = 1 };
	struct xen_pv_iommu_fault f;
	long ctx = start_attached();

	give_away(0);
	fault(0, 0x1000, false);
	t.dev[1].domain = &domu;
	fault(1, 0x1000, false);
	t.dev[2].domain = dom_xen;
	fault(2, 0x1000, false);
	iommu_ctx_fault((pci_sbdf_t){ .sbdf = 0x999 }, 0x1000, false);
	CHECK_EQ(machine.virqs, 0);
	CHECK_EQ(fault_read(&f), -ENOENT);
	come_back(0);
	fault(0, 0x1000, false);
	CHECK_EQ(fault_read(&f), 1);
	CHECK_EQ(f.ctx, ctx);
	end();

	/* Before the first use, and after the end. */
	memset(&t, 0, sizeof(t));
	t.dev[0].domain = &dom0;
	fault(0, 0x1000, false);
	CHECK_EQ(machine.virqs, 0);
}

/* One call reads many records; the element after the last one is an error. */
TEST(fault_array)
{
	static struct xen_pv_iommu_fault f[8];
	unsigned int i;

	start();
	for (i = 0; i < 5; i++)
		fault(0, i, false);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_FAULT_READ, f, 8), 5);
	for (i = 0; i < 5; i++)
		CHECK_EQ(f[i].iova, i);
	CHECK_EQ(call(XEN_PV_IOMMU_OP_FAULT_READ, f, 8), -ENOENT);
	end();
}

/*
 * Too many faults
 */
#define LIMIT 10U

static unsigned int flags_of_next(void)
{
	struct xen_pv_iommu_fault f;

	CHECK_EQ(fault_read(&f), 1);
	return f.flags;
}

static bool is_master(unsigned int dev)
{
	return t.dev[dev].command & PCI_COMMAND_MASTER;
}

/* Put a device that does DMA into `ctx`, with as many faults as pass in a second. */
static void faulting_in(unsigned int dev, unsigned int ctx)
{
	unsigned int i;

	t.dev[dev].command = PCI_COMMAND_MASTER;
	CHECK_EQ(attach(dev, ctx), 1);
	for (i = 0; i < LIMIT; i++) {
		fault(dev, 0x1000, false);
		CHECK_EQ(flags_of_next(), 0);
	}
	CHECK(!t.dev[dev].hw_suppressed);
}

static void suppressed_in(unsigned int dev, unsigned int ctx)
{
	faulting_in(dev, ctx);
	fault(dev, 0x1000, false);
	CHECK_EQ(flags_of_next(), XEN_PV_IOMMU_FAULT_F_SUPPRESSED);
	CHECK(t.dev[dev].hw_suppressed);
}

/* The device stays enabled; Xen suppresses its faults for a second, in BLOCKED too. */
TEST(suppressed_after_ten_faults)
{
	unsigned int ctx[2], i;

	start();
	ctx[0] = ctx_alloc();
	ctx[1] = BLOCKED;
	for (i = 0; i < 2; i++) {
		suppressed_in(i, ctx[i]);
		CHECK(strstr(fake_log, "too many faults"));
		/* A fault that was in progress. */
		CHECK(!fault(i, 0x1000, true));
		CHECK_EQ(flags_of_next(), XEN_PV_IOMMU_FAULT_F_SUPPRESSED |
					  XEN_PV_IOMMU_FAULT_F_WRITE);
		time_passes(MILLISECS(900));
		CHECK(t.dev[i].hw_suppressed);
		time_passes(MILLISECS(100));
		CHECK(!t.dev[i].hw_suppressed);
		/* Xen reports the next fault, and logs it if the faults stay slow. */
		CHECK(!fault(i, 0x1000, false));
		CHECK_EQ(flags_of_next(), 0);
		time_passes(SECONDS(1));
		CHECK(fault(i, 0x1000, false));
		CHECK_EQ(flags_of_next(), 0);
		CHECK(is_master(i));
	}
	CHECK_EQ(t.outside, 0);
	CHECK_EQ(t.nr_suppress, 4);
	end();
}

/* Xen accepts ten faults a second for ever. */
TEST(not_suppressed_if_slow)
{
	unsigned int i, ctx;

	start();
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	for (i = 0; i < 50 * LIMIT; i++) {
		CHECK(fault(0, 0x1000, false));
		CHECK_EQ(flags_of_next(), 0);
		time_passes(MILLISECS(1000 / LIMIT));
	}
	CHECK_EQ(t.nr_suppress, 0);
	end();
}

/*
 * A device faults each millisecond for a minute. The cost of the reported faults
 * stays below the limit, and Xen logs the device once.
 */
TEST(suppressed_flood)
{
	unsigned int ms, told = 0, logged = 0;
	struct xen_pv_iommu_fault f;

	start();
	t.dev[0].command = PCI_COMMAND_MASTER;
	CHECK_EQ(attach(0, ctx_alloc()), 1);
	fake_printks = 0;
	for (ms = 0; ms < 60000; ms++) {
		time_passes(MILLISECS(1));
		if (t.dev[0].hw_suppressed)
			continue;
		told++;
		logged += fault(0, 0x1000, false);
		CHECK_EQ(fault_read(&f), 1);
	}
	CHECK(told >= 50 * LIMIT && told <= 60 * (LIMIT + 1));
	CHECK_EQ(logged, LIMIT + 1);
	CHECK_EQ(fake_printks, 1);
	CHECK(is_master(0));
	end();
}

/* A device that floods takes no records and no reports from another device. */
TEST(suppressed_one_by_one)
{
	unsigned int ctx;

	start();
	ctx = ctx_alloc();
	suppressed_in(0, ctx);
	time_passes(MILLISECS(500));
	suppressed_in(1, ctx);
	CHECK_EQ(attach(2, ctx), 1);
	CHECK(fault(2, 0x1000, false));
	CHECK_EQ(flags_of_next(), 0);
	/* One timer resumes each device at its own time. */
	time_passes(MILLISECS(500));
	CHECK(!t.dev[0].hw_suppressed && t.dev[1].hw_suppressed);
	time_passes(MILLISECS(500));
	CHECK(!t.dev[1].hw_suppressed);
	end();
}

/* In DEFAULT and for other domains Xen's own rule applies, as before. */
TEST(faults_outside_contexts)
{
	struct xen_pv_iommu_fault f;
	unsigned int i;

	start();
	t.dev[0].command = t.dev[1].command = PCI_COMMAND_MASTER;
	for (i = 0; i < 3 * LIMIT; i++) {
		CHECK(fault(0, 0x1000, false));
		CHECK_EQ(flags_of_next(), i < 9 ? 0 :
			 XEN_PV_IOMMU_FAULT_F_DISABLED);
	}
	CHECK(!is_master(0));
	/* The device is away, so its context does not count. */
	CHECK_EQ(attach(1, ctx_alloc()), 1);
	give_away(1);
	for (i = 0; i < 3 * LIMIT; i++)
		CHECK(fault(1, 0x1000, false));
	CHECK(!is_master(1));
	CHECK_EQ(fault_read(&f), -ENOENT);
	CHECK_EQ(t.outside, 6 * LIMIT);
	CHECK_EQ(t.nr_suppress, 0);
	come_back(1);
	end();
}

/* Each ATTACH ends suppression, also one to the current context. */
TEST(suppression_ends_with_attach)
{
	unsigned int to[4], i;

	start();
	to[0] = ctx_alloc();
	to[1] = ctx_alloc();
	to[2] = BLOCKED;
	to[3] = 0;
	for (i = 0; i < ARRAY_SIZE(to); i++) {
		suppressed_in(0, to[0]);
		CHECK_EQ(attach(0, to[i]), 1);
		CHECK(!t.dev[0].hw_suppressed);
		fault(0, 0x1000, false);
		CHECK_EQ(flags_of_next(), 0);
		time_passes(SECONDS(1));
	}
	end();
}

/* After a failed move the device's faults are reported. */
TEST(suppression_and_failed_attach)
{
	unsigned int one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	suppressed_in(0, one);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 1;
	CHECK_EQ(attach(0, two), -EIO);
	CHECK_EQ(hw_id(0), one);
	CHECK(!t.dev[0].hw_suppressed);
	faulting_in(0, one);
	end();
}

/* Xen leaves the entries of a device that is away alone; it may return soon. */
TEST(suppressed_device_away)
{
	unsigned int ctx;

	start();
	ctx = ctx_alloc();
	suppressed_in(0, ctx);
	give_away(0);
	time_passes(SECONDS(1));
	come_back(0);
	faulting_in(0, ctx);

	suppressed_in(1, ctx);
	give_away(1);
	come_back(1);
	/* Its new entry is not suppressed; the next fault suppresses it. */
	CHECK(!fault(1, 0x1000, false));
	CHECK_EQ(flags_of_next(), XEN_PV_IOMMU_FAULT_F_SUPPRESSED);
	CHECK(t.dev[1].hw_suppressed);
	time_passes(SECONDS(1));
	CHECK(!t.dev[1].hw_suppressed);

	suppressed_in(2, ctx);
	give_away(2);
	CHECK_EQ(attach(2, 0), 1);
	time_passes(SECONDS(1));
	come_back(2);
	end();
}

/* The device is unplugged, or its domain dies: no timer may use it after that. */
TEST(suppressed_device_goes)
{
	unsigned int ctx;

	start();
	ctx = ctx_alloc();
	suppressed_in(0, ctx);
	suppressed_in(1, BLOCKED);
	suppressed_in(2, ctx);
	pcidevs_lock();
	t.dev[0].hw = NULL;
	t.dev[0].hw_suppressed = false;
	iommu_ctx_device_gone(&t.dev[0]);
	pcidevs_unlock();
	CHECK(!t.dev[0].ctx_fault.until);
	memset(&t.dev[0], 0xff, sizeof(t.dev[0]));
	time_passes(SECONDS(1));
	CHECK(!t.dev[1].hw_suppressed && !t.dev[2].hw_suppressed);
	memset(&t.dev[0], 0, sizeof(t.dev[0]));

	suppressed_in(1, BLOCKED);
	suppressed_in(2, ctx);
	give_away(1);
	give_away(2);
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK(!t.dev[1].ctx_fault.until && !t.dev[2].ctx_fault.until);
	memset(t.dev, 0xff, sizeof(t.dev));
	time_passes(SECONDS(1));
	memset(t.dev, 0, sizeof(t.dev));
	CHECK_EQ(machine.objects, 0);
	machine_start();
}

/* If the IOMMU cannot suppress faults, Xen's own rule applies. */
TEST(suppression_fails)
{
	unsigned int i, ctx;

	start();
	ctx = ctx_alloc();
	faulting_in(0, ctx);
	t.suppress_rc = -EIO;
	for (i = 0; i < 10; i++) {
		CHECK(fault(0, 0x1000, false));
		CHECK_EQ(flags_of_next(), i < 9 ? 0 :
			 XEN_PV_IOMMU_FAULT_F_DISABLED);
	}
	CHECK(!is_master(0));
	CHECK(!t.dev[0].hw_suppressed);
	t.suppress_rc = 0;

	/* Suppressing succeeds, resuming fails. */
	suppressed_in(1, ctx);
	t.suppress_rc = -EIO;
	time_passes(SECONDS(1));
	CHECK(strstr(fake_log, "fault reports may stay suppressed"));
	t.suppress_rc = 0;
	end();
}

/* The timer does not wait for a CPU that holds pcidevs_lock. */
TEST(resume_does_not_wait)
{
	start();
	suppressed_in(0, ctx_alloc());
	machine.other.pci = 1;
	time_passes(SECONDS(1));
	CHECK(t.dev[0].hw_suppressed);
	machine.other.pci = 0;
	time_passes(MILLISECS(10));
	CHECK(!t.dev[0].hw_suppressed);
	end();
}

/*
 * Devices behind a bridge fault with a shared requester id, which may belong to no
 * device. Xen names a device that is in a context.
 */
TEST(fault_by_shared_id)
{
	static const pci_sbdf_t bridge = { .sbdf = 0x300 };
	struct xen_pv_iommu_fault f;
	unsigned int i, ctx;

	start();
	ctx = ctx_alloc();
	t.dev[1].shared_id = t.dev[2].shared_id = bridge.sbdf;
	t.dev[3].command = PCI_COMMAND_MASTER;
	CHECK(iommu_ctx_fault(bridge, 0x1000, true));
	CHECK_EQ(fault_read(&f), -ENOENT);
	CHECK_EQ(t.outside, 1);
	CHECK_EQ(attach(2, ctx), 1);
	for (i = 0; i <= LIMIT; i++) {
		CHECK(iommu_ctx_fault(bridge, 0x1000, true));
		CHECK_EQ(fault_read(&f), 1);
		CHECK_EQ(f.dev.id, t.dev[2].sbdf.sbdf);
		CHECK_EQ(f.ctx, ctx);
		CHECK_EQ(f.reason, XEN_PV_IOMMU_FAULT_UNMAPPED);
	}
	CHECK(f.flags & XEN_PV_IOMMU_FAULT_F_SUPPRESSED);
	CHECK(t.dev[2].hw_suppressed);
	CHECK_EQ(t.outside, 1);
	/*
	 * The id belongs to a bridge: Xen does not disable it for faults of other
	 * devices.
	 */
	t.dev[1].shared_id = t.dev[2].shared_id = t.dev[3].sbdf.sbdf;
	time_passes(SECONDS(1));
	for (i = 0; i <= LIMIT; i++)
		fault(3, 0x1000, true);
	CHECK(is_master(3));
	CHECK(t.dev[2].hw_suppressed);
	end();
}

/*
 * Memory at its quota: Xen reclaims empty tables of any context (ruling 23)
 */

/* Leave `nr` empty tables in a context, from dfn 0 on. */
static void leave_tables(long ctx, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		CHECK_EQ(map(ctx, i * 512, RAM_MFN, 1), 1);
		CHECK_EQ(unmap(ctx, i * 512, 1), 1);
	}
}

/* Lower the quota to the current number of tables, with no reserve. */
static void close_quota(void)
{
	dom0.iommu.ctxs->pt_pages_max = dom0.iommu.ctxs->pt_pages;
	dom0.iommu.ctxs->pt_pages_reserve = 0;
}

/* Reclaim from any context that has empty tables. */
static int reclaim(void)
{
	return iommu_ctx_reclaim(&dom0, NULL, IOMMU_CTX_BOUND_DOMAIN);
}

/* XSA-480: Xen removes a table and flushes before it uses the table again. */
TEST(reclaim_from_another_context)
{
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(attach(0, one), 1);
	leave_tables(one, 10);
	close_quota();
	trace_start();
	CHECK_EQ(map(two, 0, RAM_MFN, 1), 1);
	/* Xen flushes the old context, frees the table, then uses it. */
	CHECK_TRACE("GFTM");
	CHECK_EQ(look(two, 0), RAM_MFN);
	CHECK(query().pt_pages <= query().pt_pages_max);
	/* The opposite direction: reclaim what is empty in the second context. */
	CHECK_EQ(unmap(two, 0, 1), 1);
	close_quota();
	CHECK_EQ(map(one, 4096, RAM_MFN, 1), 1);
	end();
}

/* Nothing can be reclaimed: Xen refuses, drops all references, and changes nothing else. */
TEST(reclaim_finds_nothing)
{
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(map(one, 0, RAM_MFN, 1), 1);
	close_quota();
	trace_start();
	CHECK_EQ(map(two, 0, RAM_MFN + 1, 1), -ENOMEM);
	CHECK_TRACE("GP");
	CHECK_EQ(t.refs, 1);
	/* Xen does not reclaim BLOCKED's tables. */
	CHECK_EQ(ctx_info(BLOCKED).pt_pages, 2);
	CHECK_EQ(look(one, 0), RAM_MFN);
	end();
}

/*
 * Another CPU takes each table that was reclaimed. This ends when no empty table is
 * left, and the caller can be preempted meanwhile (XSA-492).
 */
static bool steal;

static void steal_in_flush(void)
{
	machine.in_flush = steal ? steal_in_flush : NULL;
	if (steal)
		dom0.iommu.ctxs->pt_pages_max = 0;	/* reserve: 0 */
}

/* Return the number of continuations of the call. */
static unsigned int map_with_a_thief(unsigned int preempt_every)
{
	unsigned int continued;
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	leave_tables(one, 300);
	close_quota();
	steal = true;
	machine.in_flush = steal_in_flush;
	machine.preempt_every = preempt_every;
	trace_start();
	CHECK_EQ(map(two, 0, RAM_MFN, 1), -ENOMEM);
	continued = continuations;
	/* Xen reclaims 64 tables at a time. */
	CHECK_EQ(machine.flushes, 5);
	CHECK_EQ(t.refs, 0);
	steal = false;
	machine.in_flush = NULL;
	end();
	return continued;
}

TEST(reclaim_for_a_thief)
{
	CHECK_EQ(map_with_a_thief(0), 0);
	CHECK_EQ(map_with_a_thief(1), 5);
}

/* Preemption must not become -ENOMEM: MAP continues until it has found the empty tables. */
static void map_on_and_on(unsigned int rounds, uint64_t step)
{
	long ctx, other;
	unsigned int i;

	start();
	other = ctx_alloc();
	ctx = ctx_alloc();
	leave_tables(other, 500);
	close_quota();
	machine.preempt_every = 1;
	for (i = 0; i < rounds; i++) {
		/* Start at 4 GiB, above the range of interrupts. */
		uint64_t dfn = 0x100000 + i * step % (1U << 26);

		CHECK_EQ(map(ctx, dfn, RAM_MFN, 1), 1);
		CHECK_EQ(unmap(ctx, dfn, 1), 1);
	}
	CHECK(query().pt_pages <= query().pt_pages_max);
	end();
}

TEST(map_2m_further_each_time)
{
	map_on_and_on(4000, 512);
}

TEST(map_1g_further_each_time)
{
	map_on_and_on(4000, 512 * 512);
}

/* The empty tables come after many that are in use. */
TEST(reclaim_is_preempted)
{
	unsigned int i;
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	for (i = 0; i < 600; i++)
		CHECK_EQ(map(one, i * 512, RAM_MFN, 1), 1);
	CHECK_EQ(unmap(one, 599 * 512, 1), 1);
	close_quota();
	machine.preempt_every = 1;
	CHECK_EQ(map(two, 0, RAM_MFN, 1), -ENOMEM);	/* needs two tables */
	CHECK(continuations >= 5);
	CHECK_EQ(unmap(one, 0, 1), 1);
	CHECK_EQ(map(two, 0, RAM_MFN, 1), 1);
	CHECK_EQ(t.refs, 599);
	end();
}

/* One step looks at up to 64 tables of a context; the next continues there (XSA-492). */
TEST(reclaim_is_bounded)
{
	unsigned int before, after;
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	leave_tables(one, 300);
	close_quota();
	before = query().pt_pages;
	CHECK_EQ(map(two, 0, RAM_MFN, 1), 1);
	after = query().pt_pages;
	CHECK(before - after <= 64 + 4);
	CHECK(before - after >= 32);
	end();
}

/* XSA-480: Xen never reuses a table that it removed but could not flush. */
TEST(reclaim_flush_fails)
{
	unsigned int before;
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(attach(0, one), 1);
	leave_tables(one, 10);
	close_quota();
	before = machine.heap_nr;
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	CHECK_EQ(map(two, 0, RAM_MFN, 1), -ENOMEM);
	CHECK_EQ(machine.heap_nr, before);
	CHECK_EQ(t.refs, 0);
	/* The device could still reach the old tables, so Xen must block it. */
	CHECK(ctx_info(one).flags & XEN_PV_IOMMU_CTX_F_BROKEN);
	CHECK_EQ(hw_id(0), BLOCKED);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK(machine.heap_nr);
	CHECK_EQ(machine.objects, 0);
	machine_start();
}

/*
 * Another CPU maps where tables were removed, before their flush. IOMMUs may still
 * cache the old, empty table, so the other CPU must flush before it returns (a
 * second case of XSA-480).
 */
static struct iommu_ctx *other_ctx;
static int64_t other_done;
static unsigned int other_flushes;

static void other_map(void)
{
	unsigned int before = machine.flushes;

	other_done = iommu_ctx_map(other_ctx, 1, RAM_MFN + 1, 1, 0, RW,
				   iommu_ctx_gather());
	other_flushes = machine.flushes - before;
}

static void map_in_flush(void)
{
	machine.in_flush = NULL;
	CHECK(on_other_cpu(other_map));
}

TEST(map_while_tables_are_taken_away)
{
	long one;

	start();
	one = ctx_alloc();
	CHECK_EQ(attach(0, one), 1);
	leave_tables(one, 10);
	other_ctx = iommu_ctx_get(&dom0, one);
	machine.in_flush = map_in_flush;
	CHECK_EQ(reclaim(), 0);
	CHECK_EQ(other_done, 1);
	CHECK(other_flushes);
	iommu_ctx_put(other_ctx);
	end();
}

/*
 * Reclaim skips a context that another CPU has locked, and does not count it as
 * empty (XSA-499).
 */
static struct iommu_ctx *busy;

TEST(reclaim_passes_over_busy_contexts)
{
	struct iommu_ctx *ctx;
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	leave_tables(one, 4);
	busy = iommu_ctx_get(&dom0, one);
	busy->lock.held = true;
	CHECK_EQ(reclaim(), -ERESTART);
	leave_tables(two, 4);
	CHECK_EQ(reclaim(), 0);
	busy->lock.held = false;
	CHECK_EQ(reclaim(), 0);
	CHECK_EQ(reclaim(), -ENOMEM);
	iommu_ctx_put(busy);
	ctx = iommu_ctx_get(&dom0, two);
	CHECK_EQ(atomic_read(&ctx->refs), 2);
	iommu_ctx_put(ctx);
	end();
}

/* The same for a context whose removed tables another CPU is flushing. */
static int reclaim_result;

static void other_reclaim(void)
{
	reclaim_result = reclaim();
}

static void reclaim_in_flush(void)
{
	machine.in_flush = NULL;
	CHECK(on_other_cpu(other_reclaim));
}

TEST(reclaim_while_tables_are_flushed)
{
	start();
	leave_tables(ctx_alloc(), 10);
	machine.in_flush = reclaim_in_flush;
	CHECK_EQ(reclaim(), 0);
	CHECK_EQ(reclaim_result, -ERESTART);
	CHECK_EQ(reclaim(), -ENOMEM);
	end();
}

/* Dying contexts free their tables themselves (XSA-502). */
TEST(reclaim_passes_over_dying_contexts)
{
	struct iommu_ctx *ctx;
	long one;

	start();
	one = ctx_alloc();
	leave_tables(one, 4);
	ctx = iommu_ctx_get(&dom0, one);
	CHECK_EQ(iommu_ctx_free(&dom0, one), -ERESTART);
	CHECK_EQ(reclaim(), -ENOMEM);
	iommu_ctx_put(ctx);
	CHECK_EQ(ctx_free(one), 1);
	end();
}

/*
 * A context that the hardware still uses
 */

/* It has no member, but Xen must keep its tables. (XSA-480) */
TEST(free_while_in_use)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 4), 1);
	t.in_use = true;
	trace_start();
	CHECK_EQ(ctx_free(ctx), -EBUSY);
	CHECK_EQ(reset(true), -EBUSY);
	CHECK_TRACE("");
	/* The context is unchanged and works. */
	CHECK_EQ(look(ctx, 3), RAM_MFN + 3);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(iommu_ctx_relinquish(&dom0), -EBUSY);
	CHECK_EQ(look(ctx, 3), RAM_MFN + 3);
	t.in_use = false;
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

/*
 * A broken context
 */

/* FREE flushes all leaves, parked or not, and keeps those that it cannot flush. */
TEST(free_flush_fails)
{
	long ctx = start_ctx_translated();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 8), 1);
	t.parked = 4;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH,
		      (struct xen_pv_iommu_batch[]){{
			      .op = XEN_PV_IOMMU_BATCH_UNMAP, .ctx = ctx,
			      .nr = 4, .flags = XEN_PV_IOMMU_F_NOFLUSH }}, 1),
		 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	t.parked = 0;
	t.kept = 4;
	CHECK_EQ(ctx_free(ctx), 1);
	CHECK_EQ(t.refs, 4);
	end();
}

/* The flush of a region fails at attach, where the IOMMU caches holes (XSA-460). */
TEST(enter_flush_fails)
{
	long ctx;

	start_on(true);
	ctx = ctx_alloc();
	give_region(0, 100, 2);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	CHECK_EQ(attach(0, ctx), -EIO);
	CHECK(!t.dev[0].ctx && !t.dev[0].hw);
	CHECK_EQ(ctx_info(ctx).nr_mapped, 0);
	CHECK_EQ(ctx_free(ctx), 1);
	end();
}

/*
 * The flush of a region fails when its device leaves: Xen blocks the other members
 * (XSA-460).
 */
TEST(leave_flush_fails)
{
	long ctx = start_ctx();

	give_region(0, 100, 2);
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(attach(1, ctx), 1);
	machine.fail_flush = 1;		/* not the switch */
	machine.nr_fail_flush = 2;
	CHECK_EQ(attach(0, 0), 1);
	CHECK_EQ(hw_id(0), 0);
	CHECK_EQ(hw_id(1), BLOCKED);
	CHECK(ctx_info(ctx).flags & XEN_PV_IOMMU_CTX_F_BROKEN);
	end();
}

/* Xen leaves a device that is away alone when its context breaks. */
TEST(break_with_devices_away)
{
	struct xen_pv_iommu_batch e;
	long ctx = start_attached();

	CHECK_EQ(attach(1, ctx), 1);
	CHECK_EQ(map(ctx, 0, RAM_MFN, 4), 1);
	give_away(0);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	t.kept = 4;
	e = unmap_desc(ctx, 0, 4);
	trace_start();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_BATCH, &e, 1), -EIO);
	CHECK_TRACE("CfS");
	CHECK(!t.dev[0].hw);
	CHECK_EQ(t.dev[0].ctx->id, BLOCKED);
	/* The device returns to BLOCKED. */
	come_back(0);
	CHECK_EQ(hw_id(0), BLOCKED);
	end();
}

/*
 * The domain dies
 */
TEST(relinquish)
{
	long one, two;

	start();
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK_EQ(machine.heap_nr, 0);

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(map(one, 0, RAM_MFN, 2000), 1);
	CHECK_EQ(map_2m(two, 512, RAM_MFN, 512), 1);
	table_free();
	CHECK_EQ(t.refs, 0);
}

/* A device of another domain must not return to a freed context (XSA-306, XSA-502). */
TEST(relinquish_with_devices_away)
{
	unsigned int i;
	long one;

	start();
	one = ctx_alloc();
	CHECK_EQ(attach(0, one), 1);
	CHECK_EQ(attach(1, BLOCKED), 1);
	give_region(2, 100, 2);
	CHECK_EQ(attach(2, one), 1);
	CHECK_EQ(map(one, 0, RAM_MFN, 4), 1);
	for (i = 0; i < 3; i++)
		give_away(i);
	trace_start();
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK(!strchr(machine.trace, 'S'));
	for (i = 0; i < NR_DEVS; i++)
		CHECK(!t.dev[i].ctx);
	CHECK_EQ(t.refs, 0);
	CHECK_EQ(machine.objects, 0);
	CHECK_EQ(machine.heap_nr, 0);
}

/*
 * Xen crashes, and turns translation off
 */

/* A device of a context may still do DMA, which must not reach real addresses. */
TEST(crash_silences_devices)
{
	unsigned int i;
	long one;

	start();
	one = ctx_alloc();
	CHECK_EQ(attach(0, one), 1);
	CHECK_EQ(attach(1, BLOCKED), 1);
	CHECK_EQ(attach(2, one), 1);
	give_away(2);
	for (i = 0; i < NR_DEVS; i++)
		t.dev[i].command = PCI_COMMAND_MASTER | 3;
	iommu_ctx_crash_shutdown();
	check_no_lock();
	CHECK(!machine.held.pci);
	for (i = 0; i < 3; i++)
		CHECK_EQ(t.dev[i].command, 3);
	/* A device in no context stays enabled, as without contexts. */
	CHECK_EQ(t.dev[3].command, PCI_COMMAND_MASTER | 3);
	come_back(2);
	end();
}

/* Xen crashed while another CPU changed the list: neither wait nor read it. */
TEST(crash_under_pcidevs_lock)
{
	start();
	CHECK_EQ(attach(0, BLOCKED), 1);
	t.dev[0].command = PCI_COMMAND_MASTER;
	machine.other.pci = 1;
	iommu_ctx_crash_shutdown();
	machine.other.pci = 0;
	CHECK_EQ(t.dev[0].command, PCI_COMMAND_MASTER);
	CHECK(!machine.held.pci);
	/* The CPU that holds the lock can take it again. */
	pcidevs_lock();
	iommu_ctx_crash_shutdown();
	pcidevs_unlock();
	CHECK_EQ(t.dev[0].command, 0);
	end();
}

/* The crash does not wait for a CPU that was stopped in the middle of an access. */
TEST(crash_in_configuration_access)
{
	start();
	CHECK_EQ(attach(0, BLOCKED), 1);
	t.dev[0].command = PCI_COMMAND_MASTER;
	t.conf_busy = true;
	iommu_ctx_crash_shutdown();
	t.conf_busy = false;
	CHECK_EQ(t.dev[0].command, PCI_COMMAND_MASTER);
	CHECK(strstr(fake_log, "PCI config in use"));
	CHECK(!machine.held.pci);
	iommu_ctx_crash_shutdown();
	CHECK_EQ(t.dev[0].command, 0);
	end();
}

/* Xen frees contexts in steps and can be preempted between them (XSA-410, XSA-492). */
TEST(relinquish_in_steps)
{
	unsigned int n = 0;
	long ctx, i;
	int rc;

	start();
	for (i = 0; i < 4; i++) {
		ctx = ctx_alloc();
		CHECK_EQ(map(ctx, 0, RAM_MFN, 4000), 1);
	}
	machine.preempt_every = 1;
	while ((rc = iommu_ctx_relinquish(&dom0)) == -ERESTART)
		CHECK(++n < 1000);
	CHECK_EQ(rc, 0);
	CHECK(n >= 4);
	CHECK_EQ(t.refs, 0);
	CHECK_EQ(machine.heap_nr, 0);
	machine_start();
}

TEST(relinquish_flush_fails)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 0, RAM_MFN, 4), 1);
	machine.fail_flush = 0;
	machine.nr_fail_flush = 2;
	CHECK_EQ(iommu_ctx_relinquish(&dom0), 0);
	CHECK(!dom0.iommu.ctxs);
	CHECK_EQ(t.refs, 4);
	CHECK_EQ(machine.objects, 0);
	machine_start();
}

/*
 * The debug key
 */
int fake_dump_init(void);

TEST(dump)
{
	long one, two;
	unsigned int i;

	start_translated();
	one = ctx_alloc();
	two = ctx_alloc();
	CHECK_EQ(attach(0, one), 1);
	CHECK_EQ(attach(1, one), 1);
	CHECK_EQ(map(one, 0, RAM_MFN, 3), 1);
	CHECK_EQ(map_2m(two, 512, RAM_MFN, 512), 1);
	give_away(1);
	for (i = 0; i <= LIMIT; i++)
		fault(0, 0x1000, false);
	CHECK_EQ(fake_dump_init(), 0);
	fake_log[0] = 0;
	machine.key('y');
	CHECK(!machine.held.pci);
	check_no_lock();
	CHECK(strstr(fake_log, ": 2 IOMMU contexts, 2 without reserve, last 2"));
	CHECK(strstr(fake_log, "faults 11, lost 0"));
	CHECK(strstr(fake_log, " (faults suppressed)"));
	CHECK(strstr(fake_log, "ctx 0x1: refs 1,"));
	CHECK(strstr(fake_log, "pages 3, leaves 3 4k 0 2M"));
	CHECK(strstr(fake_log, "ctx 0x2: refs 1,"));
	CHECK(strstr(fake_log, "pages 512, leaves 0 4k 1 2M"));
	CHECK(strstr(fake_log, "ctx 0xfffe: reserve refs 1,"));
	CHECK(strstr(fake_log, " (away)"));
	come_back(1);
	end();

	/* Xen does not list a domain without contexts. */
	fake_log[0] = 0;
	machine_start();
	CHECK_EQ(fake_dump_init(), 0);
	machine.key('y');
	CHECK(!*fake_log);
}

/*
 * Boot parameters
 */
TEST(parameters)
{
	CHECK_EQ(param("strict"), -ENOENT);
	CHECK_EQ(param("nr-ctx=0"), -EINVAL);
	CHECK_EQ(param("nr-ctx=4097"), -EINVAL);
	CHECK_EQ(param("nr-ctx=12x"), -EINVAL);
	CHECK_EQ(param("nr-ctx="), -EINVAL);
	CHECK_EQ(param("ctx-mem=4095"), -EINVAL);
	CHECK_EQ(param("ctx-mem=2Mx"), -EINVAL);
	CHECK_EQ(param("nr-ctx=3"), 0);
	CHECK_EQ(param("ctx-mem=2M"), 0);
	start();
	CHECK_EQ(query().max_ctx, 3);
	CHECK_EQ(query().pt_pages_max, 512);
	end();
	CHECK_EQ(param("nr-ctx=1024"), 0);
	CHECK_EQ(param("ctx-mem=64M"), 0);
}

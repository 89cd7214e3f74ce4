// SPDX-License-Identifier: GPL-2.0
/*
 * Four vCPUs use the same contexts at once. `wrong` counts results that must never occur.
 * At the end the runner compares Xen's counters. Run with --smp 4. (XSA-285, XSA-399,
 * XSA-410, XSA-492, XSA-499, XSA-502; and XSA-467, because the debug Xen checks its
 * locks.)
 */
#include "clock.h"
#include "dma.h"
#include "mem.h"
#include "output.h"
#include "smp.h"
#include "test.h"

#define STEPS		3000
/* Rounds of the slow tests, which create and free contexts. */
#define ROUNDS		200
#define PAGES		16

static struct {
	uint32_t ctx;
	uint64_t gfn;			/* of PAGES pages */
	struct xen_pv_iommu_dev dev[SMP_MAX + 1];	/* the last is shared */
	unsigned int steps;
	bool stop;
} job;

/* Per vCPU; only that vCPU writes it. */
static struct {
	unsigned long done, clashes, wrong;
	long last_wrong;
	uint64_t seed, gap;
} stats[SMP_MAX];

static uint64_t next(unsigned int cpu)
{
	uint64_t x = stats[cpu].seed;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return stats[cpu].seed = x;
}

static void note(unsigned int cpu, long rc, bool ok)
{
	stats[cpu].done++;
	stats[cpu].clashes += rc < 0;
	if (ok)
		return;
	stats[cpu].wrong++;
	stats[cpu].last_wrong = rc;
}

static long batch(struct xen_pv_iommu_batch d)
{
	return iommu_op(XEN_PV_IOMMU_OP_BATCH, &d, 1);
}

static long ctx_op(uint32_t op, uint32_t *ctx)
{
	struct xen_pv_iommu_ctx c = { .ctx = *ctx };
	long rc = iommu_op(op, &c, 1);

	*ctx = c.ctx;
	return rc;
}

static long move(unsigned int i, uint32_t ctx)
{
	struct xen_pv_iommu_attach a = { .dev = job.dev[i], .ctx = ctx };

	return iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1);
}

static void prepare(void)
{
	unsigned int i;

	smp_need();
	edu_need(SMP_MAX + 1);
	memset(stats, 0, sizeof(stats));
	for (i = 0; i < SMP_MAX; i++)
		stats[i].seed = random_u64() | 1;
	for (i = 0; i <= SMP_MAX; i++)
		job.dev[i] = dev_name(&edu[i]);
	job.gfn = gfn_of(pages_alloc(PAGES));
	job.stop = false;
	job.steps = option("long", 0) ? 5 * STEPS : STEPS;
}

static void run_all(smp_worker *fn, const char *name)
{
	unsigned long done = 0, clashes = 0;
	unsigned int i;

	smp_start(fn);
	fn(0);
	smp_finish();
	for (i = 0; i < SMP_MAX; i++) {
		CHECK(!stats[i].wrong, "vCPU %u: %lu wrong results, last %ld",
		      i, stats[i].wrong, stats[i].last_wrong);
		done += stats[i].done;
		clashes += stats[i].clashes;
	}
	info("smp.%s: %lu calls, %lu of them refused", name, done, clashes);
}

/* Each vCPU uses an iova range of its own: no conflicts. */
static void own_place(unsigned int cpu)
{
	uint64_t dfn = DFN + cpu * 3 * PAGES;
	unsigned int i;
	long rc;

	for (i = 0; i < job.steps; i++) {
		rc = batch(desc_map(job.ctx, dfn, job.gfn, PAGES, RW));
		note(cpu, rc, rc == 1);
		rc = batch(desc_unmap(job.ctx, dfn, PAGES));
		note(cpu, rc, rc == 1);
	}
}

static void same_context(void)
{
	struct place p;
	uint64_t *page = page_alloc();

	prepare();
	p = place(0);
	job.ctx = p.ctx;
	run_all(own_place, "same-context");
	positive(&p);
	write_blocked(&p, iova(DFN), page);
}

/* All vCPUs use the same range: another vCPU's leaf causes -EEXIST, and no other error. */
static void same_place(unsigned int cpu)
{
	unsigned int i;
	uint64_t r;
	long rc;

	for (i = 0; i < job.steps; i++) {
		r = next(cpu);
		if (r & 1) {
			rc = batch(desc_map(job.ctx, DFN + (r >> 8) % 32,
					    job.gfn + (r >> 16) % 8,
					    1 + (r >> 24) % 8, RW));
			note(cpu, rc, rc == 1 || rc == -EEXIST);
		} else {
			rc = batch(desc_unmap(job.ctx, DFN + (r >> 8) % 32,
					      1 + (r >> 24) % 16));
			note(cpu, rc, rc == 1);
		}
	}
}

static void same_pages(void)
{
	char *page = page_alloc();
	struct place p;

	prepare();
	p = place(0);
	job.ctx = p.ctx;
	map(p.ctx, DFN + 100, gfn_of(page), 1, RW);
	run_all(same_place, "same-pages");
	unmap(p.ctx, DFN, 64);
	reaches(&p, DFN + 100, (uint64_t *)page);
}

/* Each vCPU moves its own device and a shared one, and creates and frees contexts. */
static void churn(unsigned int cpu)
{
	unsigned int i, rounds = job.steps / (STEPS / ROUNDS);
	uint32_t ctx;
	long rc;

	for (i = 0; i < rounds; i++) {
		ctx = 0;
		rc = ctx_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &ctx);
		note(cpu, rc, rc == 1);
		rc = batch(desc_map(ctx, DFN, job.gfn, PAGES, RW));
		note(cpu, rc, rc == 1);
		rc = move(cpu, ctx);
		note(cpu, rc, rc == 1);
		rc = move(SMP_MAX, ctx);
		note(cpu, rc, rc == 1);
		rc = batch(desc_unmap(ctx, DFN, PAGES / 2));
		note(cpu, rc, rc == 1);
		rc = move(cpu, XEN_PV_IOMMU_CTX_BLOCKED);
		note(cpu, rc, rc == 1);
		/* The shared device may be in the context, or may have left it. */
		do {
			rc = ctx_op(XEN_PV_IOMMU_OP_CTX_FREE, &ctx);
			note(cpu, rc, rc == 1 || rc == -EBUSY);
			if (rc == -EBUSY)
				(void)move(SMP_MAX, XEN_PV_IOMMU_CTX_BLOCKED);
		} while (rc == -EBUSY);
	}
}

static void contexts_churn(void)
{
	unsigned int i;

	prepare();
	run_all(churn, "contexts-churn");
	for (i = 0; i <= SMP_MAX; i++)
		attach(&edu[i], XEN_PV_IOMMU_CTX_DEFAULT);
}

/* One vCPU creates and frees contexts into which the others map at the same time. */
static void intrude(unsigned int cpu)
{
	uint32_t ctx;
	long rc;

	while (!__atomic_load_n(&job.stop, __ATOMIC_SEQ_CST)) {
		ctx = __atomic_load_n(&job.ctx, __ATOMIC_SEQ_CST);
		rc = batch(desc_map(ctx, DFN + cpu * 64, job.gfn, PAGES, RW));
		note(cpu, rc, rc == 1 || rc == -ENOENT || rc == -EEXIST);
		rc = batch(desc_unmap(ctx, DFN + cpu * 64, PAGES));
		note(cpu, rc, rc == 1 || rc == -ENOENT);
		if (cpu == 1)
			ctx_op(XEN_PV_IOMMU_OP_CTX_FREE, &ctx);
	}
}

static void free_under_use(void)
{
	unsigned int i, freed = 0, rounds;
	uint32_t ctx = 0;
	long rc;

	prepare();
	rounds = job.steps / (STEPS / ROUNDS);
	rc = ctx_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &ctx);
	job.ctx = ctx;
	smp_start(intrude);
	for (i = 0; i < rounds && rc == 1; i++) {
		uint32_t old = ctx;

		ctx = 0;
		rc = ctx_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &ctx);
		__atomic_store_n(&job.ctx, ctx, __ATOMIC_SEQ_CST);
		/* vCPU 1 may have freed it first. */
		freed += ctx_op(XEN_PV_IOMMU_OP_CTX_FREE, &old) == 1;
	}
	__atomic_store_n(&job.stop, true, __ATOMIC_SEQ_CST);
	smp_finish();
	ctx_op(XEN_PV_IOMMU_OP_CTX_FREE, &ctx);
	EXPECT(rc, 1);
	for (i = 1; i < SMP_MAX; i++)
		CHECK(!stats[i].wrong, "vCPU %u: %lu wrong results, last %ld",
		      i, stats[i].wrong, stats[i].last_wrong);
	info("smp.free-under-use: %u of %u freed by their creator, %lu + %lu + %lu other calls",
	     freed, rounds, stats[1].done, stats[2].done, stats[3].done);
}

/* Short calls in another context; measures the longest. */
static void beside(unsigned int cpu)
{
	uint64_t began, took;
	long rc;

	while (!__atomic_load_n(&job.stop, __ATOMIC_SEQ_CST)) {
		began = clock_ns();
		rc = batch(desc_map(job.ctx, DFN + cpu, job.gfn, 1, RW));
		note(cpu, rc, rc == 1);
		rc = batch(desc_unmap(job.ctx, DFN + cpu, 1));
		note(cpu, rc, rc == 1);
		took = clock_ns() - began;
		if (took > stats[cpu].gap)
			stats[cpu].gap = took;
	}
}

/* Fill a context with many mappings of the same 2 MiB frame. */
static uint32_t full_context(uint64_t nr_leaves)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d;
	uint64_t i;

	for (i = 0; i < nr_leaves; i++) {
		d = desc_map(ctx, 0x100000 + i * HUGE_PAGES,
			     gfn_of(huge_frame()), HUGE_PAGES, RW);
		d.order = 9;
		EXPECT(batch_one(&d), 0);
	}
	return ctx;
}

static unsigned long before[SMP_MAX];

/* Start the vCPUs, and wait until all make calls. */
static uint64_t begin_beside(void)
{
	unsigned int i;

	smp_start(beside);
	for (i = 1; i < SMP_MAX; i++) {
		while (__atomic_load_n(&stats[i].done, __ATOMIC_SEQ_CST) < 10)
			sleep_ms(1);
		before[i] = stats[i].done;
	}
	return clock_ns();
}

static void check_beside(const char *what, uint64_t began)
{
	uint64_t took = (clock_ns() - began) / MSEC, gap = 0;
	unsigned int i;

	__atomic_store_n(&job.stop, true, __ATOMIC_SEQ_CST);
	smp_finish();
	for (i = 1; i < SMP_MAX; i++)
		if (stats[i].gap > gap)
			gap = stats[i].gap;
	info("smp.%s: %lu ms; beside it %lu + %lu + %lu calls, the longest pair %lu us",
	     what, took, stats[1].done - before[1],
	     stats[2].done - before[2], stats[3].done - before[3], gap / 1000);
	for (i = 1; i < SMP_MAX; i++) {
		CHECK(!stats[i].wrong, "vCPU %u: %lu wrong results, last %ld",
		      i, stats[i].wrong, stats[i].last_wrong);
		/* Four vCPUs share a busy host: a shorter time shows nothing. */
		CHECK(took < 1000 || stats[i].done > before[i],
		      "vCPU %u got nowhere meanwhile", i);
	}
	/* The watchdog has a limit of 5 s; the host is slow, too. */
	CHECK(gap < 3000 * MSEC, "one waited %lu ms", gap / MSEC);
}

/* 8 GiB, or 64 GiB in the long run. */
static uint64_t many_leaves(void)
{
	return option("long", 0) ? 32768 : 4096;
}

static void progress_unmap(void)
{
	uint64_t nr, began;
	uint32_t ctx;

	prepare();
	nr = many_leaves();
	ctx = full_context(nr);
	job.ctx = ctx_alloc();
	began = begin_beside();
	unmap(ctx, 0x100000, nr * HUGE_PAGES);
	check_beside("progress-unmap", began);
}

static void progress_free(void)
{
	uint64_t began;
	uint32_t ctx;

	prepare();
	ctx = full_context(many_leaves());
	job.ctx = ctx_alloc();
	began = begin_beside();
	ctx_free(ctx);
	check_beside("progress-free", began);
}

const struct test smp_tests[] = {
	{ .name = "smp.same-context", .fn = same_context },
	{ .name = "smp.same-pages", .fn = same_pages },
	{ .name = "smp.contexts-churn", .fn = contexts_churn },
	{ .name = "smp.free-under-use", .fn = free_under_use },
	{ .name = "smp.progress-unmap", .fn = progress_unmap },
	{ .name = "smp.progress-free", .fn = progress_free },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that are unplugged while they are in a context, and plugged in again. (XSA-285
 * is about a device that is removed while its tables change.)
 *
 * Also the hardware domain's rights to a device's registers, which must not change.
 * (XSA-476 is about rights that outlived a device.)
 */
#include "dma.h"
#include "hotplug.h"
#include "mem.h"
#include "output.h"
#include "smp.h"
#include "test.h"

#define CYCLES		200U
#define CYCLES_LONG	1000U
/* Transfers take long: do one only in every tenth cycle. */
#define WITH_DMA	10U

/* The frames of the IOMMU's registers and of the interrupt range. */
#define VTD_FRAME	0xfed90UL
#define MSI_FRAME	0xfee00UL

/* A device on a bus that the machine does not have. */
#define NO_DEVICE	0xee00U

static unsigned int cycles(void)
{
	return option("long", 0) ? CYCLES_LONG : CYCLES;
}

static void expect_unknown(const struct edu *e, uint32_t ctx)
{
	struct xen_pv_iommu_dev_query q;

	EXPECT(try_dev_query(e->bdf, &q), -ENODEV);
	EXPECT(try_attach(e, ctx), -ENODEV);
	EXPECT(try_attach(e, XEN_PV_IOMMU_CTX_BLOCKED), -ENODEV);
	EXPECT(try_attach(e, XEN_PV_IOMMU_CTX_DEFAULT), -ENODEV);
}

static uint32_t context_for(const struct place *p, uint64_t *page)
{
	uint32_t ctx = ctx_alloc();

	map(ctx, OWN_DFN, gfn_of(p->own), 1, RW);
	map(ctx, DFN, gfn_of(page), 1, RW);
	return ctx;
}

/* A device without a table must reach nothing, with any address. */
static void reaches_nothing(const struct place *p, uint64_t *page)
{
	uint64_t canary = random_u64();

	page[0] = canary;
	edu_write(p->e, iova(DFN), WORD);
	fault_expected(p->e, iova(DFN), true);
	edu_write(p->e, iova(gfn_of(page)), WORD);
	CHECK(page[0] == canary, "unplugged device %x wrote 0x%lx", p->e->bdf,
	      page[0]);
}

static void one_cycle(struct place *p, uint64_t *page, bool dma)
{
	p->ctx = context_for(p, page);
	attach(p->e, p->ctx);
	if (dma) {
		reaches(p, DFN, page);
		load(p, 0xbad);
	}
	EXPECT(try_ctx_free(p->ctx), -EBUSY);
	dev_remove(p->e);
	expect_unknown(p->e, p->ctx);
	if (dma)
		reaches_nothing(p, page);
	ctx_free(p->ctx);
	dev_add(p->e);
	EXPECT(ctx_of(p->e), XEN_PV_IOMMU_CTX_DEFAULT);
	if (dma)
		reaches(p, gfn_of(page), page);
}

static void again_and_again(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();
	uint32_t first = p.ctx;
	unsigned int i;

	for (i = 0; i < cycles(); i++)
		one_cycle(&p, page, i % WITH_DMA == 0);
	p.ctx = first;
	attach(p.e, p.ctx);
	positive(&p);
	write_blocked(&p, iova(DFN), page);
}

/* The context stays valid without the device, and accepts it again. */
static void context_stays(void)
{
	uint64_t *page = page_alloc();
	struct place p = place(0), q = p;
	unsigned int i;

	edu_need(2);
	q.e = &edu[1];
	attach(q.e, q.ctx);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	for (i = 0; i < 10; i++) {
		dev_remove(p.e);
		reaches(&q, DFN, page);
		unmap(p.ctx, DFN, 1);
		write_blocked(&q, iova(DFN), page);
		dev_add(p.e);
		map(p.ctx, DFN, gfn_of(page), 1, RW);
		attach(p.e, p.ctx);
		reaches(&p, DFN, page);
	}
}

/* The device's region leaves the context with it, and returns with it. */
static void with_region(void)
{
	struct xen_pv_iommu_dev_resv r;
	struct edu *e = direct_device(&r);
	struct place p = place_in(e, ctx_alloc());
	uint64_t dfn = r.start >> PAGE_SHIFT;
	struct xen_pv_iommu_lookup l;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		EXPECT(try_lookup(p.ctx, dfn, &l), 0);
		dev_remove(e);
		expect_hole(p.ctx, dfn);
		dev_add(e);
		attach(e, p.ctx);
	}
	positive(&p);
	attach(e, XEN_PV_IOMMU_CTX_BLOCKED);
	expect_hole(p.ctx, dfn);
}

static void from_blocked(void)
{
	uint64_t *page = page_alloc();
	struct place p = place(0);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
		dev_remove(p.e);
		expect_unknown(p.e, p.ctx);
		dev_add(p.e);
		EXPECT(ctx_of(p.e), XEN_PV_IOMMU_CTX_DEFAULT);
	}
	reaches(&p, gfn_of(page), page);
	attach(p.e, p.ctx);
	positive(&p);
}

/*
 * dom0 reports a device that Xen knows as a virtual function of one that Xen does not
 * know. Xen must refuse this without any change.
 */
static void vf_without_pf(void)
{
	uint64_t *page = page_alloc();
	struct place p = place(0);

	edu_need(2);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	EXPECT(try_add_vf(p.e, NO_DEVICE), -EEXIST);
	EXPECT(try_add_vf(p.e, edu[1].bdf), -EEXIST);
	EXPECT(ctx_of(p.e), p.ctx);
	EXPECT(try_ctx_free(p.ctx), -EBUSY);
	reaches(&p, DFN, page);
	attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	attach(p.e, p.ctx);
	positive(&p);
	dev_remove(p.e);
	ctx_free(p.ctx);
	dev_add(p.e);
}

/* A register returns the complement of the value written to it. */
static void registers_work(const struct edu *e)
{
	struct edu fresh = *e;

	/* Map it again: an existing mapping outlives the right to map. */
	fresh.regs = arch_map_mmio(e->bar);
	edu_set_live(&fresh, 0x12345678);
	EXPECT(edu_live(&fresh), ~0x12345678U);
}

/* @peer must be able to write the registers through its context. */
static void peer_reaches(const struct place *peer, const struct edu *e)
{
	uint64_t frame = e->bar >> PAGE_SHIFT;

	map(peer->ctx, DFN, frame, 1, RW | MMIO);
	expect_leaf(peer->ctx, DFN, frame, RW | MMIO, 0);
	load(peer, 0x13572468);
	edu_write(peer->e, iova(DFN) + 4, 4);
	EXPECT(edu_live(e), (uint32_t)~0x13572468);
	unmap(peer->ctx, DFN, 1);
}

static void rights_are_as_ever(const struct place *peer, const struct edu *e)
{
	uint64_t gfn, frame = e->bar >> PAGE_SHIFT;
	uint32_t ctx = peer->ctx;
	long rc;

	registers_work(e);
	peer_reaches(peer, e);
	EXPECT(try_map(ctx, DFN, frame, 1, RW), -EACCES);
	EXPECT(try_map(ctx, DFN, VTD_FRAME, 1, RW | MMIO), -EACCES);
	EXPECT(try_map(ctx, DFN, MSI_FRAME, 1, RW | MMIO), -EACCES);
	CHECK(arch_next_foreign(0x200, &gfn), "nothing foreign");
	EXPECT(try_map(ctx, DFN, gfn, 1, RO), -EACCES);
	rc = try_map(ctx, DFN, gfn, 1, RW | MMIO);
	CHECK(rc == -EACCES || rc == -EINVAL, "Xen's frame as MMIO: %ld", rc);
	expect_hole(ctx, DFN);
}

static void rights(void)
{
	struct xen_pv_iommu_ctx reset = {
		.flags = XEN_PV_IOMMU_CTX_F_TO_DEFAULT,
	};
	struct place p = place(0), peer = place(1);

	rights_are_as_ever(&peer, p.e);
	attach(p.e, XEN_PV_IOMMU_CTX_DEFAULT);
	rights_are_as_ever(&peer, p.e);
	attach(p.e, p.ctx);
	dev_remove(p.e);
	dev_add(p.e);
	rights_are_as_ever(&peer, p.e);
	attach(p.e, p.ctx);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_RESET, &reset, 1), 1);
	iommu_forget_all();
	peer = place(1);
	rights_are_as_ever(&peer, p.e);
}

/* The other vCPUs map and unmap all the time in the device's context. */
static struct {
	uint32_t ctx;
	uint64_t gfn;
	bool stop;
	unsigned long done[SMP_MAX], wrong[SMP_MAX];
	long last_wrong[SMP_MAX];
} job;

static void count(unsigned int cpu, struct xen_pv_iommu_batch d)
{
	long rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, &d, 1);

	job.done[cpu]++;
	/* It may just have been freed. */
	if (rc == 1 || rc == -ENOENT)
		return;
	job.wrong[cpu]++;
	job.last_wrong[cpu] = rc;
}

static void beside(unsigned int cpu)
{
	uint64_t dfn = DFN + 16 * cpu;

	while (!__atomic_load_n(&job.stop, __ATOMIC_SEQ_CST)) {
		uint32_t ctx = __atomic_load_n(&job.ctx, __ATOMIC_SEQ_CST);

		count(cpu, desc_map(ctx, dfn, job.gfn, 8, RW));
		count(cpu, desc_unmap(ctx, dfn, 8));
	}
}

static void smp_check(void)
{
	unsigned long done = 0;
	unsigned int i;

	__atomic_store_n(&job.stop, true, __ATOMIC_SEQ_CST);
	smp_finish();
	for (i = 1; i < SMP_MAX; i++) {
		CHECK(!job.wrong[i], "vCPU %u: %lu wrong results, last %ld", i,
		      job.wrong[i], job.last_wrong[i]);
		CHECK(job.done[i], "vCPU %u did nothing", i);
		done += job.done[i];
	}
	info("smp.unplug: %u cycles, %lu other calls", cycles(), done);
}

/* Every other time the context is freed while the device is unplugged. */
static void while_mapped(void)
{
	uint64_t *page = page_alloc();
	struct place p;
	unsigned int i;

	smp_need();
	p = place(0);
	memset(&job, 0, sizeof(job));
	job.gfn = gfn_of(pages_alloc(8));
	job.ctx = p.ctx;
	smp_start(beside);
	for (i = 0; i < cycles(); i++) {
		dev_remove(p.e);
		expect_unknown(p.e, p.ctx);
		if (i & 1) {
			ctx_free(p.ctx);
			p.ctx = ctx_alloc();
			map(p.ctx, OWN_DFN, gfn_of(p.own), 1, RW);
			__atomic_store_n(&job.ctx, p.ctx, __ATOMIC_SEQ_CST);
		}
		dev_add(p.e);
		EXPECT(ctx_of(p.e), XEN_PV_IOMMU_CTX_DEFAULT);
		attach(p.e, p.ctx);
		if (i % 50 == 0)
			positive(&p);
	}
	smp_check();
	positive(&p);
	write_blocked(&p, iova(DFN + 16), page);
}

const struct test unplug_tests[] = {
	{ .name = "unplug.again-and-again", .fn = again_and_again },
	{ .name = "unplug.context-stays", .fn = context_stays },
	{ .name = "unplug.with-region", .fn = with_region },
	{ .name = "unplug.from-blocked", .fn = from_blocked },
	{ .name = "unplug.vf-without-pf", .fn = vf_without_pf },
	{ .name = "unplug.rights", .fn = rights },
	{ .name = "smp.unplug", .fn = while_mapped },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts across ACPI S3. The tables and Xen's data are in RAM and stay. The IOMMU loses
 * its state, and Xen must program it again before devices do DMA. The tests check this by
 * DMA, not only by Xen's data.
 */
#include "clock.h"
#include "dma.h"
#include "mem.h"
#include "sleep.h"
#include "test.h"

#define HUGE_DFN	0x40000UL

/* Xen's data about contexts and their devices. */
static void books(void)
{
	uint64_t *page = page_alloc();
	struct xen_pv_iommu_query was, now;
	struct place a, b;

	sleep_need();
	a = place(0);
	b = place(1);
	map(a.ctx, DFN, gfn_of(page), 1, RW);
	map(b.ctx, DFN, gfn_of(page), 1, RO);
	map(b.ctx, HUGE_DFN, gfn_of(huge_frame()), 1, RW);
	edu_need(3);
	attach(&edu[2], XEN_PV_IOMMU_CTX_BLOCKED);
	was = query();
	sleep_s3();
	now = query();
	CHECK(!memcmp(&was, &now, sizeof(was)), "QUERY returns something else");
	EXPECT(ctx_of(a.e), a.ctx);
	EXPECT(ctx_of(b.e), b.ctx);
	EXPECT(ctx_of(&edu[2]), XEN_PV_IOMMU_CTX_BLOCKED);
	EXPECT(ctx_of(&edu[3]), XEN_PV_IOMMU_CTX_DEFAULT);
	expect_leaf(a.ctx, DFN, gfn_of(page), RW, 0);
	expect_leaf(b.ctx, DFN, gfn_of(page), RO, 0);
	expect_leaf(b.ctx, HUGE_DFN, gfn_of(huge_frame()), RW, 0);
	expect_hole(a.ctx, HUGE_DFN);
}

/* In BLOCKED nothing lands; after a move the same device works. */
static void blocked_until_moved(const struct place *p, uint64_t *page)
{
	EXPECT(ctx_of(p->e), XEN_PV_IOMMU_CTX_BLOCKED);
	page[0] = 0x600d;
	edu_write(p->e, iova(DFN), WORD);
	edu_write(p->e, iova(gfn_of(page)), WORD);
	EXPECT(page[0], 0x600d);
	attach(p->e, p->ctx);
	reaches(p, DFN, page);
}

static void dma(void)
{
	uint64_t *pa = page_alloc(), *pb = page_alloc(), *other = page_alloc();
	struct place a, b, c;

	sleep_need();
	a = place(0);
	b = place(1);
	c = place(2);
	map(a.ctx, DFN, gfn_of(pa), 1, RW);
	map(b.ctx, DFN, gfn_of(pb), 1, RW);
	map(c.ctx, DFN, gfn_of(other), 1, RW);
	reaches(&a, DFN, pa);
	reaches(&b, DFN, pb);
	reaches(&c, DFN, other);
	attach(c.e, XEN_PV_IOMMU_CTX_BLOCKED);
	sleep_s3();
	reaches(&a, DFN, pa);
	reaches(&b, DFN, pb);
	write_blocked(&a, iova(DFN + 1), other);
	write_blocked(&b, iova(gfn_of(other)), other);
	other[0] = 0x5ec4e7;
	read_blocked(&a, iova(gfn_of(other)), other[0]);
	blocked_until_moved(&c, other);
}

/* DMA in the default context, which Xen supported before, must still work. */
static void default_dma(void)
{
	uint64_t *src = page_alloc(), *dst = page_alloc();

	sleep_need();
	edu_need(1);
	sleep_s3();
	*src = 0x1122334455667788UL;
	edu_read(&edu[0], iova(gfn_of(src)), WORD);
	edu_write(&edu[0], iova(gfn_of(dst)), WORD);
	EXPECT(*dst, *src);
}

/* XSA-346: after the resume Xen must flush cached translations as before. */
static void flush(void)
{
	uint64_t *page = page_alloc();
	unsigned int i;
	struct place p;

	sleep_need();
	p = place(0);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	sleep_s3();
	for (i = 0; i < 4; i++) {
		reaches(&p, DFN, page);
		unmap(p.ctx, DFN, 1);
		write_blocked(&p, iova(DFN), page);
		map(p.ctx, DFN, gfn_of(page), 1, RW);
	}
	reaches(&p, DFN, page);
}

/* Pages that were unmapped before the sleep must not be mapped after it. */
static void stays_unmapped(void)
{
	uint64_t *page = page_alloc();
	struct place p;

	sleep_need();
	p = place(0);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	unmap(p.ctx, DFN, 1);
	sleep_s3();
	expect_hole(p.ctx, DFN);
	write_blocked(&p, iova(DFN), page);
}

/* XSA-442: moves flush cached translations of the old context. */
static void moves(void)
{
	uint64_t *pa = page_alloc(), *pb = page_alloc();
	struct place p;
	uint32_t b;

	sleep_need();
	p = place(0);
	map(p.ctx, DFN, gfn_of(pa), 1, RW);
	sleep_s3();
	reaches(&p, DFN, pa);
	b = ctx_alloc();
	map(b, OWN_DFN, gfn_of(p.own), 1, RW);
	map(b, DFN + 1, gfn_of(pb), 1, RW);
	attach(p.e, b);
	reaches(&p, DFN + 1, pb);
	write_blocked(&p, iova(DFN), pa);
	attach(p.e, XEN_PV_IOMMU_CTX_DEFAULT);
	ctx_free(b);
	attach(p.e, p.ctx);
	reaches(&p, DFN, pa);
	write_blocked(&p, iova(DFN + 1), pb);
}

static void twice(void)
{
	uint64_t *page = page_alloc();
	struct place p;

	sleep_need();
	p = place(0);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	sleep_s3();
	reaches(&p, DFN, page);
	sleep_s3();
	reaches(&p, DFN, page);
	unmap(p.ctx, DFN, 1);
	write_blocked(&p, iova(DFN), page);
}

/* Xen stops the IOMMU and starts it again while the devices keep their state. */
static void aborted(void)
{
	uint64_t *page = page_alloc();
	struct place p;

	sleep_need();
	p = place(0);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	sleep_s3();
	reaches(&p, DFN, page);
	sleep_aborted();
	EXPECT(ctx_of(p.e), p.ctx);
	reaches(&p, DFN, page);
	write_blocked(&p, iova(gfn_of(page)), page);
	unmap(p.ctx, DFN, 1);
	write_blocked(&p, iova(DFN), page);
}

/* The interrupt for faults must work again as well. */
static void faults(void)
{
	struct xen_pv_iommu_fault f;
	uint64_t *page = page_alloc();
	struct place p;
	unsigned int i;

	sleep_need();
	p = place(0);
	sleep_s3();
	while (!try_fault_read(&f))
		;
	write_blocked(&p, iova(DFN), page);
	for (i = 0; i < 5000 && try_fault_read(&f); i++)
		sleep_ms(1);
	EXPECT(f.dev.id, p.e->bdf);
	EXPECT(f.iova, iova(DFN));
	EXPECT(f.ctx, p.ctx);
}

/* A deferred flush must still take place. */
static void parked(void)
{
	uint64_t *page = page_alloc();
	struct place p;

	sleep_need();
	p = place(0);
	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	EXPECT(try_unmap_park(p.ctx, DFN, 1), 0);
	sleep_s3();
	EXPECT(try_sync(p.ctx), 0);
	write_blocked(&p, iova(DFN), page);
}

const struct test sleep_tests[] = {
	{ .name = "sleep.books", .fn = books },
	{ .name = "sleep.dma", .fn = dma },
	{ .name = "sleep.default-dma", .fn = default_dma },
	{ .name = "sleep.flush", .fn = flush },
	{ .name = "sleep.stays-unmapped", .fn = stays_unmapped },
	{ .name = "sleep.moves", .fn = moves },
	{ .name = "sleep.twice", .fn = twice },
	{ .name = "sleep.aborted", .fn = aborted },
	{ .name = "sleep.faults", .fn = faults },
	{ .name = "sleep.parked", .fn = parked, .only_pvh = true },
	{ }
};

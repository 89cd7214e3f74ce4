// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that devices can reach. A device with bus mastering does every DMA that
 * must not land. It then does one that must land, because an idle device shows nothing.
 */
#include "dma.h"
#include "domctl.h"
#include "hypercall.h"
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "test.h"

#define HUGE_DFN	0x40000UL

static void mapped(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();

	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
}

/* One transfer to two dfns whose frames are not contiguous. */
static void scattered(void)
{
	uint64_t *pages = pages_alloc(4);
	struct place p = place(0);

	map(p.ctx, DFN, gfn_of(pages) + 3, 1, RW);
	map(p.ctx, DFN + 1, gfn_of(pages), 1, RW);
	load(&p, 0);
	pages[3 * 512 + 511] = 0x1111;
	pages[0] = 0x2222;
	edu_read(p.e, iova(DFN) + 511 * WORD, 2 * WORD);
	edu_write(p.e, iova(OWN_DFN), 2 * WORD);
	EXPECT(p.own[0], 0x1111);
	EXPECT(p.own[1], 0x2222);
	pages[3 * 512 + 511] = 0;
	pages[0] = 0;
	edu_write(p.e, iova(DFN) + 511 * WORD, 2 * WORD);
	EXPECT(pages[3 * 512 + 511], 0x1111);
	EXPECT(pages[0], 0x2222);
	EXPECT(pages[512], 0);
}

/* XSA-311: trees that had too few levels for their addresses. */
static void top_of_aperture(void)
{
	uint64_t last = query().iova_last >> PAGE_SHIFT;
	struct place p = place(0);
	uint64_t *page = page_alloc();

	map(p.ctx, last, gfn_of(page), 1, RW);
	reaches(&p, last, page);
	unmap(p.ctx, last, 1);
	write_blocked(&p, iova(last), page);
}

/* Not even at the frame's own number, which DEFAULT would translate to the frame. */
static void unmapped(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();

	write_blocked(&p, iova(gfn_of(page)), page);
	page[0] = 0x5ec4e7;
	read_blocked(&p, iova(gfn_of(page)), page[0]);
}

static void other_context(void)
{
	struct place a = place(0), b = place(1);
	uint64_t *page = page_alloc();

	map(b.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&b, DFN, page);
	write_blocked(&a, iova(DFN), page);
	page[0] = 0x5ec4e7;
	read_blocked(&a, iova(DFN), page[0]);
	reaches(&b, DFN, page);
}

/* Each device in a context of its own, all use the same iova at once. */
static void same_iova(void)
{
	struct edu_job jobs[EDU_MAX];
	uint64_t *pages[EDU_MAX];
	unsigned int i;

	edu_need(4);
	for (i = 0; i < nr_edu; i++) {
		uint32_t ctx = ctx_alloc();

		pages[i] = page_alloc();
		pages[i][0] = 0xaa00 + i;
		map(ctx, DFN, gfn_of(pages[i]), 1, RW);
		attach(&edu[i], ctx);
		jobs[i] = (struct edu_job){ &edu[i], false, iova(DFN), WORD };
	}
	edu_run(jobs, nr_edu);
	for (i = 0; i < nr_edu; i++) {
		jobs[i].write = true;
		jobs[i].iova += WORD;
	}
	edu_run(jobs, nr_edu);
	for (i = 0; i < nr_edu; i++)
		EXPECT(pages[i][1], 0xaa00 + i);
}

static void shared_context(void)
{
	struct place a = place(0), b = { .e = &edu[1], .ctx = a.ctx };
	uint64_t *page = page_alloc();

	edu_need(2);
	b.own = a.own;
	attach(b.e, a.ctx);
	map(a.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&a, DFN, page);
	reaches(&b, DFN, page);
	/* One device leaves, the other stays. */
	attach(a.e, XEN_PV_IOMMU_CTX_BLOCKED);
	reaches(&b, DFN, page);
	unmap(a.ctx, DFN, 1);
	write_blocked(&b, iova(DFN), page);
}

/* Write first: a read would cache the translation as read-only. */
static void readonly(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();

	map(p.ctx, DFN, gfn_of(page), 1, RO);
	write_blocked(&p, iova(DFN), page);
	page[0] = 0x1234;
	edu_read(p.e, iova(DFN), WORD);
	edu_write(p.e, iova(OWN_DFN) + WORD, WORD);
	EXPECT(p.own[1], 0x1234);
	/* The translation is cached now, and still not writable. */
	page[0] = 0x4321;
	edu_write(p.e, iova(DFN), WORD);
	EXPECT(page[0], 0x4321);
	positive(&p);
}

static void writeonly(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();

	map(p.ctx, DFN, gfn_of(page), 1, XEN_PV_IOMMU_F_W);
	page[0] = 0x5ec4e7;
	read_blocked(&p, iova(DFN), page[0]);
	load(&p, 0x77);
	edu_write(p.e, iova(DFN), WORD);
	EXPECT(page[0], 0x77);
}

/* In BLOCKED a device reaches no memory (XSA-302, XSA-450). */
static void blocked(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();
	uint64_t canary = 0xcafe;

	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	load(&p, 0xbad);
	attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	page[0] = canary;
	p.own[0] = canary;
	edu_write(p.e, iova(DFN), WORD);
	EXPECT(page[0], canary);
	fault_expected(p.e, iova(DFN), true);
	edu_write(p.e, iova(OWN_DFN), WORD);
	EXPECT(p.own[0], canary);
	/* Nor the memory of the default context. */
	edu_write(p.e, iova(gfn_of(page)), WORD);
	EXPECT(page[0], canary);
	attach(p.e, p.ctx);
	positive(&p);
	reaches(&p, DFN, page);
}

/* A move in either direction flushes cached translations of the old table (XSA-442). */
static void back_to_default(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();
	uint64_t addr = iova(gfn_of(page));

	write_blocked(&p, addr, page);
	load(&p, 0x600d);
	attach(p.e, XEN_PV_IOMMU_CTX_DEFAULT);
	edu_write(p.e, addr, WORD);
	EXPECT(page[0], 0x600d);
	reaches(&p, gfn_of(page), page);
	attach(p.e, p.ctx);
	write_blocked(&p, addr, page);
}

/*
 * The move takes effect when ATTACH returns, even if the old translation was cached
 * (XSA-442).
 */
static void move(void)
{
	struct place a = place(0);
	uint64_t *pa = page_alloc(), *pb = page_alloc();
	uint32_t b = ctx_alloc();
	unsigned int i;

	map(a.ctx, DFN, gfn_of(pa), 1, RW);
	map(b, DFN, gfn_of(pb), 1, RW);
	for (i = 0; i < 5; i++) {
		reaches(&a, DFN, pa);
		load(&a, 0xb0b + i);
		pa[0] = 1;
		attach(a.e, b);
		edu_write(a.e, iova(DFN), WORD);
		EXPECT(pa[0], 1);
		EXPECT(pb[0], 0xb0b + i);
		pb[0] = 2;
		attach(a.e, a.ctx);
		edu_write(a.e, iova(DFN), WORD);
		EXPECT(pb[0], 2);
		EXPECT(pa[0], 0xb0b + i);
	}
}

/* After a refused ATTACH the device is in its old context, in hardware and for Xen. */
static void failed_attach(void)
{
	struct place a = place(0);
	uint32_t gone = ctx_alloc();
	uint64_t *page = page_alloc();

	map(a.ctx, DFN, gfn_of(page), 1, RW);
	map(gone, DFN, gfn_of(page_alloc()), 1, RW);
	ctx_free(gone);
	EXPECT(try_attach(a.e, gone), -ENOENT);
	EXPECT(ctx_of(a.e), a.ctx);
	EXPECT(try_ctx_free(a.ctx), -EBUSY);
	reaches(&a, DFN, page);
}

/*
 * A move that fails late, after Xen has begun it: the target context has another mapping
 * at the address of the device's own region (XSA-460).
 */
static void failed_move(void)
{
	struct xen_pv_iommu_dev_resv r;
	struct edu *e = direct_device(&r);
	struct place a = place_in(e, ctx_alloc());
	uint64_t *pa = page_alloc(), *pb = page_alloc();
	uint32_t b = ctx_alloc();

	map(a.ctx, DFN, gfn_of(pa), 1, RW);
	map(b, DFN, gfn_of(pb), 1, RW);
	map(b, r.start >> PAGE_SHIFT, gfn_of(pb), 1, RW);
	reaches(&a, DFN, pa);
	EXPECT(try_attach(e, b), -EADDRINUSE);
	EXPECT(ctx_of(e), a.ctx);
	/* b has no device and can be freed; a is still in use. */
	EXPECT(try_ctx_free(a.ctx), -EBUSY);
	load(&a, 0xd0d0);
	pa[0] = 0;
	pb[0] = 0;
	edu_write(e, iova(DFN), WORD);
	EXPECT(pb[0], 0);
	EXPECT(pa[0], 0xd0d0);
	expect_leaf(b, r.start >> PAGE_SHIFT, gfn_of(pb), RW, 0);
	ctx_free(b);
}

/*
 * Xen maps the region at ATTACH, and the caller must not change it (XSA-378, XSA-386).
 */
static void direct(void)
{
	struct xen_pv_iommu_dev_resv r;
	struct edu *e = direct_device(&r);
	uint64_t dfn = r.start >> PAGE_SHIFT;
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_lookup l;
	struct xen_pv_iommu_dev_query d;
	struct place p;

	EXPECT(try_dev_query(e->bdf, &d), 0);
	CHECK(d.flags & XEN_PV_IOMMU_DEV_F_HAS_DIRECT, "flags 0x%x", d.flags);
	expect_hole(ctx, dfn);
	p = place_in(e, ctx);
	EXPECT(try_lookup(ctx, dfn, &l), 0);
	EXPECT(l.flags & RW, RW);
	EXPECT(try_map(ctx, dfn, gfn_of(p.own), 1, RW), -EADDRINUSE);
	EXPECT(try_unmap(ctx, dfn, 1), -EADDRINUSE);
	EXPECT(try_lookup(ctx, dfn, &l), 0);
	attach(e, XEN_PV_IOMMU_CTX_DEFAULT);
	expect_hole(ctx, dfn);
	/* BLOCKED has no regions. */
	attach(e, XEN_PV_IOMMU_CTX_BLOCKED);
	EXPECT(try_lookup(XEN_PV_IOMMU_CTX_BLOCKED, dfn, &l), -ENOENT);
}

/* Unmap, and map another page: the old page must be out of reach at once. */
static void remapped(void)
{
	struct place p = place(0);
	uint64_t *old = page_alloc(), *new = page_alloc();
	unsigned int i;

	for (i = 0; i < 5; i++) {
		map(p.ctx, DFN, gfn_of(old), 1, RW);
		reaches(&p, DFN, old);
		load(&p, 0xe0e0 + i);
		unmap(p.ctx, DFN, 1);
		map(p.ctx, DFN, gfn_of(new), 1, RW);
		old[0] = 1;
		edu_write(p.e, iova(DFN), WORD);
		EXPECT(old[0], 1);
		EXPECT(new[0], 0xe0e0 + i);
		unmap(p.ctx, DFN, 1);
	}
}

/*
 * A new context may get the domain id of a freed context (XSA-399, XSA-442).
 */
static void context_reused(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc();
	unsigned int i;

	for (i = 0; i < 4; i++) {
		uint32_t old = p.ctx;

		map(p.ctx, DFN, gfn_of(page), 1, RW);
		reaches(&p, DFN, page);
		attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
		ctx_free(old);
		p.ctx = ctx_alloc();
		map(p.ctx, OWN_DFN, gfn_of(p.own), 1, RW);
		attach(p.e, p.ctx);
		write_blocked(&p, iova(DFN), page);
	}
}

/*
 * RESET must not move a bus master to the default table (XSA-302). The bus master bit is
 * the only state of a device that Xen relies on (XSA-337).
 */
static void reset_blocks(void)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_TO_DEFAULT };
	struct place p = place(0);
	uint64_t *page = page_alloc();

	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	load(&p, 0xbad);
	page[0] = 0x600d;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_RESET, &c, 1), 1);
	iommu_forget_all();
	edu_write(p.e, iova(DFN), WORD);
	EXPECT(page[0], 0x600d);
	/* In DEFAULT its iovas would be frame numbers: it must not be there. */
	edu_write(p.e, iova(gfn_of(page)), WORD);
	EXPECT(page[0], 0x600d);
	p.ctx = ctx_alloc();
	map(p.ctx, OWN_DFN, gfn_of(p.own), 1, RW);
	attach(p.e, p.ctx);
	positive(&p);
}

/* Registers of another device, mapped as device memory. */
static void peer_to_peer(void)
{
	struct place p = place(0);
	uint64_t bar;

	edu_need(2);
	bar = edu[1].bar >> PAGE_SHIFT;
	map(p.ctx, DFN, bar, 1, RW | MMIO);
	load(&p, 0x13572468);
	edu_write(p.e, iova(DFN) + 4, 4);
	EXPECT(edu_live(&edu[1]), (uint32_t)~0x13572468);
	unmap(p.ctx, DFN, 1);
	load(&p, 0x11111111);
	edu_write(p.e, iova(DFN) + 4, 4);
	fault_expected(p.e, iova(DFN), true);
	EXPECT(edu_live(&edu[1]), (uint32_t)~0x13572468);
	positive(&p);
}

/* Map the 2 MiB frame as one leaf at HUGE_DFN. Skips the test if it cannot be one. */
static uint64_t *map_huge(const struct place *p)
{
	uint64_t *first = huge_frame();
	struct xen_pv_iommu_batch d =
		desc_map(p->ctx, HUGE_DFN, gfn_of(first), HUGE_PAGES, RW);
	struct xen_pv_iommu_lookup l;

	if (gfn_of(first) & 511)
		test_skip("our 2 MiB of memory are not one 2 MiB frame");
	d.order = 9;
	EXPECT(batch_one(&d), 0);
	EXPECT(try_lookup(p->ctx, HUGE_DFN, &l), 0);
	if (l.order != 9)
		test_skip("our 2 MiB of memory are not one machine frame");
	return first;
}

/* The flush of a large leaf covers all of it (XSA-275). */
static void huge(void)
{
	struct place p = place(0);
	uint64_t *first = map_huge(&p), *last = first + 511 * 512;

	reaches(&p, HUGE_DFN, first);
	reaches(&p, HUGE_DFN + 511, last);
	unmap(p.ctx, HUGE_DFN, HUGE_PAGES);
	write_blocked(&p, iova(HUGE_DFN + 511), last);
	write_blocked(&p, iova(HUGE_DFN), first);
}

/* The first, a middle and the last page. */
static const unsigned int place_in_huge[] = { 0, 256, 511 };

static void reaches_huge(const struct place *p, uint64_t *first, bool reversed)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(place_in_huge); i++) {
		unsigned int n = place_in_huge[i];

		reaches(p, HUGE_DFN + n,
			first + (reversed ? 511 - n : n) * 512);
	}
}

static void huge_blocked(const struct place *p, uint64_t *first)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(place_in_huge); i++)
		write_blocked(p, iova(HUGE_DFN + place_in_huge[i]),
			      first + place_in_huge[i] * 512);
}

/*
 * XSA-275: flushes and tables when large mappings were split and merged. Contexts do
 * neither: UNMAP of a part is refused and the leaf stays whole. Pages that replace a
 * leaf take effect at once, and so does a leaf that replaces pages.
 */
static void huge_and_pages(void)
{
	struct place p = place(0);
	uint64_t *first = map_huge(&p);
	unsigned int i;

	reaches_huge(&p, first, false);
	EXPECT(try_unmap(p.ctx, HUGE_DFN, 256), -ERANGE);
	EXPECT(try_unmap(p.ctx, HUGE_DFN + 256, 256), -ERANGE);
	EXPECT(try_unmap(p.ctx, HUGE_DFN + 511, 1), -ERANGE);
	reaches_huge(&p, first, false);
	unmap(p.ctx, HUGE_DFN, HUGE_PAGES);
	huge_blocked(&p, first);

	/* Map the pages in another order, so that a stale leaf is noticed. */
	for (i = 0; i < HUGE_PAGES; i++)
		map(p.ctx, HUGE_DFN + i, gfn_of(first) + 511 - i, 1, RW);
	reaches_huge(&p, first, true);
	unmap(p.ctx, HUGE_DFN, HUGE_PAGES);
	huge_blocked(&p, first);

	map_huge(&p);
	reaches_huge(&p, first, false);
	unmap(p.ctx, HUGE_DFN, HUGE_PAGES);
	huge_blocked(&p, first);
}

/*
 * A leaf that replaces a cached empty table takes effect when MAP returns (XSA-275,
 * XSA-480).
 */
static void huge_after_pages(void)
{
	uint64_t *first = huge_frame(), *page = page_alloc();
	struct place p = place(0);
	struct xen_pv_iommu_batch d;

	if (gfn_of(first) & 511)
		test_skip("our 2 MiB of memory are not one 2 MiB frame");
	map(p.ctx, HUGE_DFN, gfn_of(page), 1, RW);
	reaches(&p, HUGE_DFN, page);
	unmap(p.ctx, HUGE_DFN, 1);
	d = desc_map(p.ctx, HUGE_DFN, gfn_of(first), HUGE_PAGES, RW);
	d.order = 9;
	EXPECT(batch_one(&d), 0);
	reaches(&p, HUGE_DFN, first);
	reaches(&p, HUGE_DFN + 100, first + 100 * 512);
	unmap(p.ctx, HUGE_DFN, HUGE_PAGES);
	map(p.ctx, HUGE_DFN, gfn_of(page), 1, RW);
	reaches(&p, HUGE_DFN, page);
}

/*
 * XSA-390: contexts share nothing with the domain's ordinary table. A map or unmap at a
 * frame's own number in a context must not change DEFAULT.
 */
static void apart_from_default(void)
{
	struct place p = place(0);
	uint64_t *page = page_alloc(), *other = page_alloc();
	uint64_t dfn = gfn_of(page);

	map(p.ctx, dfn, gfn_of(other), 1, RW);
	reaches(&p, dfn, other);
	attach(p.e, XEN_PV_IOMMU_CTX_DEFAULT);
	reaches(&p, dfn, page);
	unmap(p.ctx, dfn, 1);
	reaches(&p, dfn, page);
	attach(p.e, p.ctx);
	write_blocked(&p, iova(dfn), page);
}

/*
 * XSA-390, the other direction: a page leaves the p2m and therefore DEFAULT. A context
 * keeps it until it is unmapped there.
 */
static void apart_from_p2m(void)
{
	struct place p = place(0);
	uint64_t gfn, had, was = random_u64();

	if (!arch_balloon_page(&gfn))
		test_skip("no page to give away");
	had = dom_pages(0);
	map(p.ctx, DFN, gfn, 1, RW);
	put_word(&p, iova(DFN), was);
	EXPECT(arch_balloon_out(gfn), 1);
	EXPECT(dom_pages(0), had);
	EXPECT(get_word(&p, iova(DFN)), was);

	load(&p, ~was);
	attach(p.e, XEN_PV_IOMMU_CTX_DEFAULT);
	edu_write(p.e, iova(gfn), WORD);
	fault_expected(p.e, iova(gfn), true);
	attach(p.e, p.ctx);
	EXPECT(get_word(&p, iova(DFN)), was);
	put_word(&p, iova(DFN), ~was);
	EXPECT(get_word(&p, iova(DFN)), ~was);
	unmap(p.ctx, DFN, 1);
	EXPECT(dom_pages(0), had - 1);
	read_blocked(&p, iova(DFN), ~was);
	EXPECT(try_map(p.ctx, DFN, gfn, 1, RW), -EACCES);
}

/*
 * Detects a missing flush: many devices, each with a cached translation, write again
 * right after UNMAP returned. The first half of the devices shares one context.
 * "after-unmap=N": N transfers.
 */
struct racer {
	uint32_t ctx;
	uint64_t dfn;
	uint64_t *page;
};

static struct racer racer[EDU_MAX];
static struct edu_job race[EDU_MAX];

static void race_setup(void)
{
	uint32_t shared = ctx_alloc();
	unsigned int i;

	for (i = 0; i < nr_edu; i++) {
		struct racer *r = &racer[i];

		r->ctx = i < nr_edu / 2 ? shared : ctx_alloc();
		r->dfn = DFN + i * 0x101;
		r->page = page_alloc();
		attach(&edu[i], r->ctx);
		race[i] = (struct edu_job){ &edu[i], false, iova(r->dfn), WORD };
	}
}

static void race_map(void)
{
	unsigned int i;

	for (i = 0; i < nr_edu; i++)
		map(racer[i].ctx, racer[i].dfn, gfn_of(racer[i].page), 1, RW);
}

/* Load every device's buffer with the device's number. */
static void race_load(void)
{
	unsigned int i;

	race_map();
	for (i = 0; i < nr_edu; i++) {
		racer[i].page[0] = 0xdead0000 + i;
		race[i].write = false;
	}
	edu_run(race, nr_edu);
	for (i = 0; i < nr_edu; i++)
		race[i].write = true;
}

static void race_must_land(unsigned int round)
{
	unsigned int i;

	for (i = 0; i < nr_edu; i++)
		racer[i].page[0] = 0;
	edu_run(race, nr_edu);
	for (i = 0; i < nr_edu; i++)
		CHECK(racer[i].page[0] == 0xdead0000 + i,
		      "round %u: device %x did not reach its page", round,
		      edu[i].bdf);
}

static unsigned int race_must_not_land(void (*unmap_all)(void))
{
	unsigned int i, landed = 0;

	for (i = 0; i < nr_edu; i++)
		racer[i].page[0] = 0;
	unmap_all();
	edu_run(race, nr_edu);
	for (i = 0; i < nr_edu; i++)
		landed += racer[i].page[0] != 0;
	return landed;
}

static void unmap_singly(void)
{
	unsigned int i;

	for (i = 0; i < nr_edu; i++)
		unmap(racer[i].ctx, racer[i].dfn, 1);
}

/* XSA-78 was a missing flush. */
static void after_unmap(void)
{
	unsigned long wanted = option("after-unmap", 160), done = 0;
	unsigned int landed = 0, round = 0;

	edu_need(4);
	race_setup();
	race_load();
	while (done < wanted) {
		race_must_land(round++);
		landed += race_must_not_land(unmap_singly);
		done += nr_edu;
		race_map();
	}
	race_must_land(round);
	info("dma.after-unmap: %u of %lu transfers landed", landed, done);
	CHECK(!landed, "%u of %lu transfers landed after UNMAP had returned",
	      landed, done);
}

/* All in one BATCH, with alternating contexts. */
static unsigned int fill_unmaps(struct xen_pv_iommu_batch *d)
{
	unsigned int i, n = 0, half = nr_edu / 2;

	for (i = 0; i < half; i++) {
		d[n++] = desc_unmap(racer[i].ctx, racer[i].dfn, 1);
		d[n++] = desc_unmap(racer[half + i].ctx, racer[half + i].dfn, 1);
	}
	if (nr_edu & 1) {
		d[n] = desc_unmap(racer[n].ctx, racer[n].dfn, 1);
		n++;
	}
	return n;
}

static void unmap_batch(void)
{
	struct xen_pv_iommu_batch d[EDU_MAX];

	fill_unmaps(d);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, nr_edu), nr_edu);
}

/* Unmaps before an error must be flushed too. */
static void unmap_then_error(void)
{
	struct xen_pv_iommu_batch d[EDU_MAX + 1];

	d[fill_unmaps(d)] = desc_unmap(racer[0].ctx, ~0UL, 1);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, nr_edu + 1), nr_edu);
	EXPECT(d[nr_edu].status, -EINVAL);
}

static void unmap_then_stale(void)
{
	struct xen_pv_iommu_batch d[EDU_MAX + 1];

	d[fill_unmaps(d)] = desc_unmap(XEN_PV_IOMMU_CTX_LAST, DFN, 1);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, nr_edu + 1), nr_edu);
	EXPECT(d[nr_edu].status, -ENOENT);
}

/* The array runs off the end of memory; a second call does the rest. */
static void unmap_then_fault(void)
{
	struct xen_pv_iommu_batch *end =
		(void *)((char *)arch_edge_page() + PAGE_SIZE);
	struct xen_pv_iommu_batch *d = end - nr_edu;
	long rc;

	fill_unmaps(d);
	rc = iommu_op(XEN_PV_IOMMU_OP_BATCH, d, nr_edu + 20);
	CHECK(rc == -EFAULT || (rc > 0 && rc <= (long)nr_edu),
	      "an array off the edge gave %ld", rc);
	if (rc < (long)nr_edu) {
		rc = rc < 0 ? 0 : rc;
		EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d + rc, nr_edu - rc),
		       nr_edu - rc);
	}
}

static void unmap_multicall(void)
{
	struct xen_pv_iommu_batch d[EDU_MAX];
	struct multicall_entry e[2] = { 0 };
	unsigned int i, half = nr_edu / 2;

	fill_unmaps(d);
	for (i = 0; i < 2; i++) {
		e[i].op = __HYPERVISOR_iommu_op;
		e[i].args[0] = XEN_PV_IOMMU_OP_BATCH;
		e[i].args[1] = hc_ptr(&d[i * half]);
		e[i].args[2] = i ? nr_edu - half : half;
	}
	EXPECT(hypercall(HC_MULTICALL, hc_ptr(e), 2, 0, 0, 0), 0);
	EXPECT(e[0].result, half);
	EXPECT(e[1].result, nr_edu - half);
}

/* One descriptor for the whole range with its holes. */
static void unmap_spanning(void)
{
	unsigned int i;

	for (i = nr_edu / 2 - 1; i < nr_edu; i++)
		unmap(racer[i].ctx, 0x800, 0x10000);
}

/* Unmap pages and map them read-only in the same call. */
static void unmap_and_remap_readonly(void)
{
	struct xen_pv_iommu_batch d[2 * EDU_MAX];
	unsigned int i;

	for (i = 0; i < nr_edu; i++) {
		d[2 * i] = desc_unmap(racer[i].ctx, racer[i].dfn, 1);
		d[2 * i + 1] = desc_map(racer[i].ctx, racer[i].dfn,
					gfn_of(racer[i].page), 1, RO);
	}
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_BATCH, d, 2 * nr_edu), 2 * nr_edu);
}

static const struct {
	const char *name;
	void (*unmap_all)(void);
} way[] = {
	{ "one batch", unmap_batch },
	{ "an error after", unmap_then_error },
	{ "a stale context after", unmap_then_stale },
	{ "a bad address after", unmap_then_fault },
	{ "a multicall", unmap_multicall },
	{ "one wide range", unmap_spanning },
	{ "made read-only", unmap_and_remap_readonly },
};

/* Each way in which the call can return must include the flush (XSA-80). */
static void unmap_ways(void)
{
	unsigned int i, landed;

	edu_need(4);
	race_setup();
	race_load();
	for (i = 0; i < ARRAY_SIZE(way); i++) {
		race_must_land(i);
		landed = race_must_not_land(way[i].unmap_all);
		CHECK(!landed, "%s: %u of %u transfers landed", way[i].name,
		      landed, nr_edu);
		if (way[i].unmap_all == unmap_and_remap_readonly)
			unmap_singly();
		race_map();
	}
	race_must_land(i);
}

/* XSA-78: more leaves than one flush covers; the device has cached some of them. */
#define LARGE		2048UL

static void unmap_large(void)
{
	static const unsigned int probe[] = { 0, 511, 512, 1300, LARGE - 1 };
	struct place p = place(0);
	uint64_t *page = page_alloc();
	unsigned int i;

	for (i = 0; i < LARGE; i++)
		map(p.ctx, HUGE_DFN + i, gfn_of(page), 1, RW);
	for (i = 0; i < ARRAY_SIZE(probe); i++)
		reaches(&p, HUGE_DFN + probe[i], page);
	load(&p, 0xbad);
	page[0] = 0x600d;
	unmap(p.ctx, HUGE_DFN, LARGE);
	for (i = 0; i < ARRAY_SIZE(probe); i++) {
		edu_write(p.e, iova(HUGE_DFN + probe[i]), WORD);
		CHECK(page[0] == 0x600d, "page %u of %lu was written", probe[i],
		      LARGE);
	}
	positive(&p);
}

const struct test dma_tests[] = {
	{ .name = "dma.mapped", .fn = mapped },
	{ .name = "dma.scattered", .fn = scattered },
	{ .name = "dma.top-of-aperture", .fn = top_of_aperture },
	{ .name = "dma.unmapped", .fn = unmapped },
	{ .name = "dma.other-context", .fn = other_context },
	{ .name = "dma.same-iova", .fn = same_iova },
	{ .name = "dma.shared-context", .fn = shared_context },
	{ .name = "dma.readonly", .fn = readonly },
	{ .name = "dma.writeonly", .fn = writeonly },
	{ .name = "dma.blocked", .fn = blocked },
	{ .name = "dma.back-to-default", .fn = back_to_default },
	{ .name = "dma.move", .fn = move },
	{ .name = "dma.failed-attach", .fn = failed_attach },
	{ .name = "dma.failed-move", .fn = failed_move },
	{ .name = "dma.direct", .fn = direct },
	{ .name = "dma.remapped", .fn = remapped },
	{ .name = "dma.context-reused", .fn = context_reused },
	{ .name = "dma.reset-blocks", .fn = reset_blocks },
	{ .name = "dma.peer-to-peer", .fn = peer_to_peer },
	{ .name = "dma.huge", .fn = huge },
	{ .name = "dma.huge-after-pages", .fn = huge_after_pages },
	{ .name = "dma.huge-and-pages", .fn = huge_and_pages, .slow = true },
	{ .name = "dma.apart-from-default", .fn = apart_from_default },
	{ .name = "dma.apart-from-p2m", .fn = apart_from_p2m, .only_pvh = true },
	{ .name = "dma.unmap-ways", .fn = unmap_ways },
	{ .name = "dma.unmap-large", .fn = unmap_large },
	{ .name = "dma.after-unmap", .fn = after_unmap },
	{ }
};

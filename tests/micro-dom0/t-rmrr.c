// SPDX-License-Identifier: GPL-2.0
/*
 * Regions that a device needs mapped 1:1. The runner gives the last two edu devices one
 * (Xen's rmrr= option) and passes its address. XSA-378, XSA-386, XSA-400 and XSA-460 were
 * about such regions that were replaced, not removed, or lost.
 */
#include "dma.h"
#include "mem.h"
#include "pci.h"
#include "test.h"

/* An offset in the first page, below the EBDA. Only this page is RAM. */
#define SPARE	0xb00UL

struct region {
	struct edu *e, *other;
	uint64_t first, last;		/* dfn */
};

static struct region region(void)
{
	struct region r = {
		.first = option("rmrr-first", 0),
		.last = option("rmrr-last", 0),
	};

	if (!r.first || nr_edu < 3)
		test_skip("the runner gave no device a region");
	r.e = &edu[nr_edu - 1];
	r.other = &edu[nr_edu - 2];
	return r;
}

static void works(const struct place *p, const struct region *r)
{
	uint64_t addr = iova(r->first) + SPARE;

	put_word(p, addr, 0x4e41);
	EXPECT(get_word(p, addr), 0x4e41);
	positive(p);
}

static struct place enter(const struct region *r)
{
	return place_in(r->e, ctx_alloc());
}

static void any_context(void)
{
	struct region r = region();
	struct place a = enter(&r), b = a;

	works(&a, &r);
	b.ctx = ctx_alloc();
	map(b.ctx, OWN_DFN, gfn_of(b.own), 1, RW);
	attach(r.e, b.ctx);
	works(&b, &r);
	attach(r.e, a.ctx);
	works(&a, &r);
}

static void not_in_blocked(void)
{
	struct region r = region();
	struct place p = enter(&r);
	uint64_t addr = iova(r.first) + SPARE;

	put_word(&p, addr, 0x600d);
	load(&p, 0xbad);
	attach(r.e, XEN_PV_IOMMU_CTX_BLOCKED);
	edu_write(r.e, addr, WORD);
	fault_expected(r.e, addr, true);
	attach(r.e, p.ctx);
	EXPECT(get_word(&p, addr), 0x600d);
	works(&p, &r);
}

/* Another device cannot use it to get at a blocked one's region, or a context. */
static void others_blocked(void)
{
	struct region r = region();
	struct place p = enter(&r), q = place(0);
	uint64_t addr = iova(r.first) + SPARE;

	put_word(&p, addr, 0x600d);
	put_word(&q, addr, 0xbad);
	fault_expected(q.e, addr, true);
	EXPECT(get_word(&p, addr), 0x600d);
	positive(&q);
}

static void expect_region(uint32_t ctx, const struct region *r)
{
	struct xen_pv_iommu_lookup l;
	uint64_t dfn;

	for (dfn = r->first; dfn <= r->last; dfn++) {
		EXPECT(try_lookup(ctx, dfn, &l), 0);
		EXPECT(l.flags & RW, RW);
		EXPECT(l.order, 0);
		CHECK(l.gfn == dfn || l.gfn == XEN_PV_IOMMU_GFN_UNKNOWN,
		      "0x%lx leads to 0x%lx", dfn, l.gfn);
	}
}

static void expect_no_region(uint32_t ctx, const struct region *r)
{
	uint64_t dfn;

	for (dfn = r->first; dfn <= r->last; dfn++)
		expect_hole(ctx, dfn);
}

static void every_page_refused(void)
{
	struct region r = region();
	struct place p = enter(&r);
	uint64_t dfn, gfn = gfn_of(page_alloc());

	for (dfn = r.first; dfn <= r.last; dfn++) {
		EXPECT(try_map(p.ctx, dfn, gfn, 1, RW), -EADDRINUSE);
		EXPECT(try_map(p.ctx, dfn, dfn, 1, RW | MMIO), -EADDRINUSE);
		EXPECT(try_unmap(p.ctx, dfn, 1), -EADDRINUSE);
		if (!arch_is_pv)
			EXPECT(try_unmap_park(p.ctx, dfn, 1), -EADDRINUSE);
	}
	expect_region(p.ctx, &r);
	works(&p, &r);
}

/* Xen must check all pages of a range, not only the first. */
static void ranges_stop(void)
{
	struct region r = region();
	struct place p = enter(&r);
	uint64_t gfn = gfn_of(pages_alloc(8));
	struct xen_pv_iommu_batch d;

	d = desc_map(p.ctx, r.first - 2, gfn, 4, RW);
	EXPECT(batch_one(&d), -EADDRINUSE);
	EXPECT(d.done, 2);
	d = desc_unmap(p.ctx, r.first - 2, 8);
	EXPECT(batch_one(&d), -EADDRINUSE);
	EXPECT(d.done, 2);
	d = desc_unmap(p.ctx, r.last, 2);
	EXPECT(batch_one(&d), -EADDRINUSE);
	EXPECT(d.done, 0);
	/* One large leaf that covers it. */
	d = desc_map(p.ctx, r.first & ~511UL, gfn_of(huge_frame()), HUGE_PAGES,
		     RW);
	d.order = 9;
	CHECK(batch_one(&d) < 0, "a large leaf covers the region");
	expect_region(p.ctx, &r);
	works(&p, &r);
	/* Pages next to it can be mapped as usual. */
	unmap(p.ctx, 0, r.first);
	map(p.ctx, r.last + 1, gfn, 1, RW);
	map(p.ctx, r.first - 1, gfn, 1, RW);
	unmap(p.ctx, r.last + 1, 1);
	unmap(p.ctx, r.first - 1, 1);
	expect_region(p.ctx, &r);
}

/* Another device that stays in the context must not reach it any more. */
static void gone_after_detach(void)
{
	struct region r = region();
	struct place p = enter(&r), q = p;
	uint64_t addr = iova(r.first) + SPARE;

	q.e = &edu[0];
	attach(q.e, p.ctx);
	works(&p, &r);
	works(&q, &r);
	put_word(&p, addr, 0x600d);
	attach(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	expect_no_region(p.ctx, &r);
	put_word(&q, addr, 0xbad);
	fault_expected(q.e, addr, true);
	positive(&q);
	/* The owner of the context may map the range again. */
	map(p.ctx, r.first, gfn_of(p.own), 1, RW);
	unmap(p.ctx, r.first, 1);
	attach(p.e, p.ctx);
	EXPECT(get_word(&p, addr), 0x600d);
}

static void two_users(void)
{
	struct region r = region();
	struct place a = enter(&r), b = a;

	b.e = r.other;
	attach(b.e, a.ctx);
	works(&a, &r);
	works(&b, &r);
	attach(a.e, XEN_PV_IOMMU_CTX_BLOCKED);
	expect_region(a.ctx, &r);
	EXPECT(try_unmap(a.ctx, r.last, 1), -EADDRINUSE);
	works(&b, &r);
	attach(b.e, XEN_PV_IOMMU_CTX_BLOCKED);
	expect_no_region(a.ctx, &r);
	attach(a.e, a.ctx);
	works(&a, &r);
}

/* ATTACH never replaces an existing mapping, whether it fits the region or not. */
static void clash(void)
{
	struct region r = region();
	uint32_t ctx = ctx_alloc();
	uint64_t dfn, gfn = gfn_of(page_alloc());

	for (dfn = r.first; dfn <= r.last; dfn++) {
		map(ctx, dfn, gfn, 1, RW);
		EXPECT(try_attach(r.e, ctx), -EADDRINUSE);
		EXPECT(ctx_of(r.e), XEN_PV_IOMMU_CTX_DEFAULT);
		expect_leaf(ctx, dfn, gfn, RW, 0);
		unmap(ctx, dfn, 1);
		expect_no_region(ctx, &r);
	}
	attach(r.e, ctx);
	expect_region(ctx, &r);
}

/* The owner's 1:1 leaves are accepted too, and stay when the device leaves. */
static void adopted(void)
{
	struct region r = region();
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_lookup l;
	struct place p;

	if (try_map(ctx, r.last, r.last, 1, RW | MMIO))
		test_skip("dom0 may not map the region itself");
	p = place_in(r.e, ctx);
	works(&p, &r);
	attach(r.e, XEN_PV_IOMMU_CTX_BLOCKED);
	EXPECT(try_lookup(ctx, r.last, &l), 0);
	expect_hole(ctx, r.first);
	unmap(ctx, r.last, 1);
}

/* Return how many regions of the type the device has. Each of them must equal r. */
static unsigned int regions_of(uint32_t id, enum xen_pv_iommu_resv_type type,
			       const struct region *r)
{
	struct xen_pv_iommu_dev_query q;
	struct xen_pv_iommu_dev_resv v;
	unsigned int nr = 0, nr_direct = 0;
	uint32_t i;

	EXPECT(try_dev_query(id, &q), 0);
	for (i = 0; i < q.nr_resv; i++) {
		v = (struct xen_pv_iommu_dev_resv){ .dev.id = id, .index = i };
		EXPECT(iommu_op(XEN_PV_IOMMU_OP_DEV_RESV, &v, 1), 1);
		nr_direct += v.type == XEN_PV_IOMMU_RESV_DIRECT ||
			     v.type == XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE;
		if (v.type != type)
			continue;
		nr++;
		EXPECT(v.start, iova(r->first));
		EXPECT(v.last, iova(r->last + 1) - 1);
	}
	EXPECT(!!(q.flags & XEN_PV_IOMMU_DEV_F_HAS_DIRECT), !!nr_direct);
	return nr;
}

static void listed(void)
{
	struct region r = region();
	unsigned int i;

	for (i = 0; i < nr_edu; i++)
		EXPECT(regions_of(edu[i].bdf, XEN_PV_IOMMU_RESV_DIRECT, &r),
		       i >= nr_edu - 2);
}

/*
 * The region of a USB controller, which its driver makes unnecessary. Here an edu in the
 * same context does the DMA, not the controller.
 */
#define RELAX	XEN_PV_IOMMU_ATTACH_F_RELAX

static uint32_t usb(struct region *r)
{
	uint32_t id = option("usb", 0);

	*r = (struct region){
		.first = option("usb-first", 0),
		.last = option("usb-last", 0),
	};
	CHECK(id && r->first, "the runner passed no USB controller");
	EXPECT(pci_read32(id, PCI_CLASS) >> 16, 0x0c03);
	return id;
}

static void relaxable(void)
{
	struct region r;
	uint32_t id = usb(&r), ctx = ctx_alloc();
	uint64_t gfn = gfn_of(page_alloc());

	CHECK(query().features & XEN_PV_IOMMU_FEAT_RELAX, "no FEAT_RELAX");
	EXPECT(regions_of(id, XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE, &r), 1);
	EXPECT(regions_of(edu[nr_edu - 1].bdf,
			  XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE, &r), 0);
	/* Without the flag it is like any other region. */
	attach_id(id, ctx);
	expect_region(ctx, &r);
	EXPECT(try_map(ctx, r.first, gfn, 1, RW), -EADDRINUSE);
	EXPECT(try_unmap(ctx, r.last, 1), -EADDRINUSE);
	attach_id(id, XEN_PV_IOMMU_CTX_DEFAULT);
	expect_no_region(ctx, &r);
}

static void relaxed(void)
{
	struct region r;
	uint32_t id = usb(&r);
	struct place p = place(0);
	uint64_t *page = page_alloc();

	EXPECT(try_attach_id_as(id, p.ctx, RELAX | 1), -EINVAL);
	EXPECT(try_attach_id_as(id, p.ctx, RELAX | 4), -EINVAL);
	EXPECT(try_attach_id_as(id, p.ctx, RELAX), 0);
	expect_no_region(p.ctx, &r);
	map(p.ctx, r.first, gfn_of(page), 1, RW);
	reaches(&p, r.first, page);
	/* This holds until the device leaves. */
	attach_id(id, p.ctx);
	expect_leaf(p.ctx, r.first, gfn_of(page), RW, 0);
	unmap(p.ctx, r.first, 1);
	write_blocked(&p, iova(r.first), page);
	map(p.ctx, r.first, gfn_of(page), 1, RW);
	attach_id(id, XEN_PV_IOMMU_CTX_BLOCKED);
	EXPECT(try_attach_id(id, p.ctx), -EADDRINUSE);
	unmap(p.ctx, r.first, 1);
	attach_id(id, p.ctx);
	expect_region(p.ctx, &r);
}

/* For a device with a DIRECT region the flag has no effect. */
static void relaxed_others(void)
{
	struct region r = region();
	uint32_t ctx = ctx_alloc();

	EXPECT(try_attach_id_as(r.e->bdf, ctx, RELAX), 0);
	expect_region(ctx, &r);
	EXPECT(try_unmap(ctx, r.first, 1), -EADDRINUSE);
}

const struct test rmrr_tests[] = {
	{ .name = "rmrr.listed", .fn = listed },
	{ .name = "rmrr.any-context", .fn = any_context, .slow = true },
	{ .name = "rmrr.not-in-blocked", .fn = not_in_blocked },
	{ .name = "rmrr.others-blocked", .fn = others_blocked },
	{ .name = "rmrr.every-page-refused", .fn = every_page_refused },
	{ .name = "rmrr.ranges-stop", .fn = ranges_stop },
	{ .name = "rmrr.gone-after-detach", .fn = gone_after_detach, .slow = true },
	{ .name = "rmrr.two-users", .fn = two_users, .slow = true },
	{ .name = "rmrr.clash", .fn = clash },
	{ .name = "rmrr.adopted", .fn = adopted },
	{ .name = "rmrr.relaxable", .fn = relaxable },
	{ .name = "rmrr.relaxed", .fn = relaxed },
	{ .name = "rmrr.relaxed-others", .fn = relaxed_others },
	{ }
};

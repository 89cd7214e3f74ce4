// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that the hardware domain assigns to another domain and gets back, as with "xl
 * pci-assignable-add" and "xl pci-attach". Meanwhile they must reach none of its
 * mappings; afterwards they must reach all. (XSA-302, XSA-306, and a defect in which a
 * device returned in a context that the kernel did not know.)
 *
 * check-xen also runs these tests on a Xen without HVM, which lacked quarantine
 * (XSA-450), and with a scratch page, whose tables had the wrong height (XSA-445).
 */
#include "dma.h"
#include "domctl.h"
#include "mem.h"
#include "test.h"

static uint32_t query_flags(const struct edu *e, uint32_t ctx)
{
	struct xen_pv_iommu_dev_query q;

	EXPECT(try_dev_query(e->bdf, &q), 0);
	EXPECT(q.ctx, ctx);
	return q.flags & XEN_PV_IOMMU_DEV_F_ABSENT;
}

static void expect_away(const struct edu *e, uint32_t ctx)
{
	EXPECT(query_flags(e, ctx), XEN_PV_IOMMU_DEV_F_ABSENT);
}

static void expect_home(const struct edu *e, uint32_t ctx)
{
	EXPECT(query_flags(e, ctx), 0);
}

/* The device's word (see load()) must land neither at @dfn nor in the frame. */
static void reaches_nothing(const struct place *p, uint64_t dfn, uint64_t *page)
{
	uint64_t canary = random_u64();

	page[0] = canary;
	p->own[3] = canary;
	edu_write(p->e, iova(dfn), WORD);
	edu_write(p->e, iova(gfn_of(page)), WORD);
	edu_write(p->e, iova(OWN_DFN) + 3 * WORD, WORD);
	CHECK(page[0] == canary, "device %x wrote 0x%lx while away", p->e->bdf,
	      page[0]);
	CHECK(p->own[3] == canary, "device %x wrote its own page while away",
	      p->e->bdf);
}

static struct place placed(uint64_t *page)
{
	struct place p = place(0);

	map(p.ctx, DFN, gfn_of(page), 1, RW);
	reaches(&p, DFN, page);
	load(&p, 0xbad);
	return p;
}

static void quarantine(void)
{
	uint64_t *page = page_alloc();
	struct place p = placed(page);

	dev_assign(p.e, DOMID_IO);
	expect_away(p.e, p.ctx);
	EXPECT(try_ctx_free(p.ctx), -EBUSY);
	reaches_nothing(&p, DFN, page);
	dev_deassign(p.e, DOMID_IO);
	expect_home(p.e, p.ctx);
	positive(&p);
	reaches(&p, DFN, page);
}

/* Pages unmapped meanwhile must be out of reach on return, pages mapped must be in reach. */
static void changes_meanwhile(void)
{
	uint64_t *page = page_alloc(), *other = page_alloc();
	struct place p = placed(page);

	dev_assign(p.e, DOMID_IO);
	unmap(p.ctx, DFN, 1);
	map(p.ctx, DFN + 1, gfn_of(other), 1, RW);
	reaches_nothing(&p, DFN + 1, other);
	dev_deassign(p.e, DOMID_IO);
	write_blocked(&p, iova(DFN), page);
	reaches(&p, DFN + 1, other);
}

static void attach_meanwhile(void)
{
	uint64_t *page = page_alloc(), *other = page_alloc();
	struct place p = placed(page);
	uint32_t b = ctx_alloc();

	map(b, DFN, gfn_of(other), 1, RW);
	map(b, OWN_DFN, gfn_of(p.own), 1, RW);
	dev_assign(p.e, DOMID_IO);
	attach_absent(p.e, b);
	expect_away(p.e, b);
	reaches_nothing(&p, DFN, page);
	reaches_nothing(&p, DFN, other);
	/* The first context has no device any more, and the second is in use. */
	unmap(p.ctx, OWN_DFN, 1);
	ctx_free(p.ctx);
	EXPECT(try_ctx_free(b), -EBUSY);
	dev_deassign(p.e, DOMID_IO);
	p.ctx = b;
	expect_home(p.e, b);
	positive(&p);
	reaches(&p, DFN, other);
}

static void special_meanwhile(void)
{
	uint64_t *page = page_alloc();
	struct place p = placed(page);

	dev_assign(p.e, DOMID_IO);
	attach_absent(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	expect_away(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	dev_deassign(p.e, DOMID_IO);
	expect_home(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	reaches_nothing(&p, DFN, page);
	dev_assign(p.e, DOMID_IO);
	attach_absent(p.e, XEN_PV_IOMMU_CTX_DEFAULT);
	reaches_nothing(&p, DFN, page);
	dev_deassign(p.e, DOMID_IO);
	expect_home(p.e, XEN_PV_IOMMU_CTX_DEFAULT);
	reaches(&p, gfn_of(page), page);
	attach(p.e, p.ctx);
	positive(&p);
	write_blocked(&p, iova(gfn_of(page)), page);
}

/* RESET must include the device, because the next driver does not know its context. */
static void reset_meanwhile(void)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_TO_BLOCKED };
	uint64_t *page = page_alloc();
	struct place p = placed(page);

	dev_assign(p.e, DOMID_IO);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_RESET, &c, 1), 1);
	iommu_forget_all();
	expect_away(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	dev_deassign(p.e, DOMID_IO);
	expect_home(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	reaches_nothing(&p, DFN, page);
}

/* While another domain has the device, its faults must not be reported to dom0. */
static void no_records(void)
{
	uint64_t *page = page_alloc();
	struct place p = placed(page);
	struct xen_pv_iommu_fault f;

	if (!(query().features & XEN_PV_IOMMU_FEAT_FAULTS))
		test_skip("this Xen keeps no fault records");
	while (!try_fault_read(&f))
		;
	dev_assign(p.e, DOMID_IO);
	reaches_nothing(&p, DFN, page);
	EXPECT(try_fault_read(&f), -ENOENT);
	dev_deassign(p.e, DOMID_IO);
	write_blocked(&p, iova(DFN + 1), page);
	EXPECT(try_fault_read(&f), 0);
}

static void domu(void)
{
	uint64_t *page = page_alloc();
	struct place p = placed(page);
	uint16_t dom = dom_create();

	dev_assign(p.e, dom);
	expect_away(p.e, p.ctx);
	reaches_nothing(&p, DFN, page);
	dev_deassign(p.e, dom);
	/* Without quarantine it returns at once. */
	if (dev_is_away(p.e)) {
		reaches_nothing(&p, DFN, page);
		dev_deassign(p.e, DOMID_IO);
	}
	expect_home(p.e, p.ctx);
	positive(&p);
	reaches(&p, DFN, page);
	dom_destroy(dom);
	dom_expect_gone(dom);
}

/* The domain dies while it owns the device (XSA-502). */
static void domu_dies(void)
{
	uint64_t *page = page_alloc();
	struct place p = placed(page);
	uint16_t dom = dom_create();

	dev_assign(p.e, dom);
	dom_destroy(dom);
	dom_expect_gone(dom);
	if (dev_is_away(p.e)) {
		expect_away(p.e, p.ctx);
		reaches_nothing(&p, DFN, page);
		dev_deassign(p.e, DOMID_IO);
	}
	expect_home(p.e, p.ctx);
	positive(&p);
	reaches(&p, DFN, page);
}

/*
 * The device must not enter a context that was freed meanwhile, nor a new context with
 * the same number (XSA-502).
 */
static void context_ends(void)
{
	uint64_t *page = page_alloc();
	struct place p = placed(page);
	uint16_t dom = dom_create();
	uint32_t heir;

	dev_assign(p.e, dom);
	attach_absent(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	ctx_free(p.ctx);
	heir = ctx_alloc();
	map(heir, DFN, gfn_of(page), 1, RW);
	dom_destroy(dom);
	if (dev_is_away(p.e))
		dev_deassign(p.e, DOMID_IO);
	expect_home(p.e, XEN_PV_IOMMU_CTX_BLOCKED);
	reaches_nothing(&p, DFN, page);
}

static void many_times(void)
{
	uint64_t *page = page_alloc(), before = 0;
	struct place p = placed(page);
	unsigned int i;

	for (i = 0; i < 100; i++) {
		dev_assign(p.e, DOMID_IO);
		dev_deassign(p.e, DOMID_IO);
		/* The first time allocates memory that quarantine keeps. */
		if (!i)
			before = free_pages();
	}
	EXPECT(free_pages(), before);
	expect_home(p.e, p.ctx);
	positive(&p);
}

const struct test away_tests[] = {
	{ .name = "away.quarantine", .fn = quarantine },
	{ .name = "away.changes-meanwhile", .fn = changes_meanwhile, .slow = true },
	{ .name = "away.attach-meanwhile", .fn = attach_meanwhile },
	{ .name = "away.special-meanwhile", .fn = special_meanwhile, .slow = true },
	{ .name = "away.reset-meanwhile", .fn = reset_meanwhile },
	{ .name = "away.no-records", .fn = no_records },
	{ .name = "away.domu", .fn = domu, .slow = true },
	{ .name = "away.domu-dies", .fn = domu_dies },
	{ .name = "away.context-ends", .fn = context_ends, .slow = true },
	{ .name = "away.many-times", .fn = many_times },
	{ }
};

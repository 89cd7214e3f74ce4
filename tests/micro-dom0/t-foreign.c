// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of other domains, as backends map them: only with the flag FOREIGN. They belong
 * to their owner until they are unmapped, even if the owner dies.
 */
#include "dma.h"
#include "domctl.h"
#include "hypercall.h"
#include "mem.h"
#include "test.h"

static void dma(void)
{
	struct place p = place(0);
	uint16_t dom = dom_create();
	uint64_t gfn = foreign_gfn(dom, dom_populate(dom));
	uint64_t other = foreign_gfn(dom, dom_populate(dom));
	struct xen_pv_iommu_lookup l;

	map(p.ctx, DFN, gfn, 1, RW | FOREIGN);
	map(p.ctx, DFN + 1, other, 1, RW | FOREIGN);
	EXPECT(try_lookup(p.ctx, DFN, &l), 0);
	EXPECT(l.flags, RW | FOREIGN);
	/* Xen need not know the gfn of the page in a translated domain. */
	if (arch_is_pv || l.gfn != XEN_PV_IOMMU_GFN_UNKNOWN)
		EXPECT(l.gfn, gfn);
	put_word(&p, iova(DFN) + 64, 0xf0e1);
	put_word(&p, iova(DFN + 1) + 64, 0xf0e2);
	EXPECT(get_word(&p, iova(DFN) + 64), 0xf0e1);
	EXPECT(get_word(&p, iova(DFN + 1) + 64), 0xf0e2);
	unmap(p.ctx, DFN, 1);
	/* After an unmap a write must not land; read the page through another mapping. */
	map(p.ctx, DFN + 2, gfn, 1, RO | FOREIGN);
	put_word(&p, iova(DFN) + 64, 0xbad);
	fault_expected(p.e, iova(DFN), true);
	EXPECT(get_word(&p, iova(DFN + 2) + 64), 0xf0e1);
	/* Nor a write through a read-only mapping. */
	put_word(&p, iova(DFN + 2) + 64, 0xbad);
	EXPECT(get_word(&p, iova(DFN + 2) + 64), 0xf0e1);
	positive(&p);
}

static void not_asked_for(void)
{
	uint32_t ctx = ctx_alloc();
	uint16_t dom = dom_create();
	uint64_t gfn = foreign_gfn(dom, dom_populate(dom));

	EXPECT(try_map(ctx, DFN, gfn, 1, RW), -EACCES);
	EXPECT(try_map(ctx, DFN, gfn, 1, RO), -EACCES);
	CHECK(try_map(ctx, DFN, gfn, 1, RW | MMIO) < 0, "mapped as MMIO");
	CHECK(try_map(ctx, DFN, gfn, 1, RW | MMIO | FOREIGN) < 0,
	      "mapped as foreign MMIO");
	expect_hole(ctx, DFN);
	/* FOREIGN is allowed for dom0's own pages, because a grant may lead to any page. */
	map(ctx, DFN, gfn_of(page_alloc()), 1, RW | FOREIGN);
}

/* After its owner died, the page must not get another owner (XSA-384). */
static void owner_dies(void)
{
	struct place p = place(0);
	uint16_t dom = dom_create();
	uint64_t gfn = foreign_gfn(dom, dom_populate(dom));

	map(p.ctx, DFN, gfn, 1, RW | FOREIGN);
	foreign_forget(gfn);
	put_word(&p, iova(DFN), 0x11fe);
	dom_destroy(dom);
	CHECK(dom_exists(dom), "the owner is gone with a page in use");
	EXPECT(dom_pages(dom), 1);
	EXPECT(get_word(&p, iova(DFN)), 0x11fe);
	put_word(&p, iova(DFN), 0x22fe);
	EXPECT(get_word(&p, iova(DFN)), 0x22fe);
	/* Its pages cannot be mapped any more. */
	CHECK(try_map(p.ctx, DFN + 1, gfn, 1, RW) < 0, "mapped as ours");
	unmap(p.ctx, DFN, 1);
	dom_expect_gone(dom);
	positive(&p);
}

/* The same, but CTX_FREE releases the page (XSA-384). */
static void owner_dies_free(void)
{
	uint32_t ctx = ctx_alloc();
	uint16_t dom = dom_create();
	uint64_t gfn = foreign_gfn(dom, dom_populate(dom));

	map(ctx, DFN, gfn, 1, RW | FOREIGN);
	map(ctx, DFN + 1, gfn, 1, RO | FOREIGN);
	foreign_forget(gfn);
	dom_destroy(dom);
	CHECK(dom_exists(dom), "the owner is gone with a page in use");
	unmap(ctx, DFN, 1);
	CHECK(dom_exists(dom), "the owner is gone with a page in use once");
	ctx_free(ctx);
	dom_expect_gone(dom);
}

/* An error must not leave references to the owner's pages (XSA-291). */
static void refused_leaves_nothing(void)
{
	uint32_t ctx = ctx_alloc();
	uint16_t dom = dom_create();
	uint64_t gfn = foreign_gfn(dom, dom_populate(dom));

	map(ctx, DFN, gfn_of(page_alloc()), 1, RW);
	EXPECT(try_map(ctx, DFN, gfn, 1, RW | FOREIGN), -EEXIST);
	EXPECT(try_map(ctx, DFN + 1, gfn, 1, RW), -EACCES);
	EXPECT(try_map(ctx, 0xfee00, gfn, 1, RW | FOREIGN), -EADDRINUSE);
	EXPECT(try_map(XEN_PV_IOMMU_CTX_BLOCKED, DFN, gfn, 1, RW | FOREIGN),
	       -EINVAL);
	foreign_forget(gfn);
	dom_destroy(dom);
	dom_expect_gone(dom);
}

/* Xen's own frames and free frames have no owner that could permit the map. */
static void xens_frames(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn, from;
	unsigned int n = 0;
	long rc;

	for (from = 0; arch_next_foreign(from, &gfn); from = gfn + 37, n++) {
		rc = try_map(ctx, DFN, gfn, 1, RO | FOREIGN);
		CHECK(rc == -EACCES, "frame 0x%lx: %ld", gfn, rc);
		rc = try_map(ctx, DFN, gfn, 1, RW | FOREIGN);
		CHECK(rc == -EACCES, "frame 0x%lx writable: %ld", gfn, rc);
	}
	CHECK(n > 100, "only %u frames found", n);
	EXPECT(try_map(ctx, DFN, arch_shared_info_gfn(), 1, RW | FOREIGN),
	       -EACCES);
}

/* Frames that Xen shows to domains belong to dom_xen, which permits no map. */
static void shown_by_xen(void)
{
	uint64_t mfn[8], gfn;
	struct xen_machphys_mfn_list list = {
		.max_extents = ARRAY_SIZE(mfn), .extent_start = hc_ptr(mfn),
	};
	uint32_t ctx = ctx_alloc();
	unsigned int i;

	EXPECT(hypercall(HC_MEMORY_OP, XENMEM_MACHPHYS_MFN_LIST, hc_ptr(&list),
			 0, 0, 0), 0);
	CHECK(list.nr_extents, "Xen shows nothing");
	for (i = 0; i < list.nr_extents; i++) {
		if (try_foreign_gfn(DOMID_XEN, mfn[i], &gfn))
			test_skip("Xen does not let us have frame 0x%lx", mfn[i]);
		EXPECT(try_map(ctx, DFN, gfn, 1, RO | FOREIGN), -EACCES);
		EXPECT(try_map(ctx, DFN, gfn, 1, RW | FOREIGN), -EACCES);
		EXPECT(try_map(ctx, DFN, gfn, 1, RO), -EACCES);
		foreign_forget(gfn);
	}
}

/* dom_io owns device memory, which is not RAM of another domain. */
static void device_memory(void)
{
	uint32_t ctx = ctx_alloc();

	edu_need(1);
	EXPECT(try_map(ctx, DFN, edu[0].bar >> PAGE_SHIFT, 1, RW | FOREIGN),
	       -EACCES);
	if (arch_is_pv)
		EXPECT(try_map(ctx, DFN, 0x10, 1, RO | FOREIGN), -EACCES);
	EXPECT(try_map(ctx, DFN, 0xfee00, 1, RW | FOREIGN), -EACCES);
}

/*
 * Shadow paging allocates a page table that belongs to the domain, which has no memory of
 * its own yet. A device that could write to it would control Xen.
 */
static void shadow_table(void)
{
	uint32_t ctx = ctx_alloc();
	unsigned int found = 0;
	uint64_t from, gfn;
	uint16_t dom;

	if (try_dom_create_shadowed(&dom))
		test_skip("Xen makes no domain with shadow paging");
	for (from = 0; arch_next_foreign(from, &gfn); from = gfn + 1) {
		if (try_map(ctx, DFN, gfn, 1, RO | FOREIGN))
			continue;
		unmap(ctx, DFN, 1);
		EXPECT(try_map(ctx, DFN, gfn, 1, RW | FOREIGN), -ETXTBSY);
		found++;
	}
	CHECK(found, "the domain has no page");
	dom_destroy(dom);
	dom_expect_gone(dom);
}

const struct test foreign_tests[] = {
	{ .name = "foreign.dma", .fn = dma },
	{ .name = "foreign.without-flag", .fn = not_asked_for },
	{ .name = "foreign.owner-dies", .fn = owner_dies },
	{ .name = "foreign.owner-dies-free", .fn = owner_dies_free },
	{ .name = "foreign.refused-leaves-nothing", .fn = refused_leaves_nothing },
	{ .name = "foreign.xens-frames", .fn = xens_frames },
	{ .name = "foreign.shown-by-xen", .fn = shown_by_xen },
	{ .name = "foreign.device-memory", .fn = device_memory },
	{ .name = "foreign.shadow-table", .fn = shadow_table, .only_pv = true, .slow = true },
	{ }
};

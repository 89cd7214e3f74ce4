// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that may be mapped, and with which flags. On PV a frame that a device can write
 * must not be, nor become, a page table (XSA-288, XSA-291). No flags allow a map of frames
 * that the domain does not own.
 */
#include "domctl.h"
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "test.h"

#define DFN		0x1000UL
#define MSI_FRAME	0xfee00UL
/* The frame of the IOMMU's registers in QEMU's q35. */
#define VTD_FRAME	0xfed90UL
#define WO		XEN_PV_IOMMU_F_W

/* Allocate a page and pin it as L1 page table. */
static void *l1_table(void)
{
	void *page = page_alloc();

	page_readonly(page);
	EXPECT(page_pin(page), 0);
	return page;
}

static void refused(uint32_t ctx, uint64_t gfn, unsigned int flags, long want)
{
	long rc = try_map(ctx, DFN, gfn, 1, flags);

	CHECK(rc == want, "frame 0x%lx, flags 0x%x: %ld, not %ld", gfn, flags,
	      rc, want);
	expect_hole(ctx, DFN);
}

static void page_table_writable(void)
{
	uint32_t ctx = ctx_alloc();
	void *page = l1_table();

	refused(ctx, gfn_of(page), RW, -ETXTBSY);
	refused(ctx, gfn_of(page), WO, -ETXTBSY);
	refused(ctx, arch_root_table_gfn(), RW, -ETXTBSY);
	/* A refused map leaves no reference: the page can get another type. */
	EXPECT(page_unpin(page), 0);
	page_writable(page);
	map(ctx, DFN, gfn_of(page), 1, RW);
}

static void page_table_readable(void)
{
	uint32_t ctx = ctx_alloc();
	void *page = l1_table();

	map(ctx, DFN, gfn_of(page), 1, RO);
	map(ctx, DFN + 1, arch_root_table_gfn(), 1, RO);
	expect_leaf(ctx, DFN, gfn_of(page), RO, 0);
	EXPECT(page_unpin(page), 0);
	EXPECT(page_pin(page), 0);
}

/* XSA-288: while a device can write to a page, it must not become a page table. */
static void pin_while_writable(void)
{
	uint32_t ctx = ctx_alloc();
	void *page = page_alloc();

	map(ctx, DFN, gfn_of(page), 1, RW);
	map(ctx, DFN + 1, gfn_of(page), 1, WO);
	page_readonly(page);
	CHECK(page_pin(page) < 0, "pinned while two contexts' leaves write it");
	unmap(ctx, DFN, 1);
	CHECK(page_pin(page) < 0, "pinned while one leaf writes it");
	unmap(ctx, DFN + 1, 1);
	EXPECT(page_pin(page), 0);
	refused(ctx, gfn_of(page), RW, -ETXTBSY);
	EXPECT(page_unpin(page), 0);
}

/* The same with a 2 MiB leaf: it holds a reference to each of its pages. */
static void pin_within_huge(void)
{
	struct xen_pv_iommu_batch d;
	uint32_t ctx = ctx_alloc();
	char *page = (char *)huge_frame() + 77 * PAGE_SIZE;

	d = desc_map(ctx, 0x40000, gfn_of(huge_frame()), HUGE_PAGES, RW);
	d.order = 9;
	EXPECT(batch_one(&d), 0);
	memset(page, 0, PAGE_SIZE);
	page_readonly(page);
	CHECK(page_pin(page) < 0, "pinned within a writable 2 MiB leaf");
	unmap(ctx, 0x40000, HUGE_PAGES);
	EXPECT(page_pin(page), 0);

	/* Now the page is a page table: Xen refuses the large leaf as a whole. */
	d = desc_map(ctx, 0x40000, gfn_of(huge_frame()), HUGE_PAGES, RW);
	d.order = 9;
	EXPECT(batch_one(&d), -ETXTBSY);
	expect_hole(ctx, 0x40000);
	EXPECT(d.done, 0);
	/* By pages Xen maps the pages before it. */
	d = desc_map(ctx, 0x40000, gfn_of(huge_frame()), HUGE_PAGES, RW);
	EXPECT(batch_one(&d), -ETXTBSY);
	EXPECT(d.done, 77);
	EXPECT(page_unpin(page), 0);
}

/*
 * A run stops at the refused frame; the pages before it stay mapped (XSA-389).
 */
static void run_stops(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d;
	char *pages = pages_alloc(5);

	page_readonly(pages + 3 * PAGE_SIZE);
	EXPECT(page_pin(pages + 3 * PAGE_SIZE), 0);
	d = desc_map(ctx, DFN, gfn_of(pages), 5, RW);
	EXPECT(batch_one(&d), -ETXTBSY);
	EXPECT(d.done, 3);
	expect_leaf(ctx, DFN + 2, gfn_of(pages) + 2, RW, 0);
	expect_hole(ctx, DFN + 3);
	expect_hole(ctx, DFN + 4);
}

/* Xen must not treat RAM as device memory with the MMIO flag, and skip its checks. */
static void mmio_flag_on_ram(void)
{
	uint32_t ctx = ctx_alloc();

	refused(ctx, gfn_of(page_alloc()), RW | MMIO, -EINVAL);
	refused(ctx, gfn_of(page_alloc()), RO | MMIO, -EINVAL);
	if (!arch_is_pv)
		return;
	refused(ctx, gfn_of(l1_table()), RW | MMIO, -EINVAL);
	refused(ctx, arch_root_table_gfn(), RW | MMIO, -EINVAL);
}

static void ram_flags_on_mmio(void)
{
	uint32_t ctx = ctx_alloc();

	edu_need(1);
	refused(ctx, edu[0].bar >> PAGE_SHIFT, RW, -EACCES);
	refused(ctx, edu[0].bar >> PAGE_SHIFT, RO, -EACCES);
}

static void mmio_bar(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t frame;

	edu_need(1);
	frame = edu[0].bar >> PAGE_SHIFT;
	map(ctx, DFN, frame, 4, RW | MMIO);
	expect_leaf(ctx, DFN + 3, frame + 3, RW | MMIO, 0);
	unmap(ctx, DFN, 4);
}

static void beyond_ram(void)
{
	uint32_t ctx = ctx_alloc();

	refused(ctx, 0xffffffUL, RW, -EACCES);
	refused(ctx, (1UL << 40) - 1, RW, -EACCES);
	refused(ctx, 1UL << 51, RW, -EACCES);
}

/* Xen refuses frames of others as RAM and as MMIO: Xen's text and heap, free frames. */
static void foreign(void)
{
	unsigned long stride = option("foreign-stride", 53), n = 0;
	uint32_t ctx = ctx_alloc();
	uint64_t gfn, from;
	long rc;

	for (from = 0; arch_next_foreign(from, &gfn); from = gfn + stride, n++) {
		refused(ctx, gfn, RO, -EACCES);
		rc = try_map(ctx, DFN, gfn, 1, RW | MMIO);
		CHECK(rc == -EINVAL || rc == -EACCES,
		      "frame 0x%lx as MMIO: %ld", gfn, rc);
		expect_hole(ctx, DFN);
	}
	CHECK(n > 100, "only %lu frames of others found", n);
	info("Xen refused %lu frames of others", n);
}

/* A run with dom0's last frame and the first frame of others (XSA-389). */
static void run_leaves_ours(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d;
	uint64_t gfn;

	CHECK(arch_next_foreign(0x200, &gfn), "nothing foreign");
	while (try_map(ctx, DFN, gfn - 1, 1, RO)) {
		if (!arch_next_foreign(gfn + 1, &gfn))
			test_skip("no frame of dom0 is next to a foreign one");
	}
	unmap(ctx, DFN, 1);
	d = desc_map(ctx, DFN, gfn - 1, 3, RO);
	EXPECT(batch_one(&d), -EACCES);
	EXPECT(d.done, 1);
	expect_leaf(ctx, DFN, gfn - 1, RO, 0);
	expect_hole(ctx, DFN + 1);
}

/* A device must not write Xen's shared info page, which dom0 may map (XSA-384). */
static void shared_info(void)
{
	uint32_t ctx = ctx_alloc();

	refused(ctx, arch_shared_info_gfn(), RW, -EACCES);
	refused(ctx, arch_shared_info_gfn(), RO, -EACCES);
	CHECK(try_map(ctx, DFN, arch_shared_info_gfn(), 1, RW | MMIO) < 0,
	      "shared info mapped as MMIO");
}

/* At this iova DMA never reaches memory; at this frame it would be an interrupt. */
static void msi_iova(void)
{
	uint64_t gfn = gfn_of(pages_alloc(4));
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d;
	unsigned int i;

	for (i = 0; i < 0x100; i += 0x33)
		EXPECT(try_map(ctx, MSI_FRAME + i, gfn, 1, RW), -EADDRINUSE);
	/* Xen must check all frames of a run, not only the first. */
	d = desc_map(ctx, MSI_FRAME - 2, gfn, 4, RW);
	EXPECT(batch_one(&d), -EADDRINUSE);
	EXPECT(d.done, 2);
	expect_leaf(ctx, MSI_FRAME - 1, gfn + 1, RW, 0);
	expect_hole(ctx, MSI_FRAME);
	map(ctx, MSI_FRAME + 0x100, gfn, 1, RW);
}

/* A 2 MiB leaf there would contain it. */
static void msi_iova_huge(void)
{
	uint32_t ctx = ctx_alloc();
	struct xen_pv_iommu_batch d =
		desc_map(ctx, MSI_FRAME & ~511UL, gfn_of(huge_frame()),
			 HUGE_PAGES, RW);

	d.order = 9;
	EXPECT(batch_one(&d), -EADDRINUSE);
	expect_hole(ctx, MSI_FRAME);
	expect_hole(ctx, MSI_FRAME + 0xff);
}

static void msi_target(void)
{
	uint32_t ctx = ctx_alloc();

	refused(ctx, MSI_FRAME, RW | MMIO, -EACCES);
	refused(ctx, MSI_FRAME, RW, -EACCES);
	refused(ctx, MSI_FRAME + 0x7f, RW | MMIO, -EACCES);
}

static void iommu_registers(void)
{
	uint32_t ctx = ctx_alloc();

	refused(ctx, VTD_FRAME, RW, -EACCES);
	refused(ctx, VTD_FRAME, RW | MMIO, -EACCES);
}

/* True if this is the code at which CPUs start: it loads %ds, then sets a flag. */
static bool is_trampoline(uint64_t frame)
{
	static const uint8_t start[] = { 0x8c, 0xc8, 0x8e, 0xd8, 0xc6, 0x06 };
	const volatile uint8_t *p = arch_map_mmio(frame << PAGE_SHIFT);
	unsigned int i;

	for (i = 0; i < sizeof(start); i++)
		if (p[i] != start[i])
			return false;
	return true;
}

/* Xen treats all below 1 MiB as device memory, but dom0 must not map the trampoline. */
static void low_meg(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t frame, first = 0, nr = 0;
	long rc;

	for (frame = 0; frame < 0x100; frame++) {
		rc = try_map(ctx, DFN, frame, 1, RW | MMIO);
		if (rc) {
			first = nr++ ? first : frame;
			EXPECT(rc, -EACCES);
			EXPECT(first + nr - 1, frame);
			refused(ctx, frame, WO | MMIO, -EACCES);
			map(ctx, DFN, frame, 1, RO | MMIO);
		}
		unmap(ctx, DFN, 1);
	}
	CHECK(nr && nr <= 16, "Xen refused %lu frames", nr);
	CHECK(is_trampoline(first), "frame 0x%lx is no trampoline", first);
}

/*
 * dom0 returns a page to Xen while a device can still reach it. The page must stay
 * dom0's until the unmap, so that no other domain gets it before (XSA-346).
 */
static void ballooned(void)
{
	uint32_t ctx = ctx_alloc();
	uint64_t gfn, had;

	if (!arch_balloon_page(&gfn))
		test_skip("no page to give away");
	had = dom_pages(0);
	map(ctx, DFN, gfn, 1, RO);
	EXPECT(arch_balloon_out(gfn), 1);
	EXPECT(dom_pages(0), had);
	unmap(ctx, DFN, 1);
	EXPECT(dom_pages(0), had - 1);
	expect_hole(ctx, DFN);
	EXPECT(try_map(ctx, DFN, gfn, 1, RO), -EACCES);
}

/* Nor can its frame be exchanged for another while a device can reach it. */
static void exchanged(void)
{
	uint64_t mfn = arch_exchange_page();
	uint32_t ctx = ctx_alloc();
	long rc;

	map(ctx, DFN, mfn, 1, RO);
	rc = arch_exchange(mfn);
	CHECK(rc <= 0, "a mapped frame was exchanged");
	unmap(ctx, DFN, 1);
	map(ctx, DFN, mfn, 1, RW);
	rc = arch_exchange(mfn);
	CHECK(rc <= 0, "a writable frame was exchanged");
	unmap(ctx, DFN, 1);
	EXPECT(arch_exchange(mfn), 1);
	EXPECT(try_map(ctx, DFN, mfn, 1, RO), -EACCES);
}

const struct test frames_tests[] = {
	{ .name = "frames.page-table-writable", .fn = page_table_writable, .only_pv = true },
	{ .name = "frames.page-table-readable", .fn = page_table_readable, .only_pv = true },
	{ .name = "frames.pin-while-writable", .fn = pin_while_writable, .only_pv = true },
	{ .name = "frames.pin-within-huge", .fn = pin_within_huge, .only_pv = true },
	{ .name = "frames.run-stops", .fn = run_stops, .only_pv = true },
	{ .name = "frames.mmio-flag-on-ram", .fn = mmio_flag_on_ram },
	{ .name = "frames.ram-flags-on-mmio", .fn = ram_flags_on_mmio },
	{ .name = "frames.mmio-bar", .fn = mmio_bar },
	{ .name = "frames.beyond-ram", .fn = beyond_ram },
	{ .name = "frames.foreign", .fn = foreign },
	{ .name = "frames.run-leaves-ours", .fn = run_leaves_ours },
	{ .name = "frames.shared-info", .fn = shared_info },
	{ .name = "frames.msi-iova", .fn = msi_iova },
	{ .name = "frames.msi-iova-huge", .fn = msi_iova_huge },
	{ .name = "frames.msi-target", .fn = msi_target },
	{ .name = "frames.iommu-registers", .fn = iommu_registers },
	{ .name = "frames.low-meg", .fn = low_meg, .only_pv = true },
	{ .name = "frames.ballooned", .fn = ballooned },
	{ .name = "frames.exchanged", .fn = exchanged, .only_pv = true },
	{ }
};

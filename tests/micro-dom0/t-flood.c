// SPDX-License-Identifier: GPL-2.0
/*
 * A device in a context that faults each millisecond. Xen reports its faults up to a
 * limit, then suppresses them for a second. Meanwhile the device keeps working: it
 * reaches all its mapped memory. In DEFAULT Xen turns such a device off: see
 * ats.disabled.
 */
#include "clock.h"
#include "dma.h"
#include "domctl.h"
#include "hotplug.h"
#include "mem.h"
#include "output.h"
#include "pci.h"
#include "test.h"
#include "uhci.h"

/* Reports in a second, and faults that were already queued at the limit. */
#define LIMIT		10U
#define ON_THE_WAY	4U
#define PAUSE		(1000 * MSEC)

/* An unmapped address at which no other test has faults. */
#define AWAY_DFN	(DFN + 8)

/* If a device has no fault for so long, Xen counts its faults from zero again. */
#define QUIET_MS	1100U

/* Length of a flood in tests that measure time. */
#define LONG_FLOOD	(6000 * MSEC)
#define SUPPRESSED	XEN_PV_IOMMU_FAULT_F_SUPPRESSED
#define DISABLED	XEN_PV_IOMMU_FAULT_F_DISABLED

/* The controller in a context: its pages are at OWN_DFN, DFN is unmapped. */
struct flood {
	struct edu *e;
	uint32_t ctx;
	void *pages;
};

static void make_place(const struct flood *f, uint32_t ctx)
{
	void *end = page_alloc();

	uhci_make_end(end);
	map(ctx, 0, gfn_of(end), 1, RO);
	map(ctx, OWN_DFN, gfn_of(f->pages), 1, RW);
	map(ctx, OWN_DFN + 1, gfn_of((char *)f->pages + PAGE_SIZE), 1, RW);
}

static void drain(void)
{
	struct xen_pv_iommu_fault f;

	while (!try_fault_read(&f))
		;
}

static struct flood flood_begin(void)
{
	struct flood f = { .e = uhci_need() };

	if (!(query().features & XEN_PV_IOMMU_FEAT_FAULTS))
		test_skip("this Xen keeps no fault records");
	sleep_ms(QUIET_MS);
	f.pages = pages_alloc(2);
	f.ctx = ctx_alloc();
	make_place(&f, f.ctx);
	attach(f.e, f.ctx);
	CHECK(uhci_works(f.pages, iova(OWN_DFN)),
	      "the controller does not reach its pages");
	drain();
	return f;
}

/* Valid DMA of the same device must work, and the device must be on. */
static void expect_works(const struct flood *f)
{
	uhci_stop();
	CHECK(uhci_is_master(), "Xen has turned bus mastering off");
	attach(f->e, f->ctx);
	CHECK(uhci_works(f->pages, iova(OWN_DFN)),
	      "the controller does not reach its pages any more");
	drain();
}

static bool next_fault(struct xen_pv_iommu_fault *f, unsigned int ms)
{
	while (try_fault_read(f)) {
		if (!ms--)
			return false;
		sleep_ms(1);
	}
	return true;
}

/* Read records of the controller until one says that its faults are suppressed. */
static struct xen_pv_iommu_fault until_suppressed(const struct flood *f,
						  uint32_t ctx)
{
	struct xen_pv_iommu_fault rec;
	unsigned int n = 0;

	do {
		CHECK(next_fault(&rec, 5000), "%u faults, then no more", n);
		EXPECT(rec.dev.id, f->e->bdf);
		EXPECT(rec.ctx, ctx);
		EXPECT(rec.flags & DISABLED, 0);
		CHECK(++n <= LIMIT + ON_THE_WAY, "%u faults in a second", n);
	} while (!(rec.flags & SUPPRESSED));
	CHECK(n > LIMIT, "suppressed after %u faults", n);
	return rec;
}

/* Reports must resume after the pause, not before; the first record has the time. */
static void until_resumed(const struct xen_pv_iommu_fault *last)
{
	struct xen_pv_iommu_fault rec;
	unsigned int n = 0;

	do {
		CHECK(next_fault(&rec, 20000), "no fault is reported any more");
		CHECK(n++ <= ON_THE_WAY, "%u faults although they are suppressed", n);
	} while (rec.flags & SUPPRESSED);
	/* Xen reads the time of a record a little after the begin of the pause. */
	CHECK(rec.time > last->time + PAUSE - 10 * MSEC, "resumed after %lu ms",
	      (rec.time - last->time) / MSEC);
}

static void limited_in(const struct flood *f, uint32_t ctx)
{
	struct xen_pv_iommu_fault last;

	attach(f->e, ctx);
	uhci_run(iova(DFN));
	last = until_suppressed(f, ctx);
	until_resumed(&last);
	expect_works(f);
}

static void limited(void)
{
	struct flood f = flood_begin();

	limited_in(&f, f.ctx);
}

/* BLOCKED: the driver has released a device that still does DMA. */
static void in_blocked(void)
{
	struct flood f = flood_begin();

	limited_in(&f, XEN_PV_IOMMU_CTX_BLOCKED);
}

/* A slow emulator may still deliver earlier faults of the device. */
static void first_fault_in(uint32_t ctx, struct xen_pv_iommu_fault *rec)
{
	unsigned int n = 0;

	do {
		CHECK(next_fault(rec, 20000), "no fault after a move");
		CHECK(n++ <= ON_THE_WAY, "%u faults of the context before", n);
	} while (rec->ctx != ctx);
}

/* After the next ATTACH, to any context, the faults are reported again. */
static void moved(void)
{
	struct xen_pv_iommu_fault rec;
	struct flood f = flood_begin();
	uint32_t to[3] = { ctx_alloc(), XEN_PV_IOMMU_CTX_BLOCKED, f.ctx };
	unsigned int i;

	make_place(&f, to[0]);
	for (i = 0; i < ARRAY_SIZE(to); i++) {
		attach(f.e, f.ctx);
		uhci_run(iova(DFN));
		until_suppressed(&f, f.ctx);
		uhci_stop();
		sleep_ms(10);
		drain();
		attach(f.e, to[i]);
		uhci_run(iova(DFN));
		first_fault_in(to[i], &rec);
		EXPECT(rec.flags, 0);
		uhci_stop();
		sleep_ms(QUIET_MS);
		drain();
	}
	expect_works(&f);
}

/* Announce the id to the runner: in Xen's log faults have the id of the bridge. */
static void tell_id(const struct flood *f, const char *what, uint64_t addr)
{
	info("%s %02x:%02x.%u 0x%lx", what, f->e->rid >> 8,
	     (f->e->rid >> 3) & 31, f->e->rid & 7, addr);
}

/*
 * Faults must be reported for the device's next owner, which only Xen's log shows. At the
 * end of the pause Xen must not change the entries of that owner.
 */
static void away_and_back(void)
{
	struct flood f = flood_begin();
	uint16_t dom = dom_create();

	uhci_run(iova(DFN));
	until_suppressed(&f, f.ctx);
	uhci_stop();
	dev_assign(f.e, dom);
	uhci_run(iova(AWAY_DFN));
	sleep_ms(100);
	uhci_stop();
	tell_id(&f, "flood-next-owner", iova(AWAY_DFN));
	sleep_ms(QUIET_MS);
	dev_deassign(f.e, dom);
	if (dev_is_away(f.e))
		dev_deassign(f.e, DOMID_IO);
	EXPECT(ctx_of(f.e), f.ctx);
	/* Xen may have turned it off meanwhile. */
	uhci_need();
	drain();
	limited_in(&f, f.ctx);
}

/* The timer must not access a device that was removed. */
static void unplugged(void)
{
	struct flood f = flood_begin();

	uhci_run(iova(DFN));
	until_suppressed(&f, f.ctx);
	uhci_stop();
	dev_remove(f.e);
	sleep_ms(QUIET_MS);
	dev_add(f.e);
	EXPECT(ctx_of(f.e), XEN_PV_IOMMU_CTX_DEFAULT);
	drain();
	limited_in(&f, f.ctx);
}

/* Return how often the clock was read in @ns. */
static uint64_t work(uint64_t ns)
{
	uint64_t n = 0, end = clock_ns() + ns;

	while (clock_ns() < end)
		n++;
	return n;
}

/* Other work, and another device. Their progress is printed, but not judged. */
static void others_go_on(void)
{
	struct place other = place(0);
	uint64_t alone = work(PAUSE), beside, began;
	struct xen_pv_iommu_fault rec;
	struct flood f = flood_begin();
	unsigned int faults = 0, transfers = 0;

	uhci_run(iova(DFN));
	began = clock_ns();
	beside = work(PAUSE);
	while (clock_ns() < began + LONG_FLOOD) {
		positive(&other);
		transfers++;
		while (!try_fault_read(&rec))
			faults++;
	}
	CHECK(faults > LIMIT, "%u faults were reported", faults);
	CHECK(faults <= (LONG_FLOOD / PAUSE + 1) * (LIMIT + ON_THE_WAY),
	      "%u faults were reported in %lu s", faults, LONG_FLOOD / PAUSE);
	info("flood.others-work: %lu%% of the work, %u transfers, %u faults",
	     beside * 100 / alone, transfers, faults);
	/* The runner counts Xen's log lines about this flood. */
	tell_id(&f, "flood-logged", iova(DFN));
	expect_works(&f);
}

const struct test flood_tests[] = {
	{ .name = "flood.limited", .fn = limited },
	{ .name = "flood.in-blocked", .fn = in_blocked },
	{ .name = "flood.moved", .fn = moved },
	{ .name = "flood.away-and-back", .fn = away_and_back },
	{ .name = "flood.unplugged", .fn = unplugged },
	{ .name = "flood.others-work", .fn = others_go_on },
	{ }
};

// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that share a requester id, below a PCI bridge (run with --bridge). The IOMMU
 * cannot distinguish them: either the hardware domain owns all of them, or those that
 * it owns get no context. (XSA-461 is about such devices, XSA-467 about the locks taken
 * for them.)
 */
#include "bridge.h"
#include "clock.h"
#include "dma.h"
#include "domctl.h"
#include "hotplug.h"
#include "mem.h"
#include "pci.h"
#include "test.h"

#define NR	3U

/* All of them in one context, as in Linux; DFN leads to @page. */
struct shared {
	const struct bridge *bridge;
	struct place p[NR];
	uint64_t *page;
};

static void attach_all(const struct bridge *b, uint32_t ctx)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		attach(b->dev[i], ctx);
}

static struct shared share(void)
{
	struct shared s = { .bridge = bridge_need(), .page = page_alloc() };
	unsigned int i;

	s.p[0] = place_in(s.bridge->dev[0], ctx_alloc());
	for (i = 1; i < NR; i++) {
		s.p[i] = s.p[0];
		s.p[i].e = s.bridge->dev[i];
	}
	attach_all(s.bridge, s.p[0].ctx);
	map(s.p[0].ctx, DFN, gfn_of(s.page), 1, RW);
	return s;
}

static void all_reach(const struct shared *s, uint64_t dfn, uint64_t *page)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		reaches(&s->p[i], dfn, page);
}

/* No word of these devices may land in the page through @dfn. */
static void none_reaches_by(const struct shared *s, uint64_t dfn)
{
	uint64_t canary = random_u64();
	struct edu_job jobs[NR];
	unsigned int i;

	s->page[0] = canary;
	for (i = 0; i < NR; i++)
		jobs[i] = (struct edu_job){
			.e = s->bridge->dev[i], .write = true,
			.iova = iova(dfn), .len = WORD,
		};
	edu_run(jobs, NR);
	CHECK(s->page[0] == canary, "0x%lx was written to the page by dfn 0x%lx",
	      s->page[0], dfn);
}

static void none_reaches(const struct shared *s)
{
	none_reaches_by(s, DFN);
	none_reaches_by(s, gfn_of(s->page));
}

static void load_all(const struct shared *s)
{
	unsigned int i;

	for (i = 0; i < NR; i++)
		load(&s->p[i], 0xbad0 + i);
}

static unsigned int reason(uint32_t id)
{
	struct xen_pv_iommu_dev_query q;

	EXPECT(try_dev_query(id, &q), 0);
	EXPECT(!(q.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX),
	       !!(q.flags >> XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT));
	return q.flags >> XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT;
}

static void no_context_for(uint32_t id, uint32_t ctx)
{
	struct xen_pv_iommu_attach a = { .dev.id = id, .ctx = ctx };

	EXPECT(reason(id), XEN_PV_IOMMU_NO_CTX_BRIDGE);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1), -ENODEV);
	EXPECT(a.status, -ENODEV);
	a.ctx = XEN_PV_IOMMU_CTX_BLOCKED;
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1), -ENODEV);
}

static void reported(void)
{
	const struct bridge *b = bridge_need();
	struct xen_pv_iommu_dev_query q;
	uint32_t ctx = ctx_alloc();
	unsigned int i;

	for (i = 0; i < NR; i++) {
		EXPECT(try_dev_query(b->dev[i]->bdf, &q), 0);
		CHECK(q.flags & XEN_PV_IOMMU_DEV_F_ALIASED,
		      "%x is not reported as aliased", b->dev[i]->bdf);
		EXPECT(q.group, b->bdf);
		EXPECT(reason(b->dev[i]->bdf), XEN_PV_IOMMU_NO_CTX_NONE);
	}
	no_context_for(b->port, ctx);
	no_context_for(b->bdf, ctx);
	no_context_for(b->nested, ctx);
	/* A device on bus 0 shares its id with no device. */
	edu_need(1);
	EXPECT(try_dev_query(edu[0].bdf, &q), 0);
	EXPECT(q.flags & XEN_PV_IOMMU_DEV_F_ALIASED, 0);
	EXPECT(q.group, edu[0].bdf);
}

/*
 * The IOMMU reports faults with the bridge's id, which no device has. The record names
 * one of the devices that use it, and that device's context.
 */
static void fault(void)
{
	struct shared s = share();
	struct xen_pv_iommu_fault f;
	unsigned int i;

	while (!try_fault_read(&f))
		;
	edu_write(s.p[NR - 1].e, iova(DFN + 1), WORD);
	fault_expected(s.p[NR - 1].e, iova(DFN + 1), true);
	for (i = 0; i < 100 && try_fault_read(&f); i++)
		sleep_ms(1);
	CHECK(i < 100, "no fault was recorded");
	for (i = 0; i < NR && f.dev.id != s.bridge->dev[i]->bdf; i++)
		;
	CHECK(i < NR, "the record names 0x%x", f.dev.id);
	EXPECT(f.ctx, s.p[0].ctx);
	EXPECT(f.iova >> PAGE_SHIFT, DFN + 1);
	EXPECT(f.reason, XEN_PV_IOMMU_FAULT_UNMAPPED);
	all_reach(&s, DFN, s.page);
}

static uint32_t second_context(const struct shared *s, uint64_t *page)
{
	uint32_t ctx = ctx_alloc();

	map(ctx, DFN, gfn_of(page), 1, RW);
	map(ctx, OWN_DFN, gfn_of(s->p[0].own), 1, RW);
	return ctx;
}

static void moved(void)
{
	struct shared s = share();
	uint64_t *other = page_alloc();
	uint32_t b = second_context(&s, other);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		all_reach(&s, DFN, s.page);
		load_all(&s);
		attach_all(s.bridge, XEN_PV_IOMMU_CTX_BLOCKED);
		none_reaches(&s);
		fault_expected(s.p[0].e, iova(DFN), true);
		s.page[1] = 0x600d;
		attach_all(s.bridge, b);
		all_reach(&s, DFN, other);
		EXPECT(s.page[1], 0x600d);
		attach_all(s.bridge, XEN_PV_IOMMU_CTX_DEFAULT);
		all_reach(&s, gfn_of(other), other);
		attach_all(s.bridge, s.p[0].ctx);
	}
	all_reach(&s, DFN, s.page);
}

/* The locks of a device below a bridge, in every kind of move. (XSA-467) */
static void many_moves(void)
{
	struct shared s = share();
	uint64_t *other = page_alloc();
	uint32_t to[4] = {
		second_context(&s, other), XEN_PV_IOMMU_CTX_BLOCKED,
		XEN_PV_IOMMU_CTX_DEFAULT, s.p[0].ctx,
	};
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		attach(s.bridge->dev[i % NR], to[i % ARRAY_SIZE(to)]);
		if (i % 100 == 99)
			attach_all(s.bridge, to[i / 100 % ARRAY_SIZE(to)]);
	}
	attach_all(s.bridge, to[0]);
	all_reach(&s, DFN, other);
	attach_all(s.bridge, s.p[0].ctx);
	all_reach(&s, DFN, s.page);
	ctx_free(to[0]);
	all_reach(&s, DFN, s.page);
}

/* The devices that stay get no context, whichever device was given away. (XSA-461) */
static void expect_refused(const struct shared *s, unsigned int away,
			   uint32_t ctx)
{
	unsigned int i;

	for (i = 0; i < NR; i++) {
		struct edu *e = s->bridge->dev[i];

		if (i == away)
			continue;
		EXPECT(reason(e->bdf), XEN_PV_IOMMU_NO_CTX_SHARED_ID);
		EXPECT(try_attach(e, ctx), -ENODEV);
		EXPECT(ctx_of(e), s->p[0].ctx);
	}
}

static void one_away(uint16_t (*owner)(void))
{
	struct shared s = share();
	uint32_t b = second_context(&s, page_alloc());
	unsigned int i;

	for (i = 0; i < NR; i++) {
		struct edu *e = s.bridge->dev[i];
		uint16_t dom = owner();

		load_all(&s);
		dev_assign(e, dom);
		expect_refused(&s, i, b);
		none_reaches(&s);
		dev_deassign(e, dom);
		if (dev_is_away(e))
			dev_deassign(e, DOMID_IO);
		EXPECT(reason(s.bridge->dev[0]->bdf), XEN_PV_IOMMU_NO_CTX_NONE);
		attach_all(s.bridge, b);
		attach_all(s.bridge, s.p[0].ctx);
		all_reach(&s, DFN, s.page);
		if (dom != DOMID_IO)
			dom_destroy(dom);
	}
}

static uint16_t quarantine(void)
{
	return DOMID_IO;
}

static void one_in_quarantine(void)
{
	one_away(quarantine);
}

static void one_in_domu(void)
{
	one_away(dom_create);
}

/*
 * The devices that stay may leave their context. The device that was given away must
 * not move with them into a table of dom0. (XSA-461)
 */
static void others_leave(uint16_t (*owner)(void), uint32_t to)
{
	struct shared s = share();
	uint16_t dom = owner();

	load_all(&s);
	dev_assign(s.bridge->dev[0], dom);
	attach(s.bridge->dev[1], to);
	attach(s.bridge->dev[2], to);
	EXPECT(ctx_of(s.bridge->dev[1]), to);
	none_reaches(&s);
	EXPECT(try_ctx_free(s.p[0].ctx), -EBUSY);
	dev_deassign(s.bridge->dev[0], dom);
	if (dev_is_away(s.bridge->dev[0]))
		dev_deassign(s.bridge->dev[0], DOMID_IO);
	attach_all(s.bridge, s.p[0].ctx);
	all_reach(&s, DFN, s.page);
}

static void leave_to_default(void)
{
	others_leave(dom_create, XEN_PV_IOMMU_CTX_DEFAULT);
}

static void leave_to_blocked(void)
{
	others_leave(quarantine, XEN_PV_IOMMU_CTX_BLOCKED);
}

/* Turn bus mastering off, so that RESET may move it to DEFAULT. */
static void silence(const struct edu *e)
{
	uint16_t cmd = pci_read16(e->bdf, PCI_COMMAND);

	pci_write16(e->bdf, PCI_COMMAND, cmd & ~PCI_COMMAND_MASTER);
}

/* RESET must not move the device that was given away, either. */
static void reset_meanwhile(void)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_TO_DEFAULT };
	struct shared s = share();
	uint16_t dom = dom_create();

	load_all(&s);
	silence(s.bridge->dev[0]);
	silence(s.bridge->dev[1]);
	dev_assign(s.bridge->dev[2], dom);
	EXPECT(iommu_op(XEN_PV_IOMMU_OP_RESET, &c, 1), 1);
	iommu_forget_all();
	EXPECT(ctx_of(s.bridge->dev[0]), XEN_PV_IOMMU_CTX_DEFAULT);
	EXPECT(ctx_of(s.bridge->dev[1]), XEN_PV_IOMMU_CTX_DEFAULT);
	none_reaches(&s);
	dev_deassign(s.bridge->dev[2], dom);
	if (dev_is_away(s.bridge->dev[2]))
		dev_deassign(s.bridge->dev[2], DOMID_IO);
	/* RESET has freed the context: they must work in another one. */
	s.p[0].ctx = ctx_alloc();
	map(s.p[0].ctx, OWN_DFN, gfn_of(s.p[0].own), 1, RW);
	map(s.p[0].ctx, DFN, gfn_of(s.page), 1, RW);
	attach_all(s.bridge, s.p[0].ctx);
	all_reach(&s, DFN, s.page);
}

/* Unplugging one device clears the table of the common id; the others must still work. */
static void one_unplugged(void)
{
	struct shared s = share();
	uint64_t *other = page_alloc();
	uint32_t b = second_context(&s, other);
	struct edu *e = s.bridge->dev[0];

	load_all(&s);
	dev_remove(e);
	attach(s.bridge->dev[1], b);
	attach(s.bridge->dev[2], b);
	reaches(&s.p[1], DFN, other);
	reaches(&s.p[2], DFN, other);
	dev_add(e);
	EXPECT(ctx_of(e), XEN_PV_IOMMU_CTX_DEFAULT);
	attach(e, b);
	attach_all(s.bridge, s.p[0].ctx);
	all_reach(&s, DFN, s.page);
}

static void go_home(struct edu *e, uint16_t dom)
{
	dev_deassign(e, dom);
	if (dev_is_away(e))
		dev_deassign(e, DOMID_IO);
}

/* After their return they are in their context with every id, whatever DEFAULT is. */
static void back_from(const struct shared *s, uint16_t dom)
{
	load_all(s);
	dev_assign(s->bridge->dev[0], dom);
	go_home(s->bridge->dev[0], dom);
	EXPECT(ctx_of(s->bridge->dev[0]), s->p[0].ctx);
	none_reaches_by(s, gfn_of(s->page));
	fault_expected(s->p[0].e, iova(gfn_of(s->page)), true);
	all_reach(s, DFN, s->page);
}

static void back_in_context(void)
{
	struct shared s = share();

	back_from(&s, DOMID_IO);
	back_from(&s, dom_create());
}

/* When a bridge is added, Xen treats all buses below it as its secondary bus. */
static void put_back(const struct bridge *b)
{
	bridge_add(b->bdf);
	bridge_remove(b->nested);
	bridge_add(b->nested);
}

/*
 * dom0 reports the bridge as removed while devices below it are in a context. They must
 * leave the context and return with the bridge's ids as well.
 */
static void bridge_pulled(void)
{
	struct shared s = share();

	load_all(&s);
	bridge_remove(s.bridge->bdf);
	attach_all(s.bridge, XEN_PV_IOMMU_CTX_BLOCKED);
	none_reaches(&s);
	attach_all(s.bridge, s.p[0].ctx);
	all_reach(&s, DFN, s.page);
	put_back(s.bridge);
	all_reach(&s, DFN, s.page);
}

/* The same for a device that is given away meanwhile. (XSA-461) */
static void bridge_pulled_away(void)
{
	struct shared s = share();
	struct edu *e = s.bridge->dev[0];

	load_all(&s);
	bridge_remove(s.bridge->bdf);
	dev_assign(e, DOMID_IO);
	none_reaches(&s);
	go_home(e, DOMID_IO);
	EXPECT(ctx_of(e), s.p[0].ctx);
	all_reach(&s, DFN, s.page);
	put_back(s.bridge);
}

/* The same for devices that are unplugged after the bridge. Their context may end then. */
static void all_pulled(void)
{
	struct shared s = share();
	unsigned int i;

	load_all(&s);
	bridge_remove(s.bridge->bdf);
	for (i = 0; i < NR; i++)
		dev_remove(s.bridge->dev[i]);
	none_reaches(&s);
	ctx_free(s.p[0].ctx);
	none_reaches(&s);
	put_back(s.bridge);
	for (i = 0; i < NR; i++)
		dev_add(s.bridge->dev[i]);
	all_reach(&s, gfn_of(s.page), s.page);
}

const struct test bridge_tests[] = {
	{ .name = "bridge.reported", .fn = reported },
	{ .name = "bridge.fault", .fn = fault },
	{ .name = "bridge.moved", .fn = moved },
	{ .name = "bridge.many-moves", .fn = many_moves },
	{ .name = "bridge.one-in-quarantine", .fn = one_in_quarantine },
	{ .name = "bridge.one-in-domu", .fn = one_in_domu },
	{ .name = "bridge.leave-to-default", .fn = leave_to_default },
	{ .name = "bridge.leave-to-blocked", .fn = leave_to_blocked },
	{ .name = "bridge.reset-meanwhile", .fn = reset_meanwhile },
	{ .name = "bridge.one-unplugged", .fn = one_unplugged },
	{ .name = "bridge.back-in-context", .fn = back_in_context },
	{ .name = "bridge.bridge-pulled", .fn = bridge_pulled },
	{ .name = "bridge.bridge-pulled-away", .fn = bridge_pulled_away },
	{ .name = "bridge.all-pulled", .fn = all_pulled },
	{ }
};

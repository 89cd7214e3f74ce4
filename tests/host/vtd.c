// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the VT-d back end: the real
 * xen/overlay/xen/drivers/passthrough/vtd/ctx.c on the units of vtd-machine.h.
 */
#include "xen-fake/vtd-machine.h"

#define QUARANTINE_ROOT 0x9999000ULL
/* Contexts and quarantine allocate ids from one pool. */
#define DID_QUARANTINE 0xeeee

/*
 * Replaces the changes to Xen's files, which tests/host/hooked.c tests. While a
 * device is in a context, Xen uses the place that it had at its entry.
 */
static bool me_wifi;			/* device 0 works with the ME */

bool me_wifi_affected(const struct pci_dev *pdev)
{
	return pdev == &v.dev[0] && me_wifi;
}

struct acpi_drhd_unit *acpi_find_matched_drhd_unit(const struct pci_dev *pdev)
{
	if (pdev->arch.vtd.ctx.drhd)
		return pdev->arch.vtd.ctx.drhd;
	return pdev->devfn == 0xff ? NULL : &drhds[unit_of(pdev)];
}

/* One device with a cache of its own, v.ats_dev; dirty since an entry changed. */
struct acpi_drhd_unit *find_ats_dev_drhd(struct vtd_iommu *iommu)
{
	return v.ats_dev && unit_of(v.ats_dev) == iommu->index ?
		&drhds[iommu->index] : NULL;
}

int dev_invalidate_iotlb_one(struct vtd_iommu *iommu,
			     const struct pci_dev *pdev, uint16_t did)
{
	uint16_t rid;

	if (!pdev || pdev != v.ats_dev)
		return 0;
	if (v.fail_ats)
		return -ETIMEDOUT;
	/* The device fetches old translations again if the unit still has them. */
	rid = pdev->sbdf.bdf;
	v.ats_dirty = v.unit[iommu->index].dirty[did] ||
		      cached_of_rid(iommu->index, rid)->full !=
		      entry_of_rid(iommu->index, rid)->full;
	v.nr_ats_flush++;
	return 0;
}

int vtd_find_aliases(const struct pci_dev *pdev, uint16_t alias[2])
{
	uint8_t bus = pdev->bus, devfn = 0, secbus = 0;
	int rc;

	if (pdev->type != DEV_TYPE_PCI)
		return 0;
	rc = find_upstream_bridge(pdev->seg, &bus, &devfn, &secbus);
	if (rc < 1)
		return rc ? -ENXIO : 0;
	alias[0] = PCI_BDF(bus, devfn);
	alias[1] = PCI_BDF(secbus, 0);
	return pdev_type(pdev->seg, bus, devfn) == DEV_TYPE_PCIe2PCI_BRIDGE &&
	       alias[1] != pdev->sbdf.bdf ? 2 : 1;
}

/* XSA-442: every switch flushes the old domain id. */
TEST(switch_there_and_back)
{
	start();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	check_entry(1 << 3, 0x100000, did_of(0, 0));
	check_clean();
	CHECK_EQ(move(0, &v.ctx[1]), 0);
	check_entry(1 << 3, 0x200000, did_of(1, 0));
	check_clean();
	CHECK_EQ(move(0, NULL), 0);
	check_home(1 << 3);
	check_clean();
}

/* A unit of 3 levels enters the tree one level below the root (XSA-445). */
TEST(switch_fewer_levels)
{
	start();
	CHECK_EQ(move(2, &v.ctx[0]), 0);
	check_entry(3 << 3, 0x100000, did_of(0, 1));
	CHECK_EQ(entry_of_rid(1, 3 << 3)->lo, 0x101000 | ENTRY_PRESENT);
	CHECK_EQ(move(2, NULL), 0);
	check_home(3 << 3);
}

TEST(switch_pass_through)
{
	struct context_entry *e = entry_of_rid(0, 1 << 3);

	start();
	iommu_hwdom_passthrough = true;
	e->lo |= CONTEXT_TT_PASS_THRU << 2;
	set_entry(0, 1 << 3, *e);
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	check_entry(1 << 3, 0x100000, did_of(0, 0));
	CHECK_EQ(move(0, NULL), 0);
	CHECK_EQ(e->lo >> 2 & 3, CONTEXT_TT_PASS_THRU);
	CHECK_EQ(context_domain_id(*e), DID_DOM0);
	check_clean();
}

/* XSA-449: Xen switches all of a device's functions, or none. */
TEST(switch_phantom_functions)
{
	unsigned int fn;

	start();
	v.dev[0].phantom_stride = 2;
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	for (fn = 0; fn < 8; fn++)
		CHECK_EQ(context_domain_id(*entry_of_rid(0, 8 + fn)),
			 fn % 2 ? DID_DOM0 : did_of(0, 0));
	check_home(2 << 3);
	check_clean();
}

/* Behind a bridge a device uses the bridge's ids too (XSA-461, XSA-467). */
TEST(switch_aliases)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	check_entry(0x100 | 5 << 3, 0x100000, did_of(0, 0));
	check_entry(BRIDGE, 0x100000, did_of(0, 0));
	check_entry(0x100, 0x100000, did_of(0, 0));
	check_clean();
	start();
	v.bridge.type = DEV_TYPE_LEGACY_PCI_BRIDGE;
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	check_entry(BRIDGE, 0x100000, did_of(0, 0));
	check_home(0x100);
}

/* Xen does this to each id of a device that is assigned to dom_io. */
static void quarantined(uint16_t rid)
{
	v.unit[0].did_used[DID_QUARANTINE] = true;
	set_entry(0, rid, entry_for(0, QUARANTINE_ROOT, DID_QUARANTINE));
}

/*
 * Xen leaves ids that a device of another domain shares to that domain, whatever
 * dom0's device does (XSA-461).
 */
TEST(switch_leaves_shared_ids)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.dev[1].sbdf.sbdf = 0x100 | 6 << 3;
	v.dev[1].domain = dom_io;
	quarantined(BRIDGE);
	quarantined(0x100);
	/* Quarantine without tables: its ids have none. */
	set_entry(0, 0x100, (struct context_entry){ 0 });
	CHECK_EQ(move(3, NULL), 0);
	check_home(0x100 | 5 << 3);
	check_entry(BRIDGE, QUARANTINE_ROOT, DID_QUARANTINE);
	CHECK(!context_present(*entry_of_rid(0, 0x100)));
	v.dev[1].domain = &dom0;
	set_entry(0, BRIDGE, dom0_entry(0));
	set_entry(0, 0x100, dom0_entry(0));
	CHECK_EQ(move(3, &v.ctx[1]), 0);
	check_entry(BRIDGE, 0x200000, did_of(1, 0));
	check_entry(0x100, 0x200000, did_of(1, 0));
	check_clean();
}

/*
 * Xen clears the ids of all devices behind the bridge when it quarantines or
 * unplugs one. The next switch sets them again.
 */
TEST(switch_restores_shared_ids)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	set_entry(0, BRIDGE, (struct context_entry){ 0 });
	set_entry(0, 0x100, (struct context_entry){ 0 });
	CHECK_EQ(move(3, &v.ctx[1]), 0);
	check_entry(0x100 | 5 << 3, 0x200000, did_of(1, 0));
	check_entry(BRIDGE, 0x200000, did_of(1, 0));
	check_entry(0x100, 0x200000, did_of(1, 0));
	check_clean();
}

/*
 * The description of a device changes while it is in a context. Xen removes the
 * entries where it switched them.
 */
static void check_aliased(unsigned int ctx)
{
	check_entry(0x100 | 5 << 3, v.ctx[ctx].pt.root, did_of(ctx, 0));
	check_entry(BRIDGE, v.ctx[ctx].pt.root, did_of(ctx, 0));
	check_entry(0x100, v.ctx[ctx].pt.root, did_of(ctx, 0));
	check_clean();
}

static void check_aliased_home(void)
{
	check_home(0x100 | 5 << 3);
	check_home(BRIDGE);
	check_home(0x100);
	check_clean();
}

TEST(bridge_gone_meanwhile)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	check_aliased(0);
	v.bridge_gone = true;
	CHECK_EQ(move(3, &v.ctx[1]), 0);
	check_aliased(1);
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
	CHECK(vtd_ctx_in_use(&v.ctx[1]));
	CHECK_EQ(move(3, NULL), 0);
	check_aliased_home();
	CHECK(!vtd_ctx_in_use(&v.ctx[1]));
	/* Xen has forgotten the ids. */
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	check_home(BRIDGE);
	v.bridge_gone = false;
	CHECK_EQ(move(3, NULL), 0);
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	check_aliased(0);
}

/* The same while the device is away, when its entries belong to its user. */
TEST(bridge_gone_while_away)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.bridge_gone = true;
	v.dev[3].domain = dom_io;
	quarantined(0x100 | 5 << 3);
	CHECK_EQ(move(3, &v.ctx[1]), 0);
	/* Xen removes the old entries that the assignment left in place. */
	check_entry(0x100 | 5 << 3, QUARANTINE_ROOT, DID_QUARANTINE);
	CHECK(!context_present(*entry_of_rid(0, BRIDGE)));
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
	check_clean();
}

TEST(unit_changes_meanwhile)
{
	start();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	v.other_unit = true;
	CHECK_EQ(move(0, &v.ctx[1]), 0);
	check_entry_at(0, 1 << 3, 0x200000, did_of(1, 0));
	CHECK(!context_present(*entry_of_rid(1, 1 << 3)));
	CHECK_EQ(v.ctx[0].unit[0].nr_members, 0);
	CHECK_EQ(v.ctx[1].unit[0].nr_members, 1);
	CHECK_EQ(did_of(1, 1), DOMID_INVALID);
	CHECK_EQ(move(0, NULL), 0);
	check_home(1 << 3);
	CHECK(!vtd_ctx_in_use(&v.ctx[1]));
	/* The device has no entry there. */
	CHECK_EQ(move(0, &v.ctx[0]), -ENODEV);
	CHECK_EQ(v.ctx[0].unit[1].nr_members, 0);
}

/* A recorded id may now belong to a device of another domain. */
TEST(alias_of_others_meanwhile)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.bridge_gone = true;
	quarantined(BRIDGE);
	CHECK_EQ(move(3, &v.ctx[1]), 0);
	check_entry(BRIDGE, QUARANTINE_ROOT, DID_QUARANTINE);
	check_entry(0x100, 0x200000, did_of(1, 0));
	CHECK_EQ(move(3, NULL), 0);
	check_entry(BRIDGE, QUARANTINE_ROOT, DID_QUARANTINE);
	check_home(0x100);
	check_clean();
}

/* Unplugging a device removes all of its ids, in any state of the switch (XSA-285). */
TEST(unplugged_with_entries)
{
	start();
	v.dev[0].phantom_stride = 4;
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.bridge_gone = true;
	CHECK(vtd_ctx_in_use(&v.ctx[0]));
	gone(0);
	CHECK(!context_present(*entry_of_rid(0, 1 << 3)));
	CHECK(!context_present(*entry_of_rid(0, 1 << 3 | 4)));
	CHECK(vtd_ctx_in_use(&v.ctx[0]));
	gone(3);
	CHECK(!context_present(*entry_of_rid(0, 0x100 | 5 << 3)));
	CHECK(!context_present(*entry_of_rid(0, BRIDGE)));
	CHECK(!context_present(*entry_of_rid(0, 0x100)));
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
	check_clean();
}

/* Ids that another member shares stay with that member. */
TEST(unplugged_with_shared_ids)
{
	start();
	device(1, 0x100 | 6 << 3, DEV_TYPE_PCI);
	CHECK_EQ(move(1, &v.ctx[0]), 0);
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	gone(3);
	CHECK(!context_present(*entry_of_rid(0, 0x100 | 5 << 3)));
	check_entry(0x100 | 6 << 3, 0x100000, did_of(0, 0));
	check_entry(BRIDGE, 0x100000, did_of(0, 0));
	check_entry(0x100, 0x100000, did_of(0, 0));
	check_clean();
	CHECK_EQ(move(1, NULL), 0);
	check_home(BRIDGE);
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
}

/* One device's alias may be the id of another device. */
TEST(unplugged_beside_device_0)
{
	start();
	device(1, 0x100, DEV_TYPE_PCI);
	CHECK_EQ(move(1, &v.ctx[0]), 0);
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	gone(3);
	CHECK(!context_present(*entry_of_rid(0, 0x100 | 5 << 3)));
	check_entry(BRIDGE, 0x100000, did_of(0, 0));
	check_entry(0x100, 0x100000, did_of(0, 0));
	check_clean();
}

static void check_not_in_use(unsigned int ctx)
{
	CHECK(!vtd_ctx_in_use(&v.ctx[ctx]));
	CHECK_EQ(v.ctx[ctx].unit[0].nr_members, 0);
	check_clean();
}

/* Xen has cleared the entries but does not report whether it could flush them. */
static void unplugged_at(int n)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	entry_of_rid(0, 0x100 | 5 << 3)->full = 0;
	entry_of_rid(0, BRIDGE)->full = 0;
	v.flushes = 0;
	v.fail_in = n;
	v.nr_fail = 1;
	gone(3);
	CHECK(!context_present(*entry_of_rid(0, 0x100)));
	CHECK_EQ(v.nr_fail, n >= (int)v.flushes);
	if (v.nr_fail)
		return check_not_in_use(0);
	/* The unit may still use the tree: Xen must not free the context (XSA-480). */
	v.nr_fail = 2;
	CHECK(vtd_ctx_in_use(&v.ctx[0]));
	CHECK(vtd_ctx_in_use(&v.ctx[0]));
	/* Later unmaps flush that unit too. */
	v.nr_psi = 0;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.nr_psi, 1);
	check_not_in_use(0);
	v.nr_fail = 1;
}

TEST(unplugged_and_not_flushed)
{
	int n;

	for (n = 0; n <= 6; n++)
		unplugged_at(n);
	CHECK_EQ(v.nr_fail, 1);
}

/* An entry keeps its context from being freed, whatever Xen has recorded. */
TEST(in_use_by_an_entry)
{
	struct context_entry e;
	unsigned int bus;

	start();
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
	CHECK_EQ(move(2, &v.ctx[0]), 0);
	e = *entry_of_rid(1, 3 << 3);
	CHECK_EQ(move(2, NULL), 0);
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
	for (bus = 0; bus < NR_BUSES; bus++) {
		set_entry(1, bus << 8 | 0xff, e);
		CHECK(vtd_ctx_in_use(&v.ctx[0]));
		CHECK(!vtd_ctx_in_use(&v.ctx[1]));
		e.lo &= ~ENTRY_PRESENT;
		set_entry(1, bus << 8 | 0xff, e);
		CHECK(!vtd_ctx_in_use(&v.ctx[0]));
		e.lo |= ENTRY_PRESENT;
	}
	CHECK(!v.mapped);
}

/* Xen cannot switch requester ids that it cannot find. */
TEST(way_up_unknown)
{
	start();
	v.bridge_lost = true;
	CHECK_EQ(move(3, &v.ctx[0]), -ENODEV);
	check_aliased_home();
	CHECK_EQ(v.ctx[0].unit[0].nr_members, 0);
	v.bridge_lost = false;
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.bridge_lost = true;
	CHECK_EQ(move(3, NULL), 0);
	check_aliased_home();
}

/*
 * A move that fails at flush n leaves every entry unchanged, to the bit (ruling 2).
 * The flushes of the way back succeed, so the units' caches match too.
 */
static void failed_move_at(int n, unsigned int *flushes)
{
	static struct context_entry before[NR_BUSES][256];
	struct hw_unit *hw = &v.unit[0];

	start();
	v.dev[0].phantom_stride = 1;
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	memcpy(before, hw->entry, sizeof(before));
	v.flushes = 0;
	v.fail_in = n;
	v.nr_fail = n >= 0;
	if (n < 0) {
		CHECK_EQ(move(0, &v.ctx[1]), 0);
		*flushes = v.flushes;
		return;
	}
	CHECK_EQ(move(0, &v.ctx[1]), -EIO);
	CHECK(!memcmp(before, hw->entry, sizeof(before)));
	CHECK(!memcmp(hw->cached, hw->entry, sizeof(before)));
	CHECK(!hw->dirty[did_of(1, 0)]);
	CHECK(!v.dev[0].broken);
	CHECK_EQ(v.ctx[0].unit[0].nr_members, 1);
	CHECK_EQ(v.ctx[1].unit[0].nr_members, 0);
}

/* XSA-449: Xen restores every id. */
TEST(failed_move_restores_every_entry)
{
	unsigned int n, flushes = 0;

	failed_move_at(-1, &flushes);
	CHECK(flushes >= 16);
	for (n = 0; n < flushes; n++)
		failed_move_at(n, NULL);
}

/* Both the move and the way back fail: Xen marks the device as broken. */
TEST(failed_move_back_breaks_the_device)
{
	start();
	v.fail_in = 0;
	v.nr_fail = 100;
	CHECK_EQ(move(0, &v.ctx[0]), -EIO);
	CHECK(v.dev[0].broken);
	check_home(1 << 3);
	/* The unit may have cached the new entry and missed its end. */
	CHECK(vtd_ctx_in_use(&v.ctx[0]));
	v.nr_fail = 0;
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
	CHECK_EQ(v.ctx[0].unit[0].nr_members, 0);
	CHECK(!v.unit[0].dirty[did_of(0, 0)]);
	CHECK(cached_of_rid(0, 1 << 3)->full == entry_of_rid(0, 1 << 3)->full);
}

TEST(switch_without_entry)
{
	start();
	entry_of_rid(0, 1 << 3)->full = 0;
	CHECK_EQ(move(0, &v.ctx[0]), -ENODEV);
	CHECK(!entry_of_rid(0, 1 << 3)->full);
	v.dev[1].devfn = 0xff;
	CHECK_EQ(move(1, &v.ctx[0]), -ENODEV);
}

/*
 * Suppressed faults
 */
static bool suppressed(unsigned int bus, unsigned int devfn)
{
	CHECK(v.unit[0].cached[bus][devfn].full == v.unit[0].entry[bus][devfn].full);
	return v.unit[0].entry[bus][devfn].lo & CONTEXT_FPD;
}

/* Suppressing changes each of the device's entries and nothing else. */
static void suppress(unsigned int dev, bool on)
{
	struct context_entry was[2][256], e;
	struct pci_dev *pdev = &v.dev[dev];
	unsigned int i;

	memcpy(was, v.unit[0].entry, sizeof(was));
	CHECK_EQ(vtd_ctx_suppress(pdev, on), 0);
	CHECK(!v.mapped && !any_spinlock());
	for (i = 0; i < 2 * 256; i++) {
		e = was[i / 256][i % 256];
		if (vtd_ctx_has_id(pdev, PCI_SBDF(0, i / 256, i % 256)))
			e.lo = (e.lo & ~CONTEXT_FPD) | (on ? CONTEXT_FPD : 0);
		CHECK(v.unit[0].entry[i / 256][i % 256].full == e.full);
	}
	check_clean();
}

TEST(suppress_phantom_functions)
{
	unsigned int fn, flushes;

	start();
	v.dev[0].phantom_stride = 2;
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	suppress(0, true);
	for (fn = 0; fn < 8; fn++)
		CHECK_EQ(suppressed(0, 8 + fn), fn % 2 == 0);
	/* Suppressing twice makes no flush. */
	flushes = v.flushes;
	suppress(0, true);
	CHECK_EQ(v.flushes, flushes);
	suppress(0, false);
	check_entry(1 << 3, 0x100000, did_of(0, 0));
	check_entry(1 << 3 | 6, 0x100000, did_of(0, 0));
}

TEST(suppress_aliases)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	suppress(3, true);
	CHECK(suppressed(1, 5 << 3));
	CHECK(suppressed(0, 0x1e << 3));
	CHECK(suppressed(1, 0));
	suppress(3, false);
	check_entry(0x1e << 3, 0x100000, did_of(0, 0));
	/* Xen leaves ids that a device of another domain shares alone (XSA-461). */
	v.dev[1].sbdf.sbdf = 0x100 | 6 << 3;
	v.dev[1].domain = dom_io;
	suppress(3, true);
	CHECK(suppressed(1, 5 << 3));
	CHECK(!suppressed(0, 0x1e << 3) && !suppressed(1, 0));
}

/* Entries that Xen cleared when it unplugged a neighbour can fault too. */
TEST(suppress_cleared_entries)
{
	start();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.unit[0].entry[1][0].full = v.unit[0].cached[1][0].full = 0;
	suppress(3, true);
	CHECK_EQ(v.unit[0].entry[1][0].lo, CONTEXT_FPD);
	suppress(3, false);
	CHECK(!v.unit[0].entry[1][0].full);
	/* The same if the device is moved meanwhile. */
	suppress(3, true);
	CHECK_EQ(move(3, &v.ctx[1]), 0);
	check_entry(0x100, 0x200000, did_of(1, 0));
	check_clean();
}

/* After a move a device's faults are reported; a failed move changes nothing. */
TEST(suppress_and_switch)
{
	struct context_entry was;

	start();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	suppress(0, true);
	was = v.unit[0].entry[0][1 << 3];
	v.fail_in = 1;
	v.nr_fail = 1;
	CHECK_EQ(move(0, &v.ctx[1]), -EIO);
	CHECK(v.unit[0].entry[0][1 << 3].full == was.full);
	CHECK_EQ(move(0, &v.ctx[1]), 0);
	check_entry(1 << 3, 0x200000, did_of(1, 0));
	suppress(0, true);
	CHECK_EQ(move(0, NULL), 0);
	CHECK(v.unit[0].entry[0][1 << 3].full == dom0_entry(0).full);
	check_clean();
}

TEST(suppress_flush_fails)
{
	unsigned int n;

	for (n = 0; n < 4; n++) {
		start();
		v.dev[0].phantom_stride = 4;
		CHECK_EQ(move(0, &v.ctx[0]), 0);
		v.fail_in = n;
		v.nr_fail = 1;
		CHECK(vtd_ctx_suppress(&v.dev[0], true) < 0);
		CHECK(!v.mapped && !any_spinlock());
		CHECK_EQ(v.nr_fail, 0);
		/* A failure skips no entry, neither when suppressing nor when resuming. */
		CHECK(v.unit[0].entry[0][1 << 3].lo & CONTEXT_FPD);
		CHECK(v.unit[0].entry[0][1 << 3 | 4].lo & CONTEXT_FPD);
		CHECK_EQ(vtd_ctx_suppress(&v.dev[0], false), 0);
		check_clean();
	}
	start();
	v.rc_flush = 1;
	CHECK_EQ(vtd_ctx_suppress(&v.dev[0], true), 0);
	CHECK_EQ(v.write_buffer_flushes, 2);
	v.dev[0].devfn = 0xff;
	CHECK_EQ(vtd_ctx_suppress(&v.dev[0], true), -ENODEV);
}

static bool has_id(unsigned int dev, uint16_t seg, uint16_t bdf)
{
	return vtd_ctx_has_id(&v.dev[dev], PCI_SBDF(seg, bdf >> 8, bdf & 0xff));
}

TEST(requester_ids)
{
	start();
	v.dev[0].phantom_stride = 4;
	CHECK(has_id(0, 0, 1 << 3) && has_id(0, 0, 1 << 3 | 4));
	CHECK(!has_id(0, 1, 1 << 3) && !has_id(0, 0, 1 << 3 | 1));
	CHECK(!has_id(0, 0, 2 << 3) && !has_id(0, 0, 0x100 | 1 << 3));
	CHECK(has_id(3, 0, 0x100 | 5 << 3));
	CHECK(has_id(3, 0, 0x1e << 3) && has_id(3, 0, 0x100));
	/* The shared ids now belong to another domain. */
	v.dev[1].sbdf.sbdf = 0x100 | 6 << 3;
	v.dev[1].domain = dom_io;
	CHECK(has_id(3, 0, 0x100 | 5 << 3));
	CHECK(!has_id(3, 0, 0x1e << 3) && !has_id(3, 0, 0x100));
}

/* Positive results request a flush of the write buffer and are no errors. */
TEST(write_buffer)
{
	start();
	v.rc_flush = 1;
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(v.write_buffer_flushes, 2);
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.write_buffer_flushes, 3);
}

/*
 * Without interrupt remapping a program that drives a device can make it send any
 * interrupt (XSA-3).
 */
static void check_msi(bool remapping, bool away, struct iommu_ctx *to)
{
	start();
	if (!remapping)
		iommu_intremap = iommu_intremap_off;
	if (away)
		v.dev[0].domain = dom_io;
	CHECK_EQ(move(0, to), 0);
	iommu_intremap = iommu_intremap_full;
	CHECK_EQ(untrusted_msi, !remapping && to);
}

TEST(untrusted_msi)
{
	check_msi(true, false, &v.ctx[0]);
	check_msi(false, false, NULL);
	check_msi(false, false, &v.ctx[0]);
	/* A device that is away enters the context when it returns, without a switch. */
	check_msi(false, true, &v.ctx[0]);
}

/*
 * Domain ids
 */
/* XSA-399: Xen flushes a domain id before it frees the id, and frees it once. */
TEST(domain_ids)
{
	unsigned int did;

	start();
	CHECK_EQ(did_of(0, 0), DOMID_INVALID);
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(move(1, &v.ctx[1]), 0);
	did = did_of(0, 0);
	CHECK(did > DOMID_MASK && did != did_of(1, 0));
	CHECK_EQ(did_of(0, 1), DOMID_INVALID);
	CHECK(vtd_ctx_holds_domid(&units[0], did));
	CHECK(!vtd_ctx_holds_domid(&units[1], did));
	CHECK(!vtd_ctx_holds_domid(&units[0], DID_DOM0));
	CHECK_EQ(vtd_ctx_domid(&v.ctx[0], &v.dev[0]), did);
	CHECK_EQ(vtd_ctx_pgtable(&v.ctx[0]), 0x100000);
	CHECK_EQ(move(0, NULL), 0);
	CHECK_EQ(did_of(0, 0), did);
	vtd_ctx_fini(&v.ctx[0]);
	CHECK(!vtd_ctx_holds_domid(&units[0], did));
	CHECK(!v.unit[0].did_used[did]);
	CHECK(!v.ctx[0].unit);
}

/* XSA-399: Xen never reuses an id whose flush failed. */
TEST(domain_id_of_failed_flush)
{
	unsigned int did;

	start();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	did = did_of(0, 0);
	CHECK_EQ(move(0, NULL), 0);
	v.fail_in = 0;
	v.nr_fail = 1;
	vtd_ctx_fini(&v.ctx[0]);
	CHECK(v.unit[0].did_used[did]);
	CHECK(test_bit(did & DOMID_MASK, did_map[0]));
	CHECK_EQ(move(0, &v.ctx[1]), 0);
	CHECK(did_of(1, 0) != did);
}

/* Ruling 25: contexts use at most half of a unit's ids (XSA-399). */
TEST(domain_ids_run_out)
{
	static struct iommu_ctx many[200];
	unsigned int i, n;

	start();
	units[0].cap &= ~7ULL;
	units[0].cap |= 2;		/* 256 */
	memset(many, 0, sizeof(many));
	for (n = 0; n < 200; n++) {
		many[n].owner = &dom0;
		CHECK_EQ(vtd_ctx_init(&many[n], false), 0);
		if (vtd_ctx_enter(&many[n], &v.dev[0]))
			break;
	}
	CHECK_EQ(n, 128);
	CHECK_EQ(vtd_ctx_enter(&many[n], &v.dev[0]), -ENOSPC);
	CHECK_EQ(vtd_ctx_enter(&many[n], &v.dev[2]), 0);
	for (i = 0; i <= n; i++)
		vtd_ctx_fini(&many[i]);
}

/* BLOCKED has its ids from the start: entering it cannot fail (ruling 4). */
TEST(ids_everywhere)
{
	struct iommu_ctx blocked = { .owner = &dom0 };

	start();
	CHECK_EQ(vtd_ctx_init(&blocked, true), 0);
	CHECK(blocked.unit[0].domid != DOMID_INVALID);
	CHECK(blocked.unit[1].domid != DOMID_INVALID);
	vtd_ctx_fini(&blocked);
}

/*
 * Flushing a context
 */
/* XSA-78, XSA-275: a flush skips no page of the range. */
TEST(flush_covers_range)
{
	unsigned int i;

	start();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	for (i = 0; i < 100000; i++) {
		uint64_t first = rnd() >> (28 + rnd_below(36));
		uint64_t nr = 1 + (rnd() >> (40 + rnd_below(24)));
		uint64_t from, size;

		CHECK_EQ(vtd_ctx_flush(&v.ctx[0], first, first + nr), 0);
		from = v.psi_addr >> PAGE_SHIFT;
		size = 1ULL << v.psi_order;
		CHECK_EQ(from % size, 0);
		CHECK(from <= first && from + size >= first + nr);
		CHECK_EQ(v.psi_did, did_of(0, 0));
	}
	v.nr_psi = v.nr_dsi = 0;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 7, 8), 0);
	CHECK_EQ(v.psi_order, 0);
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 512, 1024), 0);
	CHECK_EQ(v.psi_order, 9);
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 0), 0);
	CHECK_EQ(v.nr_psi, 2);
	CHECK_EQ(v.nr_dsi, 1);
}

TEST(flush_only_where_members_are)
{
	start();
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.flushes, 0);
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(move(2, &v.ctx[0]), 0);
	v.flushes = 0;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.flushes, 2);
	CHECK_EQ(move(0, NULL), 0);
	v.flushes = 0;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.flushes, 1);
	CHECK_EQ(v.psi_did, did_of(0, 1));
}

/* If one unit fails, Xen still flushes the other (XSA-373). */
TEST(flush_failure)
{
	start();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(move(2, &v.ctx[0]), 0);
	v.flushes = 0;
	v.fail_in = 0;
	v.nr_fail = 1;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), -EIO);
	CHECK_EQ(v.flushes, 2);
}

/*
 * Descriptions of devices and of the machine
 */
static struct iommu_ctx_dev query(unsigned int dev)
{
	struct iommu_ctx_dev info;

	memset(&info, 0xff, sizeof(info));
	vtd_ctx_dev_query(&v.dev[dev], &info);
	return info;
}

static enum xen_pv_iommu_no_ctx reason(unsigned int dev)
{
	return query(dev).no_ctx;
}

TEST(query_reasons)
{
	start();
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_NONE);
	v.ats = true;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_NONE);
	CHECK(query(0).ats);
	v.ats = false;
	v.dev[0].broken = true;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_QUIRK);
	v.dev[0].broken = false;
	v.translating = false;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_QUIRK);
	CHECK(!query(0).protected);
	v.translating = true;
	me_wifi = true;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_QUIRK);
	CHECK_EQ(reason(1), XEN_PV_IOMMU_NO_CTX_NONE);
	me_wifi = false;
	v.dev[0].type = DEV_TYPE_PCIe_BRIDGE;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_BRIDGE);
	v.dev[0].type = DEV_TYPE_PCI_HOST_BRIDGE;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_BRIDGE);
	v.dev[0].type = DEV_TYPE_PCIe_ENDPOINT;
	v.bridge_lost = true;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_NONE);
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_QUIRK);
	v.dev[0].devfn = 0xff;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_NO_IOMMU);
}

/* A device of another domain must not move along (XSA-461). */
TEST(query_shared_id)
{
	start();
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_NONE);
	CHECK(query(3).aliased);
	CHECK_EQ(query(3).group, 0x1e << 3);
	CHECK(!query(0).aliased);
	CHECK_EQ(query(0).group, 1 << 3);
	v.dev[1].sbdf.sbdf = 0x100 | 6 << 3;
	v.dev[1].domain = dom_io;
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_SHARED_ID);
	/* On another bus behind the same bridge. */
	v.dev[1].sbdf.sbdf = 0x200 | 6 << 3;
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_SHARED_ID);
	v.dev[1].sbdf.sbdf = 6 << 3;
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_NONE);
}

/* One pass with pcidevs_lock held finds it, not one pass for every possible bus. */
TEST(shared_id_in_one_pass)
{
	unsigned int i;

	start();
	for (i = 0; i < NR_DEVS - 1; i++) {
		device(i, 0x100 | i << 3, DEV_TYPE_PCI);
		v.dev[i].domain = dom_io;
	}
	v.bridge.type = DEV_TYPE_LEGACY_PCI_BRIDGE;
	v.bridge_gone = true;
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_NONE);
	v.bridge_gone = false;
	v.walks = v.lookups = 0;
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_SHARED_ID);
	CHECK_EQ(v.walks, 1);
	CHECK(v.lookups <= 2 * NR_DEVS);
	v.walks = v.lookups = 0;
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	CHECK_EQ(v.walks, 1);
	CHECK(v.lookups <= 2 * NR_DEVS);
}

/* Ruling 19: PROTECTED describes the current state. */
TEST(query_protected)
{
	start();
	CHECK(query(0).protected);
	iommu_hwdom_passthrough = true;
	CHECK(!query(0).protected);
	v.dev[0].ctx = &v.ctx[0];
	CHECK(query(0).protected);
}

/* XSA-311: the narrowest unit limits the aperture; the tree covers all units. */
TEST(caps_of_the_narrowest_unit)
{
	struct iommu_ctx_caps caps;

	start();
	vtd_ctx_caps(&caps);
	CHECK_EQ(caps.levels, 4);
	CHECK_EQ(caps.pin_level, 3);
	CHECK_EQ(caps.iova_last, (1ULL << 39) - 1);
	CHECK_EQ(caps.pgsize_bitmap, PAGE_SIZE_4K | PAGE_SIZE_2M);
	CHECK_EQ(caps.msi_dfn, 0xfee00);
	CHECK_EQ(caps.msi_nr, 0x100);
	CHECK(!caps.flush_on_map);
	CHECK(caps.msi_isolated);
	iommu_intremap = iommu_intremap_off;
	units[1].cap |= 1 << 7;
	vtd_ctx_caps(&caps);
	CHECK(caps.flush_on_map);
	CHECK(!caps.msi_isolated);
	iommu_intremap = iommu_intremap_full;
	units[1].nr_pt_levels = 4;
	units[1].cap = 6 | 47ULL << 16;
	vtd_ctx_caps(&caps);
	CHECK_EQ(caps.pin_level, 4);
	CHECK_EQ(caps.iova_last, (1ULL << 48) - 1);
}

/* XSA-321, the opposite case: leaves of every level have the snoop bit. */
TEST(snoop_bit)
{
	struct iommu_ctx_caps caps;
	unsigned int level;

	start();
	vtd_ctx_caps(&caps);
	CHECK(caps.snoop_forced);
	CHECK(caps.fmt != &iommu_pt_fmt_vtd);
	for (level = 1; level <= 3; level++)
		CHECK_EQ(caps.fmt->leaf_set[level],
			 iommu_pt_fmt_vtd.leaf_set[level] | DMA_PTE_SNP);
	/* The bit is reserved in entries for tables. */
	for (level = 1; level <= 4; level++)
		CHECK_EQ(caps.fmt->table_set[level],
			 iommu_pt_fmt_vtd.table_set[level]);
}

/* Enable ATS, so that the device has its own cache (lessons 1, xen.md 2.3). */
static void start_ats(unsigned int dev)
{
	start();
	v.ats = ats_enabled = true;
	v.ats_dev = &v.dev[dev];
	units[0].ecap |= 1 << 2;
}

/*
 * Xen must find the device by its name. Its entry has the new domain id at the
 * flush, so a search by the old id misses it (XSA-442).
 */
TEST(ats_switch_flushes_by_name)
{
	struct context_entry e;

	start_ats(0);
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(v.nr_ats_flush, 1);
	CHECK(!v.ats_dirty);
	/* The entry's type must permit the device's ATS requests. */
	e = *entry_of_rid(0, 1 << 3);
	CHECK_EQ(e.lo >> 2 & 3, CONTEXT_TT_DEV_IOTLB);
	CHECK_EQ(move(0, &v.ctx[1]), 0);
	CHECK_EQ(v.nr_ats_flush, 2);
	CHECK(!v.ats_dirty);
	CHECK_EQ(move(0, NULL), 0);
	CHECK(!v.ats_dirty);
	/* Other devices need no such flush. */
	CHECK_EQ(move(1, &v.ctx[0]), 0);
	CHECK_EQ(v.nr_ats_flush, 3);
	check_clean();
	ats_enabled = false;
}

/* XSA-442 with ATS: if the flush fails, Xen switches the device back. */
TEST(ats_switch_flush_fails)
{
	start_ats(0);
	v.fail_ats = true;
	CHECK_EQ(move(0, &v.ctx[0]), -EIO);
	check_home(1 << 3);
	/* The way back failed too. */
	CHECK(v.dev[0].broken);
	ats_enabled = false;
}

/* XSA-442, for the device's own cache. */
TEST(ats_unmap_flushes_devices)
{
	start_ats(0);
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	v.dev_flush = false;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 16, 17), 0);
	CHECK(v.nr_psi == 1 && v.dev_flush);
	v.dev_flush = false;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 0), 0);
	CHECK(v.dev_flush);
	/* The other unit has no such device. */
	CHECK_EQ(move(2, &v.ctx[1]), 0);
	CHECK_EQ(vtd_ctx_flush(&v.ctx[1], 16, 17), 0);
	CHECK(!v.dev_flush);
	ats_enabled = false;
}

/* If the unit has no device TLBs, entries are as without ATS. */
TEST(ats_unit_without)
{
	start_ats(0);
	units[0].ecap &= ~(1ULL << 2);
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(entry_of_rid(0, 1 << 3)->lo >> 2 & 3, CONTEXT_TT_MULTI_LEVEL);
	ats_enabled = false;
}

/* Ruling 42: the injected failures that tests on a machine rely on. */
int fake_parse_fail_flush(const char *s);

/* XSA-373: Xen reports a failure as one. */
TEST(injected_flush_failures)
{
	unsigned int i, failed = 0;

	start();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(fake_parse_fail_flush("2x3y"), -EINVAL);
	CHECK_EQ(fake_parse_fail_flush("y"), -EINVAL);
	/* Counted from the first flush after the request. */
	CHECK_EQ(fake_parse_fail_flush("2x3"), 0);
	for (i = 1; i <= 8; i++) {
		int rc = vtd_ctx_flush(&v.ctx[0], 16, 17);

		CHECK(!rc || rc == -EIO);
		CHECK_EQ(rc, i >= 2 && i < 5 ? -EIO : 0);
		failed += !!rc;
	}
	CHECK_EQ(failed, 3);
	/* A flush in the middle of a switch fails; Xen undoes the switch. */
	CHECK_EQ(fake_parse_fail_flush("9"), 0);
	CHECK_EQ(move(0, &v.ctx[1]), -EIO);
	check_entry(1 << 3, 0x100000, did_of(0, 0));
	CHECK(!v.dev[0].broken);
	CHECK_EQ(fake_parse_fail_flush("0"), 0);
	check_clean();
}

static uint16_t device_class;

uint16_t pci_conf_read16(pci_sbdf_t sbdf, unsigned int reg)
{
	CHECK_EQ(sbdf.sbdf, v.dev[0].sbdf.sbdf);
	CHECK_EQ(reg, PCI_CLASS_DEVICE);
	return device_class;
}

/* L7: only regions of USB controllers and graphics devices. */
TEST(relaxable_regions)
{
	static const struct {
		uint16_t class;
		bool relaxable;
	} kind[] = {
		{ 0x0c03, true }, { 0x0300, true }, { 0x0380, true },
		{ 0x0c00, false }, { 0x0c04, false }, { 0x0200, false },
		{ 0x0403, false }, { 0x3003, false }, { 0xffff, false },
	};
	struct iommu_ctx_resv r;
	unsigned int i;

	start();
	rmrrs[0] = (struct acpi_rmrr_unit){
		.base_address = 0x1000, .end_address = 0x1fff,
		.nr = 1, .bdf = { 1 << 3 },
	};
	for (i = 0; i < ARRAY_SIZE(kind); i++) {
		device_class = kind[i].class;
		CHECK_EQ(vtd_ctx_dev_resv(&v.dev[0], 0, &r), 0);
		CHECK_EQ(r.type, XEN_PV_IOMMU_RESV_MSI_HW);
		CHECK_EQ(vtd_ctx_dev_resv(&v.dev[0], 1, &r), 0);
		CHECK_EQ(r.type, kind[i].relaxable ?
				 XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE :
				 XEN_PV_IOMMU_RESV_DIRECT);
	}
}

TEST(reserved_regions)
{
	struct iommu_ctx_resv r;

	start();
	device_class = 0;
	rmrrs[0] = (struct acpi_rmrr_unit){
		.base_address = 0x1000, .end_address = 0x1fff,
		.nr = 2, .bdf = { 2 << 3, 1 << 3 },
	};
	rmrrs[1] = (struct acpi_rmrr_unit){
		.base_address = 0x8000, .end_address = 0x9fff,
		.nr = 1, .bdf = { 1 << 3 },
	};
	CHECK_EQ(vtd_ctx_dev_resv(&v.dev[0], 0, &r), 0);
	CHECK_EQ(r.type, XEN_PV_IOMMU_RESV_MSI_HW);
	CHECK_EQ(r.start, 0xfee00000);
	CHECK_EQ(r.last, 0xfeefffff);
	CHECK_EQ(vtd_ctx_dev_resv(&v.dev[0], 1, &r), 0);
	CHECK_EQ(r.start, 0x1000);
	CHECK_EQ(r.type, XEN_PV_IOMMU_RESV_DIRECT);
	CHECK_EQ(vtd_ctx_dev_resv(&v.dev[0], 2, &r), 0);
	CHECK_EQ(r.last, 0x9fff);
	CHECK_EQ(vtd_ctx_dev_resv(&v.dev[0], 3, &r), -ENOENT);
	CHECK_EQ(vtd_ctx_dev_resv(&v.dev[1], 2, &r), -ENOENT);
	CHECK_EQ(vtd_ctx_dev_resv(&v.dev[0], ~0U, &r), -ENOENT);
}

TEST(init_allocation_n_fails)
{
	struct iommu_ctx ctx = { .owner = &dom0 };
	unsigned int n;

	start();
	for (n = 0;; n++) {
		machine.fail_alloc = n;
		if (!vtd_ctx_init(&ctx, true))
			break;
		vtd_ctx_fini(&ctx);
	}
	CHECK(n >= 1);
	machine.fail_alloc = -1;
	vtd_ctx_fini(&ctx);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of Xen's own functions as xen/hooks changes them, together with the VT-d
 * back end on the units of vtd-machine.h. Devices are assigned, return, or are
 * unplugged while they are in a context. tests/host/xen-hooked takes the functions
 * out of Xen's source; without a source the program is one skipped test.
 */
#include "harness.h"

#if !__has_include("xen-hooked.c")
TEST(xen_source)
{
	SKIP("the cache has no source of Xen to which xen/hooks applies; testbed/xen-build debug gets it");
}
#else
#include "xen-fake/vtd-machine.h"
#include "xen-fake/vtd-driver.h"
#include "xen-hooked.c"
#include "../../xen/overlay/xen/drivers/passthrough/vtd/ctx.c"
#include "../../xen/overlay/xen/drivers/passthrough/ctx/inject.c"

/* Each device has its own tables for quarantine. */
#define DOMU_ROOT 0x5555000ULL
#define QUARANTINE_ROOT(n) (0x9000000ULL + (n) * 0x100000ULL)

static void begin(void)
{
	unsigned int i;

	start();
	units_by_scope();
	ats_start();
	v.under_lock = machine.leafs_nest = true;
	domu.iommu.arch.vtd.pgd_maddr = DOMU_ROOT;
	wifi_id = ~0U;
	for (i = 0; i < NR_DEVS; i++) {
		v.dev[i].arch.vtd.pgd_maddr = QUARANTINE_ROOT(i);
		v.dev[i].arch.pseudo_domid =
			iommu_alloc_domid(units[unit_of(&v.dev[i])].pseudo_domid_map);
	}
}

/* Same as reassign_device_ownership(). */
static int assign(unsigned int dev, struct domain *to)
{
	struct pci_dev *pdev = &v.dev[dev];
	int rc;

	if (to == dom_io && !pdev->arch.vtd.pgd_maddr)
		rc = IS_ERR(domain_context_unmap(pdev->domain, pdev->devfn, pdev)) ?
			-EIO : 0;
	else
		rc = domain_context_mapping(to, pdev->devfn, pdev);
	if (!rc)
		pdev->domain = to;
	CHECK(!v.mapped && !any_spinlock());
	return rc;
}

static void unplug(unsigned int dev)
{
	struct pci_dev *pdev = &v.dev[dev];

	CHECK(!IS_ERR(domain_context_unmap(pdev->domain, pdev->devfn, pdev)));
	gone(dev);
}

static const uint16_t rids[] = { 0x100 | 5 << 3, BRIDGE, 0x100 };

/* All requests of device 3 are translated by this table. */
static void check_all(uint64_t root, unsigned int did)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rids); i++)
		check_entry(rids[i], root, did);
	check_clean();
}

static void check_none(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rids); i++)
		CHECK(!context_present(*entry_of_rid(0, rids[i])));
	check_clean();
}

static void check_in(unsigned int ctx)
{
	check_all(v.ctx[ctx].pt.root, did_of(ctx, 0));
}

static void check_quarantined(void)
{
	check_all(QUARANTINE_ROOT(3), v.dev[3].arch.pseudo_domid);
}

static void there_and_back(void)
{
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	check_in(0);
	CHECK_EQ(assign(3, dom_io), 0);
	check_quarantined();
	CHECK_EQ(assign(3, &dom0), 0);
	check_in(0);
	CHECK_EQ(assign(3, &domu), 0);
	check_all(DOMU_ROOT, 5);
	CHECK_EQ(assign(3, &dom0), 0);
	check_in(0);
	v.dev[3].arch.vtd.pgd_maddr = 0;
	CHECK_EQ(assign(3, dom_io), 0);
	check_none();
	CHECK_EQ(assign(3, &dom0), 0);
	check_in(0);
}

/* A device returns to its context with all of its ids. (XSA-461) */
TEST(back_in_context)
{
	begin();
	there_and_back();
}

/* A context translates, even if the domain's ordinary table does not. */
TEST(back_in_context_in_passthrough)
{
	begin();
	iommu_hwdom_passthrough = true;
	there_and_back();
}

/* A device without a context returns to the mode that Xen booted with. */
TEST(back_in_passthrough)
{
	struct context_entry *e;
	unsigned int i;

	begin();
	iommu_hwdom_passthrough = true;
	CHECK_EQ(assign(3, dom_io), 0);
	check_quarantined();
	CHECK_EQ(assign(3, &dom0), 0);
	for (i = 0; i < ARRAY_SIZE(rids); i++) {
		e = entry_of_rid(0, rids[i]);
		CHECK_EQ(e->lo >> 2 & 3, CONTEXT_TT_PASS_THRU);
		CHECK_EQ(context_domain_id(*e), DID_DOM0);
	}
	check_clean();
}

static struct hw_unit before;

/* Assign, and fail flush number n only. Returns whether Xen made that many flushes. */
static bool assign_fails_at(unsigned int n, struct domain *to)
{
	struct domain *from = v.dev[3].domain;
	int rc;

	before = v.unit[0];
	v.fail_in = n;
	v.nr_fail = 1;
	rc = assign(3, to);
	if (v.nr_fail) {
		CHECK_EQ(rc, 0);
		return false;
	}
	CHECK(rc < 0);
	CHECK(v.dev[3].domain == from);
	CHECK(!memcmp(before.entry, v.unit[0].entry, sizeof(before.entry)));
	CHECK(!memcmp(before.entry, v.unit[0].cached, sizeof(before.entry)));
	return true;
}

/*
 * After the failure Xen restores every entry to the bit. This covers the device's
 * own entries and those that a move of another device behind the bridge has changed
 * (XSA-449).
 */
static void assign_fails(struct iommu_ctx *others)
{
	unsigned int n = 0;
	bool failed;

	do {
		begin();
		device(1, 0x100 | 6 << 3, DEV_TYPE_PCI);
		CHECK_EQ(move(3, &v.ctx[0]), 0);
		CHECK_EQ(move(1, &v.ctx[0]), 0);
		CHECK_EQ(move(1, others), 0);
		v.went_home = 0;
		failed = assign_fails_at(n++, &domu);
		/* An id that was in a context must not reach the ordinary table. */
		CHECK(!others || !v.went_home);
	} while (failed);
	CHECK_EQ(n, 2 * ARRAY_SIZE(rids) + 1);
}

TEST(assign_fails_beside_default)
{
	assign_fails(NULL);
}

TEST(assign_fails_beside_another_context)
{
	assign_fails(&v.ctx[1]);
}

TEST(return_fails)
{
	unsigned int n = 0;
	bool failed;

	do {
		begin();
		iommu_hwdom_passthrough = true;
		CHECK_EQ(move(3, &v.ctx[0]), 0);
		CHECK_EQ(assign(3, dom_io), 0);
		failed = assign_fails_at(n++, &dom0);
	} while (failed);
	check_in(0);
	CHECK_EQ(n, 2 * ARRAY_SIZE(rids) + 1);
}

/* Xen assigns and returns the device by the ids recorded at its entry into a context. */
TEST(bridge_gone_meanwhile)
{
	begin();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.bridge_gone = true;
	CHECK_EQ(assign(3, dom_io), 0);
	check_quarantined();
	CHECK_EQ(assign(3, &dom0), 0);
	check_in(0);
	v.dev[3].arch.vtd.pgd_maddr = 0;
	CHECK_EQ(assign(3, dom_io), 0);
	check_none();
	CHECK_EQ(assign(3, &dom0), 0);
	check_in(0);
	CHECK_EQ(move(3, NULL), 0);
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
}

TEST(bridge_gone_then_unplugged)
{
	begin();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	v.bridge_gone = true;
	unplug(3);
	check_none();
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
}

TEST(unplugged_in_quarantine)
{
	begin();
	CHECK_EQ(move(3, &v.ctx[0]), 0);
	CHECK_EQ(assign(3, dom_io), 0);
	unplug(3);
	check_none();
	CHECK(!vtd_ctx_in_use(&v.ctx[0]));
}

/*
 * The hardware domain adds a device again, as a function of another device, which
 * is behind the other unit.
 */
TEST(unit_changes_meanwhile)
{
	begin();
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	v.dev[0].info.is_virtfn = true;
	v.dev[0].info.physfn.devfn = 3 << 3;
	CHECK(acpi_find_matched_drhd_unit(&v.dev[0]) == &drhds[0]);
	CHECK_EQ(assign(0, dom_io), 0);
	check_entry(1 << 3, QUARANTINE_ROOT(0),
		    v.dev[0].arch.pseudo_domid);
	CHECK_EQ(assign(0, &dom0), 0);
	check_entry(1 << 3, 0x100000, did_of(0, 0));
	check_clean();
	CHECK_EQ(move(0, NULL), 0);
	CHECK(acpi_find_matched_drhd_unit(&v.dev[0]) == &drhds[1]);
}

/* Intel's wireless card, for which the ME does DMA by an id of its own. */
TEST(me_stays_behind)
{
	struct iommu_ctx_dev dev;
	const uint16_t me = 3 << 3 | 7;

	begin();
	set_entry(0, me, (struct context_entry){ 0 });
	wifi_id = 0x42328086;
	vtd_ctx_dev_query(&v.dev[0], &dev);
	CHECK_EQ(dev.no_ctx, XEN_PV_IOMMU_NO_CTX_QUIRK);
	vtd_ctx_dev_query(&v.dev[1], &dev);
	CHECK_EQ(dev.no_ctx, XEN_PV_IOMMU_NO_CTX_NONE);
	/* Xen still moves both together. */
	CHECK_EQ(assign(0, dom_io), 0);
	check_entry_at(1, me, QUARANTINE_ROOT(0),
		       v.dev[0].arch.pseudo_domid);
	wifi_id = 0x12348086;
	vtd_ctx_dev_query(&v.dev[0], &dev);
	CHECK_EQ(dev.no_ctx, XEN_PV_IOMMU_NO_CTX_NONE);
}

/*
 * Devices with a TLB of their own. Any unmap flushes them, with none of the
 * devices' locks held.
 */
static void begin_ats(void)
{
	begin();
	v.ats = ats_enabled = true;
	units[0].ecap |= 1 << 2;
	CHECK_EQ(assign(0, &domu), 0);
	CHECK_EQ(assign(1, &domu), 0);
	CHECK_EQ(assign(0, &dom0), 0);
	CHECK_EQ(assign(1, &dom0), 0);
	CHECK_EQ(move(0, &v.ctx[0]), 0);
	CHECK_EQ(move(1, &v.ctx[0]), 0);
	memset(ats.flushed, 0, sizeof(ats.flushed));
}

static void flush_devices(void)
{
	pcidevs_unlock();
	CHECK_EQ(dev_invalidate_iotlb(&units[0], did_of(0, 0), 0, 0,
				      DMA_TLB_DSI_FLUSH), 0);
	CHECK(!ats_lock.readers && !ats_lock.writer && !v.mapped);
	pcidevs_lock();
}

static void end_ats(void)
{
	ats_enabled = false;
}

/* A device joins or leaves the list only while no CPU flushes it. */
TEST(ats_devices_under_lock)
{
	begin_ats();
	flush_devices();
	CHECK_EQ(ats.flushed[0], 1);
	CHECK_EQ(ats.flushed[1], 1);
	unplug(0);
	CHECK_EQ(ats.ctl[0], 0);
	flush_devices();
	CHECK_EQ(ats.flushed[0], 1);
	CHECK_EQ(ats.flushed[1], 2);
	pcidevs_unlock();
	CHECK_EQ(dev_invalidate_iotlb(&units[0], 0, 0, 0, 77), -EOPNOTSUPP);
	CHECK(!ats_lock.readers);
	pcidevs_lock();
	end_ats();
}

/* A device that does not respond any more leaves the list. */
TEST(ats_device_pulled)
{
	begin_ats();
	ats.gone = true;
	unplug(0);
	unplug(1);
	CHECK(list_empty(&units[0].ats_devices));
	flush_devices();
	CHECK_EQ(ats.flushed[0] + ats.flushed[1], 0);
	end_ats();
}

/* A reset turns ATS off without Xen; the device is in the list once. */
TEST(ats_device_reset)
{
	begin_ats();
	ats.ctl[0] = 0;
	CHECK_EQ(assign(0, &domu), 0);
	CHECK_EQ(ats.ctl[0], ATS_ENABLE);
	CHECK_EQ(assign(0, &dom0), 0);
	memset(ats.flushed, 0, sizeof(ats.flushed));
	flush_devices();
	CHECK_EQ(ats.flushed[0], 1);
	CHECK_EQ(ats.flushed[1], 1);
	unplug(0);
	flush_devices();
	CHECK_EQ(ats.flushed[0], 1);
	end_ats();
}
#endif /* xen-hooked.c */

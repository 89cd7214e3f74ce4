/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two VT-d units, on machine.h, which keep cached entries until a flush drops them:
 * context entries by requester id, translations by domain id. It also has the part
 * of Xen's VT-d and PCI code that the back end calls. Each program that is linked
 * with passthrough/vtd/ctx.c includes this once.
 *
 * Devices 00:01.0 and 00:02.0 are behind unit 0, 00:03.0 behind unit 1; 01:05.0 is
 * behind the PCIe-to-PCI bridge 00:1e.0 and unit 0.
 */
#ifndef XEN_FAKE_VTD_MACHINE_H
#define XEN_FAKE_VTD_MACHINE_H

#include "machine.h"

#define DID_DOM0 1
#define DOM0_ROOT 0x7777000ULL
#define ENTRY_PRESENT 1ULL
/* Unit 0 has 4 levels, unit 1 has 3. */
#define LEVELS(unit) (4U - (unit))
#define AW(unit) (uint64_t)level_to_agaw(LEVELS(unit))
#define NR_BUSES 2
#define NR_DEVS 4
#define BRIDGE (0x1e << 3)

/* Frames of the tables: the root, then those of the buses. */
#define TABLE_MFN 0x40
#define UNIT_TABLES 0x10

/* Read once, at the first use of the page-table format. */
bool iommu_snoop = true, ats_enabled;
bool rwbf_quirk, iommu_hwdom_passthrough;
bool untrusted_msi;
__typeof__(iommu_intremap) iommu_intremap = iommu_intremap_full;
struct iommu_ops iommu_ops = { .page_sizes = PAGE_SIZE_4K | PAGE_SIZE_2M };

static unsigned long did_map[NR_UNITS][BITS_TO_LONGS(0x8000)];
static struct vtd_iommu units[NR_UNITS];
struct acpi_drhd_unit drhds[NR_UNITS] = {
	{ .iommu = &units[0] }, { .iommu = &units[1] },
};
struct acpi_rmrr_unit rmrrs[NR_RMRRS];

/* One unit: its tables and its caches. */
struct hw_unit {
	struct root_entry root[256];
	struct context_entry entry[NR_BUSES][256];
	struct context_entry cached[NR_BUSES][256];
	bool dirty[0x10000];		/* translations of the domain id cached */
	bool did_used[0x10000];
};

static struct {
	struct hw_unit unit[NR_UNITS];
	int fail_in;			/* flushes until they fail; -1 never */
	unsigned int nr_fail;
	unsigned int flushes, mapped;
	unsigned int psi_order, psi_did;
	uint64_t psi_addr;
	unsigned int nr_psi, nr_dsi;
	int rc_flush;			/* of one that succeeds: 0 or 1 */
	unsigned int write_buffer_flushes;
	bool under_lock;		/* flushes may be made under a lock */
	struct pci_dev dev[NR_DEVS];
	struct pci_dev bridge;
	bool bridge_gone;		/* as reported to Xen */
	bool bridge_lost;		/* the way up does not end */
	bool other_unit;		/* device 0 is reported behind unit 1 */
	unsigned int lookups, walks;
	bool translating, ats;
	struct pci_dev *ats_dev;
	bool ats_dirty, fail_ats, dev_flush;
	unsigned int went_home;		/* entries set to dom0's ordinary table */
	unsigned int nr_ats_flush;
	struct iommu_ctx ctx[3];
} v;

static struct context_entry *entry_of_rid(unsigned int unit, uint16_t rid)
{
	CHECK(rid >> 8 < NR_BUSES);
	return &v.unit[unit].entry[rid >> 8][rid & 0xff];
}

static struct context_entry *cached_of_rid(unsigned int unit, uint16_t rid)
{
	return &v.unit[unit].cached[rid >> 8][rid & 0xff];
}

/* The unit according to firmware, which alone decides. */
static unsigned int unit_of(const struct pci_dev *pdev)
{
	if (pdev == &v.dev[0] && v.other_unit)
		return 1;
	return pdev->sbdf.bdf == 3 << 3;
}

/*
 * Domain ids
 */
domid_t iommu_alloc_domid(unsigned long *map)
{
	unsigned int i;

	for (i = 1; i < 0x7fff; i++)
		if (!test_bit(i, map)) {
			__set_bit(i, map);
			return i | (DOMID_MASK + 1);
		}
	return DOMID_INVALID;
}

static void check_unused(const struct hw_unit *hw, domid_t domid)
{
	unsigned int i;

	CHECK(!hw->dirty[domid]);
	for (i = 0; i < NR_BUSES * 256; i++)
		CHECK(context_domain_id(hw->entry[i / 256][i % 256]) != domid);
}

/* No translation may have the id when it is freed for reuse (XSA-399). */
void iommu_free_domid(domid_t domid, unsigned long *map)
{
	unsigned int i;

	CHECK(domid > DOMID_MASK && test_bit(domid & DOMID_MASK, map));
	for (i = 0; i < NR_UNITS; i++)
		if (map == did_map[i])
			check_unused(&v.unit[i], domid);
	__clear_bit(domid & DOMID_MASK, map);
}

int context_set_domain_id(struct context_entry *c, domid_t domid,
			  struct vtd_iommu *iommu)
{
	v.unit[iommu->index].did_used[domid] = true;
	if (c)
		c->hi = (c->hi & ~0xffff00ULL) | (uint64_t)domid << 8;
	return 0;
}

void cleanup_domid_map(domid_t domid, struct vtd_iommu *iommu)
{
	CHECK(v.unit[iommu->index].did_used[domid]);
	v.unit[iommu->index].did_used[domid] = false;
}

int get_iommu_did(domid_t domid, const struct vtd_iommu *iommu, bool warn)
{
	(void)warn;
	return v.unit[iommu->index].did_used[domid] ? domid : -1;
}

domid_t did_to_domain_id(const struct vtd_iommu *iommu, unsigned int did)
{
	return v.unit[iommu->index].did_used[did] ? did : DOMID_INVALID;
}

/*
 * Tables
 */
static uint64_t table_maddr(unsigned int unit, unsigned int n)
{
	return (uint64_t)(TABLE_MFN + unit * UNIT_TABLES + n) << PAGE_SHIFT;
}

uint64_t bus_to_context_maddr(struct vtd_iommu *iommu, uint8_t bus)
{
	CHECK(iommu->lock.held);
	CHECK(bus < NR_BUSES);
	return table_maddr(iommu->index, 1 + bus);
}

void *map_vtd_domain_page(uint64_t maddr)
{
	unsigned int n = (maddr >> PAGE_SHIFT) - TABLE_MFN;
	struct hw_unit *hw = &v.unit[n / UNIT_TABLES];

	CHECK(n / UNIT_TABLES < NR_UNITS && n % UNIT_TABLES <= NR_BUSES);
	v.mapped++;
	return n % UNIT_TABLES ? (void *)hw->entry[n % UNIT_TABLES - 1] :
				 hw->root;
}

void unmap_vtd_domain_page(const void *p)
{
	CHECK(p && v.mapped);
	v.mapped--;
}

/* The unit keeps the old entry and its translations. */
static void entry_was(const struct context_entry *e, struct context_entry was)
{
	unsigned int i;

	for (i = 0; i < NR_UNITS; i++)
		if (e >= &v.unit[i].entry[0][0] &&
		    e <= &v.unit[i].entry[NR_BUSES - 1][255])
			v.unit[i].dirty[context_domain_id(was)] = true;
	if (v.ats_dev && e == entry_of_rid(unit_of(v.ats_dev),
					   v.ats_dev->sbdf.bdf))
		v.ats_dirty = true;
}

__uint128_t fake_cmpxchg16b(void *p, void *old, void *new)
{
	struct context_entry *e = p, was = *e;

	if (was.full == ((struct context_entry *)old)->full)
		e->full = ((struct context_entry *)new)->full;
	entry_was(e, was);
	v.went_home += context_domain_id(*e) == DID_DOM0;
	return was.full;
}

paddr_t domain_pgd_maddr(struct domain *d, paddr_t pgd, unsigned int levels)
{
	CHECK(d->iommu.arch.mapping_lock.held);
	CHECK(pgd);
	return pgd + (4 - levels) * 0x1000ULL;
}

const struct iommu_pt_fmt iommu_pt_fmt_vtd = { .name = "vtd", .max_order = 18 };

uint64_t iommu_pt_root(const struct iommu_pt *pt, unsigned int levels)
{
	return pt->root + (pt->levels - levels) * 0x1000;
}

/*
 * Flushes
 */
static int flush_rc(void)
{
	CHECK(v.under_lock || !any_spinlock());
	v.flushes++;
	if (v.fail_in > 0)
		v.fail_in--;
	else if (v.fail_in == 0 && v.nr_fail) {
		v.nr_fail--;
		return -ETIMEDOUT;
	}
	return v.rc_flush;
}

/* An entry has the tag of its old domain id, which is 0 if there was none. */
int iommu_flush_context_device(struct vtd_iommu *iommu, uint16_t did,
			       uint16_t sid, uint8_t mask, bool np)
{
	struct context_entry *c = cached_of_rid(iommu->index, sid);
	int rc = flush_rc();

	(void)np;
	CHECK_EQ(mask, 0);
	if (rc >= 0 && context_domain_id(*c) == did)
		*c = *entry_of_rid(iommu->index, sid);
	return rc;
}

int iommu_flush_context_global(struct vtd_iommu *iommu, bool np)
{
	struct hw_unit *hw = &v.unit[iommu->index];
	int rc = flush_rc();

	(void)np;
	if (rc >= 0)
		memcpy(hw->cached, hw->entry, sizeof(hw->cached));
	return rc;
}

/* If an old entry is still cached, the unit would cache its translations again. */
static bool still_used(const struct hw_unit *hw, uint16_t did)
{
	unsigned int i;

	for (i = 0; i < NR_BUSES * 256; i++) {
		const struct context_entry *c = &hw->cached[i / 256][i % 256];

		if (context_domain_id(*c) == did &&
		    c->full != hw->entry[i / 256][i % 256].full)
			return true;
	}
	return false;
}

int iommu_flush_iotlb_dsi(struct vtd_iommu *iommu, uint16_t did, bool np,
			  bool dev)
{
	struct hw_unit *hw = &v.unit[iommu->index];
	int rc = flush_rc();

	(void)np;
	v.dev_flush = dev;
	v.nr_dsi++;
	if (rc >= 0 && !still_used(hw, did))
		hw->dirty[did] = false;
	return rc;
}

int iommu_flush_iotlb_psi(struct vtd_iommu *iommu, uint16_t did, uint64_t addr,
			  unsigned int order, bool np, bool dev)
{
	(void)iommu;
	(void)np;
	v.dev_flush = dev;
	v.nr_psi++;
	v.psi_did = did;
	v.psi_addr = addr;
	v.psi_order = order;
	return flush_rc();
}

void iommu_flush_write_buffer(struct vtd_iommu *iommu)
{
	(void)iommu;
	v.write_buffer_flushes++;
}

uint32_t dmar_readl(const void *reg, unsigned int offset)
{
	(void)reg;
	CHECK_EQ(offset, DMAR_GSTS_REG);
	return v.translating ? DMA_GSTS_TES : 0;
}

/*
 * PCI
 */
struct pci_dev *pci_get_pdev(const struct domain *d, pci_sbdf_t sbdf)
{
	unsigned int i;

	(void)d;
	for (i = 0; i < NR_DEVS; i++)
		if (v.dev[i].sbdf.sbdf == sbdf.sbdf)
			return &v.dev[i];
	return NULL;
}

int pci_iterate_devices(int (*handler)(struct pci_dev *pdev, void *arg),
			void *arg)
{
	unsigned int i;
	int rc = 0;

	CHECK(pcidevs_locked());
	v.walks++;
	for (i = 0; i < NR_DEVS; i++)
		rc = rc ?: handler(&v.dev[i], arg);
	return rc;
}

int find_upstream_bridge(uint16_t seg, uint8_t *bus, uint8_t *devfn,
			 uint8_t *secbus)
{
	(void)seg;
	v.lookups++;
	if (v.bridge_lost)
		return -1;
	if (*bus == 0 || v.bridge_gone)
		return 0;
	*secbus = *bus;
	*bus = 0;
	*devfn = BRIDGE;
	return 1;
}

enum pdev_type pdev_type(uint16_t seg, uint8_t bus, uint8_t devfn)
{
	(void)seg;
	CHECK(bus == 0 && devfn == BRIDGE);
	return v.bridge.type;
}

bool pci_ats_device(uint16_t seg, uint8_t bus, uint8_t devfn)
{
	(void)seg;
	(void)bus;
	(void)devfn;
	return v.ats;
}

bool pci_ats_enabled(uint16_t seg, uint8_t bus, uint8_t devfn)
{
	return pci_ats_device(seg, bus, devfn);
}

/*
 * Set-up
 */
static struct context_entry entry_for(unsigned int unit, uint64_t root,
				      unsigned int did)
{
	return (struct context_entry){
		.lo = (root + unit * 0x1000) | ENTRY_PRESENT,
		.hi = AW(unit) | did << 8,
	};
}

static struct context_entry dom0_entry(unsigned int unit)
{
	return entry_for(unit, DOM0_ROOT, DID_DOM0);
}

static void set_entry(unsigned int unit, uint16_t rid, struct context_entry e)
{
	*entry_of_rid(unit, rid) = *cached_of_rid(unit, rid) = e;
}

static void device(unsigned int i, uint16_t bdf, enum pdev_type type)
{
	v.dev[i].sbdf.sbdf = bdf;
	v.dev[i].domain = &dom0;
	v.dev[i].type = type;
}

/* Only 00:03.0 is behind unit 1. */
static void start_unit(unsigned int n)
{
	struct hw_unit *hw = &v.unit[n];
	unsigned int i;

	units[n] = (struct vtd_iommu){
		.index = n, .nr_pt_levels = LEVELS(n),
		.cap = 6 | (n ? 38ULL : 47ULL) << 16, .ecap = 1,
		.pseudo_domid_map = did_map[n], .drhd = &drhds[n],
		.root_maddr = table_maddr(n, 0),
	};
	hw->did_used[DID_DOM0] = true;
	for (i = 0; i < NR_BUSES; i++)
		hw->root[i].val = table_maddr(n, 1 + i) | 1;
	for (i = 0; i < NR_BUSES * 256; i++)
		if ((i == 3 << 3) == n)
			set_entry(n, i, dom0_entry(n));
}

static void start(void)
{
	unsigned int i;

	/* The ids of contexts remain after a test: free them. */
	for (i = 0; i < NR_UNITS; i++) {
		memset(v.unit[i].entry, 0, sizeof(v.unit[i].entry));
		memset(v.unit[i].cached, 0, sizeof(v.unit[i].cached));
		memset(v.unit[i].dirty, 0, sizeof(v.unit[i].dirty));
	}
	v.fail_in = -1;
	for (i = 0; i < 3; i++)
		vtd_ctx_fini(&v.ctx[i]);
	machine_start();
	memset(&v, 0, sizeof(v));
	memset(did_map, 0, sizeof(did_map));
	memset(rmrrs, 0, sizeof(rmrrs));
	v.fail_in = -1;
	v.translating = true;
	iommu_hwdom_passthrough = rwbf_quirk = untrusted_msi = false;
	dom0.domain_id = DID_DOM0;
	dom0.iommu.arch.vtd.pgd_maddr = DOM0_ROOT;
	for (i = 0; i < NR_UNITS; i++)
		start_unit(i);
	device(0, 1 << 3, DEV_TYPE_PCIe_ENDPOINT);
	device(1, 2 << 3, DEV_TYPE_PCIe_ENDPOINT);
	device(2, 3 << 3, DEV_TYPE_PCIe_ENDPOINT);
	device(3, 0x100 | 5 << 3, DEV_TYPE_PCI);
	v.bridge.type = DEV_TYPE_PCIe2PCI_BRIDGE;
	for (i = 0; i < 3; i++) {
		v.ctx[i].owner = &dom0;
		v.ctx[i].id = i + 1;
		v.ctx[i].pt.root = (i + 1) * 0x100000;
		v.ctx[i].pt.levels = 4;
		INIT_LIST_HEAD(&v.ctx[i].members);
	}
	pcidevs_lock();
	for (i = 0; i < 3; i++)
		CHECK_EQ(vtd_ctx_init(&v.ctx[i], false), 0);
}

static void set_ctx(struct pci_dev *pdev, struct iommu_ctx *to)
{
	if (pdev->ctx)
		list_del(&pdev->ctx_list);
	pdev->ctx = to;
	if (to)
		list_add(&pdev->ctx_list, &to->members);
}

/* Enter, switch and leave, in the order of iommu_ctx_move(). */
static int move(unsigned int dev, struct iommu_ctx *to)
{
	struct pci_dev *pdev = &v.dev[dev];
	struct iommu_ctx *from = pdev->ctx;
	int rc = to ? vtd_ctx_enter(to, pdev) : 0;

	if (rc)
		return rc;
	if (pdev->domain == &dom0)
		rc = vtd_ctx_switch(&dom0, pdev, to);
	if (!rc)
		set_ctx(pdev, to);
	else
		from = to;
	if (from)
		vtd_ctx_leave(from, pdev);
	CHECK(!v.mapped && !any_spinlock());
	return rc;
}

/* Same as iommu_ctx_device_gone(). */
static HARNESS_UNUSED void gone(unsigned int dev)
{
	struct iommu_ctx *ctx = v.dev[dev].ctx;

	set_ctx(&v.dev[dev], NULL);
	if (ctx)
		vtd_ctx_leave(ctx, &v.dev[dev]);
	CHECK(!v.mapped && !any_spinlock());
}

/* The units use the entries in memory and cache nothing older. */
static void check_clean(void)
{
	unsigned int i, k;

	for (i = 0; i < NR_UNITS; i++) {
		const struct hw_unit *hw = &v.unit[i];

		CHECK(!memcmp(hw->cached, hw->entry, sizeof(hw->entry)));
		for (k = 0; k < 0x10000; k++)
			CHECK(!hw->dirty[k]);
	}
}

static void check_entry_at(unsigned int unit, uint16_t rid, uint64_t root,
			   unsigned int did)
{
	struct context_entry e = *entry_of_rid(unit, rid);
	struct context_entry want = entry_for(unit, root, did);

	CHECK_EQ(e.lo, want.lo);
	CHECK_EQ(e.hi, want.hi);
}

static void check_entry(uint16_t rid, uint64_t root, unsigned int did)
{
	check_entry_at(rid == 3 << 3, rid, root, did);
}

/* The entry is the domain's ordinary one. */
static void check_home(uint16_t rid)
{
	check_entry(rid, DOM0_ROOT, DID_DOM0);
}

static unsigned int did_of(unsigned int ctx, unsigned int unit)
{
	return v.ctx[ctx].unit[unit].domid;
}

#endif /* XEN_FAKE_VTD_MACHINE_H */

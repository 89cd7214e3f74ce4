// SPDX-License-Identifier: GPL-2.0
/*
 * The VT-d back end: the real xen/overlay/xen/drivers/passthrough/vtd/ctx.c on
 * two units that keep what they have cached, context entries by requester id
 * and translations by domain id, until they are told to drop it.
 */
#include "xen-fake/machine.h"

#define DID_DOM0 1
#define DOM0_ROOT 0x7777000ULL
#define ENTRY_PRESENT 1ULL
#define AW_4_LEVELS 2ULL

/* Decided once, at the first use of the page-table format. */
bool iommu_snoop = true, ats_enabled;
bool rwbf_quirk, iommu_hwdom_passthrough;
__typeof__(iommu_intremap) iommu_intremap = iommu_intremap_full;
struct iommu_ops iommu_ops = { .page_sizes = PAGE_SIZE_4K | PAGE_SIZE_2M };

static unsigned long did_map[NR_UNITS][BITS_TO_LONGS(0x8000)];
static struct vtd_iommu units[NR_UNITS];
struct acpi_drhd_unit drhds[NR_UNITS] = {
	{ .iommu = &units[0] }, { .iommu = &units[1] },
};
struct acpi_rmrr_unit rmrrs[NR_RMRRS];

static struct {
	struct context_entry entry[2][256];	/* buses 0 and 1 */
	struct context_entry cached[2][256];	/* what the unit works with */
	bool dirty[0x10000];		/* translations of the domain id cached */
	bool did_used[NR_UNITS][0x10000];
	int fail_in;			/* flushes until they fail; -1 never */
	unsigned int nr_fail;
	unsigned int flushes, mapped;
	unsigned int psi_order, psi_did;
	uint64_t psi_addr;
	unsigned int nr_psi, nr_dsi;
	int rc_flush;			/* of one that succeeds: 0 or 1 */
	unsigned int write_buffer_flushes;
	struct pci_dev dev[4];
	struct pci_dev bridge;
	bool translating, ats;
	struct pci_dev *ats_dev;
	bool ats_dirty, fail_ats, dev_flush;
	unsigned int nr_ats_flush;
	struct iommu_ctx ctx[3];
} v;

/*
 * Xen's VT-d driver
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

void iommu_free_domid(domid_t domid, unsigned long *map)
{
	unsigned int i;

	CHECK(domid > DOMID_MASK && test_bit(domid & DOMID_MASK, map));
	/* An id must tag nothing when it can be given out again (XSA-399). */
	CHECK(!v.dirty[domid]);
	for (i = 0; i < 2 * 256; i++)
		CHECK(context_domain_id(v.entry[i / 256][i % 256]) != domid);
	__clear_bit(domid & DOMID_MASK, map);
}

int context_set_domain_id(struct context_entry *c, domid_t domid,
			  struct vtd_iommu *iommu)
{
	v.did_used[iommu->index][domid] = true;
	if (c)
		c->hi = (c->hi & ~0xffff00ULL) | (uint64_t)domid << 8;
	return 0;
}

void cleanup_domid_map(domid_t domid, struct vtd_iommu *iommu)
{
	CHECK(v.did_used[iommu->index][domid]);
	v.did_used[iommu->index][domid] = false;
}

int get_iommu_did(domid_t domid, const struct vtd_iommu *iommu, bool warn)
{
	(void)warn;
	return v.did_used[iommu->index][domid] ? domid : -1;
}

uint64_t bus_to_context_maddr(struct vtd_iommu *iommu, uint8_t bus)
{
	CHECK(iommu->lock.held);
	CHECK(bus < 2);
	return (uint64_t)(bus + 1) << 12;
}

void *map_vtd_domain_page(uint64_t maddr)
{
	v.mapped++;
	return v.entry[(maddr >> 12) - 1];
}

void unmap_vtd_domain_page(const void *p)
{
	CHECK(p && v.mapped);
	v.mapped--;
}

/* The old entry stays with the unit, and so do its translations. */
__uint128_t fake_cmpxchg16b(void *p, void *old, void *new)
{
	struct context_entry *e = p, was = *e;

	if (was.full == ((struct context_entry *)old)->full)
		e->full = ((struct context_entry *)new)->full;
	v.dirty[context_domain_id(was)] = true;
	if (v.ats_dev && e == &v.entry[v.ats_dev->bus][v.ats_dev->devfn])
		v.ats_dirty = true;
	return was.full;
}

paddr_t domain_pgd_maddr(struct domain *d, paddr_t pgd, unsigned int levels)
{
	CHECK(d->iommu.arch.mapping_lock.held);
	CHECK_EQ(pgd, DOM0_ROOT);
	return pgd + levels * 0x1000ULL;
}

static int flush_rc(void)
{
	CHECK(!any_spinlock());
	v.flushes++;
	if (v.fail_in > 0)
		v.fail_in--;
	else if (v.fail_in == 0 && v.nr_fail) {
		v.nr_fail--;
		return -ETIMEDOUT;
	}
	return v.rc_flush;
}

int iommu_flush_context_device(struct vtd_iommu *iommu, uint16_t did,
			       uint16_t sid, uint8_t mask, bool np)
{
	struct context_entry *c = &v.cached[sid >> 8][sid & 0xff];
	int rc = flush_rc();

	(void)iommu;
	(void)np;
	CHECK_EQ(mask, 0);
	/* Entries are tagged with the domain id they had. */
	if (rc >= 0 && context_domain_id(*c) == did)
		*c = v.entry[sid >> 8][sid & 0xff];
	return rc;
}

/* With an old entry still cached, translations would just come back. */
static bool still_used(uint16_t did)
{
	unsigned int i;

	for (i = 0; i < 2 * 256; i++) {
		const struct context_entry *c = &v.cached[i / 256][i % 256];

		if (context_domain_id(*c) == did &&
		    c->full != v.entry[i / 256][i % 256].full)
			return true;
	}
	return false;
}

int iommu_flush_iotlb_dsi(struct vtd_iommu *iommu, uint16_t did, bool np,
			  bool dev)
{
	int rc = flush_rc();

	(void)iommu;
	(void)np;
	v.dev_flush = dev;
	v.nr_dsi++;
	if (rc >= 0 && !still_used(did))
		v.dirty[did] = false;
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

/* One device with a cache of its own, v.ats_dev; dirty since an entry changed. */
struct acpi_drhd_unit *find_ats_dev_drhd(struct vtd_iommu *iommu)
{
	struct acpi_drhd_unit *drhd = v.ats_dev ?
		acpi_find_matched_drhd_unit(v.ats_dev) : NULL;

	return drhd && drhd->iommu == iommu ? drhd : NULL;
}

int dev_invalidate_iotlb_one(struct vtd_iommu *iommu,
			     const struct pci_dev *pdev, uint16_t did)
{
	(void)iommu;
	(void)did;
	if (pdev != v.ats_dev)
		return 0;
	if (v.fail_ats)
		return -ETIMEDOUT;
	/* Fetched again at once if the unit still has old translations. */
	v.ats_dirty = v.dirty[did] || v.cached[pdev->bus][pdev->devfn].full !=
				      v.entry[pdev->bus][pdev->devfn].full;
	v.nr_ats_flush++;
	return 0;
}

uint32_t dmar_readl(const void *reg, unsigned int offset)
{
	(void)reg;
	CHECK_EQ(offset, DMAR_GSTS_REG);
	return v.translating ? DMA_GSTS_TES : 0;
}

/*
 * PCI: devices 00:01.0 and 00:02.0 behind unit 0, 00:03.0 behind unit 1; and
 * 01:05.0 behind the PCIe-to-PCI bridge 00:1e.0 and unit 0.
 */
struct acpi_drhd_unit *acpi_find_matched_drhd_unit(const struct pci_dev *pdev)
{
	return pdev->devfn == 0xff ? NULL : &drhds[pdev->devfn == 3 << 3];
}

struct pci_dev *pci_get_pdev(const struct domain *d, pci_sbdf_t sbdf)
{
	unsigned int i;

	(void)d;
	for (i = 0; i < 4; i++)
		if (v.dev[i].sbdf.sbdf == sbdf.sbdf)
			return &v.dev[i];
	return NULL;
}

int find_upstream_bridge(uint16_t seg, uint8_t *bus, uint8_t *devfn,
			 uint8_t *secbus)
{
	(void)seg;
	if (*bus == 0)
		return 0;
	*secbus = *bus;
	*bus = 0;
	*devfn = 0x1e << 3;
	return 1;
}

enum pdev_type pdev_type(uint16_t seg, uint8_t bus, uint8_t devfn)
{
	(void)seg;
	CHECK(bus == 0 && devfn == 0x1e << 3);
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

/* Other halves of the same series that this file does not need. */
const struct iommu_pt_fmt iommu_pt_fmt_vtd = { .name = "vtd", .max_order = 18 };

uint64_t iommu_pt_root(const struct iommu_pt *pt, unsigned int levels)
{
	return pt->root + (pt->levels - levels) * 0x1000;
}

/*
 * Set-up
 */
static struct context_entry dom0_entry(unsigned int levels)
{
	return (struct context_entry){
		.lo = (DOM0_ROOT + levels * 0x1000) | ENTRY_PRESENT,
		.hi = AW_4_LEVELS | DID_DOM0 << 8,
	};
}

static void device(unsigned int i, uint16_t bdf, enum pdev_type type)
{
	v.dev[i].sbdf.sbdf = bdf;
	v.dev[i].domain = &dom0;
	v.dev[i].type = type;
}

static void start(void)
{
	unsigned int i;

	/* Which ids contexts hold outlives a test: give them back. */
	memset(v.entry, 0, sizeof(v.entry));
	memset(v.cached, 0, sizeof(v.cached));
	v.fail_in = -1;
	for (i = 0; i < 3; i++)
		vtd_ctx_fini(&v.ctx[i]);
	machine_start();
	memset(&v, 0, sizeof(v));
	memset(did_map, 0, sizeof(did_map));
	memset(rmrrs, 0, sizeof(rmrrs));
	v.fail_in = -1;
	v.translating = true;
	iommu_hwdom_passthrough = rwbf_quirk = false;
	dom0.domain_id = DID_DOM0;
	dom0.iommu.arch.vtd.pgd_maddr = DOM0_ROOT;
	for (i = 0; i < NR_UNITS; i++) {
		units[i] = (struct vtd_iommu){
			.index = i, .nr_pt_levels = 4 - i,
			.cap = 6 | (i ? 38ULL : 47ULL) << 16, .ecap = 1,
			.pseudo_domid_map = did_map[i],
		};
		v.did_used[i][DID_DOM0] = true;
	}
	for (i = 0; i < 2 * 256; i++)
		v.cached[i / 256][i % 256] = v.entry[i / 256][i % 256] =
			dom0_entry(i == 3 << 3 ? 3 : 4);
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
	}
	pcidevs_lock();
	for (i = 0; i < 3; i++)
		CHECK_EQ(vtd_ctx_init(&v.ctx[i], false), 0);
}

/* Enter, switch and leave, in the order of the callers. */
static int move(unsigned int dev, struct iommu_ctx *from, struct iommu_ctx *to)
{
	int rc = to ? vtd_ctx_enter(to, &v.dev[dev]) : 0;

	if (rc)
		return rc;
	rc = vtd_ctx_switch(&dom0, &v.dev[dev], to);
	if (rc && to)
		vtd_ctx_leave(to, &v.dev[dev]);
	if (!rc && from)
		vtd_ctx_leave(from, &v.dev[dev]);
	CHECK(!v.mapped && !any_spinlock());
	return rc;
}

/* The units work with what stands in memory, and hold nothing older. */
static void check_clean(void)
{
	unsigned int i;

	CHECK(!memcmp(v.cached, v.entry, sizeof(v.entry)));
	for (i = 0; i < 0x10000; i++)
		CHECK(!v.dirty[i]);
}

static void check_entry(unsigned int bus, unsigned int devfn, uint64_t root,
			unsigned int did)
{
	struct context_entry e = v.entry[bus][devfn];

	CHECK_EQ(e.lo, root | ENTRY_PRESENT);
	CHECK_EQ(e.hi, AW_4_LEVELS | did << 8);
}

static unsigned int did_of(unsigned int ctx, unsigned int unit)
{
	return v.ctx[ctx].unit[unit].domid;
}

/* XSA-442: the old id is flushed with every switch. */
TEST(switch_there_and_back)
{
	start();
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	check_entry(0, 1 << 3, 0x100000, did_of(0, 0));
	check_clean();
	CHECK_EQ(move(0, &v.ctx[0], &v.ctx[1]), 0);
	check_entry(0, 1 << 3, 0x200000, did_of(1, 0));
	check_clean();
	CHECK_EQ(move(0, &v.ctx[1], NULL), 0);
	CHECK(v.entry[0][1 << 3].full == dom0_entry(4).full);
	check_clean();
}

/* Behind a unit of 3 levels the tree is entered one level below (XSA-445). */
TEST(switch_fewer_levels)
{
	start();
	CHECK_EQ(move(2, NULL, &v.ctx[0]), 0);
	check_entry(0, 3 << 3, 0x101000, did_of(0, 1));
	CHECK_EQ(move(2, &v.ctx[0], NULL), 0);
	CHECK(v.entry[0][3 << 3].full == dom0_entry(3).full);
}

TEST(switch_pass_through)
{
	start();
	iommu_hwdom_passthrough = true;
	v.entry[0][1 << 3].lo |= CONTEXT_TT_PASS_THRU << 2;
	v.cached[0][1 << 3] = v.entry[0][1 << 3];
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	check_entry(0, 1 << 3, 0x100000, did_of(0, 0));
	CHECK_EQ(move(0, &v.ctx[0], NULL), 0);
	CHECK_EQ(v.entry[0][1 << 3].lo >> 2 & 3, CONTEXT_TT_PASS_THRU);
	CHECK_EQ(context_domain_id(v.entry[0][1 << 3]), DID_DOM0);
	check_clean();
}

/* XSA-449: all of a device's functions, or none. */
TEST(switch_phantom_functions)
{
	unsigned int fn;

	start();
	v.dev[0].phantom_stride = 2;
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	for (fn = 0; fn < 8; fn++)
		CHECK(fn % 2 ? v.entry[0][8 + fn].full == dom0_entry(4).full :
		      context_domain_id(v.entry[0][8 + fn]) == did_of(0, 0));
	check_entry(0, 2 << 3, DOM0_ROOT + 0x4000, DID_DOM0);
	check_clean();
}

/* Behind a bridge a device uses the bridge's ids as well (XSA-461, XSA-467). */
TEST(switch_aliases)
{
	start();
	CHECK_EQ(move(3, NULL, &v.ctx[0]), 0);
	check_entry(1, 5 << 3, 0x100000, did_of(0, 0));
	check_entry(0, 0x1e << 3, 0x100000, did_of(0, 0));
	check_entry(1, 0, 0x100000, did_of(0, 0));
	check_clean();
	start();
	v.bridge.type = DEV_TYPE_LEGACY_PCI_BRIDGE;
	CHECK_EQ(move(3, NULL, &v.ctx[0]), 0);
	check_entry(0, 0x1e << 3, 0x100000, did_of(0, 0));
	CHECK(v.entry[1][0].full == dom0_entry(4).full);
}

/*
 * What a device of another domain uses as well is left to that domain, whatever
 * the device at home does (XSA-461).
 */
TEST(switch_leaves_shared_ids)
{
	start();
	CHECK_EQ(move(3, NULL, &v.ctx[0]), 0);
	v.dev[1].sbdf.sbdf = 0x100 | 6 << 3;
	v.dev[1].domain = dom_io;
	CHECK_EQ(move(3, &v.ctx[0], NULL), 0);
	check_entry(1, 5 << 3, DOM0_ROOT + 0x4000, DID_DOM0);
	check_entry(0, 0x1e << 3, 0x100000, did_of(0, 0));
	check_entry(1, 0, 0x100000, did_of(0, 0));
	v.dev[1].domain = &dom0;
	CHECK_EQ(move(3, NULL, &v.ctx[1]), 0);
	check_entry(0, 0x1e << 3, 0x200000, did_of(1, 0));
	check_entry(1, 0, 0x200000, did_of(1, 0));
	check_clean();
}

/* Quarantine or unplugging of one clears the ids of all behind the bridge. */
TEST(switch_restores_shared_ids)
{
	start();
	CHECK_EQ(move(3, NULL, &v.ctx[0]), 0);
	memset(&v.entry[0][0x1e << 3], 0, sizeof(v.entry[0][0]));
	memset(&v.entry[1][0], 0, sizeof(v.entry[0][0]));
	memset(&v.cached[0][0x1e << 3], 0, sizeof(v.entry[0][0]));
	memset(&v.cached[1][0], 0, sizeof(v.entry[0][0]));
	CHECK_EQ(move(3, &v.ctx[0], &v.ctx[1]), 0);
	check_entry(1, 5 << 3, 0x200000, did_of(1, 0));
	check_entry(0, 0x1e << 3, 0x200000, did_of(1, 0));
	check_entry(1, 0, 0x200000, did_of(1, 0));
	check_clean();
}

/*
 * A move that fails at flush n leaves every entry as it was, to the bit
 * (ruling 2), and what the units hold too, for the flushes of the way back work.
 */
static void failed_move_at(int n, unsigned int *flushes)
{
	struct context_entry before[2][256];

	start();
	v.dev[0].phantom_stride = 1;
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	memcpy(before, v.entry, sizeof(before));
	v.flushes = 0;
	v.fail_in = n;
	v.nr_fail = n >= 0;
	if (n < 0) {
		CHECK_EQ(move(0, &v.ctx[0], &v.ctx[1]), 0);
		*flushes = v.flushes;
		return;
	}
	CHECK_EQ(move(0, &v.ctx[0], &v.ctx[1]), -EIO);
	CHECK(!memcmp(before, v.entry, sizeof(before)));
	CHECK(!memcmp(v.cached, v.entry, sizeof(before)));
	CHECK(!v.dirty[did_of(1, 0)]);
	CHECK(!v.dev[0].broken);
	CHECK_EQ(v.ctx[0].unit[0].nr_members, 1);
	CHECK_EQ(v.ctx[1].unit[0].nr_members, 0);
}

/* XSA-449: every id is back where it was. */
TEST(failed_move_restores_every_entry)
{
	unsigned int n, flushes = 0;

	failed_move_at(-1, &flushes);
	CHECK(flushes >= 16);
	for (n = 0; n < flushes; n++)
		failed_move_at(n, NULL);
}

/* No way forward and none back: nobody may rely on the device any more. */
TEST(failed_move_back_breaks_the_device)
{
	start();
	v.fail_in = 0;
	v.nr_fail = 100;
	CHECK_EQ(move(0, NULL, &v.ctx[0]), -EIO);
	CHECK(v.dev[0].broken);
	CHECK(v.entry[0][1 << 3].full == dom0_entry(4).full);
}

TEST(switch_without_entry)
{
	start();
	v.entry[0][1 << 3].full = 0;
	CHECK_EQ(move(0, NULL, &v.ctx[0]), -ENODEV);
	CHECK(!v.entry[0][1 << 3].full);
	v.dev[1].devfn = 0xff;
	CHECK_EQ(move(1, NULL, &v.ctx[0]), -ENODEV);
}

/* Positive results ask for a flush of the write buffer, and are no errors. */
TEST(write_buffer)
{
	start();
	v.rc_flush = 1;
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	CHECK_EQ(v.write_buffer_flushes, 2);
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.write_buffer_flushes, 3);
}

/*
 * Domain ids
 */
/* XSA-399: given back once, and flushed before. */
TEST(domain_ids)
{
	unsigned int did;

	start();
	CHECK_EQ(did_of(0, 0), DOMID_INVALID);
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	CHECK_EQ(move(1, NULL, &v.ctx[1]), 0);
	did = did_of(0, 0);
	CHECK(did > DOMID_MASK && did != did_of(1, 0));
	CHECK_EQ(did_of(0, 1), DOMID_INVALID);
	CHECK(vtd_ctx_holds_domid(&units[0], did));
	CHECK(!vtd_ctx_holds_domid(&units[1], did));
	CHECK(!vtd_ctx_holds_domid(&units[0], DID_DOM0));
	CHECK_EQ(vtd_ctx_domid(&v.ctx[0], &v.dev[0]), did);
	CHECK_EQ(vtd_ctx_pgtable(&v.ctx[0]), 0x100000);
	CHECK_EQ(move(0, &v.ctx[0], NULL), 0);
	CHECK_EQ(did_of(0, 0), did);
	vtd_ctx_fini(&v.ctx[0]);
	CHECK(!vtd_ctx_holds_domid(&units[0], did));
	CHECK(!v.did_used[0][did]);
	CHECK(!v.ctx[0].unit);
}

/* XSA-399: an id whose flush failed is never used again. */
TEST(domain_id_of_failed_flush)
{
	unsigned int did;

	start();
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	did = did_of(0, 0);
	CHECK_EQ(move(0, &v.ctx[0], NULL), 0);
	v.fail_in = 0;
	v.nr_fail = 1;
	vtd_ctx_fini(&v.ctx[0]);
	CHECK(v.did_used[0][did]);
	CHECK(test_bit(did & DOMID_MASK, did_map[0]));
	CHECK_EQ(move(0, NULL, &v.ctx[1]), 0);
	CHECK(did_of(1, 0) != did);
}

/* Ruling 25: half of a unit's ids are for others (XSA-399). */
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
/* XSA-78, XSA-275: no page of the range is left out. */
TEST(flush_covers_range)
{
	unsigned int i;

	start();
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
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
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	CHECK_EQ(move(2, NULL, &v.ctx[0]), 0);
	v.flushes = 0;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.flushes, 2);
	CHECK_EQ(move(0, &v.ctx[0], NULL), 0);
	v.flushes = 0;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), 0);
	CHECK_EQ(v.flushes, 1);
	CHECK_EQ(v.psi_did, did_of(0, 1));
}

/* One unit that fails does not keep the other from being flushed (XSA-373). */
TEST(flush_failure)
{
	start();
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	CHECK_EQ(move(2, NULL, &v.ctx[0]), 0);
	v.flushes = 0;
	v.fail_in = 0;
	v.nr_fail = 1;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 1), -EIO);
	CHECK_EQ(v.flushes, 2);
}

/*
 * What devices and the machine are said to be
 */
static struct xen_pv_iommu_dev_query query(unsigned int dev)
{
	struct xen_pv_iommu_dev_query q = { 0 };

	vtd_ctx_dev_query(&v.dev[dev], &q);
	CHECK_EQ(!(q.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX),
		 !!(q.flags >> XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT));
	return q;
}

static unsigned int reason(unsigned int dev)
{
	return query(dev).flags >> XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT;
}

TEST(query_reasons)
{
	start();
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_NONE);
	v.ats = true;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_NONE);
	CHECK(query(0).flags & XEN_PV_IOMMU_DEV_F_ATS);
	v.ats = false;
	v.dev[0].broken = true;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_QUIRK);
	v.dev[0].broken = false;
	v.translating = false;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_QUIRK);
	CHECK(!(query(0).flags & XEN_PV_IOMMU_DEV_F_PROTECTED));
	v.translating = true;
	v.dev[0].type = DEV_TYPE_PCIe_BRIDGE;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_BRIDGE);
	v.dev[0].type = DEV_TYPE_PCI_HOST_BRIDGE;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_BRIDGE);
	v.dev[0].type = DEV_TYPE_PCIe_ENDPOINT;
	v.dev[0].devfn = 0xff;
	CHECK_EQ(reason(0), XEN_PV_IOMMU_NO_CTX_NO_IOMMU);
}

/* Nobody else's device may move along (XSA-461). */
TEST(query_shared_id)
{
	start();
	CHECK_EQ(reason(3), XEN_PV_IOMMU_NO_CTX_NONE);
	CHECK(query(3).flags & XEN_PV_IOMMU_DEV_F_ALIASED);
	CHECK_EQ(query(3).group, 0x1e << 3);
	CHECK(!(query(0).flags & XEN_PV_IOMMU_DEV_F_ALIASED));
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

/* Ruling 19: PROTECTED is about now. */
TEST(query_protected)
{
	start();
	CHECK(query(0).flags & XEN_PV_IOMMU_DEV_F_PROTECTED);
	iommu_hwdom_passthrough = true;
	CHECK(!(query(0).flags & XEN_PV_IOMMU_DEV_F_PROTECTED));
	v.dev[0].ctx = &v.ctx[0];
	CHECK(query(0).flags & XEN_PV_IOMMU_DEV_F_PROTECTED);
}

/* XSA-311: the aperture is the narrowest unit's, the tree reaches all. */
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

/* XSA-321's other side: leaves say that a device snoops, on every level. */
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
	/* Tables are not leaves: the bit is reserved there. */
	for (level = 1; level <= 4; level++)
		CHECK_EQ(caps.fmt->table_set[level],
			 iommu_pt_fmt_vtd.table_set[level]);
}

/* The device's own cache, which ATS makes it have (lessons 1, xen.md 2.3). */
static void start_ats(unsigned int dev)
{
	start();
	v.ats = ats_enabled = true;
	v.ats_dev = &v.dev[dev];
	units[0].ecap |= 1 << 2;
}

/*
 * Found by its name: its entry has the new domain id by the time of the flush,
 * so that a search by the old one misses it (XSA-442).
 */
TEST(ats_switch_flushes_by_name)
{
	struct context_entry e;

	start_ats(0);
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	CHECK_EQ(v.nr_ats_flush, 1);
	CHECK(!v.ats_dirty);
	/* Its requests are to be translated as such. */
	e = v.entry[0][1 << 3];
	CHECK_EQ(e.lo >> 2 & 3, CONTEXT_TT_DEV_IOTLB);
	CHECK_EQ(move(0, &v.ctx[0], &v.ctx[1]), 0);
	CHECK_EQ(v.nr_ats_flush, 2);
	CHECK(!v.ats_dirty);
	CHECK_EQ(move(0, &v.ctx[1], NULL), 0);
	CHECK(!v.ats_dirty);
	/* Others need no such flush. */
	CHECK_EQ(move(1, NULL, &v.ctx[0]), 0);
	CHECK_EQ(v.nr_ats_flush, 3);
	check_clean();
	ats_enabled = false;
}

/* XSA-442 with ATS: what could not be flushed is switched back. */
TEST(ats_switch_flush_fails)
{
	start_ats(0);
	v.fail_ats = true;
	CHECK_EQ(move(0, NULL, &v.ctx[0]), -EIO);
	CHECK_EQ(context_domain_id(v.entry[0][1 << 3]), DID_DOM0);
	/* Nor could the way back. */
	CHECK(v.dev[0].broken);
	ats_enabled = false;
}

/* XSA-442, for what the device has cached itself. */
TEST(ats_unmap_flushes_devices)
{
	start_ats(0);
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	v.dev_flush = false;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 16, 17), 0);
	CHECK(v.nr_psi == 1 && v.dev_flush);
	v.dev_flush = false;
	CHECK_EQ(vtd_ctx_flush(&v.ctx[0], 0, 0), 0);
	CHECK(v.dev_flush);
	/* The other unit has no such device. */
	CHECK_EQ(move(2, NULL, &v.ctx[1]), 0);
	CHECK_EQ(vtd_ctx_flush(&v.ctx[1], 16, 17), 0);
	CHECK(!v.dev_flush);
	ats_enabled = false;
}

/* Where the unit has no device TLBs, entries are as without ATS. */
TEST(ats_unit_without)
{
	start_ats(0);
	units[0].ecap &= ~(1ULL << 2);
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	CHECK_EQ(v.entry[0][1 << 3].lo >> 2 & 3, CONTEXT_TT_MULTI_LEVEL);
	ats_enabled = false;
}

/* Ruling 42: the injected failures that tests on a machine rely on. */
int fake_parse_fail_flush(const char *s);

/* XSA-373: a failure is told as one. */
TEST(injected_flush_failures)
{
	unsigned int i, failed = 0;

	start();
	CHECK_EQ(move(0, NULL, &v.ctx[0]), 0);
	CHECK_EQ(fake_parse_fail_flush("2x3y"), -EINVAL);
	CHECK_EQ(fake_parse_fail_flush("y"), -EINVAL);
	/* Counted from the first one after it was asked for. */
	CHECK_EQ(fake_parse_fail_flush("2x3"), 0);
	for (i = 1; i <= 8; i++) {
		int rc = vtd_ctx_flush(&v.ctx[0], 16, 17);

		CHECK(!rc || rc == -EIO);
		CHECK_EQ(rc, i >= 2 && i < 5 ? -EIO : 0);
		failed += !!rc;
	}
	CHECK_EQ(failed, 3);
	/* Also in the middle of a switch, which is then taken back. */
	CHECK_EQ(fake_parse_fail_flush("9"), 0);
	CHECK_EQ(move(0, &v.ctx[0], &v.ctx[1]), -EIO);
	CHECK_EQ(context_domain_id(v.entry[0][1 << 3]), did_of(0, 0));
	CHECK(!v.dev[0].broken);
	CHECK_EQ(fake_parse_fail_flush("0"), 0);
	check_clean();
}

TEST(reserved_regions)
{
	struct iommu_ctx_resv r;

	start();
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

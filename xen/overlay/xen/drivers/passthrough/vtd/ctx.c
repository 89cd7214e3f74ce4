/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU contexts on VT-d: a context is one more second-level table and, on
 * each unit it has members behind, one more domain id.
 *
 * Domain ids come from the range that quarantine uses too. Contexts may take
 * no more than half of a unit's, so that they cannot keep a device from being
 * quarantined. An id is kept until the context ends and given back after a
 * flush of everything that was tagged with it (XSA-399).
 *
 * Switching a device replaces each of its context entries by one 128-bit
 * store, then flushes what was cached under the old domain id. If that fails
 * the entries are put back as they were, literally (XSA-442, XSA-449).
 *
 * A unit is flushed if it has members. The order matters without a common
 * lock: entering counts the member before it switches the entry; unmapping
 * clears the leaves before it reads the count.
 */
#include <xen/iommu.h>
#include <xen/iommu-ctx.h>
#include <xen/lib.h>
#include <xen/pci.h>
#include <xen/pci_regs.h>
#include <xen/xmalloc.h>

#include <asm/msi.h>

#include "dmar.h"
#include "iommu.h"
#include "extern.h"
#include "vtd.h"
#include "../ats.h"

#define NR_DOMIDS           (UINT16_MAX - DOMID_MASK)
/* Own function, seven phantom ones, the bridge and (secondary bus, 0). */
#define MAX_RIDS            10

/* Domain ids that contexts hold, a bitmap per unit. pcidevs_lock. */
static unsigned long **ctx_domids;

/* iommu_pt_fmt_vtd with what this machine and command line want. */
static struct iommu_pt_fmt __read_mostly vtd_fmt;

static const struct iommu_pt_fmt *choose_fmt(void)
{
    unsigned int level;

    if ( vtd_fmt.name )
        return &vtd_fmt;

    vtd_fmt = iommu_pt_fmt_vtd;
    for ( level = 1; level <= 3; level++ )
        if ( iommu_snoop )
            vtd_fmt.leaf_set[level] |= DMA_PTE_SNP;
    if ( !(iommu_ops.page_sizes & PAGE_SIZE_2M) )
        vtd_fmt.max_order = 0;

    return &vtd_fmt;
}

static unsigned int nr_units(void)
{
    const struct acpi_drhd_unit *drhd;
    unsigned int nr = 0;

    for_each_drhd_unit ( drhd )
        nr = max(nr, drhd->iommu->index + 1);

    return nr;
}

static int domids_init(void)
{
    const struct acpi_drhd_unit *drhd;
    unsigned long **map;
    bool failed = false;

    if ( ctx_domids )
        return 0;

    map = xzalloc_array(unsigned long *, nr_units());
    if ( !map )
        return -ENOMEM;

    for_each_drhd_unit ( drhd )
    {
        unsigned int i = drhd->iommu->index;

        map[i] = xzalloc_array(unsigned long, BITS_TO_LONGS(NR_DOMIDS));
        failed |= !map[i];
    }

    if ( failed )
    {
        for_each_drhd_unit ( drhd )
            xfree(map[drhd->iommu->index]);
        xfree(map);
        return -ENOMEM;
    }
    ctx_domids = map;

    return 0;
}

static unsigned int domids_limit(const struct vtd_iommu *iommu)
{
    return min_t(unsigned int, cap_ndoms(iommu->cap), NR_DOMIDS) / 2;
}

static int domid_get(struct iommu_ctx *ctx, struct vtd_iommu *iommu)
{
    struct iommu_ctx_unit *unit = &ctx->unit[iommu->index];
    unsigned long *map = ctx_domids[iommu->index];
    domid_t domid;

    ASSERT(pcidevs_locked());

    if ( unit->domid != DOMID_INVALID )
        return 0;
    if ( bitmap_weight(map, NR_DOMIDS) >= domids_limit(iommu) )
        return -ENOSPC;

    domid = iommu_alloc_domid(iommu->pseudo_domid_map);
    if ( domid == DOMID_INVALID )
        return -ENOSPC;
    if ( context_set_domain_id(NULL, domid, iommu) )
    {
        iommu_free_domid(domid, iommu->pseudo_domid_map);
        return -ENOSPC;
    }

    __set_bit(domid & DOMID_MASK, map);
    write_atomic(&unit->domid, domid);

    return 0;
}

/* Positive results of flush functions ask for a write-buffer flush. */
static int settle(struct vtd_iommu *iommu, int rc)
{
    if ( rc > 0 )
        iommu_flush_write_buffer(iommu);

    return min(rc, 0);
}

/* Do devices behind it cache translations themselves? */
static bool has_ats(struct vtd_iommu *iommu)
{
    return find_ats_dev_drhd(iommu);
}

static int flush_domid(struct vtd_iommu *iommu, domid_t domid)
{
    int did = get_iommu_did(domid, iommu, true);

    return did < 0 ? -EIO
                   : settle(iommu, iommu_flush_iotlb_dsi(iommu, did, false,
                                                         has_ats(iommu)));
}

static void domid_put(struct iommu_ctx *ctx, struct vtd_iommu *iommu)
{
    struct iommu_ctx_unit *unit = &ctx->unit[iommu->index];

    if ( unit->domid == DOMID_INVALID )
        return;

    /* An id that may still tag something is never used again. */
    if ( flush_domid(iommu, unit->domid) )
        return;

    cleanup_domid_map(unit->domid, iommu);
    __clear_bit(unit->domid & DOMID_MASK, ctx_domids[iommu->index]);
    iommu_free_domid(unit->domid, iommu->pseudo_domid_map);
    unit->domid = DOMID_INVALID;
}

bool vtd_ctx_holds_domid(const struct vtd_iommu *iommu, domid_t domid)
{
    return ctx_domids && domid > DOMID_MASK && domid != DOMID_INVALID &&
           test_bit(domid & DOMID_MASK, ctx_domids[iommu->index]);
}

domid_t vtd_ctx_domid(const struct iommu_ctx *ctx, const struct pci_dev *pdev)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);

    return drhd ? ctx->unit[drhd->iommu->index].domid : DOMID_INVALID;
}

paddr_t vtd_ctx_pgtable(const struct iommu_ctx *ctx)
{
    return ctx->pt.root;
}

void cf_check vtd_ctx_caps(struct iommu_ctx_caps *caps)
{
    const struct acpi_drhd_unit *drhd;
    unsigned int levels = 4, width = agaw_to_width(level_to_agaw(4));

    *caps = (struct iommu_ctx_caps){
        .fmt = choose_fmt(),
        .snoop_forced = iommu_snoop,
        .levels = 4,
        /* A 1 GiB leaf would have to be checked frame by frame in one go. */
        .pgsize_bitmap = iommu_ops.page_sizes & (PAGE_SIZE_4K | PAGE_SIZE_2M),
        .msi_dfn = PFN_DOWN(MSI_ADDR_BASE_LO),
        .msi_nr = PFN_DOWN(~MSI_ADDR_BASE_MASK) + 1,
        .ats_ok = true,
        .msi_isolated = iommu_intremap != iommu_intremap_off,
    };

    for_each_drhd_unit ( drhd )
    {
        const struct vtd_iommu *iommu = drhd->iommu;

        levels = min(levels, iommu->nr_pt_levels + 0U);
        width = min_t(unsigned int, width, cap_mgaw(iommu->cap));
        if ( cap_caching_mode(iommu->cap) || cap_rwbf(iommu->cap) ||
             rwbf_quirk )
            caps->flush_on_map = true;
    }

    width = min_t(unsigned int, width, agaw_to_width(level_to_agaw(levels)));
    caps->pin_level = levels;
    caps->iova_last = (1ULL << width) - 1;
}

int cf_check vtd_ctx_init(struct iommu_ctx *ctx, bool everywhere)
{
    const struct acpi_drhd_unit *drhd;
    unsigned int i;
    int rc = domids_init();

    if ( rc )
        return rc;

    ctx->unit = xzalloc_array(struct iommu_ctx_unit, nr_units());
    if ( !ctx->unit )
        return -ENOMEM;
    for ( i = 0; i < nr_units(); i++ )
        ctx->unit[i].domid = DOMID_INVALID;

    if ( everywhere )
        for_each_drhd_unit ( drhd )
            if ( (rc = domid_get(ctx, drhd->iommu)) )
                return rc;

    return 0;
}

void cf_check vtd_ctx_fini(struct iommu_ctx *ctx)
{
    const struct acpi_drhd_unit *drhd;

    if ( !ctx->unit )
        return;

    for_each_drhd_unit ( drhd )
        domid_put(ctx, drhd->iommu);
    XFREE(ctx->unit);
}

int cf_check vtd_ctx_enter(struct iommu_ctx *ctx, const struct pci_dev *pdev)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    int rc;

    if ( !drhd )
        return -ENODEV;

    rc = domid_get(ctx, drhd->iommu);
    if ( rc )
        return rc;

    write_atomic(&ctx->unit[drhd->iommu->index].nr_members,
                 ctx->unit[drhd->iommu->index].nr_members + 1);
    /* Counted before the entry is switched: see the top of the file. */
    smp_mb();

    return 0;
}

void cf_check vtd_ctx_leave(struct iommu_ctx *ctx, const struct pci_dev *pdev)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    struct iommu_ctx_unit *unit;

    if ( !drhd )
        return;

    unit = &ctx->unit[drhd->iommu->index];
    ASSERT(unit->nr_members);
    write_atomic(&unit->nr_members, unit->nr_members - 1);
}

/* The smallest aligned power of two of pages that covers [first, end). */
static unsigned int cover_order(uint64_t first, uint64_t end)
{
    uint64_t differ = first ^ (end - 1);

    return differ ? flsl(differ) : 0;
}

static int flush_unit(struct vtd_iommu *iommu, domid_t domid, uint64_t first,
                      uint64_t end)
{
    unsigned int order = cover_order(first, end);
    int did = get_iommu_did(domid, iommu, true);

    if ( did < 0 )
        return -EIO;
    if ( !end )
        return flush_domid(iommu, domid);

    return settle(iommu,
                  iommu_flush_iotlb_psi(iommu, did,
                                        (first >> order << order) << PAGE_SHIFT,
                                        order, false, has_ats(iommu)));
}

int cf_check vtd_ctx_flush(struct iommu_ctx *ctx, uint64_t first, uint64_t end)
{
    const struct acpi_drhd_unit *drhd;
    int rc = 0;

    /* Leaves were cleared before the members are read, see the top. */
    smp_mb();

    if ( iommu_ctx_inject_flush() )
        return -EIO;

    for_each_drhd_unit ( drhd )
    {
        const struct iommu_ctx_unit *unit = &ctx->unit[drhd->iommu->index];

        if ( read_atomic(&unit->nr_members) &&
             flush_unit(drhd->iommu, read_atomic(&unit->domid), first, end) )
            rc = -EIO;
    }

    return rc;
}

/* What a device of `d` in `ctx` (NULL: d's ordinary table) has in its entry. */
static int make_entry(struct domain *d, const struct iommu_ctx *ctx,
                      struct vtd_iommu *iommu, struct context_entry *entry)
{
    struct domain_iommu *hd = dom_iommu(d);
    uint64_t root;

    if ( !ctx && iommu_hwdom_passthrough && is_hardware_domain(d) )
    {
        context_set_translation_type(*entry, CONTEXT_TT_PASS_THRU);
        return context_set_domain_id(entry, d->domain_id, iommu);
    }

    if ( ctx )
        root = iommu_pt_root(&ctx->pt, iommu->nr_pt_levels);
    else
    {
        spin_lock(&hd->arch.mapping_lock);
        root = domain_pgd_maddr(d, hd->arch.vtd.pgd_maddr, iommu->nr_pt_levels);
        spin_unlock(&hd->arch.mapping_lock);
    }
    if ( !root )
        return -EIO;

    context_set_address_root(*entry, root);
    context_set_translation_type(*entry,
                                 ats_enabled && ecap_dev_iotlb(iommu->ecap)
                                 ? CONTEXT_TT_DEV_IOTLB
                                 : CONTEXT_TT_MULTI_LEVEL);

    return context_set_domain_id(entry,
                                 ctx ? ctx->unit[iommu->index].domid
                                     : d->domain_id,
                                 iommu);
}

struct rid {
    uint8_t bus, devfn;
};

static int entry_read(struct vtd_iommu *iommu, const struct rid *rid,
                      struct context_entry *entry)
{
    struct context_entry *entries;
    uint64_t maddr;

    spin_lock(&iommu->lock);
    maddr = bus_to_context_maddr(iommu, rid->bus);
    spin_unlock(&iommu->lock);
    if ( !maddr )
        return -EIO;

    entries = map_vtd_domain_page(maddr);
    *entry = entries[rid->devfn];
    unmap_vtd_domain_page(entries);

    return context_present(*entry) ? 0 : -ENODEV;
}

/*
 * Replace one entry by another; only we write them, under pcidevs_lock. The
 * device's own cache is flushed by name: finding it by the old domain id would
 * fail, as its entry has the new one by now.
 */
static int entry_replace(struct vtd_iommu *iommu, const struct pci_dev *pdev,
                         const struct rid *rid,
                         const struct context_entry *from,
                         const struct context_entry *to)
{
    struct context_entry old = *from, new = *to, *entries;
    uint16_t did = context_domain_id(old);
    int rc, ret;

    spin_lock(&iommu->lock);
    entries = map_vtd_domain_page(bus_to_context_maddr(iommu, rid->bus));
    if ( cmpxchg16b(&entries[rid->devfn], &old.full, &new.full) != from->full )
        ASSERT_UNREACHABLE();
    iommu_sync_cache(&entries[rid->devfn], sizeof(*entries));
    unmap_vtd_domain_page(entries);
    spin_unlock(&iommu->lock);

    rc = iommu_flush_context_device(iommu, did, PCI_BDF(rid->bus, rid->devfn),
                                    DMA_CCMD_MASK_NOBIT, false);
    ret = iommu_flush_iotlb_dsi(iommu, did, false, false);
    rc = settle(iommu, rc);
    ret = settle(iommu, ret);
    if ( iommu_ctx_inject_flush() )
        return -EIO;

    return rc || ret || dev_invalidate_iotlb_one(iommu, pdev, did) ? -EIO : 0;
}

static unsigned int add_aliases(const struct pci_dev *pdev, struct rid *rids)
{
    uint8_t bus = pdev->bus, devfn = pdev->devfn, secbus;

    if ( pdev->type != DEV_TYPE_PCI ||
         find_upstream_bridge(pdev->seg, &bus, &devfn, &secbus) < 1 )
        return 0;

    rids[0] = (struct rid){ .bus = bus, .devfn = devfn };
    if ( pdev_type(pdev->seg, bus, devfn) != DEV_TYPE_PCIe2PCI_BRIDGE ||
         (secbus == pdev->bus && !pdev->devfn) )
        return 1;

    rids[1] = (struct rid){ .bus = secbus };

    return 2;
}

static bool others_on_bus(const struct pci_dev *pdev, uint8_t bus)
{
    unsigned int devfn;

    for ( devfn = 0; devfn < 256; devfn++ )
    {
        const struct pci_dev *other =
            pci_get_pdev(NULL, PCI_SBDF(pdev->seg, bus, devfn));

        if ( other && other->domain != pdev->domain )
            return true;
    }

    return false;
}

/*
 * Devices of others behind the same bridge, on whichever bus there, would move
 * along.
 */
static bool shares_id(const struct pci_dev *pdev)
{
    struct rid alias[2];
    unsigned int i;

    if ( !add_aliases(pdev, alias) )
        return false;

    for ( i = 0; i < 256; i++ )
    {
        uint8_t bus = i, devfn = 0, secbus;

        if ( find_upstream_bridge(pdev->seg, &bus, &devfn, &secbus) > 0 &&
             bus == alias[0].bus && devfn == alias[0].devfn &&
             others_on_bus(pdev, i) )
            return true;
    }

    return false;
}

/*
 * Every requester id the device may use. One that a device of another domain
 * has, too, stays as the latter's assignment left it: that device would come
 * along into a table which is not its owner's (XSA-461).
 */
static unsigned int find_rids(const struct pci_dev *pdev, struct rid *rids)
{
    unsigned int devfn = pdev->devfn, nr = 0;

    do {
        rids[nr++] = (struct rid){ .bus = pdev->bus, .devfn = devfn };
        devfn += pdev->phantom_stride;
    } while ( pdev->phantom_stride &&
              PCI_SLOT(devfn) == PCI_SLOT(pdev->devfn) );

    return shares_id(pdev) ? nr : nr + add_aliases(pdev, rids + nr);
}

/* Put back entries 0 .. nr - 1, the last one first. */
static void switch_back(struct pci_dev *pdev, struct vtd_iommu *iommu,
                        const struct rid *rids, unsigned int nr,
                        const struct context_entry *now,
                        const struct context_entry *was)
{
    bool failed = false;

    while ( nr-- )
        if ( entry_replace(iommu, pdev, &rids[nr], &now[nr], &was[nr]) )
            failed = true;

    if ( failed )
    {
        pdev->broken = true;
        printk(XENLOG_ERR VTDPREFIX
               "%pp: flush failed twice, device is broken\n", &pdev->sbdf);
    }
}

static bool is_alias(const struct pci_dev *pdev, const struct rid *rid)
{
    return rid->bus != pdev->bus ||
           PCI_SLOT(rid->devfn) != PCI_SLOT(pdev->devfn);
}

int cf_check vtd_ctx_switch(struct domain *d, struct pci_dev *pdev,
                            const struct iommu_ctx *to)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    struct context_entry was[MAX_RIDS], now[MAX_RIDS];
    struct rid rids[MAX_RIDS];
    unsigned int i, nr;
    int rc = 0;

    ASSERT(pcidevs_locked());

    if ( !drhd )
        return -ENODEV;

    nr = find_rids(pdev, rids);
    for ( i = 0; i < nr && !rc; i++ )
    {
        rc = entry_read(drhd->iommu, &rids[i], &was[i]);
        now[i] = was[i];
        /*
         * Unplugging one of the devices behind a bridge clears what all of
         * them share. It comes back as what this one has.
         */
        if ( rc == -ENODEV && is_alias(pdev, &rids[i]) )
        {
            now[i] = now[0];
            rc = 0;
        }
        else if ( !rc )
            rc = make_entry(d, to, drhd->iommu, &now[i]);
    }
    if ( rc )
        return rc == -ENODEV ? rc : -EIO;

    for ( i = 0; i < nr; i++ )
        if ( entry_replace(drhd->iommu, pdev, &rids[i], &was[i], &now[i]) )
        {
            printk(XENLOG_WARNING VTDPREFIX
                   "%pp: requester id %pp not flushed, device not moved\n",
                   &pdev->sbdf,
                   &PCI_SBDF(pdev->seg, rids[i].bus, rids[i].devfn));
            switch_back(pdev, drhd->iommu, rids, i + 1, now, was);
            return -EIO;
        }

    return 0;
}

static bool translating(const struct vtd_iommu *iommu)
{
    return dmar_readl(iommu->reg, DMAR_GSTS_REG) & DMA_GSTS_TES;
}

static bool has_ats_enabled(const struct pci_dev *pdev)
{
    return pci_ats_device(pdev->seg, pdev->bus, pdev->devfn) &&
           pci_ats_enabled(pdev->seg, pdev->bus, pdev->devfn);
}

static enum xen_pv_iommu_no_ctx no_ctx_reason(
    const struct pci_dev *pdev, const struct acpi_drhd_unit *drhd)
{
    switch ( pdev->type )
    {
    case DEV_TYPE_PCIe_ENDPOINT:
    case DEV_TYPE_PCI:
        break;

    case DEV_TYPE_PCI_UNKNOWN:
    case DEV_TYPE_PCI2PCIe_BRIDGE:
        return XEN_PV_IOMMU_NO_CTX_QUIRK;

    default:
        return XEN_PV_IOMMU_NO_CTX_BRIDGE;
    }

    if ( !drhd )
        return XEN_PV_IOMMU_NO_CTX_NO_IOMMU;
    if ( pdev->broken || !translating(drhd->iommu) )
        return XEN_PV_IOMMU_NO_CTX_QUIRK;

    return shares_id(pdev) ? XEN_PV_IOMMU_NO_CTX_SHARED_ID
                           : XEN_PV_IOMMU_NO_CTX_NONE;
}

void cf_check vtd_ctx_dev_query(const struct pci_dev *pdev,
                                struct xen_pv_iommu_dev_query *q)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    enum xen_pv_iommu_no_ctx reason = no_ctx_reason(pdev, drhd);
    struct rid alias[2] = { { .bus = pdev->bus, .devfn = pdev->devfn }, {} };
    struct iommu_ctx_caps caps;

    q->flags = reason ? (uint32_t)reason << XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT
                      : XEN_PV_IOMMU_DEV_F_CAN_CTX;
    if ( add_aliases(pdev, alias) )
        q->flags |= XEN_PV_IOMMU_DEV_F_ALIASED;
    q->group = PCI_SBDF(pdev->seg, alias[0].bus, alias[0].devfn).sbdf;

    if ( !drhd )
        return;

    vtd_ctx_caps(&caps);
    q->pgsize_bitmap = caps.pgsize_bitmap;
    q->iova_last = caps.iova_last;
    q->iommu_id = drhd->iommu->index;

    if ( reason != XEN_PV_IOMMU_NO_CTX_BRIDGE && translating(drhd->iommu) &&
         (pdev->ctx || !iommu_hwdom_passthrough) )
        q->flags |= XEN_PV_IOMMU_DEV_F_PROTECTED;
    if ( ecap_coherent(drhd->iommu->ecap) )
        q->flags |= XEN_PV_IOMMU_DEV_F_COHERENT_WALK;
    if ( caps.msi_isolated )
        q->flags |= XEN_PV_IOMMU_DEV_F_MSI_ISOLATED;
    if ( has_ats_enabled(pdev) )
        q->flags |= XEN_PV_IOMMU_DEV_F_ATS;
}

int cf_check vtd_ctx_dev_resv(const struct pci_dev *pdev, unsigned int index,
                              struct iommu_ctx_resv *resv)
{
    const struct acpi_rmrr_unit *rmrr;
    unsigned int i;
    uint16_t bdf;

    if ( !index-- )
    {
        resv->start = MSI_ADDR_BASE_LO;
        resv->last = MSI_ADDR_BASE_LO | ~MSI_ADDR_BASE_MASK;
        resv->type = XEN_PV_IOMMU_RESV_MSI_HW;
        return 0;
    }

    for_each_rmrr_device ( rmrr, bdf, i )
        if ( rmrr->segment == pdev->seg && bdf == pdev->sbdf.bdf && !index-- )
        {
            resv->start = rmrr->base_address;
            resv->last = rmrr->end_address;
            resv->type = XEN_PV_IOMMU_RESV_DIRECT;
            return 0;
        }

    return -ENOENT;
}

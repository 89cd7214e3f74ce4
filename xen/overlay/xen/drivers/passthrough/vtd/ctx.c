/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU contexts on VT-d: a context is one more second-level table and, on each
 * unit with members, one more domain id.
 *
 * Domain ids come from the range that quarantine uses too. Contexts may take at
 * most half of a unit's ids, so that a device can always be quarantined. A
 * context keeps its ids until it ends. An id is given back after a flush of
 * everything that was tagged with it (XSA-399).
 *
 * Switching a device replaces each of its context entries by one 128-bit store,
 * then flushes what was cached under the old domain id. If that fails, the
 * very same entries are put back (XSA-442, XSA-449).
 *
 * A unit is flushed if it has members. Without a common lock the order matters:
 * entering counts the member before it switches the entry; unmapping clears the
 * leaves before it reads the count.
 *
 * When a device enters a context, this file records its unit and its other
 * requester ids in pdev->arch.vtd.ctx. The record is valid until the device is
 * in no context any more. The hardware domain may report meanwhile that a
 * bridge is gone; the bridge's entries are still where they were.
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

/* PCI_CLASS_DEVICE of USB controllers, and its upper byte for graphics. */
#define CLASS_USB           0x0c03
#define BASE_CLASS_DISPLAY  0x03

/* Domain ids of contexts, a bitmap per unit. Protected by pcidevs_lock. */
static unsigned long **ctx_domids;

/* iommu_pt_fmt_vtd, adapted to this machine and command line. */
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

/* A positive result of a flush function requires a write-buffer flush. */
static int settle(struct vtd_iommu *iommu, int rc)
{
    if ( rc > 0 )
        iommu_flush_write_buffer(iommu);

    return min(rc, 0);
}

/* True if devices behind the unit cache translations themselves. */
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

    /* An id that may still tag cached entries is never used again. */
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
        /* Checking a 1 GiB leaf frame by frame would take too long at once. */
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

    /* Leaves were cleared before the members are read: see the top. */
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

/* Make the entry of a device of `d` in `ctx` (NULL: d's ordinary table). */
static int make_entry(struct domain *d, const struct iommu_ctx *ctx,
                      struct vtd_iommu *iommu, struct context_entry *entry)
{
    struct domain_iommu *hd = dom_iommu(d);
    uint64_t root;

    context_set_fault_enable(*entry);

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

/* Read an entry. After an error (no table for the bus) it is not present. */
static int entry_read(struct vtd_iommu *iommu, uint16_t rid,
                      struct context_entry *entry)
{
    struct context_entry *entries;
    uint64_t maddr;

    *entry = (struct context_entry){};

    spin_lock(&iommu->lock);
    maddr = bus_to_context_maddr(iommu, PCI_BUS(rid));
    spin_unlock(&iommu->lock);
    if ( !maddr )
        return -EIO;

    entries = map_vtd_domain_page(maddr);
    *entry = entries[PCI_DEVFN(rid)];
    unmap_vtd_domain_page(entries);

    return 0;
}

/*
 * Flush the entry of a requester id, and everything cached under its old domain
 * id. The device's own cache is flushed by name, unless pdev is NULL. A search
 * by the old domain id would miss the device: its entry has the new one.
 */
static int entry_flush(struct vtd_iommu *iommu, const struct pci_dev *pdev,
                       uint16_t rid, uint16_t did)
{
    int rc, ret;

    rc = iommu_flush_context_device(iommu, did, rid, DMA_CCMD_MASK_NOBIT,
                                    false);
    ret = iommu_flush_iotlb_dsi(iommu, did, false, false);
    rc = settle(iommu, rc);
    ret = settle(iommu, ret);
    if ( iommu_ctx_inject_flush() )
        return -EIO;

    return rc || ret || dev_invalidate_iotlb_one(iommu, pdev, did) ? -EIO : 0;
}

/* Replace one entry by another. All writers of entries hold pcidevs_lock. */
static int entry_replace(struct vtd_iommu *iommu, const struct pci_dev *pdev,
                         uint16_t rid, const struct context_entry *from,
                         const struct context_entry *to)
{
    struct context_entry old = *from, new = *to, *entries;

    spin_lock(&iommu->lock);
    entries = map_vtd_domain_page(bus_to_context_maddr(iommu, PCI_BUS(rid)));
    if ( cmpxchg16b(&entries[PCI_DEVFN(rid)], &old.full, &new.full) !=
         from->full )
        ASSERT_UNREACHABLE();
    iommu_sync_cache(&entries[PCI_DEVFN(rid)], sizeof(*entries));
    unmap_vtd_domain_page(entries);
    spin_unlock(&iommu->lock);

    return entry_flush(iommu, pdev, rid, context_domain_id(old));
}

int vtd_ctx_aliases(const struct pci_dev *pdev, uint16_t alias[2])
{
    if ( !pdev->arch.vtd.ctx.drhd )
        return vtd_find_aliases(pdev, alias);

    alias[0] = pdev->arch.vtd.ctx.alias[0];
    alias[1] = pdev->arch.vtd.ctx.alias[1];

    return pdev->arch.vtd.ctx.nr_aliases;
}

/* True if the device is behind the bridge, or was when it entered a context. */
static bool is_behind(const struct pci_dev *pdev, uint16_t bridge)
{
    uint8_t bus = pdev->bus, devfn, secbus;
    uint16_t alias[2];

    if ( vtd_ctx_aliases(pdev, alias) > 0 && alias[0] == bridge )
        return true;

    return find_upstream_bridge(pdev->seg, &bus, &devfn, &secbus) > 0 &&
           PCI_BDF(bus, devfn) == bridge;
}

struct sharing {
    const struct pci_dev *pdev;
    uint16_t bridge;
};

static int cf_check find_sharing(struct pci_dev *other, void *arg)
{
    const struct sharing *s = arg;

    return other->domain != s->pdev->domain && other->seg == s->pdev->seg &&
           is_behind(other, s->bridge) ? -EBUSY : 0;
}

/*
 * True if devices of other domains are behind the same bridge, on any bus
 * there. These devices would move along.
 */
static bool shares_id(const struct pci_dev *pdev)
{
    struct sharing s = { .pdev = pdev };
    uint16_t alias[2];

    if ( vtd_ctx_aliases(pdev, alias) < 1 )
        return false;

    s.bridge = alias[0];

    return pci_iterate_devices(find_sharing, &s);
}

/* The device's own function and its phantom functions. */
static unsigned int own_rids(const struct pci_dev *pdev, uint16_t *rid)
{
    unsigned int devfn = pdev->devfn, nr = 0;

    do {
        rid[nr++] = PCI_BDF(pdev->bus, devfn);
        devfn += pdev->phantom_stride;
    } while ( pdev->phantom_stride &&
              PCI_SLOT(devfn) == PCI_SLOT(pdev->devfn) );

    return nr;
}

static unsigned int all_rids(const struct pci_dev *pdev, uint16_t *rid)
{
    unsigned int nr = own_rids(pdev, rid);

    return nr + max(vtd_ctx_aliases(pdev, rid + nr), 0);
}

/* Record the device's unit and aliases. In a context the record stays as is. */
static int remember(struct pci_dev *pdev)
{
    struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    int nr = vtd_ctx_aliases(pdev, pdev->arch.vtd.ctx.alias);

    if ( !drhd || nr < 0 )
        return -ENODEV;

    pdev->arch.vtd.ctx.nr_aliases = nr;
    pdev->arch.vtd.ctx.drhd = drhd;

    return 0;
}

/* Clear the record, unless the device is in a context. */
static void forget(struct pci_dev *pdev)
{
    if ( !pdev->ctx )
        pdev->arch.vtd.ctx.drhd = NULL;
}

static void count_members(struct iommu_ctx_unit *unit, int change)
{
    ASSERT(pcidevs_locked());
    write_atomic(&unit->nr_members, unit->nr_members + change);
}

int cf_check vtd_ctx_enter(struct iommu_ctx *ctx, struct pci_dev *pdev)
{
    int rc = remember(pdev);

    if ( rc )
        return rc;

    rc = domid_get(ctx, pdev->arch.vtd.ctx.drhd->iommu);
    if ( rc )
    {
        forget(pdev);
        return rc;
    }

#ifdef CONFIG_PV
    /*
     * An untrusted program may drive the device, which can then send any
     * interrupt. This also holds for a device that is away, and not switched.
     */
    if ( !iommu_intremap )
        untrusted_msi = true;
#endif

    count_members(&ctx->unit[pdev->arch.vtd.ctx.drhd->iommu->index], 1);
    /* Count the member before the entry is switched: see the top. */
    smp_mb();

    return 0;
}

/* True if another device in the context also has this requester id. */
static bool others_have(const struct iommu_ctx *ctx,
                        const struct pci_dev *except, uint16_t rid)
{
    const struct pci_dev *pdev;
    uint16_t its[MAX_RIDS];
    unsigned int i;

    list_for_each_entry ( pdev, &ctx->members, ctx_list )
        if ( pdev != except && pdev->seg == except->seg )
            for ( i = all_rids(pdev, its); i; i-- )
                if ( its[i - 1] == rid )
                    return true;

    return false;
}

/*
 * Clear the entries by which a leaving device still uses the context. A device
 * that has moved has none. For an unplugged device Xen has cleared some of
 * them. This function clears the rest, and flushes those that are clear.
 */
static int take_out(const struct iommu_ctx *ctx, const struct pci_dev *pdev)
{
    struct vtd_iommu *iommu = pdev->arch.vtd.ctx.drhd->iommu;
    int did = get_iommu_did(ctx->unit[iommu->index].domid, iommu, true);
    uint16_t rid[MAX_RIDS];
    unsigned int i, nr = all_rids(pdev, rid);
    int rc = did < 0 ? -EIO : 0;

    for ( i = 0; did >= 0 && i < nr; i++ )
    {
        static const struct context_entry none;
        struct context_entry now;

        (void)entry_read(iommu, rid[i], &now);
        /* The device's own cache is not flushed: the device may be gone. */
        if ( !context_present(now) )
            rc = entry_flush(iommu, NULL, rid[i], did) ?: rc;
        else if ( context_domain_id(now) == did &&
                  !others_have(ctx, pdev, rid[i]) )
            rc = entry_replace(iommu, NULL, rid[i], &now, &none) ?: rc;
    }

    return rc;
}

void cf_check vtd_ctx_leave(struct iommu_ctx *ctx, struct pci_dev *pdev)
{
    struct iommu_ctx_unit *unit =
        &ctx->unit[pdev->arch.vtd.ctx.drhd->iommu->index];

    ASSERT(unit->nr_members > unit->nr_stale);

    if ( !take_out(ctx, pdev) )
        count_members(unit, -1);
    else
    {
        unit->nr_stale++;
        printk(XENLOG_ERR VTDPREFIX
               "%pp: not flushed, IOMMU context %u is kept until it is\n",
               &pdev->sbdf, ctx->id);
    }
    forget(pdev);
}

/* Retry the flush of entries that were removed. */
static int flush_stale(struct iommu_ctx_unit *unit, struct vtd_iommu *iommu)
{
    int rc;

    if ( !unit->nr_stale )
        return 0;

    rc = settle(iommu, iommu_flush_context_global(iommu, false));
    if ( rc || flush_domid(iommu, unit->domid) )
        return -EIO;

    count_members(unit, -(int)unit->nr_stale);
    unit->nr_stale = 0;

    return 0;
}

/* True if an entry of the unit uses the context. */
static bool has_entry(const struct iommu_ctx *ctx, struct vtd_iommu *iommu)
{
    domid_t domid = ctx->unit[iommu->index].domid;
    int did = domid == DOMID_INVALID ? -1 : get_iommu_did(domid, iommu, true);
    const struct root_entry *root;
    unsigned int bus, devfn;
    bool found = false;

    if ( did < 0 )
        return false;

    root = map_vtd_domain_page(iommu->root_maddr);
    for ( bus = 0; bus < 256 && !found; bus++ )
    {
        const struct context_entry *entries;

        if ( !root_present(root[bus]) )
            continue;

        entries = map_vtd_domain_page(root[bus].val);
        for ( devfn = 0; devfn < 256 && !found; devfn++ )
            found = context_present(entries[devfn]) &&
                    context_domain_id(entries[devfn]) == did;
        unmap_vtd_domain_page(entries);
    }
    unmap_vtd_domain_page(root);

    return found;
}

/*
 * Called before a context without members is freed. Returns true while an
 * entry, or one that a unit may have cached, leads to the context's tables.
 */
bool cf_check vtd_ctx_in_use(struct iommu_ctx *ctx)
{
    const struct acpi_drhd_unit *drhd;

    ASSERT(pcidevs_locked());

    for_each_drhd_unit ( drhd )
        if ( has_entry(ctx, drhd->iommu) ||
             flush_stale(&ctx->unit[drhd->iommu->index], drhd->iommu) )
            return true;

    return false;
}

void vtd_ctx_save(struct vtd_iommu *iommu, const uint16_t *rid,
                  unsigned int nr, struct context_entry *was)
{
    while ( nr-- )
        (void)entry_read(iommu, rid[nr], &was[nr]);
}

/* Put entries back, the last one first. Tries all; returns 0 or -EIO. */
int vtd_ctx_restore(struct vtd_iommu *iommu, const struct pci_dev *pdev,
                    const uint16_t *rid, unsigned int nr,
                    const struct context_entry *was)
{
    struct context_entry now;
    int rc = 0;

    while ( nr-- )
        if ( !entry_read(iommu, rid[nr], &now) && now.full != was[nr].full )
            rc = entry_replace(iommu, pdev, rid[nr], &now, &was[nr]) ?: rc;

    return rc;
}

/*
 * True if the entry is the domain's, by its ordinary table or by a context. A
 * recorded alias may meanwhile be another domain's device.
 */
static bool entry_of(const struct domain *d, const struct vtd_iommu *iommu,
                     const struct context_entry *entry)
{
    domid_t domid = did_to_domain_id(iommu, context_domain_id(*entry));

    return domid == d->domain_id || vtd_ctx_holds_domid(iommu, domid);
}

/*
 * List the requester ids to switch, with their entries before and after.
 * Returns their number.
 *
 * An alias that a device of another domain also has stays as that device's
 * assignment left it. Otherwise the device would move into a table that is not
 * its owner's (XSA-461).
 */
static int make_entries(struct domain *d, const struct pci_dev *pdev,
                        const struct iommu_ctx *to, uint16_t *rid,
                        struct context_entry *was, struct context_entry *now)
{
    struct vtd_iommu *iommu = acpi_find_matched_drhd_unit(pdev)->iommu;
    unsigned int nr = own_rids(pdev, rid);
    uint16_t alias[2];
    int i, nr_aliases = shares_id(pdev) ? 0 : vtd_ctx_aliases(pdev, alias);

    for ( i = 0; i < nr; i++ )
    {
        if ( entry_read(iommu, rid[i], &was[i]) )
            return -EIO;
        if ( !context_present(was[i]) )
            return -ENODEV;
        now[i] = was[i];
        if ( make_entry(d, to, iommu, &now[i]) )
            return -EIO;
    }

    for ( i = 0; i < nr_aliases; i++ )
    {
        if ( entry_read(iommu, alias[i], &was[nr]) )
            return -EIO;
        if ( context_present(was[nr]) && !entry_of(d, iommu, &was[nr]) )
            continue;
        /*
         * Also if the entry is not present: an unplug of one device behind a
         * bridge clears the entry that all of them share.
         */
        now[nr] = now[0];
        rid[nr++] = alias[i];
    }

    return nr;
}

int cf_check vtd_ctx_switch(struct domain *d, struct pci_dev *pdev,
                            const struct iommu_ctx *to)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    struct context_entry was[MAX_RIDS], now[MAX_RIDS];
    uint16_t rid[MAX_RIDS];
    int i, nr;

    ASSERT(pcidevs_locked());

    if ( !drhd )
        return -ENODEV;

    nr = make_entries(d, pdev, to, rid, was, now);
    if ( nr < 0 )
        return nr;

    for ( i = 0; i < nr; i++ )
        if ( entry_replace(drhd->iommu, pdev, rid[i], &was[i], &now[i]) )
            break;
    if ( i == nr )
        return 0;

    printk(XENLOG_WARNING VTDPREFIX
           "%pp: requester id %pp not flushed, device not moved\n",
           &pdev->sbdf, &PCI_SBDF(pdev->seg, rid[i]));

    if ( vtd_ctx_restore(drhd->iommu, pdev, rid, i + 1, was) )
    {
        printk(XENLOG_ERR VTDPREFIX
               "%pp: flush failed twice, device is broken\n", &pdev->sbdf);
        pdev->broken = true;
        /* The unit may have cached the new entries, and keep using them. */
        if ( to )
        {
            count_members(&to->unit[drhd->iommu->index], 1);
            to->unit[drhd->iommu->index].nr_stale++;
        }
    }

    return -EIO;
}

/*
 * Set or clear an entry's suppress bit (FPD). IOMMUs obey it even in an entry
 * that is not present. Translations do not change, so devices' own caches need
 * no flush.
 */
static int entry_suppress(struct vtd_iommu *iommu, uint16_t rid, bool suppress)
{
    struct context_entry *entries, *entry;
    uint64_t maddr, lo;
    uint16_t did;
    bool changes;
    int rc, ret;

    spin_lock(&iommu->lock);
    maddr = bus_to_context_maddr(iommu, PCI_BUS(rid));
    if ( !maddr )
    {
        spin_unlock(&iommu->lock);
        return -ENOMEM;
    }
    entries = map_vtd_domain_page(maddr);
    entry = &entries[PCI_DEVFN(rid)];
    did = context_domain_id(*entry);
    lo = suppress ? entry->lo | CONTEXT_FPD : entry->lo & ~CONTEXT_FPD;
    changes = lo != entry->lo;
    if ( changes )
    {
        write_atomic(&entry->lo, lo);
        iommu_sync_cache(entry, sizeof(*entry));
    }
    unmap_vtd_domain_page(entries);
    spin_unlock(&iommu->lock);

    if ( !changes )
        return 0;

    rc = iommu_flush_context_device(iommu, did, rid, DMA_CCMD_MASK_NOBIT,
                                    false);
    ret = iommu_flush_iotlb_dsi(iommu, did, false, false);
    rc = settle(iommu, rc);
    ret = settle(iommu, ret);

    return rc ?: ret;
}

/* All ids, except aliases that another domain's device also has (XSA-461). */
static unsigned int unshared_rids(const struct pci_dev *pdev, uint16_t *rid)
{
    return shares_id(pdev) ? own_rids(pdev, rid) : all_rids(pdev, rid);
}

int cf_check vtd_ctx_suppress(struct pci_dev *pdev, bool suppress)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    uint16_t rid[MAX_RIDS];
    unsigned int nr;
    int rc = 0;

    ASSERT(pcidevs_locked());

    if ( !drhd )
        return -ENODEV;

    for ( nr = unshared_rids(pdev, rid); nr--; )
        rc = entry_suppress(drhd->iommu, rid[nr], suppress) ?: rc;

    return rc;
}

bool cf_check vtd_ctx_has_id(const struct pci_dev *pdev, pci_sbdf_t id)
{
    uint16_t rid[MAX_RIDS];
    unsigned int nr;

    if ( id.seg != pdev->seg )
        return false;

    for ( nr = unshared_rids(pdev, rid); nr--; )
        if ( rid[nr] == id.bdf )
            return true;

    return false;
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
    uint16_t alias[2];

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
    /* The ME does DMA for some devices, and would not move with them. */
    if ( pdev->broken || !translating(drhd->iommu) ||
         me_wifi_affected(pdev) || vtd_ctx_aliases(pdev, alias) < 0 )
        return XEN_PV_IOMMU_NO_CTX_QUIRK;

    return shares_id(pdev) ? XEN_PV_IOMMU_NO_CTX_SHARED_ID
                           : XEN_PV_IOMMU_NO_CTX_NONE;
}

void cf_check vtd_ctx_dev_query(const struct pci_dev *pdev,
                                struct iommu_ctx_dev *dev)
{
    const struct acpi_drhd_unit *drhd = acpi_find_matched_drhd_unit(pdev);
    uint16_t alias[2] = { pdev->sbdf.bdf, 0 };
    struct iommu_ctx_caps caps;

    *dev = (struct iommu_ctx_dev){
        .no_ctx = no_ctx_reason(pdev, drhd),
        .aliased = vtd_ctx_aliases(pdev, alias) > 0,
    };
    dev->group = PCI_SBDF(pdev->seg, alias[0]).sbdf;

    if ( !drhd )
        return;

    vtd_ctx_caps(&caps);
    dev->pgsize_bitmap = caps.pgsize_bitmap;
    dev->iova_last = caps.iova_last;
    dev->iommu_id = drhd->iommu->index;
    dev->protected = dev->no_ctx != XEN_PV_IOMMU_NO_CTX_BRIDGE &&
                     translating(drhd->iommu) &&
                     (pdev->ctx || !iommu_hwdom_passthrough);
    dev->coherent_walk = ecap_coherent(drhd->iommu->ecap);
    dev->msi_isolated = caps.msi_isolated;
    dev->ats = has_ats_enabled(pdev);
}

/*
 * A driver that takes over a USB or graphics device ends the firmware's use of
 * the device, and so the need for its RMRRs.
 */
static bool rmrrs_relaxable(const struct pci_dev *pdev)
{
    uint16_t class = pci_conf_read16(pdev->sbdf, PCI_CLASS_DEVICE);

    return class == CLASS_USB || (class >> 8) == BASE_CLASS_DISPLAY;
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
            resv->type = rmrrs_relaxable(pdev)
                         ? XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE
                         : XEN_PV_IOMMU_RESV_DIRECT;
            return 0;
        }

    return -ENOENT;
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */

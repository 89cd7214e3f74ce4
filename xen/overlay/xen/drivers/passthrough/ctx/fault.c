/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault records: what IOMMUs refused, kept until the domain reads it.
 *
 * The ring is Xen's own, so nothing in it can be tampered with. When it is full
 * new records are dropped and counted: the first faults tell the most. The VIRQ
 * is raised when the ring becomes non-empty; a domain that reads until -ENOENT
 * misses nothing.
 */
#include <xen/event.h>
#include <xen/iommu.h>
#include <xen/iommu-ctx.h>
#include <xen/pci_regs.h>
#include <xen/time.h>

/* Whoever finds a leaf there was refused for its rights. */
static enum xen_pv_iommu_fault_reason fault_reason(
    const struct iommu_ctx_tbl *tbl, struct iommu_ctx *ctx, uint64_t iova)
{
    iommu_leaf_t leaf;
    int rc;

    if ( iova > tbl->caps.iova_last )
        return XEN_PV_IOMMU_FAULT_RANGE;
    /* The ordinary table has its own format and lock. */
    if ( !ctx )
        return XEN_PV_IOMMU_FAULT_OTHER;

    spin_lock(&ctx->lock);
    rc = iommu_pt_lookup(&ctx->pt, PFN_DOWN(iova), &leaf);
    spin_unlock(&ctx->lock);

    return rc ? XEN_PV_IOMMU_FAULT_UNMAPPED : XEN_PV_IOMMU_FAULT_PERM;
}

static bool is_disabled(const struct pci_dev *pdev)
{
    return !(pci_conf_read16(pdev->sbdf, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

/* Returns whether the ring was empty. */
static bool ring_add(struct iommu_ctx_faults *f,
                     const struct xen_pv_iommu_fault *rec)
{
    bool first = false;

    spin_lock(&f->lock);
    if ( f->nr == ARRAY_SIZE(f->ring) )
        f->lost++;
    else
    {
        struct xen_pv_iommu_fault *slot =
            &f->ring[(f->first + f->nr) % ARRAY_SIZE(f->ring)];

        *slot = *rec;
        slot->lost = f->lost;
        f->lost = 0;
        first = !f->nr++;
    }
    spin_unlock(&f->lock);

    return first;
}

static void record(struct domain *d, struct iommu_ctx_tbl *tbl,
                   const struct pci_dev *pdev, uint64_t iova, bool write)
{
    struct iommu_ctx *ctx = iommu_ctx_of(d, pdev);
    const struct xen_pv_iommu_fault rec = {
        .dev.type = XEN_PV_IOMMU_DEV_PCI,
        .dev.id = pdev->sbdf.sbdf,
        .iova = iova,
        .ctx = ctx ? ctx->id : XEN_PV_IOMMU_CTX_DEFAULT,
        .reason = fault_reason(tbl, ctx, iova),
        .flags = (write ? XEN_PV_IOMMU_FAULT_F_WRITE : 0) |
                 (is_disabled(pdev) ? XEN_PV_IOMMU_FAULT_F_DISABLED : 0),
        .time = NOW(),
    };

    if ( ring_add(&tbl->faults, &rec) )
        send_global_virq(VIRQ_IOMMU_FAULT);
}

void iommu_ctx_fault(pci_sbdf_t sbdf, uint64_t iova, bool write)
{
    const struct pci_dev *pdev;
    struct domain *d;
    struct iommu_ctx_tbl *tbl;

    pcidevs_lock();
    pdev = pci_get_real_pdev(sbdf);
    d = pdev ? pdev->domain : NULL;
    /* Others have no way to read it, so it is not kept for them. */
    tbl = d && is_hardware_domain(d) ? iommu_ctx_table_ready(d) : NULL;
    if ( tbl )
        record(d, tbl, pdev, iova, write);
    pcidevs_unlock();
}

int iommu_ctx_fault_read(struct domain *d, struct xen_pv_iommu_fault *rec)
{
    struct iommu_ctx_faults *f = &dom_iommu(d)->ctxs->faults;
    int rc = -ENOENT;

    spin_lock(&f->lock);
    if ( f->nr )
    {
        *rec = f->ring[f->first];
        f->first = (f->first + 1) % ARRAY_SIZE(f->ring);
        f->nr--;
        rc = 0;
    }
    spin_unlock(&f->lock);

    return rc;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of faults: DMA that IOMMUs refused, kept until the domain reads them.
 *
 * The ring is Xen's own, so no guest can alter it. When the ring is full, new
 * records are dropped and counted: the first faults are the most useful. Xen
 * raises the VIRQ when the ring becomes non-empty; a domain that reads until
 * -ENOENT misses no record. suppress.c limits a device in a context that faults
 * too often; pci_check_disable_device() limits all other devices.
 */
#include <xen/event.h>
#include <xen/iommu.h>
#include <xen/pci.h>
#include <xen/pci_regs.h>
#include <xen/time.h>

#include "ctx.h"

/* If a leaf is present, this is a permission fault. */
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

/* Apply Xen's own limit, which may turn the device off. Returns flags. */
static unsigned int disable(const struct pci_dev *pdev, pci_sbdf_t id)
{
    pci_check_disable_device(id.seg, id.bus, id.devfn);

    return pdev && !(pci_conf_read16(pdev->sbdf, PCI_COMMAND) &
                     PCI_COMMAND_MASTER) ? XEN_PV_IOMMU_FAULT_F_DISABLED : 0;
}

static unsigned int limit(struct pci_dev *pdev, const struct iommu_ctx *ctx,
                          pci_sbdf_t id)
{
    int rc = ctx ? iommu_ctx_fault_count(pdev) : -EOPNOTSUPP;

    if ( rc < 0 )
        return disable(pdev, id);

    return rc ? XEN_PV_IOMMU_FAULT_F_SUPPRESSED : 0;
}

/* Returns true if the ring was empty. */
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

static void record(struct iommu_ctx_tbl *tbl, const struct pci_dev *pdev,
                   struct iommu_ctx *ctx, uint64_t iova, unsigned int flags)
{
    const struct xen_pv_iommu_fault rec = {
        .dev.type = XEN_PV_IOMMU_DEV_PCI,
        .dev.id = pdev->sbdf.sbdf,
        .iova = iova,
        .ctx = ctx ? ctx->id : XEN_PV_IOMMU_CTX_DEFAULT,
        .reason = fault_reason(tbl, ctx, iova),
        .flags = flags,
        .time = NOW(),
    };

    if ( ring_add(&tbl->faults, &rec) )
        send_global_virq(VIRQ_IOMMU_FAULT);
}

struct id_user {
    pci_sbdf_t id;
    struct pci_dev *pdev;       /* the first one found, or NULL */
};

static int cf_check find_id_user(struct pci_dev *pdev, void *arg)
{
    const struct iommu_ctx *ctx = iommu_ctx_of(pdev->domain, pdev);
    struct id_user *user = arg;

    if ( ctx && !user->pdev &&
         iommu_call(dom_iommu(ctx->owner)->platform_ops, ctx_has_id, pdev,
                    user->id) )
        user->pdev = pdev;

    return 0;
}

/*
 * The device in a context that uses this requester id, else the device that has
 * the id as its own. Devices that share a bridge's id cannot be told apart.
 */
static struct pci_dev *find_device(pci_sbdf_t id)
{
    struct pci_dev *pdev = pci_get_real_pdev(id);
    struct id_user user = { .id = id };

    if ( pdev && iommu_ctx_of(pdev->domain, pdev) )
        return pdev;

    pci_iterate_devices(find_id_user, &user);

    return user.pdev ?: pdev;
}

bool iommu_ctx_fault(pci_sbdf_t id, uint64_t iova, bool write)
{
    struct iommu_ctx_tbl *tbl;
    struct iommu_ctx *ctx;
    struct pci_dev *pdev;
    struct domain *d;
    unsigned int flags;
    bool logged;

    pcidevs_lock();
    pdev = find_device(id);
    d = pdev ? pdev->domain : NULL;
    ctx = iommu_ctx_of(d, pdev);
    logged = !ctx || iommu_ctx_fault_logged(pdev);
    flags = limit(pdev, ctx, id) | (write ? XEN_PV_IOMMU_FAULT_F_WRITE : 0);
    /* Only the hardware domain can read records. */
    tbl = d && is_hardware_domain(d) ? iommu_ctx_table_ready(d) : NULL;
    if ( tbl )
        record(tbl, pdev, ctx, iova, flags);
    pcidevs_unlock();

    return logged;
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

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */

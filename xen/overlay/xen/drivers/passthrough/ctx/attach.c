/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving devices between contexts.
 *
 * Everything that may fail is done for the new context before hardware is
 * touched. pdev->ctx changes only after all of the device's requester ids were
 * switched and flushed. The old context releases what it held for the device
 * last. So after an error the device is where it was, in hardware and in Xen's
 * records (in XSA-449 the two disagreed).
 *
 * Regions that a device needs mapped 1:1 (direct.c) are in the context before
 * the device is. In BLOCKED they are never mapped: every blocked device could
 * reach them.
 */
#include <xen/iommu.h>

#include "ctx.h"

static bool is_blocked(const struct iommu_ctx *ctx)
{
    return ctx->id == XEN_PV_IOMMU_CTX_BLOCKED;
}

/* `held`: regions the context has for the device, as in pdev->ctx_regions. */
static void regions_put(struct iommu_ctx *ctx, struct pci_dev *pdev,
                        uint64_t held)
{
    if ( iommu_ctx_direct_put(ctx, pdev, held) )
        iommu_ctx_break(ctx);
}

static void ctx_leave(struct iommu_ctx *ctx, struct pci_dev *pdev,
                      uint64_t held)
{
    regions_put(ctx, pdev, held);
    iommu_vcall(dom_iommu(ctx->owner)->platform_ops, ctx_leave, ctx, pdev);
}

/*
 * Prepare the context for the device. -ERESTART: some of the device's regions
 * are mapped, and the device has not entered.
 */
static int ctx_enter(struct iommu_ctx *ctx, struct pci_dev *pdev, bool relax,
                     uint64_t *held)
{
    const struct iommu_ops *ops = dom_iommu(ctx->owner)->platform_ops;
    const struct iommu_ctx_caps *caps = &dom_iommu(ctx->owner)->ctxs->caps;
    int rc;

    if ( is_blocked(ctx) )
        return iommu_call(ops, ctx_enter, ctx, pdev);
    if ( read_atomic(&ctx->broken) )
        return -EIO;

    rc = iommu_ctx_direct_get(ctx, pdev, relax, held);
    if ( rc == -EIO )
        iommu_ctx_break(ctx);
    if ( rc )
        return rc;

    rc = iommu_call(ops, ctx_enter, ctx, pdev);
    if ( rc )
    {
        regions_put(ctx, pdev, *held);
        return rc;
    }

    /* The regions must be in force for members behind caching IOMMUs. */
    if ( caps->flush_on_map && !list_empty(&ctx->direct) &&
         iommu_ctx_flush_range(ctx, 0, 0) )
    {
        ctx_leave(ctx, pdev, *held);
        return -EIO;
    }

    return 0;
}

static void set_context(struct pci_dev *pdev, struct iommu_ctx *ctx,
                        uint64_t held)
{
    if ( pdev->ctx )
        list_del(&pdev->ctx_list);
    pdev->ctx = ctx;
    pdev->ctx_regions = held;
    if ( ctx )
        list_add(&pdev->ctx_list, &ctx->members);
}

int iommu_ctx_move(struct pci_dev *pdev, struct domain *d, struct iommu_ctx *to,
                   bool relax)
{
    const struct iommu_ops *ops = dom_iommu(d)->platform_ops;
    struct iommu_ctx *from = iommu_ctx_of(d, pdev);
    uint64_t held = 0, had = pdev->ctx_regions;
    int rc = 0;

    ASSERT(pcidevs_locked());

    iommu_ctx_fault_resume(pdev);

    if ( from == to )
        return 0;

    if ( to )
        rc = ctx_enter(to, pdev, relax, &held);
    if ( rc )
        return rc;

    /* A device that is away is switched by the assignment that returns it. */
    if ( pdev->domain == d )
        rc = iommu_call(ops, ctx_switch, d, pdev, to);
    if ( rc )
    {
        if ( to )
            ctx_leave(to, pdev, held);
        return rc;
    }

    set_context(pdev, to, held);
    if ( from )
        ctx_leave(from, pdev, had);

    return 0;
}

int iommu_ctx_attach(struct domain *d, struct pci_dev *pdev, unsigned int id,
                     bool relax)
{
    struct iommu_ctx *ctx = NULL;
    int rc;

    if ( id != XEN_PV_IOMMU_CTX_DEFAULT && !(ctx = iommu_ctx_get(d, id)) )
        return -ENOENT;

    rc = iommu_ctx_move(pdev, d, ctx, relax);
    if ( ctx )
        iommu_ctx_put(ctx);

    return rc;
}

void iommu_ctx_device_gone(struct pci_dev *pdev)
{
    struct iommu_ctx *ctx = pdev->ctx;
    uint64_t had = pdev->ctx_regions;

    ASSERT(pcidevs_locked());

    if ( !ctx )
        return;

    set_context(pdev, NULL, 0);
    /* The device is in no context: any entries left are not touched. */
    iommu_ctx_fault_resume(pdev);
    ctx_leave(ctx, pdev, had);
}

/*
 * The flush that protects what the context's devices could still reach has
 * failed. Move all of them to BLOCKED; that flushes by other means.
 */
void iommu_ctx_break(struct iommu_ctx *ctx)
{
    struct iommu_ctx *blocked = ctx->tbl->blocked;
    struct pci_dev *pdev, *next;

    if ( read_atomic(&ctx->broken) || is_blocked(ctx) )
        return;
    write_atomic(&ctx->broken, true);

    printk(XENLOG_ERR "%pd: IOMMU context %u: flush failed, devices blocked\n",
           ctx->owner, ctx->id);

    pcidevs_lock();
    list_for_each_entry_safe ( pdev, next, &ctx->members, ctx_list )
        if ( iommu_ctx_move(pdev, ctx->owner, blocked, false) )
            printk(XENLOG_ERR "%pd: %pp could not be blocked\n",
                   ctx->owner, &pdev->sbdf);
    pcidevs_unlock();
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

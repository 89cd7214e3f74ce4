/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which context a device is in.
 *
 * Everything that may fail is done for the new context before hardware is
 * touched; pdev->ctx changes only after all of the device's requester ids were
 * switched and flushed; what the old context held for the device goes last. So
 * after an error the device is, in hardware and in our books, where it was
 * (XSA-449 was about books that disagreed).
 *
 * Regions that a device needs mapped 1:1 (direct.c) are in the context before
 * the device is. In BLOCKED they are never mapped: a region there would be in
 * reach of every blocked device.
 */
#include <xen/event.h>
#include <xen/iommu.h>
#include <xen/iommu-ctx.h>
#include <xen/pci_regs.h>

static bool is_blocked(const struct iommu_ctx *ctx)
{
    return ctx->id == XEN_PV_IOMMU_CTX_BLOCKED;
}

/* `held`: regions the context has for the device, as in pdev->ctx_regions. */
static void ctx_leave(struct iommu_ctx *ctx, struct pci_dev *pdev,
                      uint64_t held)
{
    iommu_ctx_direct_put(ctx, pdev, held);
    iommu_vcall(dom_iommu(ctx->owner)->platform_ops, ctx_leave, ctx, pdev);
}

/*
 * Make ready what the device will find in the context. -ERESTART: some of its
 * regions are, and it has not entered.
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
    if ( rc )
        return rc;

    rc = iommu_call(ops, ctx_enter, ctx, pdev);
    if ( rc )
    {
        iommu_ctx_direct_put(ctx, pdev, *held);
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

/*
 * Move one device; NULL: the ordinary table. relax: without its
 * DIRECT_RELAXABLE regions. -ERESTART: call again, nothing has moved yet; only
 * contexts that map regions for it ask for that.
 */
static int ctx_move(struct pci_dev *pdev, struct domain *d,
                    struct iommu_ctx *to, bool relax)
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

    /* A device that is away is switched when it comes back, by its assigner. */
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

    rc = ctx_move(pdev, d, ctx, relax);
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
    /* In no context: its entries, if it still has any, are left alone. */
    iommu_ctx_fault_resume(pdev);
    ctx_leave(ctx, pdev, had);
}

/*
 * The flush that protects what the context's devices could still reach has
 * failed. Switch them all away; that flushes by other means.
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
        if ( ctx_move(pdev, ctx->owner, blocked, false) )
            printk(XENLOG_ERR "%pd: %pp could not be blocked\n",
                   ctx->owner, &pdev->sbdf);
    pcidevs_unlock();
}

/* Where RESET puts a device: iovas it still uses mean nothing in DEFAULT. */
static struct iommu_ctx *reset_target(struct iommu_ctx_tbl *tbl,
                                      const struct pci_dev *pdev,
                                      bool to_default)
{
    bool master = pci_conf_read16(pdev->sbdf, PCI_COMMAND) & PCI_COMMAND_MASTER;

    return to_default && !master ? NULL : tbl->blocked;
}

/* Moving one may, when a flush fails, move others: start over each time. */
static int reset_members(struct iommu_ctx_tbl *tbl, struct iommu_ctx *ctx,
                         bool to_default)
{
    while ( !list_empty(&ctx->members) )
    {
        struct pci_dev *pdev = list_first_entry(&ctx->members, struct pci_dev,
                                                ctx_list);
        int rc = ctx_move(pdev, ctx->owner,
                          reset_target(tbl, pdev, to_default), false);

        if ( rc )
            return rc;
        if ( hypercall_preempt_check() )
            return -ERESTART;
    }

    return 0;
}

static int reset_blocked(struct iommu_ctx_tbl *tbl, bool to_default)
{
    struct pci_dev *pdev, *next;
    int rc = 0;

    list_for_each_entry_safe ( pdev, next, &tbl->blocked->members, ctx_list )
        if ( !rc && !reset_target(tbl, pdev, to_default) )
            rc = ctx_move(pdev, tbl->blocked->owner, NULL, false);

    return rc;
}

/* Devices that others have do not come back to a context of a dead domain. */
static void forget_members(struct iommu_ctx *ctx)
{
    while ( !list_empty(&ctx->members) )
        iommu_ctx_device_gone(list_first_entry(&ctx->members, struct pci_dev,
                                               ctx_list));
}

static int cf_check silence(struct pci_dev *pdev, void *arg)
{
    uint16_t cmd;

    /* Also if a guest has it: the guest's addresses mean no more to anybody. */
    if ( !pdev->ctx )
        return 0;

    cmd = pci_conf_read16(pdev->sbdf, PCI_COMMAND);
    pci_conf_write16(pdev->sbdf, PCI_COMMAND, cmd & ~PCI_COMMAND_MASTER);
    /* What it had sent before arrives before the answer to this. */
    pci_conf_read16(pdev->sbdf, PCI_COMMAND);

    return 0;
}

void iommu_ctx_crash_shutdown(void)
{
    if ( !pcidevs_trylock() )
    {
        /* The list of devices may be in any state. */
        printk(XENLOG_ERR "IOMMU contexts: devices left running\n");
        return;
    }

    /* A CPU that was stopped during an access will not end it. */
    if ( pci_conf_is_idle() )
        pci_iterate_devices(silence, NULL);
    else
        printk(XENLOG_ERR
               "IOMMU contexts: PCI config in use, devices left running\n");
    pcidevs_unlock();
}

/* Any context of the table, NULL if there is none. */
static struct iommu_ctx *table_any(struct iommu_ctx_tbl *tbl)
{
    struct iommu_ctx *ctx = NULL;

    read_lock(&tbl->lock);
    if ( !radix_tree_gang_lookup(&tbl->tree, (void **)&ctx, 0, 1) )
        ctx = NULL;
    read_unlock(&tbl->lock);

    return ctx;
}

int iommu_ctx_reset(struct domain *d, bool to_default)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;
    struct iommu_ctx *ctx;
    int rc;

    do {
        unsigned int id;

        pcidevs_lock();
        ctx = table_any(tbl);
        id = ctx ? ctx->id : XEN_PV_IOMMU_CTX_INVALID;
        rc = ctx ? reset_members(tbl, ctx, to_default)
                 : reset_blocked(tbl, to_default);
        pcidevs_unlock();

        if ( !rc && ctx )
            rc = iommu_ctx_free(d, id);
        /* Somebody else is freeing it: that will end. */
        if ( rc == -ENOENT )
            rc = -ERESTART;
    } while ( !rc && ctx );

    return rc;
}

int iommu_ctx_relinquish(struct domain *d)
{
    struct iommu_ctx_tbl *tbl = iommu_ctx_table_ready(d);
    struct iommu_ctx *ctx;
    int rc;

    if ( !tbl )
        return 0;

    for ( ; ; )
    {
        unsigned int id;

        pcidevs_lock();
        ctx = table_any(tbl);
        id = ctx ? ctx->id : XEN_PV_IOMMU_CTX_INVALID;
        forget_members(ctx ?: tbl->blocked);
        pcidevs_unlock();

        if ( !ctx )
            break;
        rc = iommu_ctx_free(d, id);
        if ( rc )
            return rc;
    }

    iommu_ctx_table_destroy(d);

    return 0;
}

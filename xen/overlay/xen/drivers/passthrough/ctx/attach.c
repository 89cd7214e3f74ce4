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
 * Regions that a device needs mapped 1:1 (RMRR) are put into a context before
 * its first such device enters and leave with the last one. In BLOCKED they
 * are never mapped: a region there would be in reach of every blocked device.
 */
#include <xen/err.h>
#include <xen/event.h>
#include <xen/iommu.h>
#include <xen/iommu-ctx.h>
#include <xen/pci_regs.h>
#include <xen/xmalloc.h>

struct ctx_direct {
    struct list_head list;      /* iommu_ctx.direct, under ctx->lock */
    uint64_t dfn, nr;
    unsigned int users;         /* devices, pcidevs_lock */
};

/* How much of [dfn, dfn + nr) lies before [start, start + len). */
static uint64_t before(uint64_t dfn, uint64_t nr, uint64_t start, uint64_t len)
{
    if ( dfn >= start + len || dfn + nr <= start )
        return nr;

    return dfn < start ? start - dfn : 0;
}

uint64_t iommu_ctx_unmappable(const struct iommu_ctx *ctx, uint64_t dfn,
                              uint64_t nr)
{
    const struct ctx_direct *r;

    list_for_each_entry ( r, &ctx->direct, list )
        nr = before(dfn, nr, r->dfn, r->nr);

    return nr;
}

/* Where writes are interrupts nobody maps. */
static uint64_t before_msi(const struct iommu_ctx *ctx, uint64_t dfn,
                           uint64_t nr)
{
    const struct iommu_ctx_caps *caps = &dom_iommu(ctx->owner)->ctxs->caps;

    return before(dfn, nr, caps->msi_dfn, caps->msi_nr);
}

uint64_t iommu_ctx_mappable(const struct iommu_ctx *ctx, uint64_t dfn,
                            uint64_t nr)
{
    return iommu_ctx_unmappable(ctx, dfn, before_msi(ctx, dfn, nr));
}

uint64_t iommu_ctx_mappable_unlocked(struct iommu_ctx *ctx, uint64_t dfn,
                                     uint64_t nr)
{
    nr = before_msi(ctx, dfn, nr);
    if ( list_empty(&ctx->direct) )
        return nr;

    spin_lock(&ctx->lock);
    nr = iommu_ctx_unmappable(ctx, dfn, nr);
    spin_unlock(&ctx->lock);

    return nr;
}

/*
 * A type reference without a reference makes no sense for a frame, so that it
 * can tell our leaves from the same ones that the owner made. Neither holds
 * anything.
 */
static iommu_leaf_t direct_leaf(uint64_t dfn)
{
    return (dfn << PAGE_SHIFT) | IOMMU_LEAF_R | IOMMU_LEAF_W | IOMMU_LEAF_TYPE;
}

static bool direct_covered(const struct iommu_ctx *ctx, uint64_t dfn)
{
    const struct ctx_direct *r;

    list_for_each_entry ( r, &ctx->direct, list )
        if ( dfn >= r->dfn && dfn < r->dfn + r->nr )
            return true;

    return false;
}

/* The region's leaf is there (1), whoever's, or nothing (0), or another. */
static int direct_check(const struct iommu_ctx *ctx, uint64_t dfn)
{
    iommu_leaf_t leaf;
    int rc = iommu_pt_lookup(&ctx->pt, dfn, &leaf);

    if ( rc == -ENOENT )
        return 0;
    if ( rc )
        return rc;

    return (leaf | IOMMU_LEAF_TYPE) == direct_leaf(dfn) ? 1 : -EADDRINUSE;
}

static bool direct_is_ours(const struct iommu_ctx *ctx, uint64_t dfn)
{
    iommu_leaf_t leaf;

    return !iommu_pt_lookup(&ctx->pt, dfn, &leaf) && leaf == direct_leaf(dfn);
}

/* Take out what is ours and no other region needs; the caller flushes. */
static void direct_unmap(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr)
{
    iommu_leaf_t leaf;
    struct iommu_gather g;

    for ( ; nr--; dfn++ )
    {
        /* These leaves hold nothing: there is nothing to keep from them. */
        iommu_gather_init(&g, &leaf, 1);
        if ( direct_is_ours(ctx, dfn) && !direct_covered(ctx, dfn) &&
             iommu_pt_unmap(&ctx->pt, dfn, 1, &g, 1) < 0 )
            ASSERT_UNREACHABLE();
    }
}

/* Leaves that the owner made itself, just as the region's, serve as well. */
static int direct_map(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr)
{
    uint64_t i;
    bool unlinked;
    int rc;

    for ( i = 0; i < nr; i++ )
        if ( (rc = direct_check(ctx, dfn + i)) < 0 )
            return rc;

    for ( i = 0; i < nr; i++ )
    {
        iommu_leaf_t leaf = direct_leaf(dfn + i);

        if ( direct_check(ctx, dfn + i) )
            continue;

        /* Leaves of order 0 displace no table. */
        rc = iommu_pt_map(&ctx->pt, dfn + i, 0, &leaf, 1, &unlinked);
        if ( rc < 0 )
        {
            direct_unmap(ctx, dfn, i);
            return rc;
        }
    }

    return 0;
}

static struct ctx_direct *direct_find(const struct iommu_ctx *ctx,
                                      const struct iommu_ctx_resv *resv)
{
    struct ctx_direct *r;

    list_for_each_entry ( r, &ctx->direct, list )
        if ( r->dfn == PFN_DOWN(resv->start) &&
             r->dfn + r->nr == PFN_DOWN(resv->last) + 1 )
            return r;

    return NULL;
}

static int direct_get(struct iommu_ctx *ctx, const struct iommu_ctx_resv *resv)
{
    struct ctx_direct *r = direct_find(ctx, resv);
    int rc;

    if ( r )
    {
        r->users++;
        return 0;
    }

    r = xzalloc(struct ctx_direct);
    if ( !r )
        return -ENOMEM;

    r->users = 1;
    r->dfn = PFN_DOWN(resv->start);
    r->nr = PFN_DOWN(resv->last) + 1 - r->dfn;

    spin_lock(&ctx->lock);
    rc = direct_map(ctx, r->dfn, r->nr);
    if ( !rc )
        list_add(&r->list, &ctx->direct);
    spin_unlock(&ctx->lock);

    if ( !rc )
        return 0;

    /* Members may have seen the leaves that were there until it went wrong. */
    if ( iommu_ctx_flush_range(ctx, r->dfn, r->dfn + r->nr) )
        iommu_ctx_break(ctx);
    xfree(r);

    return rc;
}

static void direct_put(struct iommu_ctx *ctx, const struct iommu_ctx_resv *resv)
{
    struct ctx_direct *r = direct_find(ctx, resv);

    if ( !r )
    {
        ASSERT_UNREACHABLE();
        return;
    }
    if ( --r->users )
        return;

    spin_lock(&ctx->lock);
    list_del(&r->list);
    direct_unmap(ctx, r->dfn, r->nr);
    spin_unlock(&ctx->lock);

    if ( iommu_ctx_flush_range(ctx, r->dfn, r->dfn + r->nr) )
        iommu_ctx_break(ctx);
    xfree(r);
}

static bool resv_next(struct pci_dev *pdev, const struct iommu_ctx *ctx,
                      unsigned int *index, struct iommu_ctx_resv *resv)
{
    const struct iommu_ops *ops = dom_iommu(ctx->owner)->platform_ops;

    while ( !iommu_call(ops, ctx_dev_resv, pdev, (*index)++, resv) )
        if ( resv->type == XEN_PV_IOMMU_RESV_DIRECT )
            return true;

    return false;
}

/* Undo for the first `nr` regions of the device. */
static void regions_put(struct iommu_ctx *ctx, struct pci_dev *pdev,
                        unsigned int nr)
{
    struct iommu_ctx_resv resv;
    unsigned int index = 0;

    while ( nr-- && resv_next(pdev, ctx, &index, &resv) )
        direct_put(ctx, &resv);
}

static int regions_get(struct iommu_ctx *ctx, struct pci_dev *pdev)
{
    struct iommu_ctx_resv resv;
    unsigned int index = 0, nr = 0;
    int rc = 0;

    while ( !rc && resv_next(pdev, ctx, &index, &resv) )
    {
        rc = direct_get(ctx, &resv);
        if ( !rc )
            nr++;
    }
    if ( rc )
        regions_put(ctx, pdev, nr);

    return rc;
}

static bool is_blocked(const struct iommu_ctx *ctx)
{
    return ctx->id == XEN_PV_IOMMU_CTX_BLOCKED;
}

static void ctx_leave(struct iommu_ctx *ctx, struct pci_dev *pdev)
{
    if ( !is_blocked(ctx) )
        regions_put(ctx, pdev, UINT_MAX);
    iommu_vcall(dom_iommu(ctx->owner)->platform_ops, ctx_leave, ctx, pdev);
}

/* Make ready what the device will find in the context. */
static int ctx_enter(struct iommu_ctx *ctx, struct pci_dev *pdev)
{
    const struct iommu_ops *ops = dom_iommu(ctx->owner)->platform_ops;
    const struct iommu_ctx_caps *caps = &dom_iommu(ctx->owner)->ctxs->caps;
    int rc;

    if ( !is_blocked(ctx) && read_atomic(&ctx->broken) )
        return -EIO;

    rc = iommu_call(ops, ctx_enter, ctx, pdev);
    if ( rc || is_blocked(ctx) )
        return rc;

    rc = regions_get(ctx, pdev);
    if ( rc )
    {
        iommu_vcall(ops, ctx_leave, ctx, pdev);
        return rc;
    }

    /* The regions must be in force for members behind caching IOMMUs. */
    if ( caps->flush_on_map && !list_empty(&ctx->direct) &&
         iommu_ctx_flush_range(ctx, 0, 0) )
    {
        ctx_leave(ctx, pdev);
        return -EIO;
    }

    return 0;
}

static void set_context(struct pci_dev *pdev, struct iommu_ctx *ctx)
{
    if ( pdev->ctx )
        list_del(&pdev->ctx_list);
    pdev->ctx = ctx;
    if ( ctx )
        list_add(&pdev->ctx_list, &ctx->members);
}

int iommu_ctx_move(struct pci_dev *pdev, struct domain *d,
                   struct iommu_ctx *to)
{
    const struct iommu_ops *ops = dom_iommu(d)->platform_ops;
    struct iommu_ctx *from = iommu_ctx_of(d, pdev);
    int rc = 0;

    ASSERT(pcidevs_locked());

    if ( from == to )
        return 0;

    if ( to )
        rc = ctx_enter(to, pdev);
    if ( rc )
        return rc;

    /* A device that is away is switched when it comes back, by its assigner. */
    if ( pdev->domain == d )
        rc = iommu_call(ops, ctx_switch, d, pdev, to);
    if ( rc )
    {
        if ( to )
            ctx_leave(to, pdev);
        return rc;
    }

    set_context(pdev, to);
    if ( from )
        ctx_leave(from, pdev);

    return 0;
}

int iommu_ctx_attach(struct domain *d, struct pci_dev *pdev, unsigned int id)
{
    struct iommu_ctx *ctx = NULL;
    int rc;

    if ( id != XEN_PV_IOMMU_CTX_DEFAULT && !(ctx = iommu_ctx_get(d, id)) )
        return -ENOENT;

    rc = iommu_ctx_move(pdev, d, ctx);
    if ( ctx )
        iommu_ctx_put(ctx);

    return rc;
}

void iommu_ctx_device_gone(struct pci_dev *pdev)
{
    struct iommu_ctx *ctx = pdev->ctx;

    ASSERT(pcidevs_locked());

    if ( !ctx )
        return;

    set_context(pdev, NULL);
    ctx_leave(ctx, pdev);
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
        if ( iommu_ctx_move(pdev, ctx->owner, blocked) )
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
        int rc = iommu_ctx_move(pdev, ctx->owner,
                                reset_target(tbl, pdev, to_default));

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
            rc = iommu_ctx_move(pdev, tbl->blocked->owner, NULL);

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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of contexts: CTX_FREE, RESET, a dying domain, a crash of Xen.
 *
 * A context can be large, so it ends in steps. CTX_FREE marks the context
 * dying, so that lookups skip it, and waits until it is the last user. It then
 * unmaps, flushes and releases as much as fits before preemption. Domain ids,
 * tables and the number are given back last.
 */
#include <xen/err.h>
#include <xen/event.h>
#include <xen/iommu.h>
#include <xen/lib.h>
#include <xen/pci_regs.h>

#include "ctx.h"

/*
 * Entries and tables examined between two checks for preemption; and empty
 * tables, each of which costs several times as much. Either budget takes some
 * 100000 instructions.
 */
#define FREE_BUDGET         768U
#define PRUNE_BUDGET        128U

/* True if the context has members, or an IOMMU uses it for a former member. */
static bool is_busy(struct iommu_ctx *ctx)
{
    return !list_empty(&ctx->members) ||
           iommu_call(dom_iommu(ctx->owner)->platform_ops, ctx_in_use, ctx);
}

/* True if only the table's reference is left. Lookups skip dying contexts. */
static bool only_user(const struct iommu_ctx *ctx)
{
    ASSERT(ctx->dying);

    if ( atomic_read(&ctx->refs) > 1 )
        return false;
    /* Pairs with iommu_ctx_put(): the other users' accesses are complete. */
    smp_mb();

    return true;
}

/*
 * CTX_FREE, in steps. A continuation finds the dying context again. `freeing`
 * keeps a second caller out while another one runs.
 */
static struct iommu_ctx *free_begin(struct iommu_ctx_tbl *tbl, unsigned int id)
{
    struct iommu_ctx *ctx;

    ASSERT(pcidevs_locked());

    read_lock(&tbl->lock);
    ctx = radix_tree_lookup(&tbl->tree, id);
    read_unlock(&tbl->lock);

    /* The context stays in the table while pcidevs_lock is held. */
    if ( !ctx || read_atomic(&ctx->freeing) )
        return ERR_PTR(-ENOENT);
    if ( !ctx->dying && is_busy(ctx) )
        return ERR_PTR(-EBUSY);

    write_lock(&tbl->lock);
    ctx->dying = ctx->freeing = true;
    write_unlock(&tbl->lock);

    return ctx;
}

static void free_pause(struct iommu_ctx_tbl *tbl, struct iommu_ctx *ctx)
{
    write_lock(&tbl->lock);
    ctx->freeing = false;
    write_unlock(&tbl->lock);
}

static int free_leaves(struct iommu_ctx *ctx)
{
    uint64_t end = PFN_DOWN(ctx->tbl->caps.iova_last) + 1;
    struct iommu_gather *g = iommu_ctx_gather();

    (void)iommu_ctx_sync(ctx);

    while ( ctx->pt.nr_mapped && ctx->cursor < end )
    {
        int64_t done;

        spin_lock(&ctx->lock);
        done = iommu_pt_unmap(&ctx->pt, ctx->cursor, end - ctx->cursor, g,
                              FREE_BUDGET);
        spin_unlock(&ctx->lock);
        if ( done < 0 )
        {
            ASSERT_UNREACHABLE();
            return done;
        }
        ctx->cursor += done;

        /* The context has no members: if its flush fails, leak the leaves. */
        (void)iommu_ctx_flush(ctx, g);

        if ( hypercall_preempt_check() )
            return -ERESTART;
    }

    return 0;
}

static int free_tables(struct iommu_ctx *ctx)
{
    bool done = false, unlinked = false;
    uint64_t cursor = 0;

    while ( !done )
    {
        spin_lock(&ctx->lock);
        done = iommu_ctx_prune_step(ctx, &cursor, PRUNE_BUDGET, &unlinked);

        /* Pruned tables are gone from the tree: starting over is cheap. */
        if ( !done && hypercall_preempt_check() )
            return -ERESTART;
    }

    return 0;
}

static void free_end(struct iommu_ctx_tbl *tbl, struct iommu_ctx *ctx)
{
    ASSERT(atomic_read(&ctx->refs) == 1 && list_empty(&ctx->direct));

    pcidevs_lock();
    write_lock(&tbl->lock);
    radix_tree_delete(&tbl->tree, ctx->id);
    iommu_ctx_number_give(ctx);
    write_unlock(&tbl->lock);
    iommu_ctx_destroy(ctx);
    pcidevs_unlock();
}

int iommu_ctx_free(struct domain *d, unsigned int id)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;
    struct iommu_ctx *ctx;
    int rc;

    pcidevs_lock();
    ctx = free_begin(tbl, id);
    if ( !IS_ERR(ctx) )
        iommu_ctx_direct_forget(ctx);
    pcidevs_unlock();
    if ( IS_ERR(ctx) )
        return PTR_ERR(ctx);

    /* Users that found it before it was dying finish on their own. */
    rc = only_user(ctx) ? free_leaves(ctx) ?: free_tables(ctx) : -ERESTART;
    if ( rc )
        free_pause(tbl, ctx);
    else
        free_end(tbl, ctx);

    return rc;
}

/* RESET blocks bus masters: the iovas that they use mean nothing in DEFAULT. */
static struct iommu_ctx *reset_target(struct iommu_ctx_tbl *tbl,
                                      const struct pci_dev *pdev,
                                      bool to_default)
{
    bool master = pci_conf_read16(pdev->sbdf, PCI_COMMAND) & PCI_COMMAND_MASTER;

    return to_default && !master ? NULL : tbl->blocked;
}

/* A move may, when a flush fails, move other devices: start over each time. */
static int reset_members(struct iommu_ctx_tbl *tbl, struct iommu_ctx *ctx,
                         bool to_default)
{
    while ( !list_empty(&ctx->members) )
    {
        struct pci_dev *pdev = list_first_entry(&ctx->members, struct pci_dev,
                                                ctx_list);
        int rc = iommu_ctx_move(pdev, ctx->owner,
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
            rc = iommu_ctx_move(pdev, tbl->blocked->owner, NULL, false);

    return rc;
}

/* Get any context of the table, or NULL. */
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
        /* Another CPU is freeing the context, and will finish. */
        if ( rc == -ENOENT )
            rc = -ERESTART;
    } while ( !rc && ctx );

    return rc;
}

/* Devices assigned elsewhere do not return to a context of a dead domain. */
static void forget_members(struct iommu_ctx *ctx)
{
    while ( !list_empty(&ctx->members) )
        iommu_ctx_device_gone(list_first_entry(&ctx->members, struct pci_dev,
                                               ctx_list));
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

static int cf_check silence(struct pci_dev *pdev, void *arg)
{
    uint16_t cmd;

    /* Also if a guest has it: the guest's addresses mean nothing any more. */
    if ( !pdev->ctx )
        return 0;

    cmd = pci_conf_read16(pdev->sbdf, PCI_COMMAND);
    pci_conf_write16(pdev->sbdf, PCI_COMMAND, cmd & ~PCI_COMMAND_MASTER);
    /* The device's earlier writes arrive before the answer to this read. */
    pci_conf_read16(pdev->sbdf, PCI_COMMAND);

    return 0;
}

void iommu_ctx_crash_shutdown(void)
{
    if ( !pcidevs_trylock() )
    {
        /* The list of devices may be inconsistent. */
        printk(XENLOG_ERR "IOMMU contexts: devices left running\n");
        return;
    }

    /* A CPU that was stopped during an access never finishes it. */
    if ( pci_conf_is_idle() )
        pci_iterate_devices(silence, NULL);
    else
        printk(XENLOG_ERR
               "IOMMU contexts: PCI config in use, devices left running\n");
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

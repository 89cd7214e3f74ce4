/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reclaim of empty page tables.
 *
 * Unmapping leaves empty tables in the tree. They are removed when a context
 * ends, and when a quota refuses a page to a context that maps. A table is
 * freed after a flush that covers it.
 */
#include <xen/event.h>
#include <xen/mm.h>

#include "ctx.h"

/* Tables examined in one step, with ctx->lock held once. */
#define RECLAIM_BUDGET      64U

bool iommu_ctx_prune_step(struct iommu_ctx *ctx, uint64_t *cursor,
                          unsigned int budget, bool *unlinked)
{
    PAGE_LIST_HEAD(tables);
    bool done = iommu_pt_prune(&ctx->pt, cursor, budget, unlinked);

    page_list_move(&tables, &ctx->retired);
    if ( page_list_empty(&tables) )
    {
        spin_unlock(&ctx->lock);
        return done;
    }
    /* A concurrent map must flush: IOMMUs may have cached the old table. */
    ctx->pruning++;
    spin_unlock(&ctx->lock);

    /*
     * Without the flush the tables cannot be freed, and still count against the
     * quota. Leaves written in their place may not be in force.
     */
    if ( iommu_ctx_flush_range(ctx, 0, 0) )
        iommu_ctx_break(ctx);
    else
        iommu_ctx_free_tables(ctx, &tables);

    spin_lock(&ctx->lock);
    ctx->pruning--;
    spin_unlock(&ctx->lock);

    return done;
}

/*
 * As iommu_ctx_reclaim(), for one context; -EBUSY: another CPU holds its lock
 * or is flushing its tables. Each call makes at least one step, and the cursor
 * stays, so a caller that repeats the call always makes progress.
 */
static int reclaim_from(struct iommu_ctx *ctx)
{
    bool unlinked = false;

    while ( read_atomic(&ctx->pt.nr_empty) )
    {
        /* The locks of two contexts are never held together. */
        if ( !spin_trylock(&ctx->lock) )
            return -EBUSY;

        iommu_ctx_prune_step(ctx, &ctx->prune_cursor, RECLAIM_BUDGET,
                             &unlinked);
        if ( unlinked )
            return 0;
        if ( hypercall_preempt_check() )
            return -ERESTART;
    }

    /* Another CPU is about to free tables that it took out. */
    return read_atomic(&ctx->pruning) ? -EBUSY : -ENOMEM;
}

/* Reclaim from the first context with empty tables that count here too. */
static int reclaim_from_any(struct domain *d, bool plain_only)
{
    struct iommu_ctx *ctx;
    unsigned int id = 0;
    int rc = -ENOMEM;

    while ( (ctx = iommu_ctx_get_next(d, &id)) )
    {
        int ret = plain_only && ctx->reserve ? -ENOMEM : reclaim_from(ctx);

        iommu_ctx_put(ctx);
        /* Try the other contexts first. A busy one is free again soon. */
        if ( ret == -EBUSY )
            rc = -ERESTART;
        else if ( ret != -ENOMEM )
            return ret;
    }

    return rc;
}

int iommu_ctx_reclaim(struct domain *d, struct iommu_ctx *self,
                      enum iommu_ctx_bound bound)
{
    int rc = -ENOMEM;

    if ( bound != IOMMU_CTX_BOUND_SELF )
        rc = reclaim_from_any(d, bound == IOMMU_CTX_BOUND_PLAIN);
    else if ( self )
        rc = reclaim_from(self);

    if ( rc == -ENOMEM )
        iommu_ctx_say_refused(d, bound);

    return rc == -EBUSY ? -ERESTART : rc;
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leaves taken out of a tree, until a flush covers them.
 *
 * The leaves of a hypercall are in an array of the CPU. A hypercall is not
 * preempted, so the caller owns the array until it returns to the guest.
 *
 * A translated domain may defer the flush. Its leaves are parked on the
 * context: one array is flushed while the other fills. A PV domain must flush
 * at once. Its kernel may turn a page that it has freed into a page table; a
 * parked leaf would still hold that page writable.
 */
#include <xen/iommu.h>
#include <xen/lib.h>
#include <xen/paging.h>
#include <xen/percpu.h>
#include <xen/xmalloc.h>

#include "ctx.h"

#define STEP_PAGES          IOMMU_CTX_STEP_PAGES

struct ctx_scratch {
    iommu_leaf_t gathered[STEP_PAGES];
    struct iommu_gather gather;
};
static DEFINE_PER_CPU(struct ctx_scratch, ctx_scratch);

struct iommu_gather *iommu_ctx_gather(void)
{
    struct ctx_scratch *s = &this_cpu(ctx_scratch);

    iommu_gather_init(&s->gather, s->gathered, STEP_PAGES);

    return &s->gather;
}

int iommu_ctx_flush_range(struct iommu_ctx *ctx, uint64_t first, uint64_t end)
{
    const struct iommu_ops *ops = dom_iommu(ctx->owner)->platform_ops;

    if ( !iommu_call(ops, ctx_flush, ctx, first, end) ||
         !iommu_call(ops, ctx_flush, ctx, first, end) )
        return 0;

    return -EIO;
}

static void gather_release(struct iommu_gather *g)
{
    unsigned int i;

    ASSERT(g->flushed);

    for ( i = 0; i < g->nr; i++ )
        iommu_ctx_frame_put(g->leaf[i]);
}

int iommu_ctx_gather_flush(struct iommu_ctx *ctx, struct iommu_gather *g)
{
    int rc = 0;

    if ( g->first < g->end )
    {
        rc = iommu_ctx_flush_range(ctx, g->first, g->end);
        g->flushed = !rc;
        if ( !rc )
            gather_release(g);
    }
    iommu_gather_init(g, g->leaf, g->max);

    return rc;
}

bool iommu_ctx_can_defer(const struct domain *d)
{
    return paging_mode_translate(d);
}

int iommu_ctx_park_init(struct iommu_ctx *ctx)
{
    iommu_leaf_t *leaf;

    spin_lock_init(&ctx->sync_lock);
    if ( !iommu_ctx_can_defer(ctx->owner) )
        return 0;

    leaf = xmalloc_array(iommu_leaf_t, STEP_PAGES);
    ctx->spare = xmalloc_array(iommu_leaf_t, STEP_PAGES);
    iommu_gather_init(&ctx->parked, leaf, STEP_PAGES);

    return leaf && ctx->spare ? 0 : -ENOMEM;
}

void iommu_ctx_park_fini(struct iommu_ctx *ctx)
{
    ASSERT(!ctx->parked.nr);
    xfree(ctx->parked.leaf);
    xfree(ctx->spare);
}

int iommu_ctx_parked_flush(struct iommu_ctx *ctx)
{
    struct iommu_gather g;
    int rc;

    if ( !ctx->spare )
        return 0;

    /* A sync in progress covers our leaves as well: wait for it. */
    spin_lock(&ctx->sync_lock);
    spin_lock(&ctx->lock);
    g = ctx->parked;
    iommu_gather_init(&ctx->parked, ctx->spare, STEP_PAGES);
    spin_unlock(&ctx->lock);

    rc = iommu_ctx_gather_flush(ctx, &g);
    ctx->spare = g.leaf;
    spin_unlock(&ctx->sync_lock);

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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mapping, unmapping and flushing in a context.
 *
 * Map: take the references of a run's frames, write the leaves under the lock,
 * then drop unused references. Unmap: move the leaves into the gather under the
 * lock, flush without the lock, then drop the leaves' references. So a frame
 * that a device may still reach is always held.
 */
#include <xen/event.h>
#include <xen/iommu.h>
#include <xen/lib.h>
#include <xen/percpu.h>

#include "ctx.h"

#define STEP_PAGES          IOMMU_CTX_STEP_PAGES
/* Entries and tables examined before an unmap can be preempted. */
#define UNMAP_BUDGET        768U
/* Flushes for room that other CPUs then take, before an unmap is preempted. */
#define PARK_TRIES          4U

/* Leaves being made. A hypercall is not preempted, see gather.c. */
struct ctx_pinned {
    iommu_leaf_t leaf[STEP_PAGES];
};
static DEFINE_PER_CPU(struct ctx_pinned, ctx_pinned);

static const struct iommu_ctx_caps *ctx_caps(const struct iommu_ctx *ctx)
{
    return &ctx->tbl->caps;
}

static void gather_range(struct iommu_gather *g, uint64_t dfn, uint64_t nr)
{
    g->first = min(g->first, dfn);
    g->end = max(g->end, dfn + nr);
}

int iommu_ctx_flush(struct iommu_ctx *ctx, struct iommu_gather *g)
{
    int rc = iommu_ctx_gather_flush(ctx, g);

    if ( rc )
        iommu_ctx_break(ctx);

    return rc;
}

int iommu_ctx_sync(struct iommu_ctx *ctx)
{
    int rc = iommu_ctx_parked_flush(ctx);

    if ( rc )
        iommu_ctx_break(ctx);

    return rc;
}

static void frames_put(const iommu_leaf_t *leaf, unsigned int nr)
{
    while ( nr-- )
        iommu_ctx_frame_put(leaf[nr]);
}

/* True if the leaves can be one of a larger order. All have the same rights. */
static bool contiguous(const iommu_leaf_t *leaf, unsigned int order)
{
    unsigned int i, nr = 1U << order;

    if ( leaf[0] & ((uint64_t)(nr - 1) << PAGE_SHIFT) )
        return false;

    for ( i = 1; i < nr; i++ )
        if ( leaf[i] != leaf[0] + ((uint64_t)i << PAGE_SHIFT) )
            return false;

    return true;
}

static bool large_wanted(const struct iommu_ctx *ctx, uint64_t dfn,
                         uint64_t gfn, uint64_t nr, unsigned int max_order)
{
    return max_order >= IOMMU_PT_SHIFT && nr >= STEP_PAGES &&
           !((dfn | gfn) & (STEP_PAGES - 1)) &&
           (ctx_caps(ctx)->pgsize_bitmap & MB(2));
}

/* Write leaves where the owner may map. *bound: see iommu_ctx_write(). */
static int leaves_write(struct iommu_ctx *ctx, uint64_t dfn, unsigned int order,
                        const iommu_leaf_t *leaf, unsigned int nr,
                        enum iommu_ctx_bound *bound)
{
    int rc = iommu_ctx_write(ctx, dfn, order, leaf, nr, false, bound);

    if ( rc == -EIO )
        iommu_ctx_break(ctx);

    return rc;
}

/*
 * As leaves_write(), but reclaim empty tables when tables run out. -ENOMEM:
 * nothing to reclaim. -ERESTART: time is up, or other callers took each table.
 */
static int leaves_write_or_reclaim(struct iommu_ctx *ctx, uint64_t dfn,
                                   unsigned int order, const iommu_leaf_t *leaf,
                                   unsigned int nr)
{
    enum iommu_ctx_bound bound;
    int rc, done = leaves_write(ctx, dfn, order, leaf, nr, &bound);

    while ( done == -ENOMEM )
    {
        rc = iommu_ctx_reclaim(ctx->owner, ctx, bound);
        if ( rc )
            return rc;

        done = leaves_write(ctx, dfn, order, leaf, nr, &bound);
        if ( done == -ENOMEM && hypercall_preempt_check() )
            return -ERESTART;
    }

    return done;
}

/* Write leaves. Consumes the references that the caller took for them. */
static int64_t leaves_map(struct iommu_ctx *ctx, uint64_t dfn,
                          unsigned int order, const iommu_leaf_t *leaf,
                          unsigned int got, struct iommu_gather *g)
{
    int done = leaves_write_or_reclaim(ctx, dfn, order, leaf, got >> order);

    if ( done < 0 )
    {
        /* Broken: a device may have cached the leaves, so keep their frames. */
        if ( done != -EIO )
            frames_put(leaf, got);
        return done;
    }

    done <<= order;
    frames_put(leaf + done, got - done);
    if ( ctx_caps(ctx)->flush_on_map )
        gather_range(g, dfn, done);

    return done;
}

int64_t iommu_ctx_map(struct iommu_ctx *ctx, uint64_t dfn, uint64_t gfn,
                      uint64_t nr, unsigned int max_order, unsigned int flags,
                      struct iommu_gather *g)
{
    iommu_leaf_t *leaf = this_cpu(ctx_pinned).leaf;
    unsigned int got, step, order;
    bool large;
    int rc = 0;

    if ( read_atomic(&ctx->broken) )
        return -EIO;

    nr = iommu_ctx_mappable_unlocked(ctx, dfn, nr);
    if ( !nr )
        return -EADDRINUSE;

    large = large_wanted(ctx, dfn, gfn, nr, max_order);
    step = min_t(uint64_t, nr, STEP_PAGES - (dfn & (STEP_PAGES - 1)));
    got = iommu_ctx_frames_get(ctx->owner, gfn, step, flags, leaf, &rc);
    /* A large leaf is taken whole or not at all. */
    if ( !got || (large && got < STEP_PAGES) )
    {
        frames_put(leaf, got);
        return rc;
    }

    order = large && contiguous(leaf, IOMMU_PT_SHIFT) ? IOMMU_PT_SHIFT : 0;

    return leaves_map(ctx, dfn, order, leaf, got, g);
}

unsigned int iommu_ctx_map_runs(struct iommu_ctx *ctx, uint64_t dfn,
                                const struct iommu_ctx_run *run,
                                unsigned int nr_runs, struct iommu_gather *g)
{
    iommu_leaf_t *leaf = this_cpu(ctx_pinned).leaf;
    unsigned int i, got = 0;
    int rc = 0;
    int64_t done;

    if ( read_atomic(&ctx->broken) )
        return 0;

    for ( i = 0; i < nr_runs && !rc; i++ )
        got += iommu_ctx_frames_get(ctx->owner, run[i].gfn, run[i].nr,
                                    run[i].flags, leaf + got, &rc);
    done = got ? leaves_map(ctx, dfn, 0, leaf, got, g) : 0;

    return max_t(int64_t, done, 0);
}

static int64_t unmap_into(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr,
                          struct iommu_gather *g)
{
    int64_t done;

    spin_lock(&ctx->lock);
    nr = iommu_ctx_unmappable(ctx, dfn, nr);
    done = nr ? iommu_pt_unmap(&ctx->pt, dfn, nr, g, UNMAP_BUDGET)
              : -EADDRINUSE;
    spin_unlock(&ctx->lock);

    return done;
}

int64_t iommu_ctx_unmap(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr,
                        struct iommu_gather *g)
{
    int rc = 0;

    if ( read_atomic(&ctx->broken) )
        return -EIO;

    if ( g->nr == g->max )
        rc = iommu_ctx_flush(ctx, g);

    return rc ?: unmap_into(ctx, dfn, nr, g);
}

int64_t iommu_ctx_unmap_park(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr)
{
    unsigned int tries;

    for ( tries = 0; tries < PARK_TRIES; tries++ )
    {
        int64_t done;
        int rc = 0;

        if ( read_atomic(&ctx->broken) )
            return -EIO;

        /* Other CPUs may fill the array again at once: flush again then. */
        if ( read_atomic(&ctx->parked.nr) == STEP_PAGES )
            rc = iommu_ctx_sync(ctx);
        done = rc ?: unmap_into(ctx, dfn, nr, &ctx->parked);
        if ( done )
            return done;
    }

    return -ERESTART;
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

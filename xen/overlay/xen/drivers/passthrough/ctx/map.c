/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mapping, unmapping and flushing in a context.
 *
 * Map: take the references of a run's frames, then write the leaves under the
 * lock, then drop what was not used. Unmap: move the leaves into the gather
 * under the lock, flush without it, then drop what they hold. So a frame that
 * a device may still reach is always held.
 *
 * The arrays for both are per CPU. A hypercall is not preempted, so they are
 * the caller's from one call here to the next, until it returns to the guest.
 *
 * A translated domain may also leave the flush to later. Such leaves are parked
 * on the context, and one array is being flushed while the other is filled. Not
 * so for PV: its kernel would find a page that it has freed, and wants to make
 * a page table, still typed writable.
 */
#include <xen/event.h>
#include <xen/iommu.h>
#include <xen/iommu-ctx.h>
#include <xen/lib.h>
#include <xen/paging.h>
#include <xen/percpu.h>
#include <xen/xmalloc.h>

#define STEP_PAGES          IOMMU_PT_ENTRIES
/* Entries and tables looked at before an unmap can be preempted. */
#define UNMAP_BUDGET        768U
/* Flushes for room that others then took, before an unmap can be preempted. */
#define PARK_TRIES          4U

struct ctx_scratch {
    iommu_leaf_t pinned[STEP_PAGES];
    iommu_leaf_t gathered[STEP_PAGES];
    struct iommu_gather gather;
};
static DEFINE_PER_CPU(struct ctx_scratch, ctx_scratch);

static const struct iommu_ctx_caps *ctx_caps(const struct iommu_ctx *ctx)
{
    return &ctx->tbl->caps;
}

struct iommu_gather *iommu_ctx_gather(void)
{
    struct ctx_scratch *s = &this_cpu(ctx_scratch);

    iommu_gather_init(&s->gather, s->gathered, STEP_PAGES);

    return &s->gather;
}

static void gather_range(struct iommu_gather *g, uint64_t dfn, uint64_t nr)
{
    g->first = min(g->first, dfn);
    g->end = max(g->end, dfn + nr);
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

static int flush_and_release(struct iommu_ctx *ctx, struct iommu_gather *g)
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

int iommu_ctx_flush(struct iommu_ctx *ctx, struct iommu_gather *g)
{
    int rc = flush_and_release(ctx, g);

    if ( rc )
        iommu_ctx_break(ctx);

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

int iommu_ctx_sync(struct iommu_ctx *ctx)
{
    struct iommu_gather g;
    int rc;

    if ( !ctx->spare )
        return 0;

    /* Whoever was first has it until its flush is done: then ours is, too. */
    spin_lock(&ctx->sync_lock);
    spin_lock(&ctx->lock);
    g = ctx->parked;
    iommu_gather_init(&ctx->parked, ctx->spare, STEP_PAGES);
    spin_unlock(&ctx->lock);

    rc = flush_and_release(ctx, &g);
    ctx->spare = g.leaf;
    spin_unlock(&ctx->sync_lock);

    if ( rc )
        iommu_ctx_break(ctx);

    return rc;
}

static void frames_put(const iommu_leaf_t *leaf, unsigned int nr)
{
    while ( nr-- )
        iommu_ctx_frame_put(leaf[nr]);
}

/* Do the leaves make one of a larger order? All have the same rights. */
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

/* Write leaves where the owner may have some. *bound: see iommu_ctx_write(). */
static int leaves_write(struct iommu_ctx *ctx, uint64_t dfn, unsigned int order,
                        const iommu_leaf_t *leaf, unsigned int nr,
                        enum iommu_ctx_bound *bound)
{
    return iommu_ctx_write(ctx, dfn, order, leaf, nr, false, bound);
}

int iommu_ctx_write(struct iommu_ctx *ctx, uint64_t dfn, unsigned int order,
                    const iommu_leaf_t *leaf, unsigned int nr, bool direct,
                    enum iommu_ctx_bound *bound)
{
    PAGE_LIST_HEAD(retired);
    bool unlinked = false;
    int done;

    spin_lock(&ctx->lock);
    if ( !direct && iommu_ctx_mappable(ctx, dfn, (uint64_t)nr << order) !=
                    (uint64_t)nr << order )
        done = -EADDRINUSE;
    else
        done = iommu_pt_map(&ctx->pt, dfn, order, leaf, nr, &unlinked);
    /* Where a table was taken out just now IOMMUs may still see it, empty. */
    if ( done > 0 && ctx->pruning )
        unlinked = true;
    page_list_move(&retired, &ctx->retired);
    *bound = ctx->bound;
    spin_unlock(&ctx->lock);

    if ( unlinked )
    {
        if ( iommu_ctx_flush_range(ctx, dfn, dfn + ((uint64_t)nr << order)) )
        {
            iommu_ctx_break(ctx);
            return -EIO;
        }
        iommu_ctx_free_tables(ctx, &retired);
    }

    return done;
}

/*
 * The same; if it fails for want of tables, with those taken back that are
 * empty. -ENOMEM: there are none. -ERESTART: time is up, or another caller was
 * faster each time.
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

/* Write leaves whose references the caller has taken, or drop these. */
static int64_t leaves_map(struct iommu_ctx *ctx, uint64_t dfn,
                          unsigned int order, const iommu_leaf_t *leaf,
                          unsigned int got, struct iommu_gather *g)
{
    int done = leaves_write_or_reclaim(ctx, dfn, order, leaf, got >> order);

    if ( done < 0 )
    {
        /* Broken: the device may have seen the leaves, keep what they hold. */
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
    iommu_leaf_t *leaf = this_cpu(ctx_scratch).pinned;
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
    iommu_leaf_t *leaf = this_cpu(ctx_scratch).pinned;
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

        /* Others may fill it again at once: then we flush for them. */
        if ( read_atomic(&ctx->parked.nr) == STEP_PAGES )
            rc = iommu_ctx_sync(ctx);
        done = rc ?: unmap_into(ctx, dfn, nr, &ctx->parked);
        if ( done )
            return done;
    }

    return -ERESTART;
}

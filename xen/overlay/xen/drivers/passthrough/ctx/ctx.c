/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU contexts: the objects, their table, their memory and their end.
 *
 * A context ends in steps, because it can be large: CTX_FREE marks it dying
 * (from then on nobody finds it), waits until it is the last user, unmaps,
 * flushes and releases as much as fits before preemption, and only then gives
 * back domain ids, tables and the number.
 */
#include <xen/err.h>
#include <xen/event.h>
#include <xen/init.h>
#include <xen/iommu.h>
#include <xen/iommu-ctx.h>
#include <xen/lib.h>
#include <xen/softirq.h>
#include <xen/xmalloc.h>

#include "pt-env.h"

/*
 * Entries and tables looked at between two checks for preemption, and empty
 * tables, each of which costs several times as much: some 100000 instructions.
 */
#define FREE_BUDGET         768U
#define PRUNE_BUDGET        128U
/* Tables looked at in each context when memory is wanted. */
#define RECLAIM_BUDGET      64U

/*
 * Memory of page tables, for pt.c. Anonymous pages: no domain can reach them.
 */
static struct iommu_ctx *pt_ctx(struct iommu_pt *pt)
{
    return container_of(pt, struct iommu_ctx, pt);
}

uint64_t pt_table_alloc(struct iommu_pt *pt)
{
    struct iommu_ctx *ctx = pt_ctx(pt);
    struct page_info *pg;
    void *table;

    ctx->bound = iommu_ctx_page_take(ctx);
    if ( ctx->bound != IOMMU_CTX_BOUND_NONE )
        return 0;

    pg = alloc_domheap_page(NULL, 0);
    if ( !pg )
    {
        iommu_ctx_page_give(ctx);
        return 0;
    }

    /* Not in use for anything else while the page has no owner: occupancy. */
    pg->u.inuse.type_info = 0;

    table = __map_domain_page(pg);
    /* Written back by pt.c as a whole, with what it puts there, when linked. */
    clear_page(table);
    unmap_domain_page(table);

    return page_to_maddr(pg);
}

void pt_table_free(struct iommu_pt *pt, uint64_t maddr)
{
    free_domheap_page(maddr_to_page(maddr));
    iommu_ctx_page_give(pt_ctx(pt));
}

void pt_table_retire(struct iommu_pt *pt, uint64_t maddr)
{
    page_list_add_tail(maddr_to_page(maddr), &pt_ctx(pt)->retired);
}

void pt_table_sync(const struct iommu_pt *pt, const void *addr,
                   unsigned int bytes)
{
    iommu_sync_cache(addr, bytes);
}

void iommu_ctx_free_tables(struct iommu_ctx *ctx, struct page_list_head *tables)
{
    struct page_info *pg;

    while ( (pg = page_list_remove_head(tables)) )
        pt_table_free(&ctx->pt, page_to_maddr(pg));
}

/* Objects. */

void iommu_ctx_destroy(struct iommu_ctx *ctx)
{
    const struct iommu_ops *ops = dom_iommu(ctx->owner)->platform_ops;

    ASSERT(pcidevs_locked());

    iommu_vcall(ops, ctx_fini, ctx);
    if ( ctx->pt.root )
        iommu_pt_fini(&ctx->pt);
    iommu_ctx_park_fini(ctx);
    xfree(ctx);
}

struct iommu_ctx *iommu_ctx_create(struct domain *d, struct iommu_ctx_tbl *tbl,
                                   unsigned int id, bool reserve,
                                   unsigned int pt_pages_max,
                                   enum iommu_ctx_bound *bound)
{
    const struct iommu_ctx_caps *caps = &tbl->caps;
    const struct iommu_ops *ops = dom_iommu(d)->platform_ops;
    struct iommu_ctx *ctx = xzalloc(struct iommu_ctx);
    int rc;

    *bound = IOMMU_CTX_BOUND_NONE;
    if ( !ctx )
        return ERR_PTR(-ENOMEM);

    ctx->owner = d;
    ctx->tbl = tbl;
    ctx->id = id;
    atomic_set(&ctx->refs, 1);
    spin_lock_init(&ctx->lock);
    INIT_PAGE_LIST_HEAD(&ctx->retired);
    INIT_LIST_HEAD(&ctx->direct);
    INIT_LIST_HEAD(&ctx->members);
    iommu_ctx_limits_init(ctx, reserve, pt_pages_max);

    rc = iommu_ctx_park_init(ctx);
    /* In BLOCKED nothing may fail later: it takes what attaching needs now. */
    if ( !rc )
        rc = iommu_call(ops, ctx_init, ctx, id == XEN_PV_IOMMU_CTX_BLOCKED);
    if ( !rc )
        rc = iommu_pt_init(&ctx->pt, caps->fmt, caps->levels, caps->pin_level);
    if ( rc )
    {
        *bound = ctx->bound;
        iommu_ctx_destroy(ctx);
        return ERR_PTR(rc);
    }

    return ctx;
}

static struct iommu_ctx_tbl *table_create(struct domain *d)
{
    const struct iommu_ops *ops = dom_iommu(d)->platform_ops;
    struct iommu_ctx_tbl *tbl = xzalloc(struct iommu_ctx_tbl);
    enum iommu_ctx_bound bound;

    if ( !tbl )
        return ERR_PTR(-ENOMEM);

    rwlock_init(&tbl->lock);
    radix_tree_init(&tbl->tree);
    spin_lock_init(&tbl->faults.lock);
    iommu_ctx_quota_init(tbl);
    iommu_vcall(ops, ctx_caps, &tbl->caps);

    tbl->blocked = iommu_ctx_create(d, tbl, XEN_PV_IOMMU_CTX_BLOCKED, true, 0,
                                    &bound);
    if ( IS_ERR(tbl->blocked) )
    {
        int rc = PTR_ERR(tbl->blocked);

        xfree(tbl);
        return ERR_PTR(rc);
    }

    /* A failure is said loudly; what does not work will not work anyway. */
    (void)iommu_ctx_selftest(d, tbl);

    /* Other CPUs find the table complete, as long as the domain lives. */
    smp_wmb();
    write_atomic(&dom_iommu(d)->ctxs, tbl);

    return tbl;
}

struct iommu_ctx_tbl *iommu_ctx_table_ready(const struct domain *d)
{
    return read_atomic(&dom_iommu(d)->ctxs);
}

struct iommu_ctx_tbl *iommu_ctx_table(struct domain *d)
{
    struct iommu_ctx_tbl *tbl = iommu_ctx_table_ready(d);
    int rc;

    if ( likely(tbl) )
        return tbl;

    rc = iommu_ctx_arch_permitted(d);
    if ( rc || !dom_iommu(d)->platform_ops->ctx_caps )
        return ERR_PTR(rc ?: -EOPNOTSUPP);

    pcidevs_lock();
    tbl = dom_iommu(d)->ctxs ?: table_create(d);
    pcidevs_unlock();

    return tbl;
}

/* Nobody can be using it: the domain is dying and its contexts are gone. */
void iommu_ctx_table_destroy(struct domain *d)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;

    pcidevs_lock();
    iommu_ctx_destroy(tbl->blocked);
    dom_iommu(d)->ctxs = NULL;
    pcidevs_unlock();

    ASSERT(!tbl->nr);
    if ( tbl->pt_pages )
        printk(XENLOG_WARNING
               "%pd: %u pages of IOMMU tables kept: a flush had failed\n",
               d, tbl->pt_pages);
    radix_tree_destroy(&tbl->tree, NULL);
    xfree(tbl);
}

static unsigned int next_id(struct iommu_ctx_tbl *tbl)
{
    unsigned int id = tbl->last_id;

    /* The most that nr-ctx= may be is far less than there are numbers. */
    do {
        id = id < XEN_PV_IOMMU_CTX_LAST ? id + 1 : XEN_PV_IOMMU_CTX_FIRST;
    } while ( radix_tree_lookup(&tbl->tree, id) );

    return id;
}

static int table_insert(struct iommu_ctx_tbl *tbl, struct iommu_ctx *ctx)
{
    int rc = -ENOSPC;

    write_lock(&tbl->lock);
    if ( iommu_ctx_number_take(ctx) )
    {
        ctx->id = next_id(tbl);
        rc = radix_tree_insert(&tbl->tree, ctx->id, ctx);
        if ( rc )
            iommu_ctx_number_give(ctx);
        else
            tbl->last_id = ctx->id;
    }
    write_unlock(&tbl->lock);

    return rc;
}

int iommu_ctx_alloc(struct domain *d, bool reserve, unsigned int pt_pages_max,
                    unsigned int *id)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;
    enum iommu_ctx_bound bound;
    struct iommu_ctx *ctx;
    int rc;

    pcidevs_lock();
    ctx = iommu_ctx_create(d, tbl, XEN_PV_IOMMU_CTX_INVALID, reserve,
                           pt_pages_max, &bound);
    if ( IS_ERR(ctx) )
        rc = PTR_ERR(ctx);
    else if ( (rc = table_insert(tbl, ctx)) )
        iommu_ctx_destroy(ctx);
    else
        *id = ctx->id;
    pcidevs_unlock();

    if ( rc == -ENOMEM )
        rc = iommu_ctx_reclaim(d, NULL, bound) ?: -ERESTART;

    return rc;
}

struct iommu_ctx *iommu_ctx_get(struct domain *d, unsigned int id)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;
    struct iommu_ctx *ctx;

    if ( id == XEN_PV_IOMMU_CTX_BLOCKED )
    {
        atomic_inc(&tbl->blocked->refs);
        return tbl->blocked;
    }

    read_lock(&tbl->lock);
    ctx = radix_tree_lookup(&tbl->tree, id);
    if ( ctx && ctx->dying )
        ctx = NULL;
    if ( ctx )
        atomic_inc(&ctx->refs);
    read_unlock(&tbl->lock);

    return ctx;
}

void iommu_ctx_put(struct iommu_ctx *ctx)
{
    ASSERT(atomic_read(&ctx->refs) > 1);
    /* What this user did with it comes before: see only_user(). */
    smp_mb__before_atomic();
    atomic_dec(&ctx->refs);
}

/* Devices are in it, or an IOMMU uses it for one that is not any more. */
static bool is_busy(struct iommu_ctx *ctx)
{
    return !list_empty(&ctx->members) ||
           iommu_call(dom_iommu(ctx->owner)->platform_ops, ctx_in_use, ctx);
}

/* Only the table's reference is left, and nobody can get another. */
static bool only_user(const struct iommu_ctx *ctx)
{
    ASSERT(ctx->dying);

    if ( atomic_read(&ctx->refs) > 1 )
        return false;
    /* Pairs with iommu_ctx_put(): all that the others did is done. */
    smp_mb();

    return true;
}

/*
 * CTX_FREE, by steps. A dying context is found again by whoever continues;
 * `freeing` keeps a second caller out while one is at work.
 */
static struct iommu_ctx *free_begin(struct iommu_ctx_tbl *tbl, unsigned int id)
{
    struct iommu_ctx *ctx;

    ASSERT(pcidevs_locked());

    read_lock(&tbl->lock);
    ctx = radix_tree_lookup(&tbl->tree, id);
    read_unlock(&tbl->lock);

    /* It stays in the table as long as pcidevs_lock is held. */
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

        /* A context without members that cannot be flushed: leak the leaves. */
        (void)iommu_ctx_flush(ctx, g);

        if ( hypercall_preempt_check() )
            return -ERESTART;
    }

    return 0;
}

/*
 * One step of giving empty tables back, from *cursor on. ctx->lock is held on
 * entry and not on return. Returns true at the end of the tree.
 */
static bool prune_step(struct iommu_ctx *ctx, uint64_t *cursor,
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
    /* Who maps there now must flush himself: the old table may be cached. */
    ctx->pruning++;
    spin_unlock(&ctx->lock);

    /*
     * Not flushed: not ours to give away, the quota keeps count of it. And
     * what is mapped where they were may not be in force.
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

static int free_tables(struct iommu_ctx *ctx)
{
    bool done = false, unlinked = false;
    uint64_t cursor = 0;

    while ( !done )
    {
        spin_lock(&ctx->lock);
        done = prune_step(ctx, &cursor, PRUNE_BUDGET, &unlinked);

        /* What was pruned is gone from the tree: starting over is cheap. */
        if ( !done && hypercall_preempt_check() )
            return -ERESTART;
    }

    return 0;
}

int iommu_ctx_empty(struct iommu_ctx *ctx)
{
    return free_leaves(ctx) ?: free_tables(ctx);
}

struct iommu_ctx *iommu_ctx_get_next(struct domain *d, unsigned int *id)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;
    struct iommu_ctx *ctx = NULL;

    read_lock(&tbl->lock);
    while ( radix_tree_gang_lookup(&tbl->tree, (void **)&ctx, *id, 1) )
    {
        *id = ctx->id + 1;
        if ( !ctx->dying )
        {
            atomic_inc(&ctx->refs);
            break;
        }
        ctx = NULL;
    }
    read_unlock(&tbl->lock);

    return ctx;
}

/*
 * As iommu_ctx_reclaim(), for one context; -EBUSY: another CPU works in it.
 * There is at least one step, and the cursor stays: a caller that has to come
 * again gets on each time.
 */
static int reclaim_from(struct iommu_ctx *ctx)
{
    bool unlinked = false;

    while ( read_atomic(&ctx->pt.nr_empty) )
    {
        /* No two of these locks are ever held together. */
        if ( !spin_trylock(&ctx->lock) )
            return -EBUSY;

        prune_step(ctx, &ctx->prune_cursor, RECLAIM_BUDGET, &unlinked);
        if ( unlinked )
            return 0;
        if ( hypercall_preempt_check() )
            return -ERESTART;
    }

    /* What another CPU took out is about to be free. */
    return read_atomic(&ctx->pruning) ? -EBUSY : -ENOMEM;
}

/* From the first context that has some and whose tables count there, too. */
static int reclaim_from_any(struct domain *d, bool plain_only)
{
    struct iommu_ctx *ctx;
    unsigned int id = 0;
    int rc = -ENOMEM;

    while ( (ctx = iommu_ctx_get_next(d, &id)) )
    {
        int ret = plain_only && ctx->reserve ? -ENOMEM : reclaim_from(ctx);

        iommu_ctx_put(ctx);
        /* Others may have what a busy one has; it will not be busy for long. */
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

    /* Users that found it before it was dying finish without our help. */
    rc = only_user(ctx) ? iommu_ctx_empty(ctx) : -ERESTART;
    if ( rc )
        free_pause(tbl, ctx);
    else
        free_end(tbl, ctx);

    return rc;
}

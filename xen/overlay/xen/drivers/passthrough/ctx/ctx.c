/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU contexts: the objects, and the table that a domain has of them.
 */
#include <xen/err.h>
#include <xen/init.h>
#include <xen/iommu.h>
#include <xen/lib.h>
#include <xen/xmalloc.h>

#include "ctx.h"

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
    /* Nothing may fail later in BLOCKED: allocate now what attaching needs. */
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

/*
 * Run the self-test in a context that is not in the table. The self-test logs a
 * failure; the table is used regardless.
 */
static void table_selftest(struct domain *d, struct iommu_ctx_tbl *tbl)
{
    enum iommu_ctx_bound bound;
    struct iommu_ctx *ctx = iommu_ctx_create(d, tbl, XEN_PV_IOMMU_CTX_INVALID,
                                             true, 0, &bound);

    if ( IS_ERR(ctx) )
        return;

    (void)iommu_ctx_selftest(ctx);
    iommu_ctx_destroy(ctx);
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

    if ( IS_ENABLED(CONFIG_IOMMU_CTX_SELFTEST) )
        table_selftest(d, tbl);

    /* Other CPUs see a complete table, as long as the domain exists. */
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

/* The table has no user: the domain is dying and its contexts are gone. */
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

    /* The loop ends: the limit of nr-ctx= is far below the number of ids. */
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
                    unsigned int *id, enum iommu_ctx_bound *bound)
{
    struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;
    struct iommu_ctx *ctx;
    int rc;

    pcidevs_lock();
    ctx = iommu_ctx_create(d, tbl, XEN_PV_IOMMU_CTX_INVALID, reserve,
                           pt_pages_max, bound);
    if ( IS_ERR(ctx) )
        rc = PTR_ERR(ctx);
    else if ( (rc = table_insert(tbl, ctx)) )
        iommu_ctx_destroy(ctx);
    else
        *id = ctx->id;
    pcidevs_unlock();

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

void iommu_ctx_put(struct iommu_ctx *ctx)
{
    ASSERT(atomic_read(&ctx->refs) > 1);
    /* Order this user's accesses before the put: see only_user() in end.c. */
    smp_mb__before_atomic();
    atomic_dec(&ctx->refs);
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions that a device needs mapped 1:1 (RMRR), and the frames of a context
 * that its owner cannot map.
 *
 * A region is mapped in a context before its first device enters, and unmapped
 * after its last device has left. A region may be large: it is mapped in steps,
 * by leaves of order 9 where it is aligned. After -ERESTART the caller drops
 * its locks and calls again, and the work continues where it stopped. After
 * -ENOMEM a caller that has freed memory may do the same. From the first step
 * on the owner can neither map nor unmap in the region.
 *
 * A region without users is being mapped, or its mapping was given up. In the
 * second case the device was unplugged between two steps, or the caller of
 * ATTACH changed its array. The next device that leaves the context or fails to
 * enter it removes these regions.
 *
 * The caller of ATTACH may leave out a device's DIRECT_RELAXABLE regions. Xen
 * records which regions a device has in its context until the device leaves:
 * their types are not reliable after the device was unplugged.
 *
 * Regions may overlap. A large leaf then stays whole while any region needs a
 * page of it.
 *
 * Lists and leaves are protected by ctx->lock, which each step takes anew. The
 * rest of a region is protected by pcidevs_lock.
 */
#include <xen/iommu.h>
#include <xen/xmalloc.h>

#include "ctx.h"

/* Leaves written or removed with ctx->lock held once. */
#define DIRECT_LEAVES       32U
/* Steps made with pcidevs_lock held once. */
#define DIRECT_STEPS        16U
/* Regions of a device that pci_dev.ctx_regions can represent. */
#define DIRECT_MAX          64U

struct ctx_direct {
    struct list_head list;      /* iommu_ctx.direct */
    uint64_t dfn, nr;
    uint64_t done;              /* pages from dfn on that are mapped */
    unsigned int users;         /* devices */
};

/* The number of pages of [dfn, dfn + nr) before [start, start + len). */
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

/* The owner can map nothing where writes are interrupts. */
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
    /* IOMMUs may still see a table, empty, that was taken out just now. */
    if ( done > 0 && ctx->pruning )
        unlinked = true;
    page_list_move(&retired, &ctx->retired);
    *bound = ctx->bound;
    spin_unlock(&ctx->lock);

    if ( unlinked )
    {
        if ( iommu_ctx_flush_range(ctx, dfn, dfn + ((uint64_t)nr << order)) )
            return -EIO;
        iommu_ctx_free_tables(ctx, &retired);
    }

    return done;
}

/*
 * No frame has a type reference without a reference. This combination marks our
 * leaves: equal leaves that the owner made lack it. Leaves of both kinds hold
 * nothing.
 */
static iommu_leaf_t direct_leaf(uint64_t dfn, unsigned int order)
{
    return (dfn << PAGE_SHIFT) | IOMMU_LEAF_R | IOMMU_LEAF_W | IOMMU_LEAF_TYPE |
           ((order / IOMMU_PT_SHIFT) << IOMMU_LEAF_ORDER_SHIFT);
}

/*
 * Look up the leaf that covers dfn: *first is its first page, *nr its number of
 * pages. Returns the leaf. If none covers dfn, returns 0 and that one page.
 */
static iommu_leaf_t leaf_at(const struct iommu_ctx *ctx, uint64_t dfn,
                            uint64_t *first, uint64_t *nr)
{
    iommu_leaf_t leaf;

    if ( iommu_pt_lookup(&ctx->pt, dfn, &leaf) )
        leaf = 0;
    *nr = 1ULL << iommu_leaf_order(leaf);
    *first = dfn & ~(*nr - 1);

    return leaf;
}

/* Mapping. */

/*
 * An existing leaf serves a region if it equals the region's, whether the owner
 * made it or Xen made it for another region. Returns how many pages from dfn on
 * it covers, 0 if no leaf is present, or -EADDRINUSE if the leaf differs.
 */
static int64_t direct_served(struct iommu_ctx *ctx, uint64_t dfn)
{
    uint64_t first, nr;
    iommu_leaf_t leaf;

    spin_lock(&ctx->lock);
    leaf = leaf_at(ctx, dfn, &first, &nr);
    spin_unlock(&ctx->lock);

    if ( !leaf )
        return 0;
    if ( (leaf | IOMMU_LEAF_TYPE) !=
         direct_leaf(first, iommu_leaf_order(leaf)) )
        return -EADDRINUSE;

    return first + nr - dfn;
}

static bool large_fits(const struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr)
{
    return !(dfn & (IOMMU_PT_ENTRIES - 1)) && nr >= IOMMU_PT_ENTRIES &&
           (dom_iommu(ctx->owner)->ctxs->caps.pgsize_bitmap & MB(2));
}

/* Write some leaves of one order. Returns 0 or -errno. */
static int direct_write(struct iommu_ctx *ctx, struct ctx_direct *r,
                        unsigned int order)
{
    uint64_t was = r->done, dfn = r->dfn + was;
    unsigned int room = IOMMU_PT_ENTRIES -
                        ((dfn >> order) & (IOMMU_PT_ENTRIES - 1));
    unsigned int i, nr = min_t(uint64_t, (r->nr - was) >> order,
                               min(room, DIRECT_LEAVES));
    iommu_leaf_t leaf[DIRECT_LEAVES];
    enum iommu_ctx_bound bound;
    int done;

    for ( i = 0; i < nr; i++ )
        leaf[i] = direct_leaf(dfn + ((uint64_t)i << order), order);

    /* If a flush fails, the leaves are present nevertheless. */
    r->done = was + ((uint64_t)nr << order);
    done = iommu_ctx_write(ctx, dfn, order, leaf, nr, true, &bound);
    if ( done == -EIO )
        return done;
    r->done = was + (done < 0 ? 0 : (uint64_t)done << order);

    return min(done, 0);
}

static int direct_step(struct iommu_ctx *ctx, struct ctx_direct *r)
{
    uint64_t dfn = r->dfn + r->done, nr = r->nr - r->done;
    int64_t served = direct_served(ctx, dfn);
    int rc = -EEXIST;

    if ( served < 0 )
        return served;
    if ( served )
    {
        r->done += min_t(uint64_t, served, nr);
        return 0;
    }

    if ( large_fits(ctx, dfn, nr) )
        rc = direct_write(ctx, r, IOMMU_PT_SHIFT);

    /* A table that has leaves further on may be in the way. */
    return rc == -EEXIST ? direct_write(ctx, r, 0) : rc;
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

static struct ctx_direct *direct_new(struct iommu_ctx *ctx,
                                     const struct iommu_ctx_resv *resv)
{
    struct ctx_direct *r = xzalloc(struct ctx_direct);

    if ( r )
    {
        r->dfn = PFN_DOWN(resv->start);
        r->nr = PFN_DOWN(resv->last) + 1 - r->dfn;
        spin_lock(&ctx->lock);
        list_add(&r->list, &ctx->direct);
        spin_unlock(&ctx->lock);
    }

    return r;
}

static int direct_get(struct iommu_ctx *ctx, const struct iommu_ctx_resv *resv,
                      unsigned int *steps)
{
    struct ctx_direct *r = direct_find(ctx, resv) ?: direct_new(ctx, resv);
    int rc = 0;

    if ( !r )
        return -ENOMEM;

    while ( !rc && r->done < r->nr )
    {
        if ( !*steps )
            return -ERESTART;
        --*steps;
        rc = direct_step(ctx, r);
    }
    if ( !rc )
        r->users++;

    return rc;
}

/* Unmapping. */

/* True if a region other than `but` needs any of these pages. */
static bool direct_needed(const struct iommu_ctx *ctx, uint64_t dfn,
                          uint64_t nr, const struct ctx_direct *but)
{
    const struct ctx_direct *r;

    list_for_each_entry ( r, &ctx->direct, list )
        if ( r != but && dfn < r->dfn + r->done && r->dfn < dfn + nr )
            return true;

    return false;
}

/* True if the leaf at dfn is ours and only r needs it. Range: leaf_at(). */
static bool direct_useless(const struct iommu_ctx *ctx,
                           const struct ctx_direct *r, uint64_t dfn,
                           uint64_t *first, uint64_t *nr)
{
    iommu_leaf_t leaf = leaf_at(ctx, dfn, first, nr);

    return leaf == direct_leaf(*first, iommu_leaf_order(leaf)) &&
           !direct_needed(ctx, *first, *nr, r);
}

/*
 * Remove leaves from *dfn on, or skip one that must stay. The caller flushes
 * the range of the gather. The leaves hold nothing, so they need no release.
 */
static void direct_clear(struct iommu_ctx *ctx, const struct ctx_direct *r,
                         uint64_t *dfn, struct iommu_gather *g)
{
    uint64_t first, nr, from = *dfn;
    unsigned int n = 0;

    g->nr = 0;

    spin_lock(&ctx->lock);
    while ( direct_useless(ctx, r, *dfn, &first, &nr) )
    {
        from = min(from, first);
        *dfn = first + nr;
        if ( ++n == g->max || *dfn >= r->dfn + r->done )
            break;
    }
    if ( !n )
        *dfn = first + nr;
    else if ( iommu_pt_unmap(&ctx->pt, from, *dfn - from, g, UINT_MAX) !=
              *dfn - from )
        ASSERT_UNREACHABLE();
    spin_unlock(&ctx->lock);
}

/* Drop a region. Its owner can map there only after the flush. 0 or -EIO. */
static int direct_drop(struct iommu_ctx *ctx, struct ctx_direct *r)
{
    iommu_leaf_t leaf[DIRECT_LEAVES];
    struct iommu_gather g;
    uint64_t dfn = r->dfn;
    int rc = 0;

    iommu_gather_init(&g, leaf, ARRAY_SIZE(leaf));
    while ( dfn < r->dfn + r->done )
        direct_clear(ctx, r, &dfn, &g);
    if ( g.first < g.end )
        rc = iommu_ctx_flush_range(ctx, g.first, g.end);

    spin_lock(&ctx->lock);
    list_del(&r->list);
    spin_unlock(&ctx->lock);
    xfree(r);

    return rc;
}

static struct ctx_direct *direct_unused(const struct iommu_ctx *ctx)
{
    struct ctx_direct *r;

    list_for_each_entry ( r, &ctx->direct, list )
        if ( !r->users )
            return r;

    return NULL;
}

/* Drop all regions without users. Returns 0, or -EIO if a flush failed. */
static int direct_sweep(struct iommu_ctx *ctx)
{
    struct ctx_direct *r;
    int rc = 0;

    while ( (r = direct_unused(ctx)) )
        rc = direct_drop(ctx, r) ?: rc;

    return rc;
}

void iommu_ctx_direct_forget(struct iommu_ctx *ctx)
{
    struct ctx_direct *r;

    ASSERT(pcidevs_locked());

    while ( (r = direct_unused(ctx)) )
    {
        spin_lock(&ctx->lock);
        list_del(&r->list);
        spin_unlock(&ctx->lock);
        xfree(r);
    }
}

/* Devices. */

static void regions_unuse(struct iommu_ctx *ctx, struct pci_dev *pdev,
                          uint64_t held)
{
    const struct iommu_ops *ops = dom_iommu(ctx->owner)->platform_ops;
    struct iommu_ctx_resv resv;
    unsigned int index;

    for ( index = 0; held; index++, held >>= 1 )
    {
        struct ctx_direct *r;

        if ( !(held & 1) )
            continue;
        r = iommu_call(ops, ctx_dev_resv, pdev, index, &resv)
            ? NULL : direct_find(ctx, &resv);
        if ( r )
            r->users--;
        else
            ASSERT_UNREACHABLE();
    }
}

int iommu_ctx_direct_give_up(struct iommu_ctx *ctx)
{
    ASSERT(pcidevs_locked());

    return direct_sweep(ctx);
}

int iommu_ctx_direct_put(struct iommu_ctx *ctx, struct pci_dev *pdev,
                         uint64_t held)
{
    ASSERT(pcidevs_locked());

    regions_unuse(ctx, pdev, held);

    return direct_sweep(ctx);
}

static bool is_needed(const struct iommu_ctx_resv *resv, bool relax)
{
    return resv->type == XEN_PV_IOMMU_RESV_DIRECT ||
           (resv->type == XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE && !relax);
}

int iommu_ctx_direct_get(struct iommu_ctx *ctx, struct pci_dev *pdev,
                         bool relax, uint64_t *held)
{
    const struct iommu_ops *ops = dom_iommu(ctx->owner)->platform_ops;
    unsigned int index, steps = DIRECT_STEPS;
    struct iommu_ctx_resv resv;
    int rc = 0;

    ASSERT(pcidevs_locked());

    *held = 0;
    for ( index = 0; !rc && !iommu_call(ops, ctx_dev_resv, pdev, index, &resv);
          index++ )
    {
        if ( !is_needed(&resv, relax) )
            continue;
        rc = index < DIRECT_MAX ? direct_get(ctx, &resv, &steps) : -ENOMEM;
        if ( !rc )
            *held |= 1ULL << index;
    }
    if ( rc )
    {
        regions_unuse(ctx, pdev, *held);
        if ( rc != -ERESTART && rc != -ENOMEM )
            rc = direct_sweep(ctx) ?: rc;
    }

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

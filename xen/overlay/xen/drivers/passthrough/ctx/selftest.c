/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Self-test of the page tables of contexts, in this machine's memory and in its
 * IOMMUs' format, before the first context is used. The leaves hold no
 * references and no device walks the tree, so the frames do not matter.
 *
 * A range of 2 MiB slots is mapped and unmapped at random, each slot by one
 * large leaf or by some small ones. Every step is compared with a model.
 */
#include <xen/iommu.h>
#include <xen/lib.h>
#include <xen/xmalloc.h>

#include "ctx.h"

#define SLOTS               32U
#define STEPS               4000U
#define STEPS_UNFREED       256U        /* a few dozen tables at most */
#define BASE_DFN            0x40000U    /* 1 GiB */

/* model[]: small pages mapped from the slot's start; LARGE: one leaf. */
#define LARGE               (IOMMU_PT_ENTRIES + 1)

struct selftest {
    struct iommu_ctx *ctx;
    unsigned int model[SLOTS];
    uint32_t random;
    iommu_leaf_t leaf[IOMMU_PT_ENTRIES];
};

static unsigned int next_random(struct selftest *t)
{
    t->random = t->random * 1664525 + 1013904223;

    return t->random >> 16;
}

static uint64_t slot_dfn(unsigned int slot)
{
    return BASE_DFN + slot * IOMMU_PT_ENTRIES;
}

static iommu_leaf_t leaf_of(uint64_t dfn)
{
    return ((dfn ^ BASE_DFN) << PAGE_SHIFT) | IOMMU_LEAF_R;
}

static bool map_slot(struct selftest *t, unsigned int slot, bool large)
{
    unsigned int i, nr = 1 + next_random(t) % IOMMU_PT_ENTRIES;
    bool unlinked = false;
    int rc;

    if ( !(t->ctx->pt.fmt->max_order) )
        large = false;
    for ( i = 0; i < nr; i++ )
        t->leaf[i] = leaf_of(slot_dfn(slot) + i);

    rc = iommu_pt_map(&t->ctx->pt, slot_dfn(slot),
                      large ? IOMMU_PT_SHIFT : 0, t->leaf, large ? 1 : nr,
                      &unlinked);
    if ( t->model[slot] )
        return rc == -EEXIST;

    t->model[slot] = large ? LARGE : nr;

    return rc == (large ? 1 : nr);
}

static bool unmap_slot(struct selftest *t, unsigned int slot)
{
    struct iommu_gather g;
    unsigned int nr = t->model[slot];
    int64_t rc;

    iommu_gather_init(&g, t->leaf, IOMMU_PT_ENTRIES);
    rc = iommu_pt_unmap(&t->ctx->pt, slot_dfn(slot), IOMMU_PT_ENTRIES, &g,
                        2 * IOMMU_PT_ENTRIES);
    t->model[slot] = 0;

    return rc == IOMMU_PT_ENTRIES && g.nr == (nr == LARGE ? 1 : nr);
}

static bool check_slot(const struct selftest *t, unsigned int slot,
                       unsigned int page)
{
    uint64_t dfn = slot_dfn(slot), diff;
    bool large = t->model[slot] == LARGE;
    iommu_leaf_t leaf;
    int rc = iommu_pt_lookup(&t->ctx->pt, dfn + page, &leaf);

    if ( !large && page >= t->model[slot] )
        return rc == -ENOENT;

    diff = leaf ^ leaf_of(large ? dfn : dfn + page);

    return !rc && !(diff & IOMMU_LEAF_MADDR_MASK) &&
           iommu_leaf_order(leaf) == (large ? IOMMU_PT_SHIFT : 0);
}

static bool step(struct selftest *t)
{
    unsigned int slot = next_random(t) % SLOTS;
    unsigned int what = next_random(t) % 4;
    bool ok = what < 2 ? map_slot(t, slot, what) : unmap_slot(t, slot);

    return ok && check_slot(t, slot,
                            next_random(t) % IOMMU_PT_ENTRIES);
}

/* Retired tables that are not freed would use up a small quota. */
static bool free_retired(struct iommu_ctx *ctx)
{
    PAGE_LIST_HEAD(tables);

    spin_lock(&ctx->lock);
    page_list_move(&tables, &ctx->retired);
    spin_unlock(&ctx->lock);

    if ( iommu_ctx_flush_range(ctx, 0, 0) )
        return false;
    iommu_ctx_free_tables(ctx, &tables);

    return true;
}

static bool run(struct selftest *t)
{
    unsigned int i;
    bool ok = true;

    for ( i = 0; ok && i < STEPS; i++ )
    {
        spin_lock(&t->ctx->lock);
        ok = step(t);
        spin_unlock(&t->ctx->lock);

        if ( ok && !(i % STEPS_UNFREED) )
            ok = free_retired(t->ctx);
    }

    if ( !ok )
        printk(XENLOG_ERR "IOMMU contexts: self-test failed at step %u\n", i);

    return ok;
}

/* Unmap all slots and free all tables, whatever the test has found. */
static bool empty(struct selftest *t)
{
    struct iommu_ctx *ctx = t->ctx;
    bool done, unlinked = false;
    unsigned int slot;
    uint64_t cursor = 0;

    spin_lock(&ctx->lock);
    for ( slot = 0; slot < SLOTS; slot++ )
        (void)unmap_slot(t, slot);
    do {
        done = iommu_pt_prune(&ctx->pt, &cursor, UINT_MAX, &unlinked);
    } while ( !done );
    spin_unlock(&ctx->lock);

    return free_retired(ctx);
}

int iommu_ctx_selftest(struct iommu_ctx *ctx)
{
    unsigned int before = ctx->pt_pages;
    struct selftest *t = xzalloc(struct selftest);
    bool ok;

    if ( !t )
        return -ENOMEM;

    t->random = 1;
    t->ctx = ctx;
    ok = run(t);
    if ( !empty(t) )
        ok = false;
    xfree(t);

    if ( ctx->pt_pages != before )
    {
        printk(XENLOG_ERR "IOMMU contexts: self-test lost %d tables\n",
               (int)(ctx->pt_pages - before));
        ok = false;
    }
    if ( ok )
        printk(XENLOG_INFO "IOMMU contexts: self-test passed, %u steps\n",
               STEPS);

    return ok ? 0 : -EIO;
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

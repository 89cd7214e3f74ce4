/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The radix page-table builder of IOMMU contexts. xen/iommu-pt.h has the
 * contract; this comment describes how it is kept.
 *
 * Words: level 1 tables hold 4 KiB leaves, the root is of level pt->levels.
 * The span of a level is what one of its entries covers, 1 << (9 * (level - 1))
 * pages. A table is empty if none of its entries is present. It is void if it
 * is empty or has only void tables below: a leaf may replace a void table.
 *
 * Every table has a count of its present entries (pt_table_count()), so that
 * finding an empty table needs no scan. Only the CPU reads the counts.
 *
 * IOMMUs walk the tree while it changes. A new table is complete and written
 * back before the store that links it. An entry changes by one 64-bit store and
 * is written back before the function returns. Nothing is stored to a table
 * after it was unlinked.
 */

#include <xen/iommu-pt.h>

#include "pt-env.h"

/* Cost of a table in a budget, in addition to its entries. */
#define TABLE_COST      3U

/* Present: R or W. The rest of the format is the same at all levels. */
#define VTD_R           (1ULL << 0)
#define VTD_W           (1ULL << 1)
#define VTD_PS          (1ULL << 7)
/* Bits 52-61 are ignored by hardware. */
#define VTD_SW_REF      (1ULL << 56)
#define VTD_SW_TYPE     (1ULL << 57)

const struct iommu_pt_fmt iommu_pt_fmt_vtd = {
    .name = "vtd",
    .addr_mask = 0x000ffffffffff000ULL,
    .present_mask = VTD_R | VTD_W,
    /* Level 1: every present entry. Level 4: never, as no mask yields 1. */
    .leaf_mask = { 0, 0, VTD_PS, VTD_PS, 0 },
    .leaf_value = { 0, 0, VTD_PS, VTD_PS, 1 },
    .leaf_set = { 0, 0, VTD_PS, VTD_PS, 0 },
    .table_set = { 0, 0, VTD_R | VTD_W, VTD_R | VTD_W, VTD_R | VTD_W },
    .r = VTD_R,
    .w = VTD_W,
    .sw_ref = VTD_SW_REF,
    .sw_type = VTD_SW_TYPE,
    .max_order = 2 * IOMMU_PT_SHIFT,
};

/* The position of a walk from the root. */
struct walk {
    uint64_t table[IOMMU_PT_MAX_LEVELS + 1]; /* of each level passed */
    unsigned int level;
};

static unsigned int level_shift(unsigned int level)
{
    return IOMMU_PT_SHIFT * (level - 1);
}

static uint64_t level_span(unsigned int level)
{
    return 1ULL << level_shift(level);
}

static unsigned int entry_index(uint64_t dfn, unsigned int level)
{
    return (dfn >> level_shift(level)) & (IOMMU_PT_ENTRIES - 1);
}

static bool dfn_valid(const struct iommu_pt *pt, uint64_t dfn)
{
    return !(dfn >> (IOMMU_PT_SHIFT * pt->levels));
}

static bool pte_present(const struct iommu_pt_fmt *fmt, uint64_t pte)
{
    return pte & fmt->present_mask;
}

static bool pte_is_leaf(const struct iommu_pt_fmt *fmt, uint64_t pte,
                        unsigned int level)
{
    return (pte & fmt->leaf_mask[level]) == fmt->leaf_value[level];
}

static bool pte_is_table(const struct iommu_pt_fmt *fmt, uint64_t pte,
                         unsigned int level)
{
    return pte_present(fmt, pte) && !pte_is_leaf(fmt, pte, level);
}

static uint64_t pte_maddr(const struct iommu_pt_fmt *fmt, uint64_t pte)
{
    return pte & fmt->addr_mask;
}

static uint64_t leaf_to_pte(const struct iommu_pt_fmt *fmt, iommu_leaf_t leaf,
                            unsigned int level)
{
    return (leaf & IOMMU_LEAF_MADDR_MASK) | fmt->leaf_set[level] |
           ((leaf & IOMMU_LEAF_R) ? fmt->r : 0) |
           ((leaf & IOMMU_LEAF_W) ? fmt->w : 0) |
           ((leaf & IOMMU_LEAF_REF) ? fmt->sw_ref : 0) |
           ((leaf & IOMMU_LEAF_TYPE) ? fmt->sw_type : 0);
}

/* As leaf_to_pte(), given the entry `pte` of `like`: most share its flags. */
static uint64_t leaf_to_pte_like(const struct iommu_pt_fmt *fmt,
                                 iommu_leaf_t leaf, unsigned int level,
                                 iommu_leaf_t like, uint64_t pte)
{
    iommu_leaf_t differ = leaf ^ like;

    return differ & ~IOMMU_LEAF_MADDR_MASK ? leaf_to_pte(fmt, leaf, level)
                                           : pte ^ differ;
}

static void entry_set(const struct iommu_pt *pt, uint64_t *entry, uint64_t pte)
{
    pt_entry_write(entry, pte);
    pt_table_sync(pt, entry, sizeof(*entry));
}

/* True for the root, and for tables that IOMMUs of fewer levels start from. */
static bool table_pinned(const struct iommu_pt *pt, uint64_t dfn,
                         unsigned int level)
{
    return level >= pt->pin_level && !(dfn >> level_shift(level + 1));
}

/*
 * Add `more` to the count of the table of `level` that covers dfn. No other
 * function increments pt->nr_empty; table_retire() also decrements it.
 */
static void table_count_add(struct iommu_pt *pt, uint64_t maddr, uint64_t dfn,
                            unsigned int level, long more)
{
    unsigned long *count = pt_table_count(maddr);
    bool was_empty = !*count;

    *count += more;
    if ( was_empty != !*count && !table_pinned(pt, dfn, level) )
        pt->nr_empty += was_empty ? -1 : 1;
}

static uint64_t table_new(struct iommu_pt *pt)
{
    uint64_t maddr = pt_table_alloc(pt);

    if ( maddr )
    {
        *pt_table_count(maddr) = 0;
        pt->nr_tables++;
    }

    return maddr;
}

/* Drop the cached pointer to a table that is about to go. */
static void table_forget(struct iommu_pt *pt, uint64_t maddr)
{
    if ( pt->recent == maddr )
        pt->recent = 0;
}

static void table_free(struct iommu_pt *pt, uint64_t maddr)
{
    table_forget(pt, maddr);
    pt->nr_tables--;
    pt_table_free(pt, maddr);
}

static void table_retire(struct iommu_pt *pt, uint64_t maddr)
{
    table_forget(pt, maddr);
    pt->nr_tables--;
    pt->nr_empty -= !*pt_table_count(maddr);
    pt_table_retire(pt, maddr);
}

/*
 * Walk from the root along dfn to the table of level `target` and return 0,
 * without reading that table. If an entry on the way does not point to a table,
 * stop there and return that entry. A target of 0 always ends that way.
 */
static uint64_t walk_down(const struct iommu_pt *pt, struct walk *w,
                          uint64_t dfn, unsigned int target)
{
    w->level = pt->levels;
    w->table[w->level] = pt->root;

    while ( w->level > target )
    {
        const uint64_t *table = pt_table_map(w->table[w->level]);
        uint64_t pte = table[entry_index(dfn, w->level)];

        pt_table_unmap(table);

        if ( !pte_is_table(pt->fmt, pte, w->level) )
            return pte;

        w->level--;
        w->table[w->level] = pte_maddr(pt->fmt, pte);
    }

    return 0;
}

/*
 * As walk_down() with a target of 1, for callers that need only the last table.
 * Requests are often next to each other: the table of the previous request is
 * found without a walk.
 */
static uint64_t walk_to_leaves(struct iommu_pt *pt, struct walk *w,
                               uint64_t dfn)
{
    uint64_t pte;

    w->level = 1;
    w->table[1] = pt->recent;
    if ( pt->recent && pt->recent_range == dfn >> IOMMU_PT_SHIFT )
        return 0;

    pte = walk_down(pt, w, dfn, 1);
    if ( w->level == 1 )
    {
        pt->recent = w->table[1];
        pt->recent_range = dfn >> IOMMU_PT_SHIFT;
    }

    return pte;
}

/* Fill a table that is not linked yet with one entry that points to `child`. */
static void table_fill_link(const struct iommu_pt *pt, uint64_t maddr,
                            unsigned int level, unsigned int idx,
                            uint64_t child)
{
    uint64_t *table = pt_table_map(maddr);

    table[idx] = child | pt->fmt->table_set[level];
    pt_table_sync(pt, table, IOMMU_PT_ENTRIES * sizeof(*table));
    pt_table_unmap(table);
    *pt_table_count(maddr) = 1;
}

/* Fill a table that is not linked yet with `nr` leaves from entry idx on. */
static void table_fill_leaves(const struct iommu_pt *pt, uint64_t maddr,
                              unsigned int level, unsigned int idx,
                              const iommu_leaf_t *leaf, unsigned int nr)
{
    uint64_t *table = pt_table_map(maddr);
    unsigned int i;

    for ( i = 0; i < nr; i++ )
        table[idx + i] = leaf_to_pte(pt->fmt, leaf[i], level);

    pt_table_sync(pt, table, IOMMU_PT_ENTRIES * sizeof(*table));
    pt_table_unmap(table);
    *pt_table_count(maddr) = nr;
}

/* Link a child at the empty entry for dfn, in a table that IOMMUs may walk. */
static void table_link(struct iommu_pt *pt, uint64_t maddr, unsigned int level,
                       uint64_t dfn, uint64_t child)
{
    uint64_t *table = pt_table_map(maddr);

    entry_set(pt, &table[entry_index(dfn, level)],
              child | pt->fmt->table_set[level]);
    pt_table_unmap(table);
    table_count_add(pt, maddr, dfn, level, 1);
}

int iommu_pt_init(struct iommu_pt *pt, const struct iommu_pt_fmt *fmt,
                  unsigned int levels, unsigned int pin_level)
{
    uint64_t child = 0;
    unsigned int level;

    *pt = (struct iommu_pt){ .fmt = fmt, .levels = levels,
                             .pin_level = pin_level };

    /* Build from the bottom, so that pt->root is always the top table. */
    for ( level = pin_level; level <= levels; level++ )
    {
        uint64_t maddr = table_new(pt);

        if ( !maddr )
        {
            iommu_pt_fini(pt);
            return -ENOMEM;
        }

        if ( child )
            table_fill_link(pt, maddr, level, 0, child);
        else
            table_fill_leaves(pt, maddr, level, 0, NULL, 0);

        pt->root = maddr;
        child = maddr;
    }

    return 0;
}

void iommu_pt_fini(struct iommu_pt *pt)
{
    unsigned int level = pt->levels;

    ASSERT(!pt->nr_mapped);

    /* Entry 0 leads along the pinned chain, and is clear at its end. */
    while ( pt->root )
    {
        const uint64_t *table = pt_table_map(pt->root);
        uint64_t pte = table[0];

        pt_table_unmap(table);
        table_free(pt, pt->root);
        pt->root = pte_is_table(pt->fmt, pte, level--)
                   ? pte_maddr(pt->fmt, pte) : 0;
    }

    ASSERT(!pt->nr_tables);
}

uint64_t iommu_pt_root(const struct iommu_pt *pt, unsigned int levels)
{
    struct walk w;

    walk_down(pt, &w, 0, levels);

    return w.table[levels];
}

/*
 * True if a table of `level` is void. Only leaves of order 18 have more than
 * one level of tables below them, so this examines two levels at most.
 */
static bool table_void(const struct iommu_pt *pt, uint64_t maddr,
                       unsigned int level)
{
    const uint64_t *table;
    unsigned int i, left = *pt_table_count(maddr);

    if ( !left || level == 1 )
        return !left;

    table = pt_table_map(maddr);

    for ( i = 0; i < IOMMU_PT_ENTRIES && left; i++ )
    {
        if ( !pte_present(pt->fmt, table[i]) )
            continue;
        if ( pte_is_leaf(pt->fmt, table[i], level) ||
             *pt_table_count(pte_maddr(pt->fmt, table[i])) )
            break;
        left--;
    }

    pt_table_unmap(table);

    return !left;
}

/* Retire a void table that was just unlinked, and the tables below it. */
static void table_retire_void(struct iommu_pt *pt, uint64_t maddr,
                              unsigned int level)
{
    if ( *pt_table_count(maddr) )
    {
        const uint64_t *table = pt_table_map(maddr);
        unsigned int i;

        for ( i = 0; i < IOMMU_PT_ENTRIES; i++ )
            if ( pte_is_table(pt->fmt, table[i], level) )
                table_retire(pt, pte_maddr(pt->fmt, table[i]));

        pt_table_unmap(table);
    }

    table_retire(pt, maddr);
}

/* True if a leaf may replace the table that `pte` of `level` points to. */
static bool table_replaceable(const struct iommu_pt *pt, uint64_t dfn,
                              uint64_t pte, unsigned int level)
{
    return !pte_is_leaf(pt->fmt, pte, level) &&
           !table_pinned(pt, dfn, level - 1) &&
           table_void(pt, pte_maddr(pt->fmt, pte), level - 1);
}

/*
 * Write leaves into a table that IOMMUs may walk, up to the first entry that is
 * in use. Returns the number written.
 */
static unsigned int table_add_leaves(struct iommu_pt *pt, uint64_t maddr,
                                     unsigned int level, uint64_t dfn,
                                     const iommu_leaf_t *leaf, unsigned int nr,
                                     bool *unlinked)
{
    uint64_t *table = pt_table_map(maddr);
    uint64_t *entry = &table[entry_index(dfn, level)];
    uint64_t pte = leaf_to_pte(pt->fmt, leaf[0], level);
    unsigned int i, fresh = 0;

    for ( i = 0; i < nr; i++ )
    {
        uint64_t old = entry[i];

        if ( !pte_present(pt->fmt, old) )
            fresh++;
        else if ( !table_replaceable(pt, dfn + i * level_span(level), old,
                                     level) )
            break;

        pt_entry_write(&entry[i], leaf_to_pte_like(pt->fmt, leaf[i], level,
                                                   leaf[0], pte));

        if ( pte_present(pt->fmt, old) )
        {
            table_retire_void(pt, pte_maddr(pt->fmt, old), level - 1);
            *unlinked = true;
        }
    }

    if ( i )
        pt_table_sync(pt, entry, i * sizeof(*entry));
    pt_table_unmap(table);
    table_count_add(pt, maddr, dfn, level, fresh);

    return i;
}

/*
 * Build the tables missing between w->level and `target`, the lowest one filled
 * with the leaves, and link them with one store.
 */
static int build_leaves(struct iommu_pt *pt, const struct walk *w,
                        unsigned int target, uint64_t dfn,
                        const iommu_leaf_t *leaf, unsigned int nr)
{
    uint64_t maddr[IOMMU_PT_MAX_LEVELS] = {};
    unsigned int level;

    for ( level = target; level < w->level; level++ )
    {
        maddr[level] = table_new(pt);
        if ( !maddr[level] )
        {
            while ( level-- > target )
                table_free(pt, maddr[level]);
            return -ENOMEM;
        }
    }

    table_fill_leaves(pt, maddr[target], target, entry_index(dfn, target),
                      leaf, nr);
    for ( level = target + 1; level < w->level; level++ )
        table_fill_link(pt, maddr[level], level, entry_index(dfn, level),
                        maddr[level - 1]);
    table_link(pt, w->table[level], level, dfn, maddr[level - 1]);

    return nr;
}

static bool map_args_valid(const struct iommu_pt *pt, uint64_t dfn,
                           unsigned int order, unsigned int nr)
{
    if ( order % IOMMU_PT_SHIFT || order > pt->fmt->max_order ||
         order >= IOMMU_PT_SHIFT * pt->levels )
        return false;

    if ( !dfn_valid(pt, dfn) || (dfn & ((1ULL << order) - 1)) )
        return false;

    return nr && nr <= IOMMU_PT_ENTRIES -
                       entry_index(dfn, order / IOMMU_PT_SHIFT + 1);
}

/* True if frames are aligned and in range, and rights make entries present. */
static bool leaves_valid(const struct iommu_pt *pt, unsigned int order,
                         const iommu_leaf_t *leaf, unsigned int nr)
{
    uint64_t span = 1ULL << (order + 12);
    uint64_t bad = IOMMU_LEAF_MADDR_MASK & (~pt->fmt->addr_mask | (span - 1));
    unsigned int i;

    for ( i = 0; i < nr; i++ )
        if ( (leaf[i] & bad) || !(leaf[i] & (IOMMU_LEAF_R | IOMMU_LEAF_W)) )
            return false;

    return true;
}

int iommu_pt_map(struct iommu_pt *pt, uint64_t dfn, unsigned int order,
                 const iommu_leaf_t *leaf, unsigned int nr, bool *unlinked)
{
    unsigned int target = order / IOMMU_PT_SHIFT + 1;
    struct walk w;
    uint64_t pte;
    int done;

    if ( !map_args_valid(pt, dfn, order, nr) ||
         !leaves_valid(pt, order, leaf, nr) )
        return -EINVAL;

    pte = target == 1 ? walk_to_leaves(pt, &w, dfn)
                      : walk_down(pt, &w, dfn, target);

    if ( w.level == target )
        done = table_add_leaves(pt, w.table[target], target, dfn, leaf, nr,
                                unlinked);
    else if ( pte_present(pt->fmt, pte) )
        done = 0;
    else
        done = build_leaves(pt, &w, target, dfn, leaf, nr);

    if ( done > 0 )
    {
        pt->nr_mapped += (uint64_t)done << order;
        pt->nr_leaves[target - 1] += done;
    }

    return done ?: -EEXIST;
}

/* The end of the table of `level` that covers dfn: its last page's dfn + 1. */
static uint64_t table_end(uint64_t dfn, unsigned int level)
{
    return (dfn | (level_span(level + 1) - 1)) + 1;
}

static iommu_leaf_t pte_to_leaf(const struct iommu_pt_fmt *fmt, uint64_t pte,
                                unsigned int level)
{
    return pte_maddr(fmt, pte) |
           ((iommu_leaf_t)(level - 1) << IOMMU_LEAF_ORDER_SHIFT) |
           ((pte & fmt->r) ? IOMMU_LEAF_R : 0) |
           ((pte & fmt->w) ? IOMMU_LEAF_W : 0) |
           ((pte & fmt->sw_ref) ? IOMMU_LEAF_REF : 0) |
           ((pte & fmt->sw_type) ? IOMMU_LEAF_TYPE : 0);
}

static void gather_add(struct iommu_gather *g, iommu_leaf_t leaf, uint64_t dfn,
                       uint64_t end)
{
    g->leaf[g->nr++] = leaf;
    if ( dfn < g->first )
        g->first = dfn;
    if ( end > g->end )
        g->end = end;
}

/* State of one call of iommu_pt_unmap(). */
struct unmap {
    struct iommu_pt *pt;
    struct iommu_gather *g;
    uint64_t pte;               /* last leaf seen in this table, as an entry */
    iommu_leaf_t leaf;          /* and as a leaf */
    uint64_t dfn, end;          /* what is left */
    unsigned int budget;        /* entries and tables still to examine */
    bool full, sticks_out;      /* why it stopped */
};

/*
 * Take a leaf out, unless it extends outside the range or the gather is full.
 * u->dfn is the start of the leaf, except for the first leaf of a call.
 */
static bool unmap_leaf(struct unmap *u, uint64_t *entry, unsigned int level)
{
    uint64_t span = level_span(level), pte = *entry;

    u->sticks_out = (u->dfn & (span - 1)) || u->end - u->dfn < span;
    u->full = u->g->nr >= u->g->max;
    if ( u->sticks_out || u->full )
        return false;

    /* Most leaves differ from the previous one in their address only. */
    if ( (pte ^ u->pte) & ~u->pt->fmt->addr_mask )
        u->leaf = pte_to_leaf(u->pt->fmt, pte, level);
    else
        u->leaf ^= pte ^ u->pte;
    u->pte = pte;

    gather_add(u->g, u->leaf, u->dfn, u->dfn + span);
    pt_entry_write(entry, 0);
    u->pt->nr_mapped -= span;
    u->pt->nr_leaves[level - 1]--;

    return true;
}

/*
 * Take the leaves of the remaining range out of one table, up to an entry that
 * points to a non-empty table.
 */
static void unmap_table(struct unmap *u, uint64_t maddr, unsigned int level)
{
    const struct iommu_pt_fmt *fmt = u->pt->fmt;
    unsigned long left = *pt_table_count(maddr);
    unsigned int idx = entry_index(u->dfn, level), nr = u->g->nr;
    uint64_t dfn = u->dfn, end = table_end(dfn, level);
    uint64_t *table = pt_table_map(maddr), *first = &table[idx];

    u->pte = 0;
    for ( ; idx < IOMMU_PT_ENTRIES && left && u->dfn < u->end && u->budget;
          idx++, u->budget-- )
    {
        uint64_t pte = table[idx];

        if ( pte_is_table(fmt, pte, level) )
        {
            if ( *pt_table_count(pte_maddr(fmt, pte)) )
                break;
        }
        else if ( pte_present(fmt, pte) )
        {
            if ( !unmap_leaf(u, &table[idx], level) )
                break;
            left--;
        }

        u->dfn = (u->dfn | (level_span(level) - 1)) + 1;
    }

    if ( !left )
        u->dfn = end;   /* holes from here on */

    if ( u->g->nr != nr )
        pt_table_sync(u->pt, first, (&table[idx] - first) * sizeof(*table));
    pt_table_unmap(table);
    table_count_add(u->pt, maddr, dfn, level, (long)nr - u->g->nr);
}

int64_t iommu_pt_unmap(struct iommu_pt *pt, uint64_t dfn, uint64_t nr,
                       struct iommu_gather *g, unsigned int budget)
{
    struct unmap u = { .pt = pt, .g = g, .dfn = dfn, .end = dfn + nr,
                       .budget = budget };
    struct walk w;

    if ( !nr || u.end < dfn || !dfn_valid(pt, u.end - 1) )
        return -EINVAL;

    while ( u.dfn < u.end && u.budget && !u.full && !u.sticks_out )
    {
        walk_to_leaves(pt, &w, u.dfn);
        unmap_table(&u, w.table[w.level], w.level);
        u.budget -= u.budget < TABLE_COST ? u.budget : TABLE_COST;
    }

    if ( u.sticks_out && u.dfn == dfn )
        return -ERANGE;

    return (u.dfn < u.end ? u.dfn : u.end) - dfn;
}

int iommu_pt_lookup(const struct iommu_pt *pt, uint64_t dfn,
                    iommu_leaf_t *leaf)
{
    struct walk w;
    uint64_t pte;

    if ( !dfn_valid(pt, dfn) )
        return -EINVAL;

    pte = walk_down(pt, &w, dfn, 0);
    if ( !pte_present(pt->fmt, pte) )
        return -ENOENT;

    *leaf = pte_to_leaf(pt->fmt, pte, w.level);

    return 0;
}

/* Clear the entry that points to the table of `level` on the way to dfn. */
static void table_unlink(struct iommu_pt *pt, const struct walk *w,
                         uint64_t dfn, unsigned int level)
{
    uint64_t parent = w->table[level + 1];
    uint64_t *table = pt_table_map(parent);

    entry_set(pt, &table[entry_index(dfn, level + 1)], 0);
    pt_table_unmap(table);
    table_count_add(pt, parent, dfn, level + 1, -1);
}

/*
 * The first dfn from `dfn` on whose entry in this table points to a table or,
 * with `leaves`, is a leaf. Returns the table's end if no such entry exists.
 */
static uint64_t next_entry(const struct iommu_pt *pt, const struct walk *w,
                           uint64_t dfn, bool leaves)
{
    uint64_t end = table_end(dfn, w->level);
    const uint64_t *table;

    if ( !*pt_table_count(w->table[w->level]) )
        return end;

    table = pt_table_map(w->table[w->level]);

    for ( ; dfn < end; dfn = (dfn | (level_span(w->level) - 1)) + 1 )
    {
        uint64_t pte = table[entry_index(dfn, w->level)];
        bool found = leaves ? pte_present(pt->fmt, pte)
                            : pte_is_table(pt->fmt, pte, w->level);

        if ( found )
            break;
    }

    pt_table_unmap(table);

    return dfn;
}

int iommu_pt_next(const struct iommu_pt *pt, uint64_t *dfn, iommu_leaf_t *leaf,
                  unsigned int budget)
{
    for ( ; dfn_valid(pt, *dfn); budget-- )
    {
        struct walk w;
        uint64_t pte;

        if ( !budget )
            return -EAGAIN;

        pte = walk_down(pt, &w, *dfn, 0);
        if ( pte_present(pt->fmt, pte) )
        {
            *leaf = pte_to_leaf(pt->fmt, pte, w.level);
            *dfn &= ~(level_span(w.level) - 1);
            return 0;
        }

        *dfn = next_entry(pt, &w, *dfn, true);
    }

    return -ENOENT;
}

/*
 * Retire the lowest table that covers dfn if it is empty, and the tables above
 * that become empty. Returns the dfn to continue from.
 */
static uint64_t prune_at(struct iommu_pt *pt, uint64_t dfn, bool *unlinked)
{
    struct walk w;
    unsigned int level;

    walk_down(pt, &w, dfn, 1);

    for ( level = w.level; !*pt_table_count(w.table[level]) &&
                           !table_pinned(pt, dfn, level); level++ )
    {
        table_unlink(pt, &w, dfn, level);
        table_retire(pt, w.table[level]);
        *unlinked = true;
    }

    if ( level > w.level )
        return table_end(dfn, level - 1);

    return w.level == 1 ? table_end(dfn, 1) : next_entry(pt, &w, dfn, false);
}

bool iommu_pt_prune(struct iommu_pt *pt, uint64_t *cursor, unsigned int budget,
                    bool *unlinked)
{
    for ( ; budget && dfn_valid(pt, *cursor); budget-- )
        *cursor = prune_at(pt, *cursor, unlinked);

    if ( dfn_valid(pt, *cursor) )
        return false;

    *cursor = 0;

    return true;
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

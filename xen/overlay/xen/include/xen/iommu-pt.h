/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Radix page tables of IOMMU contexts, with 512 entries of 64 bits per table.
 * VT-d second level, AMD v1 and LPAE stage 2 share the code. A table of
 * constants, struct iommu_pt_fmt, describes how they differ.
 *
 * Guarantees:
 * - a leaf is only ever written where nothing was present, and never merged
 *   with its neighbours;
 * - unmap never allocates, never splits a leaf and never frees a table: an
 *   empty table stays, so that the next map there is cheap;
 * - a new table is filled before one 64-bit store makes it visible;
 * - a table that was visible is handed to pt_table_retire(), and must be freed
 *   only after a flush of the whole range it covered.
 *
 * Callers must serialize all functions on a tree. dfn and nr are in 4 KiB
 * pages. The code does not depend on domains, devices or hypercalls. pt-env.h
 * has the functions that provide tables; host tests replace these.
 */
#ifndef XEN_IOMMU_PT_H
#define XEN_IOMMU_PT_H

#ifdef __XEN__
#include <xen/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
#endif

#define IOMMU_PT_SHIFT          9
#define IOMMU_PT_ENTRIES        (1U << IOMMU_PT_SHIFT)
#define IOMMU_PT_MAX_LEVELS     4

/*
 * A leaf as callers see it, the same for all formats: the machine address of
 * its first frame, with these bits in the low 12.
 */
typedef uint64_t iommu_leaf_t;
#define IOMMU_LEAF_R            (1U << 0)   /* the device may read */
#define IOMMU_LEAF_W            (1U << 1)   /* the device may write */
#define IOMMU_LEAF_REF          (1U << 2)   /* holds a reference per page */
#define IOMMU_LEAF_TYPE         (1U << 3)   /* and a writable type reference */
#define IOMMU_LEAF_ORDER_SHIFT  4           /* order / 9, two bits */
#define IOMMU_LEAF_MADDR_MASK   (~(uint64_t)0xfff)

static inline unsigned int iommu_leaf_order(iommu_leaf_t leaf)
{
    return ((leaf >> IOMMU_LEAF_ORDER_SHIFT) & 3) * IOMMU_PT_SHIFT;
}

/*
 * The description of a page-table format. Arrays are indexed by level: 1 holds
 * 4 KiB leaves, 2 those of order 9, 3 those of order 18.
 */
struct iommu_pt_fmt {
    const char *name;
    uint64_t addr_mask;         /* address bits of an entry */
    uint64_t present_mask;      /* an entry with none of these is empty */
    uint64_t leaf_mask[IOMMU_PT_MAX_LEVELS + 1];  /* (pte & leaf_mask[l]) == */
    uint64_t leaf_value[IOMMU_PT_MAX_LEVELS + 1]; /* leaf_value[l]: a leaf */
    uint64_t leaf_set[IOMMU_PT_MAX_LEVELS + 1];   /* always set in a leaf */
    uint64_t table_set[IOMMU_PT_MAX_LEVELS + 1];  /* in an entry of level l */
                                                  /* that points to a table */
    uint64_t r, w;              /* rights in a leaf */
    uint64_t sw_ref, sw_type;   /* software bits for LEAF_REF, LEAF_TYPE */
    unsigned int max_order;     /* largest leaf: 0, 9 or 18 */
};

/* VT-d second level, Intel VT-d specification section 9.8 ("SS" entries). */
extern const struct iommu_pt_fmt iommu_pt_fmt_vtd;

struct iommu_pt {
    const struct iommu_pt_fmt *fmt;
    uint64_t root;              /* machine address of the top table */
    uint64_t nr_mapped;         /* 4 KiB pages that leaves cover */
    uint64_t nr_leaves[IOMMU_PT_MAX_LEVELS];    /* of order 0, 9, 18 */
    unsigned int levels;        /* of the tree, top table included */
    unsigned int pin_level;     /* tables of entry 0 down to here stay */
    unsigned int nr_tables;
    unsigned int nr_empty;      /* tables without any entry, not pinned */
    /* The level 1 table used last (0: none), and dfn >> 9 of its range. */
    uint64_t recent, recent_range;
};

/*
 * Leaves taken out of a tree that no flush has covered yet. The caller owns the
 * gather, decides its size, and must flush [first, end) before it releases what
 * the leaves hold.
 */
struct iommu_gather {
    iommu_leaf_t *leaf;         /* room for max of them */
    unsigned int nr, max;
    uint64_t first, end;        /* dfn range that covers them; empty: ~0, 0 */
    bool flushed;               /* a flush covered them: they may be released */
};

static inline void iommu_gather_init(struct iommu_gather *g,
                                     iommu_leaf_t *leaf, unsigned int max)
{
    *g = (struct iommu_gather){ .leaf = leaf, .max = max,
                                .first = ~(uint64_t)0 };
}

/*
 * Make an empty tree. IOMMUs of fewer levels start further down the chain of
 * entries 0. This function builds the chain down to pin_level; the chain is
 * never removed. Returns 0 or -ENOMEM.
 */
int iommu_pt_init(struct iommu_pt *pt, const struct iommu_pt_fmt *fmt,
                  unsigned int levels, unsigned int pin_level);

/*
 * The root for an IOMMU that walks `levels` levels, pin_level <= levels <=
 * pt->levels.
 */
uint64_t iommu_pt_root(const struct iommu_pt *pt, unsigned int levels);

/*
 * Write `nr` leaves of `order` (0, 9 or 18) for dfn, dfn + (1 << order), ...
 * leaf[i] has the address and the rights; its order bits are ignored. All
 * leaves must be in one table: the range must not cross a multiple of
 * 1 << (order + 9). An empty table (or one with only empty tables below) in
 * the way of a leaf is retired, and *unlinked is set. The mapping is then in
 * force only after a flush. The function never clears *unlinked.
 *
 * Returns the number of leaves written. If it is less than nr, the next leaf
 * failed with -EEXIST. If none was written: -EEXIST, -ENOMEM or -EINVAL.
 */
int iommu_pt_map(struct iommu_pt *pt, uint64_t dfn, unsigned int order,
                 const iommu_leaf_t *leaf, unsigned int nr, bool *unlinked);

/*
 * Take the leaves of [dfn, dfn + nr) out of the tree, into the gather. Stops
 * when the gather is full. To bound the time, it also stops when `budget` is
 * used up: an entry costs 1, a table 3. A budget of 1 or more always makes
 * progress. Returns the number of pages processed, holes included; 0 only if
 * the gather was full. Returns -ERANGE if the very first page is in a leaf that
 * extends outside the range. Returns -EINVAL for an empty range, or one that is
 * not all in the tree.
 */
int64_t iommu_pt_unmap(struct iommu_pt *pt, uint64_t dfn, uint64_t nr,
                       struct iommu_gather *g, unsigned int budget);

/*
 * Look up the leaf that covers dfn. Its machine address is that of the leaf's
 * first frame, its order bits are set. Returns 0, -ENOENT or -EINVAL.
 */
int iommu_pt_lookup(const struct iommu_pt *pt, uint64_t dfn,
                    iommu_leaf_t *leaf);

/*
 * Find the first leaf that covers *dfn or a higher page; *dfn becomes its first
 * page. Examines at most `budget` tables, not counting those above them.
 * Returns 0 or -ENOENT. -EAGAIN: continue from *dfn, no leaf is before it.
 */
int iommu_pt_next(const struct iommu_pt *pt, uint64_t *dfn, iommu_leaf_t *leaf,
                  unsigned int budget);

/*
 * Retire empty tables, except the pinned ones. Examines at most `budget` tables
 * from *cursor (a dfn; start with 0), not counting the tables above them.
 * Returns true at the end of the tree; *cursor is then 0 again. Sets *unlinked
 * if a table was retired.
 */
bool iommu_pt_prune(struct iommu_pt *pt, uint64_t *cursor, unsigned int budget,
                    bool *unlinked);

/*
 * Free the remaining tables, at most the pinned chain, after every leaf is
 * unmapped and every table pruned. No hardware may walk the tree any more.
 */
void iommu_pt_fini(struct iommu_pt *pt);

#endif /* XEN_IOMMU_PT_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */

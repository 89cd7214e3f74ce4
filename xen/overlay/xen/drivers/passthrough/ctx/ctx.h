/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this folder share. xen/iommu-ctx.h has the objects, and
 * what the rest of Xen calls.
 *
 * A file calls only files of the lines below its own.
 *
 * Floors:
 *   op.c                       the hypercall
 *   batch.c                    its arrays of map and unmap
 *   end.c dump.c               CTX_FREE, RESET, dying domain, crash; debug key
 *   map.c fault.c              map, unmap, flush, sync; fault records
 *   reclaim.c                  empty tables given back
 *   attach.c                   move a device, break a context
 *   ctx.c direct.c             objects and their table; 1:1 regions
 *   selftest.c suppress.c      test of the tree; devices that fault too often
 *   pt.c gather.c              the tree; leaves until their flush
 *   pt-mem.c                   pages of the tree
 *   quota.c inject.c           limits; flushes that fail on demand
 *   ../x86/ctx-frames.c        references to frames
 */
#ifndef IOMMU_CTX_CTX_H
#define IOMMU_CTX_CTX_H

#include <xen/iommu-ctx.h>

/* Leaves that a hypercall makes or takes out at a time. */
#define IOMMU_CTX_STEP_PAGES    IOMMU_PT_ENTRIES

/* Records of refused DMA: nr of them, the oldest at ring[first]. */
struct iommu_ctx_faults {
    spinlock_t lock;
    unsigned int first, nr;
    uint32_t lost;              /* since the newest record */
    struct xen_pv_iommu_fault ring[64];
};

struct iommu_ctx_tbl {
    rwlock_t lock;              /* tree, nr, nr_plain, last_id */
    struct radix_tree_root tree;
    unsigned int nr;
    unsigned int nr_plain;      /* of these without the reserve */
    unsigned int last_id;       /* given out most recently */

    spinlock_t quota_lock;      /* pt_pages, pt_pages_plain, said */
    unsigned int pt_pages;      /* of all contexts */
    unsigned int pt_pages_plain;    /* of those without the reserve */
    unsigned int pt_pages_max;      /* constant */
    unsigned int pt_pages_reserve;  /* constant; of pt_pages_max */
    s_time_t said;              /* when a refusal was told; 0: never */
    struct iommu_ctx_caps caps; /* constant */
    struct iommu_ctx *blocked;  /* constant; never in the tree, never freed */
    struct iommu_ctx_faults faults;
};

/*
 * Functions return 0 or -errno as public/pv-iommu.h lists them, -ERESTART
 * where noted: call again.
 *
 * quota.c: what contexts may use. pt_pages_max of a context: 0 is what its
 * kind gets by default, and more than it could use is lowered to that.
 */
unsigned int iommu_ctx_nr_max(void);
unsigned int iommu_ctx_nr_reserve(void);
void iommu_ctx_quota_init(struct iommu_ctx_tbl *tbl);
void iommu_ctx_limits_init(struct iommu_ctx *ctx, bool reserve,
                           unsigned int pt_pages_max);
/* For one that is in the table. 0 or -ENOSPC: too many plain ones. */
int iommu_ctx_limits_set(struct iommu_ctx *ctx, bool reserve,
                         unsigned int pt_pages_max);
/* A number in the table; the table lock is held for writing. */
bool iommu_ctx_number_take(struct iommu_ctx *ctx);
void iommu_ctx_number_give(struct iommu_ctx *ctx);
/* A page for a table; BOUND_NONE: it is taken. */
enum iommu_ctx_bound iommu_ctx_page_take(struct iommu_ctx *ctx);
void iommu_ctx_page_give(struct iommu_ctx *ctx);
/* Rate limited, in Xen's log. */
void iommu_ctx_say_refused(const struct domain *d, enum iommu_ctx_bound bound);

/* pt-mem.c: free tables that a flush has covered. */
void iommu_ctx_free_tables(struct iommu_ctx *ctx,
                           struct page_list_head *tables);

/*
 * gather.c. iommu_ctx_gather(): this CPU's gather, empty; the caller's until
 * its hypercall ends.
 */
struct iommu_gather *iommu_ctx_gather(void);
/* Flush by range or, if end is 0, everything. Retries once; 0 or -EIO. */
int iommu_ctx_flush_range(struct iommu_ctx *ctx, uint64_t first, uint64_t end);
/*
 * Flush the range of a gather, or of the leaves that are parked, and release
 * them. -EIO: the flush failed, the leaves are kept for ever, and the caller
 * has to break the context.
 */
int iommu_ctx_gather_flush(struct iommu_ctx *ctx, struct iommu_gather *g);
int iommu_ctx_parked_flush(struct iommu_ctx *ctx);
bool iommu_ctx_can_defer(const struct domain *d);
int iommu_ctx_park_init(struct iommu_ctx *ctx);
void iommu_ctx_park_fini(struct iommu_ctx *ctx);

/*
 * suppress.c: too many faults. The device is in a context and pcidevs_lock is
 * held. count: it faulted; 0, or 1 if its reports are suppressed, or -errno if
 * they should be and cannot. logged: whether Xen's log shall have its faults.
 * resume: report them again if they are suppressed; also for a device that is
 * in no context any more, whose entries are then left alone.
 */
int iommu_ctx_fault_count(struct pci_dev *pdev);
bool iommu_ctx_fault_logged(const struct pci_dev *pdev);
void iommu_ctx_fault_resume(struct pci_dev *pdev);

/*
 * selftest.c: try the page tables out, in a context that is not in the table.
 * It is empty before and after. 0 or -errno.
 */
int iommu_ctx_selftest(struct iommu_ctx *ctx);

/*
 * direct.c: how many pages from dfn on the owner may map, or unmap, until a
 * reserved region begins. Where writes are interrupts there is nothing to
 * unmap, which is no reason to stop. ctx->lock is held.
 */
uint64_t iommu_ctx_mappable(const struct iommu_ctx *ctx, uint64_t dfn,
                            uint64_t nr);
uint64_t iommu_ctx_unmappable(const struct iommu_ctx *ctx, uint64_t dfn,
                              uint64_t nr);
/* An estimate without ctx->lock; the caller checks again under the lock. */
uint64_t iommu_ctx_mappable_unlocked(struct iommu_ctx *ctx, uint64_t dfn,
                                     uint64_t nr);
/*
 * Write leaves; what they displaced is flushed and freed before they count.
 * direct: of a device's region, where the owner may map nothing. Returns as
 * iommu_pt_map(), -EADDRINUSE, or -EIO: a flush failed, the leaves are there,
 * and the caller has to break the context. *bound: after -ENOMEM, what refused
 * a page table.
 */
int iommu_ctx_write(struct iommu_ctx *ctx, uint64_t dfn, unsigned int order,
                    const iommu_leaf_t *leaf, unsigned int nr, bool direct,
                    enum iommu_ctx_bound *bound);
/*
 * Regions that devices need mapped 1:1, with pcidevs_lock held. get: map what
 * the device needs, with relax without its DIRECT_RELAXABLE regions. *held
 * says which of its regions those are, one bit each, by index. Returns 0 or
 * -errno; -ERESTART: work is left, call again; -ENOMEM: find some and call
 * again, or give_up what is mapped so far. put: the device does not need the
 * regions of `held` any more. forget: the context has no members, and ends
 * with all its leaves. get, put and give_up may return -EIO: a flush failed,
 * and the caller has to break the context.
 */
int iommu_ctx_direct_get(struct iommu_ctx *ctx, struct pci_dev *pdev,
                         bool relax, uint64_t *held);
int iommu_ctx_direct_put(struct iommu_ctx *ctx, struct pci_dev *pdev,
                         uint64_t held);
int iommu_ctx_direct_give_up(struct iommu_ctx *ctx);
void iommu_ctx_direct_forget(struct iommu_ctx *ctx);

/*
 * ctx.c: the domain's table, made at its first use; ERR_PTR() on error. All
 * that takes a domain here expects the table to be there. _ready: NULL if it
 * is not. Once there it stays as long as the domain.
 */
struct iommu_ctx_tbl *iommu_ctx_table(struct domain *d);
struct iommu_ctx_tbl *iommu_ctx_table_ready(const struct domain *d);
void iommu_ctx_table_destroy(struct domain *d);
/*
 * A context that is not in the table: no lookup returns it. The caller must
 * hold pcidevs_lock, and must empty the context before destroying it. *bound:
 * after -ENOMEM, what refused a page table.
 */
struct iommu_ctx *iommu_ctx_create(struct domain *d, struct iommu_ctx_tbl *tbl,
                                   unsigned int id, bool reserve,
                                   unsigned int pt_pages_max,
                                   enum iommu_ctx_bound *bound);
void iommu_ctx_destroy(struct iommu_ctx *ctx);
/* One that is in the table; *bound as above. */
int iommu_ctx_alloc(struct domain *d, bool reserve, unsigned int pt_pages_max,
                    unsigned int *id, enum iommu_ctx_bound *bound);
/* A user's reference; NULL: no such context. BLOCKED can be had, 0 cannot. */
struct iommu_ctx *iommu_ctx_get(struct domain *d, unsigned int id);
/* The first from *id on, BLOCKED excepted; then *id is the number behind it. */
struct iommu_ctx *iommu_ctx_get_next(struct domain *d, unsigned int *id);
void iommu_ctx_put(struct iommu_ctx *ctx);

/*
 * attach.c, with pcidevs_lock held. move: to NULL, the ordinary table, or to a
 * context that is held. relax: without its DIRECT_RELAXABLE regions.
 * -ERESTART: drop the lock for a moment, and call again; nothing has moved
 * yet, and only contexts that map regions for the device ask for that. attach:
 * the same by number, for a device of `d`, or one that d gave away.
 */
int iommu_ctx_move(struct pci_dev *pdev, struct domain *d, struct iommu_ctx *to,
                   bool relax);
int iommu_ctx_attach(struct domain *d, struct pci_dev *pdev, unsigned int id,
                     bool relax);
/* A flush failed: map nothing more, let no member reach memory. */
void iommu_ctx_break(struct iommu_ctx *ctx);

/*
 * reclaim.c: one step of giving empty tables back, from *cursor on. ctx->lock
 * is held on entry and not on return. Returns true at the end of the tree.
 */
bool iommu_ctx_prune_step(struct iommu_ctx *ctx, uint64_t *cursor,
                          unsigned int budget, bool *unlinked);
/*
 * A page table was refused: give back empty ones of any one context that
 * counts where `bound` was met. Called without locks. 0: there were some;
 * -ENOMEM: there are none; -ERESTART: there are, but time is up.
 */
int iommu_ctx_reclaim(struct domain *d, struct iommu_ctx *self,
                      enum iommu_ctx_bound bound);

/* fault.c: the oldest record, or -ENOENT. */
int iommu_ctx_fault_read(struct domain *d, struct xen_pv_iommu_fault *rec);

/*
 * map.c: map or unmap the first pages of a range, as many as one step may
 * take. Return how many those were, or -errno for the first of them;
 * -ERESTART: none yet, call again. What they leave to be flushed is in the
 * gather.
 */
int64_t iommu_ctx_map(struct iommu_ctx *ctx, uint64_t dfn, uint64_t gfn,
                      uint64_t nr, unsigned int max_order, unsigned int flags,
                      struct iommu_gather *g);
int64_t iommu_ctx_unmap(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr,
                        struct iommu_gather *g);
/*
 * Map several runs, one after the other from dfn on, by leaves of order 0. The
 * owner may map all of them, and they are in one level 1 table. Returns how
 * many pages were mapped; iommu_ctx_map() of the next one reports why not more.
 */
struct iommu_ctx_run {
    uint64_t gfn;
    unsigned int nr, flags;
};
unsigned int iommu_ctx_map_runs(struct iommu_ctx *ctx, uint64_t dfn,
                                const struct iommu_ctx_run *run,
                                unsigned int nr_runs, struct iommu_gather *g);
/*
 * Unmap, but leave flush and release to the next iommu_ctx_sync(), or to the
 * next call that finds no room. sync: on return everything that was unmapped
 * before is flushed, also by others. Only where iommu_ctx_can_defer().
 */
int64_t iommu_ctx_unmap_park(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr);
int iommu_ctx_sync(struct iommu_ctx *ctx);
/*
 * Flush the gather's range, then release its leaves. -EIO: the flush failed,
 * the leaves are kept for ever, the context is broken and its devices blocked.
 */
int iommu_ctx_flush(struct iommu_ctx *ctx, struct iommu_gather *g);

/* end.c */
int iommu_ctx_free(struct domain *d, unsigned int id);  /* -ERESTART */
int iommu_ctx_reset(struct domain *d, bool to_default); /* -ERESTART */

#endif /* IOMMU_CTX_CTX_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Declarations that the files of this folder share. xen/iommu-ctx.h has the
 * objects, and the functions that the rest of Xen calls.
 *
 * A file calls only files on lower lines of this list.
 *
 * Floors:
 *   op.c                       the hypercall
 *   batch.c                    its arrays of map and unmap
 *   end.c dump.c               CTX_FREE, RESET, dying domain, crash; debug key
 *   map.c fault.c              map, unmap, flush, sync; fault records
 *   reclaim.c                  reclaim of empty tables
 *   attach.c                   move a device, break a context
 *   ctx.c direct.c             objects and their table; 1:1 regions
 *   selftest.c suppress.c      test of the tree; devices that fault too often
 *   pt.c gather.c              the tree; unmapped leaves until their flush
 *   pt-mem.c                   pages of the tree
 *   quota.c inject.c           limits; flushes that fail on demand
 *   ../x86/ctx-frames.c        references to frames
 */
#ifndef IOMMU_CTX_CTX_H
#define IOMMU_CTX_CTX_H

#include <xen/iommu-ctx.h>

/* Leaves that a hypercall writes or removes in one step. */
#define IOMMU_CTX_STEP_PAGES    IOMMU_PT_ENTRIES

/* Records of refused DMA: nr of them, the oldest is ring[first]. */
struct iommu_ctx_faults {
    spinlock_t lock;
    unsigned int first, nr;
    uint32_t lost;              /* dropped since the newest record */
    struct xen_pv_iommu_fault ring[64];
};

struct iommu_ctx_tbl {
    rwlock_t lock;              /* protects tree, nr, nr_plain, last_id */
    struct radix_tree_root tree;
    unsigned int nr;
    unsigned int nr_plain;      /* contexts without the reserve */
    unsigned int last_id;       /* given out most recently */

    spinlock_t quota_lock;      /* protects pt_pages, pt_pages_plain, said */
    unsigned int pt_pages;      /* of all contexts */
    unsigned int pt_pages_plain;    /* of contexts without the reserve */
    unsigned int pt_pages_max;      /* constant */
    unsigned int pt_pages_reserve;  /* constant; part of pt_pages_max */
    s_time_t said;              /* last log line about a refusal; 0: none */
    struct iommu_ctx_caps caps; /* constant */
    struct iommu_ctx *blocked;  /* constant; never in the tree, never freed */
    struct iommu_ctx_faults faults;
};

/*
 * Functions return 0 or -errno as public/pv-iommu.h lists them. -ERESTART,
 * where noted, means: call again.
 *
 * quota.c: limits on contexts. A pt_pages_max of 0 selects the default of the
 * context's kind. A value above what the context could use is lowered.
 */
unsigned int iommu_ctx_nr_max(void);
unsigned int iommu_ctx_nr_reserve(void);
void iommu_ctx_quota_init(struct iommu_ctx_tbl *tbl);
void iommu_ctx_limits_init(struct iommu_ctx *ctx, bool reserve,
                           unsigned int pt_pages_max);
/* The context is in the table. Returns 0 or -ENOSPC: too many plain ones. */
int iommu_ctx_limits_set(struct iommu_ctx *ctx, bool reserve,
                         unsigned int pt_pages_max);
/* Count a number in the table. Caller must hold the table lock for writing. */
bool iommu_ctx_number_take(struct iommu_ctx *ctx);
void iommu_ctx_number_give(struct iommu_ctx *ctx);
/* Count a page for a table. BOUND_NONE: the page is counted. */
enum iommu_ctx_bound iommu_ctx_page_take(struct iommu_ctx *ctx);
void iommu_ctx_page_give(struct iommu_ctx *ctx);
/* Log a refusal, rate limited. */
void iommu_ctx_say_refused(const struct domain *d, enum iommu_ctx_bound bound);

/* pt-mem.c: free tables that a flush has covered. */
void iommu_ctx_free_tables(struct iommu_ctx *ctx,
                           struct page_list_head *tables);

/*
 * gather.c. iommu_ctx_gather() returns this CPU's gather, empty. The caller
 * owns it until its hypercall ends.
 */
struct iommu_gather *iommu_ctx_gather(void);
/* Flush [first, end), or everything if end is 0. Retries once; 0 or -EIO. */
int iommu_ctx_flush_range(struct iommu_ctx *ctx, uint64_t first, uint64_t end);
/*
 * Flush the range of a gather, or of the parked leaves, and release the leaves.
 * -EIO: the flush failed, the leaves are kept forever, and the caller must
 * break the context.
 */
int iommu_ctx_gather_flush(struct iommu_ctx *ctx, struct iommu_gather *g);
int iommu_ctx_parked_flush(struct iommu_ctx *ctx);
bool iommu_ctx_can_defer(const struct domain *d);
int iommu_ctx_park_init(struct iommu_ctx *ctx);
void iommu_ctx_park_fini(struct iommu_ctx *ctx);

/*
 * suppress.c: devices that fault too often. The device is in a context. Caller
 * must hold pcidevs_lock.
 * count: count one fault. Returns 0, 1 if the device's reports are suppressed,
 * or -errno if suppressing them failed.
 * logged: true if Xen's log shall have the device's faults.
 * resume: report faults again if they are suppressed. The device may have left
 * its context; its entries are then left alone.
 */
int iommu_ctx_fault_count(struct pci_dev *pdev);
bool iommu_ctx_fault_logged(const struct pci_dev *pdev);
void iommu_ctx_fault_resume(struct pci_dev *pdev);

/*
 * selftest.c: test the page tables in a context that is not in the table. The
 * context is empty before and after. Returns 0 or -errno.
 */
int iommu_ctx_selftest(struct iommu_ctx *ctx);

/*
 * direct.c: the number of pages from dfn on that the owner may map, or unmap,
 * before a reserved region begins. The MSI window has no leaves, so it does not
 * end an unmap. Caller must hold ctx->lock.
 */
uint64_t iommu_ctx_mappable(const struct iommu_ctx *ctx, uint64_t dfn,
                            uint64_t nr);
uint64_t iommu_ctx_unmappable(const struct iommu_ctx *ctx, uint64_t dfn,
                              uint64_t nr);
/* Estimate for callers without ctx->lock, which recheck under the lock. */
uint64_t iommu_ctx_mappable_unlocked(struct iommu_ctx *ctx, uint64_t dfn,
                                     uint64_t nr);
/*
 * Write leaves. Tables that the leaves replaced are flushed and freed before
 * the function returns. direct: the leaves are of a device's region, where the
 * owner may map nothing. Returns as iommu_pt_map(), -EADDRINUSE, or -EIO: a
 * flush failed, the leaves are written, and the caller must break the context.
 * *bound: after -ENOMEM, the limit that refused a page table.
 */
int iommu_ctx_write(struct iommu_ctx *ctx, uint64_t dfn, unsigned int order,
                    const iommu_leaf_t *leaf, unsigned int nr, bool direct,
                    enum iommu_ctx_bound *bound);
/*
 * Regions that devices need mapped 1:1. Caller must hold pcidevs_lock.
 * get: map the regions that the device needs, with relax without its
 * DIRECT_RELAXABLE ones. *held has one bit for each mapped region, by index.
 * Returns 0 or -errno. -ERESTART: work is left, call again. -ENOMEM: free
 * memory and call again, or call give_up to drop what is mapped so far.
 * put: the device no longer needs the regions of `held`.
 * forget: the context has no members, and ends with all its leaves.
 * get, put and give_up may return -EIO: a flush failed, and the caller must
 * break the context.
 */
int iommu_ctx_direct_get(struct iommu_ctx *ctx, struct pci_dev *pdev,
                         bool relax, uint64_t *held);
int iommu_ctx_direct_put(struct iommu_ctx *ctx, struct pci_dev *pdev,
                         uint64_t held);
int iommu_ctx_direct_give_up(struct iommu_ctx *ctx);
void iommu_ctx_direct_forget(struct iommu_ctx *ctx);

/*
 * ctx.c: get the domain's table, made at its first use; ERR_PTR() on error.
 * _ready: NULL if the domain has none yet. The table stays as long as the
 * domain. All other functions that take a domain require the table.
 */
struct iommu_ctx_tbl *iommu_ctx_table(struct domain *d);
struct iommu_ctx_tbl *iommu_ctx_table_ready(const struct domain *d);
void iommu_ctx_table_destroy(struct domain *d);
/*
 * Create a context that is not in the table: no lookup returns it. Caller must
 * hold pcidevs_lock, and must empty the context before destroying it. *bound:
 * after -ENOMEM, the limit that refused a page table.
 */
struct iommu_ctx *iommu_ctx_create(struct domain *d, struct iommu_ctx_tbl *tbl,
                                   unsigned int id, bool reserve,
                                   unsigned int pt_pages_max,
                                   enum iommu_ctx_bound *bound);
void iommu_ctx_destroy(struct iommu_ctx *ctx);
/* Create a context and insert it into the table; *bound as above. */
int iommu_ctx_alloc(struct domain *d, bool reserve, unsigned int pt_pages_max,
                    unsigned int *id, enum iommu_ctx_bound *bound);
/* Take a user's reference; id may be BLOCKED. NULL: no such context, or 0. */
struct iommu_ctx *iommu_ctx_get(struct domain *d, unsigned int id);
/* Get the first from *id on, except BLOCKED; *id becomes its number + 1. */
struct iommu_ctx *iommu_ctx_get_next(struct domain *d, unsigned int *id);
void iommu_ctx_put(struct iommu_ctx *ctx);

/*
 * attach.c. Caller must hold pcidevs_lock. move: move the device to a context
 * that the caller holds, or to NULL, the ordinary table. relax: do not map its
 * DIRECT_RELAXABLE regions. -ERESTART: the caller drops the lock and calls
 * again. The device has not moved; only a context that maps regions for the
 * device returns this. attach: as move, by number, for a device that d owns or
 * has assigned to another domain.
 */
int iommu_ctx_move(struct pci_dev *pdev, struct domain *d, struct iommu_ctx *to,
                   bool relax);
int iommu_ctx_attach(struct domain *d, struct pci_dev *pdev, unsigned int id,
                     bool relax);
/* After a failed flush: map nothing more, and move all members to BLOCKED. */
void iommu_ctx_break(struct iommu_ctx *ctx);

/*
 * reclaim.c: do one step of freeing empty tables, from *cursor on. Caller must
 * hold ctx->lock, which the function releases. Returns true at the end of the
 * tree.
 */
bool iommu_ctx_prune_step(struct iommu_ctx *ctx, uint64_t *cursor,
                          unsigned int budget, bool *unlinked);
/*
 * After a refused page table: free empty tables of any one context that counts
 * against `bound`. Called without locks. 0: tables were freed. -ENOMEM: no
 * context has any. -ERESTART: call again, time is up or a context is busy.
 */
int iommu_ctx_reclaim(struct domain *d, struct iommu_ctx *self,
                      enum iommu_ctx_bound bound);

/* fault.c: read the oldest record. Returns 0 or -ENOENT. */
int iommu_ctx_fault_read(struct domain *d, struct xen_pv_iommu_fault *rec);

/*
 * map.c: map or unmap the first pages of a range, as many as one step may take.
 * Return the number of pages, or -errno for the first page. -ERESTART: none
 * yet, call again. The gather holds what they leave to flush.
 */
int64_t iommu_ctx_map(struct iommu_ctx *ctx, uint64_t dfn, uint64_t gfn,
                      uint64_t nr, unsigned int max_order, unsigned int flags,
                      struct iommu_gather *g);
int64_t iommu_ctx_unmap(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr,
                        struct iommu_gather *g);
/*
 * Map several runs, one after the other from dfn on, by leaves of order 0. The
 * owner may map all of them, and they are in one level 1 table. Returns the
 * number of pages mapped; iommu_ctx_map() of the next page reports the error.
 */
struct iommu_ctx_run {
    uint64_t gfn;
    unsigned int nr, flags;
};
unsigned int iommu_ctx_map_runs(struct iommu_ctx *ctx, uint64_t dfn,
                                const struct iommu_ctx_run *run,
                                unsigned int nr_runs, struct iommu_gather *g);
/*
 * Unmap, but leave the flush and the release to the next iommu_ctx_sync(), or
 * to the next call that finds the array full. sync: flush everything that any
 * caller has unmapped before. Only where iommu_ctx_can_defer().
 */
int64_t iommu_ctx_unmap_park(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr);
int iommu_ctx_sync(struct iommu_ctx *ctx);
/*
 * Flush the gather's range, then release its leaves. -EIO: the flush failed,
 * the leaves are kept forever, the context is broken and its devices blocked.
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

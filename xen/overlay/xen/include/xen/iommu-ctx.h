/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU contexts: page tables that a domain manages itself and puts its
 * devices into, instead of the one table Xen keeps for the domain. The
 * interface to the domain is public/pv-iommu.h.
 *
 * Which context a device is in is a property of the device, pdev->ctx (NULL:
 * the domain's ordinary table). It holds while the device is owned by the
 * context's owner. A device that is assigned elsewhere keeps it, and is back
 * in that context when it returns.
 *
 * Who owns what
 *   - The table of contexts (struct domain_iommu.ctxs) belongs to the domain,
 *     a context to the table. Whoever uses a context outside the table's lock
 *     holds a reference; CTX_FREE goes on only when it is the last user.
 *   - A leaf owns what IOMMU_LEAF_REF and IOMMU_LEAF_TYPE say: references that
 *     were taken before the leaf was written and are dropped only after the
 *     flush that followed its removal (XSA-288, XSA-346). Unmapped leaves wait
 *     for that in a gather, which belongs to the running hypercall.
 *   - Page tables belong to the context and count against the domain's quota.
 *
 * Lock order: pcidevs_lock > table lock > ctx->sync_lock > ctx->lock >
 * quota_lock and locks of the back end. Page references, guest memory and the
 * p2m are not touched under ctx->lock.
 */
#ifndef XEN_IOMMU_CTX_H
#define XEN_IOMMU_CTX_H

#include <xen/iommu-pt.h>
#include <xen/list.h>
#include <xen/mm.h>
#include <xen/pci.h>
#include <xen/radix-tree.h>
#include <xen/rwlock.h>
#include <xen/sched.h>
#include <xen/spinlock.h>

#include <public/pv-iommu.h>

#ifdef CONFIG_IOMMU_CTX

/* What the IOMMUs of the machine, all of them, offer to contexts. */
struct iommu_ctx_caps {
    const struct iommu_pt_fmt *fmt;
    unsigned int levels;        /* of a context's tree */
    unsigned int pin_level;     /* lowest entry point any IOMMU needs */
    uint64_t pgsize_bitmap;     /* bytes */
    uint64_t iova_last;         /* bytes, inclusive */
    uint64_t msi_dfn, msi_nr;   /* frames whose writes are interrupts */
    bool flush_on_map;          /* not-present entries may be cached */
    bool ats_ok;                /* devices' own caches are flushed, too */
    bool snoop_forced;
    bool msi_isolated;
};

/* A reserved region of a device. Bytes, inclusive. */
struct iommu_ctx_resv {
    uint64_t start, last;
    enum xen_pv_iommu_resv_type type;
};

/* A context on one IOMMU. Written with pcidevs_lock held. */
struct iommu_ctx_unit {
    domid_t domid;              /* names it there; DOMID_INVALID: not yet */
    unsigned int nr_members;    /* devices behind it, absent ones included */
    unsigned int nr_stale;      /* of these, left, but not flushed */
};

/* What refuses a context one more page table; see quota.c. */
enum iommu_ctx_bound {
    IOMMU_CTX_BOUND_NONE,       /* no quota; if anything, the heap */
    IOMMU_CTX_BOUND_SELF,       /* its own limit */
    IOMMU_CTX_BOUND_PLAIN,      /* that of contexts without the reserve */
    IOMMU_CTX_BOUND_DOMAIN,     /* that of all contexts */
};

struct iommu_ctx {
    struct domain *owner;
    struct iommu_ctx_tbl *tbl;  /* the owner's */
    unsigned int id;
    atomic_t refs;              /* the table's, and one per user */

    spinlock_t lock;            /* pt, bound, retired, direct */
    struct iommu_pt pt;
    enum iommu_ctx_bound bound; /* met by the last page table asked for */
    struct page_list_head retired;  /* tables taken out under this lock */
    unsigned int pruning;       /* flushes of tables taken out, not done yet */
    uint64_t prune_cursor;      /* where to look next for empty tables */
    struct list_head direct;    /* 1:1 regions of members and who enters */
    struct iommu_gather parked; /* unmapped with NOFLUSH, waiting for SYNC */

    spinlock_t sync_lock;       /* held while what was parked is flushed */
    iommu_leaf_t *spare;        /* the other array for parked */

    /* tbl->quota_lock; reserve also needs the table lock, to be changed. */
    unsigned int pt_pages;      /* allocated and not yet freed */
    unsigned int pt_pages_max;
    bool reserve;               /* may use the reserve; if not, it is plain */

    /* Table lock, for writing. */
    bool dying;                 /* CTX_FREE has begun: nobody new may use it */
    bool freeing;               /* and is at work right now */
    uint64_t cursor;            /* how far it got, a dfn */

    /* Set once, by a flush that failed; nothing is mapped any more. */
    bool broken;

    /* pcidevs_lock. */
    struct list_head members;   /* pci_dev.ctx_list, absent ones included */
    struct iommu_ctx_unit *unit;    /* back end's, by IOMMU index */
};

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

/* Flush by range or, if end is 0, everything. Retries once; 0 or -EIO. */
int iommu_ctx_flush_range(struct iommu_ctx *ctx, uint64_t first, uint64_t end);
/* Free tables that a flush has covered. */
void iommu_ctx_free_tables(struct iommu_ctx *ctx,
                           struct page_list_head *tables);
/* A flush failed: map nothing more, let no member reach memory. */
void iommu_ctx_break(struct iommu_ctx *ctx);
/*
 * How many pages from dfn on the owner may map, or unmap, until a reserved
 * region begins. Where writes are interrupts there is nothing to unmap, which
 * is no reason to stop. ctx->lock is held.
 */
uint64_t iommu_ctx_mappable(const struct iommu_ctx *ctx, uint64_t dfn,
                            uint64_t nr);
uint64_t iommu_ctx_unmappable(const struct iommu_ctx *ctx, uint64_t dfn,
                              uint64_t nr);
/* The same for who does not hold the lock, and has to ask again with it. */
uint64_t iommu_ctx_mappable_unlocked(struct iommu_ctx *ctx, uint64_t dfn,
                                     uint64_t nr);
/*
 * Write leaves; what they displaced is flushed and freed before they count.
 * direct: of a device's region, where the owner may map nothing. Returns as
 * iommu_pt_map(), -EADDRINUSE, or -EIO: a flush failed, the context is broken.
 * *bound: after -ENOMEM, what refused a page table.
 */
int iommu_ctx_write(struct iommu_ctx *ctx, uint64_t dfn, unsigned int order,
                    const iommu_leaf_t *leaf, unsigned int nr, bool direct,
                    enum iommu_ctx_bound *bound);
/*
 * Regions that devices need mapped 1:1: direct.c. With pcidevs_lock held. get:
 * map what the device needs, with relax without its DIRECT_RELAXABLE regions.
 * *held says which of its regions those are, one bit each, by index. Returns 0
 * or -errno; -ERESTART: work is left, call again; -ENOMEM: find some and call
 * again, or give_up what is mapped so far. put: the device does not need the
 * regions of `held` any more. forget: the context has no members, and ends with
 * all its leaves.
 */
int iommu_ctx_direct_get(struct iommu_ctx *ctx, struct pci_dev *pdev,
                         bool relax, uint64_t *held);
void iommu_ctx_direct_put(struct iommu_ctx *ctx, struct pci_dev *pdev,
                          uint64_t held);
void iommu_ctx_direct_give_up(struct iommu_ctx *ctx);
void iommu_ctx_direct_forget(struct iommu_ctx *ctx);

/*
 * The context that `d` has put the device into; NULL: d's ordinary table.
 * Called with pcidevs_lock held.
 */
static inline struct iommu_ctx *iommu_ctx_of(const struct domain *d,
                                             const struct pci_dev *pdev)
{
    return pdev && pdev->ctx && pdev->ctx->owner == d ? pdev->ctx : NULL;
}

/* dom0-iommu= parameters. -ENOENT: not one of ours. */
int iommu_ctx_parse_param(const char *s, const char *end);

/*
 * Contexts as such: ctx.c. All return 0 or -errno as public/pv-iommu.h lists
 * them, -ERESTART where noted: call again.
 */
/*
 * The domain's table, made at its first use; ERR_PTR() on error. Everything
 * below that takes a domain expects it to be there. _ready: NULL if it is not.
 * Once there it stays as long as the domain.
 */
struct iommu_ctx_tbl *iommu_ctx_table(struct domain *d);
struct iommu_ctx_tbl *iommu_ctx_table_ready(const struct domain *d);
void iommu_ctx_table_destroy(struct domain *d);

/*
 * A context that is not in the table: nobody can name or find it. Before it is
 * destroyed it is to be emptied, by steps. Called with pcidevs_lock held. For
 * the limits see below; *bound: after -ENOMEM, what refused a page table.
 */
struct iommu_ctx *iommu_ctx_create(struct domain *d, struct iommu_ctx_tbl *tbl,
                                   unsigned int id, bool reserve,
                                   unsigned int pt_pages_max,
                                   enum iommu_ctx_bound *bound);
int iommu_ctx_empty(struct iommu_ctx *ctx);     /* -ERESTART */
void iommu_ctx_destroy(struct iommu_ctx *ctx);

int iommu_ctx_alloc(struct domain *d, bool reserve, unsigned int pt_pages_max,
                    unsigned int *id);          /* -ERESTART */
int iommu_ctx_free(struct domain *d, unsigned int id);  /* -ERESTART */
int iommu_ctx_reset(struct domain *d, bool to_default); /* -ERESTART */

/*
 * A page table was refused: give back empty ones of any one context that counts
 * where `bound` was met. Called without locks. 0: there were some; -ENOMEM:
 * there are none; -ERESTART: there are, but time is up.
 */
int iommu_ctx_reclaim(struct domain *d, struct iommu_ctx *self,
                      enum iommu_ctx_bound bound);

/*
 * What contexts may use: quota.c. pt_pages_max of a context: 0 is what its kind
 * gets by default, and more than it could use is lowered to that.
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
/* In Xen's log, now and then. */
void iommu_ctx_say_refused(const struct domain *d, enum iommu_ctx_bound bound);

/*
 * The domain is dying and has no device any more. 0, -ERESTART, or -EBUSY as
 * long as an IOMMU uses a context of it.
 */
int iommu_ctx_relinquish(struct domain *d);

/* A user's reference; NULL: no such context. BLOCKED can be had, 0 cannot. */
struct iommu_ctx *iommu_ctx_get(struct domain *d, unsigned int id);
/* The first from *id on, BLOCKED excepted; then *id is the number behind it. */
struct iommu_ctx *iommu_ctx_get_next(struct domain *d, unsigned int *id);
void iommu_ctx_put(struct iommu_ctx *ctx);

/*
 * Put a device of `d`, or one that d gave away, into context `id`. Called with
 * pcidevs_lock held. relax: without its DIRECT_RELAXABLE regions. -ERESTART:
 * drop the lock for a moment, and call again.
 */
int iommu_ctx_attach(struct domain *d, struct pci_dev *pdev, unsigned int id,
                     bool relax);

/* The device is about to be forgotten. Called with pcidevs_lock held. */
void iommu_ctx_device_gone(struct pci_dev *pdev);

/*
 * Xen has crashed, and translation is about to be turned off: what was an iova
 * becomes a machine address. Turn off bus mastering of devices in contexts,
 * BLOCKED included; whoever comes next turns it on for those that it drives.
 */
void iommu_ctx_crash_shutdown(void);

/*
 * Map or unmap the first pages of a range, as many as one step may take.
 * Return how many those were, or -errno for the first of them; -ERESTART: none
 * yet, call again. What they leave to be flushed is in the gather.
 */
int64_t iommu_ctx_map(struct iommu_ctx *ctx, uint64_t dfn, uint64_t gfn,
                      uint64_t nr, unsigned int max_order, unsigned int flags,
                      struct iommu_gather *g);
int64_t iommu_ctx_unmap(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr,
                        struct iommu_gather *g);

/*
 * Map several runs, one behind the other from dfn on, by leaves of order 0; all
 * that the owner may map, and in one level 1 table. Returns how many pages were
 * mapped; why there are not more tells iommu_ctx_map() of the next.
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
bool iommu_ctx_can_defer(const struct domain *d);
int iommu_ctx_park_init(struct iommu_ctx *ctx);
void iommu_ctx_park_fini(struct iommu_ctx *ctx);
int64_t iommu_ctx_unmap_park(struct iommu_ctx *ctx, uint64_t dfn, uint64_t nr);
int iommu_ctx_sync(struct iommu_ctx *ctx);

/*
 * Flush the gather's range, then release its leaves. -EIO: the flush failed,
 * the leaves are kept for ever, the context is broken and its devices blocked.
 */
int iommu_ctx_flush(struct iommu_ctx *ctx, struct iommu_gather *g);

/*
 * The DMA of the device with this requester id was refused: see to it that this
 * does not happen too often, and keep a record. Returns whether Xen's log shall
 * have it. Called outside of interrupts, with no lock held.
 */
bool iommu_ctx_fault(pci_sbdf_t id, uint64_t iova, bool write);
/* The oldest record, or -ENOENT. */
int iommu_ctx_fault_read(struct domain *d, struct xen_pv_iommu_fault *rec);

/*
 * Too many faults: suppress.c. The device is in a context and pcidevs_lock is
 * held. count: it faulted; 0, or 1 if its reports are suppressed, or -errno if
 * they should be and cannot. logged: whether Xen's log shall have its faults.
 * resume: report them again if they are suppressed; also for a device that is
 * in no context any more, whose entries are then left alone.
 */
int iommu_ctx_fault_count(struct pci_dev *pdev);
bool iommu_ctx_fault_logged(const struct pci_dev *pdev);
void iommu_ctx_fault_resume(struct pci_dev *pdev);

/* Shall this flush fail? For tests. */
#ifdef CONFIG_IOMMU_CTX_INJECT
bool iommu_ctx_inject_flush(void);
#else
static inline bool iommu_ctx_inject_flush(void)
{
    return false;
}
#endif

/* Try the page tables out, before a domain can use its table. 0 or -errno. */
#ifdef CONFIG_IOMMU_CTX_SELFTEST
int iommu_ctx_selftest(struct domain *d, struct iommu_ctx_tbl *tbl);
#else
static inline int iommu_ctx_selftest(struct domain *d,
                                     struct iommu_ctx_tbl *tbl)
{
    return 0;
}
#endif

/* This CPU's gather, empty; the caller's until its hypercall ends. */
struct iommu_gather *iommu_ctx_gather(void);

/*
 * Frames, by architecture. get: the leaves (order 0) that map nr frames from
 * gfn on for the device with the rights that flags (XEN_PV_IOMMU_F_*) ask for,
 * references taken. Returns for how many; *rc says why there are not more:
 * -EACCES, -ETXTBSY, -EINVAL. put: drop what a leaf of any order holds. to_gfn:
 * where the owner sees the frame, or XEN_PV_IOMMU_GFN_UNKNOWN.
 */
unsigned int iommu_ctx_frames_get(struct domain *d, uint64_t gfn,
                                  unsigned int nr, unsigned int flags,
                                  iommu_leaf_t *leaf, int *rc);
void iommu_ctx_frame_put(iommu_leaf_t leaf);
uint64_t iommu_ctx_frame_to_gfn(const struct domain *d, iommu_leaf_t leaf);
bool iommu_ctx_frame_is_foreign(const struct domain *d, iommu_leaf_t leaf);
/* May the domain have contexts at all? 0 or -EOPNOTSUPP. */
int iommu_ctx_arch_permitted(const struct domain *d);

#else /* !CONFIG_IOMMU_CTX */

static inline struct iommu_ctx *iommu_ctx_of(const struct domain *d,
                                             const struct pci_dev *pdev)
{
    return NULL;
}

static inline void iommu_ctx_device_gone(struct pci_dev *pdev) {}
static inline void iommu_ctx_crash_shutdown(void) {}

static inline int iommu_ctx_relinquish(struct domain *d)
{
    return 0;
}

static inline bool iommu_ctx_fault(pci_sbdf_t id, uint64_t iova, bool write)
{
    pci_check_disable_device(id.seg, id.bus, id.devfn);

    return true;
}

static inline int iommu_ctx_parse_param(const char *s, const char *end)
{
    return -ENOENT;
}

#endif /* CONFIG_IOMMU_CTX */

#endif /* XEN_IOMMU_CTX_H */

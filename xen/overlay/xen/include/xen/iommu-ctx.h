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

/* A device, as far as its IOMMU is concerned. */
struct iommu_ctx_dev {
    enum xen_pv_iommu_no_ctx no_ctx;    /* why it cannot be in a context */
    uint32_t group;             /* the same for devices that share an id */
    uint32_t iommu_id;          /* an index */
    uint64_t pgsize_bitmap;     /* bytes */
    uint64_t iova_last;         /* bytes, inclusive */
    bool aliased;               /* has requester ids besides its own */
    bool protected;             /* its DMA is translated now */
    bool coherent_walk;
    bool msi_isolated;
    bool ats;                   /* enabled */
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
 * The domain is dying and has no device any more. 0, -ERESTART, or -EBUSY as
 * long as an IOMMU uses a context of it.
 */
int iommu_ctx_relinquish(struct domain *d);

/* The device is about to be forgotten. Called with pcidevs_lock held. */
void iommu_ctx_device_gone(struct pci_dev *pdev);

/*
 * Xen has crashed, and translation is about to be turned off: what was an iova
 * becomes a machine address. Turn off bus mastering of devices in contexts,
 * BLOCKED included; whoever comes next turns it on for those that it drives.
 */
void iommu_ctx_crash_shutdown(void);

/*
 * The DMA of the device with this requester id was refused: see to it that this
 * does not happen too often, and keep a record. Returns whether Xen's log shall
 * have it. Called outside of interrupts, with no lock held.
 */
bool iommu_ctx_fault(pci_sbdf_t id, uint64_t iova, bool write);

/* Shall this flush fail? For tests. */
#ifdef CONFIG_IOMMU_CTX_INJECT
bool iommu_ctx_inject_flush(void);
#else
static inline bool iommu_ctx_inject_flush(void)
{
    return false;
}
#endif

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

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU contexts: page tables that a domain manages itself and puts its devices
 * into, instead of the one table Xen keeps for the domain. public/pv-iommu.h is
 * the interface to the domain.
 *
 * pdev->ctx is the context that a device is in (NULL: the domain's ordinary
 * table). It applies while the context's owner owns the device. A device that
 * is assigned elsewhere keeps it, and is back in that context when it returns.
 *
 * Ownership
 *   - The table of contexts (struct domain_iommu.ctxs) belongs to the domain,
 *     a context to the table. A user of a context outside the table's lock
 *     holds a reference. CTX_FREE waits until it is the last user.
 *   - A leaf owns the references that IOMMU_LEAF_REF and IOMMU_LEAF_TYPE state.
 *     They are taken before the leaf is written, and dropped only after the
 *     flush that follows its removal (XSA-288, XSA-346). Until that flush an
 *     unmapped leaf is in a gather, which belongs to the running hypercall.
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

/* Properties common to all IOMMUs of the machine. */
struct iommu_ctx_caps {
    const struct iommu_pt_fmt *fmt;
    unsigned int levels;        /* of a context's tree */
    unsigned int pin_level;     /* lowest entry point any IOMMU needs */
    uint64_t pgsize_bitmap;     /* bytes */
    uint64_t iova_last;         /* bytes, inclusive */
    uint64_t msi_dfn, msi_nr;   /* frames whose writes are interrupts */
    bool flush_on_map;          /* not-present entries may be cached */
    bool ats_ok;                /* devices' own caches are flushed too */
    bool snoop_forced;
    bool msi_isolated;
};

/* A reserved region of a device. Bytes, inclusive. */
struct iommu_ctx_resv {
    uint64_t start, last;
    enum xen_pv_iommu_resv_type type;
};

/* Properties of a device and its IOMMU. */
struct iommu_ctx_dev {
    enum xen_pv_iommu_no_ctx no_ctx;    /* why it cannot be in a context */
    uint32_t group;             /* the same for devices that share an id */
    uint32_t iommu_id;          /* an index */
    uint64_t pgsize_bitmap;     /* bytes */
    uint64_t iova_last;         /* bytes, inclusive */
    bool aliased;               /* has requester ids in addition to its own */
    bool protected;             /* its DMA is translated now */
    bool coherent_walk;
    bool msi_isolated;
    bool ats;                   /* enabled */
};

/* A context on one IOMMU. Written under pcidevs_lock. */
struct iommu_ctx_unit {
    domid_t domid;              /* its id there; DOMID_INVALID: none yet */
    unsigned int nr_members;    /* devices there, absent ones included */
    unsigned int nr_stale;      /* of these, left, but not flushed */
};

/* The limit that refuses a context one more page table; see quota.c. */
enum iommu_ctx_bound {
    IOMMU_CTX_BOUND_NONE,       /* none; the heap may refuse it */
    IOMMU_CTX_BOUND_SELF,       /* its own limit */
    IOMMU_CTX_BOUND_PLAIN,      /* that of contexts without the reserve */
    IOMMU_CTX_BOUND_DOMAIN,     /* that of all contexts */
};

struct iommu_ctx {
    struct domain *owner;
    struct iommu_ctx_tbl *tbl;  /* the owner's */
    unsigned int id;
    atomic_t refs;              /* the table's, and one per user */

    spinlock_t lock;            /* protects pt, bound, retired, direct */
    struct iommu_pt pt;
    enum iommu_ctx_bound bound; /* result of the last table allocation */
    struct page_list_head retired;  /* tables taken out under this lock */
    unsigned int pruning;       /* flushes of removed tables in progress */
    uint64_t prune_cursor;      /* next dfn to search for empty tables */
    struct list_head direct;    /* 1:1 regions of members, and of new ones */
    struct iommu_gather parked; /* unmapped with NOFLUSH, waiting for SYNC */

    spinlock_t sync_lock;       /* held while what was parked is flushed */
    iommu_leaf_t *spare;        /* the other array for parked */

    /* Protected by tbl->quota_lock; writing reserve also takes tbl->lock. */
    unsigned int pt_pages;      /* allocated and not yet freed */
    unsigned int pt_pages_max;
    bool reserve;               /* may use the reserve; if not, it is plain */

    /* Written under tbl->lock. */
    bool dying;                 /* CTX_FREE has begun: lookups skip it */
    bool freeing;               /* CTX_FREE is running now */
    uint64_t cursor;            /* progress, a dfn; owned by running CTX_FREE */

    /* Set once, after a failed flush; nothing is mapped any more. */
    bool broken;

    /* Protected by pcidevs_lock. */
    struct list_head members;   /* pci_dev.ctx_list, absent ones included */
    struct iommu_ctx_unit *unit;    /* back end's, by IOMMU index */
};

/*
 * The context that `d` has put the device into; NULL: d's ordinary table.
 * Caller must hold pcidevs_lock.
 */
static inline struct iommu_ctx *iommu_ctx_of(const struct domain *d,
                                             const struct pci_dev *pdev)
{
    return pdev && pdev->ctx && pdev->ctx->owner == d ? pdev->ctx : NULL;
}

/* Parse dom0-iommu= parameters. -ENOENT: not for contexts. */
int iommu_ctx_parse_param(const char *s, const char *end);

/*
 * Free the contexts of a dying domain that has no devices any more. Returns 0,
 * -ERESTART, or -EBUSY as long as an IOMMU uses one of them.
 */
int iommu_ctx_relinquish(struct domain *d);

/* Xen is about to remove the device. Caller must hold pcidevs_lock. */
void iommu_ctx_device_gone(struct pci_dev *pdev);

/*
 * Turn off bus mastering of devices in contexts, BLOCKED included. Xen has
 * crashed and is about to turn translation off, so iovas become machine
 * addresses. The next kernel's drivers turn bus mastering on for their devices.
 */
void iommu_ctx_crash_shutdown(void);

/*
 * An IOMMU refused DMA of the device with this requester id. Limit the device
 * if it faults too often, and keep a record. Returns true if Xen's log shall
 * have the fault. Called outside of interrupts, with no lock held.
 */
bool iommu_ctx_fault(pci_sbdf_t id, uint64_t iova, bool write);

/* For tests: true if this flush shall fail. */
#ifdef CONFIG_IOMMU_CTX_INJECT
bool iommu_ctx_inject_flush(void);
#else
static inline bool iommu_ctx_inject_flush(void)
{
    return false;
}
#endif

/*
 * Frames, by architecture.
 * get: take references and make the leaves (order 0) that map nr frames from
 * gfn on, with the rights of flags (XEN_PV_IOMMU_F_*). Returns the number made.
 * *rc has the error of the next one: -EACCES, -ETXTBSY, -EINVAL.
 * put: drop what a leaf of any order holds.
 * to_gfn: the gfn of the frame in d, or XEN_PV_IOMMU_GFN_UNKNOWN.
 */
unsigned int iommu_ctx_frames_get(struct domain *d, uint64_t gfn,
                                  unsigned int nr, unsigned int flags,
                                  iommu_leaf_t *leaf, int *rc);
void iommu_ctx_frame_put(iommu_leaf_t leaf);
uint64_t iommu_ctx_frame_to_gfn(const struct domain *d, iommu_leaf_t leaf);
bool iommu_ctx_frame_is_foreign(const struct domain *d, iommu_leaf_t leaf);
/* Returns 0 if the domain may have contexts, else -EOPNOTSUPP. */
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

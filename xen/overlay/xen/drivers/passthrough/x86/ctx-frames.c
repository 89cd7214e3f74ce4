/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of IOMMU contexts on x86: which frames a domain may map, and which
 * references a leaf holds.
 *
 * A frame is device memory only if it is not RAM of the machine, or is RAM that
 * belongs to dom_io. Any other frame is RAM, whatever the caller claims: the
 * hardware domain has iomem permission for every frame, so that permission
 * alone proves nothing. dom_io also owns the trampoline below 1 MiB, which CPUs
 * execute when they start and when the machine wakes up. No device may write
 * there, nor to any frame that Xen keeps out of the hardware domain's ordinary
 * table for this reason.
 *
 * RAM must be the domain's own, or the caller passes FOREIGN and the policy
 * permits it. A leaf holds a reference to its frame. If the leaf makes a page
 * of a PV domain writable, it also holds a type reference. So the page cannot
 * become a page or descriptor table while a device can write to it (XSA-288).
 *
 * A translated domain reaches another's pages only through its p2m, which
 * records read-only grants. A PV domain names machine frames, as in its page
 * tables. The policy alone decides there: Xen cannot find out which of several
 * grants is meant. A PV domain may name any page of the owner, even a table
 * that shadow paging made for a translated owner. So every writable leaf of a
 * PV domain holds a type reference, for any owner, as a grant mapping does. The
 * page stays its owner's until it is unmapped, even if the owner dies.
 */
#include <xen/iocap.h>
#include <xen/iommu.h>
#include <xen/iommu-ctx.h>
#include <xen/mm.h>
#include <xen/rangeset.h>

#include <asm/msi.h>
#include <asm/p2m.h>
#include <asm/paging.h>
#include <asm/setup.h>

#include <xsm/xsm.h>

/* All frames except those of Xen's code, data and trampoline. */
static struct rangeset *__ro_after_init not_xens;

static int __init cf_check find_xens_frames(void)
{
    struct rangeset *r = rangeset_new(NULL, NULL, 0);
    unsigned long last = (1UL << (paddr_bits - PAGE_SHIFT)) - 1;
    int rc = r ? rangeset_add_range(r, 0, last) : -ENOMEM;

    if ( !rc )
        rc = remove_xen_ranges(r);
    if ( rc )
    {
        printk(XENLOG_ERR
               "no IOMMU contexts: Xen's own frames cannot be listed (%d)\n",
               rc);
        rangeset_destroy(r);
        r = NULL;
    }
    not_xens = r;

    return rc;
}
__initcall(find_xens_frames);

/* True if the PV domain is in shadow mode, or a PTE can put it there. */
static bool may_be_shadowed(const struct domain *d)
{
    return paging_mode_enabled(d) ||
           (IS_ENABLED(CONFIG_SHADOW_PAGING) && d->arch.pv.check_l1tf);
}

int iommu_ctx_arch_permitted(const struct domain *d)
{
    if ( !is_iommu_enabled(d) || !not_xens )
        return -EOPNOTSUPP;

    /* Shadow paging does not account for our type references: d would crash. */
    if ( is_pv_domain(d) && may_be_shadowed(d) )
    {
        printk_once(XENLOG_WARNING
                    "%pd: no IOMMU contexts with PV shadow paging, which pv-l1tf= may turn on\n",
                    d);
        return -EOPNOTSUPP;
    }

    return 0;
}

static iommu_leaf_t make_leaf(mfn_t mfn, unsigned int flags, iommu_leaf_t holds)
{
    return mfn_to_maddr(mfn) | holds |
           (flags & XEN_PV_IOMMU_F_R ? IOMMU_LEAF_R : 0) |
           (flags & XEN_PV_IOMMU_F_W ? IOMMU_LEAF_W : 0);
}

/* Writes there are interrupts: a peer's DMA must not reach it either. */
static bool is_msi_frame(mfn_t mfn)
{
    return (mfn_to_maddr(mfn) & MSI_ADDR_BASE_MASK) == MSI_ADDR_BASE_LO;
}

static bool is_ram(mfn_t mfn)
{
    struct page_info *page = mfn_to_page(mfn);
    const struct domain *owner;

    if ( !mfn_valid(mfn) )
        return false;

    owner = page_get_owner_and_reference(page);
    if ( owner )
        put_page(page);

    /* A frame without an owner is Xen's, or free. */
    return owner != dom_io;
}

static int mmio_get(const struct domain *d, mfn_t mfn, unsigned int flags,
                    iommu_leaf_t *leaf)
{
    unsigned long frame = mfn_x(mfn);

    if ( is_ram(mfn) )
        return -EINVAL;

    if ( !iomem_access_permitted(d, frame, frame) || is_msi_frame(mfn) )
        return -EACCES;

    if ( (flags & XEN_PV_IOMMU_F_W) &&
         (rangeset_contains_singleton(mmio_ro_ranges, frame) ||
          !rangeset_contains_singleton(not_xens, frame)) )
        return -EACCES;

    *leaf = make_leaf(mfn, flags, 0);

    return 0;
}

static bool owner_permits(struct domain *d, struct domain *owner,
                          unsigned int flags)
{
    if ( owner == d )
        return true;

    return (flags & XEN_PV_IOMMU_F_FOREIGN) && !is_system_domain(owner) &&
           !xsm_iommu_map(XSM_TARGET, d, owner, flags & XEN_PV_IOMMU_F_W);
}

static int ram_get(struct domain *d, mfn_t mfn, unsigned int flags,
                   iommu_leaf_t *leaf)
{
    struct page_info *page = mfn_to_page(mfn);
    iommu_leaf_t holds = IOMMU_LEAF_REF;
    struct domain *owner;

    /* get_page() would log a frame of another domain as an error. */
    owner = mfn_valid(mfn) ? page_get_owner_and_reference(page) : NULL;
    if ( !owner )
        return -EACCES;
    if ( is_special_page(page) || !owner_permits(d, owner, flags) )
    {
        put_page(page);
        return -EACCES;
    }

    if ( (flags & XEN_PV_IOMMU_F_W) &&
         (is_pv_domain(owner) || !paging_mode_translate(d)) )
    {
        if ( !get_page_type(page, PGT_writable_page) )
        {
            put_page(page);
            return -ETXTBSY;
        }
        holds |= IOMMU_LEAF_TYPE;
    }

    *leaf = make_leaf(mfn, flags, holds);

    return 0;
}

/* Get adjacent frames, up to the first that fails: see *rc. */
static unsigned int mfns_get(struct domain *d, mfn_t mfn, unsigned int nr,
                             unsigned int flags, iommu_leaf_t *leaf, int *rc)
{
    unsigned int i;

    for ( i = 0; i < nr; i++ )
    {
        mfn_t frame = _mfn(mfn_x(mfn) + i);

        *rc = flags & XEN_PV_IOMMU_F_MMIO ? mmio_get(d, frame, flags, &leaf[i])
                                          : ram_get(d, frame, flags, &leaf[i]);
        if ( *rc )
            break;
    }

    return i;
}

#ifdef CONFIG_HVM
/*
 * Get as many frames as one p2m entry covers. The p2m lock, held by get_gfn,
 * keeps type and frames consistent.
 */
static unsigned int translated_get(struct domain *d, uint64_t gfn,
                                   unsigned int nr, unsigned int flags,
                                   iommu_leaf_t *leaf, int *rc)
{
    bool mmio = flags & XEN_PV_IOMMU_F_MMIO;
    unsigned int rights, order = 0, i = 0;
    p2m_access_t a;
    p2m_type_t t;
    mfn_t mfn;

    mfn = get_gfn_type_access(p2m_get_hostp2m(d), gfn, &t, &a, P2M_ALLOC,
                              &order);
    rights = p2m_get_iommu_flags(t, a, mfn);
    nr = min_t(uint64_t, nr, (1UL << order) - (gfn & ((1UL << order) - 1)));

    if ( mmio && p2m_is_any_ram(t) )
        *rc = -EINVAL;
    else if ( !rights || mmio != (t == p2m_mmio_direct) ||
              ((flags & XEN_PV_IOMMU_F_W) && !(rights & IOMMUF_writable)) )
        *rc = -EACCES;
    else
        i = mfns_get(d, mfn, nr, flags, leaf, rc);

    put_gfn(d, gfn);

    return i;
}
#endif

unsigned int iommu_ctx_frames_get(struct domain *d, uint64_t gfn,
                                  unsigned int nr, unsigned int flags,
                                  iommu_leaf_t *leaf, int *rc)
{
    uint64_t limit = 1ULL << (paddr_bits - PAGE_SHIFT);
    unsigned int i = 0, here = gfn < limit ? min_t(uint64_t, nr, limit - gfn)
                                           : 0;

    *rc = 0;
#ifdef CONFIG_HVM
    if ( paging_mode_translate(d) )
        while ( i < here && !*rc )
            i += translated_get(d, gfn + i, here - i, flags, leaf + i, rc);
    else
#endif
        i = mfns_get(d, _mfn(gfn), here, flags, leaf, rc);

    if ( !*rc && here < nr )
        *rc = -EACCES;

    return i;
}

/* The device may have written: record this for a migration of the owner. */
static void mark_dirty(const struct page_info *page)
{
    struct domain *owner = page_get_owner(page);

    if ( unlikely(paging_mode_log_dirty(owner)) )
        paging_mark_dirty(owner, page_to_mfn(page));
}

void iommu_ctx_frame_put(iommu_leaf_t leaf)
{
    struct page_info *page;
    unsigned long i, nr = 1UL << iommu_leaf_order(leaf);

    if ( !(leaf & IOMMU_LEAF_REF) )
        return;

    page = maddr_to_page(leaf & IOMMU_LEAF_MADDR_MASK);
    for ( i = 0; i < nr; i++ )
    {
        if ( leaf & IOMMU_LEAF_W )
            mark_dirty(page + i);
        if ( leaf & IOMMU_LEAF_TYPE )
            put_page_and_type(page + i);
        else
            put_page(page + i);
    }
}

bool iommu_ctx_frame_is_foreign(const struct domain *d, iommu_leaf_t leaf)
{
    return (leaf & IOMMU_LEAF_REF) &&
           page_get_owner(maddr_to_page(leaf & IOMMU_LEAF_MADDR_MASK)) != d;
}

uint64_t iommu_ctx_frame_to_gfn(const struct domain *d, iommu_leaf_t leaf)
{
    mfn_t mfn = maddr_to_mfn(leaf & IOMMU_LEAF_MADDR_MASK);
    gfn_t gfn;

    /* For PV frames, and PVH's device memory (mapped 1:1), gfn equals mfn. */
    if ( !paging_mode_translate(d) || !(leaf & IOMMU_LEAF_REF) )
        return mfn_x(mfn);

    /* The owner's gfn means nothing to d. */
    if ( iommu_ctx_frame_is_foreign(d, leaf) )
        return XEN_PV_IOMMU_GFN_UNKNOWN;

    gfn = mfn_to_gfn(d, mfn);

    return gfn_eq(gfn, INVALID_GFN) || SHARED_M2P(gfn_x(gfn))
           ? XEN_PV_IOMMU_GFN_UNKNOWN : gfn_x(gfn);
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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The iommu_op hypercall. This file and batch.c check all guest input before
 * they call other files. public/pv-iommu.h describes the interface, its errors
 * and its rules for partial success.
 */
#include <xen/err.h>
#include <xen/event.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/iommu.h>
#include <xen/lib.h>
#include <xen/nospec.h>

#include <xsm/xsm.h>

#include "ctx.h"
#include "op.h"

/* Tables examined before a LOOKUP_NEXT can be preempted. */
#define NEXT_BUDGET         32U

union op_arg {
    struct xen_pv_iommu_query query;
    struct xen_pv_iommu_dev_query dev_query;
    struct xen_pv_iommu_dev_resv dev_resv;
    struct xen_pv_iommu_ctx ctx;
    struct xen_pv_iommu_attach attach;
    struct xen_pv_iommu_lookup lookup;
    struct xen_pv_iommu_fault fault;
};

/* Devices. Caller must hold pcidevs_lock. */

static bool gave_away(const struct domain *d, const struct pci_dev *pdev)
{
    /*
     * Only the hardware domain has devices to give. dom_xen's devices are
     * hidden, and a device that could not be added has no owner.
     */
    return is_hardware_domain(d) && pdev->domain && pdev->domain != d &&
           pdev->domain != dom_xen;
}

static struct pci_dev *find_device(const struct domain *d,
                                   const struct xen_pv_iommu_dev *dev)
{
    struct pci_dev *pdev;

    if ( dev->mbz || dev->type > XEN_PV_IOMMU_DEV_DT )
        return ERR_PTR(-EINVAL);
    if ( dev->type != XEN_PV_IOMMU_DEV_PCI )
        return ERR_PTR(-ENODEV);

    pdev = pci_get_pdev(NULL, (pci_sbdf_t){ .sbdf = dev->id });

    return pdev && (pdev->domain == d || gave_away(d, pdev)) ? pdev
                                                             : ERR_PTR(-ENODEV);
}

static uint32_t device_flags(const struct iommu_ctx_dev *dev)
{
    return ((uint32_t)dev->no_ctx << XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT) |
           (dev->no_ctx ? 0 : XEN_PV_IOMMU_DEV_F_CAN_CTX) |
           (dev->protected ? XEN_PV_IOMMU_DEV_F_PROTECTED : 0) |
           (dev->ats ? XEN_PV_IOMMU_DEV_F_ATS : 0) |
           (dev->aliased ? XEN_PV_IOMMU_DEV_F_ALIASED : 0) |
           (dev->coherent_walk ? XEN_PV_IOMMU_DEV_F_COHERENT_WALK : 0) |
           (dev->msi_isolated ? XEN_PV_IOMMU_DEV_F_MSI_ISOLATED : 0);
}

static void query_device(const struct domain *d, struct pci_dev *pdev,
                         struct xen_pv_iommu_dev_query *q)
{
    const struct iommu_ops *ops = dom_iommu(d)->platform_ops;
    const struct iommu_ctx *ctx = iommu_ctx_of(d, pdev);
    struct iommu_ctx_resv resv;
    struct iommu_ctx_dev dev;

    iommu_vcall(ops, ctx_dev_query, pdev, &dev);
    q->flags = device_flags(&dev);
    q->group = dev.group;
    q->pgsize_bitmap = dev.pgsize_bitmap;
    q->iova_last = dev.iova_last;
    q->iommu_id = dev.iommu_id;

    while ( !iommu_call(ops, ctx_dev_resv, pdev, q->nr_resv, &resv) )
    {
        if ( resv.type == XEN_PV_IOMMU_RESV_DIRECT ||
             resv.type == XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE )
            q->flags |= XEN_PV_IOMMU_DEV_F_HAS_DIRECT;
        q->nr_resv++;
    }

    q->ctx = ctx ? ctx->id : XEN_PV_IOMMU_CTX_DEFAULT;
    if ( pdev->domain != d )
        q->flags |= XEN_PV_IOMMU_DEV_F_ABSENT;
}

static int op_dev_query(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_dev_query *q = &arg->dev_query;
    struct xen_pv_iommu_dev dev = q->dev;
    bool mbz = q->mbz;
    struct pci_dev *pdev;

    *q = (struct xen_pv_iommu_dev_query){ .dev = dev };
    if ( mbz )
        return -EINVAL;

    pcidevs_lock();
    pdev = find_device(d, &dev);
    if ( !IS_ERR(pdev) )
        query_device(d, pdev, q);
    pcidevs_unlock();

    return IS_ERR(pdev) ? PTR_ERR(pdev) : 0;
}

static int op_dev_resv(struct domain *d, union op_arg *arg)
{
    const struct iommu_ops *ops = dom_iommu(d)->platform_ops;
    struct xen_pv_iommu_dev_resv *r = &arg->dev_resv;
    struct iommu_ctx_resv resv = {};
    struct pci_dev *pdev;
    int rc = -EINVAL;

    if ( !r->mbz )
    {
        pcidevs_lock();
        pdev = find_device(d, &r->dev);
        rc = IS_ERR(pdev) ? PTR_ERR(pdev)
                          : iommu_call(ops, ctx_dev_resv, pdev, r->index,
                                       &resv);
        pcidevs_unlock();
    }

    r->start = resv.start;
    r->last = resv.last;
    r->type = resv.type;

    return rc;
}

static bool may_attach(const struct domain *d, struct pci_dev *pdev)
{
    struct iommu_ctx_dev dev;

    iommu_vcall(dom_iommu(d)->platform_ops, ctx_dev_query, pdev, &dev);

    return dev.no_ctx == XEN_PV_IOMMU_NO_CTX_NONE;
}

/* A device may always leave a context, even if it could not enter one now. */
static bool may_leave_for(uint32_t id)
{
    return id == XEN_PV_IOMMU_CTX_DEFAULT || id == XEN_PV_IOMMU_CTX_BLOCKED;
}

static int attach_device(struct domain *d, struct xen_pv_iommu_attach *a,
                         bool relax)
{
    struct pci_dev *pdev = find_device(d, &a->dev);
    const struct iommu_ctx *prev;

    if ( IS_ERR(pdev) )
        return PTR_ERR(pdev);

    prev = iommu_ctx_of(d, pdev);
    a->prev_ctx = prev ? prev->id : XEN_PV_IOMMU_CTX_DEFAULT;
    if ( pdev->domain != d )
        a->flags = XEN_PV_IOMMU_ATTACH_F_ABSENT;
    if ( !may_attach(d, pdev) && !(prev && may_leave_for(a->ctx)) )
        return -ENODEV;

    return iommu_ctx_attach(d, pdev, a->ctx, relax);
}

/* Page tables for a device's regions were refused: reclaim some. */
static int reclaim_for(struct domain *d, uint32_t id)
{
    struct iommu_ctx *ctx = iommu_ctx_get(d, id);
    enum iommu_ctx_bound bound = ctx ? read_atomic(&ctx->bound)
                                     : IOMMU_CTX_BOUND_NONE;
    int rc = -ENOMEM;

    if ( bound != IOMMU_CTX_BOUND_NONE )
        rc = iommu_ctx_reclaim(d, ctx, bound) ?: -ERESTART;
    if ( ctx && rc == -ENOMEM )
    {
        pcidevs_lock();
        if ( iommu_ctx_direct_give_up(ctx) )
            iommu_ctx_break(ctx);
        pcidevs_unlock();
    }
    if ( ctx )
        iommu_ctx_put(ctx);

    return rc;
}

static int op_attach(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_attach *a = &arg->attach;
    uint32_t flags = a->flags;
    int rc;

    a->flags = 0;
    a->prev_ctx = XEN_PV_IOMMU_CTX_INVALID;

    if ( flags & ~XEN_PV_IOMMU_ATTACH_F_RELAX )
        rc = -EINVAL;
    else
    {
        /* Release the lock between two steps of mapping 1:1 regions. */
        do {
            pcidevs_lock();
            rc = attach_device(d, a, flags);
            pcidevs_unlock();
        } while ( rc == -ERESTART && !hypercall_preempt_check() );
        if ( rc == -ENOMEM )
            rc = reclaim_for(d, a->ctx);
    }
    a->status = rc;

    return rc;
}

/* Contexts. */

/* Fill in the figures of a context and put it. NULL: no such context. */
static int ctx_tell(struct iommu_ctx *ctx, struct xen_pv_iommu_ctx *c)
{
    if ( !ctx )
        return -ENOENT;

    spin_lock(&ctx->lock);
    *c = (struct xen_pv_iommu_ctx){
        .ctx = ctx->id,
        .flags = (ctx->broken ? XEN_PV_IOMMU_CTX_F_BROKEN : 0) |
                 (ctx->reserve ? XEN_PV_IOMMU_CTX_F_RESERVE : 0),
        .iova_last = ctx->tbl->caps.iova_last,
        .pt_pages_max = read_atomic(&ctx->pt_pages_max),
        .pt_pages = read_atomic(&ctx->pt_pages),
        .nr_mapped = ctx->pt.nr_mapped,
    };
    spin_unlock(&ctx->lock);
    iommu_ctx_put(ctx);

    return 0;
}

static int op_ctx_info(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_ctx in = arg->ctx, *c = &arg->ctx;

    *c = (struct xen_pv_iommu_ctx){ .ctx = in.ctx };

    return in.flags ? -EINVAL : ctx_tell(iommu_ctx_get(d, in.ctx), c);
}

static int op_ctx_next(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_ctx in = arg->ctx, *c = &arg->ctx;
    unsigned int id = in.ctx;

    *c = (struct xen_pv_iommu_ctx){ .ctx = in.ctx };

    return in.flags ? -EINVAL : ctx_tell(iommu_ctx_get_next(d, &id), c);
}

/* True if the flags are those a caller may set, and OUT fields are zero. */
static bool limits_ok(const struct xen_pv_iommu_ctx *c)
{
    return !(c->flags & ~XEN_PV_IOMMU_CTX_F_RESERVE) && !c->iova_last &&
           !c->pt_pages && !c->nr_mapped;
}

static int op_ctx_alloc(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_ctx in = arg->ctx, *c = &arg->ctx;
    enum iommu_ctx_bound bound;
    unsigned int id;
    int rc;

    *c = (struct xen_pv_iommu_ctx){ .ctx = XEN_PV_IOMMU_CTX_INVALID };
    if ( in.ctx || !limits_ok(&in) )
        return -EINVAL;

    rc = iommu_ctx_alloc(d, in.flags, in.pt_pages_max, &id, &bound);
    if ( rc == -ENOMEM )
        rc = iommu_ctx_reclaim(d, NULL, bound) ?: -ERESTART;
    if ( rc )
        return rc;

    /* Another vCPU may have guessed the number and freed it: figures are 0. */
    c->ctx = id;
    (void)ctx_tell(iommu_ctx_get(d, id), c);

    return 0;
}

static int op_ctx_set(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_ctx in = arg->ctx, *c = &arg->ctx;
    struct iommu_ctx *ctx;
    int rc;

    *c = (struct xen_pv_iommu_ctx){ .ctx = in.ctx };
    if ( !limits_ok(&in) )
        return -EINVAL;

    /* Xen alone sets the limits of BLOCKED. */
    ctx = in.ctx != XEN_PV_IOMMU_CTX_BLOCKED ? iommu_ctx_get(d, in.ctx) : NULL;
    rc = ctx ? iommu_ctx_limits_set(ctx, in.flags, in.pt_pages_max) : -ENOENT;
    if ( !rc )
        return ctx_tell(ctx, c);
    if ( ctx )
        iommu_ctx_put(ctx);

    return rc;
}

/* FREE and RESET leave no context to report figures of. */
static void ctx_no_figures(struct xen_pv_iommu_ctx *c)
{
    *c = (struct xen_pv_iommu_ctx){ .ctx = c->ctx, .flags = c->flags };
}

static int op_ctx_free(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_ctx *c = &arg->ctx;

    ctx_no_figures(c);
    if ( c->flags )
        return -EINVAL;

    return iommu_ctx_free(d, c->ctx);
}

static int op_reset(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_ctx *c = &arg->ctx;

    ctx_no_figures(c);
    if ( c->ctx || (c->flags != XEN_PV_IOMMU_CTX_F_TO_DEFAULT &&
                    c->flags != XEN_PV_IOMMU_CTX_F_TO_BLOCKED) )
        return -EINVAL;

    return iommu_ctx_reset(d, c->flags == XEN_PV_IOMMU_CTX_F_TO_DEFAULT);
}

/* Turn a leaf, which may be large, into that of the one page dfn. */
static iommu_leaf_t page_of(iommu_leaf_t leaf, uint64_t dfn)
{
    uint64_t mask = (1ULL << iommu_leaf_order(leaf)) - 1;

    return leaf + ((dfn & mask) << PAGE_SHIFT);
}

/* Clear OUT fields but dfn; get the context. NULL: *rc has the error. */
static struct iommu_ctx *lookup_start(struct domain *d,
                                      struct xen_pv_iommu_lookup *l, int *rc)
{
    struct iommu_ctx *ctx = l->mbz ? NULL : iommu_ctx_get(d, l->ctx);

    *rc = l->mbz ? -EINVAL : -ENOENT;
    l->gfn = XEN_PV_IOMMU_GFN_UNKNOWN;
    l->flags = l->order = 0;

    return ctx;
}

static void lookup_tell(const struct domain *d, iommu_leaf_t leaf,
                        struct xen_pv_iommu_lookup *l)
{
    l->gfn = iommu_ctx_frame_to_gfn(d, page_of(leaf, l->dfn));
    l->order = iommu_leaf_order(leaf);
    l->flags = (leaf & IOMMU_LEAF_R ? XEN_PV_IOMMU_F_R : 0) |
               (leaf & IOMMU_LEAF_W ? XEN_PV_IOMMU_F_W : 0) |
               (leaf & IOMMU_LEAF_REF ? 0 : XEN_PV_IOMMU_F_MMIO) |
               (iommu_ctx_frame_is_foreign(d, leaf) ? XEN_PV_IOMMU_F_FOREIGN
                                                    : 0);
}

static int op_lookup(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_lookup *l = &arg->lookup;
    iommu_leaf_t leaf;
    int rc;
    struct iommu_ctx *ctx = lookup_start(d, l, &rc);

    if ( !ctx )
        return rc;

    spin_lock(&ctx->lock);
    rc = iommu_pt_lookup(&ctx->pt, l->dfn, &leaf);
    spin_unlock(&ctx->lock);
    iommu_ctx_put(ctx);
    if ( !rc )
        lookup_tell(d, leaf, l);

    return rc;
}

/* A tree can be large and nearly empty: l->dfn holds the progress. */
static int op_lookup_next(struct domain *d, union op_arg *arg)
{
    struct xen_pv_iommu_lookup *l = &arg->lookup;
    iommu_leaf_t leaf;
    int rc;
    struct iommu_ctx *ctx = lookup_start(d, l, &rc);

    if ( !ctx )
        return rc;

    do {
        spin_lock(&ctx->lock);
        rc = iommu_pt_next(&ctx->pt, &l->dfn, &leaf, NEXT_BUDGET);
        spin_unlock(&ctx->lock);
    } while ( rc == -EAGAIN && !hypercall_preempt_check() );
    iommu_ctx_put(ctx);
    if ( !rc )
        lookup_tell(d, leaf, l);

    return rc == -EAGAIN ? -ERESTART : rc;
}

static int op_fault_read(struct domain *d, union op_arg *arg)
{
    arg->fault = (struct xen_pv_iommu_fault){};

    return iommu_ctx_fault_read(d, &arg->fault);
}

/* QUERY: its struct may be shorter or longer than ours. */

static uint32_t features(const struct domain *d)
{
    const struct iommu_ctx_caps *caps = &dom_iommu(d)->ctxs->caps;

    return XEN_PV_IOMMU_FEAT_MMIO | XEN_PV_IOMMU_FEAT_FOREIGN |
           XEN_PV_IOMMU_FEAT_BLOCKED | XEN_PV_IOMMU_FEAT_FAULTS |
           XEN_PV_IOMMU_FEAT_LOOKUP_GFN | XEN_PV_IOMMU_FEAT_LIMITS |
           XEN_PV_IOMMU_FEAT_NEXT | XEN_PV_IOMMU_FEAT_RELAX |
           (iommu_ctx_can_defer(d) ? XEN_PV_IOMMU_FEAT_DEFER : 0) |
           (caps->ats_ok ? XEN_PV_IOMMU_FEAT_ATS_OK : 0) |
           (caps->snoop_forced ? XEN_PV_IOMMU_FEAT_SNOOP_FORCED : 0) |
           (caps->msi_isolated ? XEN_PV_IOMMU_FEAT_MSI_ISOLATED : 0);
}

static void query_fill(const struct domain *d, struct xen_pv_iommu_query *q)
{
    const struct iommu_ctx_tbl *tbl = dom_iommu(d)->ctxs;

    *q = (struct xen_pv_iommu_query){
        .size = sizeof(*q),
        .magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
        .features = features(d),
        .max_ctx = iommu_ctx_nr_max(),
        .pgsize_bitmap = tbl->caps.pgsize_bitmap,
        .iova_last = tbl->caps.iova_last,
        .max_count = MAX_COUNT,
        .max_nr = MAX_NR,
        .nr_ctx = tbl->nr,
        .pt_pages_max = tbl->pt_pages_max,
        .pt_pages = read_atomic(&tbl->pt_pages),
        .fault_virq = VIRQ_IOMMU_FAULT,
        .pt_pages_reserve = tbl->pt_pages_reserve,
        .ctx_reserve = iommu_ctx_nr_reserve(),
    };
}

static long do_query(struct domain *d, XEN_GUEST_HANDLE_PARAM(char) arg,
                     unsigned long count)
{
    struct xen_pv_iommu_query q = {};
    unsigned int size;
    uint64_t mbz;

    /* size and magic_version come first, and are always there. */
    if ( count != 1 )
        return -EINVAL;
    if ( copy_from_guest((char *)&q, arg, 2 * sizeof(uint32_t)) )
        return -EFAULT;
    size = q.size;
    if ( size < 16 || size > PAGE_SIZE ||
         (q.magic_version & XEN_PV_IOMMU_MAGIC_MASK) != XEN_PV_IOMMU_MAGIC ||
         !(q.magic_version & ~XEN_PV_IOMMU_MAGIC_MASK) )
        return -EINVAL;
    if ( copy_from_guest((char *)&q, arg, min_t(size_t, size, sizeof(q))) )
        return -EFAULT;

    mbz = q.mbz;
    query_fill(d, &q);
    q.mbz = mbz;
    if ( copy_to_guest(arg, (char *)&q, min_t(size_t, size, sizeof(q))) )
        return -EFAULT;
    guest_handle_add_offset(arg, sizeof(q));
    if ( size > sizeof(q) && clear_guest(arg, size - sizeof(q)) )
        return -EFAULT;

    return mbz ? -EINVAL : 1;
}

/*
 * Operations on an array of one struct each, element by element. After
 * -ERESTART the function is called again with the struct as the guest wrote it
 * or, where `progress` is set, as the function left it.
 */
static const struct op {
    unsigned int size;
    int (*fn)(struct domain *d, union op_arg *arg);
    bool progress;
} ops[] = {
#define OP(nr, member, func, ...)                                           \
    [XEN_PV_IOMMU_OP_ ## nr] = { .size = sizeof(((union op_arg *)0)->member), \
                                 .fn = func, __VA_ARGS__ }
    OP(DEV_QUERY, dev_query, op_dev_query),
    OP(DEV_RESV, dev_resv, op_dev_resv),
    OP(CTX_ALLOC, ctx, op_ctx_alloc),
    OP(CTX_FREE, ctx, op_ctx_free),
    OP(CTX_INFO, ctx, op_ctx_info),
    OP(ATTACH, attach, op_attach),
    OP(LOOKUP, lookup, op_lookup),
    OP(FAULT_READ, fault, op_fault_read),
    OP(RESET, ctx, op_reset),
    OP(CTX_NEXT, ctx, op_ctx_next),
    OP(LOOKUP_NEXT, lookup, op_lookup_next, .progress = true),
    OP(CTX_SET, ctx, op_ctx_set),
#undef OP
};

/*
 * *pos: first element to process; on return the number done. Returns the error
 * of the element at *pos, 0 if all are done, or -ERESTART to continue.
 */
static int do_array(struct domain *d, const struct op *op,
                    XEN_GUEST_HANDLE_PARAM(char) arg, unsigned long count,
                    unsigned long *pos)
{
    for ( ; *pos < count; ++*pos )
    {
        unsigned long offset = *pos * op->size;
        union op_arg buf;
        int rc;

        if ( copy_from_guest_offset((char *)&buf, arg, offset, op->size) )
            return -EFAULT;

        rc = op->fn(d, &buf);
        if ( rc == -ERESTART )
            return op->progress &&
                   copy_to_guest_offset(arg, offset, (char *)&buf, op->size)
                   ? -EFAULT : rc;
        if ( copy_to_guest_offset(arg, offset, (char *)&buf, op->size) && !rc )
        {
            ++*pos;     /* done even if the guest cannot read the result */
            return -EFAULT;
        }
        if ( rc )
            return rc;
        if ( *pos + 1 < count && hypercall_preempt_check() )
        {
            ++*pos;
            return -ERESTART;
        }
    }

    return 0;
}

static bool op_served(unsigned int op)
{
    /* Numbers that are only reserved come after the table. */
    BUILD_BUG_ON(ARRAY_SIZE(ops) > XEN_PV_IOMMU_OP_BATCH1);

    return op == XEN_PV_IOMMU_OP_BATCH ||
           (op < ARRAY_SIZE(ops) && array_access_nospec(ops, op).fn);
}

long do_iommu_op(unsigned int cmd, XEN_GUEST_HANDLE_PARAM(void) arg,
                 unsigned long count, unsigned long arg2, unsigned long arg3)
{
    struct domain *d = current->domain;
    unsigned int op = cmd & XEN_PV_IOMMU_CMD_OP_MASK;
    unsigned long pos = cmd >> XEN_PV_IOMMU_CMD_RESUME_SHIFT;
    XEN_GUEST_HANDLE_PARAM(char) bytes = guest_handle_cast(arg, char);
    const struct iommu_ctx_tbl *tbl;
    int rc;

    if ( xsm_iommu_op(XSM_HOOK) )
        return -EPERM;
    /* Whatever the policy: back ends support no other owner yet. */
    if ( !is_hardware_domain(d) )
        return -EOPNOTSUPP;
    tbl = iommu_ctx_table(d);
    if ( IS_ERR(tbl) )
        return PTR_ERR(tbl);

    if ( op != XEN_PV_IOMMU_OP_QUERY && !op_served(op) )
        return -EOPNOTSUPP;
    if ( !count || count > MAX_COUNT || pos > count || arg2 || arg3 )
        return -EINVAL;

    if ( op == XEN_PV_IOMMU_OP_QUERY )
        return do_query(d, bytes, count);

    rc = op == XEN_PV_IOMMU_OP_BATCH
         ? iommu_op_batch(d, bytes, count, &pos)
         : do_array(d, &ops[array_index_nospec(op, ARRAY_SIZE(ops))], bytes,
                    count, &pos);

    if ( rc == -ERESTART )
        return hypercall_create_continuation(
            __HYPERVISOR_iommu_op, "ihlll",
            (unsigned int)(op | (pos << XEN_PV_IOMMU_CMD_RESUME_SHIFT)), arg,
            count, arg2, arg3);

    /* Report a broken context even if some elements were done. */
    return rc && (!pos || rc == -EIO) ? rc : pos;
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

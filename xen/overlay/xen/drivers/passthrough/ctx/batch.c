/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XEN_PV_IOMMU_OP_BATCH: an array of descriptors, each a run to map or unmap.
 *
 * The context of the current descriptor stays held, and its unmapped leaves
 * gathered, until a descriptor names another context or the call ends. So many
 * unmaps share a flush, and no leaf stays gathered after any kind of return.
 */
#include <xen/err.h>
#include <xen/event.h>
#include <xen/guest_access.h>
#include <xen/iommu.h>
#include <xen/lib.h>

#include "ctx.h"
#include "op.h"

/* Descriptors copied at a time: 256 bytes of stack, half of it for a group. */
#define BATCH_COPY          8U

struct batch {
    struct domain *d;
    struct iommu_ctx *ctx;
    struct iommu_gather *g;
    uint64_t last_dfn;
    bool worked;                /* made progress: may be preempted */
};

static int batch_leave(struct batch *b)
{
    int rc = 0;

    if ( b->ctx )
    {
        rc = iommu_ctx_flush(b->ctx, b->g);
        iommu_ctx_put(b->ctx);
    }
    b->ctx = NULL;

    return rc;
}

static int batch_enter(struct batch *b, unsigned int id)
{
    int rc;

    if ( b->ctx && b->ctx->id == id )
        return 0;

    rc = batch_leave(b);
    if ( rc )
        return rc;
    if ( id == XEN_PV_IOMMU_CTX_DEFAULT || id >= XEN_PV_IOMMU_CTX_BLOCKED )
        return -EINVAL;
    b->ctx = iommu_ctx_get(b->d, id);

    return b->ctx ? 0 : -ENOENT;
}

static bool range_ok(const struct batch *b, const struct xen_pv_iommu_batch *e)
{
    uint64_t dfn_last = e->dfn + e->nr - 1, gfn_last = e->gfn + e->nr - 1;

    return e->nr && e->nr <= MAX_NR && e->done <= e->nr &&
           dfn_last >= e->dfn && dfn_last <= b->last_dfn &&
           gfn_last >= e->gfn;
}

static int map_check(const struct batch *b, const struct xen_pv_iommu_batch *e)
{
    const unsigned int rights = XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W;

    if ( !(e->flags & rights) ||
         (e->flags & ~(rights | XEN_PV_IOMMU_F_MMIO | XEN_PV_IOMMU_F_FOREIGN)) )
        return -EINVAL;

    return range_ok(b, e) && (!e->order || e->order == 9 || e->order == 18)
           ? 0 : -EINVAL;
}

static int unmap_check(const struct batch *b,
                       const struct xen_pv_iommu_batch *e)
{
    if ( (e->flags & ~XEN_PV_IOMMU_F_NOFLUSH) || e->gfn || e->order )
        return -EINVAL;
    if ( (e->flags & XEN_PV_IOMMU_F_NOFLUSH) && !iommu_ctx_can_defer(b->d) )
        return -EOPNOTSUPP;

    return range_ok(b, e) ? 0 : -EINVAL;
}

static int empty_check(const struct xen_pv_iommu_batch *e)
{
    return e->dfn || e->gfn || e->nr || e->done || e->order || e->flags
           ? -EINVAL : 0;
}

static int batch_check(const struct batch *b,
                       const struct xen_pv_iommu_batch *e)
{
    switch ( e->op )
    {
    case XEN_PV_IOMMU_BATCH_MAP:
        return map_check(b, e);

    case XEN_PV_IOMMU_BATCH_UNMAP:
        return unmap_check(b, e);

    case XEN_PV_IOMMU_BATCH_NOP:
    case XEN_PV_IOMMU_BATCH_SYNC:
        return empty_check(e);
    }

    return -EINVAL;
}

static int64_t batch_step(struct batch *b, const struct xen_pv_iommu_batch *e)
{
    uint64_t dfn = e->dfn + e->done, nr = e->nr - e->done;

    if ( e->op == XEN_PV_IOMMU_BATCH_MAP )
        return iommu_ctx_map(b->ctx, dfn, e->gfn + e->done, nr, e->order,
                             e->flags, b->g);

    return e->flags & XEN_PV_IOMMU_F_NOFLUSH
           ? iommu_ctx_unmap_park(b->ctx, dfn, nr)
           : iommu_ctx_unmap(b->ctx, dfn, nr, b->g);
}

/* Process one element. Returns 0 if it is done. */
static int batch_element(struct batch *b, struct xen_pv_iommu_batch *e)
{
    int rc = batch_check(b, e);

    if ( rc || e->op == XEN_PV_IOMMU_BATCH_NOP )
        return rc;
    rc = batch_enter(b, e->ctx);
    if ( rc )
        return rc;
    if ( e->op == XEN_PV_IOMMU_BATCH_SYNC )
        return iommu_ctx_flush(b->ctx, b->g) ?: iommu_ctx_sync(b->ctx);

    while ( e->done < e->nr )
    {
        int64_t step;

        if ( b->worked && hypercall_preempt_check() )
            return -ERESTART;

        step = batch_step(b, e);
        if ( step < 0 )
            return step;
        e->done += step;
        b->worked = true;
    }

    return 0;
}

/*
 * Count the descriptors from the first on that are small maps, each directly
 * after the previous one, and fill at most one page table. *pages: their total.
 */
static unsigned int group_size(const struct batch *b,
                               const struct xen_pv_iommu_batch *e,
                               unsigned int nr, unsigned int *pages)
{
    unsigned int i, room = IOMMU_PT_ENTRIES - (e->dfn & (IOMMU_PT_ENTRIES - 1));
    uint64_t dfn = e->dfn;

    for ( i = 0, *pages = 0; i < nr; i++ )
    {
        if ( e[i].op != XEN_PV_IOMMU_BATCH_MAP || e[i].ctx != e->ctx ||
             e[i].dfn != dfn || e[i].done || e[i].nr > room - *pages ||
             map_check(b, &e[i]) )
            break;
        *pages += e[i].nr;
        dfn += e[i].nr;
    }

    return i;
}

/*
 * Scattered memory comes as many small adjacent runs. Map these together: one
 * walk, one write-back. Only finished work is noted. batch_element() processes
 * the first descriptor that is not done, and finds the error. Returns the
 * number of descriptors done.
 */
static noinline unsigned int batch_group(struct batch *b,
                                         struct xen_pv_iommu_batch *e,
                                         unsigned int nr)
{
    struct iommu_ctx_run run[BATCH_COPY];
    unsigned int i, pages, done;

    nr = group_size(b, e, nr, &pages);
    if ( nr < 2 || (b->worked && hypercall_preempt_check()) ||
         batch_enter(b, e->ctx) ||
         iommu_ctx_mappable_unlocked(b->ctx, e->dfn, pages) != pages )
        return 0;

    for ( i = 0; i < nr; i++ )
        run[i] = (struct iommu_ctx_run){ .gfn = e[i].gfn, .nr = e[i].nr,
                                         .flags = e[i].flags };
    done = iommu_ctx_map_runs(b->ctx, e->dfn, run, nr, b->g);
    b->worked = b->worked || done;

    for ( i = 0; i < nr && done; i++ )
    {
        e[i].done = min(done, e[i].nr);
        done -= e[i].done;
        if ( e[i].done < e[i].nr )
            break;
        e[i].status = 0;
    }

    return i;
}

/* True if the next two descriptors can be grouped. */
static bool side_by_side(const struct xen_pv_iommu_batch *e, unsigned int nr)
{
    return nr > 1 && e[0].op == XEN_PV_IOMMU_BATCH_MAP && e[1].op == e[0].op &&
           e[1].dfn == e[0].dfn + e[0].nr;
}

/* As iommu_op_batch(), for up to BATCH_COPY descriptors. */
static int batch_some(struct batch *b, XEN_GUEST_HANDLE_PARAM(char) arg,
                      unsigned int nr, unsigned long *pos)
{
    struct xen_pv_iommu_batch buf[BATCH_COPY];
    unsigned long offset = *pos * sizeof(*buf);
    unsigned int i = 0;
    int rc = 0;

    if ( copy_from_guest_offset((char *)buf, arg, offset, nr * sizeof(*buf)) )
        return -EFAULT;

    while ( i < nr && !rc )
    {
        unsigned int together = side_by_side(&buf[i], nr - i)
                                ? batch_group(b, &buf[i], nr - i) : 0;

        i += together;
        if ( together )
            continue;
        rc = batch_element(b, &buf[i]);
        buf[i].status = rc == -ERESTART ? 0 : rc;
        i++;
    }

    *pos += rc ? i - 1 : i;
    if ( copy_to_guest_offset(arg, offset, (char *)buf, i * sizeof(*buf)) &&
         (!rc || rc == -ERESTART) )
        rc = -EFAULT;

    return rc;
}

int iommu_op_batch(struct domain *d, XEN_GUEST_HANDLE_PARAM(char) arg,
                   unsigned long count, unsigned long *pos)
{
    struct batch b = {
        .d = d,
        .g = iommu_ctx_gather(),
        .last_dfn = PFN_DOWN(dom_iommu(d)->ctxs->caps.iova_last),
    };
    int rc = 0, flush;

    while ( !rc && *pos < count )
    {
        rc = batch_some(&b, arg, min_t(unsigned long, count - *pos, BATCH_COPY),
                        pos);
        if ( !rc && *pos < count && hypercall_preempt_check() )
            rc = -ERESTART;
    }

    /* In every case, also before a continuation: flush what is gathered. */
    flush = batch_leave(&b);

    return flush ?: rc;
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

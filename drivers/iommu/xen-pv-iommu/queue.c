// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors are gathered in a buffer and handed to Xen as one array; this
 * file decides when, and finds out what became of each.
 *
 * Xen serves an array in order and stops at the first descriptor that fails,
 * so the pages that are done are always those at the front. Its answers are
 * not trusted: counts are held against what was asked for.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "hv.h"
#include "queue.h"
#include "runs.h"

void xpi_queue_init(struct xpi_queue *q, const struct xpi_hv *hv, void *buf,
		    size_t bytes, unsigned int max_count)
{
	size_t size = bytes / sizeof(*q->desc);

	q->hv = hv;
	q->desc = buf;
	q->size = size < max_count ? size : max_count;
	xpi_queue_start(q, XEN_PV_IOMMU_CTX_INVALID);
}

void xpi_queue_start(struct xpi_queue *q, u16 ctx)
{
	q->used = 0;
	q->ctx = ctx;
	q->done = 0;
}

static int queue_add(struct xpi_queue *q, const struct xen_pv_iommu_batch *d)
{
	if (q->used == q->size) {
		int ret = xpi_queue_submit(q);

		if (ret)
			return ret;
	}

	q->desc[q->used++] = *d;
	return 0;
}

int xpi_queue_map(struct xpi_queue *q, const struct xpi_run *run,
		  unsigned int order, u16 flags)
{
	const struct xen_pv_iommu_batch d = {
		.dfn = run->dfn,
		.gfn = run->gfn,
		.nr = run->nr,
		.ctx = q->ctx,
		.op = XEN_PV_IOMMU_BATCH_MAP,
		.order = order,
		.flags = flags | run->flags,
	};

	return queue_add(q, &d);
}

int xpi_queue_unmap(struct xpi_queue *q, u64 dfn, u32 nr)
{
	const struct xen_pv_iommu_batch d = {
		.dfn = dfn,
		.nr = nr,
		.ctx = q->ctx,
		.op = XEN_PV_IOMMU_BATCH_UNMAP,
	};

	return queue_add(q, &d);
}

static u32 pages_done(const struct xen_pv_iommu_batch *d)
{
	return d->done < d->nr ? d->done : d->nr;
}

/* Why a descriptor failed, given what the call as a whole returned. */
static int error_of(const struct xen_pv_iommu_batch *d, long ret)
{
	if (d->status && IS_ERR_VALUE((long)d->status))
		return d->status;
	if (ret < 0)
		return IS_ERR_VALUE(ret) ? ret : -EIO;
	return d->status ? -EIO : 0;
}

/*
 * One hypercall for desc[@first] and on. *@next is the descriptor where it
 * stopped. Without an error that one is to be called for again.
 */
static int call_once(struct xpi_queue *q, unsigned int first,
		     unsigned int *next)
{
	unsigned int count = q->used - first, served;
	struct xen_pv_iommu_batch *d = &q->desc[first];
	u32 before = pages_done(d);
	long ret;

	ret = q->hv->iommu_op(XEN_PV_IOMMU_OP_BATCH, d, count);
	if (ret > (long)count)
		return -EIO;

	served = ret > 0 ? ret : 0;
	*next = first + served;
	for (; d != &q->desc[*next]; d++)
		q->done += d->nr;
	if (*next == q->used)
		return 0;

	ret = error_of(d, ret);
	if (ret)
		q->done += pages_done(d);
	else if (!served && pages_done(d) <= before)
		ret = -EIO;	/* no progress and no reason: do not spin */
	return ret;
}

int xpi_queue_submit(struct xpi_queue *q)
{
	unsigned int at = 0;
	int ret = 0;

	while (!ret && at < q->used)
		ret = call_once(q, at, &at);

	q->used = 0;
	return ret;
}

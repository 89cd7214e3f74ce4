// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors are gathered in buffers and handed to Xen, each buffer as one
 * array; this file finds out what became of each of them.
 *
 * Xen serves an array in order and stops at the first descriptor that fails,
 * so the pages of one array that are done are always those at the front. Its
 * answers are not trusted: counts are held against what was asked for.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "hv.h"
#include "queue.h"
#include "runs.h"
#include "stats.h"

void xpi_queue_init(struct xpi_queue *q, const struct xpi_hv *hv, void *buf,
		    size_t bytes, unsigned int max_count)
{
	size_t size = bytes / sizeof(*q->buf[0]);

	q->hv = hv;
	q->buf[0] = buf;
	q->nr_bufs = 1;
	q->per_buf = min(size, max_count);
	xpi_queue_start(q, XEN_PV_IOMMU_CTX_INVALID);
}

void xpi_queue_add_buf(struct xpi_queue *q, void *buf)
{
	q->buf[q->nr_bufs++] = buf;
}

void xpi_queue_start(struct xpi_queue *q, u16 ctx)
{
	q->used = 0;
	q->ctx = ctx;
	q->done = 0;
}

struct xen_pv_iommu_batch *xpi_queue_at(const struct xpi_queue *q,
					unsigned int i)
{
	/* Mostly there is only one, and a division is slow. */
	if (i < q->per_buf)
		return &q->buf[0][i];
	return &q->buf[i / q->per_buf][i % q->per_buf];
}

/* Make room for one more. */
static int queue_room(struct xpi_queue *q)
{
	return xpi_queue_is_full(q) ? xpi_queue_submit(q) : 0;
}

int xpi_queue_map(struct xpi_queue *q, const struct xpi_run *run,
		  unsigned int order, u16 flags)
{
	int ret = queue_room(q);

	if (ret)
		return ret;

	*xpi_queue_at(q, q->used++) = (struct xen_pv_iommu_batch){
		.dfn = run->dfn,
		.gfn = run->gfn,
		.nr = run->nr,
		.ctx = q->ctx,
		.op = XEN_PV_IOMMU_BATCH_MAP,
		.order = order,
		.flags = flags | run->flags,
	};
	xpi_stat_add(XPI_STAT_RUNS, 1);
	return 0;
}

int xpi_queue_unmap(struct xpi_queue *q, u64 dfn, u32 nr)
{
	int ret = queue_room(q);

	if (ret)
		return ret;

	*xpi_queue_at(q, q->used++) = (struct xen_pv_iommu_batch){
		.dfn = dfn,
		.nr = nr,
		.ctx = q->ctx,
		.op = XEN_PV_IOMMU_BATCH_UNMAP,
	};
	return 0;
}

static u32 pages_done(const struct xen_pv_iommu_batch *d)
{
	return min(d->done, d->nr);
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

/* Descriptors from @first on that lie in the same buffer. */
static unsigned int count_from(const struct xpi_queue *q, unsigned int first)
{
	unsigned int at = first < q->per_buf ? first : first % q->per_buf;
	unsigned int here = q->per_buf - at;

	return min(here, q->used - first);
}

/*
 * A call for @count descriptors from *@at on, of the first of which @before
 * pages were done, has returned @ret. Moves *@at to the descriptor where it
 * stopped. Without an error that one is to be called for again.
 */
static int settle(struct xpi_queue *q, unsigned int *at, unsigned int count,
		  u32 before, long ret)
{
	const struct xen_pv_iommu_batch *d = xpi_queue_at(q, *at);
	unsigned int served = max(ret, 0L);
	unsigned int i;
	int err;

	if (ret > (long)count)
		return -EIO;

	for (i = 0; i < served; i++, d++)
		q->done += d->nr;
	*at += served;
	if (served == count)
		return 0;

	err = error_of(d, ret);
	if (err)
		q->done += pages_done(d);
	else if (!served && pages_done(d) <= before)
		err = -EIO;	/* no progress and no reason: do not spin */
	return err;
}

/* Of a call that began with @d. */
static void count_done(const struct xen_pv_iommu_batch *d, u64 pages, int err)
{
	bool map = d->op == XEN_PV_IOMMU_BATCH_MAP;

	xpi_stat_add(map ? XPI_STAT_PAGES_MAPPED : XPI_STAT_PAGES_UNMAPPED,
		     pages);
	if (err)
		xpi_stat_add(XPI_STAT_ERRORS, 1);
}

static int send_buf(struct xpi_queue *q, unsigned int *at)
{
	unsigned int end = *at + count_from(q, *at);
	int err = 0;

	while (!err && *at < end) {
		struct xen_pv_iommu_batch *d = xpi_queue_at(q, *at);
		unsigned int count = end - *at;
		u64 done = q->done;
		u32 before = pages_done(d);
		long ret;

		/* An earlier try's, if this one fails before it is looked at. */
		d->status = 0;
		ret = q->hv->iommu_op(XEN_PV_IOMMU_OP_BATCH, d, count);
		err = settle(q, at, count, before, ret);
		count_done(d, q->done - done, err);
	}
	return err;
}

/* All buffers from the one that begins at *@at on, none of it begun. */
static int send_multi(struct xpi_queue *q, unsigned int *at)
{
	struct xpi_call calls[XPI_MULTI_MAX];
	unsigned int nr = 0, i, first = *at;
	int ret = 0;

	for (; first < q->used; first += calls[nr++].count) {
		calls[nr].array = xpi_queue_at(q, first);
		calls[nr].count = count_from(q, first);
		calls[nr].ret = -EIO;
	}

	q->hv->iommu_multi(XEN_PV_IOMMU_OP_BATCH, calls, nr);
	for (i = 0; i < nr && !ret; i++) {
		unsigned int end = *at + calls[i].count;
		u64 done = q->done;

		ret = settle(q, at, calls[i].count, 0, calls[i].ret);
		count_done(calls[i].array, q->done - done, ret);
		if (!ret && *at < end)
			ret = send_buf(q, at);
	}
	return ret;
}

int xpi_queue_send(struct xpi_queue *q, unsigned int *at)
{
	bool whole;
	int ret = 0;

	if (q->used <= q->per_buf)
		return send_buf(q, at);

	whole = !(*at % q->per_buf);
	while (!ret && *at < q->used)
		ret = whole && q->used - *at > q->per_buf ? send_multi(q, at)
							  : send_buf(q, at);
	return ret;
}

int xpi_queue_submit(struct xpi_queue *q)
{
	unsigned int at = 0;
	int ret = xpi_queue_send(q, &at);

	q->used = 0;
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors are gathered in buffers and handed to Xen, each buffer as one
 * array; this file finds out what became of each of them.
 *
 * Xen serves an array in order and stops at the first descriptor that fails,
 * so the pages of one array that are done are always those at the front. Its
 * answers are not trusted: counts are held against what was asked for.
 */
#include <linux/compiler.h>
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
	q->room = q->per_buf;
	xpi_queue_start(q, XEN_PV_IOMMU_CTX_INVALID);
}

void xpi_queue_add_buf(struct xpi_queue *q, void *buf)
{
	q->buf[q->nr_bufs++] = buf;
	q->room += q->per_buf;
}

void xpi_queue_start(struct xpi_queue *q, u16 ctx)
{
	xpi_queue_clear(q);
	q->ctx = ctx;
	q->done = 0;
}

struct xen_pv_iommu_batch *xpi_queue_far(const struct xpi_queue *q,
					 unsigned int i)
{
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

	xpi_queue_put_map(q, run->dfn, run->gfn, run->nr, order,
			  flags | run->flags);
	return 0;
}

int xpi_queue_unmap(struct xpi_queue *q, u64 dfn, u32 nr)
{
	int ret = queue_room(q);

	if (ret)
		return ret;

	xpi_queue_put_unmap(q, dfn, nr);
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

/* @nr descriptors from @d, the next one, on are done. */
static void settle_whole(struct xpi_queue *q,
			 const struct xen_pv_iommu_batch *d, unsigned int nr)
{
	u64 pages = 0;

	q->sent += nr;
	for (; nr; nr--, d++)
		pages += d->nr;
	q->done += pages;
}

/* Not all of a call was done; as for settle(). */
static noinline int settle_part(struct xpi_queue *q,
				const struct xen_pv_iommu_batch *d,
				unsigned int count, u32 before, long ret)
{
	unsigned int served = max(ret, 0L);
	int err;

	if (ret > (long)count)
		return -EIO;

	settle_whole(q, d, served);
	d += served;
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
	if (d->op == XEN_PV_IOMMU_BATCH_MAP)
		xpi_stat_add(XPI_STAT_PAGES_MAPPED, pages);
	else
		xpi_stat_add(XPI_STAT_PAGES_UNMAPPED, pages);
	if (err)
		xpi_stat_add(XPI_STAT_ERRORS, 1);
}

/*
 * A call for @count descriptors from @d, the next one, on, of which @before
 * pages were done, has returned @ret. Moves q->sent to the descriptor where it
 * stopped. Without an error that one is to be called for again.
 */
static __always_inline int settle(struct xpi_queue *q,
				  const struct xen_pv_iommu_batch *d,
				  unsigned int count, u32 before, long ret)
{
	u64 done = q->done;
	int err = 0;

	if (likely(ret == (long)count))
		settle_whole(q, d, count);
	else
		err = settle_part(q, d, count, before, ret);
	count_done(d, q->done - done, err);
	return err;
}

/* What is in one buffer, up to @end. */
static int send_buf(struct xpi_queue *q, unsigned int end)
{
	int err = 0;

	while (!err && q->sent < end) {
		struct xen_pv_iommu_batch *d = xpi_queue_at(q, q->sent);
		unsigned int count = end - q->sent;
		u32 before = pages_done(d);
		long ret;

		/* An earlier try's, if this one fails before it is looked at. */
		d->status = 0;
		ret = q->hv->iommu_op(XEN_PV_IOMMU_OP_BATCH, d, count);
		err = settle(q, d, count, before, ret);
	}
	return err;
}

/* All buffers from the one that begins at q->sent on, none of it begun. */
static int send_multi(struct xpi_queue *q)
{
	struct xpi_call calls[XPI_MULTI_MAX];
	unsigned int nr = 0, i, first = q->sent;
	int ret = 0;

	for (; first < q->used; first += calls[nr++].count) {
		calls[nr].array = xpi_queue_at(q, first);
		calls[nr].count = count_from(q, first);
		calls[nr].ret = -EIO;
	}

	q->hv->iommu_multi(XEN_PV_IOMMU_OP_BATCH, calls, nr);
	for (i = 0; i < nr && !ret; i++) {
		unsigned int end = q->sent + calls[i].count;

		ret = settle(q, calls[i].array, calls[i].count, 0, calls[i].ret);
		if (!ret && q->sent < end)
			ret = send_buf(q, end);
	}
	return ret;
}

static noinline int send_bufs(struct xpi_queue *q)
{
	bool whole = !(q->sent % q->per_buf);
	int ret = 0;

	while (!ret && q->sent < q->used)
		ret = whole && q->used - q->sent > q->per_buf ?
		      send_multi(q)
		      : send_buf(q, q->sent + count_from(q, q->sent));
	return ret;
}

int xpi_queue_send(struct xpi_queue *q)
{
	return likely(q->used <= q->per_buf) ? send_buf(q, q->used)
					     : send_bufs(q);
}

int xpi_queue_submit(struct xpi_queue *q)
{
	int ret = xpi_queue_send(q);

	xpi_queue_clear(q);
	return ret;
}

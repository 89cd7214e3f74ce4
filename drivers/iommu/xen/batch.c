// SPDX-License-Identifier: GPL-2.0
/*
 * Collects descriptors in buffers, sends each buffer to Xen as one array, and
 * evaluates the result of each descriptor.
 *
 * Xen processes an array in order and stops at the first descriptor that fails, so
 * the finished pages of an array are always those at the front. The driver does not
 * trust Xen's answers: it compares counts with the request.
 */
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "batch.h"
#include "hv.h"
#include "runs.h"
#include "stats.h"

void xpi_batch_init(struct xpi_batch *b, const struct xpi_hv *hv, void *buf,
		    size_t bytes, unsigned int max_count)
{
	size_t size = bytes / sizeof(*b->buf[0]);

	b->hv = hv;
	b->buf[0] = buf;
	b->nr_bufs = 1;
	b->per_buf = min(size, max_count);
	b->room = b->per_buf;
	xpi_batch_start(b, XEN_PV_IOMMU_CTX_INVALID);
}

void xpi_batch_add_buf(struct xpi_batch *b, void *buf)
{
	b->buf[b->nr_bufs++] = buf;
	b->room += b->per_buf;
}

void xpi_batch_start(struct xpi_batch *b, u16 ctx)
{
	xpi_batch_clear(b);
	b->ctx = ctx;
	b->done = 0;
}

struct xen_pv_iommu_batch *xpi_batch_far(const struct xpi_batch *b,
					 unsigned int i)
{
	return &b->buf[i / b->per_buf][i % b->per_buf];
}

/* Send the batch if it is full. */
static int batch_make_room(struct xpi_batch *b)
{
	return xpi_batch_is_full(b) ? xpi_batch_send_and_clear(b) : 0;
}

int xpi_batch_map(struct xpi_batch *b, const struct xpi_run *run,
		  unsigned int order, u16 flags)
{
	int ret = batch_make_room(b);

	if (ret)
		return ret;

	xpi_batch_add_map(b, run->dfn, run->gfn, run->nr, order,
			  flags | run->flags);
	return 0;
}

int xpi_batch_unmap(struct xpi_batch *b, u64 dfn, u32 nr)
{
	int ret = batch_make_room(b);

	if (ret)
		return ret;

	xpi_batch_add_unmap(b, dfn, nr);
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

/* Descriptors from @first on in the same buffer. */
static unsigned int count_from(const struct xpi_batch *b, unsigned int first)
{
	unsigned int at = first < b->per_buf ? first : first % b->per_buf;
	unsigned int here = b->per_buf - at;

	return min(here, b->used - first);
}

/* Account @nr finished descriptors; @d is the next one. */
static void settle_whole(struct xpi_batch *b,
			 const struct xen_pv_iommu_batch *d, unsigned int nr)
{
	u64 pages = 0;

	b->sent += nr;
	for (; nr; nr--, d++)
		pages += d->nr;
	b->done += pages;
}

/* A call that did not finish; parameters as for settle(). */
static noinline int settle_part(struct xpi_batch *b,
				const struct xen_pv_iommu_batch *d,
				unsigned int count, u32 before, long ret)
{
	unsigned int served = max(ret, 0L);
	int err;

	if (ret > (long)count)
		return -EIO;

	settle_whole(b, d, served);
	d += served;
	err = error_of(d, ret);
	if (err)
		b->done += pages_done(d);
	else if (!served && pages_done(d) <= before)
		err = -EIO;	/* no progress and no error: do not loop */
	return err;
}

/* Count the result of a call that began with @d. */
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
 * A call for @count descriptors has returned @ret. @d is the first of them, and
 * @before of its pages were done before the call. Moves b->sent to the descriptor
 * where Xen stopped. If there is no error, the caller must call again from there.
 */
static __always_inline int settle(struct xpi_batch *b,
				  const struct xen_pv_iommu_batch *d,
				  unsigned int count, u32 before, long ret)
{
	u64 done = b->done;
	int err = 0;

	if (ret == (long)count)
		settle_whole(b, d, count);
	else
		err = settle_part(b, d, count, before, ret);
	count_done(d, b->done - done, err);
	return err;
}

/* Send the descriptors of one buffer, up to @end. */
static int send_buf(struct xpi_batch *b, unsigned int end)
{
	int err = 0;

	while (!err && b->sent < end) {
		struct xen_pv_iommu_batch *d = xpi_batch_at(b, b->sent);
		unsigned int count = end - b->sent;
		u32 before = pages_done(d);
		long ret;

		/* Stale if the call fails before Xen reads the descriptor. */
		d->status = 0;
		ret = b->hv->iommu_op(XEN_PV_IOMMU_OP_BATCH, d, count);
		err = settle(b, d, count, before, ret);
	}
	return err;
}

/* Send all buffers from b->sent on, which is the start of a buffer. */
static int send_multi(struct xpi_batch *b)
{
	struct xpi_call calls[XPI_MULTI_MAX];
	unsigned int nr = 0, i, first = b->sent;
	int ret = 0;

	for (; first < b->used; first += calls[nr++].count) {
		calls[nr].array = xpi_batch_at(b, first);
		calls[nr].count = count_from(b, first);
		calls[nr].ret = -EIO;
	}

	b->hv->iommu_multi(XEN_PV_IOMMU_OP_BATCH, calls, nr);
	for (i = 0; i < nr && !ret; i++) {
		unsigned int end = b->sent + calls[i].count;

		ret = settle(b, calls[i].array, calls[i].count, 0,
			     calls[i].ret);
		if (!ret && b->sent < end)
			ret = send_buf(b, end);
	}
	return ret;
}

static noinline int send_bufs(struct xpi_batch *b)
{
	bool whole = !(b->sent % b->per_buf);
	int ret = 0;

	while (!ret && b->sent < b->used)
		ret = whole && b->used - b->sent > b->per_buf ?
		      send_multi(b)
		      : send_buf(b, b->sent + count_from(b, b->sent));
	return ret;
}

int xpi_batch_send(struct xpi_batch *b)
{
	return b->used <= b->per_buf ? send_buf(b, b->used)
					     : send_bufs(b);
}

int xpi_batch_send_and_clear(struct xpi_batch *b)
{
	int ret = xpi_batch_send(b);

	xpi_batch_clear(b);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_QUEUE_H
#define XPI_QUEUE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "hv.h"
#include "stats.h"

struct xpi_run;

/**
 * struct xpi_queue - descriptors on their way to Xen
 *
 * Belongs to one user at a time: whoever shares it brings the lock.
 *
 * @hv: the hypervisor
 * @buf: buffers, filled one after the other
 * @nr_bufs: how many there are
 * @per_buf: descriptors that fit into one
 * @room: and into all of them
 * @used: descriptors waiting
 * @sent: how many of them, from the front, Xen is done with
 * @ctx: the context that all of them are for
 * @done: pages done since the start, counted up to the first error
 */
struct xpi_queue {
	const struct xpi_hv *hv;
	struct xen_pv_iommu_batch *buf[XPI_MULTI_MAX];
	unsigned int nr_bufs;
	unsigned int per_buf;
	unsigned int room;
	unsigned int used;
	unsigned int sent;
	u16 ctx;
	u64 done;
};

/**
 * xpi_queue_init() - give a queue its first buffer
 * @q: the queue
 * @hv: the hypervisor
 * @buf: a buffer that is there as long as the queue is, aligned to a
 *	descriptor's size
 * @bytes: its size
 * @max_count: the hypervisor's limit on an array
 */
void xpi_queue_init(struct xpi_queue *q, const struct xpi_hv *hv, void *buf,
		    size_t bytes, unsigned int max_count);

/**
 * xpi_queue_add_buf() - give it one more, of the same size
 * @q: a queue with fewer than XPI_MULTI_MAX
 * @buf: the buffer
 */
void xpi_queue_add_buf(struct xpi_queue *q, void *buf);

/**
 * xpi_queue_start() - begin a sequence of descriptors
 * @q: the queue
 * @ctx: their context
 */
void xpi_queue_start(struct xpi_queue *q, u16 ctx);

/**
 * xpi_queue_is_full() - is there no room?
 * @q: the queue
 *
 * Return: whether the next descriptor has to wait for a submission.
 */
static inline bool xpi_queue_is_full(const struct xpi_queue *q)
{
	return q->used == q->room;
}

/* xpi_queue_at() for any but the first buffer. */
struct xen_pv_iommu_batch *xpi_queue_far(const struct xpi_queue *q,
					 unsigned int i);

/**
 * xpi_queue_at() - a descriptor that waits
 * @q: the queue
 * @i: which one, less than @q->used
 *
 * Return: it.
 */
static inline struct xen_pv_iommu_batch *
xpi_queue_at(const struct xpi_queue *q, unsigned int i)
{
	/* Mostly there is only one buffer, and a division is slow. */
	return likely(i < q->per_buf) ? &q->buf[0][i] : xpi_queue_far(q, i);
}

/**
 * xpi_queue_clear() - forget what was added
 * @q: the queue
 */
static inline void xpi_queue_clear(struct xpi_queue *q)
{
	q->used = 0;
	q->sent = 0;
}

/**
 * xpi_queue_put_map() - add a run to be mapped
 * @q: the queue, not full
 * @dfn: first device frame
 * @gfn: first guest frame
 * @nr: 4 KiB pages
 * @order: largest leaf to use for it
 * @flags: XEN_PV_IOMMU_F_* but NOFLUSH
 */
static inline void xpi_queue_put_map(struct xpi_queue *q, u64 dfn, u64 gfn,
				     u32 nr, unsigned int order, u16 flags)
{
	struct xen_pv_iommu_batch *d = xpi_queue_at(q, q->used++);

	d->dfn = dfn;
	d->gfn = gfn;
	d->nr = nr;
	d->done = 0;
	d->ctx = q->ctx;
	d->op = XEN_PV_IOMMU_BATCH_MAP;
	d->order = order;
	d->flags = flags;
	d->status = 0;
	xpi_stat_add(XPI_STAT_RUNS, 1);
}

/**
 * xpi_queue_put_unmap() - add a range to be unmapped and flushed
 * @q: the queue, not full
 * @dfn: first device frame
 * @nr: 4 KiB pages
 */
static inline void xpi_queue_put_unmap(struct xpi_queue *q, u64 dfn, u32 nr)
{
	struct xen_pv_iommu_batch *d = xpi_queue_at(q, q->used++);

	d->dfn = dfn;
	d->gfn = 0;
	d->nr = nr;
	d->done = 0;
	d->ctx = q->ctx;
	d->op = XEN_PV_IOMMU_BATCH_UNMAP;
	d->order = 0;
	d->flags = 0;
	d->status = 0;
}

/**
 * xpi_queue_map() - add a run to be mapped, submitting first if there is no room
 * @q: the queue
 * @run: the run
 * @order: largest leaf to use for it
 * @flags: XEN_PV_IOMMU_F_R, XEN_PV_IOMMU_F_W or both
 *
 * Return: 0, or the error that stopped an earlier descriptor; then nothing
 * was added.
 */
int xpi_queue_map(struct xpi_queue *q, const struct xpi_run *run,
		  unsigned int order, u16 flags);

/**
 * xpi_queue_unmap() - add a range to be unmapped and flushed, likewise
 * @q: the queue
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: as for xpi_queue_map().
 */
int xpi_queue_unmap(struct xpi_queue *q, u64 dfn, u32 nr);

/**
 * xpi_queue_send() - let Xen do what was added
 * @q: the queue; begins with @q->sent, which on return is the descriptor that
 *	failed, or @q->used
 *
 * The descriptors stay where they are until xpi_queue_clear(). One hypercall,
 * or one multicall if more than one buffer is in use; more only if Xen stops
 * without an error. What lies in the buffers behind the one with an error may
 * be done all the same.
 *
 * Return: 0 or the first error.
 */
int xpi_queue_send(struct xpi_queue *q);

/**
 * xpi_queue_submit() - let Xen do what was added; the queue is empty then
 * @q: the queue
 *
 * Everything before the first error is done, and counted in @q->done; the
 * descriptor that failed may be done in part, which is counted too.
 *
 * Return: 0 or the first error.
 */
int xpi_queue_submit(struct xpi_queue *q);

#endif /* XPI_QUEUE_H */

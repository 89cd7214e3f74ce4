/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_QUEUE_H
#define XPI_QUEUE_H

#include <linux/types.h>

#include "hv.h"

struct xen_pv_iommu_batch;
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
 * @used: descriptors waiting
 * @ctx: the context that all of them are for
 * @done: pages done since the start, counted up to the first error
 */
struct xpi_queue {
	const struct xpi_hv *hv;
	struct xen_pv_iommu_batch *buf[XPI_MULTI_MAX];
	unsigned int nr_bufs;
	unsigned int per_buf;
	unsigned int used;
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
	return q->used == q->nr_bufs * q->per_buf;
}

/**
 * xpi_queue_at() - a descriptor that waits
 * @q: the queue
 * @i: which one, less than @q->used
 *
 * Return: it.
 */
struct xen_pv_iommu_batch *xpi_queue_at(const struct xpi_queue *q,
					unsigned int i);

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
 * @q: the queue
 * @at: the descriptor to begin with; on return the one that failed, or @q->used
 *
 * The descriptors stay where they are. One hypercall, or one multicall if more
 * than one buffer is in use; more only if Xen stops without an error. What lies
 * in the buffers behind the one with an error may be done all the same.
 *
 * Return: 0 or the first error.
 */
int xpi_queue_send(struct xpi_queue *q, unsigned int *at);

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

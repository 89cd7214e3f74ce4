/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_QUEUE_H
#define XPI_QUEUE_H

#include <linux/types.h>

struct xen_pv_iommu_batch;
struct xpi_hv;
struct xpi_run;

/**
 * struct xpi_queue - descriptors on their way to Xen
 *
 * Belongs to one caller from xpi_queue_start() to the last xpi_queue_submit():
 * whoever shares it brings the lock. All descriptors between the two belong to
 * that caller, and so does every error.
 *
 * @hv: the hypervisor
 * @desc: the buffer
 * @size: descriptors that fit in
 * @used: descriptors waiting
 * @ctx: the context that all of them are for
 * @done: pages done since the start, counted up to the first error
 */
struct xpi_queue {
	const struct xpi_hv *hv;
	struct xen_pv_iommu_batch *desc;
	unsigned int size;
	unsigned int used;
	u16 ctx;
	u64 done;
};

/**
 * xpi_queue_init() - give a queue its buffer
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
 * xpi_queue_start() - begin a sequence of descriptors
 * @q: the queue
 * @ctx: their context
 */
void xpi_queue_start(struct xpi_queue *q, u16 ctx);

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
 * xpi_queue_submit() - let Xen do what was added; the queue is empty then
 * @q: the queue
 *
 * Everything before the first error is done, and counted in @q->done; the
 * descriptor that failed may be done in part, which is counted too. Nothing
 * after it was tried.
 *
 * Return: 0 or the first error.
 */
int xpi_queue_submit(struct xpi_queue *q);

#endif /* XPI_QUEUE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_BATCH_H
#define XPI_BATCH_H

#include <linux/compiler.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "hv.h"
#include "stats.h"

struct xpi_run;

/**
 * struct xpi_batch - an array of descriptors for Xen
 *
 * Not locked: callers that share a batch must serialise access.
 *
 * @hv: the hypervisor
 * @buf: buffers, filled one after the other
 * @nr_bufs: number of buffers
 * @per_buf: descriptors that fit into one buffer
 * @room: descriptors that fit into all buffers
 * @used: descriptors in the batch
 * @sent: descriptors, from the front, that Xen has processed
 * @ctx: the context of all descriptors
 * @done: pages done since the start, counted up to the first error
 */
struct xpi_batch {
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
 * xpi_batch_init() - give a batch its first buffer
 * @b: the batch
 * @hv: the hypervisor
 * @buf: a buffer that outlives the batch, aligned to the size of a descriptor
 * @bytes: its size
 * @max_count: the hypervisor's limit on an array
 */
void xpi_batch_init(struct xpi_batch *b, const struct xpi_hv *hv, void *buf,
		    size_t bytes, unsigned int max_count);

/**
 * xpi_batch_add_buf() - add a buffer of the same size
 * @b: a batch with fewer than XPI_MULTI_MAX buffers
 * @buf: the buffer
 */
void xpi_batch_add_buf(struct xpi_batch *b, void *buf);

/**
 * xpi_batch_start() - begin a sequence of descriptors
 * @b: the batch
 * @ctx: the context of the descriptors
 */
void xpi_batch_start(struct xpi_batch *b, u16 ctx);

/**
 * xpi_batch_is_full() - check whether a batch is full
 * @b: the batch
 *
 * Return: true if the next descriptor has to wait until the batch was sent.
 */
static inline bool xpi_batch_is_full(const struct xpi_batch *b)
{
	return b->used == b->room;
}

/* xpi_batch_at() for all but the first buffer. */
struct xen_pv_iommu_batch *xpi_batch_far(const struct xpi_batch *b,
					 unsigned int i);

/**
 * xpi_batch_at() - get a descriptor of a batch
 * @b: the batch
 * @i: its index, less than @b->used
 *
 * Return: the descriptor.
 */
static inline struct xen_pv_iommu_batch *
xpi_batch_at(const struct xpi_batch *b, unsigned int i)
{
	/* Common case: one buffer. A division is slow. */
	return i < b->per_buf ? &b->buf[0][i] : xpi_batch_far(b, i);
}

/**
 * xpi_batch_clear() - empty a batch
 * @b: the batch
 */
static inline void xpi_batch_clear(struct xpi_batch *b)
{
	b->used = 0;
	b->sent = 0;
}

/**
 * xpi_batch_add_map() - add a run to be mapped
 * @b: the batch, not full
 * @dfn: first device frame
 * @gfn: first guest frame
 * @nr: 4 KiB pages
 * @order: largest leaf to use
 * @flags: XEN_PV_IOMMU_F_* except NOFLUSH
 */
static inline void xpi_batch_add_map(struct xpi_batch *b, u64 dfn, u64 gfn,
				     u32 nr, unsigned int order, u16 flags)
{
	struct xen_pv_iommu_batch *d = xpi_batch_at(b, b->used++);

	d->dfn = dfn;
	d->gfn = gfn;
	d->nr = nr;
	d->done = 0;
	d->ctx = b->ctx;
	d->op = XEN_PV_IOMMU_BATCH_MAP;
	d->order = order;
	d->flags = flags;
	d->status = 0;
	xpi_stat_add(XPI_STAT_RUNS, 1);
}

/**
 * xpi_batch_add_unmap() - add a range to be unmapped and flushed
 * @b: the batch, not full
 * @dfn: first device frame
 * @nr: 4 KiB pages
 */
static inline void xpi_batch_add_unmap(struct xpi_batch *b, u64 dfn, u32 nr)
{
	struct xen_pv_iommu_batch *d = xpi_batch_at(b, b->used++);

	d->dfn = dfn;
	d->gfn = 0;
	d->nr = nr;
	d->done = 0;
	d->ctx = b->ctx;
	d->op = XEN_PV_IOMMU_BATCH_UNMAP;
	d->order = 0;
	d->flags = 0;
	d->status = 0;
}

/**
 * xpi_batch_map() - add a run to be mapped, after sending if the batch is full
 * @b: the batch
 * @run: the run
 * @order: largest leaf to use
 * @flags: XEN_PV_IOMMU_F_R, XEN_PV_IOMMU_F_W or both
 *
 * Return: 0, or the error that stopped an earlier descriptor; then nothing
 * was added.
 */
int xpi_batch_map(struct xpi_batch *b, const struct xpi_run *run,
		  unsigned int order, u16 flags);

/**
 * xpi_batch_unmap() - add a range to be unmapped, after sending if the batch is full
 * @b: the batch
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: as for xpi_batch_map().
 */
int xpi_batch_unmap(struct xpi_batch *b, u64 dfn, u32 nr);

/**
 * xpi_batch_send() - send the descriptors, and keep them
 * @b: the batch; begins with @b->sent, which on return is the descriptor that
 *	failed, or @b->used
 *
 * The descriptors stay in the batch until xpi_batch_clear(). Makes one hypercall,
 * or one multicall if more than one buffer is in use; more only if Xen stops
 * without an error. Xen may have processed the buffers after the one with an error.
 *
 * Return: 0 or the first error.
 */
int xpi_batch_send(struct xpi_batch *b);

/**
 * xpi_batch_send_and_clear() - send the descriptors and empty the batch
 * @b: the batch
 *
 * Everything before the first error is done, and counted in @b->done; the
 * descriptor that failed may be done in part, which is counted too.
 *
 * Return: 0 or the first error.
 */
int xpi_batch_send_and_clear(struct xpi_batch *b);

#endif /* XPI_BATCH_H */

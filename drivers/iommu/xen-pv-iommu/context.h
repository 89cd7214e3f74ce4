/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_CONTEXT_H
#define XPI_CONTEXT_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/types.h>

#include <asm/barrier.h>

#include <xen/interface/pv-iommu.h>

#include "mappings.h"
#include "pending.h"

struct xpi_hv;

/* Longer requests do not wait if the caller can sleep: 4 KiB pages. */
#define XPI_WAIT_MAX	512U

/* Marks of leaves whose unmap is not left to a sync of the caller's. */
#define XPI_LEAF_NOW	(XPI_LEAF_FOREIGN | XPI_LEAF_ERROR)

/**
 * struct xpi_context - a context of Xen's that Linux fills
 * @ctx: its number; 0 if Xen gave none yet
 * @batching: requests wait and are sent in batches
 * @max_count: longest array of descriptors
 * @max_nr: longest run
 * @bytes: size of a page of @mem
 * @hv: the hypervisor
 * @mem: where the mappings' nodes and the descriptor buffers come from
 * @no_memory: called when Xen had no memory for a map; in any context, without a
 *	list's lock
 * @mappings: what is mapped
 * @pending: what waits to be sent
 */
struct xpi_context {
	u16 ctx;
	bool batching;
	u32 max_count;
	u32 max_nr;
	size_t bytes;
	const struct xpi_hv *hv;
	const struct xpi_mappings_mem *mem;
	void (*no_memory)(const struct xpi_context *c);
	struct xpi_mappings mappings;
	struct xpi_pending pending;
};

/**
 * xpi_context_init() - make a context ready that Xen has made
 * @c: filled in but for @mappings; of @pending there are those functions that say
 *	what happens, and the lists themselves
 * @last: last dfn that can be mapped
 *
 * Return: 0 or -ENOMEM; then, too, xpi_context_fini() is to be called.
 */
int xpi_context_init(struct xpi_context *c, u64 last);

/**
 * xpi_context_fini() - give the memory back
 * @c: a context that nobody uses any more; may never have been initialised but
 *	for zeros. What waits is forgotten
 */
void xpi_context_fini(struct xpi_context *c);

/*
 * What the request of a lucky caller does not need: see the functions below.
 */
int xpi_context_fill(struct xpi_context *c, gfp_t gfp);
int xpi_context_record_again(struct xpi_context *c, const struct xpi_map *m,
			     unsigned int leaf, u64 kept, gfp_t gfp);
int xpi_context_map_now(struct xpi_context *c, const struct xpi_map *m,
			gfp_t gfp, u64 *done);
void xpi_context_map_undo(struct xpi_context *c, unsigned int cpu,
			  const struct xpi_map *m);
void xpi_context_unmap_now(struct xpi_context *c, u64 dfn, u64 nr);
struct xpi_removed xpi_context_unmap_more(struct xpi_context *c,
					  unsigned int cpu, u64 dfn, u64 nr,
					  struct xpi_removed removed);

/**
 * xpi_context_record() - add a mapping, all of it or nothing
 * @c: the context
 * @m: the request
 * @leaf: XPI_LEAF_*
 * @gfp: for nodes that are missing
 *
 * Xen is told nothing: for what it maps by itself.
 *
 * Return: 0 or the error of xpi_mappings_reserve().
 */
static inline int xpi_context_record(struct xpi_context *c,
				     const struct xpi_map *m,
				     unsigned int leaf, gfp_t gfp)
{
	u64 kept = xpi_mappings_add(&c->mappings, m->dfn, m->pfn, m->nr,
				    m->order, leaf);

	/* Mostly the nodes are there. */
	if (likely(kept == m->nr))
		return 0;
	return xpi_context_record_again(c, m, leaf, kept, gfp);
}

/* All of it waits for xpi_context_sync_map(), or nothing is mapped. */
static inline int xpi_context_map_later(struct xpi_context *c,
					unsigned int cpu,
					const struct xpi_map *m, u64 *done)
{
	int ret = xpi_pending_map(&c->pending, cpu, m);

	if (unlikely(ret < 0)) {
		xpi_context_map_undo(c, cpu, m);
		return ret;
	}
	if (unlikely(ret & XEN_PV_IOMMU_F_FOREIGN))
		xpi_mappings_mark(&c->mappings, m->dfn, m->nr,
				  XPI_LEAF_FOREIGN);
	*done = m->nr;
	return 0;
}

/**
 * xpi_context_map() - map pages, or let them wait to be mapped
 * @c: the context
 * @cpu: whose list they wait in; any number
 * @m: the request
 * @gfp: for memory
 * @done: OUT: pages mapped, from the front; left alone if there are none
 *
 * Only a long request of a caller that can sleep does not wait, but is sent
 * from buffers of its own. Any context; sleeps if @gfp allows it.
 *
 * Return: 0 or an error. Of what Xen refuses later xpi_context_sync_map() tells.
 */
static inline int xpi_context_map(struct xpi_context *c, unsigned int cpu,
				  const struct xpi_map *m, gfp_t gfp, u64 *done)
{
	int ret = 0;

	/* Pairs with xpi_pending_fill(). */
	if (unlikely(!smp_load_acquire(&c->pending.filled)))
		ret = xpi_context_fill(c, gfp);
	if (!ret)
		ret = xpi_context_record(c, m, 0, gfp);
	if (ret)
		return ret;
	if (!c->batching ||
	    (m->nr > XPI_WAIT_MAX && gfpflags_allow_blocking(gfp)))
		return xpi_context_map_now(c, m, gfp, done);
	return xpi_context_map_later(c, cpu, m, done);
}

/**
 * xpi_context_sync_map() - let Xen map what waits in a range
 * @c: the context
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: 0 or the error of the first leaf there that Xen refused.
 */
static inline int xpi_context_sync_map(struct xpi_context *c, u64 dfn, u64 nr)
{
	int ret;

	xpi_pending_sync_map(&c->pending, dfn, nr);
	ret = xpi_mappings_error(&c->mappings, dfn, nr);
	if (unlikely(ret == -ENOMEM))
		c->no_memory(c);
	return ret;
}

/* Leaves of one kind, from @dfn on. */
static __always_inline struct xpi_removed
xpi_context_unmap_kind(struct xpi_context *c, unsigned int cpu, u64 dfn, u64 nr)
{
	struct xpi_removed removed =
		xpi_mappings_remove_kind(&c->mappings, dfn, nr);

	if (unlikely(!removed.nr || removed.flags & XPI_LEAF_DIRECT))
		return removed;
	if (likely(c->batching))
		xpi_pending_unmap(&c->pending, cpu, dfn, removed.nr);
	else
		xpi_context_unmap_now(c, dfn, removed.nr);
	return removed;
}

/**
 * xpi_context_unmap() - forget pages, and let them wait to be unmapped
 * @c: the context
 * @cpu: whose list they wait in; any number
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Stops at a hole and before a leaf that sticks out. Never fails, in any
 * context. xpi_pending_sync_unmap() or xpi_pending_flush() make sure that a range
 * is unmapped and flushed; where the marks have any of XPI_LEAF_NOW it is.
 *
 * Return: pages, from the front, and all the marks that they had.
 */
static inline struct xpi_removed
xpi_context_unmap(struct xpi_context *c, unsigned int cpu, u64 dfn, u64 nr)
{
	struct xpi_removed removed = xpi_context_unmap_kind(c, cpu, dfn, nr);

	/* Mostly that is all. */
	if (unlikely(removed.nr && removed.nr < nr))
		removed = xpi_context_unmap_more(c, cpu, dfn, nr, removed);
	if (unlikely(removed.flags & XPI_LEAF_NOW))
		xpi_pending_sync_unmap(&c->pending, dfn, removed.nr,
				       removed.flags & XPI_LEAF_FOREIGN ?
				       XPI_WHY_FOREIGN : XPI_WHY_ERROR);
	return removed;
}

#endif /* XPI_CONTEXT_H */

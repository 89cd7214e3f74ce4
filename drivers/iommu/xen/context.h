/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_CONTEXT_H
#define XPI_CONTEXT_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/types.h>

#include <asm/barrier.h>

#include <xen/interface/pv-iommu.h>

#include "mappings.h"
#include "pending.h"

struct xpi_hv;

/* Longest request that waits although the caller can sleep, in 4 KiB pages. */
#define XPI_WAIT_MAX	512U

/* Marks of leaves that xpi_context_unmap() unmaps and flushes at once. */
#define XPI_LEAF_NOW	(XPI_LEAF_FOREIGN | XPI_LEAF_ERROR)

/**
 * struct xpi_context - a context in Xen that Linux fills
 * @ctx: its number; 0 if Xen has not created it yet
 * @batching: requests wait and are sent in batches
 * @max_count: longest array of descriptors
 * @max_nr: longest run
 * @bytes: size of a page of @mem
 * @hv: the hypervisor
 * @mem: allocates nodes of @mappings and descriptor buffers
 * @no_memory: called when Xen had no memory for a map; in any context, without
 *	the lock of a pending list
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
 * xpi_context_init() - initialise a context that Xen has created
 * @c: filled in except for @mappings; @pending has its callbacks and its pairs
 *	of lists
 * @last: last dfn that can be mapped
 *
 * The caller must call xpi_context_fini() even after an error.
 *
 * Return: 0 or -ENOMEM.
 */
int xpi_context_init(struct xpi_context *c, u64 last);

/**
 * xpi_context_fini() - free the memory of a context
 * @c: a context without users; all zeros is valid, too
 *
 * Drops what is still pending.
 */
void xpi_context_fini(struct xpi_context *c);

/*
 * Slow paths of xpi_context_map() and xpi_context_add_mapping(). These two are
 * inline: an extra call costs 24 instructions per run, 2 % of a scattered map.
 */
int xpi_context_fill(struct xpi_context *c, gfp_t gfp);
int xpi_context_add_mapping_slow(struct xpi_context *c,
				 const struct xpi_map *m, unsigned int leaf,
				 u64 kept, gfp_t gfp);
int xpi_context_map_now(struct xpi_context *c, const struct xpi_map *m,
			gfp_t gfp, u64 *done);
void xpi_context_map_undo(struct xpi_context *c, unsigned int cpu,
			  const struct xpi_map *m);

/**
 * xpi_context_add_mapping() - add to the mappings, all of a request or nothing
 * @c: the context
 * @m: the request
 * @leaf: XPI_LEAF_*
 * @gfp: for missing nodes
 *
 * Sends nothing to Xen: for regions that Xen maps by itself.
 *
 * Return: 0 or the error of xpi_mappings_reserve().
 */
static inline int xpi_context_add_mapping(struct xpi_context *c,
					  const struct xpi_map *m,
					  unsigned int leaf, gfp_t gfp)
{
	u64 kept = xpi_mappings_add(&c->mappings, m->dfn, m->pfn, m->nr,
				    m->order, leaf);

	/* Common case: the nodes exist. */
	if (kept == m->nr)
		return 0;
	return xpi_context_add_mapping_slow(c, m, leaf, kept, gfp);
}

/* All of the request waits for xpi_context_sync_map(), or nothing is mapped. */
static inline int xpi_context_map_later(struct xpi_context *c,
					unsigned int cpu,
					const struct xpi_map *m, u64 *done)
{
	int ret = xpi_pending_map(&c->pending, cpu, m);

	if (ret < 0) {
		xpi_context_map_undo(c, cpu, m);
		return ret;
	}
	if (ret & XEN_PV_IOMMU_F_FOREIGN)
		xpi_mappings_mark(&c->mappings, m->dfn, m->nr,
				  XPI_LEAF_FOREIGN);
	*done = m->nr;
	return 0;
}

/**
 * xpi_context_map() - map pages, or let the request wait
 * @c: the context
 * @cpu: selects the pending list; any number is valid
 * @m: the request
 * @gfp: for memory
 * @done: OUT: pages mapped, from the front; unchanged if there are none
 *
 * A long request of a caller that can sleep is sent at once, from buffers of its
 * own, as is any request without @batching. Callable from any context; may sleep
 * if @gfp allows it.
 *
 * Return: 0 or an error. xpi_context_sync_map() returns the error of a map that
 * Xen refuses later.
 */
static inline int xpi_context_map(struct xpi_context *c, unsigned int cpu,
				  const struct xpi_map *m, gfp_t gfp, u64 *done)
{
	int ret = 0;

	/* Pairs with xpi_pending_fill(). */
	if (!smp_load_acquire(&c->pending.filled))
		ret = xpi_context_fill(c, gfp);
	if (!ret)
		ret = xpi_context_add_mapping(c, m, 0, gfp);
	if (ret)
		return ret;
	if (!c->batching ||
	    (m->nr > XPI_WAIT_MAX && gfpflags_allow_blocking(gfp)))
		return xpi_context_map_now(c, m, gfp, done);
	return xpi_context_map_later(c, cpu, m, done);
}

/**
 * xpi_context_sync_map() - send the maps that are pending in a range
 * @c: the context
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: 0 or the error of the first leaf in the range that Xen refused.
 */
int xpi_context_sync_map(struct xpi_context *c, u64 dfn, u64 nr);

/**
 * xpi_context_unmap() - remove mappings, and let the unmaps wait
 * @c: the context
 * @cpu: selects the pending list; any number is valid
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Stops at a hole and at a leaf that extends past the range. Never fails;
 * callable from any context. The range is unmapped and flushed after
 * xpi_pending_sync_unmap() or xpi_pending_flush(), or on return if the marks
 * include one of XPI_LEAF_NOW.
 *
 * Return: pages removed, from the front, and the union of their marks.
 */
struct xpi_removed xpi_context_unmap(struct xpi_context *c, unsigned int cpu,
				     u64 dfn, u64 nr);

#endif /* XPI_CONTEXT_H */

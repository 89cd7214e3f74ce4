// SPDX-License-Identifier: GPL-2.0
/*
 * Serves the IOMMU core's requests: updates the mappings, the pending lists and
 * Xen. The fast path of a map is in context.h.
 *
 * A map is added to the mappings first, so two overlapping maps never reach Xen.
 * It is removed again if Xen or the pending list cannot take it. An unmap is
 * removed from the mappings first, and needs no memory.
 */
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "batch.h"
#include "context.h"
#include "hv.h"
#include "runs.h"

int xpi_context_init(struct xpi_context *c, u64 last)
{
	c->pending.mappings = &c->mappings;
	c->pending.free = c->mem->free;
	c->pending.max_nr = min(c->max_nr, XPI_CHUNK_PAGES);
	xpi_pending_init(&c->pending);
	return xpi_mappings_init(&c->mappings, c->mem, last, GFP_KERNEL);
}

void xpi_context_fini(struct xpi_context *c)
{
	xpi_pending_fini(&c->pending);
	xpi_mappings_fini(&c->mappings);
}

/*
 * Mapping without waiting
 */

/* Unmap and flush. The log reports an error, because the caller cannot. */
static noinline void unmap_now(struct xpi_context *c, u64 dfn, u64 nr)
{
	struct xen_pv_iommu_batch desc __aligned(32);
	struct xpi_batch b;
	u64 sent = 0;
	int ret = 0;

	xpi_batch_init(&b, c->hv, &desc, sizeof(desc), c->max_count);
	xpi_batch_start(&b, c->ctx);
	while (!ret && sent < nr) {
		u32 n = xpi_run_limit(dfn + sent, nr - sent, c->max_nr);

		ret = xpi_batch_unmap(&b, dfn + sent, n);
		sent += n;
	}
	if (!ret)
		ret = xpi_batch_send_and_clear(&b);
	/* An error after every page was unmapped is not reported. */
	if (b.done < nr)
		c->pending.lost(&c->pending, &(const struct xpi_lost){
			.dfn = dfn + b.done, .nr = nr - b.done, .err = ret,
			.times = 1,
		});
}

/* Add a buffer if there is memory; without it the existing ones are reused. */
static void batch_grow(struct xpi_context *c, struct xpi_batch *b, gfp_t gfp)
{
	void *buf;

	if (b->nr_bufs == XPI_MULTI_MAX || !xpi_batch_is_full(b))
		return;

	buf = c->mem->alloc(gfp | __GFP_NOWARN);
	if (buf)
		xpi_batch_add_buf(b, buf);
}

/* Send a request through @b, run by run. @gfp: 0 if @b must not grow. */
static int send_runs(struct xpi_context *c, struct xpi_batch *b,
		     const struct xpi_map *m, gfp_t gfp, u16 *seen)
{
	struct xpi_runs it = {
		.frame = c->hv->frame,
		.dfn = m->dfn,
		.pfn = m->pfn,
		.left = m->nr,
		.max = c->max_nr,
	};
	struct xpi_run run;
	int ret, err;

	while ((ret = xpi_runs_next(&it, &run)) > 0) {
		if (gfp)
			batch_grow(c, b, gfp);
		err = xpi_batch_map(b, &run, m->order, m->flags);
		if (err)
			return err;
		*seen |= run.flags;
	}

	/* The pages before a page without a frame are mapped all the same. */
	err = xpi_batch_send_and_clear(b);
	return err ?: ret;
}

/* Use @buf and, with @gfp, further buffers of its size. The caller owns @buf. */
static int send_map(struct xpi_context *c, const struct xpi_map *m, void *buf,
		    size_t bytes, gfp_t gfp, u16 *seen, u64 *sent)
{
	struct xpi_batch b;
	int ret;

	xpi_batch_init(&b, c->hv, buf, bytes, c->max_count);
	xpi_batch_start(&b, c->ctx);
	ret = send_runs(c, &b, m, gfp, seen);
	/* Xen is out of memory: the kernel's own buffers exist already. */
	if (ret == -ENOMEM)
		c->no_memory(c);
	*sent = b.done;
	while (b.nr_bufs > 1)
		c->mem->free(b.buf[--b.nr_bufs]);
	return ret;
}

/* In buffers of its own; the caller can sleep. */
static int send_map_batch(struct xpi_context *c, const struct xpi_map *m,
			  gfp_t gfp, u16 *seen, u64 *sent)
{
	void *buf = c->mem->alloc(gfp);
	int ret;

	if (!buf)
		return -ENOMEM;

	ret = send_map(c, m, buf, c->bytes, gfp, seen, sent);
	c->mem->free(buf);
	return ret;
}

/* One descriptor at a time. */
static int send_map_single(struct xpi_context *c, const struct xpi_map *m,
			   u16 *seen, u64 *sent)
{
	struct xen_pv_iommu_batch desc __aligned(32);

	return send_map(c, m, &desc, sizeof(desc), 0, seen, sent);
}

/*
 * Map at once, from the front, in whole leaves: a leaf that the core may unmap is
 * mapped as a whole or not at all.
 */
int xpi_context_map_now(struct xpi_context *c, const struct xpi_map *m,
			gfp_t gfp, u64 *done)
{
	u16 seen = 0;
	u64 sent = 0;
	int ret;

	xpi_pending_sync_unmap(&c->pending, m->dfn, m->nr, XPI_WHY_ROOM);
	if (c->batching)
		ret = send_map_batch(c, m, gfp, &seen, &sent);
	else
		ret = send_map_single(c, m, &seen, &sent);

	sent -= sent & ((1U << m->order) - 1);
	/* Xen may have mapped pages after the failing one; unmap the rest. */
	if (sent < m->nr) {
		unmap_now(c, m->dfn + sent, m->nr - sent);
		xpi_mappings_remove(&c->mappings, m->dfn + sent, m->nr - sent);
	}
	if (seen & XEN_PV_IOMMU_F_FOREIGN && sent)
		xpi_mappings_mark(&c->mappings, m->dfn, sent, XPI_LEAF_FOREIGN);
	*done = sent;
	return ret;
}

/*
 * Mapping
 */

/* Before the first map, because an unmap cannot allocate. */
int xpi_context_fill(struct xpi_context *c, gfp_t gfp)
{
	const struct xpi_pending_config config = {
		.hv = c->hv,
		.alloc = c->mem->alloc,
		.bytes = c->bytes,
		.max_count = c->max_count,
		.max_maps = c->hv->max_maps(),
		.ctx = c->ctx,
	};

	return xpi_pending_fill(&c->pending, &config, gfp);
}

/* @kept pages were added: add all of the request now, or nothing. */
int xpi_context_add_mapping_slow(struct xpi_context *c,
				 const struct xpi_map *m, unsigned int leaf,
				 u64 kept, gfp_t gfp)
{
	int ret;

	xpi_mappings_remove(&c->mappings, m->dfn, kept);
	ret = xpi_mappings_reserve(&c->mappings, m->dfn, m->nr, m->order, gfp);
	if (ret)
		return ret;

	kept = xpi_mappings_add(&c->mappings, m->dfn, m->pfn, m->nr, m->order,
				leaf);
	if (kept == m->nr)
		return 0;
	xpi_mappings_remove(&c->mappings, m->dfn, kept);
	/* Only if two callers map the same range at the same time. */
	WARN_ON_ONCE(1);
	return -EEXIST;
}

/* The pending list could not take all of the request. */
void xpi_context_map_undo(struct xpi_context *c, unsigned int cpu,
			  const struct xpi_map *m)
{
	xpi_pending_undo(&c->pending, cpu, m->dfn, m->nr);
	xpi_mappings_remove(&c->mappings, m->dfn, m->nr);
}

int xpi_context_sync_map(struct xpi_context *c, u64 dfn, u64 nr)
{
	int ret;

	xpi_pending_sync_map(&c->pending, dfn, nr);
	ret = xpi_mappings_error(&c->mappings, dfn, nr);
	if (ret == -ENOMEM)
		c->no_memory(c);
	return ret;
}

/*
 * Unmapping
 */

/* Leaves of one kind, from @dfn on. */
static __always_inline struct xpi_removed unmap_kind(struct xpi_context *c,
						     unsigned int cpu, u64 dfn,
						     u64 nr)
{
	struct xpi_removed removed =
		xpi_mappings_remove_kind(&c->mappings, dfn, nr);

	if (!removed.nr || removed.flags & XPI_LEAF_DIRECT)
		return removed;
	if (c->batching)
		xpi_pending_unmap(&c->pending, cpu, dfn, removed.nr);
	else
		unmap_now(c, dfn, removed.nr);
	return removed;
}

/* Continue after the leaves of the first kind, with leaves of any kind. */
static noinline struct xpi_removed unmap_more(struct xpi_context *c,
					      unsigned int cpu, u64 dfn, u64 nr,
					      struct xpi_removed removed)
{
	struct xpi_removed r;

	do {
		r = unmap_kind(c, cpu, dfn + removed.nr, nr - removed.nr);
		removed.nr += r.nr;
		removed.flags |= r.flags;
	} while (r.nr && removed.nr < nr);
	return removed;
}

struct xpi_removed xpi_context_unmap(struct xpi_context *c, unsigned int cpu,
				     u64 dfn, u64 nr)
{
	struct xpi_removed removed = unmap_kind(c, cpu, dfn, nr);

	/* Common case: all leaves are of one kind. */
	if (removed.nr && removed.nr < nr)
		removed = unmap_more(c, cpu, dfn, nr, removed);
	if (removed.flags & XPI_LEAF_NOW)
		xpi_pending_sync_unmap(&c->pending, dfn, removed.nr,
				       removed.flags & XPI_LEAF_FOREIGN ?
				       XPI_WHY_FOREIGN : XPI_WHY_ERROR);
	return removed;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Maps and unmaps that wait to be sent to Xen.
 *
 * A map is complete when the core calls iotlb_sync_map, an unmap when it calls
 * iotlb_sync, or flush_iotlb_all if the flush is deferred. Until then
 * descriptors wait here, so that Xen gets many of them in one array. There are
 * several pairs of lists, so that CPUs do not contend for one lock. A pair has a
 * list for maps and a list for unmaps: an interrupt that unmaps does not send
 * the maps that the interrupted task is collecting.
 *
 * A task may move to another CPU between map and sync, and other tasks use its
 * list. So sync checks every list for its range. Another CPU may have sent the
 * descriptors, or may be sending them: then sync waits for the lock. The sender
 * marks a failed map in the mappings, where the caller of the map finds the error.
 *
 * Order. Pending maps are disjoint, because the mappings have each dfn only once;
 * therefore their order does not matter. A range may be in a pending unmap and
 * then in a newer pending map. If the map is sent first, Xen returns -EEXIST and
 * replaces nothing. The driver then sends the unmaps that overlap it, and the map
 * again. This requires that every pending unmap is mapped in Xen as a whole: the
 * driver sends an unmap at once if part of its range was never mapped. Xen skips
 * holes, but rejects an unmap that would split a leaf of an older unmap; so the
 * driver sends the older unmap first.
 *
 * Interrupts are off while Xen processes an array. When Xen refuses a map, the
 * sender drops the lock and sends the unmaps without it. The batch keeps its
 * descriptors, and another CPU may continue to send it meanwhile.
 *
 * Locks: one list's lock at a time; inside of it that of the mappings, or
 * lost_lock. No function prints under any of them. Only xpi_pending_fill() sleeps
 * or allocates.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include <asm/barrier.h>

#include <xen/interface/pv-iommu.h>

#include "mappings.h"
#include "pending.h"
#include "runs.h"
#include "stats.h"

const char *xpi_why_name(enum xpi_why why)
{
	static const char * const names[] = {
		[XPI_WHY_SYNC_MAP] = "sync_map",
		[XPI_WHY_SYNC] = "sync",
		[XPI_WHY_FLUSH_ALL] = "flush_all",
		[XPI_WHY_FULL] = "full",
		[XPI_WHY_FOREIGN] = "foreign",
		[XPI_WHY_ERROR] = "error",
		[XPI_WHY_NO_DEFER] = "no_defer",
		[XPI_WHY_HOLE] = "hole",
		[XPI_WHY_PART] = "part",
		[XPI_WHY_REFUSED] = "refused",
		[XPI_WHY_ROOM] = "room",
		[XPI_WHY_UNDO] = "undo",
	};

	return names[why];
}

/*
 * The range of a list
 */

static void range_clear(struct xpi_pending_list *list)
{
	/* Release: a reader that sees an empty range also sees the results. */
	smp_store_release(&list->first, U64_MAX);
	/* Release, too: range_meets() may see either of them first. */
	smp_store_release(&list->end, 0);
}

static void range_add(struct xpi_pending_list *list, u64 dfn, u64 nr)
{
	if (dfn < list->first)
		WRITE_ONCE(list->first, dfn);
	if (dfn + nr > list->end)
		WRITE_ONCE(list->end, dfn + nr);
}

/* Exact for the caller's own descriptors; may be stale for those of others. */
static bool range_meets(const struct xpi_pending_list *list, u64 dfn, u64 nr)
{
	/* Pairs with range_clear(): if the range is empty, results are visible. */
	u64 end = smp_load_acquire(&list->end);
	/* Pairs with range_clear(). */
	u64 first = smp_load_acquire(&list->first);

	return dfn < end && dfn + nr > first;
}

/* All descriptors were sent. */
static void pending_list_clear(struct xpi_pending_list *list)
{
	xpi_batch_clear(&list->batch);
	list->pages = 0;
	list->turn++;
	range_clear(list);
}

static struct xpi_pending_pair *pair_of(struct xpi_pending *pending,
					unsigned int cpu)
{
	/* A division is slow. */
	unsigned int i = cpu < pending->nr ? cpu : cpu % pending->nr;

	return &pending->pair[i];
}

/*
 * Visiting all lists
 */

/**
 * struct visit - a range, and what was done with the lists that overlap it
 * @dfn: first device frame
 * @nr: 4 KiB pages
 * @why: reason for sending
 * @dropped: OUT: pages dropped
 * @sent: OUT: a part of the range was sent to be mapped
 */
struct visit {
	u64 dfn;
	u64 nr;
	enum xpi_why why;
	u64 dropped;
	bool sent;
};

typedef void (*visit_fn)(struct xpi_pending *pending,
			 struct xpi_pending_list *list, struct visit *v);

/*
 * Call @fn for the list at @offset of each pair, if the list overlaps the range.
 * Most lists cost two loads. Inlined, so that @fn is a direct call and *@v is not
 * in memory.
 */
static __always_inline void visit_lists(struct xpi_pending *pending,
					size_t offset, visit_fn fn,
					struct visit *v)
{
	unsigned int i;

	for (i = 0; i < pending->nr; i++) {
		struct xpi_pending_list *list =
			(void *)&pending->pair[i] + offset;

		if (range_meets(list, v->dfn, v->nr))
			fn(pending, list, v);
	}
}

/*
 * Buffers
 */

static int pending_list_fill(struct xpi_pending *pending,
			     struct xpi_pending_list *list,
			     const struct xpi_pending_config *c,
			     unsigned int max_count, gfp_t gfp)
{
	void *buf = c->alloc(gfp);
	unsigned long irqflags;

	if (!buf)
		return -ENOMEM;

	raw_spin_lock_irqsave(&list->lock, irqflags);
	if (!list->batch.nr_bufs) {
		xpi_batch_init(&list->batch, c->hv, buf, c->bytes, max_count);
		xpi_batch_start(&list->batch, c->ctx);
		pending_list_clear(list);
		buf = NULL;
	}
	raw_spin_unlock_irqrestore(&list->lock, irqflags);
	/* Another caller was faster. */
	if (buf)
		pending->free(buf);
	return 0;
}

void xpi_pending_init(struct xpi_pending *pending)
{
	unsigned int i;

	raw_spin_lock_init(&pending->lost_lock);
	for (i = 0; i < pending->nr; i++) {
		/* Two calls, so that lockdep has two classes. */
		raw_spin_lock_init(&pending->pair[i].maps.lock);
		raw_spin_lock_init(&pending->pair[i].unmaps.lock);
	}
}

int xpi_pending_fill(struct xpi_pending *pending,
		     const struct xpi_pending_config *c, gfp_t gfp)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < pending->nr && !ret; i++) {
		ret = pending_list_fill(pending, &pending->pair[i].maps, c,
					min(c->max_count, c->max_maps), gfp);
		if (!ret)
			ret = pending_list_fill(pending,
						&pending->pair[i].unmaps, c,
						c->max_count, gfp);
	}
	if (ret)
		return ret;

	/* Release: a CPU that sees it sees the buffers; see xpi_context_map(). */
	smp_store_release(&pending->filled, true);
	return 0;
}

static void pending_list_fini(struct xpi_pending *pending,
			      struct xpi_pending_list *list)
{
	if (list->batch.nr_bufs)
		pending->free(list->batch.buf[0]);
	list->batch.nr_bufs = 0;
}

void xpi_pending_fini(struct xpi_pending *pending)
{
	unsigned int i;

	for (i = 0; i < pending->nr; i++) {
		pending_list_fini(pending, &pending->pair[i].maps);
		pending_list_fini(pending, &pending->pair[i].unmaps);
	}
	pending->filled = false;
}

static bool pending_list_has_room(const struct xpi_pending_list *list, u32 nr)
{
	return !xpi_batch_is_full(&list->batch) &&
	       list->pages + nr <= XPI_PENDING_PAGES;
}

static void announce(const struct xpi_pending *pending,
		     const struct xpi_pending_list *list, enum xpi_why why)
{
	if (pending->sending && list->batch.used)
		pending->sending(&list->batch, why);
}

/*
 * Unmaps
 */

/* Caller must hold a list's lock: the report follows without it. */
static noinline void lost_add(struct xpi_pending *pending,
			      const struct xen_pv_iommu_batch *d, int err)
{
	struct xpi_lost *what = &pending->unreported;
	unsigned long irqflags;

	raw_spin_lock_irqsave(&pending->lost_lock, irqflags);
	if (!what->times) {
		what->dfn = d->dfn;
		what->nr = d->nr;
		what->err = err;
	}
	WRITE_ONCE(what->times, what->times + 1);
	raw_spin_unlock_irqrestore(&pending->lost_lock, irqflags);
}

/* Caller must not hold a list's lock. */
static noinline void lost_report(struct xpi_pending *pending)
{
	unsigned long irqflags;
	struct xpi_lost what;

	raw_spin_lock_irqsave(&pending->lost_lock, irqflags);
	what = pending->unreported;
	WRITE_ONCE(pending->unreported.times, 0);
	raw_spin_unlock_irqrestore(&pending->lost_lock, irqflags);
	if (what.times)
		pending->lost(pending, &what);
}

static void unmaps_send(struct xpi_pending *pending,
			struct xpi_pending_list *list, enum xpi_why why)
{
	int err;

	announce(pending, list, why);
	while ((err = xpi_batch_send(&list->batch))) {
		const struct xen_pv_iommu_batch *d =
			xpi_batch_at(&list->batch, list->batch.sent++);

		lost_add(pending, d, err);
	}
	pending_list_clear(list);
}

/* Extend the last descriptor if it is adjacent to the range. */
static bool unmaps_extend(struct xpi_pending *pending,
			  struct xpi_pending_list *list, u64 dfn, u32 nr)
{
	struct xen_pv_iommu_batch *d;

	if (!list->batch.used)
		return false;

	d = xpi_batch_at(&list->batch, list->batch.used - 1);
	if (nr > pending->max_nr || d->nr > pending->max_nr - nr)
		return false;
	if (dfn + nr == d->dfn)
		d->dfn = dfn;
	else if (d->dfn + d->nr != dfn)
		return false;
	d->nr += nr;
	return true;
}

static void unmaps_add(struct xpi_pending *pending,
		       struct xpi_pending_list *list, u64 dfn, u32 nr)
{
	if (!pending_list_has_room(list, nr))
		unmaps_send(pending, list, XPI_WHY_FULL);
	if (!unmaps_extend(pending, list, dfn, nr))
		xpi_batch_add_unmap(&list->batch, dfn, nr);
	list->pages += nr;
	range_add(list, dfn, nr);
}

static void visit_unmaps(struct xpi_pending *pending,
			 struct xpi_pending_list *list, struct visit *v)
{
	unsigned long irqflags;

	raw_spin_lock_irqsave(&list->lock, irqflags);
	unmaps_send(pending, list, v->why);
	raw_spin_unlock_irqrestore(&list->lock, irqflags);
}

void xpi_pending_sync_unmap(struct xpi_pending *pending, u64 dfn, u64 nr,
			    enum xpi_why why)
{
	struct visit v = { .dfn = dfn, .nr = nr, .why = why };

	visit_lists(pending, offsetof(struct xpi_pending_pair, unmaps),
		    visit_unmaps, &v);
	if (READ_ONCE(pending->unreported.times))
		lost_report(pending);
}

/*
 * dma-iommu reuses an iova after a flush that began when its unmap was in a list.
 * It detects this by a count of flushes:
 *
 *	fq_flush_iotlb()			unmap_pages(), queue_iova()
 *
 *	atomic64_inc(&fq_flush_start_cnt)	range_add()
 *	smp_mb(), here				smp_mb()
 *	range_meets()				atomic64_read(&fq_flush_start_cnt)
 *
 * Either the right side reads the new count and waits for the next flush, or the
 * left side sees the range. This needs both barriers.
 */
void xpi_pending_flush(struct xpi_pending *pending)
{
	smp_mb();	/* pairs with the one in queue_iova(), see above */
	xpi_pending_sync_unmap(pending, 0, U64_MAX, XPI_WHY_FLUSH_ALL);
}

/*
 * Maps
 */

/**
 * struct refusal - a descriptor that Xen has refused to map
 * @dfn: first device frame
 * @nr: 4 KiB pages; 0: Xen has refused none
 * @turn: the list's @turn at that time
 * @index: its index in the batch
 */
struct refusal {
	u64 dfn;
	u64 nr;
	unsigned int turn;
	unsigned int index;
};

/*
 * Xen has stopped at this descriptor. The sender either keeps it, to send it again,
 * or marks it in the mappings for its caller and continues with the next one. @r: the
 * sender's last refusal, IN and OUT.
 *
 * The cause of a first -EEXIST may be a pending unmap, or an unmap that another CPU
 * has sent since. A second -EEXIST of the same descriptor is final: the sender has
 * sent the unmaps in between.
 */
static noinline void map_refused(struct xpi_pending *pending,
				 struct xpi_pending_list *list, int err,
				 struct refusal *r)
{
	struct xpi_batch *b = &list->batch;
	const struct xen_pv_iommu_batch *d = xpi_batch_at(b, b->sent);
	bool before = r->nr && r->turn == list->turn && r->index == b->sent;

	*r = (struct refusal){
		.dfn = d->dfn, .nr = d->nr,
		.turn = list->turn, .index = b->sent,
	};
	if (err == -EEXIST && !before)
		return;
	xpi_mappings_mark(pending->mappings, d->dfn, d->nr,
			  xpi_leaf_error(err));
	b->sent++;
}

/* Send up to the first descriptor that Xen refuses. Returns true at the end. */
static bool maps_try(struct xpi_pending *pending, struct xpi_pending_list *list,
		     enum xpi_why why, struct refusal *r)
{
	unsigned long irqflags;
	int err;

	raw_spin_lock_irqsave(&list->lock, irqflags);
	if (!r->nr && !list->batch.sent)
		announce(pending, list, why);
	err = xpi_batch_send(&list->batch);
	if (err)
		map_refused(pending, list, err, r);
	else
		pending_list_clear(list);
	raw_spin_unlock_irqrestore(&list->lock, irqflags);
	return !err;
}

/*
 * Send the list; caller must not hold its lock. After a refusal the unmaps that
 * overlap the map must be sent: they block the map, or the map leaves a hole and
 * they must precede its own unmap. See the top of the file.
 */
static void maps_send(struct xpi_pending *pending,
		      struct xpi_pending_list *list, enum xpi_why why)
{
	struct refusal r = {};

	while (!maps_try(pending, list, why, &r))
		xpi_pending_sync_unmap(pending, r.dfn, r.nr, XPI_WHY_REFUSED);
}

/* Caller must make room in @list. */
static __always_inline void maps_add(struct xpi_pending_list *list,
				     const struct xpi_map *m, u64 dfn, u64 gfn,
				     u32 nr, u16 flags)
{
	xpi_batch_add_map(&list->batch, dfn, gfn, nr, m->order,
			  m->flags | flags);
	list->pages += nr;
	range_add(list, dfn, nr);
}

/* A request of several runs. @ahead: its first frames, if already known. */
static noinline int map_runs(struct xpi_pending *pending,
			     struct xpi_pending_list *list,
			     const struct xpi_map *m, struct xpi_frame ahead)
{
	struct xpi_runs it = {
		.frame = list->batch.hv->frame,
		.dfn = m->dfn,
		.pfn = m->pfn,
		.left = m->nr,
		.max = pending->max_nr,
		.have_ahead = ahead.nr,
		.ahead = ahead,
	};
	unsigned long irqflags;
	struct xpi_run run;
	int ret, seen = 0;

	raw_spin_lock_irqsave(&list->lock, irqflags);
	while ((ret = xpi_runs_next(&it, &run)) > 0) {
		while (!pending_list_has_room(list, run.nr)) {
			raw_spin_unlock_irqrestore(&list->lock, irqflags);
			maps_send(pending, list, XPI_WHY_FULL);
			raw_spin_lock_irqsave(&list->lock, irqflags);
		}
		maps_add(list, m, run.dfn, run.gfn, run.nr, run.flags);
		seen |= run.flags;
	}
	raw_spin_unlock_irqrestore(&list->lock, irqflags);
	return ret ?: seen;
}

/* A request that is one run. */
static void map_run(struct xpi_pending *pending, struct xpi_pending_list *list,
		    const struct xpi_map *m, struct xpi_frame frame)
{
	unsigned long irqflags;

	raw_spin_lock_irqsave(&list->lock, irqflags);
	while (!pending_list_has_room(list, m->nr)) {
		raw_spin_unlock_irqrestore(&list->lock, irqflags);
		maps_send(pending, list, XPI_WHY_FULL);
		raw_spin_lock_irqsave(&list->lock, irqflags);
	}
	maps_add(list, m, m->dfn, frame.gfn, m->nr, frame.flags);
	raw_spin_unlock_irqrestore(&list->lock, irqflags);
}

int xpi_pending_map(struct xpi_pending *pending, unsigned int cpu,
		    const struct xpi_map *m)
{
	struct xpi_pending_list *list = &pair_of(pending, cpu)->maps;
	struct xpi_frame frame;

	if (m->nr > pending->max_nr)
		return map_runs(pending, list, m, (struct xpi_frame){});

	frame = list->batch.hv->frame(m->pfn, m->nr);
	if (!frame.nr)
		return -EINVAL;
	if (frame.nr != m->nr)
		return map_runs(pending, list, m, frame);

	/* Common case. */
	map_run(pending, list, m, frame);
	return frame.flags;
}

static void visit_maps(struct xpi_pending *pending,
		       struct xpi_pending_list *list, struct visit *v)
{
	maps_send(pending, list, v->why);
}

void xpi_pending_sync_map(struct xpi_pending *pending, u64 dfn, u64 nr)
{
	struct visit v = { .dfn = dfn, .nr = nr, .why = XPI_WHY_SYNC_MAP };

	visit_lists(pending, offsetof(struct xpi_pending_pair, maps),
		    visit_maps, &v);
}

/*
 * Unmapping pending maps
 */

/* Drop descriptor @i and move the last one to its index. */
static void map_drop(struct xpi_pending_list *list, unsigned int i,
		     struct visit *v)
{
	struct xpi_batch *b = &list->batch;
	struct xen_pv_iommu_batch *d = xpi_batch_at(b, i);

	v->dropped += d->nr;
	list->pages -= d->nr;
	list->turn++;
	xpi_stat_add(XPI_STAT_MAPS_DROPPED, 1);
	*d = *xpi_batch_at(b, --b->used);
}

/*
 * Drop descriptors inside the range that no CPU has begun to send. Returns true if
 * no descriptor is left that overlaps the range.
 */
static bool maps_drop(struct xpi_pending_list *list, struct visit *v)
{
	struct xpi_batch *b = &list->batch;
	u64 end = v->dfn + v->nr;
	bool whole = true;
	unsigned int i = 0;

	while (i < b->used) {
		const struct xen_pv_iommu_batch *d = xpi_batch_at(b, i);
		bool begun = i < b->sent || d->done;

		if (!begun && d->dfn >= v->dfn && d->dfn + d->nr <= end) {
			map_drop(list, i, v);
			continue;
		}
		if (d->dfn < end && d->dfn + d->nr > v->dfn)
			whole = false;
		i++;
	}
	return whole;
}

static void visit_drop(struct xpi_pending *pending,
		       struct xpi_pending_list *list, struct visit *v)
{
	unsigned long irqflags;
	bool whole;

	raw_spin_lock_irqsave(&list->lock, irqflags);
	whole = maps_drop(list, v);
	if (!list->batch.used)
		range_clear(list);
	raw_spin_unlock_irqrestore(&list->lock, irqflags);

	if (whole)
		return;
	maps_send(pending, list, XPI_WHY_PART);
	v->sent = true;
}

static bool maps_meet(const struct xpi_pending *pending, u64 dfn, u64 nr)
{
	unsigned int i;

	for (i = 0; i < pending->nr; i++)
		if (range_meets(&pending->pair[i].maps, dfn, nr))
			return true;
	return false;
}

static noinline void unmap_long(struct xpi_pending *pending,
				struct xpi_pending_list *list, u64 dfn, u64 nr)
{
	u64 done = 0;

	while (done < nr) {
		u32 n = xpi_run_limit(dfn + done, nr - done, pending->max_nr);
		unsigned long irqflags;

		/* Allow interrupts between two hypercalls. */
		raw_spin_lock_irqsave(&list->lock, irqflags);
		unmaps_add(pending, list, dfn + done, n);
		raw_spin_unlock_irqrestore(&list->lock, irqflags);
		done += n;
	}
}

/*
 * Unmap a range with holes: send older unmaps in it first, then this one, without
 * delay. See the top of the file.
 */
static void unmap_holes(struct xpi_pending *pending,
			struct xpi_pending_list *list, u64 dfn, u64 nr,
			enum xpi_why why)
{
	xpi_pending_sync_unmap(pending, dfn, nr, why);
	unmap_long(pending, list, dfn, nr);
	xpi_pending_sync_unmap(pending, dfn, nr, why);
}

/* A part of the range may be in pending maps. */
static noinline void unmap_waiting(struct xpi_pending *pending,
				   struct xpi_pending_list *list, u64 dfn,
				   u64 nr)
{
	struct visit v = { .dfn = dfn, .nr = nr };

	visit_lists(pending, offsetof(struct xpi_pending_pair, maps),
		    visit_drop, &v);
	if (v.dropped == nr)
		return;

	/* Xen may have refused a part of it just now. */
	if (v.dropped || v.sent)
		unmap_holes(pending, list, dfn, nr, XPI_WHY_HOLE);
	else
		unmap_long(pending, list, dfn, nr);
}

void xpi_pending_undo(struct xpi_pending *pending, unsigned int cpu, u64 dfn,
		      u64 nr)
{
	struct visit v = { .dfn = dfn, .nr = nr };

	visit_lists(pending, offsetof(struct xpi_pending_pair, maps),
		    visit_drop, &v);
	unmap_holes(pending, &pair_of(pending, cpu)->unmaps, dfn, nr,
		    XPI_WHY_UNDO);
}

void xpi_pending_unmap(struct xpi_pending *pending, unsigned int cpu, u64 dfn,
		       u64 nr)
{
	struct xpi_pending_list *list = &pair_of(pending, cpu)->unmaps;
	unsigned long irqflags;

	if (maps_meet(pending, dfn, nr)) {
		unmap_waiting(pending, list, dfn, nr);
	} else if (nr > pending->max_nr) {
		unmap_long(pending, list, dfn, nr);
	} else {
		raw_spin_lock_irqsave(&list->lock, irqflags);
		unmaps_add(pending, list, dfn, nr);
		raw_spin_unlock_irqrestore(&list->lock, irqflags);
	}
}

void xpi_pending_waiting(const struct xpi_pending *pending, unsigned int *maps,
			 unsigned int *unmaps)
{
	unsigned int i;

	*maps = 0;
	*unmaps = 0;
	/* Without the locks, which are held across hypercalls. */
	for (i = 0; i < pending->nr; i++) {
		/* A slightly stale number is harmless. */
		*maps += data_race(pending->pair[i].maps.batch.used);
		/* Harmless as well. */
		*unmaps += data_race(pending->pair[i].unmaps.batch.used);
	}
}

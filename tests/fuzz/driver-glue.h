/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What xen-pv-iommu.c does between the core and the parts that are fuzzed, done
 * here again, as it needs a kernel; the comments there say why.
 */
#ifndef XPI_FUZZ_DRIVER_GLUE_H
#define XPI_FUZZ_DRIVER_GLUE_H

#include <assert.h>

#include "driver-hv.h"
#include "driver-model.h"
#include "lanes.h"
#include "queue.h"
#include "runs.h"
#include "shadow.h"

/**
 * struct range - pages that an operation is about
 * @dfn: the first
 * @nr: how many, not 0
 */
struct range {
	u64 dfn;
	u64 nr;
};

/**
 * glue - what a domain knows besides
 * @allocs_left: of memory there is so much
 * @max_nr: longest run
 * @single: nothing waits, as with batch=0
 */
static struct {
	unsigned int allocs_left;
	u32 max_nr;
	bool single;
} glue;

/*
 * Memory
 */

static void *page_alloc(gfp_t gfp)
{
	void *p;

	assert(gfp && !fake_locks_held);
	if (!glue.allocs_left)
		return NULL;
	glue.allocs_left--;
	p = aligned_alloc(4096, 4096);
	assert(p);
	memset(p, 0, 4096);
	nr_objects++;
	return p;
}

static void page_free(void *p)
{
	assert(p && nr_objects && !fake_locks_held);
	nr_objects--;
	free(p);
}

static const struct xpi_shadow_mem mem = { page_alloc, page_free };

/*
 * Between the core and the lanes
 */

static void on_lost(struct xpi_lanes *l, u64 dfn, u64 nr, int err)
{
	CHECK(l == &ls && err < 0 && fake_locks_held);
	hv_keep(dfn, nr);
}

static void on_sending(const struct xpi_queue *q, enum xpi_why why)
{
	CHECK(q->used && !q->sent && fake_locks_held && *xpi_why_name(why));
}

static bool record(const struct xpi_map *m, unsigned int leaf)
{
	u64 kept = xpi_shadow_set(&sh, m->dfn, m->pfn, m->nr, m->order, leaf);
	int ret;

	if (kept == m->nr)
		return true;
	CHECK_EQ(xpi_shadow_erase(&sh, m->dfn, kept), kept);
	ret = xpi_shadow_reserve(&sh, m->dfn, m->nr, m->order, GFP_ATOMIC);
	if (want_any(m->dfn, m->nr))
		CHECK(ret == -EEXIST || ret == -ENOMEM);
	else
		CHECK(!ret || ret == -ENOMEM);
	if (ret)
		return false;
	CHECK_EQ(xpi_shadow_set(&sh, m->dfn, m->pfn, m->nr, m->order, leaf),
		 m->nr);
	return true;
}

static void queue_grow(struct xpi_queue *q)
{
	void *buf;

	if (q->nr_bufs == XPI_MULTI_MAX || !xpi_queue_is_full(q))
		return;
	buf = page_alloc(GFP_KERNEL);
	if (buf)
		xpi_queue_add_buf(q, buf);
}

static int queue_runs(struct xpi_queue *q, const struct xpi_map *m,
		      unsigned int *seen)
{
	struct xpi_runs it = {
		.frame = hv_frame, .dfn = m->dfn, .pfn = m->pfn,
		.left = m->nr, .max = glue.max_nr,
	};
	struct xpi_run run;
	int ret, err;

	while ((ret = xpi_runs_next(&it, &run)) > 0) {
		queue_grow(q);
		err = xpi_queue_map(q, &run, m->order, m->flags);
		if (err)
			return err;
		*seen |= run.flags;
	}
	err = xpi_queue_submit(q);
	return err ?: ret;
}

/* Returns pages from the front that are mapped. */
static u64 send_map(const struct xpi_map *m, size_t bytes, unsigned int *seen)
{
	void *buf = page_alloc(GFP_KERNEL);
	struct xpi_queue q;
	int ret;

	if (!buf)
		return 0;
	xpi_queue_init(&q, &fuzz_hv, buf, bytes, hv.max_count);
	xpi_queue_start(&q, CTX);
	ret = queue_runs(&q, m, seen);
	CHECK(q.done <= m->nr && (ret || q.done == m->nr));
	while (q.nr_bufs)
		page_free(q.buf[--q.nr_bufs]);
	return q.done;
}

static void unmap_now(u64 dfn, u64 nr)
{
	struct xen_pv_iommu_batch desc __attribute__((__aligned__(32)));
	struct xpi_queue q;
	u64 sent = 0;
	int ret = 0;

	xpi_queue_init(&q, &fuzz_hv, &desc, sizeof(desc), hv.max_count);
	xpi_queue_start(&q, CTX);
	while (!ret && sent < nr) {
		u32 n = xpi_run_limit(dfn + sent, nr - sent, glue.max_nr);

		ret = xpi_queue_unmap(&q, dfn + sent, n);
		sent += n;
	}
	if (!ret)
		ret = xpi_queue_submit(&q);
	CHECK(q.done <= nr);
	if (q.done < nr)
		hv_keep(dfn + q.done, nr - q.done);
}

static void map_now(const struct xpi_map *m, size_t bytes)
{
	unsigned int seen = 0;
	u64 done, i;

	xpi_lanes_sync_unmap(&ls, m->dfn, m->nr, XPI_WHY_ROOM);
	done = send_map(m, bytes, &seen);
	done -= done & ((1U << m->order) - 1);
	if (done < m->nr) {
		unmap_now(m->dfn + done, m->nr - done);
		CHECK_EQ(xpi_shadow_erase(&sh, m->dfn + done, m->nr - done),
			 m->nr - done);
		memset(&want[m->dfn + done], 0,
		       (m->nr - done) * sizeof(want[0]));
		check_gone(m->dfn + done, m->nr - done);
	}
	/* Its caller was told; the shadow has nothing of it. */
	for (i = 0; i < done; i++) {
		hv.page[m->dfn + i].again = false;
		hv.page[m->dfn + i].failed = 0;
	}
	if (seen & XEN_PV_IOMMU_F_FOREIGN && done) {
		xpi_shadow_mark(&sh, m->dfn, done, XPI_LEAF_FOREIGN);
		want_leaf(m->dfn, done, XPI_LEAF_FOREIGN);
	}
}

/* The flags of all frames, or -EINVAL if one is missing. */
static int frame_flags(const struct xpi_map *m)
{
	int seen = 0;
	u64 i;

	for (i = 0; i < m->nr; i++) {
		struct xpi_frame f = frame_of(m->pfn + i);

		if (!f.nr)
			return -EINVAL;
		seen |= f.flags;
	}
	return seen;
}

static void map_later(const struct xpi_map *m, unsigned int cpu)
{
	int ret = xpi_lanes_map(&ls, cpu, m);

	CHECK_EQ(ret, frame_flags(m));
	if (ret < 0) {
		xpi_lanes_unmap(&ls, cpu, m->dfn, m->nr);
		xpi_lanes_sync_unmap(&ls, m->dfn, m->nr, XPI_WHY_UNDO);
		CHECK_EQ(xpi_shadow_erase(&sh, m->dfn, m->nr), m->nr);
		memset(&want[m->dfn], 0, m->nr * sizeof(want[0]));
		check_gone(m->dfn, m->nr);
	} else if (ret & XEN_PV_IOMMU_F_FOREIGN) {
		xpi_shadow_mark(&sh, m->dfn, m->nr, XPI_LEAF_FOREIGN);
		want_leaf(m->dfn, m->nr, XPI_LEAF_FOREIGN);
	}
}

static struct xpi_taken unmap_kind(unsigned int cpu, u64 dfn, u64 nr)
{
	struct xpi_taken t = xpi_shadow_take(&sh, dfn, nr);

	if (!t.nr || t.flags & XPI_LEAF_DIRECT)
		return t;
	if (glue.single)
		unmap_now(dfn, t.nr);
	else
		xpi_lanes_unmap(&ls, cpu, dfn, t.nr);
	return t;
}

/* Returns whether it may not be left to later. */
static bool unmap(unsigned int cpu, struct range r)
{
	unsigned int flags = 0;
	struct xpi_taken t;
	u64 done = 0;

	do {
		t = unmap_kind(cpu, r.dfn + done, r.nr - done);
		done += t.nr;
		flags |= t.flags;
	} while (t.nr && done < r.nr);
	CHECK_EQ(done, want_unmap(r.dfn, r.nr));
	return flags & (XPI_LEAF_FOREIGN | XPI_LEAF_ERROR);
}

#endif /* XPI_FUZZ_DRIVER_GLUE_H */

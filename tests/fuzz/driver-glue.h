/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The callbacks of a context, and the results that callers must get for requests:
 * the model's part of each.
 */
#ifndef XPI_FUZZ_DRIVER_GLUE_H
#define XPI_FUZZ_DRIVER_GLUE_H

#include "context.h"
#include "driver-hv.h"
#include "driver-model.h"

/**
 * struct range - pages of an operation
 * @dfn: the first page
 * @nr: number of pages, not 0
 */
struct range {
	u64 dfn;
	u64 nr;
};

static const struct xpi_mappings_mem mem = { page_alloc, page_free };

/*
 * Callbacks
 */

/* The hypervisor itself records unmaps of a list that it refuses. */
static void on_lost(struct xpi_pending *l, const struct xpi_lost *what)
{
	CHECK(l == &cx.pending && what->times && what->err < 0);
	CHECK(what->nr <= SPAN && what->dfn <= SPAN - what->nr);
	CHECK_EQ(fake_locks_held, 0);
	if (!hv.liar)
		hv_keep(what->dfn, what->nr);
}

static void on_no_memory(const struct xpi_context *which)
{
	(void)which;
	CHECK_EQ(fake_locks_held, 0);
}

static void on_sending(const struct xpi_batch *b, enum xpi_why why)
{
	CHECK(b->used && !b->sent && fake_locks_held && *xpi_why_name(why));
}

/*
 * Requests
 */

/* Return true if any page of the request has a frame of that kind. */
static bool any_frame(const struct xpi_map *m, bool (*is)(struct xpi_frame f))
{
	u64 i;

	for (i = 0; i < m->nr; i++)
		if (is(xpi_fake_frame(m->pfn + i, 1)))
			return true;
	return false;
}

static bool is_missing(struct xpi_frame f)
{
	return !f.nr;
}

static bool is_foreign(struct xpi_frame f)
{
	return f.flags & XEN_PV_IOMMU_F_FOREIGN;
}

/*
 * The driver marks all pages of a request if one of them belongs to another domain.
 * If a request was done in part, the driver may never have looked at that page.
 */
static void see_marks(const struct xpi_map *m, u64 done)
{
	bool any = any_frame(m, is_foreign);
	unsigned int leaf;
	u64 i;

	for (i = 0; i < done && !hv.liar; i++) {
		leaf = xpi_mappings_flags(&cx.mappings, m->dfn + i) &
		       XPI_LEAF_FOREIGN;
		if (done == m->nr)
			CHECK_EQ(!!leaf, any);
		else
			CHECK(leaf ? any : !is_foreign(xpi_fake_frame(m->pfn + i, 1)));
		want_leaf(m->dfn + i, 1, leaf);
	}
}

/* The caller got an error for every page that Xen refused; the mappings have none. */
static void see_map_now(const struct xpi_map *m, u64 done)
{
	u64 i;

	for (i = 0; i < done; i++) {
		hv.page[m->dfn + i].again = false;
		hv.page[m->dfn + i].failed = 0;
	}
}

/*
 * The rest counts as never requested. If out of memory, the driver may not even
 * have asked Xen to make room.
 */
static void see_rest(const struct xpi_map *m, int ret, u64 done)
{
	CHECK(done <= m->nr && !(done & ((1U << m->order) - 1)));
	memset(&want[m->dfn + done], 0, (m->nr - done) * sizeof(want[0]));
	if (ret != -ENOMEM)
		check_gone(m->dfn + done, m->nr - done);
}

/* Map where a mapping exists already. */
static void map_twice(unsigned int cpu, const struct xpi_map *m, gfp_t gfp)
{
	u64 done = U64_MAX;
	int ret = xpi_context_map(&cx, cpu, m, gfp, &done);

	CHECK(ret == -EEXIST || ret == -ENOMEM);
	CHECK_EQ(done, U64_MAX);
}

static void map_direct(const struct xpi_map *m, gfp_t gfp)
{
	int ret = xpi_context_add_mapping(&cx, m, XPI_LEAF_DIRECT, gfp);

	CHECK(!ret || ret == -ENOMEM);
	if (ret)
		see_rest(m, ret, 0);
}

static void map(unsigned int cpu, const struct xpi_map *m, gfp_t gfp)
{
	bool now = !cx.batching ||
		   (m->nr > XPI_WAIT_MAX && gfpflags_allow_blocking(gfp));
	u64 done = 0;
	int ret = xpi_context_map(&cx, cpu, m, gfp, &done);

	CHECK(ret || done == m->nr);
	if (now)
		see_map_now(m, done);
	else if (ret)
		CHECK(!done && (ret == -ENOMEM ||
				(ret == -EINVAL && any_frame(m, is_missing))));
	if (done < m->nr)
		see_rest(m, ret, done);
	see_marks(m, done);
}

/* Returns whether the pages are already unmapped. */
static bool unmap(unsigned int cpu, struct range r)
{
	struct xpi_removed t = xpi_context_unmap(&cx, cpu, r.dfn, r.nr);

	CHECK_EQ(t.nr, want_unmap(r.dfn, r.nr));
	if (!(t.flags & XPI_LEAF_NOW))
		return false;
	check_gone(r.dfn, t.nr);
	return true;
}

#endif /* XPI_FUZZ_DRIVER_GLUE_H */

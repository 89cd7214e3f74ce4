/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages that the driver's callers have mapped, and the invariant of these, the
 * mappings, the lists and Xen between operations (I1). Xen maps what the mappings
 * show, minus pending maps, plus pending unmaps. Where a map was refused Xen may
 * map less, and only there the mappings have an error.
 */
#ifndef XPI_FUZZ_DRIVER_MODEL_H
#define XPI_FUZZ_DRIVER_MODEL_H

#include "context.h"
#include "driver-hv.h"

#define PAIRS	4U

/**
 * struct want - a caller's mapping at a dfn
 * @pfn: the page
 * @flags: XEN_PV_IOMMU_F_R and W
 * @order: order of the leaf
 * @leaf: expected XPI_LEAF_DIRECT and XPI_LEAF_FOREIGN of the mappings
 * @mapped: the dfn is mapped
 * @synced: iotlb_sync_map was called since
 */
struct want {
	u64 pfn;
	u16 flags;
	u8 order;
	u16 leaf;
	bool mapped;
	bool synced;
};

static struct want want[SPAN];

static struct xpi_context cx;
static struct xpi_pending_pair pair[PAIRS];

/* How often a dfn is pending, from the last look at the lists. */
static u8 waits_map[SPAN], waits_unmap[SPAN];

/*
 * Lists
 */

static void look_at_desc(const struct xpi_pending_list *p, unsigned int i,
			 u8 op, u8 *waits)
{
	const struct xen_pv_iommu_batch *d = xpi_batch_at(&p->batch, i);
	u64 dfn;

	CHECK_EQ(d->op, op);
	CHECK(d->dfn >= p->first && d->dfn + d->nr <= p->end);
	for (dfn = d->dfn; dfn < d->dfn + d->nr; dfn++)
		waits[dfn]++;
}

/* Returns the number of descriptors. */
static unsigned int look_at_pending(const struct xpi_pending_list *p, u8 op,
				    u8 *waits)
{
	u64 pages = 0;
	unsigned int i;

	CHECK(!p->lock.held && p->batch.used <= p->batch.room);
	for (i = 0; i < p->batch.used; i++) {
		look_at_desc(p, i, op, waits);
		pages += xpi_batch_at(&p->batch, i)->nr;
	}
	CHECK_EQ(p->pages, pages);
	CHECK(pages <= XPI_PENDING_PAGES);
	/* An empty range overlaps none; before the first map it is 0 to 0. */
	CHECK(p->batch.used || !p->end);
	CHECK(p->batch.used || !p->batch.nr_bufs || p->first == U64_MAX);
	return p->batch.used;
}

static void look_at_lists(void)
{
	unsigned int i, maps = 0, unmaps = 0, m, u;

	memset(waits_map, 0, sizeof(waits_map));
	memset(waits_unmap, 0, sizeof(waits_unmap));
	for (i = 0; i < cx.pending.nr; i++) {
		maps += look_at_pending(&pair[i].maps, XEN_PV_IOMMU_BATCH_MAP,
					waits_map);
		unmaps += look_at_pending(&pair[i].unmaps,
					  XEN_PV_IOMMU_BATCH_UNMAP,
					  waits_unmap);
	}
	xpi_pending_waiting(&cx.pending, &m, &u);
	CHECK_EQ(m, maps);
	CHECK_EQ(u, unmaps);
}

/*
 * Pages
 */

static u64 leaf_start(u64 dfn)
{
	return want[dfn].order ? dfn - dfn % LEAF_2M : dfn;
}

static u64 leaf_pages(u64 dfn)
{
	return want[dfn].order ? LEAF_2M : 1;
}

/* Return whether @seen, from the mappings, is the error of one of the leaf's pages. */
static bool error_is_right(u64 dfn, unsigned int seen)
{
	u64 at, end = leaf_start(dfn) + leaf_pages(dfn);
	bool any = false;

	for (at = leaf_start(dfn); at < end; at++) {
		if (hv.page[at].failed &&
		    xpi_leaf_error(hv.page[at].failed) == seen)
			return true;
		any |= !!hv.page[at].failed;
	}
	return !any && !seen;
}

static void check_mappings(u64 dfn)
{
	const struct want *w = &want[dfn];
	unsigned int flags = xpi_mappings_flags(&cx.mappings, dfn);
	u64 pfn;

	CHECK_EQ(xpi_mappings_lookup(&cx.mappings, dfn, &pfn), w->mapped);
	if (!w->mapped) {
		CHECK_EQ(flags, 0);
		return;
	}
	CHECK_EQ(pfn, w->pfn);
	CHECK_EQ(flags & ~XPI_LEAF_ERROR, w->leaf);
	CHECK(error_is_right(dfn, flags & XPI_LEAF_ERROR));
}

/* The frame is the requested one. */
static void check_frame(const struct xpi_fake_pte *p, const struct want *w)
{
	struct xpi_frame f = xpi_fake_frame(w->pfn, 1);

	CHECK_EQ(p->gfn, f.gfn);
	CHECK_EQ(p->flags, w->flags | f.flags);
	CHECK(!p->order || w->order);
}

static void check_waiting(u64 dfn)
{
	const struct want *w = &want[dfn];
	bool sent = w->mapped && !(w->leaf & XPI_LEAF_DIRECT);

	/* Pending ranges are disjoint. */
	CHECK(waits_map[dfn] <= 1 && waits_unmap[dfn] <= 1);
	CHECK(!waits_map[dfn] || (sent && !w->synced));
	/* Otherwise a map could be sent before this unmap, which would remove it. */
	CHECK(!waits_unmap[dfn] || hv_maps(dfn));
}

static void check_hv(u64 dfn)
{
	const struct hv_page *p = &hv.page[dfn];
	const struct want *w = &want[dfn];
	bool sent = w->mapped && !(w->leaf & XPI_LEAF_DIRECT);

	if (p->kept || waits_unmap[dfn])
		return;
	if (!sent || waits_map[dfn]) {
		CHECK(!hv_maps(dfn));
		return;
	}
	CHECK(!p->again);
	if (hv_maps(dfn) || !p->failed)
		check_frame(&xen_ctx->pte[dfn], w);
}

/* If Xen returns random results, the driver only has to survive. */
static void check_range(u64 dfn, u64 nr)
{
	u64 end = dfn + nr < SPAN ? dfn + nr : SPAN;

	CHECK_EQ(fake_locks_held, 0);
	if (hv.liar)
		return;
	look_at_lists();
	for (; dfn < end; dfn++) {
		check_mappings(dfn);
		check_waiting(dfn);
		check_hv(dfn);
	}
}

static void check_all(void)
{
	unsigned long nr_failed = 0;
	u64 leaves[2] = { 0, 0 }, dfn;

	check_range(0, SPAN);
	for (dfn = 0; dfn < SPAN && !hv.liar; dfn += leaf_pages(dfn)) {
		if (!want[dfn].mapped)
			continue;
		leaves[!!want[dfn].order]++;
		nr_failed += !!(xpi_mappings_flags(&cx.mappings, dfn) &
				XPI_LEAF_ERROR);
	}
	if (hv.liar)
		return;
	CHECK_EQ(cx.mappings.nr_failed, nr_failed);
	CHECK_EQ(xpi_mappings_leaves(&cx.mappings, XPI_ORDER_4K), leaves[0]);
	CHECK_EQ(xpi_mappings_leaves(&cx.mappings, XPI_ORDER_2M), leaves[1]);
}

/* Xen maps nothing there any more, and has flushed it. */
static void check_gone(u64 dfn, u64 nr)
{
	u64 at;

	for (at = dfn; at < dfn + nr && at < SPAN && !hv.liar; at++)
		CHECK(want[at].mapped || !hv_maps(at) ||
		      hv.page[at].kept);
}

/*
 * Requests
 */

static bool want_any(u64 dfn, u64 nr)
{
	u64 at;

	for (at = dfn; at < dfn + nr; at++)
		if (want[at].mapped)
			return true;
	return false;
}

static void want_map(const struct xpi_map *m, unsigned int leaf)
{
	u64 i;

	for (i = 0; i < m->nr; i++) {
		struct hv_page *p = &hv.page[m->dfn + i];

		want[m->dfn + i] = (struct want){
			.pfn = m->pfn + i, .flags = m->flags,
			.order = m->order, .leaf = leaf, .mapped = true,
		};
		/* These belong to the previous map. */
		p->again = false;
		p->failed = 0;
	}
}

static void want_leaf(u64 dfn, u64 nr, unsigned int leaf)
{
	u64 at;

	for (at = dfn; at < dfn + nr; at++)
		want[at].leaf |= leaf;
}

static void want_synced(u64 dfn, u64 nr)
{
	u64 at;

	for (at = dfn; at < dfn + nr; at++)
		want[at].synced = true;
}

/* Return the pages that an unmap removes: whole leaves, up to a hole (I5). */
static u64 want_unmap(u64 dfn, u64 nr)
{
	u64 at = dfn, n;

	while (at < dfn + nr && want[at].mapped) {
		n = leaf_pages(at);
		if (at != leaf_start(at) || n > dfn + nr - at)
			break;
		at += n;
	}
	memset(&want[dfn], 0, (at - dfn) * sizeof(want[0]));
	return at - dfn;
}

#endif /* XPI_FUZZ_DRIVER_MODEL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Xen for the driver's fuzzer: one context, of which every page is remembered.
 * It refuses and stops where the input wants it to, answers -EEXIST where
 * something is mapped, as Xen does, and fails the run for what a good caller
 * never asks for. As a liar it has no table, and says whatever comes.
 */
#ifndef XPI_FUZZ_DRIVER_HV_H
#define XPI_FUZZ_DRIVER_HV_H

#include <errno.h>

#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "hv.h"
#include "pending.h"
#include "runs.h"

#include "harness.h"
#include "input.h"

#define SPAN		1536U	/* of dfns */
#define CTX		7U
#define LEAF_2M		512U
#define MAP_FLAGS	(XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W | \
			 XEN_PV_IOMMU_F_MMIO | XEN_PV_IOMMU_F_FOREIGN)
/* No operation needs that many calls, however little each of them does. */
#define MANY_CALLS	100000U

int fake_locks_held;
unsigned int fake_locks_taken;

/**
 * struct hv_page - what is known of a dfn
 * @gfn: what is mapped there
 * @flags: XEN_PV_IOMMU_F_*, 0: nothing
 * @order: of the leaf
 * @kept: to be unmapped, but Xen has refused it
 * @again: refused with -EEXIST, and the driver is to try once more
 * @failed: why the map that it is a part of was refused, 0: it was not
 */
struct hv_page {
	u64 gfn;
	u16 flags;
	u8 order;
	bool kept;
	bool again;
	int failed;
};

/**
 * struct hv - the hypervisor
 * @page: the context
 * @max_count: what it allows
 * @max_nr: likewise
 * @max_maps: descriptors to map that may be sent with interrupts off
 * @look: how many pages a translation looks at
 * @page_err: the page that is @page_in pages away is refused with this
 * @call_err: after @call_in calls @nr_call_err are, as a whole; if @call_late is
 *	set, when all was done
 * @stop: pages that a call does at most, 0: all
 * @liar: see the top
 * @meanwhile: what another CPU does during a call, at its end if @at_end
 * @calls: of the operation that is under way
 */
struct hv {
	struct hv_page page[SPAN];
	u32 max_count;
	u32 max_nr;
	u32 max_maps;
	u32 look;
	unsigned int page_in;
	int page_err;
	int call_err;
	unsigned int call_in;
	unsigned int nr_call_err;
	bool call_late;
	unsigned int stop;
	bool liar;
	void (*meanwhile)(void);
	bool at_end;
	unsigned int calls;
};

static struct hv hv;

/* For the log. */
static struct {
	uint64_t calls, descs, refused, others;
} count;

/* With FUZZ_TRACE in the environment: what happens, for who wants to know why. */
static void __attribute__((__format__(__printf__, 1, 2)))
trace(const char *fmt, ...)
{
	static int wanted = -1;
	va_list ap;

	if (wanted < 0)
		wanted = !!getenv("FUZZ_TRACE");
	if (!wanted)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

/*
 * Frames. Page numbers have 16 bits, and their kind is in the upper ones; those
 * that go beyond are like the first.
 */

#define PFN_SCATTERED	0x8000U
#define PFN_FOREIGN	0xc000U
#define PFN_MMIO	0xd000U
#define PFN_MIXED	0xe000U
#define PFN_FORBIDDEN	0xf000U	/* Xen does not allow them */
#define PFN_NO_FRAME	0xf800U	/* one of eight has none */
#define GFN_LINEAR	0x10000U
#define GFN_SCATTERED	0x100000U

/* Pieces of 1, 2, 4 and 8 pages. */
static u64 scattered_gfn(u64 pfn)
{
	unsigned int shift = pfn >> 8 & 3;

	return GFN_SCATTERED + (pfn >> shift << (shift + 1)) +
	       pfn % (1U << shift);
}

static u32 mixed_flags(u64 pfn)
{
	static const u32 flags[] = {
		0, XEN_PV_IOMMU_F_FOREIGN, XEN_PV_IOMMU_F_MMIO, 0,
	};

	return flags[pfn >> 2 & 3];
}

/* The frame of one page; nr is 0 if it has none. */
static struct xpi_frame frame_of(u64 pfn)
{
	struct xpi_frame f = { .gfn = GFN_LINEAR + pfn, .nr = 1 };

	if (pfn < PFN_SCATTERED || pfn > 0xffff)
		return f;
	if (pfn < PFN_FOREIGN)
		f.gfn = scattered_gfn(pfn);
	else if (pfn < PFN_MMIO)
		f.flags = XEN_PV_IOMMU_F_FOREIGN;
	else if (pfn < PFN_MIXED)
		f.flags = XEN_PV_IOMMU_F_MMIO;
	else if (pfn < PFN_FORBIDDEN)
		f.flags = mixed_flags(pfn);
	else if (pfn >= PFN_NO_FRAME && pfn % 8 == 7)
		f.nr = 0;
	return f;
}

static bool is_forbidden(u64 gfn)
{
	return gfn >= GFN_LINEAR + PFN_FORBIDDEN &&
	       gfn < GFN_LINEAR + PFN_NO_FRAME;
}

static struct xpi_frame hv_frame(u64 pfn, u32 max)
{
	struct xpi_frame f = frame_of(pfn), next;

	CHECK(max);
	while (f.nr && f.nr < max && f.nr < hv.look) {
		next = frame_of(pfn + f.nr);
		if (!next.nr || next.gfn != f.gfn + f.nr ||
		    next.flags != f.flags)
			break;
		f.nr++;
	}
	return f;
}

/*
 * Descriptors
 */

static bool page_is_refused(void)
{
	return hv.page_err && !hv.page_in--;
}

/* Is the leaf of @size pages allowed? */
static int may_map(u64 dfn, u64 gfn, u32 size)
{
	u32 i;

	for (i = 0; i < size; i++) {
		if (hv.page[dfn + i].flags)
			return -EEXIST;
		if (is_forbidden(gfn + i))
			return -EACCES;
	}
	return 0;
}

static int map_leaf(struct xen_pv_iommu_batch *d)
{
	u64 dfn = d->dfn + d->done, gfn = d->gfn + d->done;
	bool large = d->order && !((dfn | gfn) % LEAF_2M) &&
		     d->nr - d->done >= LEAF_2M;
	u32 i, size = large ? LEAF_2M : 1;
	int err = may_map(dfn, gfn, size);

	if (err)
		return err;
	for (i = 0; i < size; i++) {
		struct hv_page *p = &hv.page[dfn + i];

		p->gfn = gfn + i;
		p->flags = d->flags;
		p->order = large ? 9 : 0;
		p->kept = false;
	}
	d->done += size;
	return 0;
}

/* A caller cuts no leaf of its own, and finds none that was there before. */
static int unmap_leaf(struct xen_pv_iommu_batch *d)
{
	u64 dfn = d->dfn + d->done;
	struct hv_page *p = &hv.page[dfn];
	u32 i, size = p->flags && p->order ? LEAF_2M : 1;

	if (dfn % size || d->nr - d->done < size) {
		CHECK(p->kept);
		return -ERANGE;
	}
	for (i = 0; i < size; i++) {
		p[i].flags = 0;
		p[i].kept = false;
	}
	d->done += size;
	return 0;
}

/* The unmap of a range was refused, so its pages stay mapped. */
static void hv_keep(u64 dfn, u64 nr)
{
	u64 i;

	CHECK(nr && dfn < SPAN && nr <= SPAN - dfn);
	for (i = dfn; i < dfn + nr; i++)
		hv.page[i].kept = hv.page[i].flags;
}

/* Record how the driver must handle a map that was refused, or not. */
static void note_map(const struct xen_pv_iommu_batch *d, int err, bool wish)
{
	bool first = err == -EEXIST && !hv.page[d->dfn].again;
	bool kept = false;
	u32 i;

	for (i = 0; i < d->nr; i++) {
		struct hv_page *p = &hv.page[d->dfn + i];

		kept |= p->kept;
		p->again = first;
		p->failed = first ? 0 : err;
	}
	/*
	 * The driver sends pending unmaps before a map comes again, or comes
	 * that does not wait.
	 */
	CHECK(err != -EEXIST || kept || wish || (first && fake_locks_held));
}

static void check_desc(const struct xen_pv_iommu_batch *d)
{
	bool map = d->op == XEN_PV_IOMMU_BATCH_MAP;

	CHECK(map || d->op == XEN_PV_IOMMU_BATCH_UNMAP);
	CHECK_EQ(d->ctx, CTX);
	CHECK(d->nr && d->nr <= hv.max_nr && d->done <= d->nr);
	CHECK(d->dfn < SPAN && d->nr <= SPAN - d->dfn);
	if (map)
		CHECK((d->flags & 3) && !(d->flags & ~MAP_FLAGS) &&
		      (!d->order || d->order == 9));
	else
		CHECK(!d->gfn && !d->order && !d->flags);
}

/* Returns 0 or an error; less than all is done without one if @left is short. */
static int do_desc(struct xen_pv_iommu_batch *d, unsigned int *left)
{
	bool map = d->op == XEN_PV_IOMMU_BATCH_MAP, wish = false;
	u32 before = d->done;
	int err = 0;

	while (!err && d->done < d->nr && *left) {
		wish = page_is_refused();
		if (wish) {
			err = hv.page_err;
			hv.page_err = 0;
		} else {
			err = map ? map_leaf(d) : unmap_leaf(d);
		}
		--*left;
	}
	count.refused += !!err;
	if (map && (err || d->done == d->nr))
		note_map(d, err, wish);
	else if (err)
		hv_keep(d->dfn, d->nr);
	CHECK(d->done >= before);
	trace("    %s %#llx+%#x gfn %#llx order %u done %u error %d\n",
	      map ? "map" : "unmap", (unsigned long long)d->dfn, d->nr,
	      (unsigned long long)d->gfn, d->order, d->done, err);
	d->status = err;
	return err;
}

static long do_batch(struct xen_pv_iommu_batch *d, unsigned int nr)
{
	unsigned int left = hv.stop ?: UINT32_MAX, i;
	int err = 0;

	for (i = 0; i < nr; i++) {
		err = do_desc(&d[i], &left);
		if (err || d[i].done < d[i].nr)
			break;
	}
	return i ? (long)i : err;
}

/*
 * Calls
 */

/* The driver takes it for the answer to the first descriptor. */
static long refuse_call(const struct xen_pv_iommu_batch *d)
{
	hv.nr_call_err--;
	count.refused++;
	trace("    call refused: error %d\n", hv.call_err);
	if (d->op == XEN_PV_IOMMU_BATCH_MAP)
		note_map(d, hv.call_err, true);
	else
		hv_keep(d->dfn, d->nr);
	return hv.call_err;
}

static bool call_is_refused(void)
{
	if (!hv.nr_call_err)
		return false;
	return !hv.call_in || !hv.call_in--;
}

static long honest_call(struct xen_pv_iommu_batch *d, unsigned int nr)
{
	bool refused = call_is_refused();
	long ret;

	if (refused && !hv.call_late)
		return refuse_call(d);
	ret = do_batch(d, nr);
	return refused && ret == (long)nr ? refuse_call(d) : ret;
}

static long lie(struct xen_pv_iommu_batch *d, unsigned int nr)
{
	unsigned int i;

	CHECK(nr);
	i = byte() % nr;
	if (byte() & 1)
		d[i].status = -(int)word();
	if (byte() & 1)
		d[i].done = word() % (d[i].nr + 2);
	switch (byte() & 7) {
	case 0:
		return -(long)word();
	case 1:
		return byte() % (nr + 3);
	case 2:
		return wild();
	default:
		return nr;
	}
}

static void run_meanwhile(bool at_end)
{
	void (*fn)(void) = hv.meanwhile;

	if (!fn || hv.at_end != at_end)
		return;
	hv.meanwhile = NULL;
	fn();
}

/* With interrupts off it must not take long. */
static void check_array(const struct xen_pv_iommu_batch *d, unsigned int nr)
{
	u64 pages = 0;
	unsigned int i;

	CHECK(nr && nr <= hv.max_count);
	CHECK(!((uintptr_t)d % sizeof(*d)));
	for (i = 0; i < nr; i++) {
		check_desc(&d[i]);
		pages += d[i].nr - d[i].done;
		CHECK_EQ(d[i].op, d->op);
	}
	if (!fake_locks_held)
		return;
	CHECK(pages <= XPI_PENDING_PAGES);
	CHECK(d->op != XEN_PV_IOMMU_BATCH_MAP || nr <= hv.max_maps);
}

static long hv_op(unsigned int op, void *array, unsigned int nr)
{
	long ret;

	CHECK_EQ(op, XEN_PV_IOMMU_OP_BATCH);
	CHECK(++hv.calls < MANY_CALLS);
	count.calls++;
	count.descs += nr;
	if (hv.liar)
		return lie(array, nr);
	check_array(array, nr);
	run_meanwhile(false);
	ret = honest_call(array, nr);
	run_meanwhile(true);
	return ret;
}

static void hv_multi(unsigned int op, struct xpi_call *calls, unsigned int nr)
{
	unsigned int i;

	CHECK(nr && nr <= XPI_MULTI_MAX && !fake_locks_held);
	for (i = 0; i < nr; i++)
		calls[i].ret = hv_op(op, calls[i].array, calls[i].count);
}

static unsigned int hv_max_maps(void)
{
	return hv.max_maps;
}

static const struct xpi_hv fuzz_hv = {
	.iommu_op = hv_op,
	.iommu_multi = hv_multi,
	.frame = hv_frame,
	.max_maps = hv_max_maps,
};

/* No more wishes. */
static void hv_behave(void)
{
	hv.page_err = 0;
	hv.nr_call_err = 0;
	hv.stop = 0;
	hv.meanwhile = NULL;
}

#endif /* XPI_FUZZ_DRIVER_HV_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Xen for the driver's fuzzer: the fake hypervisor, with one context. It refuses
 * and stops where the input requests it, and fails the run for a call that no
 * correct caller makes. In liar mode it has no table and returns random results.
 */
#ifndef XPI_FUZZ_DRIVER_HV_H
#define XPI_FUZZ_DRIVER_HV_H

#include <errno.h>

#include <linux/limits.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "pending.h"

/* Included here, so that libFuzzer does not explore it. */
#include "tests/fake-hv.c"

#include "fake.h"
#include "harness.h"
#include "input.h"

#define SPAN		1536U	/* dfns */
#define CTX		7U
/* No operation needs that many calls, however little each of them does. */
#define MANY_CALLS	100000U

/**
 * struct hv_page - the model's data of a dfn
 * @kept: Xen has refused to unmap it
 * @again: Xen has refused it with -EEXIST, and the driver must try once more
 * @failed: error with which Xen refused the map that includes it, 0: none
 */
struct hv_page {
	bool kept;
	bool again;
	int failed;
};

/**
 * struct hv - the failures that the fake must produce
 * @page: notes for the model
 * @page_err: error for the page that is @page_in pages away
 * @wish: the descriptor of that page, if the current call has reached it
 * @call_err: after @call_in calls, error for @nr_call_err whole calls; if @call_late
 *	is set, after everything was done
 * @stop: most pages that a call does, 0: all
 * @left: remaining pages of these in the current call
 * @liar: see the top
 * @meanwhile: work of another CPU during a call, at its end if @at_end
 * @calls: calls of the current operation
 */
struct hv {
	struct hv_page page[SPAN];
	unsigned int page_in;
	int page_err;
	const struct xen_pv_iommu_batch *wish;
	int call_err;
	unsigned int call_in;
	unsigned int nr_call_err;
	bool call_late;
	unsigned int stop;
	unsigned int left;
	bool liar;
	void (*meanwhile)(void);
	bool at_end;
	unsigned int calls;
};

static struct hv hv;

/* Counters for the log. */
static struct {
	uint64_t calls, descs, refused, others;
} count;

/* Print the events if FUZZ_TRACE is in the environment. */
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

static bool hv_maps(u64 dfn)
{
	return xen_ctx->pte[dfn].flags;
}

/*
 * Descriptors
 */

static int on_leaf(const struct xen_pv_iommu_batch *d, u32 size)
{
	u64 dfn = d->dfn + d->done;
	int err = hv.page_err;

	if (!hv.left)
		return XPI_FAKE_STOP;
	hv.left--;
	if (err && !hv.page_in--) {
		hv.page_err = 0;
		hv.wish = d;
		return err;
	}
	if (d->op == XEN_PV_IOMMU_BATCH_MAP ||
	    (!(dfn % size) && d->nr - d->done >= size))
		return 0;
	/* A caller cuts no leaf of its own, and finds no older leaf. */
	CHECK(hv.page[dfn].kept);
	return -ERANGE;
}

/* The unmap of a range was refused, so its pages stay mapped. */
static void hv_keep(u64 dfn, u64 nr)
{
	u64 i;

	CHECK(nr && dfn < SPAN && nr <= SPAN - dfn);
	for (i = dfn; i < dfn + nr; i++)
		hv.page[i].kept = hv_maps(i);
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
	 * The driver sends pending unmaps before it repeats a map, and before a map
	 * that is not deferred.
	 */
	CHECK(err != -EEXIST || kept || wish || (first && fake_locks_held));
}

static void note_desc(const struct xen_pv_iommu_batch *d)
{
	bool map = d->op == XEN_PV_IOMMU_BATCH_MAP;
	int err = d->status;
	u32 i;

	for (i = 0; i < d->done; i++)
		hv.page[d->dfn + i].kept = false;
	count.refused += !!err;
	if (map && (err || d->done == d->nr))
		note_map(d, err, hv.wish == d);
	else if (err)
		hv_keep(d->dfn, d->nr);
	trace("    %s %#llx+%#x gfn %#llx order %u done %u error %d\n",
	      map ? "map" : "unmap", (unsigned long long)d->dfn, d->nr,
	      (unsigned long long)d->gfn, d->order, d->done, err);
}

static long do_descs(struct xen_pv_iommu_batch *d, unsigned int nr)
{
	unsigned int i;
	long ret;

	hv.left = hv.stop ?: U32_MAX;
	hv.wish = NULL;
	ret = checked_call(XEN_PV_IOMMU_OP_BATCH, d, nr);
	for (i = 0; i < nr; i++) {
		note_desc(&d[i]);
		if (d[i].status || d[i].done < d[i].nr)
			break;
	}
	/* -EIO for a later descriptor: the context is not broken. */
	return ret == -EIO && i ? (long)i : ret;
}

/*
 * Calls
 */

/* The driver takes the error as the result of the first descriptor. */
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
	ret = do_descs(d, nr);
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

/* With interrupts off a call must be short. The fake checks the rest. */
static void check_array(const struct xen_pv_iommu_batch *d, unsigned int nr)
{
	bool map = d->op == XEN_PV_IOMMU_BATCH_MAP;
	u64 pages = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages += d[i].nr - d[i].done;
		CHECK_EQ(d[i].op, d->op);
		CHECK_EQ(d[i].ctx, CTX);
		CHECK(map || (d->op == XEN_PV_IOMMU_BATCH_UNMAP && !d[i].flags));
	}
	if (!fake_locks_held)
		return;
	CHECK(pages <= XPI_PENDING_PAGES);
	CHECK(!map || nr <= xpi_fake.max_maps);
}

static long hv_call(unsigned int op, void *array, unsigned int nr)
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
	CHECK(nr && nr <= XPI_MULTI_MAX && !fake_locks_held);
	xpi_fake_hv.iommu_multi(op, calls, nr);
}

static struct xpi_hv fuzz_hv;

static void hv_init(void)
{
	memset(&hv, 0, sizeof(hv));
	fake_init(CTX, SPAN);
	xpi_fake.call = hv_call;
	xpi_fake.leaf = on_leaf;
	xpi_fake.linear = 0x10000;
	fuzz_hv = xpi_fake_hv;
	fuzz_hv.iommu_multi = hv_multi;
}

/* Stop all failures. */
static void hv_behave(void)
{
	hv.page_err = 0;
	hv.nr_call_err = 0;
	hv.stop = 0;
	hv.meanwhile = NULL;
}

#endif /* XPI_FUZZ_DRIVER_HV_H */

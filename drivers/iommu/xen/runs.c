// SPDX-License-Identifier: GPL-2.0
/*
 * Cuts a range of pages into runs.
 *
 * Pages that are contiguous in pseudo-physical memory need not be contiguous for the
 * hypervisor: a PV domain's machine frames are scattered. One descriptor has one run,
 * so longer runs mean shorter hypercalls.
 */
#include <linux/errno.h>

#include "runs.h"

/* Leaves of 512 pages are the largest for memory: do not cut through one. */
#define RUN_ALIGN	512

u32 xpi_run_limit(u64 dfn, u64 left, u32 max)
{
	u32 odd;

	if (left <= max)
		return left;

	odd = (dfn + max) % RUN_ALIGN;
	return max > odd ? max - odd : max;
}

/* The first frames of the run from it->pfn. */
static struct xpi_frame first_frame(struct xpi_runs *it, u32 limit)
{
	if (!it->have_ahead)
		return it->frame(it->pfn, limit);

	it->have_ahead = false;
	return it->ahead;
}

static bool continues(const struct xpi_run *run, const struct xpi_frame *frame)
{
	return frame->gfn == run->gfn + run->nr && frame->flags == run->flags;
}

int xpi_runs_next(struct xpi_runs *it, struct xpi_run *run)
{
	struct xpi_frame frame;
	u32 limit;

	if (!it->left)
		return 0;

	limit = xpi_run_limit(it->dfn, it->left, it->max);
	frame = first_frame(it, limit);
	if (!frame.nr)
		return -EINVAL;

	run->dfn = it->dfn;
	run->gfn = frame.gfn;
	run->flags = frame.flags;
	/* The limit includes the frames seen ahead: it only moves up. */
	run->nr = frame.nr;
	while (run->nr < limit) {
		/* The next call reports a page without translation. */
		frame = it->frame(it->pfn + run->nr, limit - run->nr);
		if (!frame.nr)
			break;
		if (!continues(run, &frame)) {
			it->ahead = frame;
			it->have_ahead = true;
			break;
		}
		run->nr += frame.nr;
	}

	it->dfn += run->nr;
	it->pfn += run->nr;
	it->left -= run->nr;
	return 1;
}

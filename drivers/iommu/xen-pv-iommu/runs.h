/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_RUNS_H
#define XPI_RUNS_H

#include <linux/types.h>

/**
 * struct xpi_frame - pages as the hypervisor knows them
 *
 * Handed over by value: it is two registers, and there is one for each page of
 * a scatterlist.
 *
 * @gfn: the first one's frame number there: the mfn on PV, else the pfn
 * @nr: pages, the first one included, that are known to go on from there; 0 if
 *	the hypervisor has no frame for the first
 * @flags: XEN_PV_IOMMU_F_MMIO, XEN_PV_IOMMU_F_FOREIGN or neither; of all
 */
struct xpi_frame {
	u64 gfn;
	u32 nr;
	u32 flags;
};

/**
 * struct xpi_run - pages contiguous in dfn and gfn, all with the same flags
 * @dfn: first device frame
 * @gfn: first guest frame
 * @nr: 4 KiB pages, never 0
 * @flags: as in struct xpi_frame
 */
struct xpi_run {
	u64 dfn;
	u64 gfn;
	u32 nr;
	u16 flags;
};

/*
 * Translates a pfn and as many of those behind it as it likes, @max of all at
 * most.
 */
typedef struct xpi_frame (*xpi_frame_fn)(u64 pfn, u32 max);

/**
 * struct xpi_runs - what is left to cut into runs
 * @frame: how to translate a pfn
 * @dfn: next device frame
 * @pfn: next page
 * @left: pages left
 * @max: longest run allowed, not 0
 * @ahead: translation of @pfn and on, if @have_ahead
 * @have_ahead: the run before ended at @pfn and looked at it already
 *
 * The caller fills in the first five and zeroes the rest.
 */
struct xpi_runs {
	xpi_frame_fn frame;
	u64 dfn;
	u64 pfn;
	u64 left;
	u32 max;
	bool have_ahead;
	struct xpi_frame ahead;
};

/**
 * xpi_run_limit() - how much of a range goes into one descriptor at most
 * @dfn: first device frame
 * @left: 4 KiB pages from there on
 * @max: longest run allowed, not 0
 *
 * If that is not all there is, the cut goes where it does not cost a large leaf.
 *
 * Return: pages, at least 1.
 */
u32 xpi_run_limit(u64 dfn, u64 left, u32 max);

/**
 * xpi_runs_next() - cut off the next run, as long as it can be
 * @it: where we are
 * @run: the run
 *
 * Return: 1 with a run, 0 at the end, -EINVAL if the page that comes next has
 * no translation. Pages before that one were handed out already.
 */
int xpi_runs_next(struct xpi_runs *it, struct xpi_run *run);

#endif /* XPI_RUNS_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_RUNS_H
#define XPI_RUNS_H

#include <linux/types.h>

/**
 * struct xpi_frame - pages as the hypervisor knows them
 *
 * Passed by value, in two registers: there is one for each page of a scatterlist.
 *
 * @gfn: the first one's frame number there: the mfn on PV, else the pfn
 * @nr: contiguous pages, the first one included; 0 if the hypervisor has no frame
 *	for the first
 * @flags: XEN_PV_IOMMU_F_MMIO, XEN_PV_IOMMU_F_FOREIGN or neither; for all pages
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

/* Translates a pfn and any number of the pages after it, at most @max in total. */
typedef struct xpi_frame (*xpi_frame_fn)(u64 pfn, u32 max);

/**
 * struct xpi_runs - iterator that cuts a range into runs
 * @frame: translates a pfn
 * @dfn: next device frame
 * @pfn: next page
 * @left: pages left
 * @max: longest run allowed, not 0
 * @ahead: translation from @pfn on, if @have_ahead
 * @have_ahead: the previous run ended at @pfn and has translated it already
 *
 * Caller must set the first five members and zero the others.
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
 * xpi_run_limit() - limit a range to one descriptor
 * @dfn: first device frame
 * @left: 4 KiB pages from there on
 * @max: longest run allowed, not 0
 *
 * A cut does not split a large leaf.
 *
 * Return: pages, at least 1.
 */
u32 xpi_run_limit(u64 dfn, u64 left, u32 max);

/**
 * xpi_runs_next() - get the next run, of maximum length
 * @it: the iterator
 * @run: OUT: the run
 *
 * Return: 1 with a run; 0 at the end; -EINVAL if the next page has no translation.
 * Runs returned earlier remain valid.
 */
int xpi_runs_next(struct xpi_runs *it, struct xpi_run *run);

#endif /* XPI_RUNS_H */

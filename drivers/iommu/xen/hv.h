/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_HV_H
#define XPI_HV_H

#include <linux/types.h>

struct xpi_frame;

/* Most calls of one multicall. */
#define XPI_MULTI_MAX	4U

/**
 * struct xpi_call - one call of several
 * @array: as for iommu_op
 * @count: its elements
 * @ret: OUT: the result of iommu_op
 */
struct xpi_call {
	void *array;
	unsigned int count;
	long ret;
};

/**
 * struct xpi_hv - the hypervisor as the driver sees it
 *
 * Tests replace it.
 *
 * @iommu_op: the hypercall: operation, array, number of elements. Returns
 *	elements done or -errno. Never sleeps; callable from any context
 * @iommu_multi: up to XPI_MULTI_MAX calls in one multicall. Xen makes all of them,
 *	in order; an error does not stop the next
 * @frame: translates up to max pages from pfn into one contiguous run
 * @max_maps: limit for an array sent with interrupts off: descriptors of one page
 *	that Xen maps in about 100 us
 */
struct xpi_hv {
	long (*iommu_op)(unsigned int op, void *array, unsigned int count);
	void (*iommu_multi)(unsigned int op, struct xpi_call *calls,
			    unsigned int nr);
	struct xpi_frame (*frame)(u64 pfn, u32 max);
	unsigned int (*max_maps)(void);
};

/* Xen itself. */
extern const struct xpi_hv xpi_xen_hv;

/**
 * xpi_frames_limit() - limit the flags of frames to those that Xen supports
 * @features: XEN_PV_IOMMU_FEAT_* of QUERY
 *
 * Without the feature the driver does not mark a frame as device memory, or as
 * another domain's. Xen then refuses the frame with -EACCES.
 */
void xpi_frames_limit(u32 features);

/**
 * xpi_hv_one() - make a hypercall for one element
 * @hv: the hypervisor
 * @op: enum xen_pv_iommu_op
 * @arg: the operation's struct
 *
 * Return: 0 or -errno; -EIO if Xen's answer is invalid.
 */
int xpi_hv_one(const struct xpi_hv *hv, unsigned int op, void *arg);

#endif /* XPI_HV_H */

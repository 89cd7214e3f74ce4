/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_HV_H
#define XPI_HV_H

#include <linux/types.h>

struct xpi_frame;

/* Calls that go into one multicall. */
#define XPI_MULTI_MAX	4U

/**
 * struct xpi_call - one call of several
 * @array: as for iommu_op
 * @count: its elements
 * @ret: OUT: what iommu_op would have returned
 */
struct xpi_call {
	void *array;
	unsigned int count;
	long ret;
};

/**
 * struct xpi_hv - the hypervisor as the driver sees it
 *
 * Tests put their own in the place of Xen.
 *
 * @iommu_op: the hypercall: operation, array, number of elements. Returns
 *	elements done or -errno. Sleeps never, may be called in any context
 * @iommu_multi: up to XPI_MULTI_MAX of them in one multicall. All are made,
 *	in order, whatever becomes of those before
 * @frame: translates a pfn, and some of those behind it, up to a number of
 *	pages, into what a descriptor has to say
 * @max_maps: descriptors that Xen maps in 100 us, if they are of a page each; of
 *	more an array should not be that is sent with interrupts off
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
 * xpi_frames_limit() - what Xen can be told of a frame
 * @features: XEN_PV_IOMMU_FEAT_* of QUERY
 *
 * Without the feature the driver does not say that a frame is device memory, or
 * another domain's. Xen then looks at the frame and refuses it with -EACCES.
 */
void xpi_frames_limit(u32 features);

/**
 * xpi_hv_one() - an operation on an array of one
 * @hv: the hypervisor
 * @op: enum xen_pv_iommu_op
 * @arg: the operation's struct
 *
 * Return: 0 or -errno; -EIO if the answer is not one.
 */
int xpi_hv_one(const struct xpi_hv *hv, unsigned int op, void *arg);

#endif /* XPI_HV_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Thin wrappers of the PV-IOMMU hypercall. Functions named try_* return Xen's result;
 * the others end the test if Xen refuses. Contexts that they create and devices that
 * they move are recorded, and the end of the test undoes both.
 */
#ifndef MICRO_IOMMU_H
#define MICRO_IOMMU_H

#include <stdint.h>

#include "edu.h"
#include "xen-facts.h"

#include <xen/interface/pv-iommu.h>

#define RW	(XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W)
#define RO	XEN_PV_IOMMU_F_R
#define MMIO	XEN_PV_IOMMU_F_MMIO
#define FOREIGN	XEN_PV_IOMMU_F_FOREIGN
#define NOFLUSH	XEN_PV_IOMMU_F_NOFLUSH

/* OUT fields have this value before a call, to check that Xen writes them. */
#define POISON8		0xa5
#define POISON32	0xa5a5a5a5U

/*
 * Make the calls from 64-bit mode, the default of each test, or from 32-bit mode
 * (PVH).
 */
void iommu_call_from(unsigned int bits);

/* The bare hypercall. */
long iommu_call(uint32_t cmd, uint64_t arg0, uint64_t arg1, uint64_t arg2,
		uint64_t arg3);
/* The hypercall with @count structs at @array. */
long iommu_op(uint32_t op, const void *array, uint64_t count);

/* Contexts. try_ctx_alloc() returns a number or -errno. _as: with flags and a limit. */
long try_ctx_alloc_as(uint32_t flags, uint32_t pt_pages_max);
uint32_t ctx_alloc_as(uint32_t flags, uint32_t pt_pages_max);
long try_ctx_alloc(void);
uint32_t ctx_alloc(void);
long try_ctx_free(uint32_t ctx);
void ctx_free(uint32_t ctx);
/* Record a context that a bare call has created. */
void ctx_note(uint32_t ctx);
long try_ctx_info(uint32_t ctx, struct xen_pv_iommu_ctx *info);

/* Devices. */
struct xen_pv_iommu_dev dev_name(const struct edu *e);
long try_attach(const struct edu *e, uint32_t ctx);
void attach(const struct edu *e, uint32_t ctx);
/* For a device that is assigned to another domain: sets its context for its return. */
void attach_absent(const struct edu *e, uint32_t ctx);
/* A device that is not an edu. */
long try_attach_id_as(uint32_t id, uint32_t ctx, uint32_t flags);
long try_attach_id(uint32_t id, uint32_t ctx);
void attach_id(uint32_t id, uint32_t ctx);
long try_dev_query(uint32_t sbdf, struct xen_pv_iommu_dev_query *q);
uint32_t ctx_of(const struct edu *e);

/* Descriptors. batch_one() returns the status, and the progress in d->done. */
struct xen_pv_iommu_batch desc_map(uint32_t ctx, uint64_t dfn, uint64_t gfn,
				   uint32_t nr, unsigned int flags);
struct xen_pv_iommu_batch desc_unmap(uint32_t ctx, uint64_t dfn, uint32_t nr);
long batch_one(struct xen_pv_iommu_batch *d);

long try_map(uint32_t ctx, uint64_t dfn, uint64_t gfn, uint32_t nr,
	     unsigned int flags);
void map(uint32_t ctx, uint64_t dfn, uint64_t gfn, uint32_t nr,
	 unsigned int flags);
long try_unmap(uint32_t ctx, uint64_t dfn, uint32_t nr);
void unmap(uint32_t ctx, uint64_t dfn, uint32_t nr);

/* UNMAP with NOFLUSH, whose flush a SYNC does. */
long try_unmap_park(uint32_t ctx, uint64_t dfn, uint32_t nr);
long try_sync(uint32_t ctx);

long try_lookup(uint32_t ctx, uint64_t dfn, struct xen_pv_iommu_lookup *l);
/* LOOKUP must find exactly this leaf, or no leaf. */
void expect_leaf(uint32_t ctx, uint64_t dfn, uint64_t gfn, unsigned int flags,
		 unsigned int order);
void expect_hole(uint32_t ctx, uint64_t dfn);

/* Read the oldest fault record. Returns 0 or -ENOENT. */
long try_fault_read(struct xen_pv_iommu_fault *f);

/* QUERY. try_query() returns the bare result. */
long try_query(struct xen_pv_iommu_query *q, uint32_t size);
struct xen_pv_iommu_query query(void);

/* For tests of RESET, which has freed every context: only devices remain to be moved. */
void iommu_forget_all(void);

/* At the end of a test: move devices to DEFAULT, free contexts. */
void iommu_reset(void);

#endif

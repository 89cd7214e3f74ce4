// SPDX-License-Identifier: GPL-2.0
/*
 * Checks Xen's description of itself and of devices before its first use.
 *
 * The IOMMU core uses some of these figures unchecked (a page size bitmap without
 * the page size ends in a BUG). So the driver rejects a Xen with invalid figures, and
 * returns the reason in one sentence.
 */
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "caps.h"

/*
 * Without 1 GiB leaves: Xen maps no memory with them, and a contiguous GiB is one
 * map call with 2 MiB leaves as well.
 */
#define USED_PGSIZES	((u64)SZ_4K | SZ_2M)

/* An older Xen returns this much; the fields after it are zero. */
#define QUERY_SIZE_MIN	offsetof(struct xen_pv_iommu_query, pt_pages_reserve)

/* With less iova space a 32-bit device cannot work. */
#define MIN_IOVA_LAST	(SZ_4G - 1)

#define PAGE_LOW	((u64)SZ_4K - 1)

/* Maximum levels of a page-table tree, and so new tables of one map. */
#define MOST_LEVELS	6U

/* VT-d specification, 11.4.2: capability register. */
#define VTD_CAP_MGAW_SHIFT	16

void xpi_query_init(struct xen_pv_iommu_query *q)
{
	memset(q, 0, sizeof(*q));
	q->size = sizeof(*q);
	q->magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION;
}

static const char *check_version(const struct xen_pv_iommu_query *q)
{
	u32 version = q->magic_version & ~XEN_PV_IOMMU_MAGIC_MASK;

	if ((q->magic_version & XEN_PV_IOMMU_MAGIC_MASK) != XEN_PV_IOMMU_MAGIC)
		return "another interface answers at this hypercall number";
	if (!version || version > XEN_PV_IOMMU_VERSION)
		return "it uses a version of the interface that the driver did not request";
	if (q->size < QUERY_SIZE_MIN)
		return "its answer is too short";
	return NULL;
}

const char *xpi_caps_check(const struct xen_pv_iommu_query *q,
			   struct xpi_caps *caps)
{
	bool limits = q->features & XEN_PV_IOMMU_FEAT_LIMITS;
	const char *why = check_version(q);

	if (why)
		return why;
	if (!(q->pgsize_bitmap & SZ_4K))
		return "it cannot map 4 KiB pages";
	if (q->iova_last < MIN_IOVA_LAST || (q->iova_last & PAGE_LOW) != PAGE_LOW)
		return "its address space is too small or not whole pages";
	if (!q->max_ctx)
		return "it allows no contexts";
	if (limits &&
	    (q->ctx_reserve >= q->max_ctx ||
	     q->pt_pages_reserve >= q->pt_pages_max))
		return "it reserves everything for the kernel";
	if (!q->max_count || q->max_count >= XEN_PV_IOMMU_COUNT_LIMIT ||
	    !q->max_nr)
		return "its limits on a hypercall make no sense";
	if (!(q->features & XEN_PV_IOMMU_FEAT_BLOCKED))
		return "it cannot block a device";

	caps->features = q->features;
	caps->max_ctx = q->max_ctx;
	caps->ctx_reserve = limits ? q->ctx_reserve : 0;
	caps->user_tables = q->pt_pages_max - (limits ? q->pt_pages_reserve : 0);
	caps->max_count = q->max_count;
	caps->max_nr = q->max_nr;
	caps->pgsizes = q->pgsize_bitmap & USED_PGSIZES;
	caps->iova_last = q->iova_last;
	caps->fault_virq = q->features & XEN_PV_IOMMU_FEAT_FAULTS ?
			   q->fault_virq : 0;
	return NULL;
}

static bool run_out(u64 used, u64 max)
{
	return used + MOST_LEVELS > max;
}

/* QUERY does not separate users' tables from the kernel's, so USERS is a guess. */
enum xpi_bound_by xpi_tables_bound_by(const struct xen_pv_iommu_query *q,
				      const struct xen_pv_iommu_ctx *c)
{
	bool user = c && q->features & XEN_PV_IOMMU_FEAT_LIMITS &&
		    !(c->flags & XEN_PV_IOMMU_CTX_F_RESERVE);

	if (run_out(q->pt_pages, q->pt_pages_max))
		return XPI_BOUND_DOMAIN;
	if (c && run_out(c->pt_pages, c->pt_pages_max))
		return XPI_BOUND_CTX;
	if (user && run_out((u64)q->pt_pages + q->pt_pages_reserve,
			    q->pt_pages_max))
		return XPI_BOUND_USERS;
	return XPI_BOUND_NONE;
}

u64 xpi_caps_vtd_cap(const struct xpi_caps *caps)
{
	unsigned int width = 64;

	if (caps->iova_last < U64_MAX)
		width = fls64(caps->iova_last + 1) - 1;
	return (u64)(width - 1) << VTD_CAP_MGAW_SHIFT;
}

const char *xpi_caps_narrow(const struct xpi_caps *caps,
			    const struct xen_pv_iommu_dev_query *dq,
			    struct xpi_caps *dev_caps)
{
	if (!(dq->pgsize_bitmap & SZ_4K))
		return "its IOMMU cannot map 4 KiB pages";
	if (dq->iova_last < MIN_IOVA_LAST ||
	    (dq->iova_last & PAGE_LOW) != PAGE_LOW)
		return "its IOMMU's address space is too small or not whole pages";

	*dev_caps = *caps;
	dev_caps->pgsizes &= dq->pgsize_bitmap;
	if (dq->iova_last < caps->iova_last)
		dev_caps->iova_last = dq->iova_last;
	return NULL;
}

static u32 resv_type(u32 type, u32 features)
{
	switch (type) {
	case XEN_PV_IOMMU_RESV_DIRECT:
	case XEN_PV_IOMMU_RESV_MSI_HW:
	case XEN_PV_IOMMU_RESV_MSI_DOORBELL:
		return type;
	case XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE:
		/* ATTACH has no flag that keeps Xen from mapping it. */
		return features & XEN_PV_IOMMU_FEAT_RELAX ?
		       type : XEN_PV_IOMMU_RESV_DIRECT;
	default:
		return XEN_PV_IOMMU_RESV_RESERVED;
	}
}

bool xpi_resv_check(const struct xen_pv_iommu_dev_resv *r, u32 features,
		    struct xpi_resv *resv)
{
	if (r->start > r->last)
		return false;

	resv->start = r->start & ~PAGE_LOW;
	resv->last = r->last | PAGE_LOW;
	/* The length must not overflow. */
	if (!resv->start && resv->last == U64_MAX)
		return false;

	resv->type = resv_type(r->type, features);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_CAPS_H
#define XPI_CAPS_H

#include <linux/types.h>

struct xen_pv_iommu_ctx;
struct xen_pv_iommu_query;
struct xen_pv_iommu_dev_query;
struct xen_pv_iommu_dev_resv;

/**
 * struct xpi_caps - capabilities of Xen, checked
 * @features: XEN_PV_IOMMU_FEAT_*
 * @max_ctx: contexts that this domain may have
 * @ctx_reserve: contexts reserved for the kernel; 0 if Xen has no reserve
 * @user_tables: page tables that all other contexts may use together
 * @max_count: largest array of one hypercall
 * @max_nr: largest run of one descriptor, in 4 KiB pages
 * @pgsizes: leaf sizes in bytes: 4 KiB, and 2 MiB if supported
 * @iova_last: last byte that can be translated
 * @fault_virq: raised when Xen has recorded a fault; 0 if it does not
 */
struct xpi_caps {
	u32 features;
	u32 max_ctx;
	u32 ctx_reserve;
	u32 user_tables;
	u32 max_count;
	u32 max_nr;
	u64 pgsizes;
	u64 iova_last;
	u32 fault_virq;
};

/**
 * struct xpi_resv - a reserved iova region, checked
 * @start: first byte, on a page boundary
 * @last: last byte, before a page boundary
 * @type: enum xen_pv_iommu_resv_type
 */
struct xpi_resv {
	u64 start;
	u64 last;
	u32 type;
};

/**
 * xpi_query_init() - prepare the struct for QUERY
 * @q: the struct
 */
void xpi_query_init(struct xen_pv_iommu_query *q);

/**
 * xpi_caps_check() - check QUERY's answer
 * @q: Xen's answer, not trusted
 * @caps: OUT: filled in on success
 *
 * Return: NULL, or the reason of the failure, as the end of a sentence for the log.
 */
const char *xpi_caps_check(const struct xen_pv_iommu_query *q,
			   struct xpi_caps *caps);

/**
 * enum xpi_bound_by - the limit that a new page table may have exceeded
 * @XPI_BOUND_NONE: none of these limits
 * @XPI_BOUND_CTX: the context's own
 * @XPI_BOUND_USERS: that of all contexts which may not use the reserve
 * @XPI_BOUND_DOMAIN: that of the whole domain
 */
enum xpi_bound_by {
	XPI_BOUND_NONE,
	XPI_BOUND_CTX,
	XPI_BOUND_USERS,
	XPI_BOUND_DOMAIN,
};

/**
 * xpi_tables_bound_by() - find the limit that leaves too few page tables for a map
 * @q: QUERY's answer, not trusted
 * @c: CTX_INFO's answer for the context, not trusted; NULL if there is none
 *
 * Return: the limit.
 */
enum xpi_bound_by xpi_tables_bound_by(const struct xen_pv_iommu_query *q,
				      const struct xen_pv_iommu_ctx *c);

/**
 * xpi_caps_vtd_cap() - the width of iovas, as VT-d's capability register has it
 * @caps: capabilities of Xen
 *
 * Return: bits 16 to 21 (MGAW): how many bits an iova may have, less one; the
 * others are zero. If the last iova is in the middle of a power of two, that
 * part is not counted.
 */
u64 xpi_caps_vtd_cap(const struct xpi_caps *caps);

/**
 * xpi_caps_narrow() - limit the capabilities to those of one device
 * @caps: capabilities of Xen
 * @dq: DEV_QUERY's answer, not trusted
 * @dev_caps: OUT: the capabilities that both have
 *
 * Return: NULL, or the reason of the failure, as for xpi_caps_check().
 */
const char *xpi_caps_narrow(const struct xpi_caps *caps,
			    const struct xen_pv_iommu_dev_query *dq,
			    struct xpi_caps *dev_caps);

/**
 * xpi_resv_check() - check a reserved region
 * @r: DEV_RESV's answer, not trusted
 * @features: XEN_PV_IOMMU_FEAT_* that Xen has
 * @resv: OUT: the region, extended to whole pages
 *
 * Return: true if the region is valid. Unknown types count as RESERVED, and
 * DIRECT_RELAXABLE as DIRECT if Xen has no FEAT_RELAX.
 */
bool xpi_resv_check(const struct xen_pv_iommu_dev_resv *r, u32 features,
		    struct xpi_resv *resv);

#endif /* XPI_CAPS_H */

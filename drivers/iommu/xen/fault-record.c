// SPDX-License-Identifier: GPL-2.0
/*
 * Checks Xen's fault records and formats them as sentences for the log.
 *
 * Tools search for these sentences; Documentation/admin-guide explains them.
 */
#include <linux/sprintf.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "fault-record.h"

/* A PASID of PCI Express has 20 bits. */
#define PASID_LAST	0xfffffU

static bool ctx_is_one(u32 ctx)
{
	return ctx <= XEN_PV_IOMMU_CTX_LAST || ctx == XEN_PV_IOMMU_CTX_BLOCKED;
}

void xpi_fault_check(const struct xen_pv_iommu_fault *rec, struct xpi_fault *f)
{
	f->pci = rec->dev.type == XEN_PV_IOMMU_DEV_PCI;
	f->id = rec->dev.id;
	f->type = rec->dev.type;
	f->iova = rec->iova;
	f->ctx = ctx_is_one(rec->ctx) ? rec->ctx : XEN_PV_IOMMU_CTX_INVALID;
	f->write = rec->flags & XEN_PV_IOMMU_FAULT_F_WRITE;
	f->disabled = rec->flags & XEN_PV_IOMMU_FAULT_F_DISABLED;
	f->suppressed = rec->flags & XEN_PV_IOMMU_FAULT_F_SUPPRESSED;
	f->pasid = rec->pasid;
	f->has_pasid = rec->flags & XEN_PV_IOMMU_FAULT_F_PASID &&
		       rec->pasid <= PASID_LAST;
	f->reason = rec->reason <= XEN_PV_IOMMU_FAULT_RANGE ?
		    rec->reason : XEN_PV_IOMMU_FAULT_OTHER;
	f->lost = rec->lost;
}

const char *xpi_fault_reason(const struct xpi_fault *f)
{
	switch (f->reason) {
	case XEN_PV_IOMMU_FAULT_UNMAPPED:
		return "nothing is mapped there";
	case XEN_PV_IOMMU_FAULT_PERM:
		return f->write ? "it is not mapped for writing" :
				  "it is not mapped for reading";
	case XEN_PV_IOMMU_FAULT_RANGE:
		return "it is beyond what the IOMMU translates";
	default:
		return "Xen gives no reason";
	}
}

static int print_ctx(u16 ctx, char *buf, size_t size)
{
	switch (ctx) {
	case XEN_PV_IOMMU_CTX_DEFAULT:
		return scnprintf(buf, size, "context 0 (Xen's own)");
	case XEN_PV_IOMMU_CTX_BLOCKED:
		return scnprintf(buf, size, "context %u (blocked)", ctx);
	case XEN_PV_IOMMU_CTX_INVALID:
		return scnprintf(buf, size, "an unknown context");
	default:
		return scnprintf(buf, size, "context %u", ctx);
	}
}

void xpi_fault_text(const struct xpi_fault *f, char *buf, size_t size)
{
	size_t n;

	n = scnprintf(buf, size, "DMA %s iova %#llx refused in ",
		      f->write ? "write to" : "read from",
		      (unsigned long long)f->iova);
	n += print_ctx(f->ctx, buf + n, size - n);
	n += scnprintf(buf + n, size - n, ": %s", xpi_fault_reason(f));
	if (f->has_pasid)
		n += scnprintf(buf + n, size - n, "; pasid %u", f->pasid);
	if (f->disabled)
		n += scnprintf(buf + n, size - n,
			       "; Xen has turned its bus mastering off");
	if (f->suppressed)
		n += scnprintf(buf + n, size - n,
			       "; the device faults too often: Xen reports no more of its faults for a second");
	if (f->lost)
		scnprintf(buf + n, size - n, "; %u faults before it were lost",
			  f->lost);
}

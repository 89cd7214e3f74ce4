/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_FAULT_RECORD_H
#define XPI_FAULT_RECORD_H

#include <linux/types.h>

struct xen_pv_iommu_fault;

/* Enough for xpi_fault_text(). */
#define XPI_FAULT_TEXT_MAX	320U

/**
 * struct xpi_fault - a DMA that was refused, checked
 * @pci: @id is segment << 16 | bus << 8 | devfn; else it is Xen's secret
 * @id: the device
 * @type: how Xen names the device
 * @iova: the address
 * @ctx: the context it was in, XEN_PV_IOMMU_CTX_INVALID if Xen says nonsense
 * @write: a write, not a read
 * @disabled: Xen has turned the device's bus mastering off
 * @suppressed: its IOMMU reports no more of its faults for about a second
 * @has_pasid: @pasid means something
 * @pasid: process address space id
 * @reason: enum xen_pv_iommu_fault_reason
 * @lost: records that were lost before this one
 */
struct xpi_fault {
	bool pci;
	u32 id;
	u32 type;
	u64 iova;
	u16 ctx;
	bool write;
	bool disabled;
	bool suppressed;
	bool has_pasid;
	u32 pasid;
	u16 reason;
	u32 lost;
};

/**
 * xpi_fault_check() - take over a record
 * @rec: what FAULT_READ gave, not trusted
 * @f: OUT; what makes no sense becomes "unknown"
 */
void xpi_fault_check(const struct xen_pv_iommu_fault *rec, struct xpi_fault *f);

/**
 * xpi_fault_reason() - why it was refused
 * @f: the fault
 *
 * Return: words, for the end of a sentence.
 */
const char *xpi_fault_reason(const struct xpi_fault *f);

/**
 * xpi_fault_text() - all of it in a sentence, but for the device
 * @f: the fault
 * @buf: where to
 * @size: of @buf; what does not fit is cut off
 */
void xpi_fault_text(const struct xpi_fault *f, char *buf, size_t size);

#endif /* XPI_FAULT_RECORD_H */

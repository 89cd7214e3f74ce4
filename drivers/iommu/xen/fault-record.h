/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_FAULT_RECORD_H
#define XPI_FAULT_RECORD_H

#include <linux/types.h>

struct xen_pv_iommu_fault;

/* Enough for xpi_fault_text(). */
#define XPI_FAULT_TEXT_MAX	320U

/**
 * struct xpi_fault - a checked record of refused DMA
 * @pci: @id is segment << 16 | bus << 8 | devfn; else @id depends on @type
 * @id: the device
 * @type: enum xen_pv_iommu_dev_type
 * @iova: the address
 * @ctx: the context it was in; XEN_PV_IOMMU_CTX_INVALID if the record's is invalid
 * @write: a write, not a read
 * @disabled: Xen has turned the device's bus mastering off
 * @suppressed: its IOMMU reports no more of its faults for about a second
 * @has_pasid: @pasid is valid
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
 * xpi_fault_check() - check a record
 * @rec: from FAULT_READ, not trusted
 * @f: OUT: the fault; invalid members become "unknown"
 */
void xpi_fault_check(const struct xen_pv_iommu_fault *rec, struct xpi_fault *f);

/**
 * xpi_fault_reason() - describe why Xen refused the DMA
 * @f: the fault
 *
 * Return: a text for the end of a sentence.
 */
const char *xpi_fault_reason(const struct xpi_fault *f);

/**
 * xpi_fault_text() - format a fault as a sentence, without the device
 * @f: the fault
 * @buf: OUT: the sentence
 * @size: size of @buf; a longer sentence is truncated
 */
void xpi_fault_text(const struct xpi_fault *f, char *buf, size_t size);

#endif /* XPI_FAULT_RECORD_H */

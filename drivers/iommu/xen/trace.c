// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints xen_pv_iommu:hypercall and xen_pv_iommu:batch_send.
 */
#include <linux/kernel.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

/* Unused where the kernel has no tracepoints. */
static __maybe_unused const char *xpi_op_name(unsigned int op)
{
	static const char * const names[] = {
		[XEN_PV_IOMMU_OP_QUERY] = "query",
		[XEN_PV_IOMMU_OP_DEV_QUERY] = "dev_query",
		[XEN_PV_IOMMU_OP_DEV_RESV] = "dev_resv",
		[XEN_PV_IOMMU_OP_CTX_ALLOC] = "ctx_alloc",
		[XEN_PV_IOMMU_OP_CTX_FREE] = "ctx_free",
		[XEN_PV_IOMMU_OP_CTX_INFO] = "ctx_info",
		[XEN_PV_IOMMU_OP_ATTACH] = "attach",
		[XEN_PV_IOMMU_OP_BATCH] = "batch",
		[XEN_PV_IOMMU_OP_LOOKUP] = "lookup",
		[XEN_PV_IOMMU_OP_FAULT_READ] = "fault_read",
		[XEN_PV_IOMMU_OP_RESET] = "reset",
	};

	return op < ARRAY_SIZE(names) && names[op] ? names[op] : "unknown";
}

#define CREATE_TRACE_POINTS
#include "trace.h"

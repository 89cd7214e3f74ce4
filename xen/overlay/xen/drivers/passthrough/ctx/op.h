/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files that decode iommu_op. */
#ifndef IOMMU_CTX_OP_H
#define IOMMU_CTX_OP_H

#include <xen/guest_access.h>
#include <xen/sched.h>

/* xen_pv_iommu_query.max_count, and max_nr: 4 TiB in pages. */
#define MAX_COUNT           0x10000U
#define MAX_NR              0x40000000U

/*
 * Process descriptors from *pos on. *pos becomes the number of those done. The
 * result is the error of the descriptor at *pos, 0 if all are done, or
 * -ERESTART to continue. -EIO concerns the whole call: a context broke.
 */
int iommu_op_batch(struct domain *d, XEN_GUEST_HANDLE_PARAM(char) arg,
                   unsigned long count, unsigned long *pos);

#endif /* IOMMU_CTX_OP_H */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */

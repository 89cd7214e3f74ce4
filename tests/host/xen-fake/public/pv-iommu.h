/* SPDX-License-Identifier: GPL-2.0 */
/* Where Xen has the ABI header. */
#include <xen/interface/pv-iommu.h>

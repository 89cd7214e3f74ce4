/* SPDX-License-Identifier: GPL-2.0 */
/* Xen's path of the ABI header. */
#include <xen/interface/pv-iommu.h>

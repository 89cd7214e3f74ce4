/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XEN_SWIOTLB_XEN_BYPASS_H
#define _XEN_SWIOTLB_XEN_BYPASS_H

#include <linux/types.h>

struct device;

#ifdef CONFIG_SWIOTLB_XEN
#ifdef CONFIG_ARM64
#define XSB_IS_NEEDED
#endif
#ifndef XPI_HAVE_DMA_IOMMU_FIRST
#define XSB_IS_NEEDED
#endif
#endif

/* On x86 a kernel that is known to ask dma-iommu first has nothing to bypass. */
#ifdef XSB_IS_NEEDED
/**
 * swiotlb_xen_bypass_start() - let translated devices do without swiotlb-xen
 * @is_protected: Arm: does Xen translate the DMA of this device?
 *
 * To be called before there is any device in a DMA domain.
 *
 * Return: whether the DMA API will work for a device in a DMA domain.
 */
bool swiotlb_xen_bypass_start(bool (*is_protected)(struct device *dev));

/**
 * swiotlb_xen_bypass_stop() - undo it; there is no device in a DMA domain
 */
void swiotlb_xen_bypass_stop(void);
#else
static inline bool
swiotlb_xen_bypass_start(bool (*is_protected)(struct device *dev))
{
	return true;
}

static inline void swiotlb_xen_bypass_stop(void)
{
}
#endif

#endif /* _XEN_SWIOTLB_XEN_BYPASS_H */

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

/* On x86 a kernel that checks dma-iommu first has nothing to bypass. */
#ifdef XSB_IS_NEEDED
/**
 * swiotlb_xen_bypass_start() - keep swiotlb-xen from translated devices
 * @is_protected: Arm: returns true if Xen translates the DMA of a device
 *
 * Required before any device is in a DMA domain.
 *
 * Return: true if the DMA API works for a device in a DMA domain.
 */
bool swiotlb_xen_bypass_start(bool (*is_protected)(struct device *dev));

/**
 * swiotlb_xen_bypass_stop() - undo swiotlb_xen_bypass_start()
 *
 * No device may be in a DMA domain.
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

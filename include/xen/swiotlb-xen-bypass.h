/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XEN_SWIOTLB_XEN_BYPASS_H
#define _XEN_SWIOTLB_XEN_BYPASS_H

#include <linux/types.h>

struct device;

#ifdef CONFIG_SWIOTLB_XEN
/**
 * swiotlb_xen_bypass_start() - let translated devices do without swiotlb-xen
 * @swap: x86 PV: the kernel's global DMA operations may be given to the devices
 * @is_protected: Arm: does Xen translate the DMA of this device?
 *
 * To be called before there is any device in a DMA domain.
 *
 * Return: whether the DMA API will work for a device in a DMA domain.
 */
bool swiotlb_xen_bypass_start(bool swap,
			      bool (*is_protected)(struct device *dev));

/**
 * swiotlb_xen_bypass_stop() - undo it; there is no device in a DMA domain
 */
void swiotlb_xen_bypass_stop(void);
#else
static inline bool
swiotlb_xen_bypass_start(bool swap, bool (*is_protected)(struct device *dev))
{
	return true;
}

static inline void swiotlb_xen_bypass_stop(void)
{
}
#endif

#endif /* _XEN_SWIOTLB_XEN_BYPASS_H */

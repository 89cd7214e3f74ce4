// SPDX-License-Identifier: GPL-2.0
/*
 * DMA without swiotlb-xen for devices whose DMA is translated: Arm.
 *
 * On Arm the kernel sets swiotlb-xen's operations in every device each time a driver
 * is about to bind, with or without an IOMMU. A notifier can clear them after that,
 * before the driver's probe.
 *
 * These devices need no swiotlb-xen:
 * - a device in a DMA domain: dma-iommu serves it, and dma_set_mask() fails for
 *   a device that has both;
 * - a device whose DMA Xen translates by the domain's own table, so that a
 *   device must emit frame numbers of this domain, also for a granted page. The
 *   feature bit only means that Xen reports this; the driver queries every single
 *   device, as one machine can have both kinds. All other devices keep swiotlb-xen,
 *   which works with and without translation.
 *
 * The driver queries only PCI devices: the interface names no others yet.
 *
 * Compiled, but not run: the Xen half is not there on Arm yet. The hook itself
 * was tried on Xen 4.20 with an emulated SMMUv3.
 */
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/iommu-dma.h>
#include <linux/notifier.h>
#include <linux/pci.h>

#include <xen/features.h>
#include <xen/swiotlb-xen-bypass.h>

/* Xen reports for each device whether its DMA is translated. */
#ifndef XENFEAT_ARM_dom0_iommu
#define XENFEAT_ARM_dom0_iommu	31
#endif

static bool (*xsb_is_protected)(struct device *dev);

static bool xsb_may_bypass(struct device *dev)
{
	if (use_dma_iommu(dev))
		return true;
	return xen_feature(XENFEAT_ARM_dom0_iommu) && xsb_is_protected(dev);
}

static int xsb_notify(struct notifier_block *nb, unsigned long action,
		      void *data)
{
	struct device *dev = data;

	if (action != BUS_NOTIFY_BIND_DRIVER || !dev->dma_ops)
		return NOTIFY_DONE;

	if (xsb_may_bypass(dev))
		set_dma_ops(dev, NULL);
	return NOTIFY_OK;
}

static struct notifier_block xsb_notifier = {
	.notifier_call = xsb_notify,
};

bool swiotlb_xen_bypass_start(bool (*is_protected)(struct device *dev))
{
	xsb_is_protected = is_protected;
	return !bus_register_notifier(&pci_bus_type, &xsb_notifier);
}

/* A device that has a driver keeps its operations and its translation. */
void swiotlb_xen_bypass_stop(void)
{
	bus_unregister_notifier(&pci_bus_type, &xsb_notifier);
}

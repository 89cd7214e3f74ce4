// SPDX-License-Identifier: GPL-2.0
/*
 * DMA without swiotlb-xen for devices whose DMA is translated: Arm.
 *
 * There the kernel gives every device swiotlb-xen's operations as its own each
 * time a driver is about to bind, whether an IOMMU serves it or not. They can
 * be taken away again just after that, before the driver's probe.
 *
 * Who needs no swiotlb-xen:
 * - a device in a DMA domain: dma-iommu serves it, and dma_set_mask() fails for
 *   a device that has both;
 * - a device whose DMA Xen translates by the domain's own table, so that a
 *   frame number of this domain is what it should emit, also that of a granted
 *   page. The feature bit only says that Xen can tell; it is asked about every
 *   single device, as one machine can have both kinds. Everybody else keeps
 *   swiotlb-xen, which is right with and without translation.
 *
 * Only PCI devices are asked about: the interface names no others yet.
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

/* Xen says of each device whether its DMA is translated. */
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

/* Devices that have a driver stay as they are: so does their translation. */
void swiotlb_xen_bypass_stop(void)
{
	bus_unregister_notifier(&pci_bus_type, &xsb_notifier);
}

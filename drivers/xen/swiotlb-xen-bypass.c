// SPDX-License-Identifier: GPL-2.0
/*
 * DMA without swiotlb-xen for devices whose DMA is translated: x86 PV.
 *
 * The kernel of a PV domain has one pointer to DMA operations for all devices,
 * dma_ops, which is swiotlb-xen's. A device that dma-iommu serves does not use them,
 * but dma_set_mask() fails for a device that has both, and a single device cannot
 * have "none". packaging/linux has the few lines that the kernel lacks; a kernel with
 * these lines does not need this file. The module tests the kernel's get_dma_ops()
 * at run time, because a header proves nothing, and a wrong answer would lose every
 * disk.
 *
 * Without these lines, and if the administrator enables it, the module moves the
 * operations: every device gets swiotlb-xen's as its own (dev->dma_ops has priority
 * over the global pointer), the global pointer becomes NULL, and a device in a DMA
 * domain has none. A device without operations and without dma-iommu would use
 * pseudo-physical addresses as machine addresses, and reach memory of other domains.
 * No device may be missed:
 *
 * - All devices that were added are in one list of the driver core. The module first
 *   hooks new devices, then walks the list, then waits for every task that has read
 *   dev->dma_ops and may still read the global pointer, then clears the pointer.
 * - The hook runs when the driver core decides whether to announce a device to user
 *   space, which is before a driver can bind. Bus notifiers are not enough: some
 *   devices do DMA without a bus (gntdev, udmabuf).
 * - Not covered is a device that does DMA and is never added, or is added with its
 *   announcement suppressed. None was found in Linux 6.12 and 7.3.
 *
 * A PCI device can change between dma-iommu and swiotlb-xen while it has no driver.
 * Its operations change when the next driver is about to bind, when nothing is
 * mapped. A device that has a driver keeps its operations, so each buffer is unmapped
 * by the ops that mapped it.
 *
 * The move is permanent once devices are in DMA domains, so the module stays.
 */
#define pr_fmt(fmt) "xen-pv-iommu: " fmt

#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/export.h>
#include <linux/iommu-dma.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <xen/swiotlb-xen-bypass.h>
#include <xen/xen.h>

static bool pv_dma_ops_swap;
module_param(pv_dma_ops_swap, bool, 0444);
MODULE_PARM_DESC(pv_dma_ops_swap, "PV: give swiotlb-xen to each device that needs it instead of to all, so that the DMA of others can be translated (default: no)");

/* swiotlb-xen's operations, set before the swap. */
static const struct dma_map_ops *xsb_ops;
/* The driver core's callbacks for announcing a device. */
static const struct kset_uevent_ops *xsb_core_events;
static bool xsb_swapped;

/* A device that dma-iommu does not serve needs swiotlb-xen. */
static void xsb_settle(struct device *dev)
{
	if (!dev->dma_ops && !use_dma_iommu(dev))
		set_dma_ops(dev, xsb_ops);
}

/* Any device that was added works; this one always exists. */
static struct kset *xsb_all_devices(void)
{
	return platform_bus.kobj.kset;
}

static void xsb_settle_kobj(const struct kobject *kobj)
{
	if (get_ktype(kobj) == get_ktype(&platform_bus.kobj))
		xsb_settle((struct device *)kobj_to_dev(kobj));
}

static void xsb_settle_all(void)
{
	struct kset *devices = xsb_all_devices();
	struct kobject *kobj;

	spin_lock(&devices->list_lock);
	list_for_each_entry(kobj, &devices->list, entry)
		xsb_settle_kobj(kobj);
	spin_unlock(&devices->list_lock);
}

/* Never sleeps: xsb_unhook() relies on this. */
static int xsb_filter(const struct kobject *kobj)
{
	xsb_settle_kobj(kobj);
	return xsb_core_events->filter ? xsb_core_events->filter(kobj) : 1;
}

static int xsb_notify(struct notifier_block *nb, unsigned long action,
		      void *data)
{
	struct device *dev = data;

	if (action != BUS_NOTIFY_BIND_DRIVER)
		return NOTIFY_DONE;

	if (!use_dma_iommu(dev))
		xsb_settle(dev);
	else if (dev->dma_ops == xsb_ops)
		set_dma_ops(dev, NULL);
	return NOTIFY_OK;
}

/* Only PCI devices are ever put in a DMA domain. */
static struct notifier_block xsb_notifier = {
	.notifier_call = xsb_notify,
};

/*
 * The other callbacks stay the driver core's: they may sleep, and no task may sleep
 * in this module's code if it is unloaded.
 */
static int xsb_hook(void)
{
	struct kset *devices = xsb_all_devices();
	const struct kset_uevent_ops events = {
		.filter = xsb_filter,
		.name = devices->uevent_ops->name,
		.uevent = devices->uevent_ops->uevent,
	};
	const struct kset_uevent_ops *copy;
	int ret;

	copy = kmemdup(&events, sizeof(events), GFP_KERNEL);
	if (!copy)
		return -ENOMEM;

	ret = bus_register_notifier(&pci_bus_type, &xsb_notifier);
	if (ret) {
		kfree(copy);
		return ret;
	}

	xsb_core_events = devices->uevent_ops;
	/* Release: a reader that sees the copy also sees its contents. */
	smp_store_release(&devices->uevent_ops, copy);
	return 0;
}

/* The copy is not freed: another CPU may be about to read its members. */
static void xsb_unhook(void)
{
	bus_unregister_notifier(&pci_bus_type, &xsb_notifier);
	WRITE_ONCE(xsb_all_devices()->uevent_ops, xsb_core_events);
	synchronize_rcu_tasks();
}

/*
 * swiotlb-xen exports no symbols, so identify it by the name of a function. Not
 * every kernel has the names of data.
 */
static bool xsb_is_swiotlb_xen(const struct dma_map_ops *ops)
{
	char name[32];

	if (!ops)
		return false;

	snprintf(name, sizeof(name), "%ps", ops->dma_supported);
	return !strcmp(name, "xen_swiotlb_dma_supported");
}

static bool xsb_swap(void)
{
	const struct dma_map_ops *ops = READ_ONCE(dma_ops);
	int ret;

	if (!xsb_is_swiotlb_xen(ops)) {
		pr_warn("pv_dma_ops_swap=1 has no effect: the kernel's DMA operations are %ps, not those of swiotlb-xen\n",
			ops);
		return false;
	}

	xsb_ops = ops;
	ret = xsb_hook();
	if (ret) {
		pr_warn("pv_dma_ops_swap=1 has no effect: error %d\n", ret);
		return false;
	}

	xsb_settle_all();
	/* Also waits for tasks that were preempted between the two reads. */
	synchronize_rcu_tasks();
	if (cmpxchg(&dma_ops, ops, NULL) != ops) {
		pr_warn("pv_dma_ops_swap=1 has no effect: other code changed the kernel's DMA operations at the same time\n");
		xsb_unhook();
		return false;
	}

	/* Never put, unless the module fails to load after this. */
	__module_get(THIS_MODULE);
	pr_info("devices in a DMA domain no longer use swiotlb-xen; all other devices still do\n");
	return true;
}

/*
 * Return true if the kernel ignores the operations of a device that dma-iommu serves.
 * The test device has all flags set, because kernels store them differently.
 */
static bool xsb_not_needed(void)
{
	struct device *dev = kmalloc(sizeof(*dev), GFP_KERNEL);
	bool ignored;

	if (!dev)
		return false;

	memset(dev, 0xff, sizeof(*dev));
	ignored = !get_dma_ops(dev);
	kfree(dev);
	return ignored;
}

bool swiotlb_xen_bypass_start(bool (*is_protected)(struct device *dev))
{
	if (!xen_pv_domain() || xsb_not_needed()) {
		if (pv_dma_ops_swap)
			pr_info("pv_dma_ops_swap=1 is not needed here\n");
		return true;
	}

	xsb_swapped = pv_dma_ops_swap && xsb_swap();
	return xsb_swapped;
}

void swiotlb_xen_bypass_stop(void)
{
	if (!xsb_swapped)
		return;

	/* The devices' own operations are the same. */
	WRITE_ONCE(dma_ops, xsb_ops);
	xsb_unhook();
	xsb_swapped = false;
	module_put(THIS_MODULE);
}

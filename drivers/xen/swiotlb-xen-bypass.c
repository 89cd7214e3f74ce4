// SPDX-License-Identifier: GPL-2.0
/*
 * DMA without swiotlb-xen for devices whose DMA is translated: x86 PV.
 *
 * The kernel of a PV domain has one pointer to DMA operations for all devices,
 * dma_ops, and swiotlb-xen is behind it. A device that dma-iommu serves does
 * not use them, but dma_set_mask() fails for a device that has both, and there
 * is no way to say "none" for one device. packaging/linux has the few lines
 * that the kernel lacks; a kernel that has them needs nothing of this. The module
 * asks the kernel's get_dma_ops() for that: what stands in a header proves
 * nothing, and who takes an unpatched kernel for a patched one loses every disk.
 *
 * Without them, and if the administrator wants it, the operations move: every
 * device gets swiotlb-xen's as its own (dev->dma_ops goes before the global
 * pointer), the global pointer becomes NULL, and a device in a DMA domain has
 * none. The danger is a device that was forgotten. It would be given pseudo-
 * physical addresses as if they were machine addresses and reach memory of
 * somebody else. So nobody may be missed:
 *
 * - All devices that were added are in one list of the driver core, which is
 *   walked. The order is: first see newcomers, then walk, then wait until
 *   nobody is left who looked at his device before and did not yet look at the
 *   global pointer, then clear that.
 * - A newcomer is seen when the driver core asks whether to announce it to user
 *   space, which is before a driver can have it. Bus notifiers would not do:
 *   there are devices that do DMA without a bus (gntdev, udmabuf).
 * - Not covered is a device that is used for DMA and never added, or added
 *   with its announcement suppressed. None was found in Linux 6.12 and 7.3.
 *
 * Whether a PCI device is served by dma-iommu or by swiotlb-xen can change
 * while it has no driver. Its operations follow when the next driver is about
 * to bind, when nothing is mapped. A device that has a driver keeps what it
 * has, so whatever is mapped is unmapped by whom it was mapped by.
 *
 * There is no way back once devices are in DMA domains, so the module stays.
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

/* swiotlb-xen's, from before the swap on. */
static const struct dma_map_ops *xsb_ops;
/* What the driver core does when it announces a device. */
static const struct kset_uevent_ops *xsb_core_events;
static bool xsb_swapped;

/* A device that dma-iommu does not serve needs swiotlb-xen. */
static void xsb_settle(struct device *dev)
{
	if (!dev->dma_ops && !use_dma_iommu(dev))
		set_dma_ops(dev, xsb_ops);
}

/* Any device that was added will do; this one is always there. */
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

/* Sleeps never, which xsb_unhook() relies on. */
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
 * Names and texts of announcements stay the driver core's: they may sleep, and
 * nobody may sleep in our text should it go away again.
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
	/* Whoever finds the copy finds it, and what it refers to, complete. */
	smp_store_release(&devices->uevent_ops, copy);
	return 0;
}

/* The copy is not freed: somebody may be about to read its other members. */
static void xsb_unhook(void)
{
	bus_unregister_notifier(&pci_bus_type, &xsb_notifier);
	WRITE_ONCE(xsb_all_devices()->uevent_ops, xsb_core_events);
	synchronize_rcu_tasks();
}

/*
 * Nothing of swiotlb-xen's is exported, so its name has to tell: a function's,
 * because not every kernel knows its data by name.
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
	/* Also waits for tasks that were preempted between the two looks. */
	synchronize_rcu_tasks();
	if (cmpxchg(&dma_ops, ops, NULL) != ops) {
		pr_warn("pv_dma_ops_swap=1 has no effect: other code changed the kernel's DMA operations at the same time\n");
		xsb_unhook();
		return false;
	}

	/* Never to be put, unless the module fails to load after this. */
	__module_get(THIS_MODULE);
	pr_info("devices in a DMA domain no longer use swiotlb-xen; all other devices still do\n");
	return true;
}

/*
 * Does the kernel ignore the operations of a device that dma-iommu serves? The
 * device is one of which everything is true, however a kernel stores it.
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

	/* What the devices have of their own is the same. */
	WRITE_ONCE(dma_ops, xsb_ops);
	xsb_unhook();
	xsb_swapped = false;
	module_put(THIS_MODULE);
}

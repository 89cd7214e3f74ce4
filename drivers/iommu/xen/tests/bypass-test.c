// SPDX-License-Identifier: GPL-2.0
/*
 * swiotlb-xen moves from the kernel's pointer to the devices, and back. The
 * pointer, the list of all devices and their announcements are the kernel's own;
 * nothing in the machine does DMA meanwhile. The operations are a table with one
 * function, which is taken for swiotlb-xen's.
 *
 * The driver's file is included as it is.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/iommu-dma.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>

#include <xen/xen.h>

static int any_mask(struct device *dev, u64 mask)
{
	return 1;
}

/* Taken for swiotlb-xen's, and not. */
static const struct dma_map_ops swiotlb_xen_ops = { .dma_supported = any_mask };
static const struct dma_map_ops other_ops;

/**
 * struct surroundings - of the driver
 * @pv: this is a PV domain
 * @no_memory: there is none
 * @no_notifier: the bus takes none
 * @intruder: other code sets these operations at the last moment
 * @served: the only device that dma-iommu serves
 * @patched: the kernel ignores operations of devices that dma-iommu serves
 * @copies: of the table of announcements; one is made at a time
 * @nr_copies: how many
 * @kernel_ops: what the kernel had before the test
 * @events: likewise
 */
static struct surroundings {
	bool pv;
	bool no_memory;
	bool no_notifier;
	const struct dma_map_ops *intruder;
	const struct device *served;
	bool patched;
	void *copies[4];
	unsigned int nr_copies;
	const struct dma_map_ops *kernel_ops;
	const struct kset_uevent_ops *events;
} around;

static void *test_kmemdup(const void *p, size_t size, gfp_t gfp)
{
	void *copy;

	if (around.no_memory || around.nr_copies == ARRAY_SIZE(around.copies))
		return NULL;
	copy = kmemdup(p, size, gfp);
	if (copy)
		around.copies[around.nr_copies++] = copy;
	return copy;
}

/* The driver frees the last one only, if at all; the others go with the test. */
static void test_kfree(const void *p)
{
	if (around.nr_copies && around.copies[around.nr_copies - 1] == p)
		around.nr_copies--;
	kfree(p);
}

static int test_register(const struct bus_type *bus, struct notifier_block *nb)
{
	return around.no_notifier ? -ENOMEM : bus_register_notifier(bus, nb);
}

static void test_synchronize(void)
{
	synchronize_rcu_tasks();
	if (around.intruder)
		WRITE_ONCE(dma_ops, around.intruder);
}

static void test_symbol(char *name, size_t size, const char *fmt, const void *at)
{
	if (strcmp(fmt, "%ps"))
		return;
	strscpy(name, at == any_mask ? "xen_swiotlb_dma_supported" : "other",
		size);
}

#define use_dma_iommu(dev)			((dev) == around.served)
#define get_dma_ops(dev)	(around.patched ? NULL : (dev)->dma_ops)
#undef xen_pv_domain
#define xen_pv_domain()				(around.pv)
#undef kmemdup
#define kmemdup(p, size, gfp)			test_kmemdup(p, size, gfp)
#undef kfree
#define kfree(p)				test_kfree(p)
#define bus_register_notifier(bus, nb)		test_register(bus, nb)
#undef synchronize_rcu_tasks
#define synchronize_rcu_tasks()			test_synchronize()
#undef snprintf
#define snprintf(name, size, fmt, at)		test_symbol(name, size, fmt, at)
#undef pr_fmt

#include "../../../xen/swiotlb-xen-bypass.c"

#undef kfree

static bool is_protected(struct device *dev)
{
	return true;
}

static int bypass_init(struct kunit *test)
{
	around = (struct surroundings){
		.pv = true,
		.kernel_ops = dma_ops,
		.events = xsb_all_devices()->uevent_ops,
	};
	pv_dma_ops_swap = true;
	WRITE_ONCE(dma_ops, &swiotlb_xen_ops);
	return 0;
}

/* As the kernel has it, whatever the test did. */
static void restore_devices(void)
{
	struct kset *devices = xsb_all_devices();
	struct kobject *kobj;

	spin_lock(&devices->list_lock);
	list_for_each_entry(kobj, &devices->list, entry) {
		struct device *dev = kobj_to_dev(kobj);

		if (get_ktype(kobj) == get_ktype(&platform_bus.kobj) &&
		    dev->dma_ops == &swiotlb_xen_ops)
			set_dma_ops(dev, NULL);
	}
	spin_unlock(&devices->list_lock);
}

static void bypass_exit(struct kunit *test)
{
	swiotlb_xen_bypass_stop();
	KUNIT_EXPECT_PTR_EQ(test, xsb_all_devices()->uevent_ops, around.events);
	WRITE_ONCE(dma_ops, around.kernel_ops);
	restore_devices();
	pv_dma_ops_swap = false;
	while (around.nr_copies)
		kfree(around.copies[--around.nr_copies]);
}

static struct device *new_device(struct kunit *test, const char *name)
{
	struct device *dev = kunit_device_register(test, name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	return dev;
}

static void expect_nothing_moved(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_PTR_EQ(test, xsb_all_devices()->uevent_ops, around.events);
	KUNIT_EXPECT_NULL(test, dev->dma_ops);
}

/*
 * When not to
 */

static void not_pv(struct kunit *test)
{
	struct device *dev = new_device(test, "xpi-bypass");

	around.pv = false;
	KUNIT_EXPECT_TRUE(test, swiotlb_xen_bypass_start(is_protected));
	pv_dma_ops_swap = false;
	KUNIT_EXPECT_TRUE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &swiotlb_xen_ops);
	expect_nothing_moved(test, dev);
}

/* Whatever stands in a header: it is asked what it does. */
static void kernel_is_patched(struct kunit *test)
{
	struct device *dev = new_device(test, "xpi-bypass");

	around.patched = true;
	KUNIT_EXPECT_TRUE(test, swiotlb_xen_bypass_start(is_protected));
	pv_dma_ops_swap = false;
	KUNIT_EXPECT_TRUE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &swiotlb_xen_ops);
	expect_nothing_moved(test, dev);
}

static void not_wanted(struct kunit *test)
{
	struct device *dev = new_device(test, "xpi-bypass");

	pv_dma_ops_swap = false;
	KUNIT_EXPECT_FALSE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &swiotlb_xen_ops);
	expect_nothing_moved(test, dev);
}

static void not_swiotlb_xen(struct kunit *test)
{
	struct device *dev = new_device(test, "xpi-bypass");

	WRITE_ONCE(dma_ops, &other_ops);
	KUNIT_EXPECT_FALSE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &other_ops);
	expect_nothing_moved(test, dev);

	WRITE_ONCE(dma_ops, NULL);
	KUNIT_EXPECT_FALSE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_NULL(test, dma_ops);
	expect_nothing_moved(test, dev);
}

static void without_memory(struct kunit *test)
{
	struct device *dev = new_device(test, "xpi-bypass");

	around.no_memory = true;
	KUNIT_EXPECT_FALSE(test, swiotlb_xen_bypass_start(is_protected));
	around.no_memory = false;
	around.no_notifier = true;
	KUNIT_EXPECT_FALSE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_EQ(test, around.nr_copies, 0);
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &swiotlb_xen_ops);
	expect_nothing_moved(test, dev);
}

/* Then it is theirs, and devices keep what they were given: it is the same. */
static void somebody_else_does(struct kunit *test)
{
	struct device *dev = new_device(test, "xpi-bypass");

	around.intruder = &other_ops;
	KUNIT_EXPECT_FALSE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &other_ops);
	KUNIT_EXPECT_PTR_EQ(test, xsb_all_devices()->uevent_ops, around.events);
	KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, &swiotlb_xen_ops);
	/* There is nothing to stop. */
	around.intruder = NULL;
	swiotlb_xen_bypass_stop();
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &other_ops);
}

/*
 * Operations of each device
 */

static void all_devices(struct kunit *test)
{
	struct device *before = new_device(test, "xpi-before");
	struct device *served = new_device(test, "xpi-served");
	struct device *own = new_device(test, "xpi-own");
	struct device *after;

	around.served = served;
	set_dma_ops(own, &other_ops);
	KUNIT_ASSERT_TRUE(test, swiotlb_xen_bypass_start(is_protected));
	KUNIT_EXPECT_NULL(test, dma_ops);
	KUNIT_EXPECT_PTR_EQ(test, before->dma_ops, &swiotlb_xen_ops);
	KUNIT_EXPECT_NULL(test, served->dma_ops);
	KUNIT_EXPECT_PTR_EQ(test, own->dma_ops, &other_ops);
	/* A bus is a device as well, and some do DMA. */
	KUNIT_EXPECT_PTR_EQ(test, platform_bus.dma_ops, &swiotlb_xen_ops);

	after = new_device(test, "xpi-after");
	KUNIT_EXPECT_PTR_EQ(test, after->dma_ops, &swiotlb_xen_ops);
	set_dma_ops(own, NULL);
}

static void and_back(struct kunit *test)
{
	struct device *after;

	KUNIT_ASSERT_TRUE(test, swiotlb_xen_bypass_start(is_protected));
	swiotlb_xen_bypass_stop();
	KUNIT_EXPECT_PTR_EQ(test, dma_ops, &swiotlb_xen_ops);
	after = new_device(test, "xpi-after");
	expect_nothing_moved(test, after);
}

/* A driver is about to bind: what its device's domain is now counts. */
static void domain_has_changed(struct kunit *test)
{
	struct device *dev = new_device(test, "xpi-changing");

	KUNIT_ASSERT_TRUE(test, swiotlb_xen_bypass_start(is_protected));
	around.served = dev;
	KUNIT_EXPECT_EQ(test, NOTIFY_DONE,
			xsb_notifier.notifier_call(&xsb_notifier,
						   BUS_NOTIFY_BOUND_DRIVER, dev));
	KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, &swiotlb_xen_ops);

	KUNIT_EXPECT_EQ(test, NOTIFY_OK,
			xsb_notifier.notifier_call(&xsb_notifier,
						   BUS_NOTIFY_BIND_DRIVER, dev));
	KUNIT_EXPECT_NULL(test, dev->dma_ops);

	around.served = NULL;
	xsb_notifier.notifier_call(&xsb_notifier, BUS_NOTIFY_BIND_DRIVER, dev);
	KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, &swiotlb_xen_ops);
}

static struct kunit_case bypass_cases[] = {
	KUNIT_CASE(not_pv),
	KUNIT_CASE(kernel_is_patched),
	KUNIT_CASE(not_wanted),
	KUNIT_CASE(not_swiotlb_xen),
	KUNIT_CASE(without_memory),
	KUNIT_CASE(somebody_else_does),
	KUNIT_CASE(all_devices),
	KUNIT_CASE(and_back),
	KUNIT_CASE(domain_has_changed),
	{}
};

static struct kunit_suite bypass_suite = {
	.name = "xpi-bypass",
	.init = bypass_init,
	.exit = bypass_exit,
	.test_cases = bypass_cases,
};

kunit_test_suites(&bypass_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that have a driver before the module is loaded.
 *
 * Pins: a device whose driver had come while the module was loading got a DMA
 * domain.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "core.h"
#include "driver.h"
#include "fake-hv.h"

/* Function 0 stays without. */
static int edu_probe(struct pci_dev *p, const struct pci_device_id *id)
{
	return PCI_FUNC(p->devfn) == 1 ? 0 : -ENODEV;
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(XPI_QEMU, XPI_EDU) },
	{}
};

static struct pci_driver edu_driver = {
	.name = "xpi-edu",
	.id_table = edu_ids,
	.probe = edu_probe,
};

static void unbind_edu(void *unused)
{
	pci_unregister_driver(&edu_driver);
}

static void bind_edu(struct kunit *test, bool managed)
{
	edu_driver.driver_managed_dma = managed;
	KUNIT_ASSERT_EQ(test, 0, pci_register_driver(&edu_driver));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, unbind_edu, NULL));
	KUNIT_EXPECT_PTR_EQ(test, xpi_core_dev(1)->driver, &edu_driver.driver);
}

/* Its DMA goes on where it goes; and so must whatever shares its group. */
static void live(struct kunit *test)
{
	bind_edu(test, false);
	xpi_core_load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(1)));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	xpi_driver_unload(test);
}

/* No longer a danger to its peer. Also where there is no other way. */
static void managed_but_skipped(struct kunit *test)
{
	bind_edu(test, true);
	xpi_driver_late("skip");
	xpi_core_load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(1)));
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(xpi_core_dev(0)));
	xpi_driver_unload(test);
}

static unsigned int looks;

static enum xpi_bound after_the_first_look(struct pci_dev *p)
{
	return p == xpi_core_pdev[1] && looks++ ? XPI_LIVE : XPI_UNBOUND;
}

/* It found no group yet, so its DMA has to stay where it is. */
static void bound_meanwhile(struct kunit *test)
{
	looks = 0;
	xpi_driver.bound = after_the_first_look;
	xpi_core_load(test);
	KUNIT_EXPECT_EQ(test, looks, 2);
	xpi_core_expect(test, 0, false);
	xpi_core_expect(test, 1, false);
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_CTX_ALLOC], 0);
	xpi_driver_unload(test);
}

static enum xpi_bound peer_is_quick(struct pci_dev *p)
{
	if (p != xpi_core_pdev[1])
		return XPI_UNBOUND;
	p->dev.driver = &edu_driver.driver;
	return XPI_LIVE;
}

static void no_quick_peer(void *peer)
{
	((struct pci_dev *)peer)->dev.driver = NULL;
}

/* It got its driver when function 0 was taken already: that one is not for VFIO. */
static void peer_bound_meanwhile(struct kunit *test)
{
	struct iommu_domain *d;

	edu_driver.driver_managed_dma = false;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action(test, no_quick_peer, xpi_core_pdev[1]));
	xpi_driver.bound = peer_is_quick;
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(xpi_core_dev(0)));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(1)));
	d = iommu_paging_domain_alloc(xpi_core_dev(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_attach_device(d, xpi_core_dev(0)));
	KUNIT_EXPECT_NE(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(d));
	/* When it has its driver no more, there is nothing to fear. */
	kunit_release_action(test, no_quick_peer, xpi_core_pdev[1]);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(d, xpi_core_dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(d));
	iommu_detach_device(d, xpi_core_dev(0));
	iommu_domain_free(d);
	xpi_driver_unload(test);
}

static struct kunit_case late_cases[] = {
	KUNIT_CASE(live),
	KUNIT_CASE(managed_but_skipped),
	KUNIT_CASE(bound_meanwhile),
	KUNIT_CASE(peer_bound_meanwhile),
	{}
};

static struct kunit_suite late_suite = {
	.name = "xpi-late",
	.init = xpi_core_init,
	.exit = xpi_core_exit,
	.test_cases = late_cases,
};

kunit_test_suites(&late_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Common code of the suites that load the driver into a kernel with real PCI
 * devices: two functions of one device that no other driver uses (QEMU's edu).
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "core.h"
#include "driver.h"
#include "fake-hv.h"
#include "files.h"

struct pci_dev *xpi_core_pdev[2];

static void find_devices(void)
{
	struct pci_dev *at = NULL;

	while ((at = pci_get_device(XPI_QEMU, XPI_EDU, at)))
		if (pci_is_root_bus(at->bus) &&
		    PCI_FUNC(at->devfn) < ARRAY_SIZE(xpi_core_pdev))
			xpi_core_pdev[PCI_FUNC(at->devfn)] = pci_dev_get(at);
}

static void put_devices(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xpi_core_pdev); i++) {
		pci_dev_put(xpi_core_pdev[i]);
		xpi_core_pdev[i] = NULL;
	}
}

int xpi_core_init(struct kunit *test)
{
	int ret = xpi_driver_init(test);
	unsigned int i;

	if (ret)
		return ret;
	find_devices();
	if (!xpi_core_pdev[0] || !xpi_core_pdev[1])
		kunit_skip(test, "the machine has no edu device with two functions");
	for (i = 0; i < ARRAY_SIZE(xpi_core_pdev); i++)
		xpi_fake.dev[i].sbdf = pci_dev_id(xpi_core_pdev[i]);
	return 0;
}

void xpi_core_exit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xpi_driver.bypasses, 0);
	KUNIT_EXPECT_FALSE(test, xpi_file_exists(XPI_CORE_DIR "/counters"));
	put_devices();
	xpi_driver_exit(test);
}

struct device *xpi_core_dev(unsigned int fn)
{
	return &xpi_core_pdev[fn]->dev;
}

struct iommu_domain *xpi_core_domain(unsigned int fn)
{
	return iommu_get_domain_for_dev(xpi_core_dev(fn));
}

void xpi_core_load(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_load(test));
}

void xpi_core_expect(struct kunit *test, unsigned int fn, bool translated)
{
	u32 ctx = xpi_fake.dev[fn].ctx;

	KUNIT_ASSERT_NOT_NULL(test, xpi_core_domain(fn));
	KUNIT_EXPECT_EQ(test, xpi_core_domain(fn)->type == IOMMU_DOMAIN_IDENTITY,
			!translated);
	KUNIT_EXPECT_EQ(test, ctx != XEN_PV_IOMMU_CTX_DEFAULT, translated);
	KUNIT_EXPECT_EQ(test, !!xpi_fake_ctx(ctx), translated);
}

const char *xpi_core_path(struct kunit *test, struct pci_dev *p,
			  const char *file)
{
	return xpi_text(test, XPI_CORE_DIR "/devices/%s/%s", pci_name(p), file);
}

const char *xpi_core_read(struct kunit *test, struct pci_dev *p,
			  const char *file)
{
	const char *text = xpi_file_read(test, xpi_core_path(test, p, file));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, text);
	return text;
}

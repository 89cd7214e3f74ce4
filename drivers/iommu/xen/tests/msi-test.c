// SPDX-License-Identifier: GPL-2.0
/*
 * Whether VFIO may rely on Xen's interrupt remapping: the parameter msi_isolated.
 */
#include <kunit/test.h>
#include <linux/irqdomain.h>

#include "core.h"
#include "driver.h"
#include "fake-hv.h"

static struct irq_domain msi_domain;

static int msi_init(struct kunit *test)
{
	int ret = xpi_core_init(test);

	msi_domain = (struct irq_domain){ .name = "XEN-MSI-3" };
	xpi_driver.msi_domain = &msi_domain;
	xpi_fake.features |= XEN_PV_IOMMU_FEAT_MSI_ISOLATED;
	xpi_driver_msi_isolated(true);
	return ret;
}

static void expect_claimed(struct kunit *test, bool claimed)
{
	xpi_core_load(test);
	KUNIT_EXPECT_EQ(test, claimed,
			!!(msi_domain.flags & IRQ_DOMAIN_FLAG_ISOLATED_MSI));
	xpi_driver_unload(test);
	KUNIT_EXPECT_EQ(test, msi_domain.flags, 0);
}

static void claimed(struct kunit *test)
{
	expect_claimed(test, true);
}

static void not_wanted(struct kunit *test)
{
	xpi_driver_msi_isolated(false);
	expect_claimed(test, false);
	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_MSI_ISOLATED;
	expect_claimed(test, false);
}

static void not_remapped(struct kunit *test)
{
	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_MSI_ISOLATED;
	expect_claimed(test, false);
}

static void not_the_domain_of_xen(struct kunit *test)
{
	msi_domain.name = "PCI-MSI-3";
	expect_claimed(test, false);
	msi_domain.name = NULL;
	expect_claimed(test, false);
	xpi_driver.msi_domain = NULL;
	expect_claimed(test, false);
}

/* The module does not withdraw another driver's claim. */
static void claimed_before(struct kunit *test)
{
	msi_domain.flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	xpi_core_load(test);
	xpi_driver_unload(test);
	KUNIT_EXPECT_EQ(test, msi_domain.flags, IRQ_DOMAIN_FLAG_ISOLATED_MSI);
}

static struct kunit_case msi_cases[] = {
	KUNIT_CASE(claimed),
	KUNIT_CASE(not_wanted),
	KUNIT_CASE(not_remapped),
	KUNIT_CASE(not_the_domain_of_xen),
	KUNIT_CASE(claimed_before),
	{}
};

static struct kunit_suite msi_suite = {
	.name = "xpi-msi",
	.init = msi_init,
	.exit = xpi_core_exit,
	.test_cases = msi_cases,
};

kunit_test_suites(&msi_suite);

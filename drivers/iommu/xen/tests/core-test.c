// SPDX-License-Identifier: GPL-2.0
/*
 * The driver as it is loaded: the kernel's IOMMU core asks about real PCI
 * devices, makes groups and default domains, and takes them away again. Only Xen
 * is the fake.
 *
 * It takes two functions of one device that no other driver uses (QEMU's
 * edu), two root ports, one of which has a slot, and two edus behind a switch
 * without access control services.
 *
 * Pins: one group that could not be served left the machine without a driver.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "core.h"
#include "driver.h"
#include "fake-hv.h"
#include "files.h"

#define REDHAT		0x1b36
#define ROOT_PORT	0x000c

#define PFN		0x1000U
#define SYSFS		"/sys/class/iommu/xen-pv-iommu"

static void not_for_this_domain(struct kunit *test)
{
	unsigned int queries = xpi_fake.calls[XEN_PV_IOMMU_OP_QUERY];

	xpi_driver.not_dom0 = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_load(test));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_QUERY], queries);
}

static void parameter_that_is_none(struct kunit *test)
{
	if (!xpi_driver_late("never"))
		kunit_skip(test, "where the core warns of late probes there is no choice");
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_driver_load(test));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(0)));
}

static void xen_that_has_none(struct kunit *test)
{
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EOPNOTSUPP, .ops = XPI_FAKE_OP(QUERY),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_load(test));
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EIO, .ops = XPI_FAKE_OP(RESET),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_load(test));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(0)));
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(xpi_core_dev(0)));
	xpi_driver_unload(test);
}

static void translated(struct kunit *test)
{
	xpi_core_load(test);
	xpi_core_expect(test, 0, true);
	xpi_core_expect(test, 1, true);
	KUNIT_EXPECT_PTR_EQ(test, xpi_core_domain(0), xpi_core_domain(1));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_fake.dev[1].ctx);
	KUNIT_EXPECT_EQ(test, xpi_driver.bypasses, 1);
	KUNIT_EXPECT_TRUE(test, xpi_driver.is_protected(xpi_core_dev(0)));
	xpi_fake.dev[0].flags &= ~XEN_PV_IOMMU_DEV_F_PROTECTED;
	KUNIT_EXPECT_FALSE(test, xpi_driver.is_protected(xpi_core_dev(0)));

	xpi_driver_unload(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
}

static void without_the_dma_api(struct kunit *test)
{
	xpi_driver.no_dma_api = true;
	xpi_core_load(test);
	xpi_core_expect(test, 0, false);
	xpi_core_expect(test, 1, false);
	xpi_driver_unload(test);
}

/* For the core that is the end of all, so all of them do without. */
static void a_group_that_cannot_be_served(struct kunit *test)
{
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -ENOMEM, .always = true, .ops = XPI_FAKE_OP(CTX_ALLOC),
	};
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, xpi_fake.call_fault.fired);
	xpi_core_expect(test, 0, false);
	xpi_core_expect(test, 1, false);
	xpi_driver_unload(test);
}

static void expect_not_loaded(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -ENOMEM, xpi_driver_load(test));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_driver.bypasses, 0);
	KUNIT_EXPECT_FALSE(test, xpi_file_exists(XPI_CORE_DIR "/counters"));
	KUNIT_EXPECT_FALSE(test, xpi_file_exists(SYSFS));
}

/* The core does not report the reason. No other error occurred. */
static void not_registered(struct kunit *test)
{
	xpi_driver.registers_fail = 2;
	expect_not_loaded(test);
	KUNIT_EXPECT_EQ(test, xpi_driver.registers_fail, 0);
	xpi_driver.no_sysfs = true;
	expect_not_loaded(test);
	xpi_driver.no_sysfs = false;

	/* Where there are no contexts to do without, once is enough. */
	xpi_driver.no_dma_api = true;
	xpi_driver.registers_fail = 1;
	expect_not_loaded(test);
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, xpi_file_exists(SYSFS));
	xpi_core_expect(test, 0, false);
	xpi_driver_unload(test);
}

static void faults_of_another_time(struct kunit *test)
{
	xpi_fake.features |= XEN_PV_IOMMU_FEAT_FAULTS;
	xpi_fake.nr_faults = 3;
	xpi_core_load(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 0);
	xpi_driver_unload(test);
}

/* A predecessor has left it as a bus master. */
static void silenced(struct kunit *test)
{
	u16 command;

	pci_set_master(xpi_core_pdev[0]);
	xpi_fake.dev[0].masters = true;
	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_BLOCKED;
	xpi_core_load(test);
	KUNIT_EXPECT_FALSE(test, xpi_core_pdev[0]->is_busmaster);
	pci_read_config_word(xpi_core_pdev[0], PCI_COMMAND, &command);
	KUNIT_EXPECT_FALSE(test, command & PCI_COMMAND_MASTER);
	xpi_core_expect(test, 0, true);
	xpi_driver_unload(test);
}

static void not_silenced(struct kunit *test)
{
	pci_set_master(xpi_core_pdev[0]);
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, xpi_core_pdev[0]->is_busmaster);
	xpi_driver_unload(test);
	pci_clear_master(xpi_core_pdev[0]);
}

/* The core maps a 1:1 region before it attaches; Xen does it itself. */
static void load_with_region(struct kunit *test, u32 type)
{
	xpi_fake.dev[0].nr_resv = 1;
	xpi_fake.dev[0].resv[0].type = type;
	xpi_fake.dev[0].resv[0].start = XPI_ADDR(PFN);
	xpi_fake.dev[0].resv[0].last = XPI_ADDR(PFN + 4) - 1;
	xpi_fake_clear_counts();
	xpi_core_load(test);
	xpi_core_expect(test, 0, true);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(xpi_core_domain(0), XPI_ADDR(PFN + 3)),
			XPI_ADDR(PFN + 3));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_BATCH], 0);
	KUNIT_EXPECT_FALSE(test, xpi_fake.dev[0].relaxed);
}

/* As VFIO does it: the functions of one device are a group. */
static int attach_group(struct iommu_domain *d)
{
	struct iommu_group *group = iommu_group_get(xpi_core_dev(0));
	int ret = iommu_attach_group(d, group);

	iommu_group_put(group);
	return ret;
}

static void detach_group(struct iommu_domain *d)
{
	struct iommu_group *group = iommu_group_get(xpi_core_dev(0));

	iommu_detach_group(d, group);
	iommu_group_put(group);
}

/* A device that needs it always is not for programs: the core keeps it. */
static void direct_regions(struct kunit *test)
{
	struct iommu_group *group;

	load_with_region(test, XEN_PV_IOMMU_RESV_DIRECT);
	group = iommu_group_get(xpi_core_dev(0));
	KUNIT_EXPECT_NE(test, 0, iommu_group_claim_dma_owner(group, test));
	KUNIT_EXPECT_FALSE(test, iommu_group_dma_owner_claimed(group));
	iommu_group_put(group);
	xpi_driver_unload(test);
}

/* C4: one that can is, and there the region is like any other iova. */
static void relaxable_regions(struct kunit *test)
{
	struct iommu_domain *d;

	load_with_region(test, XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE);
	d = iommu_paging_domain_alloc(xpi_core_dev(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, 0, attach_group(d));
	KUNIT_EXPECT_TRUE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(d, XPI_ADDR(PFN)), 0);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_map(d, XPI_ADDR(PFN), XPI_ADDR(PFN + 9), PAGE_SIZE,
				  XPI_RW, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, xpi_fake_ctx(xpi_driver_ctx(d))->pte[PFN].gfn,
			xpi_fake_frame(PFN + 9, 1).gfn);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE,
			iommu_unmap(d, XPI_ADDR(PFN), PAGE_SIZE));
	detach_group(d);
	KUNIT_EXPECT_FALSE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(xpi_core_domain(0)));
	iommu_domain_free(d);
	xpi_driver_unload(test);
}

static struct iommu_group *claim_group(struct kunit *test)
{
	struct iommu_group *group = iommu_group_get(xpi_core_dev(0));

	KUNIT_ASSERT_NOT_NULL(test, group);
	KUNIT_EXPECT_EQ(test, 0, iommu_group_claim_dma_owner(group, test));
	return group;
}

static void give_group_back(struct iommu_group *group)
{
	iommu_group_release_dma_owner(group);
	iommu_group_put(group);
}

static const struct xpi_fake_ctx *fake_ctx(struct iommu_domain *d)
{
	return xpi_fake_ctx(xpi_driver_ctx(d));
}

/* Q1: one group gets half of what all users may have, in however many contexts. */
static void share_of_a_group(struct kunit *test)
{
	struct iommu_domain *d[2];
	struct iommu_group *group;
	unsigned int i;

	xpi_fake.pt_pages_max = 20;
	xpi_fake.pt_pages_reserve = 4;
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, fake_ctx(xpi_core_domain(0))->reserve);
	group = claim_group(test);
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		d[i] = iommu_paging_domain_alloc(xpi_core_dev(0));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d[i]);
		KUNIT_EXPECT_FALSE(test, fake_ctx(d[i])->reserve);
		KUNIT_EXPECT_EQ(test, fake_ctx(d[0])->tables_max, 8 / (i + 1));
		KUNIT_EXPECT_EQ(test, fake_ctx(d[i])->tables_max, 8 / (i + 1));
	}
	/* Half of four numbers. */
	KUNIT_EXPECT_PTR_EQ(test, iommu_paging_domain_alloc(xpi_core_dev(0)),
			    ERR_PTR(-ENOSPC));
	iommu_domain_free(d[0]);
	KUNIT_EXPECT_EQ(test, fake_ctx(d[1])->tables_max, 8);
	iommu_domain_free(d[1]);
	give_group_back(group);
	xpi_driver_unload(test);
}

static void expect_default_type(struct kunit *test, int with_users)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct iommu_group *group;
	struct iommu_domain *d;

	xpi_core_load(test);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(xpi_core_dev(0)), 0);
	group = claim_group(test);
	d = iommu_paging_domain_alloc(xpi_core_dev(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(xpi_core_dev(0)), with_users);
	iommu_domain_free(d);
	give_group_back(group);
	xpi_driver_unload(test);
}

/* Q1: users' contexts leave the next device translated, where Xen has a reserve. */
static void users_contexts_do_not_count(struct kunit *test)
{
	expect_default_type(test, 0);
	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_LIMITS;
	expect_default_type(test, IOMMU_DOMAIN_IDENTITY);
}

/* Some are kept for VFIO, but a device that is not trusted comes first. */
static void few_contexts(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();

	xpi_fake.max_ctx = 2;
	xpi_core_load(test);
	xpi_core_expect(test, 0, true);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(xpi_core_dev(0)),
			IOMMU_DOMAIN_IDENTITY);
	xpi_core_pdev[1]->untrusted = true;
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(xpi_core_dev(0)), 0);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(xpi_core_dev(1)), 0);
	xpi_core_pdev[1]->untrusted = false;
	xpi_driver_unload(test);
}

static void not_trusted(struct kunit *test)
{
	xpi_core_pdev[0]->untrusted = true;
	xpi_core_load(test);
	xpi_core_expect(test, 0, true);
	xpi_driver_unload(test);

	/* It cannot be translated, and must not be anything else. */
	xpi_driver.no_dma_api = true;
	xpi_core_load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(0)));
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(xpi_core_dev(1)));
	xpi_driver_unload(test);
	xpi_core_pdev[0]->untrusted = false;
}

/* Function 0 uses the requester id of function 1, says a quirk of Linux'. */
static void ids_that_only_linux_knows(struct kunit *test)
{
	DECLARE_BITMAP(aliases, 256) = {};

	__set_bit(xpi_core_pdev[1]->devfn, aliases);
	xpi_core_pdev[0]->dma_alias_mask = aliases;
	xpi_core_load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(0)));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(xpi_core_dev(1)));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	xpi_driver_unload(test);

	xpi_core_pdev[0]->dma_alias_mask = NULL;
	xpi_core_load(test);
	xpi_core_expect(test, 0, true);
	xpi_core_expect(test, 1, true);
	xpi_driver_unload(test);
}

static struct pci_dev *find_port(struct kunit *test, bool has_slot)
{
	struct pci_dev *at = NULL;

	while ((at = pci_get_device(REDHAT, ROOT_PORT, at)))
		if (at->is_hotplug_bridge == has_slot)
			break;
	if (!at)
		kunit_skip(test, "the machine has no root port of that kind");
	xpi_fake.dev[1].sbdf = pci_dev_id(at);
	xpi_fake.dev[1].flags = XEN_PV_IOMMU_NO_CTX_BRIDGE <<
				XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT;
	return at;
}

/* Where the core warns of a device with a driver, its driver has to go before. */
static void load_with_port(struct kunit *test, struct pci_dev *port)
{
	if (!xpi_driver_late("managed"))
		device_release_driver(&port->dev);
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(&port->dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[1].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
}

static void unload_and_put(struct kunit *test, struct pci_dev *port)
{
	xpi_driver_unload(test);
	KUNIT_EXPECT_GE(test, device_attach(&port->dev), 0);
	pci_dev_put(port);
}

/* Xen never attaches it, but the core has to know it. */
static void root_port(struct kunit *test)
{
	struct pci_dev *port = find_port(test, true);

	/* It has a driver, too, which leaves DMA to others. */
	KUNIT_EXPECT_NOT_NULL(test, port->dev.driver);
	xpi_driver_late("skip");
	xpi_core_load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(&port->dev));
	xpi_driver_unload(test);

	load_with_port(test, port);
	KUNIT_EXPECT_STREQ(test, "context none\n",
			   xpi_core_read(test, port, "context"));
	KUNIT_EXPECT_FALSE(test, xpi_file_exists(xpi_core_path(test, port, "lookup")));
	unload_and_put(test, port);
}

static bool has_context(struct pci_dev *port)
{
	return iommu_get_domain_for_dev(&port->dev)->type !=
	       IOMMU_DOMAIN_IDENTITY;
}

/* Without an IOMMU at boot the kernel leaves them off. */
static void switch_acs(struct pci_dev *port, bool on)
{
	if (port->acs_cap)
		pci_write_config_word(port, port->acs_cap + PCI_ACS_CTRL,
				      on ? PCI_ACS_SV | PCI_ACS_RR |
					   PCI_ACS_CR | PCI_ACS_UF : 0);
}

/* A device that joins the port's group some day may need translation. */
static void port_with_a_slot(struct kunit *test)
{
	struct pci_dev *port = find_port(test, true);

	switch_acs(port, true);
	load_with_port(test, port);
	KUNIT_EXPECT_TRUE(test, has_context(port));
	switch_acs(port, false);
	unload_and_put(test, port);
}

/* A small kernel does not reach them: it has no extended configuration space. */
static void port_without_a_slot(struct kunit *test)
{
	struct pci_dev *port = find_port(test, false);

	load_with_port(test, port);
	KUNIT_EXPECT_TRUE(test, has_context(port));
	xpi_driver_unload(test);

	switch_acs(port, true);
	xpi_core_load(test);
	KUNIT_EXPECT_EQ(test, has_context(port), !port->acs_cap);
	xpi_driver_unload(test);

	/* If it is said to be on the outside, the core insists. */
	port->external_facing = true;
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, has_context(port));
	port->external_facing = false;
	switch_acs(port, false);
	unload_and_put(test, port);
}

/* Its ports are in no group, so the core cannot find the group behind them. */
static void switch_that_was_left_alone(struct kunit *test)
{
	struct pci_dev *at = NULL, *below[2];
	unsigned int nr = 0;

	while ((at = pci_get_device(XPI_QEMU, XPI_EDU, at)))
		if (!pci_is_root_bus(at->bus) && nr < ARRAY_SIZE(below))
			below[nr++] = pci_dev_get(at);
	if (nr < ARRAY_SIZE(below))
		kunit_skip(test, "the machine has no two edu devices behind a switch");
	xpi_fake.dev[0].sbdf = pci_dev_id(below[0]);
	xpi_fake.dev[1].sbdf = pci_dev_id(below[1]);
	xpi_core_load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(&below[0]->bus->self->dev));
	KUNIT_EXPECT_NOT_NULL(test, below[0]->dev.iommu_group);
	KUNIT_EXPECT_PTR_EQ(test, below[0]->dev.iommu_group,
			    below[1]->dev.iommu_group);
	xpi_driver_unload(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(&below[0]->dev));

	/* Others are not in it. */
	xpi_fake.dev[0].sbdf = pci_dev_id(xpi_core_pdev[0]);
	xpi_core_load(test);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(xpi_core_dev(0)));
	KUNIT_EXPECT_PTR_NE(test, xpi_core_pdev[0]->dev.iommu_group,
			    below[1]->dev.iommu_group);
	xpi_driver_unload(test);
	pci_dev_put(below[0]);
	pci_dev_put(below[1]);
}

static struct kunit_case core_cases[] = {
	KUNIT_CASE(not_for_this_domain),
	KUNIT_CASE(parameter_that_is_none),
	KUNIT_CASE(xen_that_has_none),
	KUNIT_CASE(translated),
	KUNIT_CASE(without_the_dma_api),
	KUNIT_CASE(a_group_that_cannot_be_served),
	KUNIT_CASE(not_registered),
	KUNIT_CASE(faults_of_another_time),
	KUNIT_CASE(silenced),
	KUNIT_CASE(not_silenced),
	KUNIT_CASE(direct_regions),
	KUNIT_CASE(relaxable_regions),
	KUNIT_CASE(share_of_a_group),
	KUNIT_CASE(users_contexts_do_not_count),
	KUNIT_CASE(few_contexts),
	KUNIT_CASE(not_trusted),
	KUNIT_CASE(ids_that_only_linux_knows),
	KUNIT_CASE(root_port),
	KUNIT_CASE(port_with_a_slot),
	KUNIT_CASE(port_without_a_slot),
	KUNIT_CASE(switch_that_was_left_alone),
	{}
};

static struct kunit_suite core_suite = {
	.name = "xpi-core",
	.init = xpi_core_init,
	.exit = xpi_core_exit,
	.test_cases = core_cases,
};

kunit_test_suites(&core_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * The driver as it is loaded: the kernel's IOMMU core asks about real PCI
 * devices, makes groups and default domains, and takes them away again. Only Xen
 * is the fake. And what the files in debugfs say of it.
 *
 * kunit/run has two functions of one device that no other driver uses (QEMU's
 * edu), two root ports, one of which has a slot, and two edus behind a switch
 * without access control services.
 *
 * Pins: one group that could not be served left the machine without a driver; a
 * device whose driver had come while the module was loading got a DMA domain.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "driver.h"
#include "fake-hv.h"
#include "files.h"

/* Vendor and device ids. */
#define QEMU		0x1234
#define EDU		0x11e8
#define REDHAT		0x1b36
#define ROOT_PORT	0x000c

#define DFN		0x20U
#define PFN		0x1000U
#define DIR		"/sys/kernel/debug/xen-pv-iommu"
#define SYSFS		"/sys/class/iommu/xen-pv-iommu"

/* Functions 0 and 1: without access control services, so in one group. */
static struct pci_dev *pdev[2];

static void find_devices(void)
{
	struct pci_dev *at = NULL;

	while ((at = pci_get_device(QEMU, EDU, at)))
		if (pci_is_root_bus(at->bus) &&
		    PCI_FUNC(at->devfn) < ARRAY_SIZE(pdev))
			pdev[PCI_FUNC(at->devfn)] = pci_dev_get(at);
}

static void put_devices(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pdev); i++) {
		pci_dev_put(pdev[i]);
		pdev[i] = NULL;
	}
}

static int core_init(struct kunit *test)
{
	int ret = xpi_driver_init(test);
	unsigned int i;

	if (ret)
		return ret;
	find_devices();
	if (!pdev[0] || !pdev[1])
		kunit_skip(test, "the machine has no edu device with two functions");
	for (i = 0; i < ARRAY_SIZE(pdev); i++)
		xpi_fake.dev[i].sbdf = pci_dev_id(pdev[i]);
	return 0;
}

static void core_exit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xpi_driver.bypasses, 0);
	KUNIT_EXPECT_FALSE(test, xpi_file_exists(DIR "/counters"));
	put_devices();
	xpi_driver_exit(test);
}

static struct device *dev(unsigned int fn)
{
	return &pdev[fn]->dev;
}

static struct iommu_domain *domain_of(unsigned int fn)
{
	return iommu_get_domain_for_dev(dev(fn));
}

static void load(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_load(test));
}

static void expect_type(struct kunit *test, unsigned int fn, bool translated)
{
	u32 ctx = xpi_fake.dev[fn].ctx;

	KUNIT_ASSERT_NOT_NULL(test, domain_of(fn));
	KUNIT_EXPECT_EQ(test, domain_of(fn)->type == IOMMU_DOMAIN_IDENTITY,
			!translated);
	KUNIT_EXPECT_EQ(test, ctx != XEN_PV_IOMMU_CTX_DEFAULT, translated);
	KUNIT_EXPECT_EQ(test, !!xpi_fake_ctx(ctx), translated);
}

static const char *path_of(struct kunit *test, struct pci_dev *p,
			   const char *file)
{
	return xpi_text(test, DIR "/devices/%s/%s", pci_name(p), file);
}

static const char *read_file(struct kunit *test, struct pci_dev *p,
			     const char *file)
{
	const char *text = xpi_file_read(test, path_of(test, p, file));

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, text);
	return text;
}

/* --- xpi-core: loading and unloading --------------------------------------- */

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
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(0)));
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
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(0)));
	load(test);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(dev(0)));
	xpi_driver_unload(test);
}

static void translated(struct kunit *test)
{
	load(test);
	expect_type(test, 0, true);
	expect_type(test, 1, true);
	KUNIT_EXPECT_PTR_EQ(test, domain_of(0), domain_of(1));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_fake.dev[1].ctx);
	KUNIT_EXPECT_EQ(test, xpi_driver.bypasses, 1);
	KUNIT_EXPECT_TRUE(test, xpi_driver.is_protected(dev(0)));
	xpi_fake.dev[0].flags &= ~XEN_PV_IOMMU_DEV_F_PROTECTED;
	KUNIT_EXPECT_FALSE(test, xpi_driver.is_protected(dev(0)));

	xpi_driver_unload(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
}

static void without_the_dma_api(struct kunit *test)
{
	xpi_driver.no_dma_api = true;
	load(test);
	expect_type(test, 0, false);
	expect_type(test, 1, false);
	xpi_driver_unload(test);
}

/* For the core that is the end of all, so all of them do without. */
static void a_group_that_cannot_be_served(struct kunit *test)
{
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -ENOMEM, .always = true, .ops = XPI_FAKE_OP(CTX_ALLOC),
	};
	load(test);
	KUNIT_EXPECT_TRUE(test, xpi_fake.call_fault.fired);
	expect_type(test, 0, false);
	expect_type(test, 1, false);
	xpi_driver_unload(test);
}

static void expect_not_loaded(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -ENOMEM, xpi_driver_load(test));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_driver.bypasses, 0);
	KUNIT_EXPECT_FALSE(test, xpi_file_exists(DIR "/counters"));
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
	load(test);
	KUNIT_EXPECT_TRUE(test, xpi_file_exists(SYSFS));
	expect_type(test, 0, false);
	xpi_driver_unload(test);
}

static void faults_of_another_time(struct kunit *test)
{
	xpi_fake.features |= XEN_PV_IOMMU_FEAT_FAULTS;
	xpi_fake.nr_faults = 3;
	load(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 0);
	xpi_driver_unload(test);
}

/* A predecessor has left it as a bus master. */
static void silenced(struct kunit *test)
{
	u16 command;

	pci_set_master(pdev[0]);
	xpi_fake.dev[0].masters = true;
	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_BLOCKED;
	load(test);
	KUNIT_EXPECT_FALSE(test, pdev[0]->is_busmaster);
	pci_read_config_word(pdev[0], PCI_COMMAND, &command);
	KUNIT_EXPECT_FALSE(test, command & PCI_COMMAND_MASTER);
	expect_type(test, 0, true);
	xpi_driver_unload(test);
}

static void not_silenced(struct kunit *test)
{
	pci_set_master(pdev[0]);
	load(test);
	KUNIT_EXPECT_TRUE(test, pdev[0]->is_busmaster);
	xpi_driver_unload(test);
	pci_clear_master(pdev[0]);
}

/* The core maps a 1:1 region before it attaches; Xen does it itself. */
static void load_with_region(struct kunit *test, u32 type)
{
	xpi_fake.dev[0].nr_resv = 1;
	xpi_fake.dev[0].resv[0].type = type;
	xpi_fake.dev[0].resv[0].start = XPI_ADDR(PFN);
	xpi_fake.dev[0].resv[0].last = XPI_ADDR(PFN + 4) - 1;
	xpi_fake_clear_counts();
	load(test);
	expect_type(test, 0, true);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain_of(0), XPI_ADDR(PFN + 3)),
			XPI_ADDR(PFN + 3));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_BATCH], 0);
	KUNIT_EXPECT_FALSE(test, xpi_fake.dev[0].relaxed);
}

/* As VFIO does it: the functions of one device are a group. */
static int attach_group(struct iommu_domain *d)
{
	struct iommu_group *group = iommu_group_get(dev(0));
	int ret = iommu_attach_group(d, group);

	iommu_group_put(group);
	return ret;
}

static void detach_group(struct iommu_domain *d)
{
	struct iommu_group *group = iommu_group_get(dev(0));

	iommu_detach_group(d, group);
	iommu_group_put(group);
}

/* A device that needs it always is not for programs: the core keeps it. */
static void direct_regions(struct kunit *test)
{
	struct iommu_group *group;

	load_with_region(test, XEN_PV_IOMMU_RESV_DIRECT);
	group = iommu_group_get(dev(0));
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
	d = iommu_paging_domain_alloc(dev(0));
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
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(domain_of(0)));
	iommu_domain_free(d);
	xpi_driver_unload(test);
}

static struct iommu_group *claim_group(struct kunit *test)
{
	struct iommu_group *group = iommu_group_get(dev(0));

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
	load(test);
	KUNIT_EXPECT_TRUE(test, fake_ctx(domain_of(0))->reserve);
	group = claim_group(test);
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		d[i] = iommu_paging_domain_alloc(dev(0));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d[i]);
		KUNIT_EXPECT_FALSE(test, fake_ctx(d[i])->reserve);
		KUNIT_EXPECT_EQ(test, fake_ctx(d[0])->tables_max, 8 / (i + 1));
		KUNIT_EXPECT_EQ(test, fake_ctx(d[i])->tables_max, 8 / (i + 1));
	}
	/* Half of four numbers. */
	KUNIT_EXPECT_PTR_EQ(test, iommu_paging_domain_alloc(dev(0)),
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

	load(test);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(dev(0)), 0);
	group = claim_group(test);
	d = iommu_paging_domain_alloc(dev(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(dev(0)), with_users);
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
	load(test);
	expect_type(test, 0, true);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(dev(0)),
			IOMMU_DOMAIN_IDENTITY);
	pdev[1]->untrusted = true;
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(dev(0)), 0);
	KUNIT_EXPECT_EQ(test, ops->def_domain_type(dev(1)), 0);
	pdev[1]->untrusted = false;
	xpi_driver_unload(test);
}

static void not_trusted(struct kunit *test)
{
	pdev[0]->untrusted = true;
	load(test);
	expect_type(test, 0, true);
	xpi_driver_unload(test);

	/* It cannot be translated, and must not be anything else. */
	xpi_driver.no_dma_api = true;
	load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(0)));
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(dev(1)));
	xpi_driver_unload(test);
	pdev[0]->untrusted = false;
}

/* Function 0 uses the requester id of function 1, says a quirk of Linux'. */
static void ids_that_only_linux_knows(struct kunit *test)
{
	DECLARE_BITMAP(aliases, 256) = {};

	__set_bit(pdev[1]->devfn, aliases);
	pdev[0]->dma_alias_mask = aliases;
	load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(0)));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(1)));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	xpi_driver_unload(test);

	pdev[0]->dma_alias_mask = NULL;
	load(test);
	expect_type(test, 0, true);
	expect_type(test, 1, true);
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
	load(test);
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
	load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(&port->dev));
	xpi_driver_unload(test);

	load_with_port(test, port);
	KUNIT_EXPECT_STREQ(test, "context none\n",
			   read_file(test, port, "context"));
	KUNIT_EXPECT_FALSE(test, xpi_file_exists(path_of(test, port, "lookup")));
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
	load(test);
	KUNIT_EXPECT_EQ(test, has_context(port), !port->acs_cap);
	xpi_driver_unload(test);

	/* If it is said to be on the outside, the core insists. */
	port->external_facing = true;
	load(test);
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

	while ((at = pci_get_device(QEMU, EDU, at)))
		if (!pci_is_root_bus(at->bus) && nr < ARRAY_SIZE(below))
			below[nr++] = pci_dev_get(at);
	if (nr < ARRAY_SIZE(below))
		kunit_skip(test, "the machine has no two edu devices behind a switch");
	xpi_fake.dev[0].sbdf = pci_dev_id(below[0]);
	xpi_fake.dev[1].sbdf = pci_dev_id(below[1]);
	load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(&below[0]->bus->self->dev));
	KUNIT_EXPECT_NOT_NULL(test, below[0]->dev.iommu_group);
	KUNIT_EXPECT_PTR_EQ(test, below[0]->dev.iommu_group,
			    below[1]->dev.iommu_group);
	xpi_driver_unload(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(&below[0]->dev));

	/* Others are not in it. */
	xpi_fake.dev[0].sbdf = pci_dev_id(pdev[0]);
	load(test);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(dev(0)));
	KUNIT_EXPECT_PTR_NE(test, pdev[0]->dev.iommu_group,
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
	.init = core_init,
	.exit = core_exit,
	.test_cases = core_cases,
};

/* --- xpi-late: devices that have a driver before ---------------------------- */

/* Function 0 stays without. */
static int edu_probe(struct pci_dev *p, const struct pci_device_id *id)
{
	return PCI_FUNC(p->devfn) == 1 ? 0 : -ENODEV;
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(QEMU, EDU) },
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
	KUNIT_EXPECT_PTR_EQ(test, dev(1)->driver, &edu_driver.driver);
}

/* Its DMA goes on where it goes; and so must whatever shares its group. */
static void live(struct kunit *test)
{
	bind_edu(test, false);
	load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(1)));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	xpi_driver_unload(test);
}

/* No longer a danger to its peer. Also where there is no other way. */
static void managed_but_skipped(struct kunit *test)
{
	bind_edu(test, true);
	xpi_driver_late("skip");
	load(test);
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(1)));
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(dev(0)));
	xpi_driver_unload(test);
}

static unsigned int looks;

static enum xpi_bound after_the_first_look(struct pci_dev *p)
{
	return p == pdev[1] && looks++ ? XPI_LIVE : XPI_UNBOUND;
}

/* It found no group yet, so its DMA has to stay where it is. */
static void bound_meanwhile(struct kunit *test)
{
	looks = 0;
	xpi_driver.bound = after_the_first_look;
	load(test);
	KUNIT_EXPECT_EQ(test, looks, 2);
	expect_type(test, 0, false);
	expect_type(test, 1, false);
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_CTX_ALLOC], 0);
	xpi_driver_unload(test);
}

static enum xpi_bound peer_is_quick(struct pci_dev *p)
{
	if (p != pdev[1])
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
			kunit_add_action(test, no_quick_peer, pdev[1]));
	xpi_driver.bound = peer_is_quick;
	load(test);
	KUNIT_EXPECT_TRUE(test, device_iommu_mapped(dev(0)));
	KUNIT_EXPECT_FALSE(test, device_iommu_mapped(dev(1)));
	d = iommu_paging_domain_alloc(dev(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, -ENODEV, iommu_attach_device(d, dev(0)));
	KUNIT_EXPECT_NE(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(d));
	/* When it has its driver no more, there is nothing to fear. */
	kunit_release_action(test, no_quick_peer, pdev[1]);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(d, dev(0)));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(d));
	iommu_detach_device(d, dev(0));
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
	.init = core_init,
	.exit = core_exit,
	.test_cases = late_cases,
};

/* --- xpi-msi: what VFIO may rely on ----------------------------------------- */

static struct irq_domain msi_domain;

static int msi_init(struct kunit *test)
{
	int ret = core_init(test);

	msi_domain = (struct irq_domain){ .name = "XEN-MSI-3" };
	xpi_driver.msi_domain = &msi_domain;
	xpi_fake.features |= XEN_PV_IOMMU_FEAT_MSI_ISOLATED;
	xpi_driver_msi_isolated(true);
	return ret;
}

static void expect_claimed(struct kunit *test, bool claimed)
{
	load(test);
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
	load(test);
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
	.exit = core_exit,
	.test_cases = msi_cases,
};

/* --- xpi-debugfs: what the files say ---------------------------------------- */

static int debugfs_init(struct kunit *test)
{
	int ret = core_init(test);

	if (ret)
		return ret;
	if (!xpi_file_exists("/sys/kernel/debug/kunit"))
		kunit_skip(test, "debugfs is not mounted");
	xpi_fake.features |= XEN_PV_IOMMU_FEAT_LOOKUP_GFN;
	return 0;
}

/* A line that the file has, as a whole. */
static __printf(3, 4) void expect_line(struct kunit *test, const char *text,
				       const char *fmt, ...)
{
	const char *at = text;
	char line[128];
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	while ((at = strstr(at, line))) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return;
		at++;
	}
	KUNIT_FAIL(test, "there is no line '%s' in\n%s", line, text);
}

static void map(struct kunit *test, u64 dfn, u64 pfn, u64 nr)
{
	KUNIT_ASSERT_EQ(test, 0, iommu_map(domain_of(0), XPI_ADDR(dfn),
					   XPI_ADDR(pfn), XPI_ADDR(nr), XPI_RW,
					   GFP_KERNEL));
}

static int one_that_waits(u64 dfn)
{
	struct iommu_domain *dom = domain_of(0);
	size_t mapped = 0;

	return dom->ops->map_pages(dom, XPI_ADDR(dfn), XPI_ADDR(PFN), SZ_4K, 1,
				   XPI_RW, GFP_KERNEL, &mapped);
}

static void attached(struct kunit *test)
{
	const char *text;

	load(test);
	map(test, DFN, PFN, 4);
	map(test, 0x400, PFN, 0x200);
	KUNIT_ASSERT_EQ(test, 0, one_that_waits(DFN + 8));
	text = read_file(test, pdev[1], "context");
	expect_line(test, text, "context %u", xpi_fake.dev[0].ctx);
	expect_line(test, text, "xen_context %u", xpi_fake.dev[0].ctx);
	expect_line(test, text, "xen_device_flags %#x", xpi_fake.dev[0].flags);
	expect_line(test, text, "xen_context_flags %#x",
		    XEN_PV_IOMMU_CTX_F_RESERVE);
	expect_line(test, text, "xen_pages_mapped %u", 0x204);
	expect_line(test, text, "xen_table_pages %u", 1);
	expect_line(test, text, "xen_table_pages_max %u", U32_MAX);
	expect_line(test, text, "leaves_4k %u", 5);
	expect_line(test, text, "leaves_2m %u", 1);
	expect_line(test, text, "waiting_maps %u", 1);
	expect_line(test, text, "waiting_unmaps %u", 0);
	xpi_driver_unload(test);
}

static void context_of_xen(struct kunit *test)
{
	const char *text;

	xpi_driver.no_dma_api = true;
	load(test);
	text = read_file(test, pdev[0], "context");
	expect_line(test, text, "context %u", 0);
	expect_line(test, text, "xen_context %u", 0);
	/* Xen gives no figures of it, and Linux has none. */
	KUNIT_EXPECT_NULL(test, strstr(text, "xen_pages_mapped"));
	KUNIT_EXPECT_NULL(test, strstr(text, "leaves_4k"));
	text = read_file(test, pdev[0], "lookup");
	expect_line(test, text, "iova 0x0 context %u", 0);
	expect_line(test, text, "not a context that Linux fills");
	xpi_driver_unload(test);
}

static void xen_disagrees(struct kunit *test)
{
	load(test);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EPERM, .ops = XPI_FAKE_OP(DEV_QUERY),
	};
	expect_line(test, read_file(test, pdev[0], "context"), "xen_error -%u", EPERM);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -ENOENT, .ops = XPI_FAKE_OP(CTX_INFO),
	};
	expect_line(test, read_file(test, pdev[0], "context"),
		    "xen_context_error -%u", ENOENT);
	xpi_driver_unload(test);
}

/* Xen has forgotten it, so its domain goes without it; see xpi_dev_domain_gone(). */
static void device_that_is_gone(struct kunit *test)
{
	struct iommu_domain *d;
	const char *text;
	u32 sbdf;

	load(test);
	d = xpi_driver_domain(dev(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev(0)));
	expect_line(test, read_file(test, pdev[0], "context"), "context %u",
		    xpi_driver_ctx(d));

	sbdf = xpi_fake.dev[0].sbdf;
	xpi_fake.dev[0].sbdf = 0xffff;
	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_DEFAULT;
	xpi_driver_free(d);
	text = read_file(test, pdev[0], "context");
	expect_line(test, text, "context unknown");
	expect_line(test, text, "xen_error -%u", ENODEV);
	expect_line(test, read_file(test, pdev[0], "lookup"),
		    "not a context that Linux fills");
	xpi_fake.dev[0].sbdf = sbdf;
	xpi_driver_unload(test);
}

static const char *look_up(struct kunit *test, u64 dfn)
{
	const char *iova = xpi_text(test, "%#llx\n", XPI_ADDR(dfn) + 0x123);

	KUNIT_ASSERT_EQ(test, 0, xpi_file_write(test, path_of(test, pdev[0], "lookup"),
						iova));
	return read_file(test, pdev[0], "lookup");
}

static void lookup(struct kunit *test)
{
	const char *text;

	load(test);
	map(test, DFN, PFN, 4);
	map(test, 0x400, PFN, 0x200);
	text = look_up(test, DFN + 1);
	expect_line(test, text, "iova 0x21123 context %u", xpi_fake.dev[0].ctx);
	expect_line(test, text, "xen gfn %#x order 0 flags 0x3", PFN + 1);
	expect_line(test, text, "linux gfn 0x1001 pfn %#x", PFN + 1);
	text = look_up(test, 0x401);
	expect_line(test, text, "xen gfn %#x order 9 flags 0x3", PFN + 1);
	text = look_up(test, DFN + 4);
	expect_line(test, text, "xen nothing");
	expect_line(test, text, "linux nothing");
	xpi_driver_unload(test);
}

/* Other domains' frames have no number that would mean something here. */
static void lookup_of_a_secret(struct kunit *test)
{
	const char *text;

	load(test);
	map(test, DFN, XPI_PFN_FOREIGN, 1);
	text = look_up(test, DFN);
	expect_line(test, text, "xen gfn unknown order 0 flags %#x",
		    XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W |
		    XEN_PV_IOMMU_F_FOREIGN);
	expect_line(test, text, "linux gfn 0xc000 pfn %#x foreign",
		    XPI_PFN_FOREIGN);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EPERM, .ops = XPI_FAKE_OP(LOOKUP),
	};
	expect_line(test, look_up(test, DFN), "xen error -%u", EPERM);
	xpi_driver_unload(test);
}

/* Memory of the firmware's that Linux has no frame for. */
static void lookup_without_a_frame(struct kunit *test)
{
	xpi_fake.dev[0].nr_resv = 1;
	xpi_fake.dev[0].resv[0].type = XEN_PV_IOMMU_RESV_DIRECT;
	xpi_fake.dev[0].resv[0].start = XPI_ADDR(XPI_PFN_NONE);
	xpi_fake.dev[0].resv[0].last = XPI_ADDR(XPI_PFN_NONE + 1) - 1;
	load(test);
	expect_line(test, look_up(test, XPI_PFN_NONE), "linux gfn none pfn %#x",
		    XPI_PFN_NONE);
	xpi_driver_unload(test);
}

static void lookup_of_nonsense(struct kunit *test)
{
	const char *path;

	load(test);
	path = path_of(test, pdev[0], "lookup");
	look_up(test, DFN);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_file_write(test, path, "here"));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			xpi_file_write(test, path, "0x10000000000000000"));
	expect_line(test, read_file(test, pdev[0], "lookup"),
		    "iova 0x20123 context %u", xpi_fake.dev[0].ctx);
	xpi_driver_unload(test);
}

static unsigned long counter(struct kunit *test, const char *name)
{
	const char *text = xpi_file_read(test, DIR "/counters");
	const char *at;
	unsigned long n;
	int fields;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, text);
	at = strstr(text, name);
	KUNIT_ASSERT_NOT_NULL_MSG(test, at, "%s is not in\n%s", name, text);
	fields = sscanf(at + strlen(name), " %lu\n", &n);
	KUNIT_ASSERT_EQ_MSG(test, fields, 1, "%s has no number in\n%s", name,
			    text);
	return n;
}

static void counters(struct kunit *test)
{
	static const char * const names[] = {
		"hypercalls", "multicalls", "map_calls", "unmap_calls",
		"descriptors", "runs", "pages_mapped", "pages_unmapped",
		"maps_dropped", "deferred_unmaps", "flush_alls", "errors",
		"faults", "faults_lost", "arrays_of_1", "arrays_of_2-3",
		"arrays_of_4-7", "arrays_of_64-127", "arrays_of_128-",
	};
	unsigned long mapped, flushed;
	unsigned int i;

	load(test);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		counter(test, names[i]);
	mapped = counter(test, "pages_mapped");
	flushed = counter(test, "flush_alls");
	map(test, DFN, PFN, 4);
	domain_of(0)->ops->flush_iotlb_all(domain_of(0));
	KUNIT_EXPECT_EQ(test, counter(test, "pages_mapped"), mapped + 4);
	KUNIT_EXPECT_EQ(test, counter(test, "flush_alls"), flushed + 1);
	xpi_driver_unload(test);
}

static struct kunit_case debugfs_cases[] = {
	KUNIT_CASE(attached),
	KUNIT_CASE(context_of_xen),
	KUNIT_CASE(xen_disagrees),
	KUNIT_CASE(device_that_is_gone),
	KUNIT_CASE(lookup),
	KUNIT_CASE(lookup_of_a_secret),
	KUNIT_CASE(lookup_without_a_frame),
	KUNIT_CASE(lookup_of_nonsense),
	KUNIT_CASE(counters),
	{}
};

static struct kunit_suite debugfs_suite = {
	.name = "xpi-debugfs",
	.init = debugfs_init,
	.exit = core_exit,
	.test_cases = debugfs_cases,
};

kunit_test_suites(&core_suite, &late_suite, &msi_suite, &debugfs_suite);

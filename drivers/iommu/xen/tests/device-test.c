// SPDX-License-Identifier: GPL-2.0
/*
 * Which devices may be one group, found out from PCI devices and their
 * configuration space; and what the driver makes of Xen's answers about a
 * device.
 *
 * The driver's file is included as it is, for what it keeps to itself.
 *
 * Pins: two devices behind a switch without ACS got groups of their own when
 * bridges that have a driver were left out; a disk behind a VMD was in no group,
 * and its DMA was refused.
 */
#include <kunit/test.h>
#include <linux/pci.h>
#include <linux/sizes.h>

/* A bus behind a VMD, and that VMD, also in a kernel that knows none. */
static struct {
	const struct pci_bus *bus;
	struct pci_dev *vmd_dev;
} vmd;

#undef CONFIG_VMD
#define CONFIG_VMD		1
#undef is_vmd
#define is_vmd(b)		((b) == vmd.bus)
#undef to_pci_sysdata
#define to_pci_sysdata(b)	((void)(b), &vmd)

#include "../device.c"

#undef to_pci_sysdata

#include "fake-hv.h"

#define MAX_NODES	6
#define ACS_AT		0x100
#define ACS_ALL		(PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

/* Access control services of a device. */
enum acs {
	NO_ACS,
	ACS_OFF,	/* it could, but they are off */
	ACS_HALF,	/* some are on, some that it has are not */
	ACS_FEW,	/* it has some only, and they are on */
	ACS_ON,
};

static const struct {
	u16 cap, ctrl;
} acs_regs[] = {
	[ACS_OFF] = { ACS_ALL, 0 },
	[ACS_HALF] = { ACS_ALL, PCI_ACS_SV | PCI_ACS_RR },
	[ACS_FEW] = { PCI_ACS_SV, PCI_ACS_SV },
	[ACS_ON] = { ACS_ALL, ACS_ALL },
};

#define CONVENTIONAL	0x100	/* no PCI_EXP_TYPE_* */

/**
 * struct node - a device of a topology
 * @up: the bridge above it: its index + 1, 0 for the root bus
 * @slot: where on that bus
 * @fn: likewise
 * @mf: the slot has several functions
 * @type: PCI_EXP_TYPE_* or CONVENTIONAL
 * @acs: what it has of them
 * @group: expected: equal if and only if the keys are to be
 */
struct node {
	u8 up, slot, fn;
	bool mf;
	u16 type;
	enum acs acs;
	char group;
};

#define ROOT_PORT	PCI_EXP_TYPE_ROOT_PORT
#define UP_PORT		PCI_EXP_TYPE_UPSTREAM
#define DOWN_PORT	PCI_EXP_TYPE_DOWNSTREAM
#define TO_PCI		PCI_EXP_TYPE_PCI_BRIDGE
#define ENDPOINT	PCI_EXP_TYPE_ENDPOINT

static const struct topology {
	const char *what;
	struct node node[MAX_NODES];
} topologies[] = {
	{ "root ports that isolate", {
		{ 0, 1, 0, false, ROOT_PORT, ACS_ON, 'a' },
		{ 0, 2, 0, false, ROOT_PORT, ACS_FEW, 'b' },
		{ 1, 0, 0, false, ENDPOINT, NO_ACS, 'c' },
		{ 2, 0, 0, false, ENDPOINT, NO_ACS, 'd' } } },
	{ "root ports whose ACS are off", {
		{ 0, 1, 0, false, ROOT_PORT, ACS_OFF, 'a' },
		{ 0, 2, 0, false, ROOT_PORT, ACS_HALF, 'b' },
		{ 1, 0, 0, false, ENDPOINT, NO_ACS, 'a' },
		{ 2, 0, 0, false, ENDPOINT, NO_ACS, 'b' } } },
	{ "root ports without ACS in one slot", {
		{ 0, 1, 0, true, ROOT_PORT, NO_ACS, 'a' },
		{ 0, 1, 1, true, ROOT_PORT, NO_ACS, 'a' },
		{ 1, 0, 0, false, ENDPOINT, NO_ACS, 'a' },
		{ 2, 0, 0, false, ENDPOINT, NO_ACS, 'a' } } },
	{ "functions of one device", {
		{ 0, 3, 0, true, ENDPOINT, NO_ACS, 'a' },
		{ 0, 3, 1, true, ENDPOINT, ACS_OFF, 'a' },
		{ 0, 4, 0, true, ENDPOINT, ACS_ON, 'b' },
		{ 0, 4, 1, true, ENDPOINT, ACS_ON, 'c' } } },
	{ "a switch that isolates", {
		{ 0, 1, 0, false, ROOT_PORT, ACS_ON, 'a' },
		{ 1, 0, 0, false, UP_PORT, NO_ACS, 'b' },
		{ 2, 0, 0, false, DOWN_PORT, ACS_ON, 'c' },
		{ 2, 1, 0, false, DOWN_PORT, ACS_ON, 'd' },
		{ 3, 0, 0, false, ENDPOINT, NO_ACS, 'e' },
		{ 4, 0, 0, false, ENDPOINT, NO_ACS, 'f' } } },
	{ "a switch below a root port without ACS", {
		{ 0, 1, 0, false, ROOT_PORT, NO_ACS, 'a' },
		{ 1, 0, 0, false, UP_PORT, NO_ACS, 'a' },
		{ 2, 0, 0, false, DOWN_PORT, ACS_ON, 'a' },
		{ 2, 1, 0, false, DOWN_PORT, ACS_ON, 'a' },
		{ 3, 0, 0, false, ENDPOINT, NO_ACS, 'a' },
		{ 4, 0, 0, false, ENDPOINT, NO_ACS, 'a' } } },
	{ "a switch with its ports in one slot, without ACS", {
		{ 0, 1, 0, false, ROOT_PORT, ACS_ON, 'a' },
		{ 1, 0, 0, false, UP_PORT, NO_ACS, 'b' },
		{ 2, 0, 0, true, DOWN_PORT, NO_ACS, 'c' },
		{ 2, 0, 1, true, DOWN_PORT, NO_ACS, 'c' },
		{ 3, 0, 0, false, ENDPOINT, NO_ACS, 'c' },
		{ 4, 0, 0, false, ENDPOINT, NO_ACS, 'c' } } },
	{ "a bridge to conventional PCI", {
		{ 0, 1, 0, false, ROOT_PORT, ACS_ON, 'a' },
		{ 1, 0, 0, false, TO_PCI, NO_ACS, 'b' },
		{ 2, 1, 0, false, CONVENTIONAL, NO_ACS, 'b' },
		{ 2, 2, 0, false, CONVENTIONAL, NO_ACS, 'b' } } },
	{ "a chipset", {
		{ 0, 31, 0, true, CONVENTIONAL, NO_ACS, 'a' },
		{ 0, 31, 2, true, CONVENTIONAL, NO_ACS, 'a' },
		{ 0, 30, 0, false, CONVENTIONAL, NO_ACS, 'b' } } },
};

/* The devices, and the bus below each; bus[0] is the root bus. */
static struct pci_dev pdev[MAX_NODES];
static struct pci_bus bus[MAX_NODES + 1];
static const struct topology *now;

static enum acs acs_of(const struct pci_bus *b, unsigned int devfn)
{
	unsigned int i;

	for (i = 0; i < MAX_NODES; i++)
		if (pdev[i].bus == b && pdev[i].devfn == devfn)
			return now->node[i].acs;
	return NO_ACS;
}

static int config_read(struct pci_bus *b, unsigned int devfn, int where,
		       int size, u32 *val)
{
	enum acs acs = acs_of(b, devfn);

	*val = 0;
	if (acs == NO_ACS)
		return PCIBIOS_SUCCESSFUL;
	if (where == ACS_AT)
		*val = PCI_EXT_CAP_ID_ACS | 1 << 16;
	else if (where == ACS_AT + PCI_ACS_CAP)
		*val = acs_regs[acs].cap;
	else if (where == ACS_AT + PCI_ACS_CTRL)
		*val = acs_regs[acs].ctrl;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = { .read = config_read };

static void make_bus(struct pci_bus *b, unsigned int number,
		     struct pci_dev *bridge)
{
#ifdef CONFIG_X86
	static struct pci_sysdata sysdata;

	b->sysdata = &sysdata;
#endif
	b->number = number;
	b->ops = &config_ops;
	b->self = bridge;
	b->parent = bridge ? bridge->bus : NULL;
}

static unsigned int build(const struct topology *t)
{
	unsigned int i;

	now = t;
	memset(pdev, 0, sizeof(pdev));
	memset(bus, 0, sizeof(bus));
	make_bus(&bus[0], 0, NULL);
	for (i = 0; i < MAX_NODES && t->node[i].group; i++) {
		const struct node *n = &t->node[i];

		pdev[i].bus = &bus[n->up];
		pdev[i].devfn = PCI_DEVFN(n->slot, n->fn);
		pdev[i].multifunction = n->mf;
		pdev[i].acs_cap = n->acs == NO_ACS ? 0 : ACS_AT;
		pdev[i].cfg_size = PCI_CFG_SPACE_EXP_SIZE;
		if (n->type != CONVENTIONAL) {
			pdev[i].pcie_cap = 0x40;
			pdev[i].pcie_flags_reg = n->type << 4;
		}
		make_bus(&bus[i + 1], i + 1, &pdev[i]);
	}
	return i;
}

static void grouping(struct kunit *test)
{
	unsigned int t, i, j;
	u64 key[MAX_NODES];

	for (t = 0; t < ARRAY_SIZE(topologies); t++) {
		unsigned int nr = build(&topologies[t]);

		for (i = 0; i < nr; i++) {
			KUNIT_ASSERT_TRUE(test, topology_key(&pdev[i], &key[i]));
			for (j = 0; j < i; j++)
				KUNIT_EXPECT_EQ_MSG(test, key[i] == key[j],
						    now->node[i].group ==
						    now->node[j].group,
						    "%s: devices %u and %u",
						    now->what, j, i);
		}
	}
}

/* Only of a bridge whose group nothing can join: it needs no context. */
static void stays_alone(struct kunit *test)
{
	build(&topologies[0]);		/* root ports that isolate */
	KUNIT_EXPECT_TRUE(test, xpi_dev_stays_alone(&pdev[0]));
	pdev[0].is_hotplug_bridge = true;
	KUNIT_EXPECT_FALSE(test, xpi_dev_stays_alone(&pdev[0]));
	pdev[0].is_hotplug_bridge = false;
	pdev[0].external_facing = true;
	KUNIT_EXPECT_FALSE(test, xpi_dev_stays_alone(&pdev[0]));
	pdev[0].external_facing = false;
	pdev[0].untrusted = true;
	KUNIT_EXPECT_FALSE(test, xpi_dev_stays_alone(&pdev[0]));

	build(&topologies[1]);		/* their ACS are off */
	KUNIT_EXPECT_FALSE(test, xpi_dev_stays_alone(&pdev[0]));
	KUNIT_EXPECT_FALSE(test, xpi_dev_stays_alone(&pdev[1]));
}

/* Longer than any real path: any device could share its group. */
static void too_deep(struct kunit *test)
{
	const unsigned int nr = XPI_MAX_HOPS + 1;
	struct pci_dev *d = kunit_kcalloc(test, nr, sizeof(*d), GFP_KERNEL);
	struct pci_bus *b = kunit_kcalloc(test, nr, sizeof(*b), GFP_KERNEL);
	unsigned int i;
	u64 key;

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_ASSERT_NOT_NULL(test, b);
	build(&topologies[0]);
	for (i = 0; i < nr; i++) {
		make_bus(&b[i], i, i ? &d[i - 1] : NULL);
		d[i].bus = &b[i];
	}
	KUNIT_EXPECT_TRUE(test, topology_key(&d[nr - 2], &key));
	KUNIT_EXPECT_FALSE(test, topology_key(&d[nr - 1], &key));
}

/*
 * Xen's answers about a device
 */

static struct xpi_caps caps;

static struct pci_dev *device_at(unsigned int which)
{
	u32 sbdf = xpi_fake.dev[which].sbdf;

	build(&topologies[0]);
	bus[1].number = sbdf >> 8;
	pdev[0].bus = &bus[1];
	pdev[0].devfn = sbdf & 0xff;
	return &pdev[0];
}

static int device_init(struct kunit *test)
{
	struct xen_pv_iommu_query q;

	xpi_fake_reset();
	xpi_query_init(&q);
	if (xpi_hv_one(&xpi_fake_hv, XEN_PV_IOMMU_OP_QUERY, &q))
		return -EIO;
	return xpi_caps_check(&q, &caps) ? -EINVAL : 0;
}

static void device_exit(struct kunit *test)
{
	vmd.bus = NULL;
	KUNIT_EXPECT_NULL_MSG(test, xpi_fake.wrong, "the driver sent %s",
			      xpi_fake.wrong);
}

static void expect_refused(struct kunit *test)
{
	struct xpi_dev *xdev = xpi_dev_create(&xpi_fake_hv, &caps,
					      device_at(0));

	KUNIT_EXPECT_PTR_EQ(test, (void *)xdev, ERR_PTR(-ENODEV));
	if (!IS_ERR(xdev))
		xpi_dev_destroy(xdev);
}

static void known(struct kunit *test)
{
	struct xpi_fake_dev *dev = &xpi_fake.dev[0];
	struct xpi_dev *xdev;

	dev->pgsizes = SZ_4K;
	dev->iova_last = SZ_4G - 1;
	dev->nr_resv = 2;
	dev->resv[0].type = XEN_PV_IOMMU_RESV_DIRECT;
	dev->resv[0].start = 0x10800;
	dev->resv[0].last = 0x11fff;
	dev->resv[1].type = 77;
	dev->resv[1].start = 0x20000;
	dev->resv[1].last = 0x20fff;
	xdev = xpi_dev_create(&xpi_fake_hv, &caps, device_at(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xdev);

	KUNIT_EXPECT_EQ(test, xdev->sbdf, dev->sbdf);
	KUNIT_EXPECT_FALSE(test, xdev->passive);
	KUNIT_EXPECT_EQ(test, xdev->caps.pgsizes, SZ_4K);
	KUNIT_EXPECT_EQ(test, xdev->caps.iova_last, SZ_4G - 1);
	KUNIT_EXPECT_EQ(test, xdev->nr_resv, 2);
	KUNIT_EXPECT_EQ(test, xdev->resv[1].type, XEN_PV_IOMMU_RESV_RESERVED);
	KUNIT_EXPECT_TRUE(test, xpi_dev_is_direct(xdev));
	/* Widened to whole pages; as a whole or not at all. */
	KUNIT_EXPECT_TRUE(test, xpi_dev_direct_at(xdev, 0x10000, 0x11fff, true));
	KUNIT_EXPECT_FALSE(test, xpi_dev_direct_at(xdev, 0x11000, 0x12fff, false));
	KUNIT_EXPECT_FALSE(test, xpi_dev_direct_at(xdev, 0x20000, 0x20fff, false));
	xpi_dev_destroy(xdev);
}

static void unknown(struct kunit *test)
{
	struct pci_dev *p = device_at(0);

	p->devfn ^= 0x10;
	KUNIT_EXPECT_PTR_EQ(test, (void *)xpi_dev_create(&xpi_fake_hv, &caps, p),
			    ERR_PTR(-ENODEV));
	KUNIT_EXPECT_FALSE(test, xpi_dev_is_protected(&xpi_fake_hv, p));
}

static void not_for_contexts(struct kunit *test)
{
	xpi_fake.dev[0].flags = XEN_PV_IOMMU_NO_CTX_NO_IOMMU <<
				XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT;
	expect_refused(test);
	KUNIT_EXPECT_FALSE(test, xpi_dev_is_protected(&xpi_fake_hv,
						      device_at(0)));
	KUNIT_EXPECT_TRUE(test, xpi_dev_is_protected(&xpi_fake_hv,
						     device_at(1)));
}

static void bridge(struct kunit *test)
{
	struct pci_dev *p = device_at(0);
	struct xpi_dev *xdev;

	xpi_fake.dev[0].flags = XEN_PV_IOMMU_NO_CTX_BRIDGE <<
				XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT;
	/* Xen says so, but it does not look like one. */
	expect_refused(test);
	p->hdr_type = PCI_HEADER_TYPE_BRIDGE;
	xdev = xpi_dev_create(&xpi_fake_hv, &caps, p);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xdev);
	KUNIT_EXPECT_TRUE(test, xdev->passive);
	xpi_dev_destroy(xdev);
}

/*
 * Behind a VMD: a root bus in a segment of more than 16 bits, a port and a disk
 * there. Linux alone knows them; their DMA is the VMD's.
 */

#ifdef CONFIG_X86
static struct pci_dev *make_vmd(void)
{
	static struct pci_sysdata behind = { .domain = 0x10000 };
	struct pci_dev *real = device_at(0);

	real->bus = &bus[0];
	bus[0].number = xpi_fake.dev[0].sbdf >> 8;
	pdev[2].bus = &bus[4];
	pdev[3].bus = &bus[5];
	pdev[2].devfn = 0;
	pdev[3].devfn = 0;
	make_bus(&bus[4], 0, NULL);
	make_bus(&bus[5], 1, &pdev[2]);
	bus[4].sysdata = &behind;
	bus[5].sysdata = &behind;
	vmd.vmd_dev = real;
	return real;
}

/* Either bus is the VMD's; the fake knows one at a time. */
static struct pci_dev *behind_vmd(unsigned int i)
{
	vmd.bus = pdev[i].bus;
	return &pdev[i];
}

static void vmd_is_unknown(struct kunit *test)
{
	make_vmd();
	/* Its DMA is not translated, so theirs is not. */
	KUNIT_EXPECT_PTR_EQ(test, (void *)xpi_dev_create(&xpi_fake_hv, &caps,
							 behind_vmd(3)),
			    ERR_PTR(-ENODEV));
}

static void behind_a_vmd(struct kunit *test)
{
	struct pci_dev *real = make_vmd();
	struct xpi_dev *parent, *child;
	unsigned int i;
	u64 key, its_key;

	xpi_fake.dev[0].iova_last = SZ_4G - 1;
	parent = xpi_dev_create(&xpi_fake_hv, &caps, real);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	xpi_dev_add(parent);
	KUNIT_EXPECT_TRUE(test, topology_key(real, &key));
	for (i = 2; i <= 3; i++) {
		child = xpi_dev_create(&xpi_fake_hv, &caps, behind_vmd(i));
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, child);
		if (IS_ERR(child))
			continue;
		KUNIT_EXPECT_TRUE(test, child->passive);
		KUNIT_EXPECT_EQ(test, child->sbdf, xpi_fake.dev[0].sbdf);
		KUNIT_EXPECT_EQ(test, child->caps.iova_last, SZ_4G - 1);
		/* A device that can reach one can reach the other. */
		KUNIT_EXPECT_TRUE(test, topology_key(&pdev[i], &its_key));
		KUNIT_EXPECT_EQ(test, key, its_key);
		KUNIT_EXPECT_FALSE(test, xpi_dev_stays_alone(&pdev[i]));
		KUNIT_EXPECT_TRUE(test, xpi_dev_is_protected(&xpi_fake_hv,
							     &pdev[i]));
		xpi_dev_destroy(child);
	}
	xpi_dev_del(parent);
	xpi_dev_destroy(parent);
}
#endif

/* A device about which Xen says nonsense is left out. */
static void nonsense(struct kunit *test)
{
	struct xpi_fake_dev *dev = &xpi_fake.dev[0];

	dev->pgsizes = SZ_2M;
	expect_refused(test);
	dev->pgsizes = SZ_4K;
	dev->iova_last = SZ_1G - 1;
	expect_refused(test);
	dev->iova_last = SZ_4G - 1;
	dev->nr_resv = MAX_RESV + 1;
	expect_refused(test);
	dev->nr_resv = XPI_FAKE_RESVS + 1;	/* and no more, says DEV_RESV */
	dev->resv[0].last = SZ_4K - 1;
	expect_refused(test);
	dev->nr_resv = 1;
	dev->resv[0].start = SZ_8K;		/* behind its end */
	expect_refused(test);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(grouping),
	KUNIT_CASE(stays_alone),
	KUNIT_CASE(too_deep),
	KUNIT_CASE(known),
	KUNIT_CASE(unknown),
	KUNIT_CASE(not_for_contexts),
	KUNIT_CASE(bridge),
#ifdef CONFIG_X86
	KUNIT_CASE(vmd_is_unknown),
	KUNIT_CASE(behind_a_vmd),
#endif
	KUNIT_CASE(nonsense),
	{}
};

static struct kunit_suite device_suite = {
	.name = "xpi-device",
	.init = device_init,
	.exit = device_exit,
	.test_cases = device_cases,
};

kunit_test_suites(&device_suite);

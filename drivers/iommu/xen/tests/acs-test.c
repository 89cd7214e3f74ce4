// SPDX-License-Identifier: GPL-2.0
/*
 * Ports lose their access control services in D3cold and in a reset. The driver
 * turns them on again before a user gets a device below, or refuses the device. The
 * devices and their registers are made up here.
 *
 * The driver's file is included as it is, but for the calls that wake a device.
 *
 * Pins: on a PVH dom0 no kernel turned them on again, and groups went on to claim
 * an isolation that was gone.
 */
#include <kunit/test.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

static int wakeups;	/* more than there were releases */
static struct device *woken;

static int test_get(struct device *dev)
{
	woken = dev;
	return ++wakeups;
}

static int test_put(struct device *dev)
{
	return --wakeups;
}

#define pm_runtime_get_sync(dev)	test_get(dev)
#define pm_runtime_put(dev)		test_put(dev)

#include "../acs.c"

#define AT	0x100	/* where the capability is */

/* A root port, both ports of a switch, and a function of two below it. */
enum which { ROOT, UP, DOWN, FUNCTION, DEVICES };

/**
 * struct regs - of a device
 * @cap: what it has of the services; 0: no such capability
 * @ctrl: what is on
 * @stuck: nothing can be turned on
 */
static struct regs {
	u16 cap;
	u16 ctrl;
	bool stuck;
} regs[DEVICES];

static struct pci_dev pdev[DEVICES];
static struct pci_bus bus[DEVICES];
static struct xpi_dev *xdev;

static struct regs *regs_of(const struct pci_bus *b)
{
	return &regs[b - bus];
}

static int config_read(struct pci_bus *b, unsigned int devfn, int where,
		       int size, u32 *val)
{
	const struct regs *r = regs_of(b);

	*val = 0;
	if (r->cap && where == AT)
		*val = PCI_EXT_CAP_ID_ACS | 1 << 16;
	else if (where == AT + PCI_ACS_CAP)
		*val = r->cap;
	else if (where == AT + PCI_ACS_CTRL)
		*val = r->ctrl;
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *b, unsigned int devfn, int where,
			int size, u32 val)
{
	struct regs *r = regs_of(b);

	if (where == AT + PCI_ACS_CTRL && !r->stuck)
		r->ctrl = val;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

static int acs_init(struct kunit *test)
{
	unsigned int i;

	xdev = kunit_kzalloc(test, sizeof(*xdev), GFP_KERNEL);
	if (!xdev)
		return -ENOMEM;

	memset(pdev, 0, sizeof(pdev));
	memset(bus, 0, sizeof(bus));
	for (i = 0; i < DEVICES; i++) {
		bus[i].ops = &config_ops;
		bus[i].self = i ? &pdev[i - 1] : NULL;
		bus[i].parent = i ? &bus[i - 1] : NULL;
		pdev[i].bus = &bus[i];
		pdev[i].cfg_size = PCI_CFG_SPACE_EXP_SIZE;
		pdev[i].pcie_cap = 0x40;
		regs[i] = (struct regs){ WANTED, WANTED };
	}
	regs[UP] = (struct regs){ 0 };
	xdev->pdev = &pdev[FUNCTION];
	wakeups = 0;
	return 0;
}

static void acs_exit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, wakeups, 0);
}

static void record(struct kunit *test)
{
	xpi_acs_save(xdev);
	KUNIT_EXPECT_EQ(test, wakeups, 0);
}

static void lose_all(void)
{
	unsigned int i;

	for (i = 0; i < DEVICES; i++)
		regs[i].ctrl = 0;
}

static void expect_on(struct kunit *test, u16 root, u16 down, u16 function)
{
	KUNIT_EXPECT_EQ(test, regs[ROOT].ctrl, root);
	KUNIT_EXPECT_EQ(test, regs[UP].ctrl, 0);
	KUNIT_EXPECT_EQ(test, regs[DOWN].ctrl, down);
	KUNIT_EXPECT_EQ(test, regs[FUNCTION].ctrl, function);
}

static void lost_and_restored(struct kunit *test)
{
	record(test);
	lose_all();
	KUNIT_EXPECT_EQ(test, 0, xpi_acs_hold(xdev));
	expect_on(test, WANTED, WANTED, WANTED);
	KUNIT_EXPECT_EQ(test, wakeups, 1);
	KUNIT_EXPECT_PTR_EQ(test, woken, &pdev[FUNCTION].dev);
	xpi_acs_release(xdev);
	xpi_acs_release(xdev);
}

/* Other bits stay on; bits that a port lacks are not turned on. */
static void as_far_as_it_has_them(struct kunit *test)
{
	regs[ROOT] = (struct regs){ PCI_ACS_SV | PCI_ACS_TB,
				    PCI_ACS_SV | PCI_ACS_TB };
	record(test);
	regs[ROOT].ctrl = PCI_ACS_TB;
	KUNIT_EXPECT_EQ(test, 0, xpi_acs_hold(xdev));
	expect_on(test, PCI_ACS_SV | PCI_ACS_TB, WANTED, WANTED);
	xpi_acs_release(xdev);
}

/* The group was made without it, and an administrator may have turned it off. */
static void was_off_before(struct kunit *test)
{
	regs[DOWN].ctrl = PCI_ACS_SV;
	regs[FUNCTION] = (struct regs){ 0 };
	record(test);
	lose_all();
	KUNIT_EXPECT_EQ(test, 0, xpi_acs_hold(xdev));
	expect_on(test, WANTED, 0, 0);
	/* It may sleep, but the root port may not. */
	KUNIT_EXPECT_PTR_EQ(test, woken, &pdev[ROOT].dev);
	xpi_acs_release(xdev);
}

static void nothing_to_hold(struct kunit *test)
{
	lose_all();
	record(test);
	KUNIT_EXPECT_EQ(test, 0, xpi_acs_hold(xdev));
	expect_on(test, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, wakeups, 0);
	xpi_acs_release(xdev);
}

static void cannot_be_restored(struct kunit *test)
{
	record(test);
	lose_all();
	regs[ROOT].stuck = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_acs_hold(xdev));
	KUNIT_EXPECT_EQ(test, wakeups, 0);
	/* As with a device that answers nothing. */
	regs[ROOT].stuck = false;
	regs[DOWN].cap = 0;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_acs_hold(xdev));
	KUNIT_EXPECT_EQ(test, wakeups, 0);
	regs[DOWN].cap = WANTED;
	KUNIT_EXPECT_EQ(test, 0, xpi_acs_hold(xdev));
	xpi_acs_release(xdev);
}

/* From one user to the next; a refusal keeps the first one's hold. */
static void held_already(struct kunit *test)
{
	record(test);
	KUNIT_EXPECT_EQ(test, 0, xpi_acs_hold(xdev));
	lose_all();
	KUNIT_EXPECT_EQ(test, 0, xpi_acs_hold(xdev));
	expect_on(test, WANTED, WANTED, WANTED);
	KUNIT_EXPECT_EQ(test, wakeups, 1);
	lose_all();
	regs[ROOT].stuck = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_acs_hold(xdev));
	KUNIT_EXPECT_EQ(test, wakeups, 1);
	xpi_acs_release(xdev);
}

static struct kunit_case acs_cases[] = {
	KUNIT_CASE(lost_and_restored),
	KUNIT_CASE(as_far_as_it_has_them),
	KUNIT_CASE(was_off_before),
	KUNIT_CASE(nothing_to_hold),
	KUNIT_CASE(cannot_be_restored),
	KUNIT_CASE(held_already),
	{}
};

static struct kunit_suite acs_suite = {
	.name = "xpi-acs",
	.init = acs_init,
	.exit = acs_exit,
	.test_cases = acs_cases,
};

kunit_test_suites(&acs_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Faults: who is told, what the log says, and that a device which faults all
 * the time costs no more than a few records in one go.
 *
 * The driver's file is included as it is; binding a VIRQ and the log are ours.
 */
#include <kunit/test.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <xen/events.h>

#include "device.h"

#include "driver.h"
#include "fake-hv.h"

#define IRQ	77
#define VIRQ	13
#define IOVA	0x12345678U

/**
 * struct seen - what the driver did
 * @virq: the VIRQ that is bound; -1: none
 * @bind_ret: what binding is answered with
 * @handler: to be called when it is raised
 * @cookie: handed to @handler
 * @lines: said in the log
 * @line: the last of them
 */
static struct seen {
	int virq;
	int bind_ret;
	irq_handler_t handler;
	void *cookie;
	unsigned int lines;
	char line[400];
} seen;

static int test_bind(unsigned int virq, unsigned int cpu, irq_handler_t handler,
		     unsigned long flags, const char *name, void *cookie)
{
	if (seen.bind_ret < 0)
		return seen.bind_ret;
	/* Xen raises it on the first CPU. */
	if (cpu || flags || !name)
		return -EINVAL;
	seen.virq = virq;
	seen.handler = handler;
	seen.cookie = cookie;
	return seen.bind_ret;
}

static void test_unbind(unsigned int irq, void *cookie)
{
	if (irq == IRQ && cookie == seen.cookie)
		seen.virq = -1;
}

static __printf(1, 2) void test_log(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(seen.line, sizeof(seen.line), fmt, args);
	va_end(args);
	seen.lines++;
}

#define bind_virq_to_irqhandler(virq, cpu, fn, flags, name, cookie) \
	test_bind(virq, cpu, fn, flags, name, cookie)
#define unbind_from_irqhandler(irq, cookie)	test_unbind(irq, cookie)
#undef pr_err
#define pr_err(...)		test_log(__VA_ARGS__)
#undef pr_err_ratelimited
#define pr_err_ratelimited(...)	test_log(__VA_ARGS__)
#undef pr_info
#define pr_info(...)		test_log(__VA_ARGS__)
#undef pci_err
#define pci_err(pdev, fmt, ...)	\
	test_log("%s: " fmt, pci_name(pdev), ##__VA_ARGS__)
#undef pr_fmt

#include "../fault.c"

/* A real one, for faults name PCI devices; nothing is done to it. */
static struct pci_dev *pdev;
static struct xpi_dev *xdev;

/**
 * struct told - what a domain's handler was told
 * @times: how often
 * @dev: the device
 * @iova: the address
 * @flags: IOMMU_FAULT_*
 * @ret: its answer
 */
static struct told {
	unsigned int times;
	struct device *dev;
	unsigned long iova;
	int flags;
	int ret;
} told;

static int handler(struct iommu_domain *domain, struct device *dev,
		   unsigned long iova, int flags, void *token)
{
	told.times++;
	told.dev = dev;
	told.iova = iova;
	told.flags = flags;
	return told.ret;
}

static void give_dev_back(void *unused)
{
	pci_dev_put(pdev);
}

static int fault_init(struct kunit *test)
{
	int ret = xpi_driver_init(test);

	if (ret)
		return ret;
	memset(&told, 0, sizeof(told));
	memset(&seen, 0, sizeof(seen));
	seen.virq = -1;
	seen.bind_ret = IRQ;
	ratelimit_state_init(&fault_limit, HZ * 3600, 10);
	ratelimit_set_flags(&fault_limit, RATELIMIT_MSG_ON_RELEASE);
	ratelimit_state_init(&too_many_limit, HZ * 3600, 10);
	ratelimit_set_flags(&too_many_limit, RATELIMIT_MSG_ON_RELEASE);

	pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, NULL);
	if (!pdev)
		kunit_skip(test, "the machine has no PCI device");
	ret = kunit_add_action_or_reset(test, give_dev_back, NULL);
	if (ret)
		return ret;

	xpi_fake.features |= XEN_PV_IOMMU_FEAT_FAULTS;
	xpi_fake.fault = (struct xen_pv_iommu_fault){
		.dev.id = pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev),
		.iova = IOVA,
		.ctx = 5,
		.reason = XEN_PV_IOMMU_FAULT_UNMAPPED,
		.flags = XEN_PV_IOMMU_FAULT_F_WRITE,
	};
	return 0;
}

static void fault_exit(struct kunit *test)
{
	xpi_fault_stop();
	KUNIT_EXPECT_EQ(test, seen.virq, -1);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&fault_dwork));
	xpi_driver_exit(test);
}

/* Begins to work, and is done with what there is. */
static void start(struct kunit *test)
{
	xpi_fault_start(&xpi_fake_hv, VIRQ);
	KUNIT_ASSERT_EQ(test, seen.virq, VIRQ);
	flush_delayed_work(&fault_dwork);
}

static void raise(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, seen.handler);
	KUNIT_EXPECT_EQ(test, IRQ_HANDLED, seen.handler(IRQ, seen.cookie));
	flush_delayed_work(&fault_dwork);
}

static void expect_said(struct kunit *test, const char *text)
{
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(seen.line, text),
				  "it said: %s", seen.line);
}

/*
 * Whether there is a VIRQ
 */

static void no_virq(struct kunit *test)
{
	xpi_fault_start(&xpi_fake_hv, 0);
	KUNIT_EXPECT_EQ(test, seen.virq, -1);
	expect_said(test, "reports no faults");
}

/* The kernel has a table of that size, and does not look. */
static void virq_that_cannot_be(struct kunit *test)
{
	xpi_fault_start(&xpi_fake_hv, NR_VIRQS);
	KUNIT_EXPECT_EQ(test, seen.virq, -1);
	KUNIT_EXPECT_NULL(test, seen.handler);
	expect_said(test, "cannot be bound (error -22)");
}

static void virq_that_is_taken(struct kunit *test)
{
	seen.bind_ret = -EBUSY;
	xpi_fake.nr_faults = 1;
	xpi_fault_start(&xpi_fake_hv, VIRQ);
	expect_said(test, "VIRQ 13 cannot be bound (error -16)");
	flush_delayed_work(&fault_dwork);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 1);
}

static void stopped(struct kunit *test)
{
	start(test);
	xpi_fault_stop();
	KUNIT_EXPECT_EQ(test, seen.virq, -1);
	/* Twice is once. */
	xpi_fault_stop();
}

/*
 * How many are read
 */

static void drained(struct kunit *test)
{
	xpi_fake.nr_faults = 7;
	xpi_fault_drain(&xpi_fake_hv);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 0);
	KUNIT_EXPECT_EQ(test, seen.lines, 1);
	expect_said(test, "7 faults from before");
	xpi_fault_drain(&xpi_fake_hv);
	KUNIT_EXPECT_EQ(test, seen.lines, 1);
}

static void faster_than_they_are_drained(struct kunit *test)
{
	xpi_fake.nr_faults = 100000;
	xpi_fault_drain(&xpi_fake_hv);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 100000 - DRAIN_MAX);
}

/* It raised no interrupt, or it would come to the wrong place. */
static void one_that_waited(struct kunit *test)
{
	xpi_fake.nr_faults = 1;
	start(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 0);
	KUNIT_EXPECT_EQ(test, seen.lines, 1);
}

/* The others are read after a pause, for which this test does not wait. */
static void not_too_many_in_one_go(struct kunit *test)
{
	start(test);
	xpi_fake.nr_faults = 2 * AT_ONCE + 8;
	fault_work(&fault_dwork.work);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, AT_ONCE + 8);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&fault_dwork));
	raise(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 8);
	flush_delayed_work(&fault_dwork);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 0);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&fault_dwork));
	/* The log has only some of them. */
	KUNIT_EXPECT_EQ(test, seen.lines, 10);
}

static void cannot_be_read(struct kunit *test)
{
	start(test);
	xpi_fake.nr_faults = 3;
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EFAULT, .ops = XPI_FAKE_OP(FAULT_READ),
	};
	raise(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 3);
	expect_said(test, "cannot be read: error -14");
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&fault_dwork));
	raise(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 0);
}

/*
 * Recipients
 */

static void take_dev_away(void *unused)
{
	xpi_dev_del(xdev);
}

static struct iommu_domain *attached(struct kunit *test)
{
	struct iommu_domain *dom = xpi_driver_domain(NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dom);
	iommu_set_fault_handler(dom, handler, NULL);
	xdev = kunit_kzalloc(test, sizeof(*xdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, xdev);
	xdev->pdev = pdev;
	xdev->attached.domain = dom;
	xpi_dev_add(xdev);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, take_dev_away, NULL));
	return dom;
}

static void whose_domain_handles_it(struct kunit *test)
{
	struct iommu_domain *dom = attached(test);

	start(test);
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, told.times, 1);
	KUNIT_EXPECT_PTR_EQ(test, told.dev, &pdev->dev);
	KUNIT_EXPECT_EQ(test, told.iova, IOVA);
	KUNIT_EXPECT_EQ(test, told.flags, IOMMU_FAULT_WRITE);
	KUNIT_EXPECT_EQ(test, seen.lines, 0);

	xpi_fake.fault.flags = 0;
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, told.flags, IOMMU_FAULT_READ);
	xpi_driver_free(dom);
}

static void whose_domain_does_not(struct kunit *test)
{
	struct iommu_domain *dom = attached(test);

	told.ret = -EAGAIN;
	start(test);
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, told.times, 1);
	KUNIT_EXPECT_EQ(test, seen.lines, 1);
	expect_said(test, pci_name(pdev));
	expect_said(test, "write to iova 0x12345678 refused in context 5: nothing is");
	xpi_driver_free(dom);

	/* The domain was freed, and is not called. */
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, told.times, 1);
	KUNIT_EXPECT_EQ(test, seen.lines, 2);
}

static void not_ours(struct kunit *test)
{
	start(test);
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, seen.lines, 1);
	expect_said(test, pci_name(pdev));
}

static void not_known_to_linux(struct kunit *test)
{
	xpi_fake.fault.dev.id = 0x1234abcd;
	start(test);
	xpi_fake.nr_faults = 1;
	raise(test);
	expect_said(test, "1234:ab:19.5, which Linux does not know: DMA write");
}

static void not_on_pci(struct kunit *test)
{
	xpi_fake.fault.dev.type = XEN_PV_IOMMU_DEV_DT;
	xpi_fake.fault.dev.id = 0x42;
	start(test);
	xpi_fake.nr_faults = 1;
	raise(test);
	expect_said(test, "device 0x42 of type 1, which Linux does not know: DMA");
}

/* False flags are not mentioned, and invalid figures are no numbers. */
static void what_is_said(struct kunit *test)
{
	static const struct {
		u32 ctx;
		u16 reason, flags;
		u32 lost;
		const char *text;
	} row[] = {
		{ XEN_PV_IOMMU_CTX_DEFAULT, XEN_PV_IOMMU_FAULT_PERM, 0, 0,
		  "context 0 (Xen's own): it is not mapped for reading" },
		{ 5, XEN_PV_IOMMU_FAULT_PERM, XEN_PV_IOMMU_FAULT_F_WRITE, 0,
		  "context 5: it is not mapped for writing" },
		{ XEN_PV_IOMMU_CTX_BLOCKED, XEN_PV_IOMMU_FAULT_RANGE, 0, 0,
		  "context 65534 (blocked): it is beyond what the IOMMU translates" },
		{ 0x12345, 99, 0, 0,
		  "in an unknown context: Xen gives no reason" },
		{ 5, XEN_PV_IOMMU_FAULT_UNMAPPED, XEN_PV_IOMMU_FAULT_F_PASID, 0,
		  "nothing is mapped there; pasid 9" },
		{ 5, XEN_PV_IOMMU_FAULT_UNMAPPED,
		  XEN_PV_IOMMU_FAULT_F_DISABLED, 4,
		  "there; Xen has turned its bus mastering off; 4 faults before" },
		{ 5, XEN_PV_IOMMU_FAULT_UNMAPPED,
		  XEN_PV_IOMMU_FAULT_F_SUPPRESSED, 4,
		  "too often: Xen reports no more of its faults for a second; 4 faults before" },
	};
	unsigned int i;

	start(test);
	xpi_fake.fault.pasid = 9;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		xpi_fake.fault.ctx = row[i].ctx;
		xpi_fake.fault.reason = row[i].reason;
		xpi_fake.fault.flags = row[i].flags;
		xpi_fake.fault.lost = row[i].lost;
		xpi_fake.nr_faults = 1;
		raise(test);
		expect_said(test, row[i].text);
		KUNIT_EXPECT_EQ(test, !strstr(seen.line, "pasid"),
				!(row[i].flags & XEN_PV_IOMMU_FAULT_F_PASID));
	}
}

/*
 * The eleventh fault reports that Xen suppresses a device that faults too often,
 * after the ten that the log may have. (C11)
 */
static void too_many_are_said(struct kunit *test, u16 flag, const char *text)
{
	unsigned int i;

	xpi_fake.fault.flags = 0;
	for (i = 0; i < 10; i++) {
		xpi_fake.nr_faults = 1;
		raise(test);
	}
	KUNIT_EXPECT_EQ(test, seen.lines, 10);
	KUNIT_EXPECT_NULL(test, strstr(seen.line, text));
	xpi_fake.fault.flags = flag;
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, seen.lines, 11);
	expect_said(test, text);
}

static void suppressed_is_said(struct kunit *test)
{
	start(test);
	too_many_are_said(test, XEN_PV_IOMMU_FAULT_F_SUPPRESSED,
			  "Xen reports no more of its faults for a second");
}

static void disabled_is_said(struct kunit *test)
{
	start(test);
	too_many_are_said(test, XEN_PV_IOMMU_FAULT_F_DISABLED,
			  "Xen has turned its bus mastering off");
}

/* Once a second, that is; the log has its limit there, too. */
static void a_flood_is_not_said_for_ever(struct kunit *test)
{
	start(test);
	xpi_fake.fault.flags = XEN_PV_IOMMU_FAULT_F_SUPPRESSED;
	xpi_fake.nr_faults = 30;
	raise(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_faults, 0);
	KUNIT_EXPECT_EQ(test, seen.lines, 10);
	/* Faults of others have their own. */
	xpi_fake.fault.flags = 0;
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, seen.lines, 11);
}

/* The domain's handler does not know. */
static void suppressed_is_said_if_handled(struct kunit *test)
{
	struct iommu_domain *dom = attached(test);

	start(test);
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, seen.lines, 0);
	xpi_fake.fault.flags |= XEN_PV_IOMMU_FAULT_F_SUPPRESSED;
	xpi_fake.nr_faults = 1;
	raise(test);
	KUNIT_EXPECT_EQ(test, told.times, 2);
	KUNIT_EXPECT_EQ(test, seen.lines, 1);
	expect_said(test, "faults too often");
	xpi_driver_free(dom);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(no_virq),
	KUNIT_CASE(virq_that_cannot_be),
	KUNIT_CASE(virq_that_is_taken),
	KUNIT_CASE(stopped),
	KUNIT_CASE(drained),
	KUNIT_CASE(faster_than_they_are_drained),
	KUNIT_CASE(one_that_waited),
	KUNIT_CASE(not_too_many_in_one_go),
	KUNIT_CASE(cannot_be_read),
	KUNIT_CASE(whose_domain_handles_it),
	KUNIT_CASE(whose_domain_does_not),
	KUNIT_CASE(not_ours),
	KUNIT_CASE(not_known_to_linux),
	KUNIT_CASE(not_on_pci),
	KUNIT_CASE(what_is_said),
	KUNIT_CASE(suppressed_is_said),
	KUNIT_CASE(disabled_is_said),
	KUNIT_CASE(a_flood_is_not_said_for_ever),
	KUNIT_CASE(suppressed_is_said_if_handled),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "xpi-fault",
	.init = fault_init,
	.exit = fault_exit,
	.test_cases = fault_cases,
};

kunit_test_suites(&fault_suite);

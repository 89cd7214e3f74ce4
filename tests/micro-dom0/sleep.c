// SPDX-License-Identifier: GPL-2.0
#include "edu.h"
#include "hypercall.h"
#include "io.h"
#include "output.h"
#include "pci.h"
#include "sleep.h"
#include "test.h"

#define ACPI_S3			3

/*
 * PM1a control, whose address the FADT has. The sleep type is the first number of the
 * package _S3 in the DSDT, which QEMU writes for q35 as { 1, 1, 0, 0 }.
 */
#define PM1_SCI_ENABLE		0x0001
#define PM1_SLEEP_TYPE(type)	((type) << 10)
#define PM1_SLEEP_ENABLE	0x2000
#define SLEEP_TYPE_S3		1
#define PM1_STATUS_WAKE		0x8000

/* q35's LPC bridge: the address of PM1, and its enable bit. */
#define LPC			PCI_BDF(0, 0x1f, 0)
#define LPC_PM_BASE		0x40
#define LPC_PM_ENABLE		0x44

void sleep_need(void)
{
	if (!option("sleep", 0))
		test_skip("needs --sleep");
}

static long enter_s3(uint16_t enable)
{
	struct platform_op op = {
		.cmd = XENPF_ENTER_ACPI_SLEEP,
		.version = PLATFORM_VERSION,
		.u.sleep = {
			.pm1a_control = PM1_SCI_ENABLE | enable |
					PM1_SLEEP_TYPE(SLEEP_TYPE_S3),
			.state = ACPI_S3,
		},
	};

	return hypercall(HC_PLATFORM_OP, hc_ptr(&op), 0, 0, 0, 0);
}

void sleep_s3(void)
{
	uint32_t pm_base = pci_read32(LPC, LPC_PM_BASE);
	uint32_t pm_enable = pci_read32(LPC, LPC_PM_ENABLE);
	uint16_t pm1_status = pm_base & 0xff80;
	long rc;

	/* Clear it: Xen would treat a set bit as the end of this sleep. */
	outw(PM1_STATUS_WAKE, pm1_status);
	rc = enter_s3(PM1_SLEEP_ENABLE);
	result_init();
	EXPECT(rc, 0);
	/* If a device kept its registers, the machine did not sleep. */
	CHECK(!pci_read32(edu[0].bdf, PCI_BAR0), "the machine never slept");
	/* The firmware does not restore this. */
	pci_write32(LPC, LPC_PM_BASE, pm_base);
	pci_write32(LPC, LPC_PM_ENABLE, pm_enable);
	CHECK(inw(pm1_status) & PM1_STATUS_WAKE, "the machine was not woken up");
	edu_restore();
	info("woken up");
}

void sleep_aborted(void)
{
	uint16_t pm1_status = pci_read32(LPC, LPC_PM_BASE) & 0xff80;

	/* Xen waits for this bit, which only a wakeup sets. */
	CHECK(inw(pm1_status) & PM1_STATUS_WAKE, "the machine never woke up");
	EXPECT(enter_s3(0), 0);
	CHECK(pci_read32(edu[0].bdf, PCI_BAR0), "the machine slept");
}

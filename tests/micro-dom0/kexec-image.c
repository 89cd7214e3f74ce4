// SPDX-License-Identifier: GPL-2.0
/*
 * The image that micro-dom0 starts by kexec in place of Xen. The devices were not
 * stopped: they continue with iovas of their contexts. The image checks where their
 * DMA lands.
 *
 * No wait here has a time limit: if one does not end, the end line is missing, and
 * the run fails.
 */
#include "edu.h"
#include "io.h"
#include "kexec-args.h"
#include "lib.h"
#include "pci.h"
#include "uart.h"

/* The IOMMU of QEMU's q35. Xen has made the DMAR table visible again. */
#define VTD			0xfed90000UL
#define VTD_COMMAND		0x18
#define VTD_STATUS		0x1c
#define VTD_TRANSLATION		(1U << 31)
/* Without the bits that are commands, not states. */
#define VTD_STATES		0x96ffffffU

#define RESET_CONTROL		0xcf9
#define RESET_SYSTEM		0x02
#define RESET_NOW		0x06

void kexec_main(void);

struct kexec_args args __attribute__((section(".args"), aligned(4096))) = {
	.prefix = "unknown",
};

static void say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vformat(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	uart_write(line, len);
}

static void verdict(const char *name, const char *when, bool good,
		    uint64_t seen)
{
	if (good) {
		args.passed++;
		say("xpi: pass %s%s%s", args.prefix, name, when);
	} else {
		args.failed++;
		say("xpi: fail %s%s%s: 0x%lx", args.prefix, name, when, seen);
	}
}

static volatile uint32_t *vtd(unsigned int reg)
{
	return (volatile uint32_t *)(VTD + reg);
}

static bool translates(void)
{
	return *vtd(VTD_STATUS) & VTD_TRANSLATION;
}

static void stop_translating(void)
{
	*vtd(VTD_COMMAND) = *vtd(VTD_STATUS) & VTD_STATES & ~VTD_TRANSLATION;
	while (translates())
		cpu_relax();
}

static volatile uint8_t *regs(const struct kexec_job *j)
{
	return (volatile uint8_t *)j->regs;
}

static volatile uint64_t *word(const struct kexec_job *j)
{
	return (volatile uint64_t *)j->page;
}

static void wait(const struct kexec_job *j)
{
	while (edu_regs_busy(regs(j)))
		cpu_relax();
	barrier();
}

static void check(const struct kexec_job *j, uint32_t fate, const char *when)
{
	uint64_t seen = *word(j);

	if (fate == KEXEC_EITHER)
		verdict(j->name, when,
			seen == j->value || seen == j->canary, seen);
	else
		verdict(j->name, when,
			seen == (fate == KEXEC_LANDS ? j->value : j->canary),
			seen);
}

static void check_in_flight(void)
{
	unsigned int i, busy = 0;

	for (i = 0; i < KEXEC_JOBS; i++)
		busy += edu_regs_busy(regs(&args.job[i]));
	say("xpi: info kexec: %u of %u transfers were still on their way",
	    busy, KEXEC_JOBS);
	for (i = 0; i < KEXEC_JOBS; i++) {
		wait(&args.job[i]);
		check(&args.job[i], args.job[i].in_flight, ".in-flight");
	}
}

/* Transfer the word again, which is still in the device; no race is left now. */
static void again(const struct kexec_job *j, uint64_t iova)
{
	*word(j) = j->canary;
	barrier();
	edu_regs_start(regs(j), true, iova, sizeof(j->value));
	wait(j);
}

static void check_later(void)
{
	unsigned int i;

	for (i = 0; i < KEXEC_JOBS; i++) {
		again(&args.job[i], args.job[i].iova);
		check(&args.job[i], args.job[i].later, ".later");
	}
}

/*
 * Without translation the same devices must reach the same pages. Otherwise a device
 * that does not work, or a wrong address, would pass the tests above.
 */
static void check_unhindered(void)
{
	unsigned int i;

	stop_translating();
	for (i = 0; i < KEXEC_JOBS; i++) {
		const struct kexec_job *j = &args.job[i];

		pci_write16(j->bdf, PCI_COMMAND,
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		again(j, j->page);
		check(j, KEXEC_LANDS, ".unhindered");
	}
}

void kexec_main(void)
{
	uart_init();
	verdict("jump", "", true, 0);
	verdict("translation", "", translates() == !!args.translates,
		*vtd(VTD_STATUS));
	check_in_flight();
	check_later();
	check_unhindered();
	say("xpi: end %u %u %u", args.passed, args.failed, args.skipped);
	/* QEMU runs with -no-reboot. */
	outb(RESET_SYSTEM, RESET_CONTROL);
	outb(RESET_NOW, RESET_CONTROL);
}

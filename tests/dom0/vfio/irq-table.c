// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of a program that writes to its device's MSI-X table, which VFIO allows it to
 * map. An entry has an address, the data to write there, and a mask bit.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cases.h"
#include "irq-steps.h"
#include "report.h"

struct entry {
	uint32_t address, address_high, data, control;
};

#define VECTOR		1	/* the one whose entry is changed */
#define PATIENCE_S	5
#define TABLE_PAGE	4096

struct table {
	void *bar;
	size_t bytes;
	volatile struct entry *entries;
};

static uint32_t config_read(const struct device *dev, unsigned int at,
			    size_t bytes)
{
	uint32_t value = 0;

	if (pread(dev->fd, &value, bytes, dev->config + at) != (ssize_t)bytes)
		die("%s: its configuration does not read at 0x%x", dev->bdf, at);
	return value;
}

static unsigned int find_capability(const struct device *dev, uint8_t id)
{
	unsigned int at = config_read(dev, PCI_CAPABILITY_LIST, 1);

	while (at && config_read(dev, at, 1) != id)
		at = config_read(dev, at + PCI_CAP_LIST_NEXT, 1);
	if (!at)
		die("%s has no capability 0x%x", dev->bdf, id);
	return at;
}

static struct table table_open(const struct device *dev)
{
	const uint32_t at = config_read(dev, find_capability(dev, PCI_CAP_ID_MSIX) +
					     PCI_MSIX_TABLE, 4);
	struct table t;

	t.bar = device_map(dev, at & PCI_MSIX_TABLE_BIR, &t.bytes);
	t.entries = t.bar + (at & PCI_MSIX_TABLE_OFFSET);
	return t;
}

static void table_close(struct table *t)
{
	munmap(t->bar, t->bytes);
}

/* --- accesses that may be refused -------------------------------------------- */

static sigjmp_buf back;

static void get_out(int sig)
{
	siglongjmp(back, sig);
}

/*
 * Read or write. Returns 0 on success, SIGBUS if the access was refused, SIGALRM if it
 * does not end: the hypervisor maps the page read-only, which the kernel does not know,
 * so that the page fault repeats for ever.
 */
static int try(volatile uint32_t *at, uint32_t *value, bool write)
{
	struct sigaction on = { .sa_handler = get_out }, bus, alarms;
	int sig;

	sigaction(SIGBUS, &on, &bus);
	sigaction(SIGALRM, &on, &alarms);
	sig = sigsetjmp(back, 1);
	if (!sig) {
		alarm(PATIENCE_S);
		if (write)
			*at = *value;
		else
			*value = *at;
	}
	alarm(0);
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGALRM, &alarms, NULL);
	return sig;
}

static int try_write(volatile uint32_t *at, uint32_t value)
{
	return try(at, &value, true);
}

static const char *outcome(int sig)
{
	return !sig ? "ends" : sig == SIGBUS ? "is refused" : "never ends";
}

/* --- the mask --------------------------------------------------------------- */

/* The mask may have an effect or not; the interrupt must arrive exactly once. */
static const char *mask_in_table(struct source *s, struct irqs *irqs,
				 volatile struct entry *e)
{
	const uint32_t before = e->control;
	bool early;
	int sig = try_write(&e->control, before | PCI_MSIX_ENTRY_CTRL_MASKBIT);

	if (sig)
		return because("a write that masks %s", outcome(sig));
	s->kind->raise(s, MSIX, VECTOR);
	early = !irq_silent(irqs, VECTOR);
	report_info("%s %s: the mask that a program sets in the table is %s",
		    irq_part, s->kind->name, early ? "ignored" : "obeyed");
	sig = try_write(&e->control, before & ~PCI_MSIX_ENTRY_CTRL_MASKBIT);
	if (sig)
		return because("a write that unmasks %s", outcome(sig));
	if (irq_wait(irqs, VECTOR) != 1)
		return "vector 1 was raised once and did not arrive once";
	return each_arrives(s, irqs);
}

/* --- another device's message ------------------------------------------------ */

/* Return the message that the kernel has set. */
static struct entry message_of(const struct device *dev)
{
	const unsigned int at = find_capability(dev, PCI_CAP_ID_MSI);
	struct entry e = { 0 };
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", dev->bdf);
	fd = open(path, O_RDONLY);
	if (fd < 0 ||
	    pread(fd, &e.address, 4, at + PCI_MSI_ADDRESS_LO) != 4 ||
	    pread(fd, &e.address_high, 4, at + PCI_MSI_ADDRESS_HI) != 4 ||
	    pread(fd, &e.data, 2, at + PCI_MSI_DATA_64) != 2)
		die("%s does not read", path);
	close(fd);
	return e;
}

/* Mask the entry meanwhile, so that the device does not use half a message. */
static const char *put_message(volatile struct entry *e, const struct entry *m)
{
	int sig = try_write(&e->control, PCI_MSIX_ENTRY_CTRL_MASKBIT);

	if (!sig)
		sig = try_write(&e->address, m->address);
	if (!sig)
		sig = try_write(&e->address_high, m->address_high);
	if (!sig)
		sig = try_write(&e->data, m->data);
	if (!sig)
		sig = try_write(&e->control, 0);
	return sig ? because("a write to the message %s", outcome(sig)) : NULL;
}

/* Raise a vector with another device's message. True if the other's interrupt arrived. */
static bool came_instead(struct source *s, struct irqs *irqs, struct irqs *other)
{
	bool came;

	s->kind->raise(s, MSIX, VECTOR);
	came = !irq_silent(other, 0);
	report_info("%s %s: with the message of %s the other's interrupt %s, its own %s",
		    irq_part, s->kind->name, other->dev->bdf,
		    came ? "came" : "did not come",
		    irq_take(irqs, VECTOR) ? "came" : "did not come");
	irq_take(other, 0);
	return came;
}

/* Write the other device's message into this device's table, and raise the vector. */
static const char *forge(struct source *s, struct irqs *irqs,
			 volatile struct entry *e, struct irqs *other, bool *came)
{
	const struct entry before = {
		.address = e->address, .address_high = e->address_high,
		.data = e->data,
	};
	const struct entry m = message_of(other->dev);
	const char *wrong = put_message(e, &m);

	report_info("%s %s: entry %x %x becomes %x %x", irq_part, s->kind->name,
		    before.address, before.data, m.address, m.data);
	if (wrong)
		return wrong;
	*came = came_instead(s, irqs, other);
	return put_message(e, &before);
}

/* --- the cases -------------------------------------------------------------- */

static void test_forged(struct source *s, struct irqs *irqs,
			volatile struct entry *e, struct irqs *other)
{
	bool came = false;
	const char *wrong = forge(s, irqs, e, other, &came);

	if (!wrong && came && under_pvh())
		skip_of(s, MSIX, "table-forged",
			"Xen treats a program's message as the kernel's: another device's interrupt arrived");
	else
		say(s, MSIX, "table-forged",
		    came ? "another device's interrupt came" : wrong);
}

static void with_table(struct source *s, struct irqs *irqs, struct irqs *other,
		       volatile struct entry *e)
{
	uint32_t control;
	int sig = try(&e->control, &control, false);

	if (!sig)
		sig = try_write(&e->control, control);
	report_info("%s %s: a write to the table %s", irq_part, s->kind->name,
		    outcome(sig));
	if (sig == SIGALRM) {
		skip_of(s, MSIX, "table-masked", "a write to the table never ends");
		skip_of(s, MSIX, "table-forged", "a write to the table never ends");
		return;
	}
	say(s, MSIX, "table-masked", sig ? NULL : mask_in_table(s, irqs, e));
	if (sig)
		say(s, MSIX, "table-forged", NULL);
	else
		test_forged(s, irqs, e, other);
}

void test_table(struct source *s, struct source *edu)
{
	struct irqs irqs, other;
	struct table t = table_open(source_device(s));
	const char *wrong = enable(edu, &other, MSI, 1);

	if (!wrong)
		wrong = enable(s, &irqs, MSIX, vectors(s, MSIX));
	say(s, MSIX, "table-enabled", wrong);
	if (wrong)
		return;
	with_table(s, &irqs, &other, t.entries + VECTOR);
	table_close(&t);
	disable(&irqs);
	irqs_close(&irqs);
	say(s, MSIX, "after-table", works(s, MSIX, vectors(s, MSIX)));
	say(edu, MSI, "after-table", arrives(edu, &other, 0));
	disable(&other);
	irqs_close(&other);
}

/* No byte of the pages with the table may be readable or writable. */
static const char *kept(const struct table *t, unsigned int nr)
{
	const uintptr_t first = (uintptr_t)t->entries & -TABLE_PAGE;
	const uintptr_t end = (uintptr_t)(t->entries + nr);
	uintptr_t at;
	uint32_t value = 0;
	int sig;

	for (at = first; at < end; at += TABLE_PAGE / 2) {
		sig = try((volatile uint32_t *)at, &value, false);
		if (sig != SIGBUS)
			return because("a read at 0x%zx %s", at - (uintptr_t)t->bar,
				       outcome(sig));
		sig = try_write((volatile uint32_t *)at, value);
		if (sig != SIGBUS)
			return because("a write at 0x%zx %s", at - (uintptr_t)t->bar,
				       outcome(sig));
	}
	return NULL;
}

/* The kernel denies programs the table; all other accesses work. */
void test_kept(struct source *s)
{
	struct table t = table_open(source_device(s));

	say(s, MSIX, "table-kept", kept(&t, irq_count(source_device(s), MSIX, NULL)));
	say(s, MSIX, "all-but-table", works(s, MSIX, vectors(s, MSIX)));
	table_close(&t);
}

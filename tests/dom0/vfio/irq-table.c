// SPDX-License-Identifier: GPL-2.0
/*
 * What a program can do to its device's table of MSI-X, which VFIO lets it map.
 * An entry is where to write what, and whether it is masked.
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
#define PATIENCE_S	20

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

/* --- is it let? ------------------------------------------------------------- */

static sigjmp_buf back;

static void get_out(int sig)
{
	siglongjmp(back, sig);
}

/*
 * What came of a write: 0 if it ended, SIGBUS if it was refused, SIGALRM if it
 * does not end: where the hypervisor maps the page read-only behind the kernel's
 * back, the kernel repeats a page fault for ever.
 */
static int try_write(volatile uint32_t *at, uint32_t value)
{
	struct sigaction on = { .sa_handler = get_out }, bus, alarms;
	int sig;

	sigaction(SIGBUS, &on, &bus);
	sigaction(SIGALRM, &on, &alarms);
	sig = sigsetjmp(back, 1);
	if (!sig) {
		alarm(PATIENCE_S);
		*at = value;
	}
	alarm(0);
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGALRM, &alarms, NULL);
	return sig;
}

/* --- the mask --------------------------------------------------------------- */

/* Whether it is obeyed or not, the interrupt is neither lost nor doubled. */
static const char *mask_in_table(struct source *s, struct irqs *irqs,
				 volatile struct entry *e)
{
	const uint32_t before = e->control;
	bool early;

	e->control = before | PCI_MSIX_ENTRY_CTRL_MASKBIT;
	s->kind->raise(s, MSIX, VECTOR);
	early = !irq_silent(irqs, VECTOR);
	report_info("%s %s: the mask that a program sets in the table is %s",
		    irq_part, s->kind->name, early ? "ignored" : "obeyed");
	e->control = before & ~PCI_MSIX_ENTRY_CTRL_MASKBIT;
	if (irq_wait(irqs, VECTOR) != 1)
		return "vector 1 was raised once and did not come once";
	return each_arrives(s, irqs);
}

/* --- another's message ------------------------------------------------------ */

/* As the kernel set it. */
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

static void put_message(volatile struct entry *e, const struct entry *m)
{
	e->control = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	e->address = m->address;
	e->address_high = m->address_high;
	e->data = m->data;
	e->control = 0;
}

/* Puts that message into its own table and raises the vector. */
static const char *forge(struct source *s, struct irqs *irqs,
			 volatile struct entry *e, struct irqs *other)
{
	const struct entry before = {
		.address = e->address, .address_high = e->address_high,
		.data = e->data,
	};
	const struct entry m = message_of(other->dev);
	const char *wrong = NULL;

	put_message(e, &m);
	s->kind->raise(s, MSIX, VECTOR);
	if (!irq_silent(other, 0))
		wrong = "another device's interrupt came";
	report_info("%s %s: entry %x %x became %x %x of %s; its own interrupt %s",
		    irq_part, s->kind->name, before.address, before.data,
		    m.address, m.data, other->dev->bdf,
		    irq_take(irqs, VECTOR) ? "came" : "did not come");
	irq_take(other, 0);
	put_message(e, &before);
	return wrong;
}

/* --- the cases -------------------------------------------------------------- */

static void with_table(struct source *s, struct irqs *irqs, struct irqs *other,
		       volatile struct entry *e)
{
	int sig = try_write(&e->control, e->control);

	if (sig == SIGALRM) {
		skip_of(s, MSIX, "table-masked", "a write to the table never ends");
		skip_of(s, MSIX, "table-forged", "a write to the table never ends");
		return;
	}
	if (sig)
		report_info("%s %s: a write to the table is refused", irq_part,
			    s->kind->name);
	say(s, MSIX, "table-masked", sig ? NULL : mask_in_table(s, irqs, e));
	say(s, MSIX, "table-forged", sig ? NULL : forge(s, irqs, e, other));
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

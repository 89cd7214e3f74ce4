/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the cases of vfio-irq are made of.  Those that return text return what
 * went wrong, or NULL; it is valid until the next of them fails.
 */
#ifndef XPI_IRQ_STEPS_H
#define XPI_IRQ_STEPS_H

#include <linux/vfio.h>

#include "irq.h"
#include "source.h"

#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX

/* From the command line: part of each test's name. */
extern const char *irq_part;

/* A result, of the test irq.PART.DEVICE.KIND.TEST; of its second, DEVICE-2. */
void say(const struct source *s, uint32_t index, const char *test,
	 const char *wrong);
void skip_of(const struct source *s, uint32_t index, const char *test,
	     const char *reason);

/* The same of several devices: irq.PART.TEST. */
void say_all(const char *test, const char *wrong);

/* Is the kernel a PVH domain's?  Xen makes its interrupts from tables that it keeps. */
bool under_pvh(void);

/* How many of a kind are used: what the device is known to raise. */
unsigned int vectors(const struct source *s, uint32_t index);

/* Have the device start with these interrupts, what comes by that is dropped. */
void start(struct source *s, struct irqs *irqs);

const char *enable(struct source *s, struct irqs *irqs, uint32_t index,
		   unsigned int nr);
const char *disable(struct irqs *irqs);

/* Lower what was raised, and unmask INTx. */
const char *quiet_down(struct source *s, struct irqs *irqs, unsigned int vector);

/* Raised once, it comes once; and, of each, no other comes. */
const char *arrives(struct source *s, struct irqs *irqs, unsigned int vector);
const char *each_arrives(struct source *s, struct irqs *irqs);
/* No other than this one has come. */
const char *only(struct irqs *irqs, unsigned int vector);

/* Enabled, each comes, disabled. */
const char *works(struct source *s, uint32_t index, unsigned int nr);

#define SOURCES_MAX	8

/* The cases: of one device; of its table of MSI-X, beside an edu; of several. */
void test_whole(struct source *s);
void test_table(struct source *s, struct source *edu);
void test_kept(struct source *s);
void test_restored(struct source *s);
void test_together(struct source *s, unsigned int nr);
void test_line(struct source *a, struct source *b);
void test_crowd(struct source *s);

/* All raise interrupts until this program is killed. */
void run_victim(struct source *s, unsigned int nr);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Steps of the cases of vfio-irq. Functions that return text return the problem, or
 * NULL. The text is valid until the next failure.
 */
#ifndef XPI_IRQ_STEPS_H
#define XPI_IRQ_STEPS_H

#include <linux/vfio.h>

#include "irq.h"
#include "source.h"

#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX

/* A part of each test's name, from the command line. */
extern const char *irq_part;

/* Report the test irq.PART.DEVICE.KIND.TEST; a second device of a kind is DEVICE-2. */
void say(const struct source *s, uint32_t index, const char *test,
	 const char *wrong);
void skip_of(const struct source *s, uint32_t index, const char *test,
	     const char *reason);

/* The same for several devices: irq.PART.TEST. */
void say_all(const char *test, const char *wrong);

/* True in a PVH domain, whose MSI-X tables Xen emulates. */
bool under_pvh(void);

/* Return how many interrupts of a kind the tests use: those that the device can raise. */
unsigned int vectors(const struct source *s, uint32_t index);

/* Start the device with these interrupts, and drop those that the start raises. */
void start(struct source *s, struct irqs *irqs);

const char *enable(struct source *s, struct irqs *irqs, uint32_t index,
		   unsigned int nr);
const char *disable(struct irqs *irqs);

/* Lower the interrupt, and unmask INTx. */
const char *quiet_down(struct source *s, struct irqs *irqs, unsigned int vector);

/* Raise a vector once: it must arrive once. each_arrives(): and no other vector. */
const char *arrives(struct source *s, struct irqs *irqs, unsigned int vector);
const char *each_arrives(struct source *s, struct irqs *irqs);
/* No vector but this one has arrived. */
const char *only(struct irqs *irqs, unsigned int vector);

/* Enable the vectors, check that each arrives, disable them. */
const char *works(struct source *s, uint32_t index, unsigned int nr);

#define SOURCES_MAX	8

/* The cases of one device; of its MSI-X table, with an edu; of several devices. */
void test_whole(struct source *s);
void test_table(struct source *s, struct source *edu);
void test_kept(struct source *s);
void test_restored(struct source *s);
void test_together(struct source *s, unsigned int nr);
void test_line(struct source *a, struct source *b);
void test_crowd(struct source *s);

/* All devices raise interrupts until this program is killed. */
void run_victim(struct source *s, unsigned int nr);

#endif

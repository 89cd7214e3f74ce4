/* SPDX-License-Identifier: GPL-2.0 */
/* Interrupts of a VFIO device, each delivered by an eventfd. */
#ifndef XPI_IRQ_H
#define XPI_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio.h"

#define IRQS_MAX	512

/*
 * index is VFIO's: INTx, MSI or MSI-X. nr is 0 while no interrupts are enabled. The
 * eventfds stay open until irqs_close(), so that interrupts after irqs_disable() are
 * noticed.
 */
struct irqs {
	const struct device *dev;
	uint32_t index;
	unsigned int nr, open;
	int fds[IRQS_MAX];
};

/* Return how many interrupts of a kind the device offers, and VFIO's flags. */
unsigned int irq_count(const struct device *dev, uint32_t index, uint32_t *flags);

/* Enable the first nr, or disable all. Return 0 or -errno; -EAGAIN: fewer are left. */
int irqs_enable(struct irqs *irqs, const struct device *dev, uint32_t index,
		unsigned int nr);
int irqs_disable(struct irqs *irqs);
void irqs_close(struct irqs *irqs);

/* Disconnect one vector from its eventfd, and connect it again. Return 0 or -errno. */
int irq_detach(struct irqs *irqs, unsigned int vector);
int irq_attach(struct irqs *irqs, unsigned int vector);

/* INTx only. After irq_unmask_by() each write to an eventfd unmasks. */
int irq_mask(struct irqs *irqs);
int irq_unmask(struct irqs *irqs);
int irq_unmask_by(struct irqs *irqs, int fd);

/*
 * Wait until the vector arrives, which may take long on an emulator. Return how often
 * it arrived since the last call, 0 if it does not arrive.
 */
uint64_t irq_wait(struct irqs *irqs, unsigned int vector);
/* The same without waiting. */
uint64_t irq_take(struct irqs *irqs, unsigned int vector);
/* True if no such interrupt arrives for a while; for tests without a later event. */
bool irq_silent(struct irqs *irqs, unsigned int vector);

#endif

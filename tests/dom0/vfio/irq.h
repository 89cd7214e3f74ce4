/* SPDX-License-Identifier: GPL-2.0 */
/* Interrupts of a device that VFIO gave out; each comes by an eventfd. */
#ifndef XPI_IRQ_H
#define XPI_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio.h"

#define IRQS_MAX	512

/*
 * index is that of VFIO: INTx, MSI or MSI-X.  nr is 0 while none are enabled.
 * The eventfds stay open until irqs_close(), so that what comes after the end
 * is seen, too.
 */
struct irqs {
	const struct device *dev;
	uint32_t index;
	unsigned int nr, open;
	int fds[IRQS_MAX];
};

/* How many interrupts of a kind the device offers, and VFIO's flags. */
unsigned int irq_count(const struct device *dev, uint32_t index, uint32_t *flags);

/* Enable the first nr, or disable all.  0 or -errno; -EAGAIN: fewer are left. */
int irqs_enable(struct irqs *irqs, const struct device *dev, uint32_t index,
		unsigned int nr);
int irqs_disable(struct irqs *irqs);
void irqs_close(struct irqs *irqs);

/* Take one vector away, give it back; 0 or -errno. */
int irq_detach(struct irqs *irqs, unsigned int vector);
int irq_attach(struct irqs *irqs, unsigned int vector);

/* INTx only; irq_unmask_by() makes each write to an eventfd an unmask. */
int irq_mask(struct irqs *irqs);
int irq_unmask(struct irqs *irqs);
int irq_unmask_by(struct irqs *irqs, int fd);

/*
 * Wait until the vector came, which may take long on an emulator; how often it
 * did since it was last asked, 0 if it does not come.
 */
uint64_t irq_wait(struct irqs *irqs, unsigned int vector);
/* The same without waiting. */
uint64_t irq_take(struct irqs *irqs, unsigned int vector);
/* For what cannot be told from what comes after it: nothing comes for a while. */
bool irq_silent(struct irqs *irqs, unsigned int vector);

#endif

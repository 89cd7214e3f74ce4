/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_INTERRUPT_H
#define XPI_INTERRUPT_H

#include <linux/irqflags.h>

/*
 * Called first by an interrupt that a test makes. It stands for a device's,
 * whose handler PREEMPT_RT runs in a thread, so it may allocate. What the kernel
 * makes for itself stays a hard interrupt there; lockdep has to be told that
 * this is not one of those.
 */
static inline void xpi_as_device_handler(void)
{
	lockdep_hardirq_threaded();
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_FAULT_H
#define XPI_FAULT_H

#include <linux/types.h>

struct xpi_hv;

/**
 * xpi_fault_drain() - drop the records from before the module was loaded
 * @hv: the hypervisor
 */
void xpi_fault_drain(const struct xpi_hv *hv);

/**
 * xpi_fault_start() - start to report faults
 * @hv: the hypervisor
 * @virq: raised when Xen has recorded a fault, not trusted; 0 if unsupported
 *
 * A failure is logged, and the driver works without fault reports.
 */
void xpi_fault_start(const struct xpi_hv *hv, u32 virq);

/**
 * xpi_fault_stop() - stop to report faults
 *
 * Waits until its work has finished.
 */
void xpi_fault_stop(void);

#endif /* XPI_FAULT_H */

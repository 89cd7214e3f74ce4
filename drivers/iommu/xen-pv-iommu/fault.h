/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_FAULT_H
#define XPI_FAULT_H

#include <linux/types.h>

struct xpi_hv;

/**
 * xpi_fault_drain() - drop what Xen recorded before anybody was interested
 * @hv: the hypervisor
 */
void xpi_fault_drain(const struct xpi_hv *hv);

/**
 * xpi_fault_start() - report faults from now on
 * @hv: the hypervisor
 * @virq: raised when Xen has recorded one, not trusted; 0 if it does not
 *
 * If that is not possible it is said, and all else works.
 */
void xpi_fault_start(const struct xpi_hv *hv, u32 virq);

/**
 * xpi_fault_stop() - no more
 *
 * On return nothing of it runs any more.
 */
void xpi_fault_stop(void);

#endif /* XPI_FAULT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * More vCPUs, for PV. They may use the bare hypercall only: only the first vCPU may use
 * CHECK, EXPECT, random_u64() and functions that call these.
 */
#ifndef MICRO_SMP_H
#define MICRO_SMP_H

#include <stdbool.h>

#define SMP_MAX		4U

typedef void smp_worker(unsigned int cpu);

/* Skips the test if there are fewer than SMP_MAX. */
void smp_need(void);

/* Run @fn on vCPUs 1 to SMP_MAX - 1, and wait for all of them. */
void smp_start(smp_worker *fn);
bool smp_running(void);
void smp_finish(void);

#endif

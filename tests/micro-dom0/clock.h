/* SPDX-License-Identifier: GPL-2.0 */
/* Xen's system time, and sleeping without use of the host's CPU. */
#ifndef MICRO_CLOCK_H
#define MICRO_CLOCK_H

#include <stdint.h>

#define MSEC	1000000UL

uint64_t clock_ns(void);
void sleep_until(uint64_t ns);
void sleep_ms(unsigned int ms);

#endif

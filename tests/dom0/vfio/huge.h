/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_HUGE_H
#define XPI_HUGE_H

#include <stdint.h>

#define HUGE	(2UL << 20)

/* Return populated hugepages filled with zeroes, or NULL if there are too few. */
uint8_t *new_hugepages(unsigned int nr);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* COM2 by port accesses, for the result channel. */
#ifndef MICRO_UART_H
#define MICRO_UART_H

#include <stddef.h>

void uart_init(void);
void uart_write(const char *s, size_t len);

#endif

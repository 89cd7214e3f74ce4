/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_REPORT_H
#define XPI_REPORT_H

#include <linux/types.h>

/* One test: it passes if both are equal; else the reason says what and both. */
void expect(const char *name, const char *what, u64 want, u64 got);

/* Texts that are not tests; no newline. */
__printf(1, 2) void report_info(const char *fmt, ...);

/* The line that ends a program of the protocol. */
void report_end(void);

#endif /* XPI_REPORT_H */

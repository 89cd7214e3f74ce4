/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_REPORT_H
#define XPI_REPORT_H

#include <linux/types.h>

/* Report a test. It passes if both values are equal. Otherwise the reason has both. */
void expect(const char *name, const char *what, u64 want, u64 got);

/* Report a text that is no test, without a newline. */
__printf(1, 2) void report_info(const char *fmt, ...);

/* Report the end line of the protocol. */
void report_end(void);

#endif /* XPI_REPORT_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_SPRINTF_H
#define FAKE_LINUX_SPRINTF_H

#include <stdarg.h>
#include <stdio.h>

/* Returns the length that was written, not the length needed. */
static inline int __attribute__((__format__(__printf__, 3, 4)))
scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!size)
		return 0;
	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n < (int)size ? n : (int)size - 1;
}

#endif

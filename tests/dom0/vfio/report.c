// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"

static unsigned int passed, failed, skipped;

void report_pass(const char *name)
{
	passed++;
	printf("xpi: pass %s\n", name);
	fflush(stdout);
}

void report_fail(const char *name, const char *fmt, ...)
{
	va_list args;

	failed++;
	printf("xpi: fail %s: ", name);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void report_skip(const char *name, const char *reason)
{
	skipped++;
	printf("xpi: skip %s: %s\n", name, reason);
	fflush(stdout);
}

void report_info(const char *fmt, ...)
{
	va_list args;

	printf("xpi: info ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

int report_end(void)
{
	printf("xpi: end %u %u %u\n", passed, failed, skipped);
	fflush(stdout);
	return failed ? 1 : 0;
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

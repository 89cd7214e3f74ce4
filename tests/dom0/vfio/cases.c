// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "report.h"

static const char *whole_name(const char *name)
{
	static char whole[80];

	snprintf(whole, sizeof(whole), "%s%s", container_prefix, name);
	return whole;
}

void expect(const char *name, const char *problem)
{
	if (problem)
		report_fail(whole_name(name), "%s", problem);
	else
		report_pass(whole_name(name));
}

void skip(const char *name, const char *reason)
{
	report_skip(whole_name(name), reason);
}

const char *because(const char *fmt, ...)
{
	static char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return text;
}

const char *unless(bool ok, const char *problem)
{
	return ok ? NULL : problem;
}

const char *read_works(struct bed *bed, uint64_t iova, uint8_t *mem)
{
	return unless(can_read(bed, iova, mem), "the device did not read what is mapped");
}

const char *write_works(struct bed *bed, uint64_t iova, uint8_t *mem)
{
	return unless(can_write(bed, iova, mem), "the bytes that the device wrote did not arrive");
}

void must_map(struct bed *bed, uint64_t iova, void *mem, size_t bytes,
	      unsigned int may)
{
	int rc = container_map(&bed->container, iova, mem, bytes, may);

	if (rc)
		die("mapping %zu bytes at 0x%llx: %s", bytes,
		    (unsigned long long)iova, strerror(-rc));
}

void must_unmap(struct bed *bed, uint64_t iova, size_t bytes)
{
	int rc = container_unmap(&bed->container, iova, bytes);

	if (rc)
		die("unmapping %zu bytes at 0x%llx: %s", bytes,
		    (unsigned long long)iova, strerror(-rc));
}

// SPDX-License-Identifier: GPL-2.0
/* The xpi protocol in a module parameter, which is read after the module loaded. */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "report.h"

static char results[3900];
module_param_string(results, results, sizeof(results), 0400);
MODULE_PARM_DESC(results, "what the tests said, in the xpi protocol");

static unsigned int passed, failed;

static __printf(1, 0) void vemit(const char *fmt, va_list args)
{
	size_t len = strlen(results);

	vscnprintf(results + len, sizeof(results) - len, fmt, args);
}

static __printf(1, 2) void emit(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vemit(fmt, args);
	va_end(args);
}

void expect(const char *name, const char *what, u64 want, u64 got)
{
	if (want == got) {
		passed++;
		emit("xpi: pass %s\n", name);
	} else {
		failed++;
		emit("xpi: fail %s: %s: wanted %#llx, got %#llx\n", name, what,
		     want, got);
	}
}

void report_info(const char *fmt, ...)
{
	va_list args;

	emit("xpi: info ");
	va_start(args, fmt);
	vemit(fmt, args);
	va_end(args);
	emit("\n");
}

void report_end(void)
{
	emit("xpi: end %u %u 0\n", passed, failed);
}

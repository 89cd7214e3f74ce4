// SPDX-License-Identifier: GPL-2.0
#include "hypercall.h"
#include "lib.h"
#include "output.h"
#include "uart.h"

#define LINE_MAX	320

static void console_write(const char *s, size_t len)
{
	hypercall(HC_CONSOLE_IO, CONSOLEIO_WRITE, len, hc_ptr(s), 0, 0);
}

void console(const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	console_write(line, vformat(line, sizeof(line), fmt, ap));
	va_end(ap);
}

void result_init(void)
{
	uart_init();
}

void result(const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;
	int len;

	memcpy(line, "xpi: ", 5);
	va_start(ap, fmt);
	len = 5 + vformat(line + 5, sizeof(line) - 6, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	uart_write(line, len);
	console_write(line, len);
}

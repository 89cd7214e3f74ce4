// SPDX-License-Identifier: GPL-2.0
#include "hypercall.h"
#include "io.h"
#include "lib.h"
#include "output.h"

#define COM2		0x2f8
#define UART_IER	1
#define UART_FCR	2
#define UART_LCR	3
#define UART_LSR	5
#define UART_LSR_THRE	0x20
#define LCR_8N1		0x03
#define LCR_DLAB	0x80

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
	outb(0, COM2 + UART_IER);
	outb(LCR_8N1 | LCR_DLAB, COM2 + UART_LCR);
	outb(1, COM2);				/* 115200 baud */
	outb(0, COM2 + UART_IER);
	outb(LCR_8N1, COM2 + UART_LCR);
	outb(0x07, COM2 + UART_FCR);
}

static void uart_write(const char *s, size_t len)
{
	while (len--) {
		while (!(inb(COM2 + UART_LSR) & UART_LSR_THRE))
			cpu_relax();
		outb(*s++, COM2);
	}
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

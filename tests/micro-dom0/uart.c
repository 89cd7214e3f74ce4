// SPDX-License-Identifier: GPL-2.0
#include "io.h"
#include "uart.h"

#define COM2		0x2f8
#define UART_IER	1
#define UART_FCR	2
#define UART_LCR	3
#define UART_LSR	5
#define UART_LSR_THRE	0x20
#define LCR_8N1		0x03
#define LCR_DLAB	0x80

void uart_init(void)
{
	outb(0, COM2 + UART_IER);
	outb(LCR_8N1 | LCR_DLAB, COM2 + UART_LCR);
	outb(1, COM2);				/* 115200 baud */
	outb(0, COM2 + UART_IER);
	outb(LCR_8N1, COM2 + UART_LCR);
	outb(0x07, COM2 + UART_FCR);
}

void uart_write(const char *s, size_t len)
{
	while (len--) {
		while (!(inb(COM2 + UART_LSR) & UART_LSR_THRE))
			cpu_relax();
		outb(*s++, COM2);
	}
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two ways out. The console (through Xen, COM1) is a log for people; nothing
 * there counts as success. The result channel (COM2, which Xen leaves to dom0)
 * carries the `xpi:` lines that the runner judges.
 */
#ifndef MICRO_OUTPUT_H
#define MICRO_OUTPUT_H

void console(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void result_init(void);
/* One line, without the leading "xpi: "; it goes to the console as well. */
void result(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define info(fmt, ...) result("info " fmt, ##__VA_ARGS__)

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two kinds of output. The console (through Xen, COM1) is a log for people; no line
 * there makes a test pass. The result channel (COM2, which Xen leaves to dom0) has the
 * `xpi:` lines that the runner judges.
 */
#ifndef MICRO_OUTPUT_H
#define MICRO_OUTPUT_H

void console(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void result_init(void);
/* Print one line, without the leading "xpi: ", to the channel and the console. */
void result(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define info(fmt, ...) result("info " fmt, ##__VA_ARGS__)

#endif

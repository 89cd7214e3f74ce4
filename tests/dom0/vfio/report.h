/* SPDX-License-Identifier: GPL-2.0 */
/* Test results of a user-space program, as lines of the xpi protocol. */
#ifndef XPI_REPORT_H
#define XPI_REPORT_H

void report_pass(const char *name);
void report_fail(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void report_skip(const char *name, const char *reason);
void report_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The last line; returns the program's exit status. */
int report_end(void);

/* Say in one sentence what is wrong and end the program without an end line. */
void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#endif

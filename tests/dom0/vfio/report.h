/* SPDX-License-Identifier: GPL-2.0 */
/* Reports results of a user-space program as lines of the xpi protocol. */
#ifndef XPI_REPORT_H
#define XPI_REPORT_H

void report_pass(const char *name);
void report_fail(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void report_skip(const char *name, const char *reason);
void report_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print the end line. Returns the program's exit status. */
int report_end(void);

/* Print one sentence about a problem, and exit the program without an end line. */
void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#endif

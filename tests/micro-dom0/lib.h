/* SPDX-License-Identifier: GPL-2.0 */
/* The part of a C library that this kernel needs. */
#ifndef MICRO_LIB_H
#define MICRO_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

void *memset(void *dst, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
bool str_has_prefix(const char *s, const char *prefix);

/* Supports %s %c %% and %d %u %x, with or without l, and a field width. */
int vformat(char *buf, size_t size, const char *fmt, va_list ap);
int format(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Repeatable: the seed is printed at the start of every run. */
void random_seed(uint64_t seed);
uint64_t random_u64(void);

#endif

// SPDX-License-Identifier: GPL-2.0
#include "lib.h"

void *memset(void *dst, int c, size_t n)
{
	char *d = dst;

	while (n--)
		*d++ = c;
	return dst;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	const char *s = src;
	char *d = dst;

	while (n--)
		*d++ = *s++;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n--; x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool str_has_prefix(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

static void put_number(struct out *o, uint64_t v, unsigned int base,
		       unsigned int width, char pad)
{
	char digits[24];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (width > n) {
		put(o, pad);
		width--;
	}
	while (n)
		put(o, digits[--n]);
}

static void put_string(struct out *o, const char *s)
{
	while (*s)
		put(o, *s++);
}

/* Do one conversion; return the rest of @fmt. */
static const char *convert(struct out *o, const char *fmt, va_list *ap)
{
	unsigned int width = 0;
	bool is_long = false;
	char pad = ' ';
	int64_t v;

	if (*fmt == '0')
		pad = *fmt++;
	while (*fmt >= '0' && *fmt <= '9')
		width = width * 10 + *fmt++ - '0';
	while (*fmt == 'l') {
		is_long = true;
		fmt++;
	}
	switch (*fmt) {
	case 's':
		put_string(o, va_arg(*ap, const char *));
		break;
	case 'c':
		put(o, va_arg(*ap, int));
		break;
	case 'd':
		v = is_long ? va_arg(*ap, long) : va_arg(*ap, int);
		if (v < 0)
			put(o, '-');
		put_number(o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad);
		break;
	case 'u':
	case 'x':
		put_number(o, is_long ? va_arg(*ap, unsigned long) :
				       va_arg(*ap, unsigned int),
			   *fmt == 'x' ? 16 : 10, width, pad);
		break;
	default:
		put(o, *fmt);
		break;
	}
	return fmt + 1;
}

int vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = convert(&o, fmt + 1, &args);
		else
			put(&o, *fmt++);
	}
	va_end(args);
	if (size)
		buf[o.len] = '\0';
	return o.len;
}

int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vformat(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

static uint64_t random_state;

void random_seed(uint64_t seed)
{
	random_state = seed;
}

/* splitmix64, for which any seed is good, also 0. */
uint64_t random_u64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15UL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
	return z ^ (z >> 31);
}

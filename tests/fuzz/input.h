/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The input, byte by byte; after its end every byte is zero.
 */
#ifndef XPI_FUZZ_INPUT_H
#define XPI_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static struct {
	const uint8_t *p, *end;
} input;

static void input_start(const uint8_t *data, size_t size)
{
	input.p = data;
	input.end = data + size;
}

static bool input_left(void)
{
	return input.p < input.end;
}

static unsigned int byte(void)
{
	return input_left() ? *input.p++ : 0;
}

static unsigned int word(void)
{
	unsigned int low = byte();

	return low | byte() << 8;
}

static uint64_t wild(void)
{
	uint64_t x = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		x = x << 8 | byte();
	/* Many small values and many close to overflow. */
	switch (byte() & 3) {
	case 0:
		return x;
	case 1:
		return x & 0xffff;
	case 2:
		return ~0ULL - (x & 0xfff);
	default:
		return (1ULL << (x & 63)) - (x >> 63);
	}
}

#endif /* XPI_FUZZ_INPUT_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_BENCH_H
#define XPI_BENCH_H

#include <linux/compiler_attributes.h>
#include <linux/sizes.h>

struct device;

/* Where a domain of our own maps: the start of a page table. */
#define BENCH_IOVA	SZ_1G

/* Lines of the xpi protocol, for the parameter "results". */
__printf(1, 2) void bench_emit(const char *fmt, ...);

/**
 * bench_memory() - what mappings cost in memory, here and in Xen
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_memory(struct device *dev);

#endif /* XPI_BENCH_H */

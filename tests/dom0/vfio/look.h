/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queries Xen about a device's context, by the module in ../look. On a machine
 * without Xen the module is missing, and have_look() returns false.
 */
#ifndef XPI_LOOK_H
#define XPI_LOOK_H

#include <stdbool.h>
#include <stdint.h>

bool have_look(void);

/* Return the number of the device's context. */
unsigned int context_of(const char *bdf);

/* Return log2 of the leaf's 4 KiB pages, or -1 if nothing is mapped at iova. */
int leaf_order(const char *bdf, uint64_t iova);

#endif

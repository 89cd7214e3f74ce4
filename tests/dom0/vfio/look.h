/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Xen says of a device's context, through the module in ../look.  On a
 * machine without Xen there is no such module, and have_look() says so.
 */
#ifndef XPI_LOOK_H
#define XPI_LOOK_H

#include <stdbool.h>
#include <stdint.h>

bool have_look(void);

/* The number of the context that the device is in. */
unsigned int context_of(const char *bdf);

/* log2 of the leaf's 4 KiB pages, or -1 if nothing is mapped at iova. */
int leaf_order(const char *bdf, uint64_t iova);

#endif

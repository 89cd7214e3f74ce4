/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for tests. The pool is two parts: 512 pages that fill a naturally
 * aligned 2 MiB frame, to be mapped as a whole, and 512 single pages. A test
 * owns what it takes until it ends; then all of it is given back at once.
 */
#ifndef MICRO_MEM_H
#define MICRO_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "arch.h"

#define HUGE_PAGES	512UL

/* One zeroed page. */
void *page_alloc(void);
/* @nr zeroed pages, contiguous in our address space and as frames. */
void *pages_alloc(unsigned int nr);
/* The 2 MiB frame, not zeroed: it is the same in every test. */
void *huge_frame(void);

/* Page protection that the end of the test undoes. */
void page_readonly(void *page);
void page_writable(void *page);

/* PV only: make a read-only page an L1 table (0 or -errno), and undo it. */
long page_pin(void *page);
long page_unpin(void *page);

/* Are the frames of [@va, +@nr pages) one run? */
int frames_contiguous(const void *va, unsigned int nr);

/* The end of a test: nothing pinned, everything writable, pool empty. */
void mem_reset(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for tests. The pool has two parts: a naturally aligned 2 MiB frame of 512
 * pages, to be mapped as a whole, and 512 single pages. A test owns the pages that it
 * allocates; its end frees all of them.
 */
#ifndef MICRO_MEM_H
#define MICRO_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "arch.h"

#define HUGE_PAGES	512UL

/* Allocate one zeroed page. */
void *page_alloc(void);
/* Allocate @nr zeroed pages with contiguous addresses and frames. */
void *pages_alloc(unsigned int nr);
/* Return the 2 MiB frame, which is the same in every test and is not zeroed. */
void *huge_frame(void);

/* Make a page read-only; the end of the test undoes it. */
void page_readonly(void *page);
void page_writable(void *page);

/* PV only: make a read-only page an L1 table (0 or -errno), and undo it. */
long page_pin(void *page);
long page_unpin(void *page);

/* True if the @nr pages from @va have contiguous frames. */
int frames_contiguous(const void *va, unsigned int nr);

/* At the end of a test: unpin pages, make all writable, empty the pool. */
void mem_reset(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's UHCI controller. While it runs it reads one word of its frame list each
 * millisecond, whatever the CPU does: with a list that is not mapped it floods
 * its IOMMU with faults.
 */
#ifndef MICRO_UHCI_H
#define MICRO_UHCI_H

#include <stdbool.h>
#include <stdint.h>

#include "edu.h"

/* Skips the test where there is none. It is stopped and a bus master. */
struct edu *uhci_need(void);
bool uhci_is_master(void);

/* Run with the frame list (1024 words) at @iova; an address of 32 bits. */
void uhci_run(uint64_t iova);
void uhci_stop(void);

/* The end of a test: it does no DMA, wherever it is put next. */
void uhci_reset(void);

/*
 * Two pages that it reaches at @iova and behind: a list and a transfer. Does it
 * read both, and write that the transfer has failed?
 */
bool uhci_works(void *pages, uint64_t iova);

/*
 * A word that it reads where nothing is mapped is zero, which leads to address
 * 0. Make the page there an end, or it follows zeros for the rest of each frame.
 */
void uhci_make_end(void *page);

#endif

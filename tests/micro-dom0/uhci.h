/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's UHCI controller. While it runs it reads one word of its frame list each
 * millisecond, without the CPU. If the list is not mapped, it floods the IOMMU with
 * faults.
 */
#ifndef MICRO_UHCI_H
#define MICRO_UHCI_H

#include <stdbool.h>
#include <stdint.h>

#include "edu.h"

/* Return the controller, stopped and a bus master. Skips the test without one. */
struct edu *uhci_need(void);
bool uhci_is_master(void);

/* Run it with the frame list (1024 words) at @iova, an address of 32 bits. */
void uhci_run(uint64_t iova);
void uhci_stop(void);

/* At the end of a test: stop its DMA. */
void uhci_reset(void);

/*
 * @pages are two pages, which it reaches at @iova: a list and a transfer. True if it
 * reads both, and writes that the transfer failed.
 */
bool uhci_works(void *pages, uint64_t iova);

/*
 * It reads zero from an unmapped address, and follows it to address 0. Put the end of
 * a list there, or it follows zeroes for the rest of each frame.
 */
void uhci_make_end(void *page);

#endif

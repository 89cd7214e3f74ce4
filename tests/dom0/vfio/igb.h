/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An igb network card (82576) under VFIO in loopback mode: it receives each frame
 * that it sends, so that it does DMA and raises interrupts on command without a
 * cable.
 */
#ifndef XPI_IGB_H
#define XPI_IGB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio.h"

/* Size of the card's rings and buffers at the iova of igb_open(). */
#define IGB_MEMORY	(3 * 4096)
/* Payload of one frame. */
#define IGB_BYTES	1024
/* Size of the header of a frame. */
#define IGB_HEADER	14

struct igb {
	struct device dev;
	struct container *container;
	volatile uint8_t *regs;
	size_t regs_bytes;
	uint8_t *memory;		/* mapped for the card at iova */
	uint64_t iova;
	unsigned int sent, received;	/* frames so far */
};

/* Add the card to c and start it. Exits the program on failure. */
struct igb igb_open(struct container *c, const char *bdf, uint64_t iova);
void igb_close(struct igb *igb);

/* Start it again after a reset, which clears its registers. */
void igb_start(struct igb *igb);

/*
 * Send and receive one frame. igb_fetch() makes the card read bytes from iova, and
 * copies them to @to. igb_store() makes the card write IGB_HEADER bytes of its own
 * and then those of @from to iova. Neither crosses a page. Return true if the card
 * reports the frame as received: it drops a frame that it cannot read, but reports
 * one that it cannot write. Exit the program if the card does not report the frame
 * as sent.
 */
bool igb_fetch(struct igb *igb, uint64_t iova, void *to, size_t bytes);
bool igb_store(struct igb *igb, uint64_t iova, const void *from, size_t bytes);

/*
 * Interrupts by MSI-X: each vector has a bit. A vector raised while it is forbidden
 * is delivered when it is allowed. igb_tell_frames() makes each received frame raise
 * a vector.
 */
void igb_allow_vectors(struct igb *igb, uint32_t mask);
void igb_forbid_vectors(struct igb *igb, uint32_t mask);
void igb_raise(struct igb *igb, unsigned int vector);
void igb_tell_frames(struct igb *igb, unsigned int vector);

/* MSI or INTx: a single interrupt, which stays raised until it is lowered. */
void igb_allow_single(struct igb *igb, bool allow);
void igb_raise_single(struct igb *igb);
void igb_lower_single(struct igb *igb);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An igb network card (82576) under VFIO that talks to itself: each frame that
 * it sends it receives, so that it does DMA and raises interrupts on command
 * without a cable.
 */
#ifndef XPI_IGB_H
#define XPI_IGB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio.h"

/* The card's rings and buffers need so many bytes at the iova of igb_open(). */
#define IGB_MEMORY	(3 * 4096)
/* What one frame carries. */
#define IGB_BYTES	1024
/* Each frame begins with a header of so many bytes. */
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

/* The card becomes part of c and is started; dies if it cannot. */
struct igb igb_open(struct container *c, const char *bdf, uint64_t iova);
void igb_close(struct igb *igb);

/* Start it once more: after it was reset its registers are lost. */
void igb_start(struct igb *igb);

/*
 * One frame.  igb_fetch() lets the card read bytes from iova, which the caller
 * finds in to; igb_store() lets it write IGB_HEADER bytes of its own and then
 * those of from to iova.  Neither crosses a page.  True if the card reports the
 * frame as received: it drops one that it cannot read, but reports one that it
 * cannot write.  Dies if the card does not even report it as sent.
 */
bool igb_fetch(struct igb *igb, uint64_t iova, void *to, size_t bytes);
bool igb_store(struct igb *igb, uint64_t iova, const void *from, size_t bytes);

/*
 * Interrupts by MSI-X: each vector has a bit.  What is raised while it is
 * forbidden comes as soon as it is allowed.  igb_tell_frames() makes each frame
 * that is received raise a vector.
 */
void igb_allow_vectors(struct igb *igb, uint32_t mask);
void igb_forbid_vectors(struct igb *igb, uint32_t mask);
void igb_raise(struct igb *igb, unsigned int vector);
void igb_tell_frames(struct igb *igb, unsigned int vector);

/* By MSI or INTx: there is one, which stays raised until it is lowered. */
void igb_allow_single(struct igb *igb, bool allow);
void igb_raise_single(struct igb *igb);
void igb_lower_single(struct igb *igb);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An NVMe controller under VFIO that completes commands without data: one queue
 * pair a vector, so that each can be raised on command.
 */
#ifndef XPI_NVME_H
#define XPI_NVME_H

#include <stddef.h>
#include <stdint.h>

#include "vfio.h"

/* The admin queue pair, and one pair for each vector but the first. */
#define NVME_PAIRS	65
#define NVME_MEMORY	(NVME_PAIRS * 2 * 4096)

struct nvme_pair {
	unsigned int submitted, completed;
};

struct nvme {
	struct device dev;
	struct container *container;
	volatile uint8_t *regs;
	size_t regs_bytes;
	uint8_t *memory;		/* mapped for the controller at iova */
	uint64_t iova;
	struct nvme_pair pairs[NVME_PAIRS];
};

/* Add the controller to c. Exits the program on failure. */
struct nvme nvme_open(struct container *c, const char *bdf, uint64_t iova);
void nvme_close(struct nvme *nvme);

/*
 * Start or restart it with so many queue pairs. Pair N completes with vector N, but
 * the last pair with vector @last. Without MSI-X there can be only one pair.
 */
void nvme_start(struct nvme *nvme, unsigned int pairs, unsigned int last);

/* Submit a command to pair nr, which raises an interrupt when the command completes. */
void nvme_submit(struct nvme *nvme, unsigned int nr);

/* Consume the completions of pair nr: this deasserts INTx and empties the queue. */
void nvme_take(struct nvme *nvme, unsigned int nr);

#endif

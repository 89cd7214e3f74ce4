/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's edu device: it has a 4 KiB buffer and one DMA channel that copies between
 * the buffer and memory. A transfer of any size takes 100 ms, so loops use many
 * devices at a time.
 */
#ifndef MICRO_EDU_H
#define MICRO_EDU_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

#define EDU_MAX		16
/* Further entries of edu[]: for the devices of bridge.c and of uhci.c. */
#define EDU_BEHIND_MAX	4
#define EDU_PLACE_UHCI	(EDU_MAX + EDU_BEHIND_MAX)
#define EDU_PLACES	(EDU_PLACE_UHCI + 1)

#define EDU_PCI_ID	0x11e81234U

#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define EDU_CMD_START		1UL
#define EDU_CMD_TO_MEMORY	2UL
/* Address of the buffer in the device's own address space. */
#define EDU_BUFFER		0x40000UL

static inline volatile uint64_t *edu_reg64(volatile uint8_t *regs,
					   unsigned int reg)
{
	return (volatile uint64_t *)(regs + reg);
}

/* Start a transfer by the registers. @write: from the device to memory. */
static inline void edu_regs_start(volatile uint8_t *regs, bool write,
				  uint64_t iova, uint64_t len)
{
	*edu_reg64(regs, EDU_DMA_SRC) = write ? EDU_BUFFER : iova;
	*edu_reg64(regs, EDU_DMA_DST) = write ? iova : EDU_BUFFER;
	*edu_reg64(regs, EDU_DMA_COUNT) = len;
	barrier();
	*edu_reg64(regs, EDU_DMA_CMD) =
		EDU_CMD_START | (write ? EDU_CMD_TO_MEMORY : 0);
}

static inline bool edu_regs_busy(volatile uint8_t *regs)
{
	return *edu_reg64(regs, EDU_DMA_CMD) & EDU_CMD_START;
}

struct edu {
	uint32_t bdf;
	uint32_t rid;			/* requester id of its DMA */
	uint64_t bar;			/* machine address of its registers */
	volatile uint8_t *regs;
};

/* The first nr_edu are those of bus 0. */
extern struct edu edu[EDU_PLACES];
extern unsigned int nr_edu;

void edu_find(void);
/* Initialise the entry for the device @bdf. */
void edu_set_up(struct edu *e, uint32_t bdf, uint32_t rid);
/* After the devices lost power: restore their BARs, and allow DMA. */
void edu_restore(void);
/* Skips the test if there are fewer. */
void edu_need(unsigned int nr);

/* Read the register that returns the complement of the value written to it. */
uint32_t edu_live(const struct edu *e);
void edu_set_live(const struct edu *e, uint32_t value);

struct edu_job {
	struct edu *e;
	bool write;			/* device to memory */
	uint64_t iova;
	unsigned int len;
};

/*
 * Run @nr jobs, each on a device of its own, and wait for all. Bus mastering must be
 * on when a job starts, or the test fails: with a device that Xen has turned off every
 * check for "nothing landed" would pass. (In DEFAULT Xen does so after ten faults.)
 */
void edu_run(const struct edu_job *jobs, unsigned int nr);
/* The same, but jobs end @ms after each other: the IOMMU can record one fault at a time. */
void edu_run_apart(const struct edu_job *jobs, unsigned int nr, unsigned int ms);

/* edu_run() in two halves: the device copies about 100 ms after the first. */
void edu_begin(const struct edu_job *job);
void edu_end(const struct edu_job *job);

void edu_write(struct edu *e, uint64_t iova, unsigned int len);
void edu_read(struct edu *e, uint64_t iova, unsigned int len);

/* How often bus mastering was turned on again so far. */
extern unsigned int edu_remastered;

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_EDU_H
#define XPI_EDU_H

#include <linux/types.h>

struct pci_dev;

#define EDU_BYTES	4096U	/* size of its buffer: the limit of a transfer */
#define EDU_ID		0x010000edU

/**
 * struct edu - an edu device
 * @pdev: the device
 * @regs: its registers
 */
struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
};

/* Copy memory to the device's buffer, and back. Return 0 or -ETIMEDOUT. */
int edu_fetch(struct edu *edu, dma_addr_t from, u32 bytes);
int edu_store(struct edu *edu, dma_addr_t to, u32 bytes);

/* Copy memory to memory. */
int edu_copy(struct edu *edu, dma_addr_t from, dma_addr_t to, u32 bytes);

#endif /* XPI_EDU_H */

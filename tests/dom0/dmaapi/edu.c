// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>

#include "edu.h"
#include "edu-regs.h"

static int transfer(struct edu *edu, u64 src, u64 dst, u32 bytes, u64 cmd)
{
	unsigned int ms;

	writeq(src, edu->regs + REG_SRC);
	writeq(dst, edu->regs + REG_DST);
	writeq(bytes, edu->regs + REG_COUNT);
	writeq(cmd, edu->regs + REG_CMD);
	for (ms = 0; readq(edu->regs + REG_CMD) & CMD_RUN; ms += 5) {
		if (ms > PATIENCE_MS)
			return -ETIMEDOUT;
		usleep_range(5000, 6000);
	}
	return 0;
}

int edu_fetch(struct edu *edu, dma_addr_t from, u32 bytes)
{
	return transfer(edu, from, BUFFER, bytes, CMD_RUN);
}

int edu_store(struct edu *edu, dma_addr_t to, u32 bytes)
{
	return transfer(edu, BUFFER, to, bytes, CMD_RUN | CMD_TO_MEMORY);
}

int edu_copy(struct edu *edu, dma_addr_t from, dma_addr_t to, u32 bytes)
{
	return edu_fetch(edu, from, bytes) ?: edu_store(edu, to, bytes);
}

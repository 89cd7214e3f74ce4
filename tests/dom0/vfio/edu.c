// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../dmaapi/edu-regs.h"
#include "edu.h"
#include "report.h"

#define BAR_SIZE	(1 << 20)
#define ID_MASK		0xffff
#define ID_VALUE	0x00ed

uint32_t edu_get(const struct edu *edu, unsigned int reg)
{
	return *(volatile uint32_t *)(edu->regs + reg);
}

static void put32(struct edu *edu, unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(edu->regs + reg) = value;
}

static void put64(struct edu *edu, unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(edu->regs + reg) = value;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

struct edu edu_open(const char *bdf)
{
	struct edu edu;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", bdf);
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0)
		die("%s: %s; is there an edu device at %s?", path,
		    strerror(errno), bdf);
	edu.regs = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0);
	if (edu.regs == MAP_FAILED)
		die("mapping %s: %s; a kernel under lockdown forbids it", path,
		    strerror(errno));
	close(fd);
	edu_check(&edu, bdf);
	return edu;
}

void edu_check(const struct edu *edu, const char *bdf)
{
	if ((edu_get(edu, EDU_ID) & ID_MASK) != ID_VALUE)
		die("the id register of %s is %08x, so it is no edu device or its memory decoding is off",
		    bdf, edu_get(edu, EDU_ID));
}

static void start(struct edu *edu, uint64_t src, uint64_t dst, uint32_t bytes,
		  uint64_t cmd)
{
	put64(edu, REG_SRC, src);
	put64(edu, REG_DST, dst);
	put64(edu, REG_COUNT, bytes);
	put64(edu, REG_CMD, cmd);
}

static void transfer(struct edu *edu, uint64_t src, uint64_t dst,
		     uint32_t bytes, uint64_t cmd)
{
	unsigned int ms;

	start(edu, src, dst, bytes, cmd);
	for (ms = 0; edu_get(edu, REG_CMD) & CMD_RUN; ms += 5) {
		if (ms > PATIENCE_MS)
			die("edu did not finish a transfer in %d ms",
			    PATIENCE_MS);
		sleep_ms(5);
	}
}

void edu_fetch(struct edu *edu, uint64_t addr, uint32_t bytes)
{
	transfer(edu, addr, BUFFER, bytes, CMD_RUN);
}

void edu_store(struct edu *edu, uint64_t addr, uint32_t bytes)
{
	transfer(edu, BUFFER, addr, bytes, CMD_RUN | CMD_TO_MEMORY);
}

void edu_start_fetch(struct edu *edu, uint64_t addr, uint32_t bytes)
{
	start(edu, addr, BUFFER, bytes, CMD_RUN | CMD_INTERRUPT);
}

void edu_raise(struct edu *edu)
{
	put32(edu, REG_IRQ_RAISE, 1);
}

void edu_lower(struct edu *edu)
{
	put32(edu, REG_IRQ_LOWER, ~0U);
}

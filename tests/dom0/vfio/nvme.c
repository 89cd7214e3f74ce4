// SPDX-License-Identifier: GPL-2.0
/* Registers and commands are those of the NVM Express base specification. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "nvme.h"
#include "report.h"

#define PAGE_BYTES	4096
#define PATIENCE_MS	20000		/* an emulator on a busy host is slow */

#define CAP		0x00
#define CAP_STRIDE(cap)	((cap) >> 32 & 0xf)
#define CC		0x14
#define CC_ENABLE	(1 << 0)
#define CC_SIZES	((6 << 16) | (4 << 20))	/* 64 and 16 bytes an entry */
#define CSTS		0x1c
#define CSTS_READY	(1 << 0)
#define AQA		0x24
#define ASQ		0x28
#define ACQ		0x30
#define DOORBELLS	0x1000

#define CREATE_SQ	0x01
#define CREATE_CQ	0x05
#define GET_FEATURES	0x0a
#define FLUSH		0x00
#define QUEUE_CONTIGUOUS 1
#define QUEUE_INTERRUPTS 2
#define FEATURE_QUEUES	7
#define ALL_NAMESPACES	0xffffffff

#define ENTRIES		16		/* of each queue of a pair */

struct command {
	uint8_t opcode, flags;
	uint16_t id;
	uint32_t namespace;
	uint64_t reserved[2];
	uint64_t prp[2];
	uint32_t arg[6];
};

struct completion {
	uint32_t result, reserved;
	uint16_t sq_head, sq;
	uint16_t id;
	uint16_t status;		/* its lowest bit toggles each time the queue wraps */
};

static uint32_t get32(const struct nvme *nvme, unsigned int reg)
{
	return *(volatile uint32_t *)(nvme->regs + reg);
}

static void put32(struct nvme *nvme, unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(nvme->regs + reg) = value;
}

static uint64_t get64(const struct nvme *nvme, unsigned int reg)
{
	return get32(nvme, reg) | (uint64_t)get32(nvme, reg + 4) << 32;
}

static void put64(struct nvme *nvme, unsigned int reg, uint64_t value)
{
	put32(nvme, reg, value);
	put32(nvme, reg + 4, value >> 32);
}

static void sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* --- queue pairs: a page of commands, then one of completions ------------- */

static size_t at_commands(unsigned int nr)
{
	return nr * 2 * PAGE_BYTES;
}

static size_t at_completions(unsigned int nr)
{
	return at_commands(nr) + PAGE_BYTES;
}

static void ring(struct nvme *nvme, unsigned int nr, bool completions,
		 uint32_t value)
{
	const uint32_t stride = 4U << CAP_STRIDE(get64(nvme, CAP));

	put32(nvme, DOORBELLS + (2 * nr + completions) * stride, value);
}

static void submit(struct nvme *nvme, unsigned int nr, struct command cmd)
{
	struct nvme_pair *pair = &nvme->pairs[nr];
	struct command *slot = (struct command *)(nvme->memory +
						  at_commands(nr));

	cmd.id = pair->submitted;
	slot[pair->submitted++ % ENTRIES] = cmd;
	ring(nvme, nr, false, pair->submitted % ENTRIES);
}

static volatile struct completion *next_completion(struct nvme *nvme,
						   unsigned int nr)
{
	volatile struct completion *all =
		(volatile struct completion *)(nvme->memory +
					       at_completions(nr));
	const unsigned int n = nvme->pairs[nr].completed;
	volatile struct completion *c = &all[n % ENTRIES];

	return (c->status & 1) == !(n / ENTRIES % 2) ? c : NULL;
}

void nvme_take(struct nvme *nvme, unsigned int nr)
{
	struct nvme_pair *pair = &nvme->pairs[nr];
	const unsigned int before = pair->completed;
	volatile struct completion *c;

	while ((c = next_completion(nvme, nr))) {
		if (c->status >> 1)
			die("%s: a command of queue %u failed with status 0x%x",
			    nvme->dev.bdf, nr, c->status >> 1);
		pair->completed++;
	}
	if (pair->completed != before)
		ring(nvme, nr, true, pair->completed % ENTRIES);
}

static void administer(struct nvme *nvme, struct command cmd)
{
	struct nvme_pair *pair = &nvme->pairs[0];
	unsigned int ms;

	submit(nvme, 0, cmd);
	for (ms = 0; pair->completed != pair->submitted; ms++) {
		if (ms > PATIENCE_MS)
			die("%s did not complete command 0x%x in %d ms",
			    nvme->dev.bdf, cmd.opcode, PATIENCE_MS);
		sleep_ms(1);
		nvme_take(nvme, 0);
	}
}

static void add_pair(struct nvme *nvme, unsigned int nr, unsigned int vector)
{
	const uint32_t name = nr | (ENTRIES - 1) << 16;
	const struct command cq = {
		.opcode = CREATE_CQ,
		.prp = { nvme->iova + at_completions(nr) },
		.arg = { name, vector << 16 | QUEUE_INTERRUPTS | QUEUE_CONTIGUOUS },
	};
	const struct command sq = {
		.opcode = CREATE_SQ,
		.prp = { nvme->iova + at_commands(nr) },
		.arg = { name, nr << 16 | QUEUE_CONTIGUOUS },
	};

	administer(nvme, cq);
	administer(nvme, sq);
}

/* --- the controller ------------------------------------------------------- */

static void enable(struct nvme *nvme, bool on)
{
	unsigned int ms;

	put32(nvme, CC, on ? CC_ENABLE | CC_SIZES : 0);
	for (ms = 0; !(get32(nvme, CSTS) & CSTS_READY) == on; ms += 5) {
		if (ms > PATIENCE_MS)
			die("%s did not %s in %d ms", nvme->dev.bdf,
			    on ? "start" : "stop", PATIENCE_MS);
		sleep_ms(5);
	}
}

/*
 * QEMU counts the queues with unconsumed completions, and a reset does not clear
 * the count: INTx would stay asserted for ever.
 */
static void stop(struct nvme *nvme)
{
	unsigned int nr;

	if (get32(nvme, CSTS) & CSTS_READY)
		for (nr = 0; nr < NVME_PAIRS; nr++)
			nvme_take(nvme, nr);
	enable(nvme, false);
}

void nvme_start(struct nvme *nvme, unsigned int pairs, unsigned int last)
{
	unsigned int nr;

	if (pairs < 1 || pairs > NVME_PAIRS)
		die("%s: 1 to %d queue pairs can be made, not %u",
		    nvme->dev.bdf, NVME_PAIRS, pairs);
	stop(nvme);
	memset(nvme->memory, 0, NVME_MEMORY);
	memset(nvme->pairs, 0, sizeof(nvme->pairs));
	put32(nvme, AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	put64(nvme, ASQ, nvme->iova + at_commands(0));
	put64(nvme, ACQ, nvme->iova + at_completions(0));
	enable(nvme, true);
	for (nr = 1; nr < pairs; nr++)
		add_pair(nvme, nr, nr == pairs - 1 ? last : nr);
}

/* The admin queue gets GET_FEATURES, the others get FLUSH without data to flush. */
void nvme_submit(struct nvme *nvme, unsigned int nr)
{
	const struct command admin = {
		.opcode = GET_FEATURES, .arg = { FEATURE_QUEUES },
	};
	const struct command io = {
		.opcode = FLUSH, .namespace = ALL_NAMESPACES,
	};

	submit(nvme, nr, nr ? io : admin);
}

struct nvme nvme_open(struct container *c, const char *bdf, uint64_t iova)
{
	struct nvme nvme = { .container = c, .iova = iova };

	nvme.dev = device_take(c, bdf);
	nvme.regs = device_map(&nvme.dev, 0, &nvme.regs_bytes);
	nvme.memory = container_memory(c, bdf, iova, NVME_MEMORY);
	return nvme;
}

void nvme_close(struct nvme *nvme)
{
	stop(nvme);
	container_memory_free(nvme->container, nvme->dev.bdf, nvme->iova,
			      nvme->memory, NVME_MEMORY);
	munmap((void *)nvme->regs, nvme->regs_bytes);
	container_leave(&nvme->dev);
}

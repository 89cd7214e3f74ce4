// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "probe.h"
#include "report.h"

static uint64_t state = 1;

void probe_seed(uint64_t seed)
{
	state = seed | 1;
}

/* xorshift64*: the patterns only have to differ from page to page. */
static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static void new_pattern(uint8_t *page)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < PAGE; i += sizeof(word)) {
		word = next();
		memcpy(page + i, &word, sizeof(word));
	}
}

uint8_t *new_pages(unsigned int nr)
{
	void *mem = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (mem == MAP_FAILED)
		die("no memory for %u pages: %s", nr, strerror(errno));
	return mem;
}

void bed_map_mailbox(struct bed *bed)
{
	int rc = container_map(&bed->container, MAILBOX_IOVA, bed->mailbox,
			       PAGE, MAY_READ | MAY_WRITE);

	if (rc)
		die("%s: cannot map the first page for DMA: %s", bed->dev.bdf,
		    strerror(-rc));
}

struct bed bed_open(const char *bdf)
{
	struct bed bed = { .container = container_open() };

	bed.dev = device_open(&bed.container, bdf);
	bed.mailbox = new_pages(1);
	bed_map_mailbox(&bed);
	return bed;
}

struct bed bed_join(const struct bed *first, const char *bdf)
{
	struct bed bed = *first;

	bed.dev = device_open(&bed.container, bdf);
	return bed;
}

void bed_leave(struct bed *bed)
{
	device_close(&bed->dev);
}

void bed_close(struct bed *bed)
{
	device_close(&bed->dev);
	container_close(&bed->container);
	munmap(bed->mailbox, PAGE);
}

bool can_read(struct bed *bed, uint64_t iova, uint8_t *mem)
{
	new_pattern(mem);
	memset(bed->mailbox, 0, PAGE);
	edu_fetch(&bed->dev.edu, iova, PAGE);
	edu_store(&bed->dev.edu, MAILBOX_IOVA, PAGE);
	return !memcmp(bed->mailbox, mem, PAGE);
}

bool can_write(struct bed *bed, uint64_t iova, uint8_t *mem)
{
	new_pattern(bed->mailbox);
	memset(mem, 0, PAGE);
	edu_fetch(&bed->dev.edu, MAILBOX_IOVA, PAGE);
	edu_store(&bed->dev.edu, iova, PAGE);
	return !memcmp(bed->mailbox, mem, PAGE);
}

/* Write and read the mailbox: if the device is off, a blocked access shows nothing. */
static const char *still_works(struct bed *bed)
{
	static uint8_t sent[PAGE];

	if (!device_is_master(&bed->dev))
		return "bus mastering is off, so this test shows nothing";
	new_pattern(bed->mailbox);
	memcpy(sent, bed->mailbox, PAGE);
	edu_fetch(&bed->dev.edu, MAILBOX_IOVA, PAGE);
	memset(bed->mailbox, 0, PAGE);
	edu_store(&bed->dev.edu, MAILBOX_IOVA, PAGE);
	if (memcmp(bed->mailbox, sent, PAGE))
		return "the device cannot reach its mailbox any more";
	return NULL;
}

void announce_fault(const struct bed *bed, const char *kind, uint64_t iova)
{
	report_info("expect-fault %s %s 0x%llx", bed->dev.bdf, kind,
		    (unsigned long long)iova);
}

const char *not_read(struct bed *bed, uint64_t iova, uint8_t *mem)
{
	announce_fault(bed, "read", iova);
	if (can_read(bed, iova, mem))
		return "the device read memory that is not mapped for it";
	return still_works(bed);
}

static bool all_zero(const uint8_t *mem)
{
	size_t i;

	for (i = 0; i < PAGE; i++)
		if (mem[i])
			return false;
	return true;
}

const char *not_written(struct bed *bed, uint64_t iova, uint8_t *mem)
{
	announce_fault(bed, "write", iova);
	if (can_write(bed, iova, mem) || !all_zero(mem))
		return "the device wrote memory that is not mapped for it";
	return still_works(bed);
}

const char *text_not_read(struct bed *bed, uint64_t iova, const char *text)
{
	announce_fault(bed, "read", iova);
	memset(bed->mailbox, 0, PAGE);
	edu_fetch(&bed->dev.edu, iova, 64);
	edu_store(&bed->dev.edu, MAILBOX_IOVA, 64);
	if (memmem(bed->mailbox, 64, text, strlen(text)))
		return "the device read the kernel's secret";
	return still_works(bed);
}

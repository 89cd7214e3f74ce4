// SPDX-License-Identifier: GPL-2.0
/*
 * Two edu devices do DMA until the program is killed:	vfio-victim BDF BDF
 * It prints "running" when both do DMA. It has 16 MiB mapped, and 4 MiB of hugepages
 * if there are any.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "huge.h"
#include "probe.h"
#include "report.h"

#define IOVA		0x200000000UL
#define HUGE_IOVA	0x280000000UL
#define PAGES		4096U
#define HUGEPAGES	2

static uint64_t map_hugepages(struct bed *bed)
{
	uint8_t *mem = new_hugepages(HUGEPAGES);

	if (!mem)
		return IOVA;
	must_map(bed, HUGE_IOVA, mem, HUGEPAGES * HUGE, RW);
	return HUGE_IOVA;
}

/* A transfer takes 100 ms, so that a signal nearly always interrupts one. */
static void run(struct bed *a, struct bed *b, uint64_t other)
{
	unsigned int i;

	for (i = 0; ; i++) {
		edu_fetch(&a->dev.edu, IOVA + i % PAGES * PAGE, PAGE);
		edu_store(&b->dev.edu, other + i % PAGES % 512 * PAGE, PAGE);
		if (i)
			continue;
		puts("running");
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct bed a, b;
	uint64_t other;

	if (argc != 3)
		die("usage: vfio-victim BDF BDF, two edu devices that are bound to vfio-pci");
	a = bed_open(argv[1]);
	b = bed_join(&a, argv[2]);
	must_map(&a, IOVA, new_pages(PAGES), PAGES * PAGE, RW);
	other = map_hugepages(&a);
	run(&a, &b, other);
	return 0;
}

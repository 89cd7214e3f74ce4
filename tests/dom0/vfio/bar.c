// SPDX-License-Identifier: GPL-2.0
/*
 * A large BAR of one device, mapped for another (C10):	vfio-bar BDF BAR-BDF NR
 * BDF is an edu, which does the DMA; BAR NR of BAR-BDF is memory.
 *
 * VFIO makes the kernel fault in each page of the BAR before it maps the page. The
 * info line has the time of these faults (a CPU touches all pages). It also has the
 * time of the IOMMU (a map of pages that are present).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cases.h"
#include "probe.h"
#include "report.h"

#define IOVA	(1UL << 40)

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static uint64_t map_us(struct bed *bed, void *mem, size_t bytes)
{
	uint64_t start = now_us();

	must_map(bed, IOVA, mem, bytes, RW);
	return now_us() - start;
}

static uint64_t unmap_us(struct bed *bed, size_t bytes)
{
	uint64_t start = now_us();

	must_unmap(bed, IOVA, bytes);
	return now_us() - start;
}

static uint64_t touch_us(const volatile uint8_t *mem, size_t bytes)
{
	uint64_t start = now_us();
	size_t i;

	for (i = 0; i < bytes; i += PAGE)
		(void)mem[i];
	return now_us() - start;
}

static void figures(struct bed *bed, const struct device *owner, unsigned int nr)
{
	uint64_t cold, unmap, touch, warm;
	size_t bytes;
	uint8_t *mem = device_map(owner, nr, &bytes);

	cold = map_us(bed, mem, bytes);
	unmap = unmap_us(bed, bytes);
	munmap(mem, bytes);
	/* Map the BAR again, so that no page is faulted in. */
	mem = device_map(owner, nr, &bytes);
	touch = touch_us(mem, bytes);
	warm = map_us(bed, mem, bytes);
	must_unmap(bed, IOVA, bytes);
	munmap(mem, bytes);
	report_info("bar: %zu pages: map %llu us, of which faults %llu us and map of pages that are there %llu us; unmap %llu us",
		    bytes / PAGE, (unsigned long long)cold,
		    (unsigned long long)touch, (unsigned long long)warm,
		    (unsigned long long)unmap);
}

static void test_reach(struct bed *bed, const struct device *owner,
		       unsigned int nr)
{
	size_t bytes, middle, last;
	uint8_t *mem = device_map(owner, nr, &bytes);

	middle = bytes / 2;
	last = bytes - PAGE;
	must_map(bed, IOVA, mem, bytes, RW);
	expect("bar.first-page", read_works(bed, IOVA, mem));
	expect("bar.middle-page", write_works(bed, IOVA + middle, mem + middle));
	expect("bar.last-page", read_works(bed, IOVA + last, mem + last));
	must_unmap(bed, IOVA, bytes);
	expect("bar.unmapped-blocked",
	       not_written(bed, IOVA + middle, mem + middle));
	munmap(mem, bytes);
}

int main(int argc, char **argv)
{
	struct device owner = { 0 };
	struct bed bed = { 0 };
	unsigned int nr;

	if (argc != 4)
		die("usage: vfio-bar BDF BAR-BDF NR, both bound to vfio-pci");
	nr = strtoul(argv[3], NULL, 0);
	probe_seed(time(NULL));
	bed = bed_open(argv[1]);
	owner = device_take(&bed.container, argv[2]);
	figures(&bed, &owner, nr);
	test_reach(&bed, &owner, nr);
	container_leave(&owner);
	bed_close(&bed);
	return report_end();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Requests at the limits of VFIO's interface:
 *	vfio-edges BDF
 * with an edu device that is bound to vfio-pci. The expected values are those
 * of Linux' own VT-d driver; the suite "bare" runs this program under it.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "probe.h"
#include "report.h"

#define IOVA		0x200000000UL
#define MSI_FIRST	0xfee00000UL
#define MSI_END		0xfef00000UL
#define HUGE		(2UL << 20)

/* Return the last byte of VFIO's highest range. Exits the program if there is none. */
static uint64_t last_iova(const struct container *c)
{
	struct {
		struct vfio_iommu_type1_info info;
		uint8_t caps[4096];
	} buf = { .info.argsz = sizeof(buf) };
	struct vfio_iommu_type1_info_cap_iova_range *ranges;
	struct vfio_info_cap_header *cap;
	uint32_t at;

	if (ioctl(c->fd, VFIO_IOMMU_GET_INFO, &buf))
		die("VFIO_IOMMU_GET_INFO: %s", strerror(errno));
	for (at = buf.info.cap_offset; at && at < sizeof(buf); at = cap->next) {
		cap = (void *)((uint8_t *)&buf + at);
		ranges = (void *)cap;
		if (cap->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE &&
		    ranges->nr_iovas)
			return ranges->iova_ranges[ranges->nr_iovas - 1].end;
	}
	die("VFIO reports no range of iovas");
}

/* The device must fetch these bytes from iova. */
static const char *fetches(struct bed *bed, uint64_t iova, const uint8_t *want)
{
	memset(bed->mailbox, 0xaa, PAGE);
	edu_fetch(&bed->dev.edu, iova, PAGE);
	edu_store(&bed->dev.edu, MAILBOX_IOVA, PAGE);
	return unless(!memcmp(bed->mailbox, want, PAGE),
		      "the device fetched something else");
}

static const char *refused(struct bed *bed, uint64_t iova, void *mem,
			   size_t bytes, unsigned int may, int error)
{
	int rc = container_map(&bed->container, iova, mem, bytes, may);

	return rc == error ? NULL :
	       because("mapping 0x%zx bytes at 0x%" PRIx64 " returned %d instead of %d",
		       bytes, iova, rc, error);
}

/* Map one page at iova, and do DMA to it. */
static const char *usable(struct bed *bed, uint64_t iova)
{
	uint8_t *mem = new_pages(1);
	int rc = container_map(&bed->container, iova, mem, PAGE, RW);
	const char *problem;

	if (rc)
		return because("mapping a page at 0x%" PRIx64 ": %s", iova,
			       strerror(-rc));
	problem = read_works(bed, iova, mem) ?: write_works(bed, iova, mem);
	must_unmap(bed, iova, PAGE);
	munmap(mem, PAGE);
	return problem;
}

static void test_ends(struct bed *bed)
{
	uint64_t last = last_iova(&bed->container), page = last & ~(PAGE - 1);
	uint8_t *mem = new_pages(2);
	const char *problem;

	report_info("last iova 0x%" PRIx64, last);
	expect("edges.first-page", usable(bed, 0));
	expect("edges.last-page", usable(bed, page));
	expect("edges.across-the-end-refused",
	       refused(bed, page, mem, 2 * PAGE, RW, -EINVAL));
	expect("edges.beyond-the-end-refused",
	       refused(bed, last + 1, mem, PAGE, RW, -EINVAL));
	/* Linux 7.x has an error of its own for an overflow. */
	problem = refused(bed, -PAGE, mem, 2 * PAGE, RW, -EOVERFLOW);
	if (problem)
		problem = refused(bed, -PAGE, mem, 2 * PAGE, RW, -EINVAL);
	expect("edges.wrap-refused", problem);
	expect("edges.last-page-of-all-refused",
	       refused(bed, -PAGE, mem, PAGE, RW, -EINVAL));
	expect("edges.no-bytes-refused", refused(bed, IOVA, mem, 0, RW, -EINVAL));
	expect("edges.part-of-a-page-refused",
	       refused(bed, IOVA + 512, mem, PAGE, RW, -EINVAL));
	expect("edges.last-page-still-free", usable(bed, page));
}

/* Addresses with bits that no IOMMU translates. */
static void test_high_bits(struct bed *bed)
{
	uint8_t *mem = new_pages(1);
	const char *problem = NULL;
	int bit;

	for (bit = 52; bit < 64 && !problem; bit++)
		problem = refused(bed, (1ULL << bit) | IOVA, mem, PAGE, RW,
				  -EINVAL);
	expect("edges.high-bits-refused", problem);
	expect("edges.low-bits-untouched", usable(bed, IOVA));
}

static void test_msi_window(struct bed *bed)
{
	uint8_t *mem = new_pages(2);

	expect("edges.msi-first-refused",
	       refused(bed, MSI_FIRST, mem, PAGE, RW, -EINVAL));
	expect("edges.msi-last-refused",
	       refused(bed, MSI_END - PAGE, mem, PAGE, RW, -EINVAL));
	expect("edges.msi-into-refused",
	       refused(bed, MSI_FIRST - PAGE, mem, 2 * PAGE, RW, -EINVAL));
	expect("edges.msi-out-of-refused",
	       refused(bed, MSI_END - PAGE, mem, 2 * PAGE, RW, -EINVAL));
	expect("edges.msi-below", usable(bed, MSI_FIRST - PAGE));
	expect("edges.msi-above", usable(bed, MSI_END));
}

/* Map every second page of six. */
static void map_every_second(struct bed *bed, uint8_t *mem)
{
	int i;

	for (i = 0; i < 6; i += 2)
		must_map(bed, IOVA + i * PAGE, mem + i * PAGE, PAGE, RW);
}

static const char *gives_back(int64_t got, int64_t want)
{
	return got == want ? NULL :
	       because("unmapping returned %" PRId64 " instead of %" PRId64,
		       got, want);
}

static void test_holes(struct bed *bed)
{
	struct container *c = &bed->container;
	uint8_t *mem = new_pages(6);

	map_every_second(bed, mem);
	expect("holes.unmapped",
	       gives_back(container_unmap_holes(c, IOVA, 6 * PAGE), 3 * PAGE));
	expect("holes.blocked-after", not_read(bed, IOVA + 2 * PAGE, mem + 2 * PAGE));
	map_every_second(bed, mem);
	expect("holes.whole-space-unmapped",
	       gives_back(container_unmap_holes(c, 0, -PAGE), 4 * PAGE));
	bed_map_mailbox(bed);
	map_every_second(bed, mem);
	expect("holes.flag-all", gives_back(container_unmap_all(c), 4 * PAGE));
	bed_map_mailbox(bed);
	expect("holes.nothing-left",
	       gives_back(container_unmap_holes(c, IOVA, 6 * PAGE), 0));

	must_map(bed, IOVA, mem, 6 * PAGE, RW);
	expect("holes.bisection-refused",
	       gives_back(container_unmap_holes(c, IOVA + 2 * PAGE, 2 * PAGE), -EINVAL));
	expect("holes.bisected-works", read_works(bed, IOVA + 3 * PAGE, mem + 3 * PAGE));
	must_unmap(bed, IOVA, 6 * PAGE);
}

/* The process frees or replaces mapped memory: the device must keep the old pages. */
static void test_pinned(struct bed *bed)
{
	uint8_t *mem = new_pages(1), old[PAGE];
	pid_t child;

	must_map(bed, IOVA, mem, PAGE, RW);
	expect("pinned.works", write_works(bed, IOVA, mem));
	child = fork();
	if (!child) {
		memset(mem, 0x55, PAGE);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	expect("pinned.parent-writes-after-fork", read_works(bed, IOVA, mem));
	expect("pinned.parent-reads-after-fork", write_works(bed, IOVA, mem));

	memcpy(old, mem, PAGE);
	madvise(mem, PAGE, MADV_DONTNEED);
	memset(mem, 0x66, PAGE);
	expect("pinned.dropped-pages-stay", fetches(bed, IOVA, old));

	munmap(mem, PAGE);
	mem = mmap(mem, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
	memset(mem, 0x77, PAGE);
	expect("pinned.freed-pages-stay", fetches(bed, IOVA, old));
	must_unmap(bed, IOVA, PAGE);
	must_map(bed, IOVA, mem, PAGE, RW);
	expect("pinned.new-pages-after", read_works(bed, IOVA, mem));
	must_unmap(bed, IOVA, PAGE);
}

/* If VFIO cannot pin a page, it must refuse the whole map and leave no page mapped. */
static void test_unpinnable(struct bed *bed)
{
	uint8_t *mem = new_pages(3);
	int file = memfd_create("edges", 0);
	uint8_t *shared;

	mprotect(mem + PAGE, PAGE, PROT_NONE);
	expect("memory.no-access-refused",
	       refused(bed, IOVA, mem, 3 * PAGE, MAY_READ, -EFAULT));
	mprotect(mem + PAGE, PAGE, PROT_READ);
	expect("memory.read-only-within-refused",
	       refused(bed, IOVA, mem, 3 * PAGE, RW, -EFAULT));
	expect("memory.nothing-left-blocked", not_read(bed, IOVA, mem));
	must_map(bed, IOVA, mem, 3 * PAGE, MAY_READ);
	expect("memory.read-only-read", read_works(bed, IOVA + 2 * PAGE, mem + 2 * PAGE));
	must_unmap(bed, IOVA, 3 * PAGE);

	if (file < 0 || ftruncate(file, PAGE))
		die("no memfd: %s", strerror(errno));
	shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	expect("memory.beyond-the-file-refused",
	       refused(bed, IOVA, shared, 2 * PAGE, RW, -EFAULT));
	must_map(bed, IOVA, shared, PAGE, RW);
	expect("memory.shared-read", read_works(bed, IOVA, shared));
	expect("memory.shared-written", write_works(bed, IOVA, shared));
	must_unmap(bed, IOVA, PAGE);
}

static void test_zero_page(struct bed *bed)
{
	static const uint8_t zeroes[PAGE];
	uint8_t *mem = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	must_map(bed, IOVA, mem, PAGE, MAY_READ);
	/* Write first: QEMU reports no fault for a write to a cached translation. */
	expect("memory.zero-page-write-blocked", not_written(bed, IOVA, new_pages(1)));
	expect("memory.zero-page-read", fetches(bed, IOVA, zeroes));
	must_unmap(bed, IOVA, PAGE);
}

static void test_huge_page(struct bed *bed)
{
	uint8_t *room = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *mem = (uint8_t *)(((uintptr_t)room + HUGE - 1) & ~(HUGE - 1));

	madvise(mem, HUGE, MADV_HUGEPAGE);
	memset(mem, 1, HUGE);
	must_map(bed, IOVA, mem, HUGE, RW);
	expect("memory.huge-page-first", read_works(bed, IOVA, mem));
	expect("memory.huge-page-last",
	       write_works(bed, IOVA + HUGE - PAGE, mem + HUGE - PAGE));
	must_unmap(bed, IOVA, HUGE);
	expect("memory.huge-page-blocked-after", not_read(bed, IOVA, mem));
	munmap(room, 2 * HUGE);
}

int main(int argc, char **argv)
{
	struct bed bed;

	if (argc != 2)
		die("usage: vfio-edges BDF");
	probe_seed(1);
	bed = bed_open(argv[1]);
	test_ends(&bed);
	test_high_bits(&bed);
	test_msi_window(&bed);
	test_holes(&bed);
	test_pinned(&bed);
	test_unpinnable(&bed);
	test_zero_page(&bed);
	test_huge_page(&bed);
	bed_close(&bed);
	return report_end();
}

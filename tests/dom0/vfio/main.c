// SPDX-License-Identifier: GPL-2.0
/*
 * DMA of real devices through VFIO containers:
 *	vfio-dma BDF BDF [SECRET-ADDRESS SECRET-TEXT]
 * with two edu devices that are bound to vfio-pci, and optionally the bus
 * address and the text of a page that neither device may reach.
 *	vfio-dma hold BDF NAME
 * maps a page, keeps it while the file /tmp/hold exists, and then checks that it is
 * still mapped. The names of its tests begin with NAME.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "probe.h"
#include "report.h"

#define IOVA		0x200000000UL
#define VIDEO_WINDOW	0xa0000UL	/* VGA memory of every PC */

struct world {
	struct bed a, b;
	uint64_t secret_addr;
	const char *secret_text;
};

/*
 * VFIO of Linux 6.12 tests every new domain: it maps 8 KiB at a low address and
 * unmaps them in two halves. A driver with a defect there leaves them mapped.
 */
static void test_nothing_mapped_at_first(struct world *w)
{
	uint8_t *mem = new_pages(1);

	expect("vfio.fresh.first-page-blocked", not_read(&w->a, 0, mem));
	expect("vfio.fresh.second-page-blocked", not_written(&w->a, PAGE, mem));
}

static void test_both_ways(struct world *w)
{
	uint8_t *mem = new_pages(1);

	must_map(&w->a, IOVA, mem, PAGE, RW);
	expect("vfio.dma.device-reads", read_works(&w->a, IOVA, mem));
	expect("vfio.dma.device-writes", write_works(&w->a, IOVA, mem));
	must_unmap(&w->a, IOVA, PAGE);
}

static void test_outside(struct world *w)
{
	uint8_t *mem = new_pages(3);

	must_map(&w->a, IOVA + PAGE, mem + PAGE, PAGE, RW);
	expect("vfio.outside.read-below-blocked", not_read(&w->a, IOVA, mem));
	expect("vfio.outside.write-above-blocked",
	       not_written(&w->a, IOVA + 2 * PAGE, mem + 2 * PAGE));
	expect("vfio.outside.inside-works", read_works(&w->a, IOVA + PAGE, mem + PAGE));
	must_unmap(&w->a, IOVA + PAGE, PAGE);
}

/* The device used the mapping just before, so a stale IOTLB entry makes this fail. */
static void test_after_unmap(struct world *w)
{
	uint8_t *mem = new_pages(1), *other = new_pages(1);

	must_map(&w->a, IOVA, mem, PAGE, RW);
	expect("vfio.unmap.works-before", write_works(&w->a, IOVA, mem));
	must_unmap(&w->a, IOVA, PAGE);
	expect("vfio.unmap.write-blocked", not_written(&w->a, IOVA, mem));
	expect("vfio.unmap.read-blocked", not_read(&w->a, IOVA, mem));
	must_map(&w->a, IOVA, other, PAGE, RW);
	expect("vfio.unmap.other-page-there", read_works(&w->a, IOVA, other));
	must_unmap(&w->a, IOVA, PAGE);
}

/* Write first: QEMU reports no fault for a write to a cached translation. */
static void test_read_only(struct world *w)
{
	uint8_t *mem = new_pages(1);

	must_map(&w->a, IOVA, mem, PAGE, MAY_READ);
	expect("vfio.read-only.write-blocked", not_written(&w->a, IOVA, mem));
	expect("vfio.read-only.read-works", read_works(&w->a, IOVA, mem));
	must_unmap(&w->a, IOVA, PAGE);
}

/* One mapping of scattered machine memory: probe the first, the last and other pages. */
static void test_big(struct world *w)
{
	static const unsigned int probes[] = { 0, 1, 511, 512, 1300, 2047 };
	const unsigned int pages = 2048;
	uint8_t *mem = new_pages(pages);
	const char *problem = NULL;
	size_t i;

	must_map(&w->a, IOVA, mem, pages * PAGE, RW);
	for (i = 0; i < sizeof(probes) / sizeof(*probes) && !problem; i++)
		problem = read_works(&w->a, IOVA + probes[i] * PAGE,
				     mem + probes[i] * PAGE);
	expect("vfio.big.every-probe-right", problem);
	must_unmap(&w->a, IOVA, pages * PAGE);
	expect("vfio.big.last-page-blocked",
	       not_read(&w->a, IOVA + (pages - 1) * PAGE,
			mem + (pages - 1) * PAGE));
}

static void test_bad_requests(struct world *w)
{
	uint8_t *mem = new_pages(2);

	must_map(&w->a, IOVA, mem, PAGE, RW);
	expect("vfio.map.twice-refused",
	       unless(container_map(&w->a.container, IOVA, mem + PAGE, PAGE, RW) < 0,
		      "a second mapping of one address was accepted"));
	expect("vfio.map.first-stays", read_works(&w->a, IOVA, mem));
	must_unmap(&w->a, IOVA, PAGE);
}

/* Map a page of the legacy video window. Returns NULL and the reason on failure. */
static uint8_t *video_window(const char **why)
{
	void *mem = MAP_FAILED;
	int fd;

	*why = container_refuses_registers;
	if (*why)
		return NULL;
	fd = open("/dev/mem", O_RDWR | O_SYNC);
	if (fd >= 0)
		mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   VIDEO_WINDOW);
	*why = mem == MAP_FAILED ? strerror(errno) : NULL;
	close(fd);
	return *why ? NULL : mem;
}

/*
 * Device memory between two ranges of RAM: a PVH kernel has a struct page for it.
 */
static void test_device_memory(struct world *w)
{
	uint8_t *mem = new_pages(1), *window;
	const char *why;
	int ret;

	window = video_window(&why);
	if (!window) {
		skip("vfio.video-window.mapped", why);
		return;
	}
	ret = container_map(&w->a.container, IOVA, window, PAGE, RW);
	expect("vfio.video-window.mapped", ret ? strerror(-ret) : NULL);
	if (!ret)
		must_unmap(&w->a, IOVA, PAGE);
	must_map(&w->a, IOVA, mem, PAGE, RW);
	expect("vfio.video-window.device-still-works",
	       write_works(&w->a, IOVA, mem));
	must_unmap(&w->a, IOVA, PAGE);
	munmap(window, PAGE);
}

static void test_two_containers(struct world *w)
{
	uint8_t *mine = new_pages(1), *theirs = new_pages(1);

	must_map(&w->a, IOVA, mine, PAGE, RW);
	expect("vfio.two.other-context-blocked", not_read(&w->b, IOVA, mine));
	must_map(&w->b, IOVA, theirs, PAGE, RW);
	expect("vfio.two.first-reads-its-own", read_works(&w->a, IOVA, mine));
	expect("vfio.two.second-reads-its-own", read_works(&w->b, IOVA, theirs));
	expect("vfio.two.second-writes-its-own", write_works(&w->b, IOVA, theirs));
	must_unmap(&w->a, IOVA, PAGE);
	expect("vfio.two.first-blocked-after-unmap", not_written(&w->a, IOVA, mine));
	expect("vfio.two.second-still-works", write_works(&w->b, IOVA, theirs));
	must_unmap(&w->b, IOVA, PAGE);
}

static void test_secret(struct world *w)
{
	if (!w->secret_text)
		return;
	expect("vfio.secret.out-of-reach",
	       text_not_read(&w->a, w->secret_addr, w->secret_text));
}

/* Closing returns the device to its default domain; opening attaches it again. */
static void test_reopen(struct world *w)
{
	const char *bdf = w->a.dev.bdf, *problem = NULL;
	uint8_t *mem = new_pages(1);
	int i;

	for (i = 0; i < 3 && !problem; i++) {
		bed_close(&w->a);
		w->a = bed_open(bdf);
		must_map(&w->a, IOVA, mem, PAGE, RW);
		problem = write_works(&w->a, IOVA, mem);
	}
	expect("vfio.reopen.works", problem);
	must_unmap(&w->a, IOVA, PAGE);
	expect("vfio.reopen.unmapped-blocked", not_read(&w->a, IOVA, mem));
}

/* Wait until the caller removes the file, two minutes at most. */
static void wait_for_release(void)
{
	int tenths;

	report_info("holding 0x%llx", (unsigned long long)IOVA);
	for (tenths = 0; !access("/tmp/hold", F_OK); tenths++) {
		if (tenths == 1200)
			die("/tmp/hold still exists after two minutes");
		usleep(100000);
	}
}

static void expect_of(const char *name, const char *test, const char *problem)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%s.%s", name, test);
	expect(whole, problem);
}

static int hold(const char *bdf, const char *name)
{
	struct bed bed = bed_open(bdf);
	uint8_t *mem = new_pages(2);

	must_map(&bed, IOVA, mem, PAGE, RW);
	expect_of(name, "page-works-first", read_works(&bed, IOVA, mem));
	wait_for_release();
	expect_of(name, "next-page-blocked",
		  not_read(&bed, IOVA + PAGE, mem + PAGE));
	expect_of(name, "page-works", read_works(&bed, IOVA, mem));
	must_unmap(&bed, IOVA, PAGE);
	bed_close(&bed);
	return report_end();
}

int main(int argc, char **argv)
{
	struct world w = { 0 };
	uint64_t seed = time(NULL);

	if (argc == 4 && !strcmp(argv[1], "hold"))
		return hold(argv[2], argv[3]);
	if (argc != 3 && argc != 5)
		die("usage: vfio-dma BDF BDF [SECRET-ADDRESS SECRET-TEXT], or vfio-dma hold BDF NAME");
	if (argc == 5) {
		w.secret_addr = strtoull(argv[3], NULL, 0);
		w.secret_text = argv[4];
	}
	report_info("vfio-dma seed %llu", (unsigned long long)seed);
	probe_seed(seed);
	w.a = bed_open(argv[1]);
	w.b = bed_open(argv[2]);
	test_nothing_mapped_at_first(&w);
	test_both_ways(&w);
	test_outside(&w);
	test_after_unmap(&w);
	test_read_only(&w);
	test_big(&w);
	test_bad_requests(&w);
	test_device_memory(&w);
	test_two_containers(&w);
	test_secret(&w);
	test_reopen(&w);
	bed_close(&w.a);
	bed_close(&w.b);
	return report_end();
}

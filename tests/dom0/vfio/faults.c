// SPDX-License-Identifier: GPL-2.0
/*
 * A program that continues after faults of its device:	vfio-faults IGB EDU
 * with an igb and an edu that are bound to vfio-pci.
 *
 * The igb reads unmapped addresses, first between valid reads, and then as fast as
 * it can for FLOOD_SECONDS. Meanwhile the edu does DMA, and a second process counts
 * its own progress. The program prints both, and their values while the igb reads
 * mapped memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "igb.h"
#include "report.h"

#define IGB_IOVA	0x400000000UL
/* One page is mapped at RIGHT, nothing after it. FLOOD identifies the flood in logs. */
#define RIGHT		0x200000000UL
#define WRONG		(RIGHT + PAGE)
#define FLOOD		(RIGHT + 2 * PAGE)

#define ROUNDS		100U
#define FLOOD_SECONDS	10
/* Short frames flood more, because the emulator is slow for each refused word. */
#define FLOOD_BYTES	16

struct world {
	struct igb igb;
	struct bed edu;
	uint8_t *page;
	uint8_t *gone;			/* was mapped after it */
};

static bool fetches_right(struct world *w, size_t bytes, unsigned int round)
{
	static uint8_t seen[IGB_BYTES];

	memset(w->page, (int)(round + 1), bytes);
	memset(seen, 0, bytes);
	return igb_fetch(&w->igb, RIGHT, seen, bytes) &&
	       !memcmp(seen, w->page, bytes);
}

/*
 * True if the device reads the page that was mapped at WRONG before. QEMU's igb sends
 * other bytes if it cannot read.
 */
static bool fetches_wrong(struct world *w)
{
	static uint8_t seen[IGB_BYTES];

	memset(seen, 0, sizeof(seen));
	return igb_fetch(&w->igb, WRONG, seen, sizeof(seen)) &&
	       !memcmp(seen, w->gone, sizeof(seen));
}

static void flood_once(struct world *w)
{
	uint8_t seen[FLOOD_BYTES];

	igb_fetch(&w->igb, FLOOD, seen, sizeof(seen));
}

/* Check that the device reaches the page while it is mapped. */
static void test_before(struct world *w)
{
	struct container *c = w->igb.container;
	bool right;

	memset(w->gone, 0x5a, PAGE);
	if (container_map(c, WRONG, w->gone, PAGE, RW))
		die("cannot map a second page");
	right = fetches_wrong(w);
	if (container_unmap(c, WRONG, PAGE))
		die("cannot unmap the second page");
	expect("faults.before.reads-what-is-mapped",
	       unless(right, "the device did not read what is mapped"));
}

/* More faults in a second than Xen reports, one good read after each. */
static void test_rounds(struct world *w)
{
	unsigned int i, right = 0, wrong = 0;

	for (i = 0; i < ROUNDS && device_is_master(&w->igb.dev); i++) {
		wrong += fetches_wrong(w);
		right += fetches_right(w, IGB_BYTES, i);
	}
	report_info("faults: %u of %u rounds, %u right", i, ROUNDS, right);
	expect("faults.rounds.bus-master-stays",
	       unless(i == ROUNDS, "Xen has turned the device off"));
	expect("faults.rounds.good-reads-arrive",
	       unless(right == ROUNDS, "a read of what is mapped did not arrive"));
	expect("faults.rounds.bad-reads-do-not",
	       unless(!wrong, "the device read what is not mapped"));
}

static uint64_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* A second process: returns how much it did until the end. */
static uint64_t work(uint64_t end)
{
	uint64_t n = 0;

	while (seconds() < end)
		n++;
	return n;
}

static int start_worker(uint64_t end)
{
	int ends[2];
	uint64_t n;

	if (pipe(ends))
		die("no pipe");
	switch (fork()) {
	case -1:
		die("no second process");
	case 0:
		n = work(end);
		_exit(write(ends[1], &n, sizeof(n)) != sizeof(n));
	}
	close(ends[1]);
	return ends[0];
}

static uint64_t worker_result(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) != sizeof(n))
		die("the second process died");
	close(fd);
	return n;
}

struct progress {
	uint64_t work;
	unsigned int frames, transfers;
	bool edu_right;
};

/* For FLOOD_SECONDS the igb reads valid or unmapped addresses; the edu works as well. */
static struct progress run(struct world *w, bool wrong)
{
	const uint64_t end = seconds() + FLOOD_SECONDS;
	struct progress p = { .edu_right = true };
	int worker = start_worker(end);

	while (seconds() < end) {
		if (wrong)
			flood_once(w);
		else
			fetches_right(w, FLOOD_BYTES, p.frames);
		if (++p.frames % 64)
			continue;
		p.edu_right &= can_write(&w->edu, RIGHT, w->page);
		p.transfers++;
	}
	p.work = worker_result(worker);
	return p;
}

static void test_flood(struct world *w)
{
	struct progress good = run(w, false), bad;

	bad = run(w, true);
	report_info("flood-of %s 0x%lx %u", w->igb.dev.bdf, FLOOD,
		    bad.frames / FLOOD_SECONDS);
	report_info("flood: %u bad frames in %u s (%u good ones before), %u transfers of another device (%u), %llu%% of the work of another process",
		    bad.frames, FLOOD_SECONDS, good.frames, bad.transfers,
		    good.transfers,
		    (unsigned long long)(bad.work * 100 / good.work));
	expect("faults.flood.bus-master-stays",
	       unless(device_is_master(&w->igb.dev),
		      "Xen has turned the device off"));
	expect("faults.flood.still-works",
	       unless(fetches_right(w, IGB_BYTES, 1),
		      "a read of what is mapped did not arrive"));
	expect("faults.flood.other-device",
	       unless(bad.edu_right && can_read(&w->edu, RIGHT, w->page),
		      "another device in another container was disturbed"));
}

int main(int argc, char **argv)
{
	struct container c;
	struct world w;

	if (argc != 3)
		die("usage: vfio-faults IGB EDU");
	w.page = new_pages(1);
	w.gone = new_pages(1);
	c = container_open();
	w.igb = igb_open(&c, argv[1], IGB_IOVA);
	if (container_map(&c, RIGHT, w.page, PAGE, RW))
		die("cannot map a page for %s", argv[1]);
	w.edu = bed_open(argv[2]);
	must_map(&w.edu, RIGHT, w.page, PAGE, RW);
	test_before(&w);
	test_rounds(&w);
	test_flood(&w);
	bed_close(&w.edu);
	igb_close(&w.igb);
	container_close(&c);
	return report_end();
}

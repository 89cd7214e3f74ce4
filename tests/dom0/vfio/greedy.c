// SPDX-License-Identifier: GPL-2.0
/*
 * Uses up all page tables that users of VFIO may have, with one page:
 *	vfio-greedy BDF BDF
 * with two edu devices that are bound to vfio-pci. The program prints "full" when
 * neither container gets another table, keeps the tables while the file /tmp/hold
 * exists, and then checks that all mappings work.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "probe.h"
#include "report.h"

/* A page table covers 2 MiB of iova. */
#define IOVA		(1UL << 40)
#define STEP		(6UL << 20)
#define FAR	(1UL << 46)
/* More than the limit of page tables in this suite. */
#define ROUNDS	3000U
/* More mappings than VFIO allows in one container. */
#define MANY		70000U

/*
 * Map one page at ever higher addresses, as programs allocate iovas upwards. Each
 * round leaves an empty page table, until there are no others.
 */
static const char *goes_on(struct bed *bed, uint64_t step, unsigned int rounds)
{
	uint8_t *page = new_pages(1);
	time_t start = time(NULL);
	unsigned int i;
	int rc = 0;

	for (i = 0; i < rounds && !rc; i++) {
		uint64_t iova = FAR + i * step % FAR;

		rc = container_map(&bed->container, iova, page, PAGE, RW);
		if (!rc)
			rc = container_unmap(&bed->container, iova, PAGE);
	}
	report_info("%s: %u rounds, %lu KiB apart, took %lu s", bed->dev.bdf, i,
		    (unsigned long)step >> 10, (unsigned long)(time(NULL) - start));
	return rc ? because("round %u of %u: %s", i, rounds, strerror(-rc)) : NULL;
}

static void test_further_each_time(struct bed *a, struct bed *b)
{
	uint8_t *mem = new_pages(1);

	expect("greedy.further.each-2m", goes_on(b, 2UL << 20, ROUNDS));
	/* Now all tables of the other container are empty. */
	expect("greedy.further.after-another", goes_on(a, 2UL << 20, ROUNDS));
	expect("greedy.further.each-1g", goes_on(a, 1UL << 30, ROUNDS));
	must_map(a, IOVA, mem, PAGE, RW);
	expect("greedy.further.works", write_works(a, IOVA, mem));
	must_unmap(a, IOVA, PAGE);
}

/* Map until a map is refused. Returns how many succeeded, and the error. */
static unsigned int fill(struct bed *bed, uint8_t *page, int *rc)
{
	unsigned int n;

	for (n = 0; n < MANY; n++) {
		*rc = container_map(&bed->container, IOVA + n * STEP, page,
				    PAGE, RW);
		if (*rc)
			break;
	}
	report_info("%s: %u pages mapped, then %s", bed->dev.bdf, n,
		    strerror(-*rc));
	return n;
}

static const char *ends_work(struct bed *bed, unsigned int n, uint8_t *page)
{
	if (!can_read(bed, IOVA, page) || !can_write(bed, IOVA, page))
		return "the first page does not work";
	if (!can_read(bed, IOVA + (n - 1) * STEP, page))
		return "the last page does not work";
	return NULL;
}

/* Wait until the suite's step removes the file. It checks the rest of the machine. */
static void hold(void)
{
	int tenths;

	/* The suite's step waits for this line. */
	puts("full");
	fflush(stdout);
	for (tenths = 0; !access("/tmp/hold", F_OK); tenths++) {
		if (tenths == 6000)
			die("/tmp/hold still exists after ten minutes");
		usleep(100000);
	}
}

int main(int argc, char **argv)
{
	unsigned int na, nb, i;
	struct bed a, b;
	uint8_t *page;
	int ra, rb;

	if (argc != 3)
		die("usage: vfio-greedy BDF BDF, two edu devices that are bound to vfio-pci");
	probe_seed(time(NULL));
	a = bed_open(argv[1]);
	b = bed_open(argv[2]);
	page = new_pages(1);
	test_further_each_time(&a, &b);
	na = fill(&a, page, &ra);
	nb = fill(&b, page, &rb);
	expect("greedy.user.refused", unless(ra == -ENOMEM && rb == -ENOMEM,
					     "a map failed for another reason than memory"));
	expect("greedy.user.has-many", unless(na >= 1000, "it was refused at once"));
	/* One user must not take the share of another. */
	expect("greedy.user.leaves-half", unless(nb >= na / 2 && na >= nb / 2,
						 "one got less than half of the other"));
	hold();
	expect("greedy.user.first-still-works", ends_work(&a, na, page));
	expect("greedy.user.second-still-works", ends_work(&b, nb, page));
	for (i = 0; i < na; i++)
		must_unmap(&a, IOVA + i * STEP, PAGE);
	/* It must be able to get the tables again that it released. */
	expect("greedy.user.fills-again", unless(fill(&a, page, &ra) >= na - 16,
						 "empty tables were not reused"));
	bed_close(&a);
	bed_close(&b);
	return report_end();
}

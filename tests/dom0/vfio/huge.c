// SPDX-License-Identifier: GPL-2.0
/*
 * Hugepages in a container become leaves of 2 MiB:	vfio-huge BDF
 * with an edu device that is bound to vfio-pci.  The leaves are read back from
 * Xen, and the device uses them.
 */
#include <time.h>

#include "cases.h"
#include "huge.h"
#include "look.h"
#include "probe.h"
#include "report.h"

#define IOVA	0x200000000UL
#define NR	4
#define ORDER	9

/* Check the first, a middle and the last page of every hugepage. */
static const char *every_leaf_is(struct bed *bed, uint64_t iova, int order)
{
	static const uint64_t at[] = { 0, 0x5f000, HUGE - PAGE };
	unsigned int i, j;

	for (i = 0; i < NR; i++)
		for (j = 0; j < sizeof(at) / sizeof(*at); j++)
			if (leaf_order(bed->dev.bdf, iova + i * HUGE + at[j]) != order)
				return "Xen has leaves of another order";
	return NULL;
}

static const char *ends_work(struct bed *bed, uint64_t iova, uint8_t *mem)
{
	const char *problem = NULL;
	unsigned int i;

	for (i = 0; i < NR && !problem; i++) {
		problem = read_works(bed, iova + i * HUGE, mem + i * HUGE);
		if (!problem)
			problem = write_works(bed, iova + (i + 1) * HUGE - PAGE,
					      mem + (i + 1) * HUGE - PAGE);
	}
	return problem;
}

static void test_leaves(struct bed *bed, uint8_t *mem)
{
	must_map(bed, IOVA, mem, NR * HUGE, RW);
	report_info("leaf orders %d %d, of the mailbox %d",
		    leaf_order(bed->dev.bdf, IOVA),
		    leaf_order(bed->dev.bdf, IOVA + NR * HUGE - PAGE),
		    leaf_order(bed->dev.bdf, MAILBOX_IOVA));
	expect("huge.leaves-of-2m", every_leaf_is(bed, IOVA, ORDER));
	expect("huge.device-uses-them", ends_work(bed, IOVA, mem));
	expect("huge.beyond-blocked", not_read(bed, IOVA + NR * HUGE, mem));
	expect("huge.part-refused",
	       unless(container_unmap(&bed->container, IOVA, PAGE) < 0,
		      "a part of a mapping was unmapped"));
	expect("huge.still-there", every_leaf_is(bed, IOVA, ORDER));
	must_unmap(bed, IOVA, NR * HUGE);
	expect("huge.leaves-gone", every_leaf_is(bed, IOVA, -1));
	expect("huge.unmapped-blocked", not_written(bed, IOVA, mem));
}

/* With different alignment of both addresses there can be small leaves only. */
static void test_not_aligned(struct bed *bed, uint8_t *mem)
{
	must_map(bed, IOVA + PAGE, mem, NR * HUGE, RW);
	expect("huge.shifted-leaves-of-4k", every_leaf_is(bed, IOVA + PAGE, 0));
	expect("huge.shifted-works", ends_work(bed, IOVA + PAGE, mem));
	must_unmap(bed, IOVA + PAGE, NR * HUGE);
	expect("huge.shifted-blocked", not_written(bed, IOVA + PAGE, mem));
}

/* A large leaf must replace the table of small leaves that was there. */
static void test_again(struct bed *bed, uint8_t *mem)
{
	must_map(bed, IOVA, mem, NR * HUGE, RW);
	expect("huge.again-leaves-of-2m", every_leaf_is(bed, IOVA, ORDER));
	expect("huge.again-works", ends_work(bed, IOVA, mem));
	must_unmap(bed, IOVA, NR * HUGE);
}

int main(int argc, char **argv)
{
	uint64_t seed = time(NULL);
	struct bed bed;
	uint8_t *mem;

	if (argc != 2)
		die("usage: vfio-huge BDF, an edu device that is bound to vfio-pci");
	mem = new_hugepages(NR);
	if (!mem)
		die("there are no %d hugepages; write more to /proc/sys/vm/nr_hugepages", NR);
	report_info("vfio-huge seed %llu", (unsigned long long)seed);
	probe_seed(seed);
	bed = bed_open(argv[1]);
	test_leaves(&bed, mem);
	test_not_aligned(&bed, mem);
	test_again(&bed, mem);
	bed_close(&bed);
	return report_end();
}

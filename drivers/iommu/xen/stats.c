// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of the driver's hypercalls and of the descriptors in them.
 *
 * Every build has them, also without debugfs, which shows them. So each is cheap:
 * one per CPU, no lock.
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "hv.h"
#include "stats.h"

DEFINE_PER_CPU(struct xpi_stats, xpi_stats);

static const char * const names[XPI_STATS] = {
	[XPI_STAT_HYPERCALLS] = "hypercalls",
	[XPI_STAT_MULTICALLS] = "multicalls",
	[XPI_STAT_MAP_CALLS] = "map_calls",
	[XPI_STAT_UNMAP_CALLS] = "unmap_calls",
	[XPI_STAT_DESCRIPTORS] = "descriptors",
	[XPI_STAT_RUNS] = "runs",
	[XPI_STAT_PAGES_MAPPED] = "pages_mapped",
	[XPI_STAT_PAGES_UNMAPPED] = "pages_unmapped",
	[XPI_STAT_MAPS_DROPPED] = "maps_dropped",
	[XPI_STAT_DEFERRED_UNMAPS] = "deferred_unmaps",
	[XPI_STAT_FLUSH_ALLS] = "flush_alls",
	[XPI_STAT_ERRORS] = "errors",
	[XPI_STAT_FAULTS] = "faults",
	[XPI_STAT_FAULTS_LOST] = "faults_lost",
};

const char *xpi_stat_name(enum xpi_stat stat)
{
	return names[stat];
}

static unsigned int bucket_of(unsigned int count)
{
	unsigned int b = fls(count | 1) - 1;

	return min(b, XPI_STAT_BUCKETS - 1);
}

static void count_array(unsigned int op, unsigned int count)
{
	if (op != XEN_PV_IOMMU_OP_BATCH)
		return;

	xpi_stat_add(XPI_STAT_DESCRIPTORS, count);
	this_cpu_add(xpi_stats.arrays[bucket_of(count)], 1);
}

/* An array has only maps or only unmaps, so the first tells the kind. */
static void count_entry(unsigned int op, const void *array)
{
	const struct xen_pv_iommu_batch *d = array;

	xpi_stat_add(XPI_STAT_HYPERCALLS, 1);
	if (op != XEN_PV_IOMMU_OP_BATCH)
		return;

	if (d->op == XEN_PV_IOMMU_BATCH_MAP)
		xpi_stat_add(XPI_STAT_MAP_CALLS, 1);
	else if (d->op == XEN_PV_IOMMU_BATCH_UNMAP)
		xpi_stat_add(XPI_STAT_UNMAP_CALLS, 1);
}

void xpi_stats_call(unsigned int op, const void *array, unsigned int count)
{
	count_entry(op, array);
	count_array(op, count);
}

void xpi_stats_multi(unsigned int op, const struct xpi_call *calls,
		     unsigned int nr)
{
	unsigned int i;

	xpi_stat_add(XPI_STAT_MULTICALLS, 1);
	count_entry(op, calls[0].array);
	for (i = 0; i < nr; i++)
		count_array(op, calls[i].count);
}

void xpi_stats_sum(struct xpi_stats *sum)
{
	unsigned int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct xpi_stats *s = &per_cpu(xpi_stats, cpu);

		for (i = 0; i < XPI_STATS; i++)
			sum->n[i] += READ_ONCE(s->n[i]);
		for (i = 0; i < XPI_STAT_BUCKETS; i++)
			sum->arrays[i] += READ_ONCE(s->arrays[i]);
	}
}

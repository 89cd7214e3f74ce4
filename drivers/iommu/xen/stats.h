/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_STATS_H
#define XPI_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

struct xpi_call;

/**
 * enum xpi_stat - counters, since the driver was loaded
 * @XPI_STAT_HYPERCALLS: entries into Xen; a multicall is one
 * @XPI_STAT_MULTICALLS: those that were multicalls
 * @XPI_STAT_MAP_CALLS: those with descriptors to map
 * @XPI_STAT_UNMAP_CALLS: those with descriptors to unmap
 * @XPI_STAT_DESCRIPTORS: descriptors sent to Xen
 * @XPI_STAT_RUNS: runs of pages to be mapped
 * @XPI_STAT_PAGES_MAPPED: 4 KiB pages that Xen has mapped
 * @XPI_STAT_PAGES_UNMAPPED: 4 KiB pages that Xen has unmapped, holes included
 * @XPI_STAT_MAPS_DROPPED: runs unmapped before they were sent
 * @XPI_STAT_DEFERRED_UNMAPS: unmaps left to flush_iotlb_all
 * @XPI_STAT_FLUSH_ALLS: calls of flush_iotlb_all
 * @XPI_STAT_ERRORS: descriptors that Xen refused
 * @XPI_STAT_FAULTS: fault records read
 * @XPI_STAT_FAULTS_LOST: fault records that Xen had no room for
 * @XPI_STATS: number of counters
 */
enum xpi_stat {
	XPI_STAT_HYPERCALLS,
	XPI_STAT_MULTICALLS,
	XPI_STAT_MAP_CALLS,
	XPI_STAT_UNMAP_CALLS,
	XPI_STAT_DESCRIPTORS,
	XPI_STAT_RUNS,
	XPI_STAT_PAGES_MAPPED,
	XPI_STAT_PAGES_UNMAPPED,
	XPI_STAT_MAPS_DROPPED,
	XPI_STAT_DEFERRED_UNMAPS,
	XPI_STAT_FLUSH_ALLS,
	XPI_STAT_ERRORS,
	XPI_STAT_FAULTS,
	XPI_STAT_FAULTS_LOST,
	XPI_STATS
};

/* Arrays of 1, of 2 and 3, of 4 to 7, ...; the last has all longer ones. */
#define XPI_STAT_BUCKETS	8U

/**
 * struct xpi_stats - the counters of one CPU
 * @n: by enum xpi_stat
 * @arrays: arrays of descriptors, by their length
 */
struct xpi_stats {
	u64 n[XPI_STATS];
	u64 arrays[XPI_STAT_BUCKETS];
};

DECLARE_PER_CPU(struct xpi_stats, xpi_stats);

/* Callable from any context; one or two instructions. */
static inline void xpi_stat_add(enum xpi_stat stat, u64 n)
{
	this_cpu_add(xpi_stats.n[stat], n);
}

/**
 * xpi_stats_call() - count a hypercall
 * @op: enum xen_pv_iommu_op
 * @array: its array
 * @count: elements
 */
void xpi_stats_call(unsigned int op, const void *array, unsigned int count);

/**
 * xpi_stats_multi() - count a multicall
 * @op: enum xen_pv_iommu_op, of all
 * @calls: the calls
 * @nr: their number, at least 1
 */
void xpi_stats_multi(unsigned int op, const struct xpi_call *calls,
		     unsigned int nr);

/**
 * xpi_stats_sum() - add up the counters of all CPUs
 * @sum: OUT
 *
 * Not a snapshot: other CPUs continue to count.
 */
void xpi_stats_sum(struct xpi_stats *sum);

/**
 * xpi_stat_name() - name a counter
 * @stat: the counter
 *
 * Return: the name, one word.
 */
const char *xpi_stat_name(enum xpi_stat stat);

#endif /* XPI_STATS_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_BENCH_H
#define XPI_BENCH_H

#include <linux/compiler_attributes.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct scatterlist;

/* Where a domain of our own maps: the start of a page table. */
#define BENCH_IOVA	SZ_1G

/* Regions between markers. */
#define REGION_MAP	1
#define REGION_UNMAP	2
#define REGION_FREE	3

/* Lines of the xpi protocol, for the parameter "results". */
__printf(1, 2) void bench_emit(const char *fmt, ...);

/**
 * struct bench_job - something to be mapped
 * @dev: the device
 * @dom: the domain, or NULL if the DMA API has one
 * @iova: where it is, or is to be, mapped
 * @buf: one buffer of @size bytes, or NULL
 * @size: in all
 * @sg: pages here and there, or NULL
 * @private: for who runs it
 */
struct bench_job {
	struct device *dev;
	struct iommu_domain *dom;
	dma_addr_t iova;
	void *buf;
	size_t size;
	struct scatterlist *sg;
	void *private;
};

/**
 * bench_run_buf() - map and unmap one buffer again and again
 * @j: the device, the domain, and where
 * @order: of the buffer's pages
 *
 * Return: 0 or -errno.
 */
int bench_run_buf(struct bench_job *j, unsigned int order);

/* The same for one page, and for 64. */
int bench_run_4k(struct bench_job *j);
int bench_run_64x4k(struct bench_job *j);

/**
 * bench_case() - one case: a report of the plugin, and whether it worked
 * @what: its name
 * @run: what to do between markers
 * @j: for @run
 */
void bench_case(const char *what, int (*run)(struct bench_job *j),
		struct bench_job *j);

/**
 * bench_domain_get() - a paging domain with the device in it
 * @dev: the device
 *
 * Return: the domain, or an ERR_PTR().
 */
struct iommu_domain *bench_domain_get(struct device *dev);

/* Take the device out, and free the domain. */
void bench_domain_put(struct iommu_domain *dom, struct device *dev);

/**
 * bench_growth() - what one more mapping costs where there are many
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_growth(struct device *dev);

/**
 * bench_bounds() - what keeps Xen busy for longest
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_bounds(struct device *dev);

/**
 * bench_irqs() - what the driver does for longest with interrupts off
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_irqs(struct device *dev);

/**
 * bench_xen() - what Xen has for all contexts of this domain
 * @pages: of page tables
 * @contexts: how many there are
 *
 * Return: 0 or -errno.
 */
int bench_xen(unsigned int *pages, unsigned int *contexts);

/**
 * bench_memory() - what mappings cost in memory, here and in Xen
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_memory(struct device *dev);

#endif /* XPI_BENCH_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_BENCH_H
#define XPI_BENCH_H

#include <linux/compiler_attributes.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct device;
struct iommu_domain;
struct scatterlist;

/* The iova of maps in a paging domain: the start of a page table. */
#define BENCH_IOVA	SZ_1G

/* Regions between markers. */
#define REGION_MAP	1
#define REGION_UNMAP	2
#define REGION_FREE	3

/* Lines of the xpi protocol, for the parameter "results". */
__printf(1, 2) void bench_emit(const char *fmt, ...);

/**
 * struct bench_job - memory to map
 * @dev: the device
 * @dom: the domain, or NULL for the DMA API
 * @iova: address of the mapping
 * @buf: one buffer of @size bytes, or NULL
 * @size: total size in bytes
 * @sg: scattered pages, or NULL
 * @private: for the caller
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
 * bench_run_buf() - map and unmap one buffer repeatedly
 * @j: device, domain, and iova
 * @order: order of the buffer's pages
 *
 * Return: 0 or -errno.
 */
int bench_run_buf(struct bench_job *j, unsigned int order);

/* The same for one page, and for 64. */
int bench_run_4k(struct bench_job *j);
int bench_run_64x4k(struct bench_job *j);

/**
 * bench_case() - run one case, and write its report and its result
 * @what: name of the case
 * @run: function with the markers
 * @j: argument of @run
 */
void bench_case(const char *what, int (*run)(struct bench_job *j),
		struct bench_job *j);

/**
 * bench_domain_get() - allocate a paging domain and attach the device
 * @dev: the device
 *
 * Return: the domain, or an ERR_PTR().
 */
struct iommu_domain *bench_domain_get(struct device *dev);

/* Detach the device, and free the domain. */
void bench_domain_put(struct iommu_domain *dom, struct device *dev);

/**
 * bench_growth() - measure one more mapping with many others
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_growth(struct device *dev);

/**
 * bench_bounds() - make the longest requests for Xen
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_bounds(struct device *dev);

/**
 * bench_irqs() - make the longest requests with interrupts off in the driver
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_irqs(struct device *dev);

/**
 * bench_xen() - query Xen about all contexts of this domain
 * @pages: number of page-table pages
 * @contexts: number of contexts
 *
 * Return: 0 or -errno.
 */
int bench_xen(unsigned int *pages, unsigned int *contexts);

/**
 * bench_memory() - measure the memory of mappings in the driver and in Xen
 * @dev: a device of the driver
 *
 * Return: 0 or -errno.
 */
int bench_memory(struct device *dev);

#endif /* XPI_BENCH_H */

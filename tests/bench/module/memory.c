// SPDX-License-Identifier: GPL-2.0
/*
 * Memory used by mappings.
 *
 * The driver allocates all its long-lived pages in xpi_page_alloc() and frees them in
 * xpi_page_free(), so probes there count the pages of a domain. Pages allocated in
 * xpi_pending_fill() are buffers. Xen reports the number of its page-table pages.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include <asm/xen/hypercall.h>
#include <xen/interface/pv-iommu.h>
#include <xen/xen.h>

#include "bench.h"

#define DENSE_PAGES	8192U	/* 16 times 2 MiB */
#define SPARSE_PAGES	512U	/* one in 2 MiB each */

static long allocated, buffers;
static bool filling;

static int count_alloc(struct kprobe *p, struct pt_regs *regs)
{
	allocated++;
	buffers += filling;
	return 0;
}

static int count_free(struct kprobe *p, struct pt_regs *regs)
{
	allocated--;
	return 0;
}

static struct kprobe probes[] = {
	{ .symbol_name = "xpi_page_alloc", .pre_handler = count_alloc },
	{ .symbol_name = "xpi_page_free", .pre_handler = count_free },
};

static int fill_begins(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	filling = true;
	return 0;
}

static int fill_ends(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	filling = false;
	return 0;
}

static struct kretprobe fill_probe = {
	.kp.symbol_name = "xpi_pending_fill",
	.entry_handler = fill_begins,
	.handler = fill_ends,
};

int bench_xen(unsigned int *pages, unsigned int *contexts)
{
	static struct xen_pv_iommu_query q;
	int ret;

	q = (struct xen_pv_iommu_query){
		.size = sizeof(q),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
	};
	ret = xen_single_call(__HYPERVISOR_iommu_op, XEN_PV_IOMMU_OP_QUERY,
			      (unsigned long)&q, 1, 0, 0);
	if (ret != 1)
		return ret < 0 ? ret : -EIO;
	*pages = q.pt_pages;
	*contexts = q.nr_ctx;
	return 0;
}

static int xen_pages(unsigned int *pages)
{
	unsigned int contexts;

	return bench_xen(pages, &contexts);
}

static int map_many(struct iommu_domain *dom, phys_addr_t phys,
		    unsigned int nr, size_t stride)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		ret = iommu_map(dom, BENCH_IOVA + i * stride, phys, PAGE_SIZE,
				IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
		cond_resched();
	}
	return ret;
}

/* Unmap every page; otherwise Xen would report the rest. */
static void unmap_many(struct iommu_domain *dom, unsigned int nr, size_t stride)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		iommu_unmap(dom, BENCH_IOVA + i * stride, PAGE_SIZE);
		cond_resched();
	}
}

static int measure(struct device *dev, phys_addr_t phys, const char *what,
		   unsigned int nr, size_t stride)
{
	unsigned int xen_before, xen_empty, xen_after;
	long before, empty;
	struct iommu_domain *dom;
	int ret = xen_pages(&xen_before);

	if (ret)
		return ret;
	before = allocated;
	dom = iommu_paging_domain_alloc(dev);
	if (IS_ERR(dom))
		return PTR_ERR(dom);
	empty = allocated;
	buffers = 0;
	ret = xen_pages(&xen_empty);
	if (!ret)
		ret = map_many(dom, phys, nr, stride);
	if (!ret)
		ret = xen_pages(&xen_after);
	if (!ret) {
		bench_emit("xpi: info bench-memory %s pages %u buffers %ld mappings %ld\n",
			   what, nr, buffers, allocated - empty - buffers);
		bench_emit("xpi: info bench-memory %s xen-empty %u xen %u\n",
			   what, xen_empty - xen_before, xen_after - xen_empty);
	}
	unmap_many(dom, nr, stride);
	iommu_domain_free(dom);
	/* All pages must have been freed; otherwise the count is wrong. */
	if (!ret && allocated != before)
		ret = -EUCLEAN;
	return ret;
}

static int measure_all(struct device *dev)
{
	struct page *page = alloc_page(GFP_KERNEL);
	phys_addr_t phys;
	int ret;

	if (!page)
		return -ENOMEM;
	phys = page_to_phys(page);
	ret = measure(dev, phys, "dense", DENSE_PAGES, PAGE_SIZE);
	if (!ret)
		ret = measure(dev, phys, "sparse", SPARSE_PAGES, SZ_2M);
	__free_page(page);
	return ret;
}

int bench_memory(struct device *dev)
{
	int ret;

	if (!xen_domain())
		return -ENODEV;
	ret = register_kprobe(&probes[0]);
	if (ret)
		return ret;
	ret = register_kprobe(&probes[1]);
	if (ret)
		goto out_alloc;
	ret = register_kretprobe(&fill_probe);
	if (ret)
		goto out_free;
	ret = measure_all(dev);
	unregister_kretprobe(&fill_probe);
out_free:
	unregister_kprobe(&probes[1]);
out_alloc:
	unregister_kprobe(&probes[0]);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Maps and unmaps repeatedly, with markers for testbed/tcgcount around each call.
 *
 * api=dma uses the DMA API, like drivers. api=iommu maps in a paging domain of its
 * own, like VFIO; the device is attached to it, so that unmaps need a flush. Every
 * case ends with a report of the plugin; the info lines "bench-case" name the cases
 * in the same order. Region 1 is the map, region 2 the unmap. api=growth repeats this
 * with a growing number of mappings; api=bounds and api=irqs make the longest requests;
 * api=memory measures memory instead. Each of these has a file.
 */
#define pr_fmt(fmt) "xpi_bench: " fmt

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "bench.h"
#include "tcgmark.h"

#define WARM_UP		20
#define SG_PAGES	32
#define PROT		(IOMMU_READ | IOMMU_WRITE)

static char *device = "";
module_param(device, charp, 0400);
MODULE_PARM_DESC(device, "PCI device (dddd:bb:dd.f) without a driver");

static char *api = "iommu";
module_param(api, charp, 0400);
MODULE_PARM_DESC(api, "dma, iommu, growth, bounds, irqs or memory");

static char *name = "bench";
module_param(name, charp, 0400);
MODULE_PARM_DESC(name, "prefix of the result lines");

static unsigned int loops = 200;
module_param(loops, uint, 0400);
MODULE_PARM_DESC(loops, "samples of each case");

static char *only = "";
module_param(only, charp, 0400);
MODULE_PARM_DESC(only, "run only this case of api=dma and api=iommu");

static char results[4096];
module_param_string(results, results, sizeof(results), 0400);
MODULE_PARM_DESC(results, "results in the xpi protocol");

static unsigned int passed, failed;

void bench_emit(const char *fmt, ...)
{
	size_t len = strlen(results);
	va_list args;

	va_start(args, fmt);
	vscnprintf(results + len, sizeof(results) - len, fmt, args);
	va_end(args);
}

/*
 * One function for each kind of map and unmap. Only the call is between the markers.
 */

static int dma_map_buf(struct bench_job *j)
{
	tcg_begin(REGION_MAP);
	j->iova = dma_map_single(j->dev, j->buf, j->size, DMA_BIDIRECTIONAL);
	tcg_end(REGION_MAP);
	return dma_mapping_error(j->dev, j->iova);
}

static int dma_unmap_buf(struct bench_job *j)
{
	tcg_begin(REGION_UNMAP);
	dma_unmap_single(j->dev, j->iova, j->size, DMA_BIDIRECTIONAL);
	tcg_end(REGION_UNMAP);
	return 0;
}

static int dma_map_pages_apart(struct bench_job *j)
{
	int nr;

	tcg_begin(REGION_MAP);
	nr = dma_map_sg(j->dev, j->sg, SG_PAGES, DMA_BIDIRECTIONAL);
	tcg_end(REGION_MAP);
	return nr ? 0 : -EIO;
}

static int dma_unmap_pages_apart(struct bench_job *j)
{
	tcg_begin(REGION_UNMAP);
	dma_unmap_sg(j->dev, j->sg, SG_PAGES, DMA_BIDIRECTIONAL);
	tcg_end(REGION_UNMAP);
	return 0;
}

static int dom_map_buf(struct bench_job *j)
{
	phys_addr_t phys = virt_to_phys(j->buf);
	int ret;

	tcg_begin(REGION_MAP);
	ret = iommu_map(j->dom, j->iova, phys, j->size, PROT, GFP_ATOMIC);
	tcg_end(REGION_MAP);
	return ret;
}

static int dom_map_pages_apart(struct bench_job *j)
{
	ssize_t len;

	tcg_begin(REGION_MAP);
	len = iommu_map_sg(j->dom, j->iova, j->sg, SG_PAGES, PROT, GFP_ATOMIC);
	tcg_end(REGION_MAP);
	return len == j->size ? 0 : -EIO;
}

static int dom_unmap(struct bench_job *j)
{
	size_t len;

	tcg_begin(REGION_UNMAP);
	len = iommu_unmap(j->dom, j->iova, j->size);
	tcg_end(REGION_UNMAP);
	return len == j->size ? 0 : -EIO;
}

static int job_map(struct bench_job *j)
{
	if (j->dom)
		return j->sg ? dom_map_pages_apart(j) : dom_map_buf(j);
	return j->sg ? dma_map_pages_apart(j) : dma_map_buf(j);
}

static int job_unmap(struct bench_job *j)
{
	if (j->dom)
		return dom_unmap(j);
	return j->sg ? dma_unmap_pages_apart(j) : dma_unmap_buf(j);
}

/*
 * Cases
 */

static int repeat(struct bench_job *j)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < WARM_UP + loops && !ret; i++) {
		if (i == WARM_UP) {
			tcg_drop(REGION_MAP);
			tcg_drop(REGION_UNMAP);
		}
		ret = job_map(j);
		if (!ret)
			ret = job_unmap(j);
		cond_resched();
	}
	return ret;
}

int bench_run_buf(struct bench_job *j, unsigned int order)
{
	int ret;

	j->size = PAGE_SIZE << order;
	j->buf = (void *)__get_free_pages(GFP_KERNEL, order);
	if (!j->buf)
		return -ENOMEM;
	ret = repeat(j);
	free_pages((unsigned long)j->buf, order);
	return ret;
}

int bench_run_4k(struct bench_job *j)
{
	return bench_run_buf(j, 0);
}

int bench_run_64x4k(struct bench_job *j)
{
	return bench_run_buf(j, 6);
}

static int run_2m(struct bench_job *j)
{
	return bench_run_buf(j, 9);
}

/* The page next to it stays mapped, so that the page tables are not empty. */
static int run_4k_near(struct bench_job *j)
{
	struct bench_job near = *j;
	int ret;

	near.iova += PAGE_SIZE;
	near.size = PAGE_SIZE;
	near.buf = (void *)__get_free_page(GFP_KERNEL);
	if (!near.buf)
		return -ENOMEM;
	ret = job_map(&near);
	if (!ret) {
		ret = bench_run_buf(j, 0);
		job_unmap(&near);
	}
	free_page((unsigned long)near.buf);
	return ret;
}

/* New pages may be contiguous; with this order no two neighbours follow each other. */
static int run_sg(struct bench_job *j)
{
	static struct scatterlist sg[SG_PAGES];
	struct page *page[SG_PAGES] = {};
	int ret = -ENOMEM;
	unsigned int i;

	sg_init_table(sg, SG_PAGES);
	for (i = 0; i < SG_PAGES; i++) {
		page[i] = alloc_page(GFP_KERNEL);
		if (!page[i])
			goto out;
	}
	for (i = 0; i < SG_PAGES; i++)
		sg_set_page(&sg[i], page[i * 7 % SG_PAGES], PAGE_SIZE, 0);
	j->sg = sg;
	j->size = SG_PAGES * PAGE_SIZE;
	ret = repeat(j);
out:
	for (i = 0; i < SG_PAGES && page[i]; i++)
		__free_page(page[i]);
	return ret;
}

static const struct {
	const char *name;
	int (*run)(struct bench_job *j);
} cases[] = {
	{ "4k-near", run_4k_near },
	{ "4k", bench_run_4k },
	{ "64x4k", bench_run_64x4k },
	{ "2m", run_2m },
	{ "sg32", run_sg },
};

void bench_case(const char *what, int (*run)(struct bench_job *j),
		struct bench_job *j)
{
	int ret;

	tcg_drop(REGION_MAP);
	tcg_drop(REGION_UNMAP);
	ret = run(j);
	tcg_report(1);
	bench_emit("xpi: info bench-case %s %s\n", name, what);
	if (ret) {
		failed++;
		bench_emit("xpi: fail %s.%s: error %d\n", name, what, ret);
	} else {
		passed++;
		bench_emit("xpi: pass %s.%s\n", name, what);
	}
}

static void run_cases(struct device *dev, struct iommu_domain *dom)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench_job j = {
			.dev = dev,
			.dom = dom,
			.iova = BENCH_IOVA,
		};

		if (!*only || !strcmp(only, cases[i].name))
			bench_case(cases[i].name, cases[i].run, &j);
	}
}

struct iommu_domain *bench_domain_get(struct device *dev)
{
	struct iommu_domain *dom = iommu_paging_domain_alloc(dev);
	int ret;

	if (IS_ERR(dom))
		return dom;
	ret = iommu_attach_device(dom, dev);
	if (ret) {
		iommu_domain_free(dom);
		return ERR_PTR(ret);
	}
	return dom;
}

void bench_domain_put(struct iommu_domain *dom, struct device *dev)
{
	iommu_detach_device(dom, dev);
	iommu_domain_free(dom);
}

static int run_own_domain(struct device *dev)
{
	struct iommu_domain *dom = bench_domain_get(dev);

	if (IS_ERR(dom))
		return PTR_ERR(dom);
	run_cases(dev, dom);
	bench_domain_put(dom, dev);
	return 0;
}

static int run_dma(struct device *dev)
{
	int ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));

	if (!ret)
		run_cases(dev, NULL);
	return ret;
}

static int run_api(struct device *dev)
{
	int ret = -EINVAL;

	if (!strcmp(api, "dma"))
		return run_dma(dev);
	if (!strcmp(api, "iommu"))
		return run_own_domain(dev);
	if (!strcmp(api, "growth"))
		return bench_growth(dev);
	if (!strcmp(api, "bounds"))
		return bench_bounds(dev);
	if (!strcmp(api, "irqs"))
		return bench_irqs(dev);
	if (!strcmp(api, "memory")) {
		ret = bench_memory(dev);
		passed += !ret;
		if (!ret)
			bench_emit("xpi: pass %s.measured\n", name);
	}
	return ret;
}

static struct pci_dev *find_device(void)
{
	unsigned int seg, bus, dev, fn;

	if (sscanf(device, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(seg, bus, PCI_DEVFN(dev, fn));
}

static int __init bench_init(void)
{
	struct pci_dev *pdev = find_device();
	int ret;

	if (!pdev) {
		pr_err("no PCI device \"%s\"; give one without a driver as device=\n",
		       device);
		return -ENODEV;
	}
	ret = pci_enable_device(pdev);
	if (!ret) {
		pci_set_master(pdev);
		ret = run_api(&pdev->dev);
		pci_disable_device(pdev);
	}
	pci_dev_put(pdev);
	if (ret) {
		failed++;
		bench_emit("xpi: fail %s.started: error %d\n", name, ret);
	}
	bench_emit("xpi: end %u %u 0\n", passed, failed);
	return 0;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("Maps and unmaps between markers of testbed/tcgcount");
MODULE_LICENSE("GPL");

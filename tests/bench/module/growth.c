// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of a map and an unmap with many other mappings, in the same domain or in
 * other domains. Each domain is one of Xen's contexts.
 *
 * All mappings are of one buffer, of which the driver and Xen take no advantage. The
 * buffer is aligned to 2 MiB, but its iovas are not, so that all leaves have 4 KiB. The
 * measured mappings are below, in an existing page table.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sprintf.h>

#include "bench.h"

#define BUF_ORDER	9
#define BUF_PAGES	512U
#define FRONT_PAGES	64U	/* space for the measured mappings */
#define FILLED		(BENCH_IOVA + FRONT_PAGES * PAGE_SIZE)

static const struct growth {
	const char *of_what;
	unsigned int pages;	/* in the domain that is measured */
	unsigned int contexts;	/* in all; the others have a page each */
} growths[] = {
	{ "pages", 1, 1 },
	{ "pages", 64, 1 },
	{ "pages", 4096, 1 },
	{ "pages", 262144, 1 },
	{ "contexts", 1, 1 },
	{ "contexts", 1, 16 },
	{ "contexts", 1, 256 },
};

static int fill(struct iommu_domain *dom, phys_addr_t phys, unsigned int nr)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i += BUF_PAGES) {
		ret = iommu_map(dom, FILLED + i * PAGE_SIZE, phys,
				min(nr - i, BUF_PAGES) * PAGE_SIZE,
				IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
		cond_resched();
	}
	return ret;
}

/* Also after fill() failed half way: unmap skips pages that are not mapped. */
static void unfill(struct iommu_domain *dom, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i += BUF_PAGES) {
		iommu_unmap(dom, FILLED + i * PAGE_SIZE,
			    min(nr - i, BUF_PAGES) * PAGE_SIZE);
		cond_resched();
	}
}

/* Check the number of page tables in Xen; with larger leaves there would be fewer. */
static int filled(const struct growth *g)
{
	unsigned int tables, contexts;
	int ret = bench_xen(&tables, &contexts);

	if (!ret && (tables < g->pages / BUF_PAGES || contexts < g->contexts))
		ret = -EUCLEAN;
	return ret;
}

static void measure(struct device *dev, struct iommu_domain *dom,
		    const struct growth *g)
{
	unsigned int nr = max(g->pages, g->contexts);
	struct bench_job one = {
		.dev = dev,
		.dom = dom,
		.iova = FILLED - PAGE_SIZE,
	};
	struct bench_job run = { .dev = dev, .dom = dom, .iova = BENCH_IOVA };
	char what[32];

	snprintf(what, sizeof(what), "4k.%s.%u", g->of_what, nr);
	bench_case(what, bench_run_4k, &one);
	snprintf(what, sizeof(what), "64x4k.%s.%u", g->of_what, nr);
	bench_case(what, bench_run_64x4k, &run);
}

static int measure_filled(struct device *dev, struct iommu_domain *dom,
			  phys_addr_t phys, const struct growth *g)
{
	int ret = fill(dom, phys, g->pages) ?: filled(g);

	if (!ret)
		measure(dev, dom, g);
	unfill(dom, g->pages);
	return ret;
}

static int grow_pages(struct device *dev, phys_addr_t phys,
		      const struct growth *g)
{
	struct iommu_domain *dom = bench_domain_get(dev);
	int ret;

	if (IS_ERR(dom))
		return PTR_ERR(dom);
	ret = measure_filled(dev, dom, phys, g);
	bench_domain_put(dom, dev);
	return ret;
}

static void others_free(struct iommu_domain **dom, unsigned int nr)
{
	while (nr--) {
		unfill(dom[nr], 1);
		iommu_domain_free(dom[nr]);
	}
	kfree(dom);
}

/* Domains without devices, each with one page mapped. */
static int others_alloc(struct device *dev, phys_addr_t phys,
			struct iommu_domain **dom, unsigned int nr,
			unsigned int *have)
{
	int ret = 0;

	for (*have = 0; *have < nr && !ret; ++*have) {
		dom[*have] = iommu_paging_domain_alloc(dev);
		if (IS_ERR(dom[*have]))
			return PTR_ERR(dom[*have]);
		ret = fill(dom[*have], phys, 1);
	}
	return ret;
}

static int grow(struct device *dev, phys_addr_t phys, const struct growth *g)
{
	unsigned int have, others = g->contexts - 1;
	struct iommu_domain **dom;
	int ret;

	dom = kcalloc(g->contexts, sizeof(*dom), GFP_KERNEL);
	if (!dom)
		return -ENOMEM;
	ret = others_alloc(dev, phys, dom, others, &have);
	if (!ret)
		ret = grow_pages(dev, phys, g);
	others_free(dom, have);
	return ret;
}

int bench_growth(struct device *dev)
{
	struct page *buf = alloc_pages(GFP_KERNEL, BUF_ORDER);
	unsigned int i;
	int ret = 0;

	if (!buf)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(growths) && !ret; i++)
		ret = grow(dev, page_to_phys(buf), &growths[i]);
	__free_pages(buf, BUF_ORDER);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The longest paths of the driver with interrupts off: it sends a pending list
 * under a lock. The plugin measures the time (span=) of large requests in atomic
 * context, and of full lists.
 *
 * As in growth.c one buffer is mapped again and again, with 4 KiB leaves.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>

#include "bench.h"
#include "tcgmark.h"

#define SAMPLES		3
#define BUF_ORDER	9
#define BUF_PAGES	512U
#define BLOCK		(PAGE_SIZE << BUF_ORDER)
#define IOVA		(BENCH_IOVA + PAGE_SIZE)	/* no room for 2 MiB */

/* One request: repeated maps of single pages of the buffer, or of all of it. */
struct request {
	const char *name;
	unsigned int nr;
	unsigned int pages;
	size_t (*unmap)(struct iommu_domain *dom, size_t size);
};

static int sg_fill(struct sg_table *sgt, struct page *buf,
		   const struct request *r)
{
	struct scatterlist *sg;
	unsigned int i;
	int ret = sg_alloc_table(sgt, r->nr, GFP_KERNEL);

	if (ret)
		return ret;
	for_each_sgtable_sg(sgt, sg, i)
		sg_set_page(sg, buf + (r->pages == 1 ? i * 7 % BUF_PAGES : 0),
			    r->pages * PAGE_SIZE, 0);
	return 0;
}

static size_t unmap_whole(struct iommu_domain *dom, size_t size)
{
	size_t len;

	tcg_begin(REGION_UNMAP);
	len = iommu_unmap(dom, IOVA, size);
	tcg_end(REGION_UNMAP);
	return len;
}

/* Unmap every other block, so that each needs a descriptor, then the rest. */
static size_t unmap_blocks(struct iommu_domain *dom, size_t size)
{
	struct iommu_iotlb_gather gather;
	size_t at, len = 0;

	iommu_iotlb_gather_init(&gather);
	tcg_begin(REGION_UNMAP);
	for (at = 0; at < size; at += 2 * BLOCK)
		len += iommu_unmap_fast(dom, IOVA + at, BLOCK, &gather);
	iommu_iotlb_sync(dom, &gather);
	tcg_end(REGION_UNMAP);
	for (at = BLOCK; at < size; at += 2 * BLOCK)
		len += iommu_unmap(dom, IOVA + at, BLOCK);
	return len;
}

static const struct request requests[] = {
	{ "atomic-large", 512, BUF_PAGES, unmap_whole },
	{ "atomic-scattered", 32768, 1, unmap_whole },
	{ "full-batch", 512, BUF_PAGES, unmap_blocks },
};

static int sample(struct bench_job *j)
{
	const struct request *r = j->private;
	ssize_t len;

	tcg_begin(REGION_MAP);
	len = iommu_map_sg(j->dom, IOVA, j->sg, r->nr, IOMMU_READ | IOMMU_WRITE,
			   GFP_ATOMIC);
	tcg_end(REGION_MAP);
	if (len != j->size)
		return len < 0 ? len : -EIO;
	return r->unmap(j->dom, j->size) == j->size ? 0 : -EIO;
}

static int samples(struct bench_job *j)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < SAMPLES && !ret; i++) {
		ret = sample(j);
		cond_resched();
	}
	return ret;
}

static int run_request(struct bench_job *j, struct page *buf,
		       const struct request *r)
{
	struct sg_table sgt;
	int ret = sg_fill(&sgt, buf, r);

	if (ret)
		return ret;
	j->sg = sgt.sgl;
	j->size = (size_t)r->nr * r->pages * PAGE_SIZE;
	j->private = (void *)r;
	bench_case(r->name, samples, j);
	sg_free_table(&sgt);
	return 0;
}

static int run_requests(struct bench_job *j, struct page *buf)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(requests) && !ret; i++)
		ret = run_request(j, buf, &requests[i]);
	return ret;
}

int bench_irqs(struct device *dev)
{
	struct bench_job j = { .dev = dev };
	struct page *buf = alloc_pages(GFP_KERNEL, BUF_ORDER);
	int ret;

	if (!buf)
		return -ENOMEM;
	j.dom = bench_domain_get(dev);
	ret = PTR_ERR_OR_ZERO(j.dom);
	if (!ret) {
		ret = run_requests(&j, buf);
		bench_domain_put(j.dom, dev);
	}
	__free_pages(buf, BUF_ORDER);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The longest requests for Xen. The plugin measures how long Xen runs between two
 * checks for preemption (span=).
 *
 * This module makes the hypercalls, because no driver unmaps a range with such large
 * holes. The context is one of the driver's, and has a device, so that unmaps need a
 * flush.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sched.h>

#include <asm/xen/hypercall.h>
#include <xen/interface/pv-iommu.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "bench.h"
#include "tcgmark.h"

#define SAMPLES		3
#define BUF_ORDER	9
#define BUF_PAGES	512U
#define ARRAY_ORDER	9	/* 65536 descriptors */
#define TRIES		32
#define FIRST_DFN	PFN_DOWN(SZ_4G)	/* after the addresses of MSIs */
#define FLAGS		(XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W)

/**
 * struct layout - descriptors that map
 * @name: name of the case
 * @nr: number of descriptors
 * @pages: pages of each descriptor
 * @stride: frames from one descriptor to the next
 * @jump: pages of the buffer from one descriptor to the next
 */
struct layout {
	const char *name;
	unsigned int nr;
	unsigned int pages;
	u64 stride;
	unsigned int jump;
};

static const struct layout layouts[] = {
	{ "large", 512, BUF_PAGES, BUF_PAGES, 0 },
	{ "scattered", 32768, 1, 1, 7 },
	{ "one-in-2m", 4096, 1, SZ_2M >> PAGE_SHIFT, 7 },
	{ "one-in-1g", 255, 1, SZ_1G >> PAGE_SHIFT, 7 },
};

/* Data of one case. */
struct bounds {
	struct device *dev;
	const struct layout *layout;
	struct xen_pv_iommu_batch *array;
	u64 gfn;		/* frame of a buffer that is contiguous for Xen */
};

static int call(unsigned int op, void *array, unsigned int count)
{
	long done = xen_single_call(__HYPERVISOR_iommu_op, op,
				    (unsigned long)array, count, 0, 0);

	if (done == count)
		return 0;
	return done < 0 ? done : -EIO;
}

/* Xen allocates context numbers in order. */
static int next_context(u16 *ctx)
{
	struct xen_pv_iommu_ctx c = {};
	int ret = call(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1);

	if (ret)
		return ret;
	*ctx = c.ctx + 1;
	c.flags = 0;
	return call(XEN_PV_IOMMU_OP_CTX_FREE, &c, 1);
}

/* Check the number: Xen must find a mapping of the driver in this context. */
static int check_context(struct bounds *b, struct iommu_domain *dom, u16 ctx)
{
	phys_addr_t phys = virt_to_phys(b->array);
	struct xen_pv_iommu_lookup l = {
		.dfn = PFN_DOWN(BENCH_IOVA),
		.ctx = ctx,
	};
	int ret = iommu_map(dom, BENCH_IOVA, phys, PAGE_SIZE, IOMMU_READ,
			    GFP_KERNEL);

	if (ret)
		return ret;
	ret = call(XEN_PV_IOMMU_OP_LOOKUP, &l, 1);
	if (!ret && l.gfn != pfn_to_gfn(PHYS_PFN(phys)))
		ret = -EUCLEAN;
	iommu_unmap(dom, BENCH_IOVA, PAGE_SIZE);
	return ret;
}

static void prepare(const struct bounds *b, u16 ctx)
{
	const struct layout *l = b->layout;
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		b->array[i] = (struct xen_pv_iommu_batch){
			.dfn = FIRST_DFN + i * l->stride,
			.gfn = b->gfn + i * l->jump % BUF_PAGES,
			.nr = l->pages,
			.ctx = ctx,
			.op = XEN_PV_IOMMU_BATCH_MAP,
			.flags = FLAGS,
		};
}

static int map_all(const struct bounds *b, u16 ctx)
{
	int ret;

	prepare(b, ctx);
	tcg_begin(REGION_MAP);
	ret = call(XEN_PV_IOMMU_OP_BATCH, b->array, b->layout->nr);
	tcg_end(REGION_MAP);
	return ret;
}

/* Unmap the whole range at once, including holes. */
static int unmap_all(const struct bounds *b, u16 ctx)
{
	const struct layout *l = b->layout;
	struct xen_pv_iommu_batch d = {
		.dfn = FIRST_DFN,
		.nr = l->nr * l->stride,
		.ctx = ctx,
		.op = XEN_PV_IOMMU_BATCH_UNMAP,
	};
	int ret;

	tcg_begin(REGION_UNMAP);
	ret = call(XEN_PV_IOMMU_OP_BATCH, &d, 1);
	tcg_end(REGION_UNMAP);
	return ret;
}

/* Free the domain while all pages are still mapped in Xen. */
static void free_full(struct iommu_domain *dom, struct device *dev)
{
	iommu_detach_device(dom, dev);
	tcg_begin(REGION_FREE);
	iommu_domain_free(dom);
	tcg_end(REGION_FREE);
}

static int sample(struct bounds *b)
{
	struct iommu_domain *dom;
	u16 ctx;
	int ret = next_context(&ctx);

	if (ret)
		return ret;
	dom = bench_domain_get(b->dev);
	if (IS_ERR(dom))
		return PTR_ERR(dom);
	ret = check_context(b, dom, ctx) ?: map_all(b, ctx) ?:
	      unmap_all(b, ctx) ?: map_all(b, ctx);
	free_full(dom, b->dev);
	return ret;
}

static int samples(struct bench_job *j)
{
	struct bounds *b = j->private;
	unsigned int i;
	int ret = 0;

	tcg_drop(REGION_FREE);
	for (i = 0; i < SAMPLES && !ret; i++) {
		ret = sample(b);
		cond_resched();
	}
	return ret;
}

static bool is_contiguous(struct page *buf)
{
	unsigned long pfn = page_to_pfn(buf), gfn = pfn_to_gfn(pfn);
	unsigned int i;

	for (i = 1; i < BUF_PAGES; i++)
		if (pfn_to_gfn(pfn + i) != gfn + i)
			return false;
	return true;
}

/* In a PV domain not every buffer is contiguous for Xen, but many are. */
static struct page *buf_alloc(void)
{
	struct page *tried[TRIES], *buf = NULL;
	unsigned int i, n;

	for (n = 0; n < TRIES && !buf; n++) {
		tried[n] = alloc_pages(GFP_KERNEL, BUF_ORDER);
		if (!tried[n])
			break;
		if (is_contiguous(tried[n]))
			buf = tried[n];
	}
	for (i = 0; i < n; i++)
		if (tried[i] != buf)
			__free_pages(tried[i], BUF_ORDER);
	return buf;
}

static void run_layouts(struct bounds *b)
{
	struct bench_job j = { .private = b };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		b->layout = &layouts[i];
		bench_case(b->layout->name, samples, &j);
	}
}

int bench_bounds(struct device *dev)
{
	struct bounds b = { .dev = dev };
	struct page *buf = buf_alloc();

	if (!buf)
		return -ENOMEM;
	b.gfn = pfn_to_gfn(page_to_pfn(buf));
	b.array = (void *)__get_free_pages(GFP_KERNEL, ARRAY_ORDER);
	if (b.array)
		run_layouts(&b);
	free_pages((unsigned long)b.array, ARRAY_ORDER);
	__free_pages(buf, BUF_ORDER);
	return b.array ? 0 : -ENOMEM;
}

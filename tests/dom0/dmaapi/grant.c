// SPDX-License-Identifier: GPL-2.0
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <linux/string.h>

#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "edu.h"
#include "grant.h"
#include "report.h"

#define HOME	0	/* this domain */

/**
 * struct granted - a granted page, and a second page that maps it
 * @page: the granted page
 * @ref: its grant
 * @alias: a page whose frame number Xen maps to the granted page
 * @handle: handle of this mapping
 */
struct granted {
	struct page *page;
	int ref;
	struct page *alias;
	grant_handle_t handle;
};

static unsigned long kernel_address(struct page *page)
{
	return (unsigned long)page_address(page);
}

static int map(struct granted *g)
{
	struct gnttab_map_grant_ref op;
	int ret;

	gnttab_set_map_op(&op, kernel_address(g->alias), GNTMAP_host_map,
			  g->ref, HOME);
	ret = gnttab_map_refs(&op, NULL, &g->alias, 1);
	g->handle = op.handle;
	return ret ?: op.status;
}

static int unmap(struct granted *g)
{
	struct gnttab_unmap_grant_ref op;
	int ret;

	gnttab_set_unmap_op(&op, kernel_address(g->alias), GNTMAP_host_map,
			    g->handle);
	ret = gnttab_unmap_refs(&op, NULL, &g->alias, 1);
	return ret ?: op.status;
}

/* The device writes by the alias, and the data must be in the granted page. */
static void write_through(struct edu *edu, struct granted *g, struct page *from)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t src = dma_map_page(dev, from, 0, PAGE_SIZE, DMA_TO_DEVICE);
	dma_addr_t dst = dma_map_page(dev, g->alias, 0, PAGE_SIZE,
				      DMA_FROM_DEVICE);
	bool mapped = !dma_mapping_error(dev, src) &&
		      !dma_mapping_error(dev, dst);

	expect("dmaapi.grant.dma-map", "mapped", true, mapped);
	if (!mapped)
		return;
	expect("dmaapi.grant.write", "edu", 0,
	       edu_copy(edu, src, dst, PAGE_SIZE));
	dma_unmap_page(dev, dst, PAGE_SIZE, DMA_FROM_DEVICE);
	dma_unmap_page(dev, src, PAGE_SIZE, DMA_TO_DEVICE);
	expect("dmaapi.grant.landed", "difference", 0,
	       !!memcmp(page_address(g->page), page_address(from), PAGE_SIZE));
}

static void through_alias(struct edu *edu, struct granted *g)
{
	struct page *from = alloc_page(GFP_KERNEL);
	int ret = map(g);

	expect("dmaapi.grant.map", "gnttab_map_refs", 0, ret);
	if (from && !ret) {
		expect("dmaapi.grant.is-foreign", "the p2m's mark", true,
		       !!(get_phys_to_machine(page_to_pfn(g->alias)) &
			  FOREIGN_FRAME_BIT));
		get_random_bytes(page_address(from), PAGE_SIZE);
		write_through(edu, g, from);
	}
	/* Xen refuses this if a mapping for the device still holds the page. */
	if (!ret)
		expect("dmaapi.grant.unmap", "gnttab_unmap_refs", 0, unmap(g));
	if (from)
		__free_page(from);
}

void test_grant(struct edu *edu)
{
	struct granted g = { .page = alloc_page(GFP_KERNEL | __GFP_ZERO) };

	if (!g.page || gnttab_alloc_pages(1, &g.alias)) {
		expect("dmaapi.grant.memory", "pages", true, false);
		return;
	}
	g.ref = gnttab_grant_foreign_access(HOME, xen_page_to_gfn(g.page), 0);
	expect("dmaapi.grant.granted", "a reference", true, g.ref >= 0);
	if (g.ref >= 0) {
		through_alias(edu, &g);
		/* Also frees the page. */
		gnttab_end_foreign_access(g.ref, g.page);
	}
	gnttab_free_pages(1, &g.alias);
}

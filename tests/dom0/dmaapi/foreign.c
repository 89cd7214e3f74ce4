// SPDX-License-Identifier: GPL-2.0
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <linux/string.h>

#include <asm/xen/hypercall.h>
#include <xen/grant_table.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen.h>
#include <xen/page.h>

#include "edu.h"
#include "foreign.h"
#include "report.h"

#define DOMCTL_VERSION		0x17
#define DOMCTL_CREATEDOMAIN	1
#define DOMCTL_DESTROYDOMAIN	2
#define DOMCTL_MAX_MEM		11

/* The used part of Xen's struct xen_domctl. */
struct domctl {
	u32 cmd;
	u32 version;
	u16 domain;
	u16 pad[3];
	union {
		struct {
			u32 ssidref;
			u8 handle[16];
			u32 flags;
			u32 iommu_opts;
			u32 max_vcpus;
			u32 max_evtchn_port;
			s32 max_grant_frames;
			s32 max_maptrack_frames;
			u32 grant_opts;
		} create;
		u64 max_mem_kib;
		u64 room[16];
	};
};

static int domctl(u32 cmd, struct domctl *d)
{
	d->cmd = cmd;
	d->version = DOMCTL_VERSION;
	return xen_single_call(__HYPERVISOR_domctl, (unsigned long)d, 0, 0, 0,
			       0);
}

static int create_domain(u16 *domid)
{
	struct domctl d = { .create = {
		.max_vcpus = 1, .max_evtchn_port = 1023,
		.max_grant_frames = -1, .max_maptrack_frames = -1,
		.grant_opts = 1,
	} };
	struct domctl mem = { .max_mem_kib = 4096 };
	int ret = domctl(DOMCTL_CREATEDOMAIN, &d);

	if (ret)
		return ret;
	*domid = d.domain;
	mem.domain = d.domain;
	return domctl(DOMCTL_MAX_MEM, &mem);
}

static void destroy_domain(u16 domid)
{
	struct domctl d = { .domain = domid };

	expect("dmaapi.foreign.destroy", "destroydomain", 0,
	       domctl(DOMCTL_DESTROYDOMAIN, &d));
}

/* Returns the number of pages that the domain got. */
static int give_page(u16 domid, xen_pfn_t *mfn)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1,
		.domid = domid,
	};

	*mfn = 0;
	set_xen_guest_handle(r.extent_start, mfn);
	return HYPERVISOR_memory_op(XENMEM_populate_physmap, &r);
}

/* Like a backend in a privileged domain that maps a page. */
static void set_p2m(struct page *page, unsigned long entry)
{
	WRITE_ONCE(xen_p2m_addr[page_to_pfn(page)], entry);
}

static dma_addr_t map(struct edu *edu, struct page *page)
{
	return dma_map_page(&edu->pdev->dev, page, 0, PAGE_SIZE,
			    DMA_BIDIRECTIONAL);
}

static void unmap(struct edu *edu, dma_addr_t addr)
{
	if (!dma_mapping_error(&edu->pdev->dev, addr))
		dma_unmap_page(&edu->pdev->dev, addr, PAGE_SIZE,
			       DMA_BIDIRECTIONAL);
}

/* The device writes the page and reads it back: no CPU has it mapped. */
static void there_and_back(struct edu *edu, dma_addr_t foreign, u8 *buf)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t addr = dma_map_single(dev, buf, 2 * PAGE_SIZE,
					 DMA_BIDIRECTIONAL);

	if (dma_mapping_error(dev, addr)) {
		expect("dmaapi.foreign.buffer", "mapped", true, false);
		return;
	}
	expect("dmaapi.foreign.write", "edu", 0,
	       edu_copy(edu, addr, foreign, PAGE_SIZE));
	expect("dmaapi.foreign.clobber", "edu", 0,
	       edu_fetch(edu, addr + PAGE_SIZE, PAGE_SIZE));
	expect("dmaapi.foreign.read", "edu", 0,
	       edu_copy(edu, foreign, addr + PAGE_SIZE, PAGE_SIZE));
	dma_unmap_single(dev, addr, 2 * PAGE_SIZE, DMA_BIDIRECTIONAL);
	expect("dmaapi.foreign.same", "difference", 0,
	       !!memcmp(buf, buf + PAGE_SIZE, PAGE_SIZE));
}

static void with_page(struct edu *edu, struct page *alias, unsigned long mfn)
{
	u8 *buf = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
	dma_addr_t addr;

	if (!buf) {
		expect("dmaapi.foreign.memory", "pages", true, false);
		return;
	}
	get_random_bytes(buf, PAGE_SIZE);

	set_p2m(alias, mfn);
	addr = map(edu, alias);
	expect("dmaapi.foreign.not-as-ours", "dma_mapping_error", true,
	       !!dma_mapping_error(&edu->pdev->dev, addr));
	unmap(edu, addr);

	set_p2m(alias, FOREIGN_FRAME(mfn));
	addr = map(edu, alias);
	expect("dmaapi.foreign.map", "dma_mapping_error", 0,
	       dma_mapping_error(&edu->pdev->dev, addr));
	if (!dma_mapping_error(&edu->pdev->dev, addr))
		there_and_back(edu, addr, buf);
	unmap(edu, addr);
	set_p2m(alias, INVALID_P2M_ENTRY);
	free_pages((unsigned long)buf, 1);
}

void test_foreign(struct edu *edu)
{
	struct page *alias;
	xen_pfn_t mfn;
	u16 domid;
	int ret;

	if (gnttab_alloc_pages(1, &alias)) {
		expect("dmaapi.foreign.alias", "a page", true, false);
		return;
	}
	ret = create_domain(&domid);
	expect("dmaapi.foreign.create", "createdomain", 0, ret);
	if (!ret) {
		ret = give_page(domid, &mfn);
		expect("dmaapi.foreign.give", "pages", 1, ret);
		if (ret == 1)
			with_page(edu, alias, mfn);
		destroy_domain(domid);
	}
	gnttab_free_pages(1, &alias);
}

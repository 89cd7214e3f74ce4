// SPDX-License-Identifier: GPL-2.0
/*
 * Unmaps parts of one mapping one by one, through the kernel's IOMMU API.
 *
 * VFIO of Linux 6.12 does this in every new domain: it maps 8 KiB at once and
 * unmaps 4 KiB twice. If a driver returns 0 for the first half, a mapping of freed
 * pages remains. User space has no such request, so this module makes it, in a
 * domain of its own without devices.
 *
 * The parameter "results" has lines of the xpi protocol, which are read after the
 * module loaded.
 */
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "../dmaapi/report.h"

#define IOVA		0x7654000UL
#define SPAN		(2 * PAGE_SIZE)

static char *device = "";
module_param(device, charp, 0400);
MODULE_PARM_DESC(device, "PCI device (dddd:bb:dd.f) whose IOMMU the domain is for");

static void unmap_halves(struct iommu_domain *dom, phys_addr_t phys)
{
	expect("partunmap.mapped", "iova_to_phys of the second page",
	       phys + PAGE_SIZE, iommu_iova_to_phys(dom, IOVA + PAGE_SIZE));
	expect("partunmap.first", "bytes unmapped", PAGE_SIZE,
	       iommu_unmap(dom, IOVA, PAGE_SIZE));
	expect("partunmap.first-gone", "iova_to_phys", 0,
	       iommu_iova_to_phys(dom, IOVA));
	expect("partunmap.second-stays", "iova_to_phys", phys + PAGE_SIZE,
	       iommu_iova_to_phys(dom, IOVA + PAGE_SIZE));
	expect("partunmap.second", "bytes unmapped", PAGE_SIZE,
	       iommu_unmap(dom, IOVA + PAGE_SIZE, PAGE_SIZE));
	expect("partunmap.second-gone", "iova_to_phys", 0,
	       iommu_iova_to_phys(dom, IOVA + PAGE_SIZE));
}

/* After both halves were unmapped the whole range can be mapped again. */
static void map_again(struct iommu_domain *dom, phys_addr_t phys)
{
	expect("partunmap.map-again", "iommu_map", 0,
	       iommu_map(dom, IOVA, phys, SPAN, IOMMU_READ | IOMMU_WRITE,
			 GFP_KERNEL));
	expect("partunmap.unmap-whole", "bytes unmapped", SPAN,
	       iommu_unmap(dom, IOVA, SPAN));
	expect("partunmap.unmap-nothing", "bytes unmapped", 0,
	       iommu_unmap(dom, IOVA, SPAN));
}

static void run_on(struct iommu_domain *dom)
{
	struct page *pages = alloc_pages(GFP_KERNEL, 1);
	phys_addr_t phys;
	int rc;

	if (!pages) {
		expect("partunmap.memory", "alloc_pages", 0, -ENOMEM);
		return;
	}
	phys = page_to_phys(pages);
	rc = iommu_map(dom, IOVA, phys, SPAN, IOMMU_READ | IOMMU_WRITE,
		       GFP_KERNEL);
	expect("partunmap.map", "iommu_map", 0, rc);
	if (!rc) {
		unmap_halves(dom, phys);
		map_again(dom, phys);
	}
	__free_pages(pages, 1);
}

static struct pci_dev *find_device(void)
{
	unsigned int seg, bus, dev, fn;

	if (sscanf(device, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(seg, bus, PCI_DEVFN(dev, fn));
}

static int __init partunmap_init(void)
{
	struct pci_dev *pdev = find_device();
	struct iommu_domain *dom;

	if (!pdev) {
		pr_err("xpi_partunmap: no PCI device \"%s\"; give one that has an IOMMU group as device=\n",
		       device);
		return -ENODEV;
	}
	dom = iommu_paging_domain_alloc(&pdev->dev);
	if (IS_ERR(dom)) {
		expect("partunmap.domain", "iommu_paging_domain_alloc", 0,
		       PTR_ERR(dom));
	} else {
		run_on(dom);
		iommu_domain_free(dom);
	}
	pci_dev_put(pdev);
	report_end();
	return 0;
}

static void __exit partunmap_exit(void)
{
}

module_init(partunmap_init);
module_exit(partunmap_exit);
MODULE_DESCRIPTION("Unmaps parts of a mapping through the IOMMU API");
MODULE_LICENSE("GPL");

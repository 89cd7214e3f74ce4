// SPDX-License-Identifier: GPL-2.0
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/platform_device.h>

#include <xen/page.h>

#include "newcomer.h"
#include "report.h"

static u64 machine_address(struct page *page)
{
	return (u64)pfn_to_mfn(page_to_pfn(page)) << PAGE_SHIFT;
}

static void test_streaming(struct device *dev, const char *name)
{
	struct page *page = alloc_page(GFP_KERNEL);
	dma_addr_t addr;

	if (!page) {
		expect(name, "a page", true, false);
		return;
	}
	addr = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_TO_DEVICE);
	expect(name, "the page's address", machine_address(page), addr);
	if (!dma_mapping_error(dev, addr))
		dma_unmap_page(dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	__free_page(page);
}

static void test_coherent(struct device *dev, const char *name)
{
	dma_addr_t addr;
	void *buf = dma_alloc_coherent(dev, PAGE_SIZE, &addr, GFP_KERNEL);

	expect(name, "the memory's address",
	       buf ? machine_address(virt_to_page(buf)) : 1, addr);
	if (buf)
		dma_free_coherent(dev, PAGE_SIZE, buf, addr);
}

static void on_a_bus(void)
{
	struct platform_device *pdev;

	pdev = platform_device_register_simple("xpi-newcomer",
					       PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev)) {
		expect("dmaapi.newcomer.platform", "a device", 0,
		       PTR_ERR(pdev));
		return;
	}
	expect("dmaapi.newcomer.platform.mask", "dma_set_mask", 0,
	       dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64)));
	test_streaming(&pdev->dev, "dmaapi.newcomer.platform.streaming");
	test_coherent(&pdev->dev, "dmaapi.newcomer.platform.coherent");
	platform_device_unregister(pdev);
}

static void on_no_bus(void)
{
	struct device *dev = root_device_register("xpi-newcomer");

	if (IS_ERR(dev)) {
		expect("dmaapi.newcomer.no-bus", "a device", 0, PTR_ERR(dev));
		return;
	}
	expect("dmaapi.newcomer.no-bus.mask", "dma_set_mask", 0,
	       dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	test_streaming(dev, "dmaapi.newcomer.no-bus.streaming");
	test_coherent(dev, "dmaapi.newcomer.no-bus.coherent");
	root_device_unregister(dev);
}

void test_newcomers(void)
{
	on_a_bus();
	on_no_bus();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Uses the DMA API like a driver of an edu device.
 *
 * Works with any implementation of the DMA API. With translated=1 it also runs the
 * tests that can pass only if the device's DMA is translated.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/string.h>

#include "edu.h"
#include "foreign.h"
#include "grant.h"
#include "newcomer.h"
#include "report.h"

#define ORDER	4	/* 64 KiB; swiotlb-xen bounces them if machine memory is scattered */
#define BYTES	(PAGE_SIZE << ORDER)
#define HALF	(BYTES / 2)
#define NARROW	28	/* address bits of a device with a small DMA mask */

static char *device = "";
module_param(device, charp, 0400);
MODULE_PARM_DESC(device, "the edu device (dddd:bb:dd.f) to drive");

static char *other = "";
module_param(other, charp, 0400);
MODULE_PARM_DESC(other, "another edu device, whose registers the first one reads");

static char *behind = "";
module_param(behind, charp, 0400);
MODULE_PARM_DESC(behind, "a device for which the first one does the DMA; default: none");

static char *untrusted = "";
module_param(untrusted, charp, 0400);
MODULE_PARM_DESC(untrusted, "an edu device to mark as untrusted, like a device at an external port");

static bool translated;
module_param(translated, bool, 0400);
MODULE_PARM_DESC(translated, "the device's DMA is translated");

/* Make the device copy the first half of a buffer, page by page, to the second. */
static int copy_halves(struct edu *edu, dma_addr_t addr)
{
	size_t at;
	int ret = 0;

	for (at = 0; !ret && at < HALF; at += EDU_BYTES)
		ret = edu_copy(edu, addr + at, addr + HALF + at, EDU_BYTES);
	return ret;
}

static bool halves_differ(const u8 *buf)
{
	return memcmp(buf, buf + HALF, HALF);
}

static void test_coherent(struct edu *edu, const char *name, const char *same)
{
	dma_addr_t addr;
	u8 *buf = dma_alloc_coherent(&edu->pdev->dev, BYTES, &addr, GFP_KERNEL);

	expect(name, "dma_alloc_coherent", true, !!buf);
	if (!buf)
		return;
	get_random_bytes(buf, HALF);
	expect(same, "edu and difference", 0,
	       copy_halves(edu, addr) ?: halves_differ(buf));
	dma_free_coherent(&edu->pdev->dev, BYTES, buf, addr);
}

/* In one mapping the device owns the buffer, then the CPU, then the device again. */
static void hand_over(struct edu *edu, u8 *buf, dma_addr_t addr)
{
	struct device *dev = &edu->pdev->dev;

	expect("dmaapi.streaming.copy", "edu", 0, copy_halves(edu, addr));
	dma_sync_single_for_cpu(dev, addr, BYTES, DMA_BIDIRECTIONAL);
	expect("dmaapi.streaming.same", "difference", 0, halves_differ(buf));

	get_random_bytes(buf, HALF);
	dma_sync_single_for_device(dev, addr, BYTES, DMA_BIDIRECTIONAL);
	expect("dmaapi.sync.copy", "edu", 0, copy_halves(edu, addr));
	dma_sync_single_for_cpu(dev, addr, BYTES, DMA_BIDIRECTIONAL);
	expect("dmaapi.sync.same", "difference", 0, halves_differ(buf));
}

/* Returns the address that is no longer mapped, or 0. */
static dma_addr_t test_streaming(struct edu *edu, u8 *buf)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t addr;

	get_random_bytes(buf, HALF);
	addr = dma_map_single(dev, buf, BYTES, DMA_BIDIRECTIONAL);
	expect("dmaapi.streaming.map", "dma_mapping_error", 0,
	       dma_mapping_error(dev, addr));
	if (dma_mapping_error(dev, addr))
		return 0;
	hand_over(edu, buf, addr);
	dma_unmap_single(dev, addr, BYTES, DMA_BIDIRECTIONAL);
	return addr;
}

/* Scattered pages, the last entry as large as possible. */
static void test_sg(struct edu *edu, u8 *buf)
{
	struct device *dev = &edu->pdev->dev;
	struct scatterlist sg[3], *last;
	int nr;

	sg_init_table(sg, ARRAY_SIZE(sg));
	sg_set_buf(&sg[0], buf + 5 * PAGE_SIZE, PAGE_SIZE);
	sg_set_buf(&sg[1], buf + 2 * PAGE_SIZE, PAGE_SIZE);
	sg_set_buf(&sg[2], buf + HALF, HALF);
	get_random_bytes(buf, HALF);
	memset(buf + HALF, 0, HALF);

	nr = dma_map_sg(dev, sg, ARRAY_SIZE(sg), DMA_BIDIRECTIONAL);
	expect("dmaapi.sg.map", "any pieces", true, nr > 0);
	if (nr <= 0)
		return;
	/* The number of pieces may change, but the ends must be where they were. */
	last = &sg[nr - 1];
	expect("dmaapi.sg.copy", "edu", 0,
	       edu_copy(edu, sg_dma_address(&sg[0]),
			sg_dma_address(last) + sg_dma_len(last) - PAGE_SIZE,
			PAGE_SIZE));
	dma_unmap_sg(dev, sg, ARRAY_SIZE(sg), DMA_BIDIRECTIONAL);
	expect("dmaapi.sg.same", "difference", 0,
	       !!memcmp(buf + 5 * PAGE_SIZE, buf + BYTES - PAGE_SIZE,
			PAGE_SIZE));
}

/*
 * Copies less than a page, from the middle of one page to the middle of another.
 * For an untrusted device the kernel uses a bounce buffer, so that the device
 * cannot access the rest of the page.
 */
static void test_unaligned(struct edu *edu, u8 *buf)
{
	struct device *dev = &edu->pdev->dev;
	u8 *from = buf + 100, *to = buf + HALF + 300;
	dma_addr_t src, dst;
	const u32 len = 200;
	int ret;

	memset(buf, 0x5a, BYTES);
	get_random_bytes(from, len);
	src = dma_map_single(dev, from, len, DMA_TO_DEVICE);
	dst = dma_map_single(dev, to, len, DMA_FROM_DEVICE);
	ret = dma_mapping_error(dev, src) ?: dma_mapping_error(dev, dst);
	expect("dmaapi.unaligned.map", "dma_mapping_error", 0, ret);
	if (ret)
		return;
	expect("dmaapi.unaligned.copy", "edu", 0, edu_copy(edu, src, dst, len));
	dma_unmap_single(dev, dst, len, DMA_FROM_DEVICE);
	dma_unmap_single(dev, src, len, DMA_TO_DEVICE);
	expect("dmaapi.unaligned.same", "difference", 0,
	       !!memcmp(from, to, len));
	expect("dmaapi.unaligned.no-more", "bytes around it changed", 0,
	       memchr_inv(buf + HALF, 0x5a, 300) ||
	       memchr_inv(to + len, 0x5a, HALF - 300 - len));
}

static struct pci_dev *find(const char *name)
{
	unsigned int seg, bus, dev, fn;

	if (sscanf(name, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(seg, bus, PCI_DEVFN(dev, fn));
}

/* The device reads registers of another device, which are not RAM. */
static void read_registers(struct edu *edu, struct pci_dev *pdev, u8 *buf)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t regs, addr;

	regs = dma_map_resource(dev, pci_resource_start(pdev, 0), PAGE_SIZE,
				DMA_TO_DEVICE, 0);
	addr = dma_map_single(dev, buf, PAGE_SIZE, DMA_FROM_DEVICE);
	expect("dmaapi.resource.map", "dma_mapping_error", 0,
	       dma_mapping_error(dev, regs) ?: dma_mapping_error(dev, addr));
	if (dma_mapping_error(dev, regs) || dma_mapping_error(dev, addr))
		return;
	expect("dmaapi.resource.copy", "edu", 0,
	       edu_copy(edu, regs, addr, sizeof(u32)));
	dma_unmap_single(dev, addr, PAGE_SIZE, DMA_FROM_DEVICE);
	dma_unmap_resource(dev, regs, PAGE_SIZE, DMA_TO_DEVICE, 0);
	expect("dmaapi.resource.read", "the other's id", EDU_ID,
	       *(u32 *)buf);
}

static void test_resource(struct edu *edu, u8 *buf)
{
	struct pci_dev *pdev = find(other);

	memset(buf, 0, PAGE_SIZE);
	if (pdev && !pci_enable_device(pdev)) {
		read_registers(edu, pdev, buf);
		pci_disable_device(pdev);
	} else {
		expect("dmaapi.resource.device", "another edu", true, false);
	}
	pci_dev_put(pdev);
}

/* No bounce buffer has such a low address: only an IOMMU can map memory there. */
static void test_narrow(struct edu *edu, u8 *buf)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t addr;
	int ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(NARROW));

	expect("dmaapi.narrow.mask", "dma_set_mask_and_coherent", 0, ret);
	if (ret)
		return;
	test_coherent(edu, "dmaapi.narrow.coherent",
		      "dmaapi.narrow.coherent-same");
	get_random_bytes(buf, HALF);
	addr = dma_map_single(dev, buf, BYTES, DMA_BIDIRECTIONAL);
	expect("dmaapi.narrow.below", "bits above the mask", 0,
	       (addr + BYTES - 1) >> NARROW);
	if (!dma_mapping_error(dev, addr)) {
		ret = copy_halves(edu, addr);
		dma_unmap_single(dev, addr, BYTES, DMA_BIDIRECTIONAL);
	}
	expect("dmaapi.narrow.same", "edu and difference", 0,
	       ret ?: halves_differ(buf));
	dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

/* A write to an unmapped address must not land, and the device must work afterwards. */
static void test_gone(struct edu *edu, u8 *buf, dma_addr_t gone)
{
	if (!gone)
		return;
	report_info("expect-fault %s write %#llx", pci_name(edu->pdev), (u64)gone);
	memset(buf, 0x5a, BYTES);
	expect("dmaapi.gone.write", "edu", 0, edu_store(edu, gone, 64));
	expect("dmaapi.gone.not-landed", "bytes changed", 0,
	       !!memchr_inv(buf, 0x5a, BYTES));
	test_coherent(edu, "dmaapi.gone.still-there", "dmaapi.gone.still-works");
}

static void run_tests(struct edu *edu)
{
	u8 *buf = (u8 *)__get_free_pages(GFP_KERNEL, ORDER);
	dma_addr_t gone;

	if (!buf) {
		expect("dmaapi.memory", "pages", true, false);
		return;
	}
	test_coherent(edu, "dmaapi.coherent.alloc", "dmaapi.coherent.same");
	gone = test_streaming(edu, buf);
	test_sg(edu, buf);
	test_unaligned(edu, buf);
	test_newcomers();
	if (translated) {
		test_resource(edu, buf);
		test_narrow(edu, buf);
		test_grant(edu);
		test_foreign(edu);
		test_gone(edu, buf, gone);
	}
	free_pages((unsigned long)buf, ORDER);
}

/* Run the tests for @pdev; another device, @edu, may do the DMA. */
static void test_as(struct edu *edu, struct pci_dev *pdev)
{
	int ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));

	edu->pdev = pdev;
	expect("dmaapi.mask", "dma_set_mask_and_coherent", 0, ret);
	if (!ret)
		run_tests(edu);
}

static void test_behind(struct edu *edu)
{
	struct pci_dev *pdev = find(behind);

	expect("dmaapi.behind", "such a device", true, !!pdev);
	if (pdev)
		test_as(edu, pdev);
	pci_dev_put(pdev);
}

static int dmaapi_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu edu = {};
	int ret;

	if (!strcmp(pci_name(pdev), untrusted))
		pdev->untrusted = true;
	if (strcmp(pci_name(pdev), device))
		return -ENODEV;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pci_set_master(pdev);
	edu.regs = pcim_iomap(pdev, 0, 0);
	if (!edu.regs)
		return -ENOMEM;

	if (*behind)
		test_behind(&edu);
	else
		test_as(&edu, pdev);
	report_end();
	return 0;
}

static const struct pci_device_id dmaapi_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver dmaapi_driver = {
	.name = "xpi_dmaapi",
	.id_table = dmaapi_ids,
	.probe = dmaapi_probe,
};
module_pci_driver(dmaapi_driver);

MODULE_DESCRIPTION("The DMA API with an edu device");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * Leaves a device in a context, like a driver that ended without cleanup.
 *
 * The module allocates a context in Xen, maps two of its pages there, attaches
 * device=, and never undoes any of this. By the parameters iova and copied a test
 * checks whether the device still reaches the pages.
 *
 * The module makes its own hypercalls, because the driver is not loaded yet, or is
 * under test.
 */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/pv-iommu.h>
#include <xen/page.h>
#include <xen/xen.h>

#define IOVA		0x7654000UL
#define PAGES		2

static char *device = "";
module_param(device, charp, 0400);
MODULE_PARM_DESC(device, "PCI device (dddd:bb:dd.f) to leave in a context");

static ulong iova = IOVA;
module_param(iova, ulong, 0400);
MODULE_PARM_DESC(iova, "where the device finds the text; a free page follows");

/* Never freed, because the device may write to both pages at any time. */
static char *pages;
static u32 sbdf;

static int xen_op(unsigned int op, void *arg)
{
	long ret = xen_single_call(__HYPERVISOR_iommu_op, op,
				   (unsigned long)arg, 1, 0, 0);

	if (ret == 1)
		return 0;
	return IS_ERR_VALUE(ret) ? ret : -EIO;
}

static u64 frame(char *page)
{
	unsigned long pfn = virt_to_phys(page) >> PAGE_SHIFT;

	return xen_pv_domain() ? pfn_to_mfn(pfn) : pfn;
}

static int copied_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%c\n", pages &&
			  !strcmp(pages, pages + PAGE_SIZE) ? 'Y' : 'N');
}

/* A write of any value clears the second page. */
static int copied_set(const char *val, const struct kernel_param *kp)
{
	if (!pages)
		return -ENODEV;
	memset(pages + PAGE_SIZE, 0, PAGE_SIZE);
	return 0;
}

static const struct kernel_param_ops copied_ops = {
	.set = copied_set,
	.get = copied_get,
};

module_param_cb(copied, &copied_ops, NULL, 0600);
MODULE_PARM_DESC(copied, "is the text in the second page? A write clears it");

static int find_device(void)
{
	unsigned int seg, bus, dev, fn;

	if (sscanf(device, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4) {
		pr_err("xpi_orphan: \"%s\" is no PCI address; give device=dddd:bb:dd.f\n",
		       device);
		return -EINVAL;
	}
	sbdf = seg << 16 | PCI_DEVID(bus, PCI_DEVFN(dev, fn));
	return 0;
}

static int map_page(u32 ctx, unsigned int nr)
{
	struct xen_pv_iommu_batch b = {
		.ctx = ctx,
		.op = XEN_PV_IOMMU_BATCH_MAP,
		.flags = XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W,
		.nr = 1,
		.dfn = (iova >> PAGE_SHIFT) + nr,
		.gfn = frame(pages + nr * PAGE_SIZE),
	};

	return xen_op(XEN_PV_IOMMU_OP_BATCH, &b) ?: b.status;
}

static int leave_device_in(u32 ctx)
{
	struct xen_pv_iommu_attach a = {
		.dev.type = XEN_PV_IOMMU_DEV_PCI,
		.dev.id = sbdf,
		.ctx = ctx,
	};

	return map_page(ctx, 0) ?: map_page(ctx, 1) ?:
	       xen_op(XEN_PV_IOMMU_OP_ATTACH, &a);
}

static int __init orphan_init(void)
{
	struct xen_pv_iommu_ctx c = {};
	int ret;

	ret = find_device() ?: xen_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &c);
	if (ret)
		return ret;
	pages = (char *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
	if (!pages)
		return -ENOMEM;
	sprintf(pages, "left-behind-%016llx", get_random_u64());
	return leave_device_in(c.ctx);
}

static void __exit orphan_exit(void)
{
}

module_init(orphan_init);
module_exit(orphan_exit);
MODULE_DESCRIPTION("Leaves a device in a context without an owner");
MODULE_LICENSE("GPL");

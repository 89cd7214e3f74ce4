// SPDX-License-Identifier: GPL-2.0
/*
 * Queries Xen without the driver. Files in /sys/kernel/xpi_look/:
 *	query	number of the domain's contexts and page-table pages, limit and
 *		reserve of the latter
 *	device	write dddd:bb:dd.f; read the device's context, and its number of
 *		pages and page-table pages
 *	leaf	write an iova; read the leaf at this address in that context
 */
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sysfs.h>

#include <asm/xen/hypercall.h>
#include <xen/interface/pv-iommu.h>
#include <xen/page.h>

static DEFINE_MUTEX(lock);
static u32 sbdf;	/* under lock */
static u64 iova;	/* under lock */
static struct kobject *dir;

/* Make a hypercall with one element. Returns 0 or -errno. */
static int call(unsigned int op, void *arg)
{
	long ret = xen_single_call(__HYPERVISOR_iommu_op, op,
				   (unsigned long)arg, 1, 0, 0);

	return ret == 1 ? 0 : IS_ERR_VALUE(ret) ? ret : -EIO;
}

static ssize_t query_show(struct kobject *k, struct kobj_attribute *a,
			  char *buf)
{
	struct xen_pv_iommu_query q = {
		.size = sizeof(q),
		.magic_version = XEN_PV_IOMMU_MAGIC | XEN_PV_IOMMU_VERSION,
	};
	int ret = call(XEN_PV_IOMMU_OP_QUERY, &q);

	if (ret)
		return ret;
	return sysfs_emit(buf, "contexts %u tables %u limit %u reserve %u\n",
			  q.nr_ctx, q.pt_pages, q.pt_pages_max,
			  q.pt_pages_reserve);
}

static int query_device(struct xen_pv_iommu_dev_query *dq)
{
	*dq = (struct xen_pv_iommu_dev_query){
		.dev.type = XEN_PV_IOMMU_DEV_PCI,
		.dev.id = sbdf,
	};
	return call(XEN_PV_IOMMU_OP_DEV_QUERY, dq);
}

static ssize_t show_context(char *buf)
{
	struct xen_pv_iommu_dev_query dq;
	struct xen_pv_iommu_ctx ctx = {};
	int ret = query_device(&dq);

	if (ret)
		return ret;
	/* Xen keeps no figures for the default context. */
	if (dq.ctx == XEN_PV_IOMMU_CTX_DEFAULT)
		return sysfs_emit(buf, "context 0\n");
	ctx.ctx = dq.ctx;
	ret = call(XEN_PV_IOMMU_OP_CTX_INFO, &ctx);
	if (ret)
		return ret;
	return sysfs_emit(buf, "context %u pages %llu tables %u limit %u\n",
			  dq.ctx, ctx.nr_mapped, ctx.pt_pages,
			  ctx.pt_pages_max);
}

static ssize_t device_show(struct kobject *k, struct kobj_attribute *a,
			   char *buf)
{
	ssize_t ret;

	mutex_lock(&lock);
	ret = show_context(buf);
	mutex_unlock(&lock);
	return ret;
}

static ssize_t device_store(struct kobject *k, struct kobj_attribute *a,
			    const char *buf, size_t count)
{
	unsigned int seg, bus, dev, fn;

	if (sscanf(buf, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4 ||
	    seg > 0xffff || bus > 0xff || dev > 0x1f || fn > 7) {
		pr_err("xpi_look: \"%s\" is no PCI address; write dddd:bb:dd.f\n",
		       buf);
		return -EINVAL;
	}
	mutex_lock(&lock);
	sbdf = seg << 16 | PCI_DEVID(bus, PCI_DEVFN(dev, fn));
	mutex_unlock(&lock);
	return count;
}

static ssize_t show_leaf(char *buf)
{
	struct xen_pv_iommu_lookup l = { .dfn = iova >> XEN_PAGE_SHIFT };
	struct xen_pv_iommu_dev_query dq;
	int ret = query_device(&dq);

	if (ret)
		return ret;
	if (dq.ctx == XEN_PV_IOMMU_CTX_DEFAULT)
		return sysfs_emit(buf, "default\n");
	l.ctx = dq.ctx;
	ret = call(XEN_PV_IOMMU_OP_LOOKUP, &l);
	if (ret == -ENOENT)
		return sysfs_emit(buf, "nothing\n");
	if (ret)
		return ret;
	return sysfs_emit(buf, "order %u flags %#x gfn %#llx\n", l.order,
			  l.flags, l.gfn);
}

static ssize_t leaf_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	ssize_t ret;

	mutex_lock(&lock);
	ret = show_leaf(buf);
	mutex_unlock(&lock);
	return ret;
}

static ssize_t leaf_store(struct kobject *k, struct kobj_attribute *a,
			  const char *buf, size_t count)
{
	u64 value;
	int ret = kstrtou64(buf, 0, &value);

	if (ret)
		return ret;
	mutex_lock(&lock);
	iova = value;
	mutex_unlock(&lock);
	return count;
}

static struct kobj_attribute query_attr = __ATTR_RO_MODE(query, 0400);
static struct kobj_attribute device_attr = __ATTR_RW_MODE(device, 0600);
static struct kobj_attribute leaf_attr = __ATTR_RW_MODE(leaf, 0600);

static const struct attribute *attrs[] = {
	&query_attr.attr,
	&device_attr.attr,
	&leaf_attr.attr,
	NULL
};

static int __init look_init(void)
{
	int ret;

	dir = kobject_create_and_add("xpi_look", kernel_kobj);
	if (!dir)
		return -ENOMEM;
	ret = sysfs_create_files(dir, attrs);
	if (ret)
		kobject_put(dir);
	return ret;
}

static void __exit look_exit(void)
{
	sysfs_remove_files(dir, attrs);
	kobject_put(dir);
}

module_init(look_init);
module_exit(look_exit);
MODULE_DESCRIPTION("Queries Xen about a device's IOMMU context");
MODULE_LICENSE("GPL");

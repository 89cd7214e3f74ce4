// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/xen-pv-iommu, as Documentation/ABI/testing describes it.
 *
 * A file belongs to a device, not to a context: each read looks up the context.
 * Removing a file waits for its readers, and later reads fail, so the device is
 * valid during a read. Its domain is valid because the read holds xpi_devs_lock.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "debugfs.h"
#include "context.h"
#include "device.h"
#include "hv.h"
#include "runs.h"
#include "stats.h"

#define PAGE_BITS	12

static const struct xpi_hv *debug_hv;
static struct dentry *root;
static struct dentry *devices;

/*
 * Counters
 */

/* Bounds of a bucket: "4-7", and "128-" for the last. */
static void show_bucket(struct seq_file *s, unsigned int i, u64 n)
{
	unsigned int first = 1U << i, last = (2U << i) - 1;

	if (i == XPI_STAT_BUCKETS - 1)
		seq_printf(s, "arrays_of_%u- %llu\n", first, n);
	else if (first == last)
		seq_printf(s, "arrays_of_%u %llu\n", first, n);
	else
		seq_printf(s, "arrays_of_%u-%u %llu\n", first, last, n);
}

static int counters_show(struct seq_file *s, void *unused)
{
	struct xpi_stats sum;
	unsigned int i;

	xpi_stats_sum(&sum);
	for (i = 0; i < XPI_STATS; i++)
		seq_printf(s, "%s %llu\n", xpi_stat_name(i), sum.n[i]);
	for (i = 0; i < XPI_STAT_BUCKETS; i++)
		show_bucket(s, i, sum.arrays[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

/*
 * A device's context
 */

/* Xen's answer about the device, to compare with Linux' record. */
static void show_device(struct seq_file *s, const struct xpi_dev *xdev)
{
	struct xen_pv_iommu_dev_query dq = {
		.dev.type = XEN_PV_IOMMU_DEV_PCI,
		.dev.id = xdev->sbdf,
	};
	int ret = xpi_hv_one(debug_hv, XEN_PV_IOMMU_OP_DEV_QUERY, &dq);

	if (ret) {
		seq_printf(s, "xen_error %d\n", ret);
		return;
	}
	seq_printf(s, "xen_context %u\n", dq.ctx);
	seq_printf(s, "xen_device_flags %#x\n", dq.flags);
}

static void show_context(struct seq_file *s, u16 ctx)
{
	struct xen_pv_iommu_ctx c = { .ctx = ctx };
	int ret = xpi_hv_one(debug_hv, XEN_PV_IOMMU_OP_CTX_INFO, &c);

	if (ret) {
		seq_printf(s, "xen_context_error %d\n", ret);
		return;
	}
	seq_printf(s, "xen_context_flags %#x\n", c.flags);
	seq_printf(s, "xen_pages_mapped %llu\n", c.nr_mapped);
	seq_printf(s, "xen_table_pages %u\n", c.pt_pages);
	seq_printf(s, "xen_table_pages_max %u\n", c.pt_pages_max);
}

static void show_mapped(struct seq_file *s, struct xpi_context *c)
{
	unsigned int maps, unmaps;

	xpi_pending_waiting(&c->pending, &maps, &unmaps);
	seq_printf(s, "leaves_4k %llu\n",
		   xpi_mappings_leaves(&c->mappings, XPI_ORDER_4K));
	seq_printf(s, "leaves_2m %llu\n",
		   xpi_mappings_leaves(&c->mappings, XPI_ORDER_2M));
	seq_printf(s, "waiting_maps %u\n", maps);
	seq_printf(s, "waiting_unmaps %u\n", unmaps);
}

static int context_show(struct seq_file *s, void *unused)
{
	struct xpi_dev *xdev = s->private;

	mutex_lock(&xpi_devs_lock);
	if (xdev->passive) {
		seq_puts(s, "context none\n");
	} else {
		if (xdev->attached.domain)
			seq_printf(s, "context %u\n", xdev->attached.ctx);
		else
			seq_puts(s, "context unknown\n");
		show_device(s, xdev);
		/* Xen returns no figures for its own table. */
		if (xdev->attached.domain &&
		    xdev->attached.ctx != XEN_PV_IOMMU_CTX_DEFAULT)
			show_context(s, xdev->attached.ctx);
		if (xdev->attached.context)
			show_mapped(s, xdev->attached.context);
	}
	mutex_unlock(&xpi_devs_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(context);

/*
 * The mapping of an iova: in Xen, and in Linux' record
 */

static void show_xen(struct seq_file *s, u16 ctx, u64 dfn)
{
	struct xen_pv_iommu_lookup l = { .dfn = dfn, .ctx = ctx };
	int ret = xpi_hv_one(debug_hv, XEN_PV_IOMMU_OP_LOOKUP, &l);

	if (ret == -ENOENT)
		seq_puts(s, "xen nothing\n");
	else if (ret)
		seq_printf(s, "xen error %d\n", ret);
	else if (l.gfn == XEN_PV_IOMMU_GFN_UNKNOWN)
		seq_printf(s, "xen gfn unknown order %u flags %#x\n", l.order,
			   l.flags);
	else
		seq_printf(s, "xen gfn %#llx order %u flags %#x\n", l.gfn,
			   l.order, l.flags);
}

static const char *leaf_kind(unsigned int flags)
{
	if (flags & XPI_LEAF_DIRECT)
		return " direct";
	if (flags & XPI_LEAF_ERROR)
		return " refused";
	return flags & XPI_LEAF_FOREIGN ? " foreign" : "";
}

/* The mappings have pfns; translate to gfns, which Xen's answer has. */
static void show_linux(struct seq_file *s, struct xpi_mappings *maps, u64 dfn)
{
	struct xpi_frame frame;
	u64 pfn;

	if (!xpi_mappings_lookup(maps, dfn, &pfn)) {
		seq_puts(s, "linux nothing\n");
		return;
	}

	frame = debug_hv->frame(pfn, 1);
	if (!frame.nr)
		seq_printf(s, "linux gfn none pfn %#llx\n", pfn);
	else
		seq_printf(s, "linux gfn %#llx pfn %#llx%s\n", frame.gfn, pfn,
			   leaf_kind(xpi_mappings_flags(maps, dfn)));
}

static int lookup_show(struct seq_file *s, void *unused)
{
	struct xpi_dev *xdev = s->private;
	u64 dfn;

	mutex_lock(&xpi_devs_lock);
	dfn = xdev->lookup >> PAGE_BITS;
	seq_printf(s, "iova %#llx context %u\n", xdev->lookup,
		   xdev->attached.ctx);
	if (xdev->attached.context) {
		show_xen(s, xdev->attached.ctx, dfn);
		show_linux(s, &xdev->attached.context->mappings, dfn);
	} else {
		seq_puts(s, "not a context that Linux fills\n");
	}
	mutex_unlock(&xpi_devs_lock);
	return 0;
}

static int lookup_open(struct inode *inode, struct file *file)
{
	return single_open(file, lookup_show, inode->i_private);
}

static ssize_t lookup_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *pos)
{
	struct seq_file *s = file->private_data;
	struct xpi_dev *xdev = s->private;
	u64 iova;
	int ret = kstrtou64_from_user(buf, count, 0, &iova);

	if (ret)
		return ret;

	mutex_lock(&xpi_devs_lock);
	xdev->lookup = iova;
	mutex_unlock(&xpi_devs_lock);
	return count;
}

static const struct file_operations lookup_fops = {
	.owner = THIS_MODULE,
	.open = lookup_open,
	.read = seq_read,
	.write = lookup_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/*
 * The tree
 */

void xpi_debugfs_add(struct xpi_dev *xdev)
{
	xdev->debugfs = debugfs_create_dir(pci_name(xdev->pdev), devices);
	debugfs_create_file("context", 0400, xdev->debugfs, xdev,
			    &context_fops);
	if (!xdev->passive)
		debugfs_create_file("lookup", 0600, xdev->debugfs, xdev,
				    &lookup_fops);
}

void xpi_debugfs_del(struct xpi_dev *xdev)
{
	debugfs_remove(xdev->debugfs);
}

void xpi_debugfs_start(const struct xpi_hv *hv)
{
	debug_hv = hv;
	root = debugfs_create_dir("xen-pv-iommu", NULL);
	devices = debugfs_create_dir("devices", root);
	debugfs_create_file("counters", 0400, root, NULL, &counters_fops);
}

void xpi_debugfs_stop(void)
{
	debugfs_remove(root);
}

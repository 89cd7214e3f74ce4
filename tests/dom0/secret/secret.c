// SPDX-License-Identifier: GPL-2.0
/*
 * A page of kernel memory that is mapped for no device, and its address.
 *
 * /sys/kernel/xpi_secret/ has the page's text and its bus address without an IOMMU.
 * It has the same for a second page, "drop", to which a device can copy what it
 * read. If a test finds the text in the drop, a device has read the secret.
 */
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sysfs.h>
#include <xen/page.h>
#include <xen/xen.h>

static struct page *secret_page, *drop_page;
static struct kobject *dir;

/* On PV devices use machine frames, which differ from the kernel's frame numbers. */
static u64 bus_address(struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	return (u64)(xen_pv_domain() ? pfn_to_mfn(pfn) : pfn) << PAGE_SHIFT;
}

static ssize_t secret_show(struct kobject *k, struct kobj_attribute *a,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n", (char *)page_address(secret_page));
}

static ssize_t secret_addr_show(struct kobject *k, struct kobj_attribute *a,
				char *buf)
{
	return sysfs_emit(buf, "0x%llx\n", bus_address(secret_page));
}

/* A device may have written any bytes: show printable text only. */
static ssize_t drop_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "%*pE\n", 64, page_address(drop_page));
}

static ssize_t drop_store(struct kobject *k, struct kobj_attribute *a,
			  const char *buf, size_t count)
{
	memset(page_address(drop_page), '-', PAGE_SIZE);
	return count;
}

static ssize_t drop_addr_show(struct kobject *k, struct kobj_attribute *a,
			      char *buf)
{
	return sysfs_emit(buf, "0x%llx\n", bus_address(drop_page));
}

static struct kobj_attribute secret_attr = __ATTR_RO_MODE(secret, 0400);
static struct kobj_attribute secret_addr_attr = __ATTR_RO_MODE(secret_addr, 0400);
static struct kobj_attribute drop_attr = __ATTR_RW_MODE(drop, 0600);
static struct kobj_attribute drop_addr_attr = __ATTR_RO_MODE(drop_addr, 0400);

static const struct attribute *attrs[] = {
	&secret_attr.attr,
	&secret_addr_attr.attr,
	&drop_attr.attr,
	&drop_addr_attr.attr,
	NULL
};

static void free_pages_and_dir(void)
{
	kobject_put(dir);
	if (drop_page)
		__free_page(drop_page);
	if (secret_page)
		__free_page(secret_page);
}

static int __init secret_init(void)
{
	int rc = -ENOMEM;

	secret_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	drop_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	dir = kobject_create_and_add("xpi_secret", kernel_kobj);
	if (secret_page && drop_page && dir) {
		/* New with each load, so that an old copy fails the tests. */
		sprintf(page_address(secret_page), "kernel-secret-%016llx",
			get_random_u64());
		rc = sysfs_create_files(dir, attrs);
	}
	if (rc)
		free_pages_and_dir();
	return rc;
}

static void __exit secret_exit(void)
{
	sysfs_remove_files(dir, attrs);
	free_pages_and_dir();
}

module_init(secret_init);
module_exit(secret_exit);
MODULE_DESCRIPTION("A page of kernel memory for DMA tests");
MODULE_LICENSE("GPL");

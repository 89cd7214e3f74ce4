// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a root bus like that of Intel's VMD. Its segment number has more than 16
 * bits, so Xen does not know the bus. The DMA of the only device on it has the
 * requester id of a device that Xen knows.	device=BDF
 *
 * BDF is an edu in the role of the VMD. xpi_dmaapi makes it do the DMA of the device
 * on the new bus, which consists of a configuration header only.
 */
#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/pci.h>

#define SEGMENT		0x10000
#define IDS		0x11e91234	/* no vendor uses it */
#define NO_CLASS	0xff000000

static char *device = "";
module_param(device, charp, 0400);
MODULE_PARM_DESC(device, "the device (dddd:bb:dd.f) whose requester id the new one has");

#if IS_ENABLED(CONFIG_VMD)
static struct pci_bus *root;

/* The first dwords of the header; all others are zero. */
static const u32 header[] = { IDS, 0, NO_CLASS };

static int read_header(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 *val)
{
	u32 word = where / 4 < ARRAY_SIZE(header) ? header[where / 4] : 0;

	if (bus->number || devfn) {
		*val = ~0U;
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	*val = word >> 8 * (where % 4);
	if (size < 4)
		*val &= (1U << 8 * size) - 1;
	return PCIBIOS_SUCCESSFUL;
}

static int ignore_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 val)
{
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops header_ops = { .read = read_header, .write = ignore_write };
static struct resource only_bus = { .name = "xpi_vmd", .flags = IORESOURCE_BUS };
static struct pci_sysdata sysdata = { .domain = SEGMENT, .node = NUMA_NO_NODE };

static struct pci_dev *find(const char *name)
{
	unsigned int seg, bus, dev, fn;

	if (sscanf(name, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(seg, bus, PCI_DEVFN(dev, fn));
}

static int __init vmd_init(void)
{
	LIST_HEAD(resources);

	sysdata.vmd_dev = find(device);
	if (!sysdata.vmd_dev)
		return -ENODEV;
	pci_add_resource(&resources, &only_bus);
	root = pci_create_root_bus(&sysdata.vmd_dev->dev, 0, &header_ops,
				   &sysdata, &resources);
	if (!root) {
		pci_free_resource_list(&resources);
		pci_dev_put(sysdata.vmd_dev);
		return -ENOMEM;
	}
	pci_lock_rescan_remove();
	pci_scan_child_bus(root);
	pci_bus_add_devices(root);
	pci_unlock_rescan_remove();
	return 0;
}

static void __exit vmd_exit(void)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(root);
	pci_remove_root_bus(root);
	pci_unlock_rescan_remove();
	pci_dev_put(sysdata.vmd_dev);
}
#else
static int __init vmd_init(void)
{
	return -EOPNOTSUPP;
}

static void __exit vmd_exit(void)
{
}
#endif

module_init(vmd_init);
module_exit(vmd_exit);
MODULE_DESCRIPTION("A device that uses another device's requester id");
MODULE_LICENSE("GPL");

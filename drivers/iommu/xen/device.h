/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_DEVICE_H
#define XPI_DEVICE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "caps.h"
#include "group.h"

struct dentry;
struct iommu_domain;
struct iommu_group;
struct pci_dev;
struct xpi_context;
struct xpi_hv;

/**
 * struct xpi_attachment - the domain and context that a device is attached to
 * @domain: the domain; NULL if the device is not attached or the domain was freed
 * @ctx: number of the domain's context
 * @context: Linux' state of the context; NULL if Linux does not fill it
 */
struct xpi_attachment {
	struct iommu_domain *domain;
	u16 ctx;
	struct xpi_context *context;
};

/**
 * struct xpi_dev - a device that the driver manages, as Xen describes it
 *
 * Allocated when the core probes the device and freed when it releases the device.
 * Constant in between, except for the lists, @awake, @attached and @lookup.
 *
 * @pdev: the device; it outlives this struct
 * @sbdf: its name for Xen, or that of the device whose requester id it has
 * @passive: grouped, but never attached: a bridge, or a device behind the VMD,
 *	which Xen moves with the VMD
 * @coherent: its translated DMA snoops the caches
 * @protected: Xen has translated its DMA since before this kernel started
 * @left_blocked: still a bus master at load, so Xen has blocked it
 * @acs: devices with access control services on when the core made the group: bit
 *	0 is the device, bit 1 the bridge above it, and so on
 * @awake: the lowest of these, kept awake while a user has the device; else NULL.
 *	Protected by the core's group mutex
 * @caps: its capabilities
 * @direct: entry in the driver's list of devices with 1:1 regions
 * @list: entry in the list of all devices; protected by xpi_devs_lock
 * @attached: its attachment; protected by xpi_devs_lock
 * @debugfs: its directory
 * @lookup: the iova written to its lookup file; protected by xpi_devs_lock
 * @nr_resv: regions in @resv
 * @resv: reserved regions
 */
struct xpi_dev {
	struct pci_dev *pdev;
	u32 sbdf;
	bool passive;
	bool coherent;
	bool protected;
	bool left_blocked;
	u32 acs;
	struct pci_dev *awake;
	struct xpi_caps caps;
	struct list_head direct;
	struct list_head list;
	struct xpi_attachment attached;
	struct dentry *debugfs;
	u64 lookup;
	unsigned int nr_resv;
	struct xpi_resv resv[] __counted_by(nr_resv);
};

/**
 * xpi_dev_create() - query Xen about a device
 * @hv: the hypervisor
 * @caps: capabilities of Xen
 * @pdev: the device
 *
 * A device behind Intel's VMD is unknown to Xen and has the VMD's requester id. It
 * is passive if the VMD is in the list, and rejected otherwise.
 *
 * Return: the device, or an ERR_PTR: -ENODEV if it cannot be put in a context.
 */
struct xpi_dev *xpi_dev_create(const struct xpi_hv *hv,
			       const struct xpi_caps *caps,
			       struct pci_dev *pdev);

/**
 * xpi_dev_destroy() - free a device
 * @xdev: from xpi_dev_create()
 */
void xpi_dev_destroy(struct xpi_dev *xdev);

/*
 * Protects the list of devices and their attachments. While it is held, the domains
 * of all attachments are valid. Inside the core's group mutex, which therefore must
 * not be taken under it.
 */
extern struct mutex xpi_devs_lock;

/**
 * xpi_dev_add() - add a device to the list
 * @xdev: the device
 */
void xpi_dev_add(struct xpi_dev *xdev);

/**
 * xpi_dev_del() - remove a device from the list and wait for its users
 * @xdev: the device
 */
void xpi_dev_del(struct xpi_dev *xdev);

/**
 * xpi_dev_find() - find a device in the list
 * @pdev: a device
 *
 * Caller must hold xpi_devs_lock, which keeps the result valid.
 *
 * Return: the device, or NULL.
 */
struct xpi_dev *xpi_dev_find(const struct pci_dev *pdev);

/**
 * xpi_dev_is_kernels() - check whether kernel drivers may use a device
 * @xdev: the device
 *
 * May sleep.
 *
 * Return: false if VFIO or iommufd has claimed it.
 */
bool xpi_dev_is_kernels(const struct xpi_dev *xdev);

/**
 * xpi_dev_set_attachment() - record the domain a device was attached to
 * @xdev: the device
 * @to: the new attachment
 */
void xpi_dev_set_attachment(struct xpi_dev *xdev,
			    const struct xpi_attachment *to);

/**
 * xpi_dev_domain_gone() - detach all devices from a domain about to be freed
 * @domain: the domain
 *
 * Normally no device is attached to it. But a device that was unplugged could not
 * be attached to another domain.
 */
void xpi_dev_domain_gone(const struct iommu_domain *domain);

/**
 * xpi_dev_is_protected() - check whether Xen translates a device's DMA
 * @hv: the hypervisor
 * @pdev: any PCI device
 *
 * Return: true if Xen reports this for the device's current context.
 */
bool xpi_dev_is_protected(const struct xpi_hv *hv, struct pci_dev *pdev);

/**
 * xpi_dev_is_direct() - check for DIRECT and DIRECT_RELAXABLE regions
 * @xdev: the device
 *
 * Return: true if the device has any.
 */
bool xpi_dev_is_direct(const struct xpi_dev *xdev);

/**
 * xpi_dev_direct_at() - check for a region that Xen maps for a device
 * @xdev: the device
 * @start: first byte
 * @last: last byte
 * @relaxed: Xen does not map DIRECT_RELAXABLE regions
 *
 * Return: true if one such region contains the whole range.
 */
bool xpi_dev_direct_at(const struct xpi_dev *xdev, u64 start, u64 last,
		       bool relaxed);

/**
 * xpi_dev_bound() - get the kind of a device's driver
 * @pdev: the device
 *
 * Return: a snapshot; a driver may bind or unbind at any time.
 */
enum xpi_bound xpi_dev_bound(struct pci_dev *pdev);

/**
 * xpi_dev_live_peer() - find a device with a live driver that could share pdev's group
 * @pdev: a device that the driver is about to take
 *
 * Return: a device that has a live driver, is in no group, and could share one with
 * @pdev; caller must put it. NULL if there is none.
 */
struct pci_dev *xpi_dev_live_peer(struct pci_dev *pdev);

/**
 * xpi_dev_peer_group() - find a group that the core does not find
 * @pdev: a device of the list that is in no group yet
 *
 * The core finds the group of a device by the bridges around it. A bridge that
 * was left to its driver is in no group. Devices that such a bridge does not isolate
 * get one group by their key. This is conservative: the key ignores the hardware
 * quirks that the core knows.
 *
 * Return: the group, which the caller must put; NULL if the core finds the group.
 */
struct iommu_group *xpi_dev_peer_group(struct pci_dev *pdev);

/**
 * xpi_dev_stays_alone() - check whether a bridge stays alone in its group
 * @pdev: the bridge
 *
 * False for a hotplug bridge: if it loses its access control services, the core puts
 * a new device in its group. False for an untrusted bridge, which the core always
 * translates, and for a bridge behind the VMD, which is in the VMD's group.
 *
 * Return: true if it stays alone.
 */
bool xpi_dev_stays_alone(struct pci_dev *pdev);

/**
 * xpi_dev_untrusted_peer() - check for an untrusted device that could share pdev's group
 * @pdev: a device
 *
 * Return: true if such a device exists, @pdev included.
 */
bool xpi_dev_untrusted_peer(struct pci_dev *pdev);

#endif /* XPI_DEVICE_H */

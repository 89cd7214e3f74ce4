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
 * @domain: the domain that it is attached to; NULL if there is none, or it is
 *	gone
 * @ctx: the context that it stands for
 * @context: what Linux knows of it; NULL for those that Linux does not fill
 */
struct xpi_attachment {
	struct iommu_domain *domain;
	u16 ctx;
	struct xpi_context *context;
};

/**
 * struct xpi_dev - a device that the driver was given, as Xen describes it
 *
 * Made when the core probes the device and freed when it releases it; constant
 * in between, but for the lists, @at and @lookup.
 *
 * @pdev: the device; it outlives this
 * @sbdf: its name for Xen, or that of the device whose requester id it has
 * @passive: grouped, but never attached: a bridge, or a device behind the VMD,
 *	which goes where the VMD goes
 * @coherent: its translated DMA snoops the caches
 * @protected: Xen has translated its DMA since before this kernel began
 * @left_blocked: a predecessor left it as a bus master, and Xen has blocked it
 * @acs: where access control services were on when the core made its group: bit 0
 *	is the device, bit 1 the bridge above it, and so on
 * @awake: the lowest of these, kept awake while a user has the device; else NULL.
 *	Guarded by the core's group mutex
 * @caps: what holds for it
 * @direct: the driver's list of devices with 1:1 regions
 * @list: the list of all; guarded by xpi_devs_lock
 * @at: where it is; guarded by xpi_devs_lock
 * @debugfs: its directory
 * @lookup: the iova that was asked for there; guarded by xpi_devs_lock
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
 * xpi_dev_create() - ask Xen about a device
 * @hv: the hypervisor
 * @caps: what holds for all devices
 * @pdev: the device
 *
 * A device behind Intel's VMD is unknown to Xen and has the VMD's requester id.
 * It is passive if the VMD is in the list, and refused if not.
 *
 * Return: the device, or an ERR_PTR: -ENODEV if it cannot be put in a context.
 */
struct xpi_dev *xpi_dev_create(const struct xpi_hv *hv,
			       const struct xpi_caps *caps,
			       struct pci_dev *pdev);

/**
 * xpi_dev_destroy() - forget it
 * @xdev: what xpi_dev_create() returned
 */
void xpi_dev_destroy(struct xpi_dev *xdev);

/*
 * Guards the list of devices and where they are. A domain is there as long as a
 * device of the list is at it and this is held. Inside the core's group mutex,
 * which therefore must not be taken under it.
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
 * xpi_dev_find() - is it one of ours?
 * @pdev: a device
 *
 * Return: what stands for it, or NULL; valid while xpi_devs_lock is held.
 */
struct xpi_dev *xpi_dev_find(const struct pci_dev *pdev);

/**
 * xpi_dev_is_kernels() - is the device left to the kernel's own drivers?
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
 * @to: where it is now
 */
void xpi_dev_set_attachment(struct xpi_dev *xdev,
			    const struct xpi_attachment *to);

/**
 * xpi_dev_domain_gone() - detach all devices from a domain about to be freed
 * @domain: the domain
 *
 * No device should be at it. But one that was unplugged could not be attached
 * to anything else.
 */
void xpi_dev_domain_gone(const struct iommu_domain *domain);

/**
 * xpi_dev_is_protected() - is a device's DMA translated?
 * @hv: the hypervisor
 * @pdev: any PCI device
 *
 * Return: whether Xen says so of the context that it is in now.
 */
bool xpi_dev_is_protected(const struct xpi_hv *hv, struct pci_dev *pdev);

/**
 * xpi_dev_is_direct() - has it any DIRECT or DIRECT_RELAXABLE region?
 * @xdev: the device
 *
 * Return: whether it has.
 */
bool xpi_dev_is_direct(const struct xpi_dev *xdev);

/**
 * xpi_dev_direct_at() - does a range lie in a region that Xen maps for it?
 * @xdev: the device
 * @start: first byte
 * @last: last byte
 * @relaxed: Xen does not map those that are DIRECT_RELAXABLE
 *
 * Return: whether it lies in one as a whole.
 */
bool xpi_dev_direct_at(const struct xpi_dev *xdev, u64 start, u64 last,
		       bool relaxed);

/**
 * xpi_dev_bound() - who drives a device now?
 * @pdev: the device
 *
 * Return: a snapshot; it may be old when the caller looks at it.
 */
enum xpi_bound xpi_dev_bound(struct pci_dev *pdev);

/**
 * xpi_dev_live_peer() - find a device with a live driver that could share pdev's group
 * @pdev: a device about to be taken
 *
 * Return: a device that has a live driver, is in no group, and could have been
 * put in one with @pdev; the caller puts it. NULL if there is none.
 */
struct pci_dev *xpi_dev_live_peer(struct pci_dev *pdev);

/**
 * xpi_dev_peer_group() - find a group that the core would not find
 * @pdev: a device of the list that is in no group yet
 *
 * The core finds the group of a device by the bridges around it. A bridge that
 * was left to its driver is in no group. Devices that such a bridge does not keep
 * apart are put in one group by their key, which is on the safe side: it does not
 * know the hardware quirks that the core knows.
 *
 * Return: the group, which the caller puts; NULL if the core can be asked.
 */
struct iommu_group *xpi_dev_peer_group(struct pci_dev *pdev);

/**
 * xpi_dev_stays_alone() - will a bridge's group have no other device?
 * @pdev: the bridge
 *
 * Not said of one below which something may be plugged in: should it have lost
 * its access control services by then, the newcomer is put in its group. Nor of
 * one that is not trusted, for which the core insists on translation, or that is
 * behind the VMD and in its group.
 *
 * Return: whether it stays alone.
 */
bool xpi_dev_stays_alone(struct pci_dev *pdev);

/**
 * xpi_dev_untrusted_peer() - check for an untrusted device that could share pdev's group
 * @pdev: a device
 *
 * Return: whether one could be in a group with @pdev, or is @pdev itself.
 */
bool xpi_dev_untrusted_peer(struct pci_dev *pdev);

#endif /* XPI_DEVICE_H */

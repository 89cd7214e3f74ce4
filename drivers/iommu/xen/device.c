// SPDX-License-Identifier: GPL-2.0
/*
 * Xen's description of a device, and its PCI neighbours.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "acs.h"
#include "caps.h"
#include "compat.h"
#include "device.h"
#include "group.h"
#include "hv.h"

/* The driver rejects a device with more reserved regions. */
#define MAX_RESV	256

DEFINE_MUTEX(xpi_devs_lock);	/* the list and the attachments; see device.h */
static LIST_HEAD(devs);

/*
 * The device whose requester id a device's DMA carries. Below Intel's VMD that is
 * the VMD itself. The PCI core's own function is not exported.
 */
static struct pci_dev *real_dma_dev(struct pci_dev *pdev)
{
#if IS_ENABLED(CONFIG_VMD)
	if (is_vmd(pdev->bus))
		return to_pci_sysdata(pdev->bus)->vmd_dev;
#endif
	return pdev;
}

static bool to_sbdf(struct pci_dev *pdev, u32 *sbdf)
{
	int segment = pci_domain_nr(pdev->bus);

	if (segment < 0 || segment > 0xffff)
		return false;	/* a segment of Linux' own, unknown to Xen */

	*sbdf = segment << 16 | PCI_DEVID(pdev->bus->number, pdev->devfn);
	return true;
}

static unsigned int no_ctx_reason(const struct xen_pv_iommu_dev_query *dq)
{
	return dq->flags >> XEN_PV_IOMMU_DEV_F_NO_CTX_SHIFT;
}

static int query(const struct xpi_hv *hv, u32 sbdf,
		 struct xen_pv_iommu_dev_query *dq)
{
	memset(dq, 0, sizeof(*dq));
	dq->dev.type = XEN_PV_IOMMU_DEV_PCI;
	dq->dev.id = sbdf;
	return xpi_hv_one(hv, XEN_PV_IOMMU_OP_DEV_QUERY, dq);
}

static int read_resv(const struct xpi_hv *hv, u32 features,
		     struct pci_dev *pdev, struct xpi_dev *xdev,
		     unsigned int index)
{
	struct xen_pv_iommu_dev_resv r = {
		.dev.type = XEN_PV_IOMMU_DEV_PCI,
		.dev.id = xdev->sbdf,
		.index = index,
	};
	int ret = xpi_hv_one(hv, XEN_PV_IOMMU_OP_DEV_RESV, &r);

	if (!ret && !xpi_resv_check(&r, features, &xdev->resv[index]))
		ret = -EINVAL;
	if (ret)
		pci_err(pdev, "left out: Xen's reserved region %u, %#llx to %#llx, is invalid (error %d)\n",
			index, r.start, r.last, ret);
	return ret;
}

static struct xpi_dev *create_with_resv(const struct xpi_hv *hv, u32 features,
					struct pci_dev *pdev, u32 sbdf,
					const struct xen_pv_iommu_dev_query *dq)
{
	struct xpi_dev *xdev;
	unsigned int i;

	xdev = kzalloc_flex(*xdev, resv, dq->nr_resv, GFP_KERNEL);
	if (!xdev)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&xdev->direct);
	xdev->pdev = pdev;
	xdev->sbdf = sbdf;
	xdev->nr_resv = dq->nr_resv;
	for (i = 0; i < xdev->nr_resv; i++) {
		if (read_resv(hv, features, pdev, xdev, i)) {
			kfree(xdev);
			return ERR_PTR(-ENODEV);
		}
	}
	return xdev;
}

/* Return true if Xen translates it in its original context. */
static bool was_protected(const struct xen_pv_iommu_dev_query *dq)
{
	return dq->ctx == XEN_PV_IOMMU_CTX_DEFAULT &&
	       dq->flags & XEN_PV_IOMMU_DEV_F_PROTECTED;
}

/* Exists only for the groups: Xen does not attach it. */
static struct xpi_dev *create_passive(const struct xpi_caps *caps,
				      struct pci_dev *pdev, u32 sbdf,
				      bool protected)
{
	struct xpi_dev *xdev = kzalloc_flex(*xdev, resv, 0, GFP_KERNEL);

	if (!xdev)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&xdev->direct);
	xdev->pdev = pdev;
	xdev->sbdf = sbdf;
	xdev->passive = true;
	xdev->coherent = true;
	xdev->protected = protected;
	xdev->caps = *caps;
	return xdev;
}

static struct xpi_dev *create_endpoint(const struct xpi_hv *hv,
				       const struct xpi_caps *caps,
				       struct pci_dev *pdev, u32 sbdf,
				       const struct xen_pv_iommu_dev_query *dq)
{
	struct xpi_caps dev_caps;
	struct xpi_dev *xdev;
	const char *why;

	why = xpi_caps_narrow(caps, dq, &dev_caps);
	if (!why && dq->nr_resv > MAX_RESV)
		why = "it has too many reserved regions";
	if (why) {
		pci_err(pdev, "left out: %s\n", why);
		return ERR_PTR(-ENODEV);
	}

	xdev = create_with_resv(hv, caps->features, pdev, sbdf, dq);
	if (IS_ERR(xdev))
		return xdev;

	/* x86 DMA snoops, translated or not. */
	xdev->coherent = IS_ENABLED(CONFIG_X86) ||
			 (dq->flags & XEN_PV_IOMMU_DEV_F_COHERENT_WALK);
	xdev->caps = dev_caps;
	xdev->protected = was_protected(dq);
	xdev->left_blocked = dq->ctx == XEN_PV_IOMMU_CTX_BLOCKED;
	return xdev;
}

/*
 * The core puts it in the group of @real, and Xen moves it with @real. If @real has
 * no group, the device must have none: its DMA is not translated.
 */
static struct xpi_dev *create_child(struct pci_dev *pdev,
				    struct pci_dev *real)
{
	struct xpi_dev *xdev = ERR_PTR(-ENODEV);
	const struct xpi_dev *parent;

	mutex_lock(&xpi_devs_lock);
	parent = xpi_dev_find(real);
	if (parent)
		xdev = create_passive(&parent->caps, pdev, parent->sbdf,
				      parent->protected);
	mutex_unlock(&xpi_devs_lock);

	if (xdev == ERR_PTR(-ENODEV))
		pci_info(pdev, "not under the IOMMU: its DMA carries the id of %s, which is not under it either\n",
			 pci_name(real));
	return xdev;
}

/*
 * Return true if the device has requester ids that only Linux' quirks know. Xen
 * would not move these ids, and DMA that carries them would reach wrong memory.
 */
static bool shares_ids(struct pci_dev *pdev)
{
	struct pci_dev *other = NULL;

	if (pdev->dma_alias_mask)
		return true;

	for_each_pci_dev(other) {
		if (other->bus == pdev->bus && other->dma_alias_mask &&
		    test_bit(pdev->devfn, other->dma_alias_mask)) {
			pci_dev_put(other);
			return true;
		}
	}
	return false;
}

struct xpi_dev *xpi_dev_create(const struct xpi_hv *hv,
			       const struct xpi_caps *caps,
			       struct pci_dev *pdev)
{
	struct pci_dev *real = real_dma_dev(pdev);
	struct xen_pv_iommu_dev_query dq;
	u32 sbdf;

	if (real != pdev)
		return create_child(pdev, real);
	if (!to_sbdf(pdev, &sbdf) || query(hv, sbdf, &dq))
		return ERR_PTR(-ENODEV);

	if (dq.flags & XEN_PV_IOMMU_DEV_F_CAN_CTX) {
		if (!shares_ids(pdev))
			return create_endpoint(hv, caps, pdev, sbdf, &dq);
		pci_notice(pdev, "left out: some of its DMA carries a requester id that Xen does not know to be its own; if it does not work, boot Xen with pci-phantom=\n");
		return ERR_PTR(-ENODEV);
	}
	if (pci_is_bridge(pdev) &&
	    no_ctx_reason(&dq) == XEN_PV_IOMMU_NO_CTX_BRIDGE)
		return create_passive(caps, pdev, sbdf, was_protected(&dq));

	pci_dbg(pdev, "not managed by Xen: reason %u\n", no_ctx_reason(&dq));
	return ERR_PTR(-ENODEV);
}

void xpi_dev_destroy(struct xpi_dev *xdev)
{
	kfree(xdev);
}

bool xpi_dev_is_protected(const struct xpi_hv *hv, struct pci_dev *pdev)
{
	struct xen_pv_iommu_dev_query dq;
	u32 sbdf;

	return to_sbdf(real_dma_dev(pdev), &sbdf) && !query(hv, sbdf, &dq) &&
	       (dq.flags & XEN_PV_IOMMU_DEV_F_PROTECTED);
}

/*
 * The list of devices and their attachments
 */

void xpi_dev_add(struct xpi_dev *xdev)
{
	mutex_lock(&xpi_devs_lock);
	list_add_tail(&xdev->list, &devs);
	mutex_unlock(&xpi_devs_lock);
}

void xpi_dev_del(struct xpi_dev *xdev)
{
	mutex_lock(&xpi_devs_lock);
	list_del(&xdev->list);
	mutex_unlock(&xpi_devs_lock);
}

struct xpi_dev *xpi_dev_find(const struct pci_dev *pdev)
{
	struct xpi_dev *xdev;

	lockdep_assert_held(&xpi_devs_lock);
	list_for_each_entry(xdev, &devs, list)
		if (xdev->pdev == pdev)
			return xdev;
	return NULL;
}

bool xpi_dev_is_kernels(const struct xpi_dev *xdev)
{
	const struct iommu_domain *domain;
	bool kernels;

	mutex_lock(&xpi_devs_lock);
	domain = xdev->attached.domain;
	kernels = !domain || domain->type == IOMMU_DOMAIN_IDENTITY ||
		  domain->type & __IOMMU_DOMAIN_DMA_API;
	mutex_unlock(&xpi_devs_lock);
	return kernels;
}

void xpi_dev_set_attachment(struct xpi_dev *xdev,
			    const struct xpi_attachment *to)
{
	mutex_lock(&xpi_devs_lock);
	xdev->attached = *to;
	mutex_unlock(&xpi_devs_lock);
}

void xpi_dev_domain_gone(const struct iommu_domain *domain)
{
	struct xpi_dev *xdev;

	mutex_lock(&xpi_devs_lock);
	list_for_each_entry(xdev, &devs, list)
		if (xdev->attached.domain == domain)
			xdev->attached = (struct xpi_attachment){};
	mutex_unlock(&xpi_devs_lock);
}

/*
 * Regions, drivers, neighbours
 */

static bool is_direct(const struct xpi_resv *r, bool relaxed)
{
	return r->type == XEN_PV_IOMMU_RESV_DIRECT ||
	       (r->type == XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE && !relaxed);
}

bool xpi_dev_direct_at(const struct xpi_dev *xdev, u64 start, u64 last,
		       bool relaxed)
{
	unsigned int i;

	for (i = 0; i < xdev->nr_resv; i++) {
		const struct xpi_resv *r = &xdev->resv[i];

		if (is_direct(r, relaxed) && r->start <= start &&
		    last <= r->last)
			return true;
	}
	return false;
}

bool xpi_dev_is_direct(const struct xpi_dev *xdev)
{
	unsigned int i;

	for (i = 0; i < xdev->nr_resv; i++)
		if (is_direct(&xdev->resv[i], false))
			return true;
	return false;
}

enum xpi_bound xpi_dev_bound(struct pci_dev *pdev)
{
	const struct device_driver *drv = READ_ONCE(pdev->dev.driver);

	if (!drv)
		return XPI_UNBOUND;
	/* Drivers of bridges (pcieport, shpchp) do no DMA. */
	if (pci_is_bridge(pdev) || to_pci_driver(drv)->driver_managed_dma)
		return XPI_MANAGED;
	return XPI_LIVE;
}

static enum xpi_hop_kind hop_kind(struct pci_dev *pdev)
{
	if (!pci_is_pcie(pdev))
		return XPI_HOP_BUS;

	switch (pci_pcie_type(pdev)) {
	case PCI_EXP_TYPE_ROOT_PORT:
	case PCI_EXP_TYPE_DOWNSTREAM:
		return XPI_HOP_PORT;
	case PCI_EXP_TYPE_PCI_BRIDGE:
	case PCI_EXP_TYPE_PCIE_BRIDGE:
	case PCI_EXP_TYPE_RC_EC:
		return XPI_HOP_BUS;
	default:
		return XPI_HOP_PCIE;
	}
}

/* Returns the number of hops; 0 if the path is too long. */
static unsigned int way_up(struct pci_dev *pdev,
			   struct xpi_hop hops[XPI_MAX_HOPS])
{
	unsigned int nr = 0;

	for (pdev = real_dma_dev(pdev); pdev; pdev = pci_upstream_bridge(pdev)) {
		if (nr == XPI_MAX_HOPS || !to_sbdf(pdev, &hops[nr].sbdf))
			return 0;
		hops[nr].multifunction = pdev->multifunction;
		hops[nr].kind = hop_kind(pdev);
		hops[nr].acs = xpi_acs_is_on(pdev);
		nr++;
	}
	return nr;
}

static bool topology_key(struct pci_dev *pdev, u64 *key)
{
	struct xpi_hop hops[XPI_MAX_HOPS];
	unsigned int nr = way_up(pdev, hops);

	if (nr)
		*key = xpi_group_key(hops, nr);
	return nr;
}

bool xpi_dev_untrusted_peer(struct pci_dev *pdev)
{
	struct pci_dev *other = NULL;
	u64 key, other_key;

	if (!topology_key(pdev, &key))
		return false;

	for_each_pci_dev(other) {
		if (other->untrusted && topology_key(other, &other_key) &&
		    key == other_key) {
			pci_dev_put(other);
			return true;
		}
	}
	return false;
}

struct pci_dev *xpi_dev_live_peer(struct pci_dev *pdev)
{
	struct pci_dev *other = NULL;
	u64 key, other_key;

	if (!topology_key(pdev, &key))
		return pci_dev_get(pdev);

	for_each_pci_dev(other) {
		if (other == pdev || xpi_dev_bound(other) != XPI_LIVE ||
		    device_iommu_mapped(&other->dev))
			continue;
		if (!topology_key(other, &other_key) || key == other_key)
			return other;
	}
	return NULL;
}

/* The core would look for the group of @key at this bridge, but find none. */
static bool hides_group(struct pci_dev *bridge, u64 key)
{
	u64 its_key;

	return pci_is_bridge(bridge) && !device_iommu_mapped(&bridge->dev) &&
	       topology_key(bridge, &its_key) && its_key == key;
}

static bool group_is_hidden(u64 key)
{
	struct pci_dev *bridge = NULL;

	for_each_pci_dev(bridge) {
		if (hides_group(bridge, key)) {
			pci_dev_put(bridge);
			return true;
		}
	}
	return false;
}

struct iommu_group *xpi_dev_peer_group(struct pci_dev *pdev)
{
	struct iommu_group *group = NULL;
	struct xpi_dev *peer;
	u64 key, peer_key;

	if (!topology_key(pdev, &key) || !group_is_hidden(key))
		return NULL;

	mutex_lock(&xpi_devs_lock);
	list_for_each_entry(peer, &devs, list) {
		if (!topology_key(peer->pdev, &peer_key) || peer_key != key)
			continue;
		/* pdev itself has none yet. */
		group = iommu_group_get(&peer->pdev->dev);
		if (group)
			break;
	}
	mutex_unlock(&xpi_devs_lock);
	return group;
}

bool xpi_dev_stays_alone(struct pci_dev *pdev)
{
	struct xpi_hop hops[XPI_MAX_HOPS];
	unsigned int nr;

	if (pdev->is_hotplug_bridge || pdev->external_facing ||
	    pdev->untrusted || real_dma_dev(pdev) != pdev)
		return false;

	nr = way_up(pdev, hops);
	return nr && xpi_group_is_alone(hops, nr);
}

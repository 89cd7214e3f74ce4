// SPDX-License-Identifier: GPL-2.0
/*
 * Xen PV-IOMMU: lets the kernel of a Xen hardware domain use the IOMMU.
 *
 * Xen owns the IOMMU and offers contexts: page-table trees that this domain
 * fills by hypercall (include/xen/interface/pv-iommu.h). A paging iommu_domain
 * is one context, the identity domain is context 0 (Xen's ordinary table for
 * this domain), the blocked domain is Xen's empty one.
 *
 * Addresses. A device emits an iova; dfn = iova >> 12. paddr and pfn are Linux'
 * physical addresses. A descriptor has the gfn, which on PV is the machine frame,
 * so one map call becomes several runs there. "last" is an inclusive end. In the
 * identity domain of a PV domain iova is the machine address, which swiotlb-xen
 * returns.
 *
 * Ownership. A context lives from domain_alloc_paging() to free(): the core may map
 * before the first attach, and calls free() only when no device is attached, maybe
 * long after the last device is gone. So a domain holds a reference to the module.
 * Xen takes a reference to every page that it maps and drops it after the flush, so
 * the driver pins no memory. The driver also adds each map to the domain's mappings,
 * which answer iova_to_phys() and tell unmap the ranges to send. A page that a
 * device can reach is in the mappings or in a pending unmap, except while unmap moves
 * it from one to the other. Reserved 1:1 regions (DIRECT) are an exception: Xen maps
 * those itself at attach, and the driver adds the core's request to the mappings
 * without sending it. Regions that a device needs only until it has a driver
 * (DIRECT_RELAXABLE) are ordinary iova in domains that are not the DMA API's.
 *
 * Batches. Maps wait in the domain's pending lists for iotlb_sync_map, unmaps for
 * iotlb_sync. With deferred flushing, which Xen offers to translated domains only,
 * unmaps wait for flush_iotlb_all. A PV domain must not defer: its kernel might use
 * a page as a page table while Xen still holds it as writable. Unmaps of other
 * domains' pages must not wait either, because the owners get them back. If Xen
 * refuses a map when it is sent, the driver marks it in the mappings, and
 * iotlb_sync_map of its caller returns the error. Only a long request by a caller
 * that can sleep is sent at once, in buffers of its own, with interrupts on.
 *
 * Unmap never allocates: the first map has allocated the buffers of its descriptors,
 * and removing mappings frees no nodes.
 *
 * Quota. Users of VFIO cannot take page tables or context numbers from the
 * kernel's own DMA, see quota.c. The core sets a domain's type after allocation, so
 * the driver guesses the kind then, and settles it at the first attach.
 *
 * Locks, outermost first: the core's group mutex; the mutex of quota.c, held across
 * hypercalls; xpi_devs_lock, which protects the attachments and keeps domains alive
 * for readers; those of the pending lists, raw with interrupts off and held across
 * hypercalls; xpi_mappings.lock; xpi_direct_lock. The last two are leaves and never
 * held together. map, unmap, the syncs and iova_to_phys are callable from any
 * context, hard interrupts included, and never sleep unless gfp allows it.
 *
 * Devices. The driver takes only devices that Xen can put in a context. If a driver
 * uses a device when this module is loaded late, the device stays with that driver,
 * as does every device that would share its group. The driver takes every bridge,
 * regardless of its children, because the core finds groups by bridges. Bridges do
 * no DMA of their own, and Xen never attaches them. Since Linux 6.15 the core warns
 * of a device that has a driver already, so the driver skips such bridges as well,
 * and makes one group of the devices that they do not isolate.
 *
 * Default domains. On PV the DMA API belongs to swiotlb-xen, so devices get the
 * identity domain, and only VFIO and iommufd get translated ones, unless swiotlb-xen
 * is bypassed (include/xen/swiotlb-xen-bypass.h). Then, and in a PVH domain, the
 * kernel's command line decides, as long as contexts are left.
 */
#define pr_fmt(fmt) "xen-pv-iommu: " fmt

#include <linux/atomic.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <xen/interface/pv-iommu.h>
#include <xen/swiotlb-xen-bypass.h>
#include <xen/xen.h>

#include "xen/acs.h"
#include "xen/batch.h"
#include "xen/caps.h"
#include "xen/compat.h"
#include "xen/context.h"
#include "xen/debugfs.h"
#include "xen/device.h"
#include "xen/fault.h"
#include "xen/group.h"
#include "xen/hv.h"
#include "xen/mappings.h"
#include "xen/pending.h"
#include "xen/quota.h"
#include "xen/stats.h"
#include "xen/sysfs.h"
#include "xen/trace.h"

/* Xen's page size, independent of the kernel's. */
#define XPI_PAGE_SHIFT		12
#define XPI_PAGE_SIZE		SZ_4K

/* Contexts reserved for VFIO; at most half of all. */
#define XPI_CTX_RESERVE		16U

#define XPI_MSI_START		0xfee00000UL
#define XPI_MSI_LAST		0xfeefffffUL

/**
 * struct xpi_domain - a paging domain: one context
 * @domain: for the core
 * @coherent: DMA of the device that it was allocated for is coherent
 * @quota: limits of the context
 * @context: the context
 * @pair: its pairs of pending lists
 */
struct xpi_domain {
	struct iommu_domain domain;
	bool coherent;
	struct xpi_quota quota;
	struct xpi_context context;
	struct xpi_pending_pair pair[];
};

#ifndef XPI_HAVE_LATE_WARNING
static char *late = "managed";
module_param(late, charp, 0444);
MODULE_PARM_DESC(late, "devices that have a driver when this module loads: managed = take those whose driver leaves DMA to others (default), skip = take none");
#endif

static bool batch = true;
module_param(batch, bool, 0444);
MODULE_PARM_DESC(batch, "send requests to Xen in batches (default: yes); no is for comparison: one hypercall per page");

static bool msi_isolated;
module_param(msi_isolated, bool, 0444);
MODULE_PARM_DESC(msi_isolated, "tell the kernel that Xen remaps the interrupts of all PCI devices, if it does (default: no)");

static const struct xpi_hv *xpi_hv = &xpi_xen_hv;
static struct xpi_caps xpi_caps;
static enum xpi_late xpi_late;
static struct iommu_device xpi_iommu;
static struct irq_domain *xpi_msi_domain;
/* The DMA API works for a device in a DMA domain. */
static bool xpi_dma_api;
static atomic_t xpi_nr_domains = ATOMIC_INIT(0);

/* Xen could not serve a group: all default domains are identity domains. */
static bool xpi_identity_only;

/* Devices with 1:1 regions; map reads the list in any context. */
static LIST_HEAD(xpi_direct);
static DEFINE_RAW_SPINLOCK(xpi_direct_lock);

static struct xpi_domain *to_xpi_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct xpi_domain, domain);
}

/*
 * The nodes of mappings and the descriptor buffers: pages of Xen's size, which
 * kmalloc() aligns as well.
 */

static void *xpi_page_alloc(gfp_t gfp)
{
	if (PAGE_SIZE > XPI_PAGE_SIZE)
		return kzalloc(XPI_PAGE_SIZE, gfp);
	return (void *)get_zeroed_page(gfp);
}

static void xpi_page_free(void *page)
{
	if (PAGE_SIZE > XPI_PAGE_SIZE)
		kfree(page);
	else
		free_page((unsigned long)page);
}

static const struct xpi_mappings_mem xpi_mem = {
	.alloc = xpi_page_alloc,
	.free = xpi_page_free,
};

/*
 * 1:1 regions
 */

/*
 * Return true if DIRECT_RELAXABLE regions are ordinary iova in the paging domain.
 * The user of a domain that is not the DMA API's does not know these regions.
 */
static bool xpi_is_relaxed(const struct iommu_domain *domain)
{
	return xpi_caps.features & XEN_PV_IOMMU_FEAT_RELAX &&
	       !(domain->type & __IOMMU_DOMAIN_DMA_API);
}

/*
 * Return true if the core makes this 1:1 map for a reserved region. It does so
 * before it attaches the device, so the regions of all known devices count: only
 * the core maps memory that the firmware reserved 1:1.
 */
static noinline bool xpi_is_direct(const struct iommu_domain *domain,
				   const struct xpi_map *m)
{
	u64 start = m->dfn << XPI_PAGE_SHIFT;
	u64 last = start + (m->nr << XPI_PAGE_SHIFT) - 1;
	bool relaxed = xpi_is_relaxed(domain);
	const struct xpi_dev *xdev;
	unsigned long irqflags;
	bool found = false;

	raw_spin_lock_irqsave(&xpi_direct_lock, irqflags);
	list_for_each_entry(xdev, &xpi_direct, direct) {
		found = xpi_dev_direct_at(xdev, start, last, relaxed);
		if (found)
			break;
	}
	raw_spin_unlock_irqrestore(&xpi_direct_lock, irqflags);
	return found;
}

static void xpi_direct_add(struct xpi_dev *xdev)
{
	unsigned long irqflags;

	if (!xpi_dev_is_direct(xdev))
		return;

	raw_spin_lock_irqsave(&xpi_direct_lock, irqflags);
	list_add_tail(&xdev->direct, &xpi_direct);
	raw_spin_unlock_irqrestore(&xpi_direct_lock, irqflags);
}

static void xpi_direct_del(struct xpi_dev *xdev)
{
	unsigned long irqflags;

	raw_spin_lock_irqsave(&xpi_direct_lock, irqflags);
	list_del_init(&xdev->direct);
	raw_spin_unlock_irqrestore(&xpi_direct_lock, irqflags);
}

/*
 * Mapping
 */

static void xpi_pending_lost(struct xpi_pending *pending,
			     const struct xpi_lost *what)
{
	const struct xpi_context *c =
		container_of(pending, struct xpi_context, pending);

	pr_err_ratelimited("context %u: unmap of %#llx pages at iova %#llx failed, and %u more since: error %d; Xen keeps the pages\n",
			   c->ctx, what->nr, what->dfn << XPI_PAGE_SHIFT,
			   what->times - 1, what->err);
}

static void xpi_log_bound(const struct xen_pv_iommu_query *q,
			  const struct xen_pv_iommu_ctx *c)
{
	switch (xpi_tables_bound_by(q, c)) {
	case XPI_BOUND_DOMAIN:
		pr_warn("out of page tables: this domain uses %u of %u; boot Xen with a larger dom0-iommu=ctx-mem=\n",
			q->pt_pages, q->pt_pages_max);
		break;
	case XPI_BOUND_CTX:
		pr_warn("context %u is out of page tables: it uses %u of the %u that one user may have; boot Xen with a larger dom0-iommu=ctx-mem=\n",
			c->ctx, c->pt_pages, c->pt_pages_max);
		break;
	case XPI_BOUND_USERS:
		pr_warn("users are out of page tables: %u of %u are in use, and %u are reserved for the kernel's own DMA; boot Xen with a larger dom0-iommu=ctx-mem=\n",
			q->pt_pages, q->pt_pages_max, q->pt_pages_reserve);
		break;
	default:
		pr_warn("Xen refuses page tables although this domain uses only %u of %u; Xen may be out of memory\n",
			q->pt_pages, q->pt_pages_max);
	}
}

/*
 * Xen had no memory for page tables. An administrator can raise Xen's limits, so
 * the log names the one that was reached. @ctx: 0 if there is no context yet.
 */
static void xpi_no_memory(u16 ctx)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, 1);
	struct xen_pv_iommu_ctx c = { .ctx = ctx };
	struct xen_pv_iommu_query q;
	bool known;

	if (!__ratelimit(&limit))
		return;

	xpi_query_init(&q);
	if (xpi_hv_one(xpi_hv, XEN_PV_IOMMU_OP_QUERY, &q))
		return;
	known = ctx && !xpi_hv_one(xpi_hv, XEN_PV_IOMMU_OP_CTX_INFO, &c);
	xpi_log_bound(&q, known ? &c : NULL);
}

static void xpi_context_no_memory(const struct xpi_context *c)
{
	xpi_no_memory(c->ctx);
}

static void xpi_pending_sending(const struct xpi_batch *b, enum xpi_why why)
{
	unsigned int i;
	u64 pages = 0;
	bool unmaps;

	if (!trace_batch_send_enabled())
		return;

	for (i = 0; i < b->used; i++)
		pages += xpi_batch_at(b, i)->nr;
	unmaps = xpi_batch_at(b, 0)->op == XEN_PV_IOMMU_BATCH_UNMAP;
	trace_batch_send(b->ctx, unmaps, b->used, pages, xpi_why_name(why));
}

static u16 xpi_prot(int prot)
{
	return (prot & IOMMU_READ ? XEN_PV_IOMMU_F_R : 0) |
	       (prot & IOMMU_WRITE ? XEN_PV_IOMMU_F_W : 0);
}

static int xpi_map_pages(struct iommu_domain *domain, unsigned long iova,
			 phys_addr_t paddr, size_t pgsize, size_t pgcount,
			 int prot, gfp_t gfp, size_t *mapped)
{
	struct xpi_domain *dom = to_xpi_domain(domain);
	struct xpi_map m = {
		.dfn = iova >> XPI_PAGE_SHIFT,
		.pfn = paddr >> XPI_PAGE_SHIFT,
		.nr = (u64)pgcount * (pgsize >> XPI_PAGE_SHIFT),
		.order = pgsize == SZ_2M ? XPI_ORDER_2M : XPI_ORDER_4K,
		.flags = xpi_prot(prot),
	};
	u64 done = 0;
	int ret;

	if (!m.flags)
		return -EINVAL;

	if (m.dfn == m.pfn && xpi_is_direct(domain, &m)) {
		/* Xen has mapped it, or maps it at attach. */
		ret = xpi_context_add_mapping(&dom->context, &m,
					      XPI_LEAF_DIRECT, gfp);
		done = ret ? 0 : m.nr;
	} else {
		ret = xpi_context_map(&dom->context, raw_smp_processor_id(),
				      &m, gfp, &done);
	}
	*mapped += done << XPI_PAGE_SHIFT;
	return ret;
}

static int xpi_iotlb_sync_map(struct iommu_domain *domain, unsigned long iova,
			      size_t size)
{
	return xpi_context_sync_map(&to_xpi_domain(domain)->context,
				    iova >> XPI_PAGE_SHIFT,
				    size >> XPI_PAGE_SHIFT);
}

/*
 * The core calls flush_iotlb_all before it reuses the iovas, but not iotlb_sync.
 * So an unmap that must not be deferred is sent now.
 */
static void xpi_unmap_queued(struct xpi_domain *dom, u64 dfn, u64 nr)
{
	if (dom->context.batching &&
	    xpi_caps.features & XEN_PV_IOMMU_FEAT_DEFER)
		xpi_stat_add(XPI_STAT_DEFERRED_UNMAPS, !!nr);
	else
		xpi_pending_sync_unmap(&dom->context.pending, dfn, nr,
				       XPI_WHY_NO_DEFER);
}

static size_t xpi_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			      size_t pgsize, size_t pgcount,
			      struct iommu_iotlb_gather *gather)
{
	struct xpi_domain *dom = to_xpi_domain(domain);
	u64 nr = (u64)pgcount * (pgsize >> XPI_PAGE_SHIFT);
	u64 dfn = iova >> XPI_PAGE_SHIFT;
	struct xpi_removed removed = xpi_context_unmap(&dom->context,
						       raw_smp_processor_id(),
						       dfn, nr);

	if (removed.flags & XPI_LEAF_NOW)
		return removed.nr << XPI_PAGE_SHIFT;	/* unmapped and flushed */

	if (iommu_iotlb_gather_queued(gather))
		xpi_unmap_queued(dom, dfn, removed.nr);
	else if (removed.nr)
		iommu_iotlb_gather_add_range(gather, iova,
					     removed.nr << XPI_PAGE_SHIFT);
	return removed.nr << XPI_PAGE_SHIFT;
}

static void xpi_iotlb_sync(struct iommu_domain *domain,
			   struct iommu_iotlb_gather *gather)
{
	struct xpi_domain *dom = to_xpi_domain(domain);
	u64 first = gather->start >> XPI_PAGE_SHIFT;
	u64 last = gather->end >> XPI_PAGE_SHIFT;

	if (gather->start <= gather->end)
		xpi_pending_sync_unmap(&dom->context.pending, first,
				       last - first + 1, XPI_WHY_SYNC);
}

static void xpi_flush_iotlb_all(struct iommu_domain *domain)
{
	xpi_stat_add(XPI_STAT_FLUSH_ALLS, 1);
	xpi_pending_flush(&to_xpi_domain(domain)->context.pending);
}

static phys_addr_t xpi_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova)
{
	struct xpi_domain *dom = to_xpi_domain(domain);
	u64 pfn;

	if (!xpi_mappings_lookup(&dom->context.mappings, iova >> XPI_PAGE_SHIFT,
				 &pfn))
		return 0;
	return pfn << XPI_PAGE_SHIFT | (iova & ((1UL << XPI_PAGE_SHIFT) - 1));
}

/*
 * Attaching
 */

/* The core distinguishes these only; any other error means a lost device. */
static int xpi_attach_errno(int err)
{
	switch (err) {
	case 0:
	case -ENOMEM:
	case -ENOSPC:
	case -ENODEV:
		return err;
	case -EADDRINUSE:	/* a mapping where a reserved region must go */
		return -EINVAL;
	default:
		return -ENODEV;
	}
}

static int xpi_attach(struct device *dev, const struct xpi_attachment *to)
{
	struct xpi_dev *xdev = dev_iommu_priv_get(dev);
	struct xen_pv_iommu_attach a = {
		.dev.type = XEN_PV_IOMMU_DEV_PCI,
		.dev.id = xdev->sbdf,
		.ctx = to->ctx,
	};
	bool users = to->context &&
		     !(to->domain->type & __IOMMU_DOMAIN_DMA_API);
	bool held = xdev->awake;
	int ret;

	if (xdev->passive)
		return 0;
	if (to->context && xpi_is_relaxed(to->domain))
		a.flags = XEN_PV_IOMMU_ATTACH_F_RELAX;

	ret = users ? xpi_acs_hold(xdev) : 0;
	if (ret)
		return ret;

	ret = xpi_hv_one(xpi_hv, XEN_PV_IOMMU_OP_ATTACH, &a);
	if (!ret)
		xpi_dev_set_attachment(xdev, to);
	/* Xen has removed a device that is being unplugged: no message. */
	else if (ret != -ENODEV)
		dev_err_ratelimited(dev, "attach to context %u failed: error %d; the device stays in its old context\n",
				    to->ctx, ret);
	if (ret ? !held : !users)
		xpi_acs_release(xdev);
	if (ret == -ENOMEM)
		xpi_no_memory(to->context ? to->ctx : 0);
	return xpi_attach_errno(ret);
}

static int xpi_attach_identity(struct iommu_domain *domain, struct device *dev,
			       struct iommu_domain *old)
{
	return xpi_attach(dev, &(const struct xpi_attachment){
		.domain = domain,
		.ctx = XEN_PV_IOMMU_CTX_DEFAULT,
	});
}

XPI_ATTACH_FN(xpi_attach_identity);

static int xpi_attach_blocked(struct iommu_domain *domain, struct device *dev,
			      struct iommu_domain *old)
{
	return xpi_attach(dev, &(const struct xpi_attachment){
		.domain = domain,
		.ctx = XEN_PV_IOMMU_CTX_BLOCKED,
	});
}

XPI_ATTACH_FN(xpi_attach_blocked);

/* At hot unplug Xen removes the device before the core releases it. */
static int xpi_attach_release(struct iommu_domain *domain, struct device *dev,
			      struct iommu_domain *old)
{
	int ret = xpi_attach_identity(domain, dev, old);

	return ret == -ENODEV ? 0 : ret;
}

XPI_ATTACH_FN(xpi_attach_release);

/*
 * Return true if a user of the device could reach a device without a group. A peer
 * without a group may have got its driver after this device was taken.
 */
static bool xpi_reaches_live_peer(struct pci_dev *pdev)
{
	struct pci_dev *peer = xpi_dev_live_peer(pdev);

	if (!peer)
		return false;

	dev_err_ratelimited(&pdev->dev,
			    "not for a user's domain: %s, which has a live driver, may reach it\n",
			    pci_name(peer));
	pci_dev_put(peer);
	return true;
}

static int xpi_attach_paging(struct iommu_domain *domain, struct device *dev,
			     struct iommu_domain *old)
{
	struct xpi_dev *xdev = dev_iommu_priv_get(dev);
	struct xpi_domain *dom = to_xpi_domain(domain);
	int ret;

	/* VFIO tries the domain of its first group for a second group. */
	if (!xdev->passive &&
	    (domain->geometry.aperture_end > xdev->caps.iova_last ||
	     (domain->pgsize_bitmap & ~xdev->caps.pgsizes) ||
	     dom->coherent != xdev->coherent))
		return -EINVAL;
	if (!xdev->passive && !iommu_is_dma_domain(domain) &&
	    xpi_reaches_live_peer(xdev->pdev))
		return -ENODEV;
	if (!xdev->passive) {
		ret = xpi_quota_settle(&dom->quota, xpi_hv, &xpi_caps,
				       domain->type & __IOMMU_DOMAIN_DMA_API);
		if (ret)
			return ret;
	}

	return xpi_attach(dev, &(const struct xpi_attachment){
		.domain = domain,
		.ctx = dom->context.ctx,
		.context = &dom->context,
	});
}

XPI_ATTACH_FN(xpi_attach_paging);

/*
 * Domains
 */

static const struct iommu_domain_ops xpi_identity_ops = {
	.attach_dev = XPI_ATTACH(xpi_attach_identity),
};

static struct iommu_domain xpi_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &xpi_identity_ops,
};

static const struct iommu_domain_ops xpi_blocked_ops = {
	.attach_dev = XPI_ATTACH(xpi_attach_blocked),
};

static struct iommu_domain xpi_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &xpi_blocked_ops,
};

static const struct iommu_domain_ops xpi_release_ops = {
	.attach_dev = XPI_ATTACH(xpi_attach_release),
};

static struct iommu_domain xpi_release_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &xpi_release_ops,
};

static void xpi_domain_release(struct xpi_domain *dom)
{
	int ret = xpi_quota_free(&dom->quota, xpi_hv, &xpi_caps);

	/* It has members, or the driver has a bug: never reuse it. */
	WARN_ONCE(ret, "xen-pv-iommu: context %u is lost: error %d\n",
		  dom->context.ctx, ret);
	xpi_context_fini(&dom->context);
	kfree(dom);
}

/*
 * Return true if the new domain is for the DMA API. The core attaches a device that
 * VFIO or iommufd claims to the blocked domain first, and then to their domains. It
 * allocates a default domain while the device is in no domain or in a default one.
 */
static bool xpi_is_for_kernel(const struct xpi_dev *xdev)
{
	return xdev && xpi_dev_is_kernels(xdev);
}

static int xpi_domain_setup(struct xpi_domain *dom, const struct xpi_caps *caps,
			    bool kernel)
{
	struct xpi_context *c = &dom->context;
	u64 iova_last = caps->iova_last;
	int ret;

	c->batching = batch;
	c->max_count = caps->max_count;
	c->max_nr = batch ? caps->max_nr : 1;
	c->bytes = XPI_PAGE_SIZE;
	c->hv = xpi_hv;
	c->mem = &xpi_mem;
	c->no_memory = xpi_context_no_memory;
	c->pending.lost = xpi_pending_lost;
	c->pending.sending = xpi_pending_sending;
	ret = xpi_quota_alloc(&dom->quota, xpi_hv, &xpi_caps, kernel,
			      &iova_last);
	c->ctx = dom->quota.ctx;
	if (ret == -ENOMEM)
		xpi_no_memory(0);
	if (!ret)
		ret = xpi_context_init(c, iova_last >> XPI_PAGE_SHIFT);
	if (ret)
		return ret;

	dom->domain.pgsize_bitmap = caps->pgsizes;
	dom->domain.geometry.aperture_start = 0;
	dom->domain.geometry.aperture_end = iova_last;
	dom->domain.geometry.force_aperture = true;
	return 0;
}

static int xpi_group_id(struct device *dev)
{
	struct iommu_group *group = dev ? iommu_group_get(dev) : NULL;
	int id = group ? iommu_group_id(group) : -1;

	iommu_group_put(group);
	return id;
}

static struct iommu_domain *xpi_domain_alloc_paging(struct device *dev)
{
	const struct xpi_dev *xdev = dev ? dev_iommu_priv_get(dev) : NULL;
	unsigned int nr_pairs = min(num_possible_cpus(), XPI_PENDING_PAIRS_MAX);
	struct xpi_domain *dom;
	int ret;

	dom = kzalloc_flex(*dom, pair, nr_pairs, GFP_KERNEL_ACCOUNT);
	if (!dom)
		return ERR_PTR(-ENOMEM);

	dom->context.pending.pair = dom->pair;
	dom->context.pending.nr = nr_pairs;
	dom->coherent = xdev ? xdev->coherent : IS_ENABLED(CONFIG_X86);
	xpi_quota_init(&dom->quota, xpi_group_id(dev));
	ret = xpi_domain_setup(dom, xdev ? &xdev->caps : &xpi_caps,
			       xpi_is_for_kernel(xdev));
	if (ret) {
		xpi_domain_release(dom);
		return ERR_PTR(ret);
	}

	atomic_inc(&xpi_nr_domains);
	/* The device holds the module now; iommufd may keep the domain longer. */
	__module_get(THIS_MODULE);
	return &dom->domain;
}

static void xpi_domain_free(struct iommu_domain *domain)
{
	xpi_dev_domain_gone(domain);
	xpi_domain_release(to_xpi_domain(domain));
	atomic_dec(&xpi_nr_domains);
	/* xpi_exit() waits until this task has left the module's code. */
	module_put(THIS_MODULE);
}

/*
 * Which devices are taken
 */

static bool xpi_no_dma_domains(void)
{
	return !xpi_dma_api || xpi_identity_only;
}

/* Called only for devices that Xen manages, so the advice is valid. */
static bool xpi_may_have(struct pci_dev *pdev)
{
	struct pci_dev *peer;

	if (!xpi_may_take(xpi_dev_bound(pdev), xpi_late)) {
		if (!pci_is_bridge(pdev))
			pci_info(pdev, "left to its driver; to bring it under the IOMMU unbind it, run setpci -s %s COMMAND=0, write 1 to its remove file and rescan\n",
				 pci_name(pdev));
		return false;
	}
	if (xpi_no_dma_domains() && pdev->untrusted) {
		pci_notice(pdev, "not trusted, but this domain cannot translate its DMA\n");
#ifndef XPI_HAVE_DMA_IOMMU_FIRST
		if (!xpi_dma_api)
			pci_notice(pdev, "on PV pv_dma_ops_swap=1 may help\n");
#endif
		return false;
	}

	/* Without bridges the core finds wrong groups for devices added later. */
	if (pci_is_bridge(pdev))
		return true;

	peer = xpi_dev_live_peer(pdev);
	if (peer) {
		pci_info(pdev, "not under the IOMMU: %s, which has a live driver, may reach it\n",
			 pci_name(peer));
		pci_dev_put(peer);
	}
	return !peer;
}

/*
 * At RESET Xen blocked the devices that still did DMA for an earlier instance of
 * this module. The core is about to attach them, and their registers still have
 * stale iovas, so their DMA must stop before. A driver that binds turns it on again.
 */
static void xpi_silence(struct pci_dev *pdev, const struct xpi_dev *xdev)
{
	if (!xdev->left_blocked)
		return;

	pci_notice(pdev, "still did DMA when this module was loaded; bus mastering is off until a driver turns it on\n");
	pci_clear_master(pdev);
}

static struct iommu_device *xpi_probe_device(struct device *dev)
{
	struct xpi_dev *xdev;
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return ERR_PTR(-ENODEV);

	pdev = to_pci_dev(dev);
	xdev = xpi_dev_create(xpi_hv, &xpi_caps, pdev);
	if (IS_ERR(xdev))
		return ERR_CAST(xdev);

	if (!xpi_may_have(pdev)) {
		xpi_dev_destroy(xdev);
		return ERR_PTR(-ENODEV);
	}

	xpi_silence(pdev, xdev);
	xpi_acs_save(xdev);
	xpi_direct_add(xdev);
	xpi_dev_add(xdev);
	xpi_debugfs_add(xdev);
	dev_iommu_priv_set(dev, xdev);
	return &xpi_iommu;
}

static struct iommu_group *xpi_device_group(struct device *dev)
{
	return xpi_dev_peer_group(to_pci_dev(dev)) ?: pci_device_group(dev);
}

static void xpi_release_device(struct device *dev)
{
	struct xpi_dev *xdev = dev_iommu_priv_get(dev);

	xpi_debugfs_del(xdev);
	xpi_acs_release(xdev);
	xpi_direct_del(xdev);
	xpi_dev_del(xdev);
	xpi_dev_destroy(xdev);
}

/*
 * Callbacks about a device
 */

/*
 * The core calls this after it has made the group. A driver that bound after
 * probe_device() may have found no group, and then does untranslated DMA. If it has
 * found the group, it waits for the core. The two cases are indistinguishable here,
 * and the identity domain works for both.
 */
static bool xpi_bound_meanwhile(struct pci_dev *pdev)
{
	/* Group before driver; a driver that binds does it in reverse order. */
	smp_mb();
	if (xpi_dev_bound(pdev) != XPI_LIVE)
		return false;

	pci_info(pdev, "got its driver while this module was loading; its group has an identity domain\n");
	return true;
}

/*
 * Return true if enough contexts are left for another default domain. Users'
 * contexts do not count if Xen has a reserve, unless all numbers are used.
 */
static bool xpi_default_fits(void)
{
	unsigned int kept = min(XPI_CTX_RESERVE, xpi_caps.max_ctx / 2);
	unsigned int used = atomic_read(&xpi_nr_domains);
	unsigned int counted = used;

	if (xpi_caps.features & XEN_PV_IOMMU_FEAT_LIMITS)
		counted -= min(counted, xpi_quota_nr_users());
	return counted + kept < xpi_caps.max_ctx && used < xpi_caps.max_ctx;
}

/*
 * All devices of a group must have the same type. They do where no device is
 * special; otherwise identity wins. But the core always translates untrusted
 * devices, and fails if a peer requires identity.
 */
static int xpi_def_domain_type(struct device *dev)
{
	const struct xpi_dev *xdev = dev_iommu_priv_get(dev);

	/* A bridge does no DMA, so it needs no context. */
	if (xdev->passive && xpi_dev_stays_alone(to_pci_dev(dev)))
		return IOMMU_DOMAIN_IDENTITY;
	if (to_pci_dev(dev)->untrusted)
		return 0;
	if (xpi_no_dma_domains() || xpi_bound_meanwhile(to_pci_dev(dev)))
		return IOMMU_DOMAIN_IDENTITY;
	if (xpi_default_fits() || xpi_dev_untrusted_peer(to_pci_dev(dev)))
		return 0;

	pr_notice_once("few contexts are left, further devices get identity domains; boot Xen with a larger dom0-iommu=nr-ctx=, now %u\n",
		       xpi_caps.max_ctx);
	return IOMMU_DOMAIN_IDENTITY;
}

static bool xpi_capable(struct device *dev, enum iommu_cap cap)
{
	const struct xpi_dev *xdev = dev_iommu_priv_get(dev);

	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return xdev->coherent;
	case IOMMU_CAP_PRE_BOOT_PROTECTION:
		return xdev->protected;
	case IOMMU_CAP_DEFERRED_FLUSH:
		return batch && xpi_caps.features & XEN_PV_IOMMU_FEAT_DEFER;
	default:
		return false;
	}
}

static enum iommu_resv_type xpi_resv_type(u32 type)
{
	switch (type) {
	case XEN_PV_IOMMU_RESV_DIRECT:
		return IOMMU_RESV_DIRECT;
	case XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE:
		return IOMMU_RESV_DIRECT_RELAXABLE;
	case XEN_PV_IOMMU_RESV_MSI_HW:
	case XEN_PV_IOMMU_RESV_MSI_DOORBELL:
		return IOMMU_RESV_MSI;
	default:
		return IOMMU_RESV_RESERVED;
	}
}

static int xpi_resv_prot(enum iommu_resv_type type)
{
	switch (type) {
	case IOMMU_RESV_DIRECT:
	case IOMMU_RESV_DIRECT_RELAXABLE:
		return IOMMU_READ | IOMMU_WRITE;
	case IOMMU_RESV_MSI:
		return IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO;
	default:
		return 0;
	}
}

static bool xpi_add_resv(struct list_head *head, u64 start, u64 last,
			 enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(start, last - start + 1,
					 xpi_resv_prot(type), type, GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, head);
	return region;
}

static void xpi_get_resv_regions(struct device *dev, struct list_head *head)
{
	const struct xpi_dev *xdev = dev_iommu_priv_get(dev);
	bool msi = !IS_ENABLED(CONFIG_X86) || xdev->passive;
	unsigned int i;

	for (i = 0; i < xdev->nr_resv; i++) {
		const struct xpi_resv *r = &xdev->resv[i];
		enum iommu_resv_type type = xpi_resv_type(r->type);

		if (!xpi_add_resv(head, r->start, r->last, type))
			return;
		msi |= type == IOMMU_RESV_MSI;
	}

	/* On x86 writes there are interrupts even if Xen does not list it. */
	if (!msi)
		xpi_add_resv(head, XPI_MSI_START, XPI_MSI_LAST, IOMMU_RESV_MSI);
}

static const struct iommu_ops xpi_ops = {
	.capable = xpi_capable,
	.domain_alloc_paging = xpi_domain_alloc_paging,
	.probe_device = xpi_probe_device,
	.release_device = xpi_release_device,
	.device_group = xpi_device_group,
	.get_resv_regions = xpi_get_resv_regions,
	.def_domain_type = xpi_def_domain_type,
	.identity_domain = &xpi_identity_domain,
	.blocked_domain = &xpi_blocked_domain,
	.release_domain = &xpi_release_domain,
	.owner = THIS_MODULE,
	.default_domain_ops = &(const struct iommu_domain_ops) {
		.attach_dev = XPI_ATTACH(xpi_attach_paging),
		.map_pages = xpi_map_pages,
		.unmap_pages = xpi_unmap_pages,
		.iotlb_sync_map = xpi_iotlb_sync_map,
		.iotlb_sync = xpi_iotlb_sync,
		.flush_iotlb_all = xpi_flush_iotlb_all,
		.iova_to_phys = xpi_iova_to_phys,
		.free = xpi_domain_free,
	},
};

/*
 * MSI isolation
 *
 * VFIO requires isolated interrupts. Xen provides this, but Linux cannot detect it:
 * a PV domain has one MSI domain for all devices, which does not set the flag.
 * Setting it for all devices is the administrator's decision.
 */

/* A device with an MSI domain, or NULL; the caller must put it. */
static struct pci_dev *xpi_find_msi_device(void)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		if (dev_get_msi_domain(&pdev->dev))
			break;
	return pdev;
}

static void xpi_msi_claim(struct pci_dev *pdev)
{
	struct irq_domain *domain = pdev ? dev_get_msi_domain(&pdev->dev) : NULL;

	if (!(xpi_caps.features & XEN_PV_IOMMU_FEAT_MSI_ISOLATED)) {
		pr_warn("msi_isolated=1 has no effect: Xen does not remap interrupts behind every IOMMU\n");
		return;
	}
	if (!domain || !domain->name || !str_has_prefix(domain->name, "XEN-MSI")) {
		pr_warn("msi_isolated=1 has no effect: PCI interrupts do not go through Xen's MSI domain\n");
		return;
	}
	if (domain->flags & IRQ_DOMAIN_FLAG_ISOLATED_MSI)
		return;

	domain->flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	xpi_msi_domain = domain;
}

static void xpi_msi_unclaim(void)
{
	if (xpi_msi_domain)
		xpi_msi_domain->flags &= ~IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	xpi_msi_domain = NULL;
}

/*
 * Log the option that VFIO requires, before it returns -EPERM. A kernel that asked
 * Xen itself, or an interrupt controller that isolates, requires none.
 */
static void xpi_msi_setup(void)
{
	struct pci_dev *pdev = xpi_find_msi_device();
	bool isolated;

	if (msi_isolated)
		xpi_msi_claim(pdev);
	isolated = pdev && msi_device_has_isolated_msi(&pdev->dev);
	pci_dev_put(pdev);

	if (isolated)
		pr_info("VFIO may rely on isolated interrupts\n");
	else if (xpi_caps.features & XEN_PV_IOMMU_FEAT_MSI_ISOLATED)
		pr_info("VFIO needs vfio_iommu_type1.allow_unsafe_interrupts=1: Xen remaps interrupts, but Linux cannot see that\n");
	else
		pr_info("VFIO needs vfio_iommu_type1.allow_unsafe_interrupts=1, and it is unsafe: Xen does not remap interrupts, a device can forge them\n");
}

/*
 * Loading
 */

#ifndef XPI_HAVE_LATE_WARNING
static int xpi_parse_late(void)
{
	if (sysfs_streq(late, "managed"))
		xpi_late = XPI_LATE_MANAGED;
	else if (sysfs_streq(late, "skip"))
		xpi_late = XPI_LATE_SKIP;
	else
		return -EINVAL;
	return 0;
}
#endif

static int xpi_query(void)
{
	struct xen_pv_iommu_query q;
	const char *why;
	int ret;

	xpi_query_init(&q);
	ret = xpi_hv_one(xpi_hv, XEN_PV_IOMMU_OP_QUERY, &q);
	if (ret) {
		pr_info("this Xen offers no PV-IOMMU (error %d)\n", ret);
		return -ENODEV;
	}

	why = xpi_caps_check(&q, &xpi_caps);
	if (why) {
		pr_err("not loading, Xen's PV-IOMMU cannot be used: %s\n", why);
		return -ENODEV;
	}
	xpi_frames_limit(xpi_caps.features);
	return 0;
}

/* Frees all contexts of an earlier instance; see RESET in the interface. */
static int xpi_reset(void)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_TO_DEFAULT };
	int ret = xpi_hv_one(xpi_hv, XEN_PV_IOMMU_OP_RESET, &c);

	if (ret)
		pr_err("not loading, Xen could not put the devices back into its own context: error %d\n",
		       ret);
	return ret ? -ENODEV : 0;
}

static bool xpi_is_protected(struct device *dev)
{
	return xpi_dev_is_protected(xpi_hv, to_pci_dev(dev));
}

static int xpi_register(void)
{
	int ret = iommu_device_sysfs_add(&xpi_iommu, NULL,
					 xpi_sysfs_groups(&xpi_caps),
					 "xen-pv-iommu");

	if (ret)
		return ret;

	ret = iommu_device_register(&xpi_iommu, &xpi_ops, NULL);
	/* The core fails registration if it cannot set up one group. */
	if (ret && !xpi_no_dma_domains()) {
		pr_warn("Xen could not serve every group: all devices get identity domains; see the lines above (error %d)\n",
			ret);
		xpi_identity_only = true;
		ret = iommu_device_register(&xpi_iommu, &xpi_ops, NULL);
	}
	if (ret)
		iommu_device_sysfs_remove(&xpi_iommu);
	return ret;
}

static int __init xpi_init(void)
{
	int ret;

	if (!xen_initial_domain())
		return -ENODEV;

#ifndef XPI_HAVE_LATE_WARNING
	ret = xpi_parse_late();
	if (ret) {
		pr_err("not loading: late=%s is neither managed nor skip\n", late);
		return ret;
	}
#endif

	ret = xpi_query() ?: xpi_reset();
	if (ret)
		return ret;

	xpi_fault_drain(xpi_hv);
	xpi_debugfs_start(xpi_hv);
	xpi_dma_api = swiotlb_xen_bypass_start(xpi_is_protected);
	ret = xpi_register();
	if (ret) {
		swiotlb_xen_bypass_stop();
		xpi_debugfs_stop();
		return ret;
	}

	pr_info("%u contexts, iova up to %#llx, page sizes %#llx\n",
		xpi_caps.max_ctx, xpi_caps.iova_last, xpi_caps.pgsizes);
	xpi_fault_start(xpi_hv, xpi_caps.fault_virq);
	xpi_msi_setup();
	return 0;
}

/* Built in: after PCI devices are found, before drivers bind to them. */
fs_initcall(xpi_init);

/* Each device in a group and each domain holds the module: none is left. */
static void __exit xpi_exit(void)
{
	/* The task that put the last reference may still be in xpi_domain_free(). */
	synchronize_rcu_tasks();
	xpi_msi_unclaim();
	xpi_fault_stop();
	iommu_device_unregister(&xpi_iommu);
	iommu_device_sysfs_remove(&xpi_iommu);
	swiotlb_xen_bypass_stop();
	xpi_debugfs_stop();
}
module_exit(xpi_exit);

MODULE_DESCRIPTION("IOMMU driver for Xen hardware domains");
MODULE_AUTHOR("The xen-pv-iommu authors");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's own file, included as it is, and around it what tests need: its
 * allocations are counted and can fail, it can be told that it runs on another
 * CPU, and is loaded when a test says so.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include <xen/swiotlb-xen-bypass.h>
#include <xen/xen.h>

#include "acs.h"
#include "device.h"

#include "driver.h"
#include "fake-hv.h"

struct xpi_driver xpi_driver = {
	.alloc_fails_in = ATOMIC_INIT(-1),
};

static DEFINE_RAW_SPINLOCK(fake_lock);

unsigned long xpi_fake_lock(void)
{
	unsigned long irqflags;

	raw_spin_lock_irqsave(&fake_lock, irqflags);
	return irqflags;
}

void xpi_fake_unlock(unsigned long irqflags)
{
	raw_spin_unlock_irqrestore(&fake_lock, irqflags);
}

static bool alloc_fails(void)
{
	if (atomic_read(&xpi_driver.alloc_fails_in) < 0 ||
	    atomic_dec_return(&xpi_driver.alloc_fails_in) >= 0)
		return false;
	xpi_driver.alloc_failed = true;
	return true;
}

static void *counted(void *p)
{
	if (p)
		atomic_inc(&xpi_driver.allocated);
	return p;
}

static unsigned long test_get_page(gfp_t gfp)
{
	if (alloc_fails())
		return 0;
	return (unsigned long)counted((void *)get_zeroed_page(gfp));
}

static void test_free_page(unsigned long page)
{
	atomic_dec(&xpi_driver.allocated);
	free_page(page);
}

static void *test_zalloc(size_t size, gfp_t gfp)
{
	return alloc_fails() ? NULL : counted(kzalloc(size, gfp));
}

static void test_kfree(const void *p)
{
	if (p)
		atomic_dec(&xpi_driver.allocated);
	kfree(p);
}

static unsigned int test_cpu(void)
{
	unsigned int here = xpi_driver.nowhere ? 0 : raw_smp_processor_id();

	return here + READ_ONCE(xpi_driver.cpu);
}

static bool test_bypass_start(bool (*is_protected)(struct device *dev))
{
	xpi_driver.is_protected = is_protected;
	xpi_driver.bypasses++;
	return !xpi_driver.no_dma_api;
}

static void test_bypass_stop(void)
{
	xpi_driver.bypasses--;
}

static int test_register(struct iommu_device *iommu, const struct iommu_ops *ops)
{
	if (!xpi_driver.registers_fail)
		return iommu_device_register(iommu, ops, NULL);
	xpi_driver.registers_fail--;
	return -ENOMEM;
}

static int test_sysfs_add(struct iommu_device *iommu, const char *name)
{
	return xpi_driver.no_sysfs ? -ENOMEM :
	       iommu_device_sysfs_add(iommu, NULL, NULL, "%s", name);
}

static enum xpi_bound test_bound(struct pci_dev *pdev)
{
	return xpi_driver.bound ? xpi_driver.bound(pdev) : xpi_dev_bound(pdev);
}

static __printf(1, 2) void test_warn(const char *fmt, ...)
{
	xpi_driver.warned = fmt;
}

static int test_acs_hold(struct xpi_dev *xdev)
{
	if (xpi_driver.acs_lost)
		return -ENODEV;
	xpi_driver.held += !xdev->awake;
	xdev->awake = xdev->pdev;
	return 0;
}

static void test_acs_release(struct xpi_dev *xdev)
{
	xpi_driver.held -= !!xdev->awake;
	xdev->awake = NULL;
}

static int xpi_init(void);
static void xpi_exit(void);

#undef pr_fmt
/* They stay, for they are called by tests. */
#undef __init
#define __init
#undef __exit
#define __exit
#undef xen_initial_domain
#define xen_initial_domain()	(!xpi_driver.not_dom0)
#define swiotlb_xen_bypass_start(fn)	test_bypass_start(fn)
#define swiotlb_xen_bypass_stop()	test_bypass_stop()
#define iommu_device_register(iommu, ops, hwdev)			\
	((void)(hwdev), test_register(iommu, ops))
#define iommu_device_sysfs_add(iommu, parent, groups, name)		\
	((void)(parent), (void)(groups), test_sysfs_add(iommu, name))
#define xpi_dev_bound(pdev)	test_bound(pdev)
#define dev_get_msi_domain(dev)	((void)(dev), xpi_driver.msi_domain)
#define msi_device_has_isolated_msi(dev)				\
	((void)(dev), xpi_driver.msi_domain &&				\
	 xpi_driver.msi_domain->flags & IRQ_DOMAIN_FLAG_ISOLATED_MSI)
#undef fs_initcall
#define fs_initcall(fn)		static_assert(__same_type(fn, xpi_init))
#undef module_exit
#define module_exit(fn)		static_assert(__same_type(fn, xpi_exit))
#undef get_zeroed_page
#define get_zeroed_page(gfp)	test_get_page(gfp)
#undef free_page
#define free_page(page)		test_free_page(page)
#undef kzalloc_flex
#define kzalloc_flex(obj, member, nr, gfp) \
	test_zalloc(struct_size(&(obj), member, nr), gfp)
#undef kfree
#define kfree(p)		test_kfree(p)
#undef __ratelimit
#define __ratelimit(state)	((void)(state), true)
#undef pr_warn
#define pr_warn(...)		test_warn(__VA_ARGS__)
#define xpi_acs_hold(xdev)	test_acs_hold(xdev)
#define xpi_acs_release(xdev)	test_acs_release(xdev)
#undef raw_smp_processor_id
#define raw_smp_processor_id()	test_cpu()

#include "../../xen-pv-iommu.c"

/*
 * Around a test
 */

int xpi_driver_ask(void)
{
	return xpi_query();
}

int xpi_driver_reset(void)
{
	return xpi_reset();
}

void xpi_driver_batch(bool on)
{
	batch = on;
}

bool xpi_driver_late(char *what)
{
#ifndef XPI_HAVE_LATE_WARNING
	late = what;
	return true;
#else
	return false;
#endif
}

void xpi_driver_msi_isolated(bool on)
{
	msi_isolated = on;
}

static void unload(void *unused)
{
	xpi_exit();
}

int xpi_driver_load(struct kunit *test)
{
	return xpi_init() ?: kunit_add_action_or_reset(test, unload, NULL);
}

void xpi_driver_unload(struct kunit *test)
{
	kunit_release_action(test, unload, NULL);
}

/* Built in, there is no module to hold. */
static int references(void)
{
#ifdef MODULE
	return module_refcount(THIS_MODULE);
#else
	return 0;
#endif
}

int xpi_driver_init(struct kunit *test)
{
	xpi_fake_reset();
	xpi_hv = &xpi_fake_hv;
	batch = true;
	xpi_driver_late("managed");
	msi_isolated = false;
	xpi_dma_api = false;
	xpi_identity_only = false;
	xpi_driver = (struct xpi_driver){
		.alloc_fails_in = ATOMIC_INIT(-1),
		.holds = references(),
	};
	return xpi_query() ?: xpi_reset();
}

/*
 * I3 and I8: no context, no frame, no memory, no hold on the module, and every
 * device where it was.
 */
void xpi_driver_exit(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_NULL_MSG(test, xpi_fake.wrong, "the driver sent %s",
			      xpi_fake.wrong);
	KUNIT_EXPECT_EQ(test, xpi_fake_nr_ctx(), 0);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&xpi_driver.allocated), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&xpi_nr_domains), 0);
	KUNIT_EXPECT_EQ(test, xpi_quota_nr_users(), 0);
	KUNIT_EXPECT_EQ(test, xpi_driver_holds(), 0);
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 0);
	for (i = 0; i < XPI_FAKE_DEVS; i++)
		KUNIT_EXPECT_EQ(test, xpi_fake.dev[i].ctx,
				XEN_PV_IOMMU_CTX_DEFAULT);
}

/*
 * Domains
 */

const struct iommu_ops *xpi_driver_ops(void)
{
	return &xpi_ops;
}

struct iommu_domain *xpi_driver_domain_as(struct device *dev, unsigned int type)
{
	struct iommu_domain *domain = xpi_ops.domain_alloc_paging(dev);

	if (IS_ERR(domain))
		return domain;
	domain->type = type;
	domain->owner = &xpi_ops;
	domain->ops = xpi_ops.default_domain_ops;
	return domain;
}

struct iommu_domain *xpi_driver_domain(struct device *dev)
{
	return xpi_driver_domain_as(dev, IOMMU_DOMAIN_UNMANAGED);
}

void xpi_driver_free(struct iommu_domain *domain)
{
	if (!IS_ERR_OR_NULL(domain))
		domain->ops->free(domain);
}

int xpi_driver_holds(void)
{
	return references() - xpi_driver.holds;
}

u32 xpi_driver_ctx(struct iommu_domain *domain)
{
	return to_xpi_domain(domain)->context.ctx;
}

int xpi_driver_attach(struct iommu_domain *domain, struct device *dev)
{
#ifdef XPI_HAVE_ATTACH_OLD
	return domain->ops->attach_dev(domain, dev, NULL);
#else
	return domain->ops->attach_dev(domain, dev);
#endif
}

/*
 * I1
 */

static DECLARE_BITMAP(waiting_maps, XPI_FAKE_DFNS);
static DECLARE_BITMAP(waiting_unmaps, XPI_FAKE_DFNS);

static unsigned int gather_waiting(const struct xpi_pending_list *p,
				   unsigned long *bits)
{
	unsigned int i;

	for (i = 0; i < p->batch.used; i++) {
		const struct xen_pv_iommu_batch *d = xpi_batch_at(&p->batch, i);

		bitmap_set(bits, d->dfn, d->nr);
	}
	return p->batch.used;
}

unsigned int xpi_driver_waiting(struct iommu_domain *domain, bool unmaps)
{
	struct xpi_domain *dom = to_xpi_domain(domain);
	unsigned long *bits = unmaps ? waiting_unmaps : waiting_maps;
	unsigned int i, nr = 0;

	bitmap_zero(bits, XPI_FAKE_DFNS);
	for (i = 0; i < dom->context.pending.nr; i++)
		nr += gather_waiting(unmaps ? &dom->pair[i].unmaps
					    : &dom->pair[i].maps, bits);
	return nr;
}

static const char *shown_differs(struct xpi_domain *dom, u64 dfn, u64 pfn,
				 const struct xpi_fake_pte *pte)
{
	bool waits = test_bit(dfn, waiting_maps);
	unsigned int flags = xpi_mappings_flags(&dom->context.mappings, dfn);
	struct xpi_frame frame;

	if (flags & XPI_LEAF_DIRECT)
		return pte->flags ? "Xen was told of a DIRECT region" : NULL;
	if (flags & XPI_LEAF_ERROR)
		return NULL;
	if (test_bit(dfn, waiting_unmaps))
		return waits && pte->flags ? NULL :
		       "what waits to be unmapped is shown as mapped";
	if (waits)
		return pte->flags ? "what waits to be mapped is mapped" : NULL;
	if (!pte->flags)
		return "the mappings show what Xen has not";
	frame = xpi_fake_frame(pfn, 1);
	if (!frame.nr || pte->gfn != frame.gfn)
		return "Xen maps another page than the mappings show";
	if (!(flags & XPI_LEAF_FOREIGN) !=
	    !(pte->flags & XEN_PV_IOMMU_F_FOREIGN))
		return "the mappings are wrong about whose page it is";
	return NULL;
}

static const char *page_differs(struct xpi_domain *dom, u64 dfn,
				const struct xpi_fake_pte *pte, bool lost)
{
	u64 pfn;

	if (xpi_mappings_lookup(&dom->context.mappings, dfn, &pfn))
		return shown_differs(dom, dfn, pfn, pte);
	if (test_bit(dfn, waiting_maps))
		return "a map waits that the mappings do not show";
	if (!test_bit(dfn, waiting_unmaps))
		return pte->flags && !lost ?
		       "Xen maps what the mappings do not show" : NULL;
	return pte->flags ? NULL : "an unmap waits for what Xen has not";
}

const char *xpi_driver_differs(struct iommu_domain *domain, bool lost)
{
	struct xpi_domain *dom = to_xpi_domain(domain);
	const struct xpi_fake_ctx *ctx = xpi_fake_ctx(dom->context.ctx);
	const char *why = NULL;
	u64 dfn;

	if (!ctx)
		return "Xen does not know the context";
	xpi_driver_waiting(domain, false);
	xpi_driver_waiting(domain, true);
	for (dfn = 0; dfn < XPI_FAKE_DFNS && !why; dfn++)
		why = page_differs(dom, dfn, &ctx->pte[dfn], lost);
	if (why)
		pr_err("dfn %#llx: %s\n", dfn - 1, why);
	return why;
}

/*
 * Devices
 */

struct test_dev {
	struct device *dev;
	struct dev_iommu iommu;
	struct pci_bus bus;
	struct pci_dev pdev;
};

static void take_dev_away(void *data)
{
	struct test_dev *t = data;
	struct xpi_dev *xdev = t->iommu.priv;

	t->dev->iommu = NULL;
	xpi_direct_del(xdev);
	xpi_dev_destroy(xdev);
}

/* Only as much of a PCI device as tells the driver its name. */
static struct xpi_dev *ask_about(struct test_dev *t, u32 sbdf)
{
#ifdef CONFIG_X86
	static struct pci_sysdata sysdata;

	t->bus.sysdata = &sysdata;
#endif
	t->bus.number = sbdf >> 8;
	t->pdev.bus = &t->bus;
	t->pdev.devfn = sbdf & 0xff;
	return xpi_dev_create(xpi_hv, &xpi_caps, &t->pdev);
}

struct device *xpi_driver_add_dev(struct kunit *test, unsigned int which)
{
	static const char * const names[XPI_FAKE_DEVS] = {
		"xpi-dev0", "xpi-dev1",
	};
	struct test_dev *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct xpi_dev *xdev;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->dev = kunit_device_register(test, names[which]);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->dev);
	xdev = ask_about(t, xpi_fake.dev[which].sbdf);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xdev);

	xpi_direct_add(xdev);
	t->iommu.priv = xdev;
	t->dev->iommu = &t->iommu;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, take_dev_away, t));
	return t->dev;
}

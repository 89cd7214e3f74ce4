// SPDX-License-Identifier: GPL-2.0
/*
 * Life of domains, devices in them, and what the core is told.
 *
 * Pins: an earlier PV-IOMMU driver sent reserved 1:1 regions although Xen maps them
 * itself; a domain that iommufd kept was freed by code that had been unloaded.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>

#include "driver.h"
#include "fake-hv.h"
#include "one.h"

#define CTX_SETS	(xpi_fake.calls[XEN_PV_IOMMU_OP_CTX_SET])

static void figures(struct kunit *test)
{
	struct iommu_domain *d = xpi_driver_domain(NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->pgsize_bitmap, SZ_4K | SZ_2M);
	KUNIT_EXPECT_EQ(test, d->geometry.aperture_start, 0);
	KUNIT_EXPECT_EQ(test, d->geometry.aperture_end, (1ULL << 39) - 1);
	KUNIT_EXPECT_TRUE(test, d->geometry.force_aperture);
	xpi_driver_free(d);
}

static void freed_while_things_wait(struct kunit *test)
{
	struct iommu_domain *d = xpi_driver_domain(NULL);
	size_t mapped;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	xpi_one = d;
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 8));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap_later(XPI_ONE_DFN, 4), 4);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map_only(0x100, XPI_ONE_PFN, 4, &mapped));
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 8);
	xpi_driver_free(d);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
}

/* iommufd may free a domain when no device holds the module any more. */
static void holds_the_module(struct kunit *test)
{
	struct iommu_domain *d[2];

#ifndef MODULE
	kunit_skip(test, "built in, there is no module to hold");
#endif
	xpi_fake.max_ctx = 1;
	d[0] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, d[0]);
	d[1] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_TRUE(test, IS_ERR(d[1]));
	KUNIT_EXPECT_EQ(test, xpi_driver_holds(), 1);
	xpi_driver_free(d[0]);
	KUNIT_EXPECT_EQ(test, xpi_driver_holds(), 0);
}

static void no_context_left(struct kunit *test)
{
	struct iommu_domain *d[2];

	xpi_fake.max_ctx = 1;
	d[0] = xpi_driver_domain(NULL);
	d[1] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, d[0]);
	KUNIT_EXPECT_PTR_EQ(test, d[1], ERR_PTR(-ENOSPC));
	xpi_driver_free(d[0]);
	d[1] = xpi_driver_domain(NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, d[1]);
	xpi_driver_free(d[1]);
}

/*
 * Q1: what users may have
 */

static const struct xpi_fake_ctx *ctx_of(struct iommu_domain *d)
{
	return xpi_fake_ctx(xpi_driver_ctx(d));
}

/* As the core does for VFIO, before a domain is made. */
static void claim(struct kunit *test, struct device *dev)
{
	KUNIT_ASSERT_EQ(test, 0,
			xpi_driver_attach(xpi_driver_ops()->blocked_domain, dev));
}

static void give_back(struct device *dev)
{
	xpi_driver_attach(xpi_driver_ops()->identity_domain, dev);
}

static struct iommu_domain *domain_as(struct kunit *test, struct device *dev,
				      unsigned int type)
{
	struct iommu_domain *d = xpi_driver_domain_as(dev, type);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	return d;
}

/* The reserve is for domains of the DMA API, from the first moment. */
static void kernels_context_has_the_reserve(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own = domain_as(test, dev, IOMMU_DOMAIN_DMA), *user;

	KUNIT_EXPECT_TRUE(test, ctx_of(own)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	claim(test, dev);
	user = domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_FALSE(test, ctx_of(user)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev));
	/* A second one of the same user. */
	xpi_driver_free(domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED));
	KUNIT_EXPECT_EQ(test, CTX_SETS, 0);
	give_back(dev);
	xpi_driver_free(user);
	xpi_driver_free(own);
}

static void guess_is_settled_at_attach(struct kunit *test)
{
	struct device *dev[2] = {
		xpi_driver_add_dev(test, 0), xpi_driver_add_dev(test, 1),
	};
	struct iommu_domain *user = domain_as(test, dev[0], IOMMU_DOMAIN_UNMANAGED);
	struct iommu_domain *own = domain_as(test, NULL, IOMMU_DOMAIN_DMA_FQ);

	KUNIT_EXPECT_TRUE(test, ctx_of(user)->reserve);
	KUNIT_EXPECT_FALSE(test, ctx_of(own)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev[0]));
	KUNIT_EXPECT_FALSE(test, ctx_of(user)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev[0]));
	KUNIT_EXPECT_TRUE(test, ctx_of(own)->reserve);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev[1]));
	KUNIT_EXPECT_EQ(test, CTX_SETS, 2);
	give_back(dev[0]);
	give_back(dev[1]);
	xpi_driver_free(user);
	xpi_driver_free(own);
}

/* A kernel's map could fail without the reserve: the device stays where it is. */
static void xen_keeps_the_old_limits(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = domain_as(test, NULL, IOMMU_DOMAIN_DMA);

	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -ENOENT, .ops = XPI_FAKE_OP(CTX_SET),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_TRUE(test, ctx_of(d)->reserve);
	give_back(dev);
	xpi_driver_free(d);
}

/* An older Xen gets no request that it does not know. */
static void xen_without_limits(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own, *user;

	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_LIMITS;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	own = domain_as(test, NULL, IOMMU_DOMAIN_DMA);
	user = domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev));
	KUNIT_EXPECT_EQ(test, CTX_SETS, 0);
	give_back(dev);
	xpi_driver_free(user);
	xpi_driver_free(own);
}

static void users_have_all_numbers(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own, *guess, *user[2];

	xpi_fake.max_ctx = 4;
	xpi_fake.ctx_reserve = 2;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	guess = domain_as(test, dev, IOMMU_DOMAIN_UNMANAGED);
	user[0] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	user[1] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_PTR_EQ(test, xpi_driver_domain(NULL), ERR_PTR(-ENOSPC));
	/* The one that began as the kernel's must not become one more. */
	KUNIT_EXPECT_EQ(test, -ENOSPC, xpi_driver_attach(guess, dev));
	own = domain_as(test, dev, IOMMU_DOMAIN_DMA);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	xpi_driver_free(user[0]);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(guess, dev));
	give_back(dev);
	xpi_driver_free(user[1]);
	xpi_driver_free(guess);
	xpi_driver_free(own);
}

/* How many tables the domain gets, each for one page. */
static unsigned int fill(struct iommu_domain *d)
{
	unsigned int n = 0;

	xpi_one = d;
	while (n < XPI_FAKE_DFNS / 512 && !xpi_one_map(n * 512, XPI_ONE_PFN, 1))
		n++;
	return n;
}

static void users_fill_up(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *own, *user[2];

	xpi_fake.pt_pages_max = 8;
	xpi_fake.pt_pages_reserve = 2;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	own = domain_as(test, dev, IOMMU_DOMAIN_DMA);
	user[0] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	user[1] = domain_as(test, NULL, IOMMU_DOMAIN_UNMANAGED);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(own, dev));
	KUNIT_EXPECT_EQ(test, fill(user[0]), 3);
	KUNIT_EXPECT_EQ(test, fill(user[1]), 3);
	KUNIT_EXPECT_EQ(test, fill(own), 2);
	give_back(dev);
	xpi_driver_free(user[0]);
	xpi_driver_free(user[1]);
	xpi_driver_free(own);
}

static void domains_are_apart(struct kunit *test)
{
	struct iommu_domain *a = xpi_driver_domain(NULL);
	struct iommu_domain *b = xpi_driver_domain(NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	xpi_one = a;
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN, 4));
	xpi_one = b;
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN), 0);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_DFN, XPI_ONE_PFN + 8, 4));
	xpi_one = a;
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN), XPI_ONE_PFN);
	xpi_driver_free(a);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 4);
	xpi_driver_free(b);
}

/* Xen says nonsense: the driver does not load. */
static void useless_xen(struct kunit *test)
{
	xpi_fake.features = 0;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_ask());
	xpi_fake_reset();
	xpi_fake.max_nr = 0;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_ask());
	xpi_fake_reset();
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_ask());
}

/* A crashed predecessor's context is not there any more, nor its device in it. */
static void reset_returns_devices(struct kunit *test)
{
	struct xen_pv_iommu_ctx c = {};
	struct xen_pv_iommu_attach a = { .dev.id = xpi_fake.dev[0].sbdf };

	KUNIT_ASSERT_EQ(test, 1,
			xpi_fake_hv.iommu_op(XEN_PV_IOMMU_OP_CTX_ALLOC, &c, 1));
	a.ctx = c.ctx;
	KUNIT_ASSERT_EQ(test, 1,
			xpi_fake_hv.iommu_op(XEN_PV_IOMMU_OP_ATTACH, &a, 1));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, c.ctx);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_reset());
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
	KUNIT_EXPECT_EQ(test, xpi_fake_nr_ctx(), 0);
}

static void reserve_as(u32 type, unsigned int which, u64 dfn, u64 nr)
{
	struct xpi_fake_dev *dev = &xpi_fake.dev[which];

	dev->resv[dev->nr_resv].type = type;
	dev->resv[dev->nr_resv].start = XPI_ADDR(dfn);
	dev->resv[dev->nr_resv].last = XPI_ADDR(dfn + nr) - 1;
	dev->nr_resv++;
}

static void reserve(unsigned int which, u64 dfn, u64 nr)
{
	reserve_as(XEN_PV_IOMMU_RESV_DIRECT, which, dfn, nr);
}

static void direct_is_never_sent(struct kunit *test)
{
	struct device *dev;

	reserve(0, XPI_ONE_PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	xpi_one = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xpi_one);
	xpi_fake_clear_counts();

	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_PFN, XPI_ONE_PFN, 16));
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_PFN + 15), XPI_ONE_PFN + 15);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_PFN, 16), 16);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_PFN), 0);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);

	/* Not the region, or not 1:1: Xen is to judge. */
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_PFN + 16, XPI_ONE_PFN + 16, 1));
	KUNIT_EXPECT_EQ(test, -EADDRINUSE, xpi_one_map(XPI_ONE_PFN, XPI_ONE_PFN + 16, 1));
	xpi_one_expect_same(test);
	xpi_driver_free(xpi_one);
}

/* L7: a program's domain has it as ordinary iova, and Xen is told so. */
static void relaxable_by_domain(struct kunit *test)
{
	struct iommu_domain *identity = xpi_driver_ops()->identity_domain;
	struct iommu_domain *api, *user;
	struct device *dev;

	reserve_as(XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE, 0, XPI_ONE_PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	api = xpi_driver_domain(dev);
	user = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, api);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, user);
	api->type = IOMMU_DOMAIN_DMA;

	/* The core maps it in the DMA API's before it attaches the device. */
	xpi_one = api;
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_PFN, XPI_ONE_PFN, 16));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(api, dev));
	KUNIT_EXPECT_FALSE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_PFN + 15), XPI_ONE_PFN + 15);
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);

	xpi_one = user;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(user, dev));
	KUNIT_EXPECT_TRUE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_PFN, XPI_ONE_PFN, 16));
	KUNIT_EXPECT_GT(test, XPI_ONE_BATCHES, 0);
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_PFN, 16), 16);
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_PFN, XPI_ONE_PFN + 16, 1));
	xpi_one_expect_same(test);

	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(api, dev));
	KUNIT_EXPECT_FALSE(test, xpi_fake.dev[0].relaxed);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(identity, dev));
	xpi_driver_free(user);
	xpi_driver_free(api);
}

/* Where Xen cannot be told, it is as DIRECT. */
static void relaxable_to_an_older_xen(struct kunit *test)
{
	struct iommu_domain *identity = xpi_driver_ops()->identity_domain;
	struct device *dev;

	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_RELAX;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	reserve_as(XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE, 0, XPI_ONE_PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	xpi_one = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xpi_one);
	xpi_fake_clear_counts();
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(xpi_one, dev));
	KUNIT_EXPECT_EQ(test, 0, xpi_one_map(XPI_ONE_PFN, XPI_ONE_PFN, 16));
	KUNIT_EXPECT_EQ(test, XPI_ONE_BATCHES, 0);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(identity, dev));
	xpi_driver_free(xpi_one);
}

static void attach_and_back(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->blocked_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_BLOCKED);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, xpi_driver_ctx(d));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->identity_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx, XEN_PV_IOMMU_CTX_DEFAULT);
	xpi_driver_free(d);
}

static const struct {
	int xen, core;
} attach_errors[] = {
	{ -ENOMEM, -ENOMEM }, { -ENOSPC, -ENOSPC }, { -ENODEV, -ENODEV },
	{ -EADDRINUSE, -EINVAL }, { -EIO, -ENODEV }, { -EPERM, -ENODEV },
	{ -ENOENT, -ENODEV }, { -ENXIO, -ENODEV }, { -EINVAL, -ENODEV },
};

static void attach_fails_as_the_core_likes_it(struct kunit *test)
{
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	for (i = 0; i < ARRAY_SIZE(attach_errors); i++) {
		xpi_fake.call_fault = (struct xpi_fake_fault){
			.err = attach_errors[i].xen,
			.ops = XPI_FAKE_OP(ATTACH),
		};
		KUNIT_EXPECT_EQ_MSG(test, attach_errors[i].core,
				    xpi_driver_attach(d, dev),
				    "Xen said %d", attach_errors[i].xen);
		KUNIT_EXPECT_EQ(test, xpi_fake.dev[0].ctx,
				XEN_PV_IOMMU_CTX_DEFAULT);
	}
	xpi_driver_free(d);
}

/* Something is mapped where the second device's region must go. */
static void attach_of_a_clash(struct kunit *test)
{
	struct device *dev;

	xpi_one = xpi_driver_domain(NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xpi_one);
	KUNIT_ASSERT_EQ(test, 0, xpi_one_map(XPI_ONE_PFN, 0, 1));
	reserve(1, XPI_ONE_PFN, 1);
	dev = xpi_driver_add_dev(test, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_driver_attach(xpi_one, dev));
	KUNIT_EXPECT_EQ(test, xpi_one_unmap(XPI_ONE_PFN, 1), 1);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(xpi_one, dev));
	KUNIT_EXPECT_EQ(test, 0,
			xpi_driver_attach(xpi_driver_ops()->identity_domain,
					  dev));
	xpi_driver_free(xpi_one);
}

/* VFIO tries it, and wants to hear -EINVAL. Xen need not be asked. */
static void attach_of_a_lesser_device(struct kunit *test)
{
	struct iommu_domain *d = xpi_driver_domain(NULL);
	struct device *dev;

	xpi_fake.dev[0].iova_last = SZ_4G - 1;
	xpi_fake.dev[1].pgsizes = SZ_4K;
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	dev = xpi_driver_add_dev(test, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_driver_attach(d, dev));
	dev = xpi_driver_add_dev(test, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	xpi_driver_free(d);

	d = xpi_driver_domain(dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, d->pgsize_bitmap, SZ_4K);
	xpi_driver_free(d);
}

/* It is held while a user has it, and only then. */
static void attach_for_a_user(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	d->type = IOMMU_DOMAIN_DMA;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 0);
	d->type = IOMMU_DOMAIN_UNMANAGED;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 1);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EIO, .ops = XPI_FAKE_OP(ATTACH),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV,
			xpi_driver_attach(ops->blocked_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 1);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->blocked_domain, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 0);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EIO, .ops = XPI_FAKE_OP(ATTACH),
	};
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_driver.held, 0);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->identity_domain, dev));
	xpi_driver_free(d);
}

/* Its group claims an isolation that is gone. */
static void attach_of_a_device_that_is_not_apart(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);
	struct iommu_domain *d = xpi_driver_domain(dev);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	xpi_driver.acs_lost = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, xpi_fake.calls[XEN_PV_IOMMU_OP_ATTACH], 0);
	d->type = IOMMU_DOMAIN_DMA;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, dev));
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->identity_domain, dev));
	xpi_driver_free(d);
}

/* At hot unplug Xen is the first to forget a device. */
static void release_of_a_device_that_is_gone(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);

	xpi_fake.dev[0].sbdf = 0xffff;
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(ops->release_domain, dev));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			xpi_driver_attach(ops->identity_domain, dev));
}

static void what_is_reserved(struct kunit *test)
{
	struct iommu_resv_region *r, *next;
	unsigned int direct = 0, msi = 0;
	LIST_HEAD(regions);
	struct device *dev;

	reserve(0, XPI_ONE_PFN, 16);
	dev = xpi_driver_add_dev(test, 0);
	xpi_driver_ops()->get_resv_regions(dev, &regions);
	list_for_each_entry_safe(r, next, &regions, list) {
		direct += r->type == IOMMU_RESV_DIRECT &&
			  r->start == XPI_ADDR(XPI_ONE_PFN) &&
			  r->length == XPI_ADDR(16);
		msi += r->type == IOMMU_RESV_MSI;
		kfree(r);
	}
	KUNIT_EXPECT_EQ(test, direct, 1);
	KUNIT_EXPECT_EQ(test, msi, IS_ENABLED(CONFIG_X86) ? 1 : 0);
}

/* The interrupt window of Xen is not reserved twice. */
static void kinds_of_reserved(struct kunit *test)
{
	static const struct {
		u32 xen;
		enum iommu_resv_type core;
		int prot;
	} kind[XPI_FAKE_RESVS] = {
		{ XEN_PV_IOMMU_RESV_DIRECT, IOMMU_RESV_DIRECT, XPI_RW },
		{ XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE,
		  IOMMU_RESV_DIRECT_RELAXABLE, XPI_RW },
		{ XEN_PV_IOMMU_RESV_MSI_HW, IOMMU_RESV_MSI,
		  IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO },
		{ XEN_PV_IOMMU_RESV_RESERVED, IOMMU_RESV_RESERVED, 0 },
	};
	struct iommu_resv_region *r, *next;
	LIST_HEAD(regions);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kind); i++)
		reserve_as(kind[i].xen, 0, XPI_ONE_PFN + i, 1);
	xpi_driver_ops()->get_resv_regions(xpi_driver_add_dev(test, 0),
					   &regions);
	i = 0;
	list_for_each_entry_safe(r, next, &regions, list) {
		if (i < ARRAY_SIZE(kind)) {
			KUNIT_EXPECT_EQ(test, r->start, XPI_ADDR(XPI_ONE_PFN + i));
			KUNIT_EXPECT_EQ(test, r->type, kind[i].core);
			KUNIT_EXPECT_EQ(test, r->prot, kind[i].prot);
		}
		i++;
		kfree(r);
	}
	KUNIT_EXPECT_EQ(test, i, ARRAY_SIZE(kind));
}

static void what_it_can(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev = xpi_driver_add_dev(test, 0);

	KUNIT_EXPECT_TRUE(test, ops->capable(dev, IOMMU_CAP_DEFERRED_FLUSH));
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_NOEXEC));
	/* On x86 all DMA snoops; else Xen would have had to say so. */
	KUNIT_EXPECT_EQ(test, ops->capable(dev, IOMMU_CAP_CACHE_COHERENCY),
			IS_ENABLED(CONFIG_X86));
	xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_DEFER;
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_DEFERRED_FLUSH));
}

/* Only what Xen says of the context that it had the device in from the start. */
static void protected_from_the_start(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev;

	xpi_fake.dev[1].flags &= ~XEN_PV_IOMMU_DEV_F_PROTECTED;
	dev = xpi_driver_add_dev(test, 0);
	KUNIT_EXPECT_TRUE(test, ops->capable(dev, IOMMU_CAP_PRE_BOOT_PROTECTION));
	dev = xpi_driver_add_dev(test, 1);
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_PRE_BOOT_PROTECTION));
}

/* A predecessor has left it there; that says nothing of the time before. */
static void blocked_is_not_protected(struct kunit *test)
{
	const struct iommu_ops *ops = xpi_driver_ops();
	struct device *dev;

	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_BLOCKED;
	dev = xpi_driver_add_dev(test, 0);
	KUNIT_EXPECT_FALSE(test, ops->capable(dev, IOMMU_CAP_PRE_BOOT_PROTECTION));
	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_DEFAULT;
}

static struct kunit_case domain_cases[] = {
	KUNIT_CASE(figures),
	KUNIT_CASE(freed_while_things_wait),
	KUNIT_CASE(holds_the_module),
	KUNIT_CASE(no_context_left),
	KUNIT_CASE(kernels_context_has_the_reserve),
	KUNIT_CASE(guess_is_settled_at_attach),
	KUNIT_CASE(xen_keeps_the_old_limits),
	KUNIT_CASE(xen_without_limits),
	KUNIT_CASE(users_have_all_numbers),
	KUNIT_CASE(users_fill_up),
	KUNIT_CASE(domains_are_apart),
	KUNIT_CASE(useless_xen),
	KUNIT_CASE(reset_returns_devices),
	KUNIT_CASE(direct_is_never_sent),
	KUNIT_CASE(relaxable_by_domain),
	KUNIT_CASE(relaxable_to_an_older_xen),
	KUNIT_CASE(attach_and_back),
	KUNIT_CASE(attach_fails_as_the_core_likes_it),
	KUNIT_CASE(attach_of_a_clash),
	KUNIT_CASE(attach_of_a_lesser_device),
	KUNIT_CASE(attach_for_a_user),
	KUNIT_CASE(attach_of_a_device_that_is_not_apart),
	KUNIT_CASE(release_of_a_device_that_is_gone),
	KUNIT_CASE(what_is_reserved),
	KUNIT_CASE(kinds_of_reserved),
	KUNIT_CASE(what_it_can),
	KUNIT_CASE(protected_from_the_start),
	KUNIT_CASE(blocked_is_not_protected),
	{}
};

static struct kunit_suite domain_suite = {
	.name = "xpi-domain",
	.init = xpi_driver_init,
	.exit = xpi_driver_exit,
	.test_cases = domain_cases,
};

kunit_test_suites(&domain_suite);

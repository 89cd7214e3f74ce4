// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>

#include "driver.h"
#include "fake-hv.h"
#include "one.h"

struct iommu_domain *xpi_one;

int xpi_one_init(struct kunit *test)
{
	int ret = xpi_driver_init(test);

	if (ret)
		return ret;
	xpi_one = xpi_driver_domain(NULL);
	if (IS_ERR(xpi_one))
		return PTR_ERR(xpi_one);
	xpi_fake_clear_counts();
	return 0;
}

void xpi_one_exit(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, xpi_driver_differs(xpi_one, false));
	xpi_driver_free(xpi_one);
	xpi_driver_exit(test);
}

/* Limits are looked at when a domain is made. */
void xpi_one_renew(struct kunit *test)
{
	xpi_driver_free(xpi_one);
	KUNIT_ASSERT_EQ(test, 0, xpi_driver_ask());
	xpi_one = xpi_driver_domain(NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xpi_one);
	xpi_fake_clear_counts();
}

int xpi_one_map(u64 dfn, u64 pfn, u64 nr)
{
	return iommu_map(xpi_one, XPI_ADDR(dfn), XPI_ADDR(pfn), XPI_ADDR(nr),
			 XPI_RW, GFP_KERNEL);
}

/* As the core does it, but the sync is left to the caller. */
int xpi_one_map_only(u64 dfn, u64 pfn, u64 nr, size_t *mapped)
{
	*mapped = 0;
	return xpi_one->ops->map_pages(xpi_one, XPI_ADDR(dfn), XPI_ADDR(pfn), SZ_4K, nr,
				       XPI_RW, GFP_ATOMIC, mapped);
}

int xpi_one_sync_map(u64 dfn, u64 nr)
{
	return xpi_one->ops->iotlb_sync_map(xpi_one, XPI_ADDR(dfn), XPI_ADDR(nr));
}

u64 xpi_one_unmap(u64 dfn, u64 nr)
{
	return iommu_unmap(xpi_one, XPI_ADDR(dfn), XPI_ADDR(nr)) >> 12;
}

/* As the DMA API does it if the flush is deferred. */
u64 xpi_one_unmap_later(u64 dfn, u64 nr)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	return iommu_unmap_fast(xpi_one, XPI_ADDR(dfn), XPI_ADDR(nr), &gather) >> 12;
}

const struct xpi_fake_pte *xpi_one_pte(u64 dfn)
{
	return &xpi_fake_ctx(xpi_driver_ctx(xpi_one))->pte[dfn];
}

u64 xpi_one_pfn(u64 dfn)
{
	return iommu_iova_to_phys(xpi_one, XPI_ADDR(dfn)) >> 12;
}

void xpi_one_expect_same(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, xpi_driver_differs(xpi_one, false));
}

void xpi_one_expect_nothing(struct kunit *test)
{
	xpi_one_expect_same(test);
	KUNIT_EXPECT_EQ(test, xpi_fake.nr_refs, 0);
	KUNIT_EXPECT_EQ(test, xpi_one_pfn(XPI_ONE_DFN), 0);
}

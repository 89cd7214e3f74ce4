// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of Xen's self-test at boot: it passes on correct page tables, frees all
 * that it allocated, and reports when it cannot run.
 */
#include "xen-fake/backend.h"

/* Called as at the creation of the domain's table. */
static int self_test(void)
{
	struct iommu_ctx_tbl *tbl = dom0.iommu.ctxs;
	unsigned int before = tbl->pt_pages;
	enum iommu_ctx_bound bound;
	struct iommu_ctx *ctx;
	int rc;

	pcidevs_lock();
	ctx = iommu_ctx_create(&dom0, tbl, INVALID, true, 0, &bound);
	rc = IS_ERR(ctx) ? PTR_ERR(ctx) : iommu_ctx_selftest(ctx);
	if (!IS_ERR(ctx))
		iommu_ctx_destroy(ctx);
	pcidevs_unlock();
	CHECK_EQ(tbl->pt_pages, before);
	return rc;
}

TEST(passes)
{
	start();
	CHECK(strstr(fake_log, "self-test passed"));
	CHECK_EQ(query().pt_pages, 2);
	CHECK_EQ(query().nr_ctx, 0);
	CHECK_EQ(self_test(), 0);
	end();
}

/*
 * A guest that guesses numbers cannot map into the context under test, nor attach a
 * device.
 */
static unsigned int looked;

static void look_for_it(void)
{
	unsigned int id;

	CHECK_EQ(dom0.iommu.ctxs->nr, 0);
	for (id = XEN_PV_IOMMU_CTX_FIRST; id < BLOCKED; id++)
		CHECK(!iommu_ctx_get(&dom0, id));
	looked++;
}

TEST(out_of_reach)
{
	start();
	looked = 0;
	machine.in_flush = look_for_it;
	CHECK_EQ(self_test(), 0);
	machine.in_flush = NULL;
	CHECK(looked);
	end();
}

TEST(without_memory)
{
	start();
	machine.fail_alloc = 0;
	CHECK_EQ(self_test(), -ENOMEM);
	machine.fail_alloc = 1;
	CHECK_EQ(self_test(), -ENOMEM);
	/* The self-test reports an allocation that fails midway. */
	machine.fail_alloc = 12;
	CHECK(self_test());
	CHECK(strstr(fake_log, "self-test failed"));
	machine.fail_alloc = -1;
	CHECK_EQ(self_test(), 0);
	end();
}

/* After any number of steps it holds only a few more tables than it has slots. */
TEST(within_a_small_quota)
{
	start();
	dom0.iommu.ctxs->pt_pages_max = 80;
	dom0.iommu.ctxs->pt_pages_reserve = 0;
	CHECK_EQ(self_test(), 0);
	end();
}

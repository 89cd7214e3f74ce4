// SPDX-License-Identifier: GPL-2.0
/*
 * Xen's boot-time self-test: it passes on sound page tables and gives back all
 * it took, and it notices when it cannot run.
 */
#include "xen-fake/backend.h"

TEST(passes)
{
	start();
	CHECK(strstr(fake_log, "self-test passed"));
	CHECK_EQ(query().pt_pages, 2);
	CHECK_EQ(query().nr_ctx, 0);
	CHECK_EQ(iommu_ctx_selftest(&dom0), 0);
	end();
}

TEST(without_memory)
{
	start();
	machine.fail_alloc = 0;
	CHECK_EQ(iommu_ctx_selftest(&dom0), -ENOMEM);
	machine.fail_alloc = 1;
	CHECK_EQ(iommu_ctx_selftest(&dom0), -ENOMEM);
	/* In the middle of it: that is for it to report. */
	machine.fail_alloc = 12;
	CHECK(iommu_ctx_selftest(&dom0));
	CHECK(strstr(fake_log, "self-test failed"));
	machine.fail_alloc = -1;
	CHECK_EQ(iommu_ctx_selftest(&dom0), 0);
	end();
}

/* However many steps it makes, it keeps few more tables than it has slots. */
TEST(within_a_small_quota)
{
	start();
	dom0.iommu.ctxs->pt_pages_max = 80;
	CHECK_EQ(iommu_ctx_selftest(&dom0), 0);
	end();
}

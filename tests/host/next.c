// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of CTX_NEXT and LOOKUP_NEXT: they find contexts and leaves without a call
 * for each number and page, in bounded steps even if there are few.
 */
#include "xen-fake/backend.h"

static struct xen_pv_iommu_ctx found;

/* Return the number of the next context, or the error. */
static long ctx_next(uint32_t from)
{
	long rc;

	memset(&found, 0x5a, sizeof(found));
	found.ctx = from;
	found.flags = 0;
	rc = call(XEN_PV_IOMMU_OP_CTX_NEXT, &found, 1);
	return rc == 1 ? (long)found.ctx : rc;
}

TEST(contexts_in_order)
{
	struct xen_pv_iommu_ctx info;
	long id[5];
	unsigned int i;

	start();
	CHECK(query().features & XEN_PV_IOMMU_FEAT_NEXT);
	CHECK_EQ(ctx_next(0), -ENOENT);
	for (i = 0; i < 5; i++)
		id[i] = i % 2 ? ctx_alloc_reserve() : ctx_alloc_as(0, 9);
	CHECK_EQ(ctx_free(id[2]), 1);
	CHECK_EQ(map(id[3], 0, RAM_MFN, 3), 1);
	CHECK_EQ(ctx_next(0), id[0]);
	CHECK_EQ(ctx_next(id[0]), id[0]);
	CHECK_EQ(ctx_next(id[0] + 1), id[1]);
	CHECK_EQ(ctx_next(id[1] + 1), id[3]);
	info = ctx_info(id[3]);
	CHECK(!memcmp(&found, &info, sizeof(info)));
	CHECK_EQ(found.nr_mapped, 3);
	CHECK_EQ(ctx_next(id[4]), id[4]);
	CHECK_EQ(found.pt_pages_max, 9);
	/* CTX_NEXT skips BLOCKED. */
	CHECK_EQ(ctx_next(id[4] + 1), -ENOENT);
	CHECK_EQ(ctx_next(BLOCKED), -ENOENT);
	CHECK_EQ(ctx_next(0x10001), -ENOENT);
	CHECK_EQ(ctx_next(~0U), -ENOENT);
	end();
}

TEST(contexts_flags)
{
	struct xen_pv_iommu_ctx c = { .flags = XEN_PV_IOMMU_CTX_F_RESERVE };

	start();
	ctx_alloc();
	CHECK_EQ(call(XEN_PV_IOMMU_OP_CTX_NEXT, &c, 1), -EINVAL);
	end();
}

/* CTX_NEXT skips a context that is being freed. */
TEST(contexts_that_are_dying)
{
	struct iommu_ctx *ctx;
	long one, two;

	start();
	one = ctx_alloc();
	two = ctx_alloc();
	ctx = iommu_ctx_get(&dom0, one);
	CHECK_EQ(iommu_ctx_free(&dom0, one), -ERESTART);
	CHECK_EQ(ctx_next(0), two);
	iommu_ctx_put(ctx);
	CHECK_EQ(ctx_free(one), 1);
	CHECK_EQ(ctx_next(0), two);
	end();
}

static struct xen_pv_iommu_lookup leaf;

/* Return the dfn of the next leaf, or the error. */
static long leaf_next(uint32_t ctx, uint64_t from)
{
	long rc;

	leaf = (struct xen_pv_iommu_lookup){
		.ctx = ctx, .dfn = from, .gfn = 0x5a, .flags = 0x5a,
		.order = 0x5a,
	};
	rc = call(XEN_PV_IOMMU_OP_LOOKUP_NEXT, &leaf, 1);
	return rc == 1 ? (long)leaf.dfn : rc;
}

TEST(leaves_in_order)
{
	uint64_t top = (1ULL << 27) - 1;
	long ctx = start_ctx();

	CHECK_EQ(leaf_next(ctx, 0), -ENOENT);
	CHECK_EQ(map(ctx, 7, RAM_MFN + 3, 2), 1);
	CHECK_EQ(map_2m(ctx, 1024, RAM_MFN + 512, 512), 1);
	CHECK_EQ(map(ctx, top, MMIO_GFN + 5, 1), 1);
	CHECK_EQ(leaf_next(ctx, 0), 7);
	CHECK_EQ(leaf.gfn, RAM_MFN + 3);
	CHECK_EQ(leaf.flags, RW);
	CHECK_EQ(leaf.order, 0);
	CHECK_EQ(leaf_next(ctx, 7 + 1), 8);
	CHECK_EQ(leaf_next(ctx, 8 + 1), 1024);
	CHECK_EQ(leaf.gfn, RAM_MFN + 512);
	CHECK_EQ(leaf.order, 9);
	/* In the middle of a leaf Xen returns that leaf and its first frame. */
	CHECK_EQ(leaf_next(ctx, 1024 + 77), 1024);
	CHECK_EQ(leaf.gfn, RAM_MFN + 512);
	CHECK_EQ(leaf_next(ctx, 1024 + 512), (long)top);
	CHECK_EQ(leaf.flags, RW | XEN_PV_IOMMU_F_MMIO);
	CHECK_EQ(leaf_next(ctx, top + 1), -ENOENT);
	CHECK_EQ(leaf_next(ctx, ~0ULL), -ENOENT);
	end();
}

TEST(leaves_errors)
{
	long ctx = start_ctx();

	CHECK_EQ(map(ctx, 7, RAM_MFN, 1), 1);
	CHECK_EQ(leaf_next(0, 0), -ENOENT);
	CHECK_EQ(leaf_next(BLOCKED, 0), -ENOENT);
	CHECK_EQ(leaf_next(ctx + 1, 0), -ENOENT);
	CHECK_EQ(leaf.gfn, XEN_PV_IOMMU_GFN_UNKNOWN);
	CHECK(!leaf.flags && !leaf.order);
	leaf.ctx = ctx;
	leaf.mbz = 1;
	CHECK_EQ(call(XEN_PV_IOMMU_OP_LOOKUP_NEXT, &leaf, 1), -EINVAL);
	end();
}

/* LOOKUP_NEXT also finds regions that Xen has mapped. */
TEST(leaves_of_regions)
{
	long ctx;

	start();
	give_region(0, 100, 2);
	ctx = ctx_alloc();
	CHECK_EQ(attach(0, ctx), 1);
	CHECK_EQ(leaf_next(ctx, 0), 100);
	CHECK_EQ(leaf.gfn, 100);
	CHECK_EQ(leaf_next(ctx, 101), 101);
	CHECK_EQ(leaf_next(ctx, 102), -ENOENT);
	end();
}

/* Make many empty tables, and one page after them. */
static long sparse(void)
{
	long ctx = ctx_alloc();
	unsigned int i;

	for (i = 0; i < 600; i++)
		CHECK_EQ(map(ctx, i * 512, RAM_MFN, 1), 1);
	for (i = 0; i < 599; i++)
		CHECK_EQ(unmap(ctx, i * 512, 1), 1);
	return ctx;
}

/* It makes progress and skips no leaf, even if preemption is always pending (XSA-492). */
TEST(leaves_are_looked_for_in_steps)
{
	struct xen_pv_iommu_lookup l[3];
	unsigned int i;
	long ctx;

	start();
	ctx = sparse();
	machine.preempt_every = 1;
	machine.maps = machine.maps_longest = 0;
	CHECK_EQ(leaf_next(ctx, 0), 599 * 512);
	CHECK(continuations >= 10);
	CHECK(machine.maps_longest <= 32 * 5);
	CHECK_EQ(leaf_next(ctx, 599 * 512 + 1), -ENOENT);
	for (i = 0; i < 3; i++)
		l[i] = (struct xen_pv_iommu_lookup){ .ctx = ctx,
						     .dfn = i * 100 * 512 };
	CHECK_EQ(call(XEN_PV_IOMMU_OP_LOOKUP_NEXT, l, 3), 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(l[i].dfn, 599 * 512);
	machine.preempt_every = 0;
	CHECK_EQ(leaf_next(ctx, 0), 599 * 512);
	CHECK_EQ(continuations, 0);
	end();
}

/* The struct stores the progress, so it must be writable. */
TEST(leaves_into_read_only_memory)
{
	long ctx;

	start();
	ctx = sparse();
	machine.preempt_every = 1;
	machine.bad = (char *)&leaf;
	machine.bad_end = (char *)(&leaf + 1);
	machine.bad_ro = true;
	CHECK_EQ(leaf_next(ctx, 0), -EFAULT);
	machine.bad = NULL;
	end();
}

/* It finds all leaves of random maps, like LOOKUP page by page. */
TEST(leaves_one_after_the_other)
{
	uint64_t dfn, i;
	unsigned int n;
	long ctx = start_ctx();

	for (n = 0; n < 40; n++) {
		dfn = rnd_below(8192);
		if (rnd_below(2))
			map(ctx, dfn, RAM_MFN + dfn, 1 + rnd_below(9));
		else
			map_2m(ctx, dfn & ~511ULL, RAM_MFN + (dfn & ~511ULL),
			       512);
	}
	machine.preempt_every = 3;
	for (dfn = 0, n = 0; leaf_next(ctx, dfn) >= 0; n++) {
		uint64_t at = leaf.dfn, gfn = leaf.gfn;
		unsigned int order = leaf.order;

		for (i = dfn; i < at; i++)
			CHECK_EQ(look(ctx, i), -ENOENT);
		CHECK_EQ(look(ctx, at), (long)gfn);
		dfn = at + (1ULL << order);
		CHECK_EQ(look(ctx, dfn - 1), (long)(gfn + (1 << order) - 1));
	}
	for (i = dfn; i < 9000; i++)
		CHECK_EQ(look(ctx, i), -ENOENT);
	CHECK(n > 20);
	end();
}

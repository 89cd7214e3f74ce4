/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fake hypervisor of drivers/iommu/xen/tests in a program with one thread. It
 * needs no lock there. One context stands for all, and the pages that the driver
 * allocates are counted.
 */
#ifndef XPI_HOST_FAKE_H
#define XPI_HOST_FAKE_H

#include <assert.h>

#include <linux/gfp.h>
#include <linux/limits.h>

#include "tests/fake-hv.h"

#include "harness.h"

int fake_locks_held;
unsigned int fake_locks_taken;

static HARNESS_UNUSED struct xpi_fake_ctx *xen_ctx;

/* Pages of the driver now, pages that it ever got, and flags that all of them had. */
static unsigned int pages, got_pages;
static gfp_t all_gfp;
static unsigned int allocs_left;	/* until the kernel has no memory */

unsigned long xpi_fake_lock(void)
{
	return 0;
}

void xpi_fake_unlock(unsigned long irqflags)
{
	(void)irqflags;
}

static HARNESS_UNUSED void *page_alloc(gfp_t gfp)
{
	void *p;

	assert(gfp && !fake_locks_held);
	if (!allocs_left)
		return NULL;
	allocs_left--;
	p = aligned_alloc(4096, 4096);
	assert(p);
	pages++;
	got_pages++;
	all_gfp &= gfp;
	return memset(p, 0, 4096);
}

static HARNESS_UNUSED void page_free(void *p)
{
	assert(p && pages && !fake_locks_held);
	pages--;
	free(p);
}

static HARNESS_UNUSED void fake_check(void)
{
	if (xpi_fake.wrong)
		FAIL("the driver sent %s", xpi_fake.wrong);
}

/* A call that fails the test at once if no good caller makes it. */
static HARNESS_UNUSED long checked_call(unsigned int op, void *array,
					unsigned int count)
{
	long ret = xpi_fake_call(op, array, count);

	fake_check();
	return ret;
}

/* Start with an empty context of that number and size. */
static HARNESS_UNUSED void fake_init(u32 ctx, u32 dfns)
{
	xpi_fake_reset();
	xpi_fake.call = checked_call;
	xpi_fake.dfns = dfns;
	xen_ctx = xpi_fake_add_ctx(ctx);
	fake_locks_held = 0;
	pages = got_pages = 0;
	all_gfp = ~0U;
	allocs_left = U32_MAX;
}

static HARNESS_UNUSED void fake_fini(void)
{
	fake_check();
	CHECK_EQ(fake_locks_held, 0);
	CHECK_EQ(pages, 0);
}

/* Arrays of descriptors since the start. */
static HARNESS_UNUSED unsigned int nr_calls(void)
{
	return xpi_fake.calls[XEN_PV_IOMMU_OP_BATCH];
}

/* gfn + 1, 0 for nothing */
static HARNESS_UNUSED u64 mapped(u64 dfn)
{
	const struct xpi_fake_pte *pte = &xen_ctx->pte[dfn];

	return pte->flags ? (u64)pte->gfn + 1 : 0;
}

#endif /* XPI_HOST_FAKE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fake hypervisor of drivers/iommu/xen/tests for programs with one thread,
 * which need no lock. It has one context and counts the pages that the driver
 * allocates.
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

/* Pages that the driver has, pages that it ever allocated, and flags common to all. */
static unsigned int pages, got_pages;
static gfp_t all_gfp;
static unsigned int allocs_left;	/* until the kernel is out of memory */

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

/* Make a call; a call that no correct caller makes fails the test at once. */
static HARNESS_UNUSED long checked_call(unsigned int op, void *array,
					unsigned int count)
{
	long ret = xpi_fake_call(op, array, count);

	fake_check();
	return ret;
}

/* Start with one empty context of that number and size. */
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

/* Return the number of arrays of descriptors since the start. */
static HARNESS_UNUSED unsigned int nr_calls(void)
{
	return xpi_fake.calls[XEN_PV_IOMMU_OP_BATCH];
}

/* Return gfn + 1, or 0 for no mapping. */
static HARNESS_UNUSED u64 mapped(u64 dfn)
{
	const struct xpi_fake_pte *pte = &xen_ctx->pte[dfn];

	return pte->flags ? (u64)pte->gfn + 1 : 0;
}

#endif /* XPI_HOST_FAKE_H */

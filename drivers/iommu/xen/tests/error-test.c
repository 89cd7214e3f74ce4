// SPDX-License-Identifier: GPL-2.0
/*
 * One thing fails, at every place where something can: each hypercall with each
 * error, pages here and there, each allocation. One life of a domain is
 * repeated, and the n-th of those things fails, for all n. Afterwards Xen and
 * the mappings agree (I6), the error was reported, and nothing is left over.
 *
 * CTX_FREE is not made to fail: the driver warns then, as it should, and no
 * caller could do anything about it.
 *
 * Pins: an earlier PV-IOMMU driver recorded mappings that Xen had refused, and
 * lost the ones that it could not record.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>

#include "driver.h"
#include "fake-hv.h"

/**
 * struct life - one life of a domain, and what was seen of it
 * @dom: the domain
 * @errors: requests that failed
 * @err: how the first of them did
 * @wrong: what must not be
 */
struct life {
	struct iommu_domain *dom;
	unsigned int errors;
	int err;
	const char *wrong;
};

static void note_error(struct life *l, int err)
{
	if (err && !l->errors++)
		l->err = err;
}

static bool shows(struct life *l, u64 dfn)
{
	return iommu_iova_to_phys(l->dom, XPI_ADDR(dfn));
}

static void try_map(struct life *l, u64 dfn, u64 pfn, u64 nr, gfp_t gfp)
{
	int err = iommu_map(l->dom, XPI_ADDR(dfn), XPI_ADDR(pfn), XPI_ADDR(nr),
			    XPI_RW, gfp);

	note_error(l, err);
	if (shows(l, dfn) != !err || shows(l, dfn + nr - 1) != !err)
		l->wrong = err ? "a failed map has left something"
			       : "a map did not map all";
}

/* Removes the mapped pages, even if Xen refuses; other pages stay unmapped. */
static void try_unmap(struct life *l, u64 dfn, u64 nr, bool later)
{
	size_t wanted = shows(l, dfn) ? XPI_ADDR(nr) : 0;
	struct iommu_iotlb_gather gather;
	size_t got;

	iommu_iotlb_gather_init(&gather);
	gather.queued = later;
	if (later)
		got = iommu_unmap_fast(l->dom, XPI_ADDR(dfn), XPI_ADDR(nr),
				       &gather);
	else
		got = iommu_unmap(l->dom, XPI_ADDR(dfn), XPI_ADDR(nr));
	if (got != wanted || shows(l, dfn))
		l->wrong = "an unmap did not unmap what was there";
}

/* Two requests wait at the same time; each learns of its own error only. */
static void try_two_that_wait(struct life *l)
{
	const struct iommu_domain_ops *ops = l->dom->ops;
	int err[2] = {}, i;

	for (i = 0; i < 2; i++) {
		size_t mapped = 0;

		err[i] = ops->map_pages(l->dom, XPI_ADDR(0x3000 + 8 * i),
					XPI_ADDR(XPI_PFN_SCATTERED + 8 * i),
					SZ_4K, 8, XPI_RW, GFP_ATOMIC, &mapped);
		if (mapped != (err[i] ? 0 : XPI_ADDR(8)))
			l->wrong = "a map that waits is there in part";
		note_error(l, err[i]);
	}
	for (i = 0; i < 2; i++) {
		if (err[i])
			continue;
		err[i] = ops->iotlb_sync_map(l->dom, XPI_ADDR(0x3000 + 8 * i),
					     XPI_ADDR(8));
		note_error(l, err[i]);
		/* As the core does it. */
		if (err[i])
			try_unmap(l, 0x3000 + 8 * i, 8, false);
	}
}

static void live(struct life *l)
{
	try_map(l, 0, XPI_PFN_SCATTERED, 32, GFP_KERNEL);
	try_map(l, 0x100, XPI_PFN_FOREIGN, 8, GFP_ATOMIC);
	try_map(l, 0x200, 0x1000, 0x200, GFP_ATOMIC);
	try_map(l, 0x800, XPI_PFN_SCATTERED + 0x100, 1200, GFP_KERNEL);
	try_map(l, 0x1000, XPI_PFN_SCATTERED, 600, GFP_ATOMIC);
	try_map(l, 0x1400, 0x2000, 0x600, GFP_KERNEL);
	try_unmap(l, 0, 16, false);
	try_unmap(l, 16, 16, false);
	try_unmap(l, 0x100, 8, true);
	try_unmap(l, 0x800, 400, true);
	try_map(l, 0x900, 0x1000, 8, GFP_ATOMIC);
	try_two_that_wait(l);
	l->dom->ops->flush_iotlb_all(l->dom);
	try_unmap(l, 0x200, 0x200, false);
	try_unmap(l, 0x1400, 0x600, true);
}

static struct life one_life(void)
{
	struct life l = { .dom = xpi_driver_domain(NULL) };
	bool lost;

	if (IS_ERR(l.dom)) {
		note_error(&l, PTR_ERR(l.dom));
		return l;
	}
	live(&l);
	/* Xen keeps what it refused to unmap; the log says so. */
	lost = xpi_fake.call_fault.fired && xpi_fake.call_fault.unmaps;
	if (!l.wrong)
		l.wrong = xpi_driver_differs(l.dom, lost);
	xpi_driver_free(l.dom);
	return l;
}

static void nothing_fails(struct kunit *test)
{
	struct life l = one_life();

	KUNIT_EXPECT_NULL_MSG(test, l.wrong, "%s", l.wrong);
	KUNIT_EXPECT_EQ(test, l.errors, 0);
	KUNIT_EXPECT_GT(test, xpi_fake.multis, 0);
}

static const int errors[] = {
	-EPERM, -EACCES, -ETXTBSY, -ENODEV, -ENOENT, -ENOMEM, -ENOSPC,
	-EADDRINUSE, -EBUSY, -ERANGE, -EEXIST, -EIO, -EINVAL, -EOPNOTSUPP,
	-EFAULT, -ENXIO,
};

/* The driver retries after -EEXIST if a pending unmap was the cause. */
static void expect_told(struct kunit *test, const struct life *l, int err)
{
	if (err == -EEXIST && !l->errors)
		return;
	KUNIT_EXPECT_EQ(test, l->errors, 1);
	if (l->err != -EIO)
		KUNIT_EXPECT_EQ(test, l->err, err);
}

/* Returns whether there was an n-th call at all. */
static bool call_fails(struct kunit *test, unsigned int n, int err)
{
	const struct xpi_fake_fault *f = &xpi_fake.call_fault;
	struct life l;

	xpi_fake.call_fault = (struct xpi_fake_fault){
		.in = n, .err = err, .ops = XPI_FAKE_OP(BATCH),
	};
	l = one_life();
	KUNIT_EXPECT_NULL_MSG(test, l.wrong, "call %u, error %d: %s", n, err,
			      l.wrong);
	if (f->fired && f->maps)
		expect_told(test, &l, err);
	else
		/* A map may come to where Xen has kept something. */
		KUNIT_EXPECT_LE(test, l.errors, f->fired);
	return f->fired;
}

static void every_call(struct kunit *test)
{
	unsigned int i, n = 0, nr = 0;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		for (n = 0; call_fails(test, n, errors[i]); n++)
			nr++;
		cond_resched();
	}
	kunit_info(test, "%u calls, %u failures", n, nr);
	KUNIT_EXPECT_GT(test, n, 15);
}

static void no_context(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		bool known = errors[i] == -ENOSPC || errors[i] == -ENOMEM;
		struct life l;

		xpi_fake.call_fault = (struct xpi_fake_fault){
			.err = errors[i], .ops = XPI_FAKE_OP(CTX_ALLOC),
		};
		l = one_life();
		KUNIT_EXPECT_EQ(test, l.err, known ? errors[i] : -ENODEV);
	}
}

/* The page is refused in the middle of a run, an array, or a multicall. */
static bool page_fails(struct kunit *test, unsigned int n, int err)
{
	struct life l;

	xpi_fake.page_fault = (struct xpi_fake_fault){ .in = n, .err = err };
	l = one_life();
	KUNIT_EXPECT_NULL_MSG(test, l.wrong, "page %u, error %d: %s", n, err,
			      l.wrong);
	if (xpi_fake.page_fault.fired)
		expect_told(test, &l, err);
	return xpi_fake.page_fault.fired;
}

static void many_pages(struct kunit *test)
{
	unsigned int n = 0, nr = 0;

	while (page_fails(test, n, errors[nr % ARRAY_SIZE(errors)])) {
		n += 13;
		nr++;
		cond_resched();
	}
	kunit_info(test, "%u pages, %u failures", n, nr);
	KUNIT_EXPECT_GT(test, nr, 100);
}

static bool allocation_fails(struct kunit *test, unsigned int n)
{
	struct life l;

	xpi_driver.alloc_failed = false;
	atomic_set(&xpi_driver.alloc_fails_in, n);
	l = one_life();
	atomic_set(&xpi_driver.alloc_fails_in, -1);
	KUNIT_EXPECT_NULL_MSG(test, l.wrong, "allocation %u: %s", n, l.wrong);
	/* Some are dispensable: with fewer buffers it takes more calls. */
	KUNIT_EXPECT_LE(test, l.errors, xpi_driver.alloc_failed);
	if (l.errors)
		KUNIT_EXPECT_EQ(test, l.err, -ENOMEM);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&xpi_driver.allocated), 0,
			    "allocation %u", n);
	KUNIT_EXPECT_EQ(test, xpi_fake_nr_ctx(), 0);
	return xpi_driver.alloc_failed;
}

static void every_allocation(struct kunit *test)
{
	unsigned int n = 0;

	while (allocation_fails(test, n))
		n++;
	kunit_info(test, "%u allocations", n);
	KUNIT_EXPECT_GT(test, n, 15);
}

static struct kunit_case error_cases[] = {
	KUNIT_CASE(nothing_fails),
	KUNIT_CASE(every_call),
	KUNIT_CASE(no_context),
	KUNIT_CASE(many_pages),
	KUNIT_CASE(every_allocation),
	{}
};

static struct kunit_suite error_suite = {
	.name = "xpi-error",
	.init = xpi_driver_init,
	.exit = xpi_driver_exit,
	.test_cases = error_cases,
};

kunit_test_suites(&error_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of each hypercall, handling of Xen's answers, and frame numbers of
 * pages. The hypercalls end here: there is no Xen.
 *
 * The driver's file is included as it is, with the kernel's ways to Xen replaced.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>

#include <asm/xen/hypercall.h>
#include <xen/interface/pv-iommu.h>
#include <xen/interface/xen.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "stats.h"

#include "driver.h"
#include "fake-hv.h"
#include "files.h"

#define PFN	0x1234U

/**
 * struct fake_xen - the other side of the hypercall
 * @call: which it was
 * @arg: of the last call, or of the last entry of a multicall
 * @calls: single calls
 * @multis: multicalls
 * @ret: what a call is answered with
 * @multi_ret: what a multicall is
 * @pv: this is a PV domain
 * @mfn: what its table has for page PFN; it counts up from there
 * @run: pages that it counts up for; what is behind has no frame
 * @page_shift: of the kernel's pages
 */
static struct fake_xen {
	unsigned long call;
	unsigned long arg[5];
	unsigned int calls;
	unsigned int multis;
	long ret;
	int multi_ret;
	bool pv;
	unsigned long mfn;
	unsigned int run;
	unsigned int page_shift;
} xen;

static long test_single_call(unsigned long call, unsigned long a1,
			     unsigned long a2, unsigned long a3,
			     unsigned long a4, unsigned long a5)
{
	xen.call = call;
	xen.arg[0] = a1;
	xen.arg[1] = a2;
	xen.arg[2] = a3;
	xen.arg[3] = a4;
	xen.arg[4] = a5;
	xen.calls++;
	return xen.ret;
}

/* Each is answered by what comes after the answer to the one before. */
static int test_multicall(struct multicall_entry *entry, unsigned int nr)
{
	unsigned int i;

	xen.multis++;
	for (i = 0; i < nr && !xen.multi_ret; i++) {
		xen.call = entry[i].op;
		memcpy(xen.arg, entry[i].args, sizeof(xen.arg));
		entry[i].result = xen.ret + i;
	}
	return xen.multi_ret;
}

static unsigned long test_mfn(u64 pfn)
{
	if (xen.mfn == INVALID_P2M_ENTRY || pfn - PFN >= xen.run)
		return INVALID_P2M_ENTRY;
	return xen.mfn + (pfn - PFN);
}

#undef PAGE_SHIFT
#define PAGE_SHIFT			(xen.page_shift)
#undef xen_pv_domain
#define xen_pv_domain()			(xen.pv)
#define __pfn_to_mfn(pfn)		test_mfn(pfn)
#define HYPERVISOR_multicall(e, nr)	test_multicall(e, nr)
#ifdef CONFIG_X86
#define xen_single_call(...)		test_single_call(__VA_ARGS__)
#else
#define privcmd_call(...)		test_single_call(__VA_ARGS__)
#endif

#include "../hv.c"

static int hv_init(struct kunit *test)
{
	memset(&xen, 0, sizeof(xen));
	xen.page_shift = XEN_PAGE_SHIFT;
	return 0;
}

static u64 counted(enum xpi_stat stat)
{
	struct xpi_stats sum;

	xpi_stats_sum(&sum);
	return sum.n[stat];
}

/*
 * Calls
 */

static void one_call(struct kunit *test)
{
	u64 before = counted(XPI_STAT_HYPERCALLS);
	struct xen_pv_iommu_query q;

	xen.ret = 1;
	KUNIT_EXPECT_EQ(test, 0, xpi_hv_one(&xpi_xen_hv,
					    XEN_PV_IOMMU_OP_QUERY, &q));
	KUNIT_EXPECT_EQ(test, xen.calls, 1);
	KUNIT_EXPECT_EQ(test, xen.call, __HYPERVISOR_iommu_op);
	KUNIT_EXPECT_EQ(test, xen.arg[0], XEN_PV_IOMMU_OP_QUERY);
	KUNIT_EXPECT_EQ(test, xen.arg[1], (unsigned long)&q);
	KUNIT_EXPECT_EQ(test, xen.arg[2], 1);
	/* Reserved, and Xen looks. */
	KUNIT_EXPECT_EQ(test, xen.arg[3], 0);
	KUNIT_EXPECT_EQ(test, xen.arg[4], 0);
	KUNIT_EXPECT_EQ(test, counted(XPI_STAT_HYPERCALLS), before + 1);
}

/* One element is done, or there is an error; other answers are invalid. */
static void answers(struct kunit *test)
{
	static const struct {
		long xen;
		int driver;
	} row[] = {
		{ 1, 0 }, { -ENOENT, -ENOENT }, { -EPERM, -EPERM },
		{ 0, -EIO }, { 2, -EIO }, { LONG_MAX, -EIO },
		{ LONG_MIN, -EIO },
	};
	struct xen_pv_iommu_ctx c = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		xen.ret = row[i].xen;
		KUNIT_EXPECT_EQ_MSG(test, row[i].driver,
				    xpi_hv_one(&xpi_xen_hv,
					       XEN_PV_IOMMU_OP_CTX_FREE, &c),
				    "Xen said %ld", row[i].xen);
	}
}

/* Two arrays, the last call for each is looked at. */
static void multicall(struct kunit *test)
{
	struct xen_pv_iommu_batch desc[3] = {};
	struct xpi_call calls[2] = {
		{ .array = &desc[0], .count = 2 },
		{ .array = &desc[2], .count = 1 },
	};
	u64 before = counted(XPI_STAT_DESCRIPTORS);

	xen.ret = 5;
	xpi_xen_hv.iommu_multi(XEN_PV_IOMMU_OP_BATCH, calls, 2);
	KUNIT_EXPECT_EQ(test, xen.multis, 1);
	KUNIT_EXPECT_EQ(test, xen.calls, 0);
	KUNIT_EXPECT_EQ(test, xen.call, __HYPERVISOR_iommu_op);
	KUNIT_EXPECT_EQ(test, xen.arg[0], XEN_PV_IOMMU_OP_BATCH);
	KUNIT_EXPECT_EQ(test, xen.arg[1], (unsigned long)&desc[2]);
	KUNIT_EXPECT_EQ(test, xen.arg[2], 1);
	KUNIT_EXPECT_EQ(test, xen.arg[3], 0);
	KUNIT_EXPECT_EQ(test, calls[0].ret, 5);
	KUNIT_EXPECT_EQ(test, calls[1].ret, 6);
	KUNIT_EXPECT_EQ(test, counted(XPI_STAT_DESCRIPTORS), before + 3);
}

/* Then no result means anything, and all of the calls have failed. */
static void multicall_that_was_not_made(struct kunit *test)
{
	struct xen_pv_iommu_batch desc[2] = {};
	struct xpi_call calls[2] = {
		{ .array = &desc[0], .count = 1, .ret = 1 },
		{ .array = &desc[1], .count = 1, .ret = 1 },
	};

	xen.multi_ret = -EFAULT;
	xpi_xen_hv.iommu_multi(XEN_PV_IOMMU_OP_BATCH, calls, 2);
	KUNIT_EXPECT_EQ(test, calls[0].ret, -EFAULT);
	KUNIT_EXPECT_EQ(test, calls[1].ret, -EFAULT);
}

/*
 * Frames
 */

static void expect_frames(struct kunit *test, u64 pfn, u32 max, u64 gfn,
			  u32 nr, u16 flags)
{
	struct xpi_frame frame = xpi_xen_hv.frame(pfn, max);

	KUNIT_EXPECT_EQ(test, frame.nr, nr);
	KUNIT_EXPECT_EQ(test, frame.gfn, gfn);
	KUNIT_EXPECT_EQ(test, frame.flags, flags);
}

/* Marks of the kernel's table are no part of the number. */
static void frames_of_pv(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_XEN_PV))
		kunit_skip(test, "this kernel cannot be a PV domain");

	xen.pv = true;
	xen.run = 3;
	xen.mfn = 0x777;
	expect_frames(test, PFN, 1, 0x777, 1, 0);
	expect_frames(test, PFN, 2, 0x777, 2, 0);
	expect_frames(test, PFN, 9, 0x777, 3, 0);
	xen.mfn = FOREIGN_FRAME(0x778);
	expect_frames(test, PFN, 1, 0x778, 1, XEN_PV_IOMMU_F_FOREIGN);
	expect_frames(test, PFN, 9, 0x778, 3, XEN_PV_IOMMU_F_FOREIGN);
	xen.mfn = IDENTITY_FRAME(PFN);
	expect_frames(test, PFN, 1, PFN, 1, XEN_PV_IOMMU_F_MMIO);
	xen.mfn = INVALID_P2M_ENTRY;
	expect_frames(test, PFN, 1, 0, 0, 0);
	expect_frames(test, PFN, 9, 0, 0, 0);
}

static void translated_frames(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	u64 pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	pfn = page_to_pfn(page);
	/* The table of a PV domain is not looked at. */
	xen.mfn = INVALID_P2M_ENTRY;
	expect_frames(test, pfn, 1, pfn, 1, 0);
	SetPageForeign(page);
	expect_frames(test, pfn, 1, pfn, 1, XEN_PV_IOMMU_F_FOREIGN);
	ClearPageForeign(page);
	expect_frames(test, pfn, 1, pfn, 1, 0);
	__free_page(page);

	/* Memory that no machine has. */
	expect_frames(test, 1ULL << 39, 9, 1ULL << 39, 9,
		      XEN_PV_IOMMU_F_MMIO);
}

/*
 * There are pages for the whole section of 128 MiB that RAM is in: of those of the
 * legacy video window, too, which is device memory, and of the kernel's own data,
 * which is as reserved as that.
 */
static void device_memory_between_ram(struct kunit *test)
{
	u64 video = 0xa0, data = virt_to_phys((void *)&loops_per_jiffy) >> 12;

	if (!IS_ENABLED(CONFIG_X86))
		kunit_skip(test, "there is no video window here");

	KUNIT_ASSERT_TRUE(test, pfn_valid(video));
	expect_frames(test, video, 0x20, video, 0x20, XEN_PV_IOMMU_F_MMIO);
	KUNIT_ASSERT_TRUE(test, PageReserved(pfn_to_page(data)));
	expect_frames(test, data, 1, data, 1, 0);
}

/*
 * The flag of foreign pages is others', too: here the swap cache's, a file
 * system's, and one that is left on a compound page.
 */
static void not_foreign(struct kunit *test)
{
	struct address_space mapping = {};
	struct page *page = alloc_page(GFP_KERNEL);
	struct page *large = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	u64 pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_NOT_NULL(test, large);
	pfn = page_to_pfn(page);
	SetPageForeign(page);
	__folio_set_swapbacked(page_folio(page));
	if (IS_ENABLED(CONFIG_SWAP))
		expect_frames(test, pfn, 1, pfn, 1, 0);
	__folio_clear_swapbacked(page_folio(page));
	expect_frames(test, pfn, 1, pfn, 1, XEN_PV_IOMMU_F_FOREIGN);
	page_folio(page)->mapping = &mapping;
	expect_frames(test, pfn, 1, pfn, 1, 0);
	page_folio(page)->mapping = NULL;
	ClearPageForeign(page);
	__free_page(page);

	pfn = page_to_pfn(large);
	set_bit(PG_foreign, (unsigned long *)&large->flags);
	expect_frames(test, pfn, 2, pfn, 2, 0);
	clear_bit(PG_foreign, (unsigned long *)&large->flags);
	__free_pages(large, 1);
}

/* As if the kernel's pages were of 16 KiB: four frames are one page. */
static void larger_pages(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	u64 pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	pfn = (u64)page_to_pfn(page) * 4;
	xen.page_shift = XEN_PAGE_SHIFT + 2;
	expect_frames(test, pfn, 4, pfn, 4, 0);
	SetPageForeign(page);
	expect_frames(test, pfn, 4, pfn, 4, XEN_PV_IOMMU_F_FOREIGN);
	expect_frames(test, pfn + 3, 1, pfn + 3, 1, XEN_PV_IOMMU_F_FOREIGN);
	ClearPageForeign(page);
	__free_page(page);
}

/* The driver leaves out a flag that Xen does not take. */
static void flags_by_features(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	u64 none = 1ULL << 39, pfn;

	KUNIT_ASSERT_NOT_NULL(test, page);
	pfn = page_to_pfn(page);
	SetPageForeign(page);
	xpi_frames_limit(XEN_PV_IOMMU_FEAT_FOREIGN);
	expect_frames(test, pfn, 1, pfn, 1, XEN_PV_IOMMU_F_FOREIGN);
	expect_frames(test, none, 1, none, 1, 0);
	xpi_frames_limit(XEN_PV_IOMMU_FEAT_MMIO | XEN_PV_IOMMU_FEAT_DEFER);
	expect_frames(test, pfn, 1, pfn, 1, 0);
	expect_frames(test, none, 1, none, 1, XEN_PV_IOMMU_F_MMIO);
	xpi_frames_limit(XEN_PV_IOMMU_FEAT_FOREIGN | XEN_PV_IOMMU_FEAT_MMIO);
	ClearPageForeign(page);
	__free_page(page);
}

/* Documentation/performance.rst has what that takes. */
static void maps_with_interrupts_off(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xpi_xen_hv.max_maps(), 64);
	xen.pv = true;
	KUNIT_EXPECT_EQ(test, xpi_xen_hv.max_maps(), UINT_MAX);
}

static struct kunit_case hv_cases[] = {
	KUNIT_CASE(one_call),
	KUNIT_CASE(answers),
	KUNIT_CASE(multicall),
	KUNIT_CASE(multicall_that_was_not_made),
	KUNIT_CASE(frames_of_pv),
	KUNIT_CASE(translated_frames),
	KUNIT_CASE(device_memory_between_ram),
	KUNIT_CASE(not_foreign),
	KUNIT_CASE(larger_pages),
	KUNIT_CASE(flags_by_features),
	KUNIT_CASE(maps_with_interrupts_off),
	{}
};

static struct kunit_suite hv_suite = {
	.name = "xpi-hv",
	.init = hv_init,
	.test_cases = hv_cases,
};

/*
 * xpi-trace: the tracepoints, as a person reads them
 */

#define TRACE	"/sys/kernel/tracing/trace"
#define ENABLE	"/sys/kernel/tracing/events/xen_pv_iommu/enable"

static int trace_init(struct kunit *test)
{
	if (!xpi_file_exists(ENABLE))
		kunit_skip(test, "tracefs is not mounted, or the kernel has no trace events");

	memset(&xen, 0, sizeof(xen));
	xen.ret = 1;
	return xpi_file_write(test, TRACE, "\n") ?:
	       xpi_file_write(test, ENABLE, "1");
}

static void trace_exit(struct kunit *test)
{
	if (xpi_file_exists(ENABLE))
		KUNIT_EXPECT_EQ(test, 0, xpi_file_write(test, ENABLE, "0"));
}

static void expect_traced(struct kunit *test, const char *text)
{
	const char *trace = xpi_file_read(test, TRACE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, trace);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(trace, text), "%s is not in\n%s",
				  text, trace);
}

static void hypercalls(struct kunit *test)
{
	struct xen_pv_iommu_batch desc[2] = { { .ctx = 9 }, { .ctx = 9 } };
	struct xpi_call calls[2] = {
		{ .array = &desc[0], .count = 1 },
		{ .array = &desc[1], .count = 1 },
	};
	struct xen_pv_iommu_attach attach = { .ctx = 5 };
	struct xen_pv_iommu_query q;

	xpi_hv_one(&xpi_xen_hv, XEN_PV_IOMMU_OP_QUERY, &q);
	expect_traced(test, "hypercall: op=query ctx=0xffff count=1 result=1 kind=single");
	xpi_hv_one(&xpi_xen_hv, XEN_PV_IOMMU_OP_ATTACH, &attach);
	expect_traced(test, "hypercall: op=attach ctx=0x5 count=1 result=1 kind=single");
	xen.ret = -EACCES;
	xpi_xen_hv.iommu_op(XEN_PV_IOMMU_OP_BATCH, desc, 2);
	expect_traced(test, "hypercall: op=batch ctx=0x9 count=2 result=-13 kind=single");
	xen.ret = 2;
	xpi_xen_hv.iommu_multi(XEN_PV_IOMMU_OP_BATCH, calls, 2);
	expect_traced(test, "hypercall: op=batch ctx=0x9 count=1 result=2 kind=multi");
	expect_traced(test, "hypercall: op=batch ctx=0x9 count=1 result=3 kind=multi");
	/* Not in any table of names. */
	xpi_hv_one(&xpi_xen_hv, 200, &q);
	expect_traced(test, "hypercall: op=unknown ctx=0xffff");
}

static const char *flush_text(struct kunit *test, struct iommu_domain *dom,
			      const char *rest)
{
	return xpi_text(test, "batch_send: ctx=%#x %s", xpi_driver_ctx(dom),
			rest);
}

static void batches_sent(struct kunit *test)
{
	struct iommu_domain *dom;

	KUNIT_ASSERT_EQ(test, 0, xpi_driver_init(test));
	dom = xpi_driver_domain(NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dom);
	KUNIT_EXPECT_EQ(test, 0, iommu_map(dom, 0, XPI_ADDR(XPI_PFN_SCATTERED),
					   XPI_ADDR(4), XPI_RW, GFP_KERNEL));
	expect_traced(test, flush_text(test, dom, "maps descriptors=2 pages=4 why=sync_map"));
	iommu_unmap(dom, 0, XPI_ADDR(4));
	expect_traced(test, flush_text(test, dom, "unmaps descriptors=1 pages=4 why=sync"));
	xpi_driver_free(dom);
	xpi_driver_exit(test);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(hypercalls),
	KUNIT_CASE(batches_sent),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "xpi-trace",
	.init = trace_init,
	.exit = trace_exit,
	.test_cases = trace_cases,
};

kunit_test_suites(&hv_suite, &trace_suite);

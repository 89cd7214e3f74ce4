// SPDX-License-Identifier: GPL-2.0
/*
 * The files in debugfs, when the driver is loaded.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "core.h"
#include "driver.h"
#include "fake-hv.h"
#include "files.h"

#define DFN	0x20U
#define PFN	0x1000U

static int debugfs_init(struct kunit *test)
{
	int ret = xpi_core_init(test);

	if (ret)
		return ret;
	if (!xpi_file_exists("/sys/kernel/debug/kunit"))
		kunit_skip(test, "debugfs is not mounted");
	xpi_fake.features |= XEN_PV_IOMMU_FEAT_LOOKUP_GFN;
	return 0;
}

/* A line that the file has, as a whole. */
static __printf(3, 4) void expect_line(struct kunit *test, const char *text,
				       const char *fmt, ...)
{
	const char *at = text;
	char line[128];
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	while ((at = strstr(at, line))) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return;
		at++;
	}
	KUNIT_FAIL(test, "there is no line '%s' in\n%s", line, text);
}

static void map(struct kunit *test, u64 dfn, u64 pfn, u64 nr)
{
	KUNIT_ASSERT_EQ(test, 0, iommu_map(xpi_core_domain(0), XPI_ADDR(dfn),
					   XPI_ADDR(pfn), XPI_ADDR(nr), XPI_RW,
					   GFP_KERNEL));
}

static int one_that_waits(u64 dfn)
{
	struct iommu_domain *dom = xpi_core_domain(0);
	size_t mapped = 0;

	return dom->ops->map_pages(dom, XPI_ADDR(dfn), XPI_ADDR(PFN), SZ_4K, 1,
				   XPI_RW, GFP_KERNEL, &mapped);
}

static void attached(struct kunit *test)
{
	const char *text;

	xpi_core_load(test);
	map(test, DFN, PFN, 4);
	map(test, 0x400, PFN, 0x200);
	KUNIT_ASSERT_EQ(test, 0, one_that_waits(DFN + 8));
	text = xpi_core_read(test, xpi_core_pdev[1], "context");
	expect_line(test, text, "context %u", xpi_fake.dev[0].ctx);
	expect_line(test, text, "xen_context %u", xpi_fake.dev[0].ctx);
	expect_line(test, text, "xen_device_flags %#x", xpi_fake.dev[0].flags);
	expect_line(test, text, "xen_context_flags %#x",
		    XEN_PV_IOMMU_CTX_F_RESERVE);
	expect_line(test, text, "xen_pages_mapped %u", 0x204);
	expect_line(test, text, "xen_table_pages %u", 1);
	expect_line(test, text, "xen_table_pages_max %u", U32_MAX);
	expect_line(test, text, "leaves_4k %u", 5);
	expect_line(test, text, "leaves_2m %u", 1);
	expect_line(test, text, "waiting_maps %u", 1);
	expect_line(test, text, "waiting_unmaps %u", 0);
	xpi_driver_unload(test);
}

static void context_of_xen(struct kunit *test)
{
	const char *text;

	xpi_driver.no_dma_api = true;
	xpi_core_load(test);
	text = xpi_core_read(test, xpi_core_pdev[0], "context");
	expect_line(test, text, "context %u", 0);
	expect_line(test, text, "xen_context %u", 0);
	/* Xen gives no figures of it, and Linux has none. */
	KUNIT_EXPECT_NULL(test, strstr(text, "xen_pages_mapped"));
	KUNIT_EXPECT_NULL(test, strstr(text, "leaves_4k"));
	text = xpi_core_read(test, xpi_core_pdev[0], "lookup");
	expect_line(test, text, "iova 0x0 context %u", 0);
	expect_line(test, text, "not a context that Linux fills");
	xpi_driver_unload(test);
}

static void xen_disagrees(struct kunit *test)
{
	xpi_core_load(test);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EPERM, .ops = XPI_FAKE_OP(DEV_QUERY),
	};
	expect_line(test, xpi_core_read(test, xpi_core_pdev[0], "context"), "xen_error -%u", EPERM);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -ENOENT, .ops = XPI_FAKE_OP(CTX_INFO),
	};
	expect_line(test, xpi_core_read(test, xpi_core_pdev[0], "context"),
		    "xen_context_error -%u", ENOENT);
	xpi_driver_unload(test);
}

/* Xen has forgotten it, so its domain goes without it; see xpi_dev_domain_gone(). */
static void device_that_is_gone(struct kunit *test)
{
	struct iommu_domain *d;
	const char *text;
	u32 sbdf;

	xpi_core_load(test);
	d = xpi_driver_domain(xpi_core_dev(0));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, d);
	KUNIT_EXPECT_EQ(test, 0, xpi_driver_attach(d, xpi_core_dev(0)));
	expect_line(test, xpi_core_read(test, xpi_core_pdev[0], "context"), "context %u",
		    xpi_driver_ctx(d));

	sbdf = xpi_fake.dev[0].sbdf;
	xpi_fake.dev[0].sbdf = 0xffff;
	xpi_fake.dev[0].ctx = XEN_PV_IOMMU_CTX_DEFAULT;
	xpi_driver_free(d);
	text = xpi_core_read(test, xpi_core_pdev[0], "context");
	expect_line(test, text, "context unknown");
	expect_line(test, text, "xen_error -%u", ENODEV);
	expect_line(test, xpi_core_read(test, xpi_core_pdev[0], "lookup"),
		    "not a context that Linux fills");
	xpi_fake.dev[0].sbdf = sbdf;
	xpi_driver_unload(test);
}

static const char *look_up(struct kunit *test, u64 dfn)
{
	const char *path = xpi_core_path(test, xpi_core_pdev[0], "lookup");
	const char *iova = xpi_text(test, "%#llx\n", XPI_ADDR(dfn) + 0x123);

	KUNIT_ASSERT_EQ(test, 0, xpi_file_write(test, path, iova));
	return xpi_core_read(test, xpi_core_pdev[0], "lookup");
}

static void lookup(struct kunit *test)
{
	const char *text;

	xpi_core_load(test);
	map(test, DFN, PFN, 4);
	map(test, 0x400, PFN, 0x200);
	text = look_up(test, DFN + 1);
	expect_line(test, text, "iova 0x21123 context %u", xpi_fake.dev[0].ctx);
	expect_line(test, text, "xen gfn %#x order 0 flags 0x3", PFN + 1);
	expect_line(test, text, "linux gfn 0x1001 pfn %#x", PFN + 1);
	text = look_up(test, 0x401);
	expect_line(test, text, "xen gfn %#x order 9 flags 0x3", PFN + 1);
	text = look_up(test, DFN + 4);
	expect_line(test, text, "xen nothing");
	expect_line(test, text, "linux nothing");
	xpi_driver_unload(test);
}

/* Other domains' frames have no number that would mean something here. */
static void lookup_of_a_secret(struct kunit *test)
{
	const char *text;

	xpi_core_load(test);
	map(test, DFN, XPI_PFN_FOREIGN, 1);
	text = look_up(test, DFN);
	expect_line(test, text, "xen gfn unknown order 0 flags %#x",
		    XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_W |
		    XEN_PV_IOMMU_F_FOREIGN);
	expect_line(test, text, "linux gfn 0xc000 pfn %#x foreign",
		    XPI_PFN_FOREIGN);
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = -EPERM, .ops = XPI_FAKE_OP(LOOKUP),
	};
	expect_line(test, look_up(test, DFN), "xen error -%u", EPERM);
	xpi_driver_unload(test);
}

/* Memory of the firmware's that Linux has no frame for. */
static void lookup_without_a_frame(struct kunit *test)
{
	xpi_fake.dev[0].nr_resv = 1;
	xpi_fake.dev[0].resv[0].type = XEN_PV_IOMMU_RESV_DIRECT;
	xpi_fake.dev[0].resv[0].start = XPI_ADDR(XPI_PFN_NONE);
	xpi_fake.dev[0].resv[0].last = XPI_ADDR(XPI_PFN_NONE + 1) - 1;
	xpi_core_load(test);
	expect_line(test, look_up(test, XPI_PFN_NONE), "linux gfn none pfn %#x",
		    XPI_PFN_NONE);
	xpi_driver_unload(test);
}

static void lookup_of_nonsense(struct kunit *test)
{
	const char *path;

	xpi_core_load(test);
	path = xpi_core_path(test, xpi_core_pdev[0], "lookup");
	look_up(test, DFN);
	KUNIT_EXPECT_EQ(test, -EINVAL, xpi_file_write(test, path, "here"));
	KUNIT_EXPECT_EQ(test, -ERANGE,
			xpi_file_write(test, path, "0x10000000000000000"));
	expect_line(test, xpi_core_read(test, xpi_core_pdev[0], "lookup"),
		    "iova 0x20123 context %u", xpi_fake.dev[0].ctx);
	xpi_driver_unload(test);
}

static unsigned long counter(struct kunit *test, const char *name)
{
	const char *text = xpi_file_read(test, XPI_CORE_DIR "/counters");
	const char *at;
	unsigned long n;
	int fields;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, text);
	at = strstr(text, name);
	KUNIT_ASSERT_NOT_NULL_MSG(test, at, "%s is not in\n%s", name, text);
	fields = sscanf(at + strlen(name), " %lu\n", &n);
	KUNIT_ASSERT_EQ_MSG(test, fields, 1, "%s has no number in\n%s", name,
			    text);
	return n;
}

static void counters(struct kunit *test)
{
	static const char * const names[] = {
		"hypercalls", "multicalls", "map_calls", "unmap_calls",
		"descriptors", "runs", "pages_mapped", "pages_unmapped",
		"maps_dropped", "deferred_unmaps", "flush_alls", "errors",
		"faults", "faults_lost", "arrays_of_1", "arrays_of_2-3",
		"arrays_of_4-7", "arrays_of_64-127", "arrays_of_128-",
	};
	unsigned long mapped, flushed;
	unsigned int i;

	xpi_core_load(test);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		counter(test, names[i]);
	mapped = counter(test, "pages_mapped");
	flushed = counter(test, "flush_alls");
	map(test, DFN, PFN, 4);
	xpi_core_domain(0)->ops->flush_iotlb_all(xpi_core_domain(0));
	KUNIT_EXPECT_EQ(test, counter(test, "pages_mapped"), mapped + 4);
	KUNIT_EXPECT_EQ(test, counter(test, "flush_alls"), flushed + 1);
	xpi_driver_unload(test);
}

static struct kunit_case debugfs_cases[] = {
	KUNIT_CASE(attached),
	KUNIT_CASE(context_of_xen),
	KUNIT_CASE(xen_disagrees),
	KUNIT_CASE(device_that_is_gone),
	KUNIT_CASE(lookup),
	KUNIT_CASE(lookup_of_a_secret),
	KUNIT_CASE(lookup_without_a_frame),
	KUNIT_CASE(lookup_of_nonsense),
	KUNIT_CASE(counters),
	{}
};

static struct kunit_suite debugfs_suite = {
	.name = "xpi-debugfs",
	.init = debugfs_init,
	.exit = xpi_core_exit,
	.test_cases = debugfs_cases,
};

kunit_test_suites(&debugfs_suite);

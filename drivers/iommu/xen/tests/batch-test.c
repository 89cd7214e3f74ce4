// SPDX-License-Identifier: GPL-2.0
/*
 * Batches of descriptors, and answers of Xen: all done, a descriptor that fails, a
 * pause, and answers that make no sense.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include <xen/interface/pv-iommu.h>

#include "batch.h"
#include "hv.h"
#include "runs.h"

#define DESCS	4U
#define PAGES	8U	/* of each descriptor */

/**
 * struct answer - what Xen returns
 * @ret: the result of the call, if @lies
 * @lies: nothing is done
 * @stops_at: the descriptor at which Xen stops; DESCS: at none
 * @done: pages of it that are done
 * @status: its status; 0: Xen only pauses, and goes on at the next call
 */
static struct answer {
	long ret;
	bool lies;
	unsigned int stops_at;
	u32 done;
	int status;
} answer;

static struct xen_pv_iommu_batch buf[DESCS] __aligned(32);
static struct xpi_batch batch;
static unsigned int calls;

static long test_op(unsigned int op, void *array, unsigned int count)
{
	struct xen_pv_iommu_batch *d = array;
	unsigned int i;

	calls++;
	if (answer.lies)
		return answer.ret;
	for (i = 0; i < count; i++) {
		if (d[i].dfn == answer.stops_at * PAGES) {
			d[i].done = answer.done;
			d[i].status = answer.status;
			answer.stops_at = answer.status ? answer.stops_at : DESCS;
			return i;
		}
		d[i].done = d[i].nr;
	}
	return count;
}

static const struct xpi_hv test_hv = { .iommu_op = test_op };

/* All but the last descriptor of the buffer are used. */
static int batch_init(struct kunit *test)
{
	unsigned int i;

	memset(buf, 0, sizeof(buf));
	answer = (struct answer){ .stops_at = DESCS };
	calls = 0;
	xpi_batch_init(&batch, &test_hv, buf, sizeof(buf), 4096);
	xpi_batch_start(&batch, 1);
	for (i = 0; i < DESCS - 1; i++) {
		const struct xpi_run run = {
			.dfn = i * PAGES, .gfn = 0x1000 + i, .nr = PAGES,
		};

		KUNIT_ASSERT_EQ(test, 0, xpi_batch_map(&batch, &run, 0,
						       XEN_PV_IOMMU_F_R));
	}
	KUNIT_ASSERT_EQ(test, calls, 0);
	return 0;
}

static void expect_sent(struct kunit *test, int ret, u64 pages,
			unsigned int nr_calls)
{
	KUNIT_EXPECT_EQ(test, xpi_batch_send(&batch), ret);
	KUNIT_EXPECT_EQ(test, batch.done, pages);
	KUNIT_EXPECT_EQ(test, calls, nr_calls);
}

static void all_in_one_call(struct kunit *test)
{
	expect_sent(test, 0, 3 * PAGES, 1);
	KUNIT_EXPECT_EQ(test, buf[2].ctx, 1);
	KUNIT_EXPECT_EQ(test, buf[2].op, XEN_PV_IOMMU_BATCH_MAP);
	KUNIT_EXPECT_EQ(test, buf[2].gfn, 0x1002);
}

/* The one that has no room any more makes the batch be sent. */
static void full(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xpi_batch_unmap(&batch, 0x100, PAGES));
	KUNIT_EXPECT_EQ(test, calls, 0);
	KUNIT_EXPECT_TRUE(test, xpi_batch_is_full(&batch));
	KUNIT_EXPECT_EQ(test, 0, xpi_batch_unmap(&batch, 0x200, PAGES));
	KUNIT_EXPECT_EQ(test, calls, 1);
	KUNIT_EXPECT_EQ(test, batch.used, 1);
	KUNIT_EXPECT_EQ(test, batch.done, 4 * PAGES);
}

/* The pages of the failing one count, as far as they are done. */
static void one_fails(struct kunit *test)
{
	answer.stops_at = 1;
	answer.done = 3;
	answer.status = -EACCES;
	expect_sent(test, -EACCES, PAGES + 3, 1);
	KUNIT_EXPECT_EQ(test, batch.sent, 1);
}

static void paused(struct kunit *test)
{
	answer.stops_at = 1;
	answer.done = 3;
	expect_sent(test, 0, 3 * PAGES, 2);
}

static void call_fails(struct kunit *test)
{
	answer.lies = true;
	answer.ret = -EPERM;
	expect_sent(test, -EPERM, 0, 1);
}

/* The driver must not loop, and not believe it. */
static void nothing_is_done(struct kunit *test)
{
	answer.lies = true;
	expect_sent(test, -EIO, 0, 1);
}

static void more_than_all(struct kunit *test)
{
	answer.lies = true;
	answer.ret = DESCS;
	expect_sent(test, -EIO, 0, 1);
}

static struct kunit_case batch_cases[] = {
	KUNIT_CASE(all_in_one_call),
	KUNIT_CASE(full),
	KUNIT_CASE(one_fails),
	KUNIT_CASE(paused),
	KUNIT_CASE(call_fails),
	KUNIT_CASE(nothing_is_done),
	KUNIT_CASE(more_than_all),
	{}
};

static struct kunit_suite batch_suite = {
	.name = "xpi-batch",
	.init = batch_init,
	.test_cases = batch_cases,
};

kunit_test_suites(&batch_suite);

// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of batches of descriptors. The fake hypervisor behaves as the interface
 * specifies, fails where a test requests it, or returns wrong results.
 */
#include <errno.h>

#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "batch.h"
#include "hv.h"
#include "runs.h"

#include "fake.h"
#include "harness.h"

#define CTX	7
#define BUF	(16 * sizeof(struct xen_pv_iommu_batch))
#define PAGES	4096

static unsigned int fail_desc;	/* this descriptor fails, counted from 1 */
static u32 fail_after;		/* pages that Xen does before the error */
static int fail_status;
static unsigned int pause_desc;	/* this descriptor stops midway, without an error */

static int fail_or_pause(const struct xen_pv_iommu_batch *d, u32 size)
{
	(void)size;
	if (xpi_fake.descs == fail_desc && d->done == fail_after)
		return fail_status;
	if (xpi_fake.descs == pause_desc && d->done && d->done == d->nr / 2)
		return XPI_FAKE_STOP;
	return 0;
}

static struct xpi_batch b;
static struct xen_pv_iommu_batch buf[BUF / sizeof(struct xen_pv_iommu_batch)]
	__attribute__((__aligned__(32)));

static void setup(void)
{
	fake_init(CTX, PAGES);
	xpi_fake.leaf = fail_or_pause;
	fail_desc = fail_after = pause_desc = 0;
	fail_status = 0;
	/* The batch must not use old contents of the buffer. */
	memset(buf, 0xaa, sizeof(buf));
	xpi_batch_init(&b, &xpi_fake_hv, buf, sizeof(buf), 1000);
	xpi_batch_start(&b, CTX);
}

static int add(u64 dfn, u64 gfn, u32 nr, u16 flags)
{
	const struct xpi_run run = { dfn, gfn, nr, flags };

	return xpi_batch_map(&b, &run, 9, XEN_PV_IOMMU_F_R);
}

static u64 count_mapped(void)
{
	return xen_ctx->nr_mapped;
}

TEST(one_call_for_many_runs)
{
	unsigned int i;

	setup();
	for (i = 0; i < 16; i++)
		CHECK_EQ(add(i * 10, i * 100, 10, 0), 0);
	CHECK_EQ(nr_calls(), 0);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(nr_calls(), 1);
	CHECK_EQ(b.done, 160);
	CHECK_EQ(mapped(155), 1505 + 1);
	CHECK_EQ(count_mapped(), 160);
	/* A second send must send nothing. */
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(nr_calls(), 1);
}

TEST(descriptor_says_what_was_asked)
{
	setup();
	CHECK_EQ(add(0x12, 0x34, 5, XEN_PV_IOMMU_F_FOREIGN), 0);
	CHECK_EQ(buf[0].dfn, 0x12);
	CHECK_EQ(buf[0].gfn, 0x34);
	CHECK_EQ(buf[0].nr, 5);
	CHECK_EQ(buf[0].done, 0);
	CHECK_EQ(buf[0].ctx, 7);
	CHECK_EQ(buf[0].op, XEN_PV_IOMMU_BATCH_MAP);
	CHECK_EQ(buf[0].order, 9);
	CHECK_EQ(buf[0].flags, XEN_PV_IOMMU_F_R | XEN_PV_IOMMU_F_FOREIGN);
	CHECK_EQ(buf[0].status, 0);
	CHECK_EQ(xpi_batch_unmap(&b, 0x12, 5), 0);
	CHECK_EQ(buf[1].op, XEN_PV_IOMMU_BATCH_UNMAP);
	CHECK_EQ(buf[1].gfn, 0);
	CHECK_EQ(buf[1].order, 0);
	CHECK_EQ(buf[1].flags, 0);	/* Xen flushes before it returns */
}

TEST(full_buffer_goes_first)
{
	unsigned int i;

	setup();
	for (i = 0; i < 40; i++)
		CHECK_EQ(add(i, i, 1, 0), 0);
	CHECK_EQ(nr_calls(), 2);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(nr_calls(), 3);
	CHECK_EQ(b.done, 40);
	CHECK_EQ(count_mapped(), 40);
}

TEST(hypervisor_limits_the_array)
{
	unsigned int i;

	setup();
	xpi_batch_init(&b, &xpi_fake_hv, buf, sizeof(buf), 3);
	xpi_batch_start(&b, CTX);
	for (i = 0; i < 7; i++)
		CHECK_EQ(add(i, i, 1, 0), 0);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(nr_calls(), 3);
	CHECK_EQ(b.done, 7);
}

static void fails_at(unsigned int desc, u32 after, int status)
{
	unsigned int i;
	int ret = 0;

	setup();
	fail_desc = desc;
	fail_after = after;
	fail_status = status;
	for (i = 0; !ret && i < 40; i++)
		ret = add(i * 10, 0, 10, 0);
	if (!ret)
		ret = xpi_batch_send_and_clear(&b);
	CHECK_EQ(ret, status);
	/* The descriptors before the failing one are done; every done page is counted. */
	CHECK_EQ(b.done, (desc - 1) * 10 + after);
	CHECK_EQ(count_mapped(), b.done);
	CHECK_EQ(b.used, 0);
}

TEST(every_descriptor_may_fail)
{
	unsigned int desc, after;

	for (desc = 1; desc <= 40; desc++)
		for (after = 0; after < 10; after++)
			fails_at(desc, after, -EACCES);
	fails_at(1, 0, -ENOMEM);
	fails_at(17, 3, -ETXTBSY);
}

/* A second attempt must not see the first one's error or count. */
TEST(error_is_gone_at_the_next_start)
{
	fails_at(5, 2, -EACCES);
	xpi_batch_start(&b, CTX);
	CHECK_EQ(b.done, 0);
	CHECK_EQ(add(1000, 0, 3, 0), 0);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(b.done, 3);
}

/* The call stopped without an error before all was done: the batch continues it. */
TEST(short_calls_are_continued)
{
	unsigned int desc;

	for (desc = 1; desc <= 16; desc++) {
		unsigned int i;

		setup();
		pause_desc = desc;
		for (i = 0; i < 16; i++)
			CHECK_EQ(add(i * 10, 0, 10, 0), 0);
		CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
		CHECK_EQ(nr_calls(), 2);
		CHECK_EQ(b.done, 160);
		/* and Xen got no page twice */
		CHECK_EQ(xpi_fake.pages, 160);
	}
}

static int refused_with(long ret)
{
	setup();
	xpi_fake.call_fault = (struct xpi_fake_fault){
		.err = ret, .always = true, .ops = XPI_FAKE_OP(BATCH),
	};
	CHECK_EQ(add(0, 0, 4, 0), 0);
	CHECK_EQ(add(4, 0, 4, 0), 0);
	return xpi_batch_send_and_clear(&b);
}

TEST(refused_calls)
{
	CHECK_EQ(refused_with(-EPERM), -EPERM);
	CHECK_EQ(b.done, 0);
	CHECK_EQ(refused_with(-ENOSYS), -ENOSYS);
	CHECK_EQ(refused_with(-EFAULT), -EFAULT);
	CHECK_EQ(nr_calls(), 1);
}

TEST(nonsense_answers)
{
	/* more than the array has; nothing without a reason; no errno */
	CHECK_EQ(refused_with(3), -EIO);
	CHECK_EQ(b.done, 0);
	CHECK_EQ(refused_with(-100000), -EIO);
}

static long idle_op(unsigned int op, void *array, unsigned int count)
{
	(void)array;
	(void)count;
	xpi_fake.calls[op]++;
	return 0;
}

static long boast_op(unsigned int op, void *array, unsigned int count)
{
	struct xen_pv_iommu_batch *d = array;

	(void)op;
	(void)count;
	d->done = d->nr + 100;
	d->status = -EACCES;
	return -EACCES;
}

static long odd_status_op(unsigned int op, void *array, unsigned int count)
{
	struct xen_pv_iommu_batch *d = array;

	(void)op;
	(void)count;
	d->status = 5;
	return 0;
}

static int with_op(long (*op)(unsigned int, void *, unsigned int))
{
	setup();
	xpi_fake.call = op;
	CHECK_EQ(add(0, 0, 4, 0), 0);
	return xpi_batch_send_and_clear(&b);
}

TEST(liars)
{
	CHECK_EQ(with_op(idle_op), -EIO);
	CHECK_EQ(nr_calls(), 1);
	CHECK_EQ(with_op(boast_op), -EACCES);
	CHECK_EQ(b.done, 4);
	CHECK_EQ(with_op(odd_status_op), -EIO);
	CHECK_EQ(b.done, 0);
}

static struct xen_pv_iommu_batch more[XPI_MULTI_MAX - 1][16]
	__attribute__((__aligned__(32)));

static void setup_large(void)
{
	unsigned int i;

	setup();
	for (i = 0; i < XPI_MULTI_MAX - 1; i++)
		xpi_batch_add_buf(&b, more[i]);
}

TEST(several_buffers_go_in_one_multicall)
{
	unsigned int i;

	setup_large();
	for (i = 0; i < 60; i++)
		CHECK_EQ(add(i * 10, i * 100, 10, 0), 0);
	CHECK_EQ(nr_calls(), 0);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(xpi_fake.multis, 1);
	CHECK_EQ(nr_calls(), 4);
	CHECK_EQ(b.done, 600);
	CHECK_EQ(count_mapped(), 600);
	/* One buffer needs no multicall. */
	CHECK_EQ(add(600, 1, 10, 0), 0);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(xpi_fake.multis, 1);
	CHECK_EQ(b.done, 610);
}

TEST(all_buffers_full)
{
	unsigned int i;

	setup_large();
	for (i = 0; i < 150; i++)
		CHECK_EQ(add(i, 0, 1, 0), 0);
	CHECK_EQ(xpi_fake.multis, 2);
	CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
	CHECK_EQ(xpi_fake.multis, 3);
	CHECK_EQ(b.done, 150);
	CHECK_EQ(count_mapped(), 150);
}

/* Only pages at the front count; Xen may have done later descriptors too. */
TEST(error_in_a_multicall)
{
	unsigned int desc, i;

	for (desc = 1; desc <= 60; desc++) {
		setup_large();
		fail_desc = desc;
		fail_after = 3;
		fail_status = -EACCES;
		for (i = 0; i < 60; i++)
			CHECK_EQ(add(i * 10, 0, 10, 0), 0);
		CHECK_EQ(xpi_batch_send_and_clear(&b), -EACCES);
		CHECK_EQ(xpi_fake.multis, 1);
		CHECK_EQ(b.done, (desc - 1) * 10 + 3);
		CHECK(count_mapped() >= b.done);
	}
}

TEST(short_calls_in_a_multicall)
{
	unsigned int desc, i;

	for (desc = 1; desc <= 60; desc++) {
		setup_large();
		pause_desc = desc;
		for (i = 0; i < 60; i++)
			CHECK_EQ(add(i * 10, 0, 10, 0), 0);
		CHECK_EQ(xpi_batch_send_and_clear(&b), 0);
		CHECK_EQ(xpi_fake.multis, 1);
		CHECK_EQ(nr_calls(), 5);
		CHECK_EQ(b.done, 600);
		CHECK_EQ(xpi_fake.pages, 600);
	}
}

/* A sender may continue after the descriptor that failed. */
TEST(send_goes_on_after_an_error)
{
	unsigned int i;

	setup();
	fail_desc = 5;
	fail_status = -EACCES;
	for (i = 0; i < 10; i++)
		CHECK_EQ(add(i * 10, 0, 10, 0), 0);
	CHECK_EQ(xpi_batch_send(&b), -EACCES);
	CHECK_EQ(b.sent, 4);
	b.sent++;
	CHECK_EQ(xpi_batch_send(&b), 0);
	CHECK_EQ(b.sent, 10);
	CHECK_EQ(count_mapped(), 90);
}

/* Random sequences: the pages counted as done are the pages that Xen maps. */
TEST(random_sequences)
{
	unsigned int round;

	for (round = 0; round < 20000; round++) {
		u64 dfn = 0, asked = 0;
		unsigned int n = 1 + rnd_below(60);
		int ret = 0;

		setup();
		fail_desc = rnd_below(2) ? 1 + rnd_below(80) : 0;
		fail_after = rnd_below(8);
		fail_status = -EACCES;
		pause_desc = rnd_below(2) ? 1 + rnd_below(80) : 0;
		while (!ret && n--) {
			u32 nr = 1 + rnd_below(20);

			ret = add(dfn, rnd_below(1000), nr, 0);
			dfn += nr;
			asked += nr;
		}
		if (!ret)
			ret = xpi_batch_send_and_clear(&b);
		CHECK(!ret || ret == -EACCES);
		CHECK(ret || b.done == asked);
		CHECK_EQ(count_mapped(), b.done);
		CHECK(!b.done || mapped(b.done - 1));
	}
}

// SPDX-License-Identifier: GPL-2.0
/* Tests of Q1: the limits of users' contexts. */
#include <errno.h>

#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "caps.h"
#include "hv.h"
#include "quota.h"

#include "fake.h"
#include "harness.h"

#define IOVA_LAST	((1ULL << 39) - 1)
#define TABLES		1000

static const struct xpi_hv *const hv = &xpi_fake_hv;

int xpi_hv_one(const struct xpi_hv *h, unsigned int op, void *arg)
{
	long ret = h->iommu_op(op, arg, 1);

	return ret == 1 ? 0 : ret ?: -EIO;
}

static struct xpi_caps caps;

static void setup(bool with_limits)
{
	xpi_fake_reset();
	xpi_fake.call = checked_call;
	if (!with_limits)
		xpi_fake.features &= ~XEN_PV_IOMMU_FEAT_LIMITS;
	caps = (struct xpi_caps){
		.features = xpi_fake.features,
		.max_ctx = 12, .ctx_reserve = with_limits ? 4 : 0,
		.user_tables = TABLES,
	};
}

/* Make the next call fail. */
static void fail_next(int err)
{
	xpi_fake.call_fault = (struct xpi_fake_fault){ .err = err, .ops = ~0U };
}

static unsigned int nr_sets(void)
{
	return xpi_fake.calls[XEN_PV_IOMMU_OP_CTX_SET];
}

/* Return the limit of page tables that Xen got. */
static u32 tables(const struct xpi_quota *q)
{
	return xpi_fake_ctx(q->ctx)->tables_asked;
}

static int make(struct xpi_quota *q, int group, bool kernel)
{
	u64 last = ~0ULL;
	int ret;

	xpi_quota_init(q, group);
	ret = xpi_quota_alloc(q, hv, &caps, kernel, &last);
	CHECK_EQ(last, ret ? ~0ULL : IOVA_LAST);
	return ret;
}

static void drop(struct xpi_quota *q)
{
	CHECK_EQ(xpi_quota_free(q, hv, &caps), 0);
}

static bool has_reserve(const struct xpi_quota *q)
{
	return xpi_fake_ctx(q->ctx)->reserve;
}

TEST(kinds)
{
	struct xpi_quota own, user;

	setup(true);
	CHECK_EQ(make(&own, 1, true), 0);
	CHECK_EQ(make(&user, 1, false), 0);
	CHECK(has_reserve(&own) && !has_reserve(&user));
	/* A context alone in its group gets Xen's own half. */
	CHECK_EQ(tables(&user), 0);
	CHECK_EQ(xpi_quota_nr_users(), 1);
	CHECK_EQ(xpi_quota_settle(&own, hv, &caps, true), 0);
	CHECK_EQ(xpi_quota_settle(&user, hv, &caps, false), 0);
	CHECK_EQ(nr_sets(), 0);
	drop(&user);
	drop(&own);
	CHECK_EQ(xpi_quota_nr_users(), 0);
}

TEST(guesses_are_settled)
{
	struct xpi_quota own, user;

	setup(true);
	CHECK_EQ(make(&own, 1, false), 0);
	CHECK_EQ(make(&user, 1, true), 0);
	CHECK_EQ(xpi_quota_settle(&own, hv, &caps, true), 0);
	CHECK_EQ(xpi_quota_settle(&user, hv, &caps, false), 0);
	CHECK(has_reserve(&own) && !has_reserve(&user));
	CHECK_EQ(xpi_quota_nr_users(), 1);
	drop(&user);
	drop(&own);
}

TEST(xen_keeps_the_old_kind)
{
	struct xpi_quota q;

	setup(true);
	CHECK_EQ(make(&q, 1, false), 0);
	fail_next(-EIO);
	CHECK_EQ(xpi_quota_settle(&q, hv, &caps, true), -ENODEV);
	CHECK_EQ(xpi_quota_nr_users(), 1);
	CHECK_EQ(xpi_quota_settle(&q, hv, &caps, true), 0);
	fail_next(-ENOSPC);
	CHECK_EQ(xpi_quota_settle(&q, hv, &caps, false), -ENOSPC);
	CHECK_EQ(xpi_quota_nr_users(), 0);
	CHECK(has_reserve(&q));
	drop(&q);
}

/* A group gets half of the eight numbers without the reserve; another group is free. */
TEST(half_of_the_numbers)
{
	struct xpi_quota user[5], other, own, no_group[5];
	unsigned int i;

	setup(true);
	for (i = 0; i < 4; i++)
		CHECK_EQ(make(&user[i], 7, false), 0);
	CHECK_EQ(make(&user[4], 7, false), -ENOSPC);
	CHECK_EQ(make(&own, 7, true), 0);
	CHECK_EQ(xpi_quota_settle(&own, hv, &caps, false), -ENOSPC);
	CHECK(has_reserve(&own));
	CHECK_EQ(make(&other, 8, false), 0);
	for (i = 0; i < 5; i++)
		CHECK_EQ(make(&no_group[i], -1, false), 0);
	drop(&user[0]);
	CHECK_EQ(xpi_quota_settle(&own, hv, &caps, false), 0);
	for (i = 1; i < 4; i++)
		drop(&user[i]);
	for (i = 0; i < 5; i++)
		drop(&no_group[i]);
	drop(&other);
	drop(&own);
	CHECK_EQ(xpi_quota_nr_users(), 0);
}

/* All contexts of a group together get half of the tables. */
TEST(half_of_the_tables)
{
	struct xpi_quota user[4], other;
	unsigned int nr, i;

	setup(true);
	CHECK_EQ(make(&other, 8, false), 0);
	for (nr = 1; nr <= 4; nr++) {
		CHECK_EQ(make(&user[nr - 1], 7, false), 0);
		for (i = 0; i < nr; i++)
			CHECK_EQ(tables(&user[i]),
				 nr > 1 ? TABLES / 2 / nr : 0);
	}
	CHECK_EQ(tables(&other), 0);
	drop(&user[3]);
	CHECK_EQ(tables(&user[0]), TABLES / 2 / 3);
	/* A context that moves to the kernel leaves its share to the others. */
	CHECK_EQ(xpi_quota_settle(&user[2], hv, &caps, true), 0);
	CHECK_EQ(tables(&user[0]), TABLES / 2 / 2);
	CHECK_EQ(tables(&user[2]), 0);
	drop(&user[1]);
	CHECK_EQ(tables(&user[0]), 0);
	drop(&user[0]);
	drop(&user[2]);
	drop(&other);
}

/* Zero would mean Xen's default, which is half of all. */
TEST(never_no_tables_at_all)
{
	struct xpi_quota user[2];

	setup(true);
	caps.user_tables = 3;
	CHECK_EQ(make(&user[0], 7, false), 0);
	CHECK_EQ(make(&user[1], 7, false), 0);
	CHECK_EQ(tables(&user[0]), 1);
	CHECK_EQ(tables(&user[1]), 1);
	drop(&user[0]);
	drop(&user[1]);
}

/* The smallest limit that caps.c accepts. */
TEST(one_number_for_users)
{
	struct xpi_quota user[2];

	setup(true);
	caps.max_ctx = 2;
	caps.ctx_reserve = 1;
	CHECK_EQ(make(&user[0], 7, false), 0);
	CHECK_EQ(make(&user[1], 7, false), -ENOSPC);
	drop(&user[0]);
}

TEST(older_xen)
{
	struct xpi_quota own, user[3];
	unsigned int i;

	setup(false);
	CHECK_EQ(make(&own, 1, true), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(make(&user[i], 1, false), 0);
	CHECK(!has_reserve(&own));
	CHECK_EQ(tables(&user[2]), 0);
	CHECK_EQ(xpi_quota_settle(&user[0], hv, &caps, true), 0);
	CHECK_EQ(xpi_quota_nr_users(), 2);
	CHECK_EQ(nr_sets(), 0);
	for (i = 0; i < 3; i++)
		drop(&user[i]);
	drop(&own);
}

TEST(xen_refuses)
{
	struct xpi_quota q;

	setup(true);
	fail_next(-ENOSPC);
	CHECK_EQ(make(&q, 1, false), -ENOSPC);
	fail_next(-ENOMEM);
	CHECK_EQ(make(&q, 1, true), -ENOMEM);
	fail_next(-EPERM);
	CHECK_EQ(make(&q, 1, true), -ENODEV);
	drop(&q);	/* no context exists */
	xpi_fake.next_ctx = XEN_PV_IOMMU_CTX_LAST + 1;
	CHECK_EQ(make(&q, 1, false), -ENODEV);
	CHECK_EQ(q.ctx, 0);
	CHECK_EQ(xpi_quota_nr_users(), 0);
}

/* Xen keeps the context: its page tables stay in use, but no list has it. */
TEST(context_that_xen_keeps)
{
	struct xpi_quota user[2];

	setup(true);
	CHECK_EQ(make(&user[0], 7, false), 0);
	CHECK_EQ(make(&user[1], 7, false), 0);
	fail_next(-EBUSY);
	CHECK_EQ(xpi_quota_free(&user[0], hv, &caps), -EBUSY);
	CHECK_EQ(xpi_quota_nr_users(), 1);
	drop(&user[1]);
	CHECK_EQ(xpi_quota_nr_users(), 0);
}

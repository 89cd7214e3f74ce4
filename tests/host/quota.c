// SPDX-License-Identifier: GPL-2.0
/*
 * Q1: what users' contexts may have, against a hypervisor that only keeps the
 * limits it is given.
 */
#include <errno.h>

#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "caps.h"
#include "hv.h"
#include "quota.h"

#include "harness.h"

#define MAX_CTX		32
#define IOVA_LAST	((1ULL << 39) - 1)
#define TABLES		1000

static struct {
	bool used;
	u32 flags;
	u32 tables;
} ctx[MAX_CTX + 1];

static unsigned int sets;	/* CTX_SETs so far */
static int fails;		/* how the next call fails; 0: it does not */
static u32 number;		/* what CTX_ALLOC says, if not 0 */
static bool limits;

static int do_alloc(struct xen_pv_iommu_ctx *c)
{
	u32 i;

	CHECK(!c->ctx && !c->iova_last);
	for (i = XEN_PV_IOMMU_CTX_FIRST; i <= MAX_CTX && ctx[i].used; i++)
		;
	if (i > MAX_CTX)
		return -ENOSPC;
	ctx[i].used = true;
	ctx[i].flags = c->flags;
	ctx[i].tables = c->pt_pages_max;
	c->ctx = number ?: i;
	c->iova_last = IOVA_LAST;
	return 0;
}

static long fake_op(unsigned int op, void *array, unsigned int count)
{
	struct xen_pv_iommu_ctx *c = array;
	int err = fails;

	CHECK_EQ(count, 1);
	fails = 0;
	if (err)
		return err;
	if (op == XEN_PV_IOMMU_OP_CTX_ALLOC)
		return do_alloc(c);
	CHECK(c->ctx && c->ctx <= MAX_CTX && ctx[c->ctx].used);
	if (op == XEN_PV_IOMMU_OP_CTX_FREE) {
		ctx[c->ctx].used = false;
		return 0;
	}
	CHECK_EQ(op, XEN_PV_IOMMU_OP_CTX_SET);
	CHECK(limits);
	sets++;
	ctx[c->ctx].flags = c->flags;
	ctx[c->ctx].tables = c->pt_pages_max;
	return 0;
}

static const struct xpi_hv hv = { .iommu_op = fake_op };

int xpi_hv_one(const struct xpi_hv *h, unsigned int op, void *arg)
{
	return h->iommu_op(op, arg, 1);
}

static struct xpi_caps caps;

static void setup(bool with_limits)
{
	memset(ctx, 0, sizeof(ctx));
	sets = 0;
	fails = 0;
	number = 0;
	limits = with_limits;
	caps = (struct xpi_caps){
		.features = with_limits ? XEN_PV_IOMMU_FEAT_LIMITS : 0,
		.max_ctx = 12, .ctx_reserve = with_limits ? 4 : 0,
		.user_tables = TABLES,
	};
}

static int make(struct xpi_quota *q, int group, bool kernel)
{
	u64 last = ~0ULL;
	int ret;

	xpi_quota_init(q, group);
	ret = xpi_quota_alloc(q, &hv, &caps, kernel, &last);
	CHECK_EQ(last, ret ? ~0ULL : IOVA_LAST);
	return ret;
}

static void drop(struct xpi_quota *q)
{
	CHECK_EQ(xpi_quota_free(q, &hv, &caps), 0);
}

static bool has_reserve(const struct xpi_quota *q)
{
	return ctx[q->ctx].flags & XEN_PV_IOMMU_CTX_F_RESERVE;
}

TEST(kinds)
{
	struct xpi_quota own, user;

	setup(true);
	CHECK_EQ(make(&own, 1, true), 0);
	CHECK_EQ(make(&user, 1, false), 0);
	CHECK(has_reserve(&own) && !has_reserve(&user));
	/* Alone in its group: Xen's own half. */
	CHECK_EQ(ctx[user.ctx].tables, 0);
	CHECK_EQ(xpi_quota_nr_users(), 1);
	CHECK_EQ(xpi_quota_settle(&own, &hv, &caps, true), 0);
	CHECK_EQ(xpi_quota_settle(&user, &hv, &caps, false), 0);
	CHECK_EQ(sets, 0);
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
	CHECK_EQ(xpi_quota_settle(&own, &hv, &caps, true), 0);
	CHECK_EQ(xpi_quota_settle(&user, &hv, &caps, false), 0);
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
	fails = -EIO;
	CHECK_EQ(xpi_quota_settle(&q, &hv, &caps, true), -ENODEV);
	CHECK_EQ(xpi_quota_nr_users(), 1);
	CHECK_EQ(xpi_quota_settle(&q, &hv, &caps, true), 0);
	fails = -ENOSPC;
	CHECK_EQ(xpi_quota_settle(&q, &hv, &caps, false), -ENOSPC);
	CHECK_EQ(xpi_quota_nr_users(), 0);
	CHECK(has_reserve(&q));
	drop(&q);
}

/* Half of the eight numbers that are not the kernel's; another group is free. */
TEST(half_of_the_numbers)
{
	struct xpi_quota user[5], other, own, no_group[5];
	unsigned int i;

	setup(true);
	for (i = 0; i < 4; i++)
		CHECK_EQ(make(&user[i], 7, false), 0);
	CHECK_EQ(make(&user[4], 7, false), -ENOSPC);
	CHECK_EQ(make(&own, 7, true), 0);
	CHECK_EQ(xpi_quota_settle(&own, &hv, &caps, false), -ENOSPC);
	CHECK(has_reserve(&own));
	CHECK_EQ(make(&other, 8, false), 0);
	for (i = 0; i < 5; i++)
		CHECK_EQ(make(&no_group[i], -1, false), 0);
	drop(&user[0]);
	CHECK_EQ(xpi_quota_settle(&own, &hv, &caps, false), 0);
	for (i = 1; i < 4; i++)
		drop(&user[i]);
	for (i = 0; i < 5; i++)
		drop(&no_group[i]);
	drop(&other);
	drop(&own);
	CHECK_EQ(xpi_quota_nr_users(), 0);
}

/* However many contexts a group has, together they get half of the tables. */
TEST(half_of_the_tables)
{
	struct xpi_quota user[4], other;
	unsigned int nr, i;

	setup(true);
	CHECK_EQ(make(&other, 8, false), 0);
	for (nr = 1; nr <= 4; nr++) {
		CHECK_EQ(make(&user[nr - 1], 7, false), 0);
		for (i = 0; i < nr; i++)
			CHECK_EQ(ctx[user[i].ctx].tables,
				 nr > 1 ? TABLES / 2 / nr : 0);
	}
	CHECK_EQ(ctx[other.ctx].tables, 0);
	drop(&user[3]);
	CHECK_EQ(ctx[user[0].ctx].tables, TABLES / 2 / 3);
	/* One that becomes the kernel's leaves its part to the rest. */
	CHECK_EQ(xpi_quota_settle(&user[2], &hv, &caps, true), 0);
	CHECK_EQ(ctx[user[0].ctx].tables, TABLES / 2 / 2);
	CHECK_EQ(ctx[user[2].ctx].tables, 0);
	drop(&user[1]);
	CHECK_EQ(ctx[user[0].ctx].tables, 0);
	drop(&user[0]);
	drop(&user[2]);
	drop(&other);
}

/* Zero would be Xen's default, which is half of all. */
TEST(never_no_tables_at_all)
{
	struct xpi_quota user[2];

	setup(true);
	caps.user_tables = 3;
	CHECK_EQ(make(&user[0], 7, false), 0);
	CHECK_EQ(make(&user[1], 7, false), 0);
	CHECK_EQ(ctx[user[0].ctx].tables, 1);
	CHECK_EQ(ctx[user[1].ctx].tables, 1);
	drop(&user[0]);
	drop(&user[1]);
}

/* The least that caps.c lets through. */
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
	CHECK_EQ(ctx[own.ctx].flags, 0);
	CHECK_EQ(ctx[user[2].ctx].tables, 0);
	CHECK_EQ(xpi_quota_settle(&user[0], &hv, &caps, true), 0);
	CHECK_EQ(xpi_quota_nr_users(), 2);
	CHECK_EQ(sets, 0);
	for (i = 0; i < 3; i++)
		drop(&user[i]);
	drop(&own);
}

TEST(xen_refuses)
{
	struct xpi_quota q;

	setup(true);
	fails = -ENOSPC;
	CHECK_EQ(make(&q, 1, false), -ENOSPC);
	fails = -ENOMEM;
	CHECK_EQ(make(&q, 1, true), -ENOMEM);
	fails = -EPERM;
	CHECK_EQ(make(&q, 1, true), -ENODEV);
	drop(&q);	/* there is none */
	number = XEN_PV_IOMMU_CTX_LAST + 1;
	CHECK_EQ(make(&q, 1, false), -ENODEV);
	CHECK_EQ(q.ctx, 0);
	CHECK_EQ(xpi_quota_nr_users(), 0);
}

/* Xen keeps it: its page tables are not to be had, but no list leads to it. */
TEST(context_that_xen_keeps)
{
	struct xpi_quota user[2];

	setup(true);
	CHECK_EQ(make(&user[0], 7, false), 0);
	CHECK_EQ(make(&user[1], 7, false), 0);
	fails = -EBUSY;
	CHECK_EQ(xpi_quota_free(&user[0], &hv, &caps), -EBUSY);
	CHECK_EQ(xpi_quota_nr_users(), 1);
	drop(&user[1]);
	CHECK_EQ(xpi_quota_nr_users(), 0);
}

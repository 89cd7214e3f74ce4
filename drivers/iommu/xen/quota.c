// SPDX-License-Identifier: GPL-2.0
/*
 * Shares this domain's page tables and context numbers among contexts.
 *
 * There are two kinds. The kernel's contexts (those of the DMA API) may use
 * Xen's reserve, so no number of users can make a map of the kernel fail. The
 * others are users' contexts, by VFIO and iommufd. Xen keeps them off the
 * reserve, and each gets by default at most half of the page tables that all of
 * them may use.
 *
 * A user of iommufd can make any number of contexts for one device. So one group
 * gets half of the numbers that users may have, and its contexts share among
 * themselves the page tables that a single one would get.
 *
 * An older Xen (no FEAT_LIMITS) has one kind. The driver shares only numbers then.
 */
#define pr_fmt(fmt) "xen-pv-iommu: " fmt

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "caps.h"
#include "hv.h"
#include "quota.h"

/* Protects the list and the kind of each context. */
static DEFINE_MUTEX(quota_lock);
static LIST_HEAD(users);

static bool has_limits(const struct xpi_caps *caps)
{
	return caps->features & XEN_PV_IOMMU_FEAT_LIMITS;
}

static bool is_users(const struct xpi_quota *q)
{
	return !list_empty(&q->user);
}

static unsigned int nr_in_group(int group)
{
	const struct xpi_quota *q;
	unsigned int nr = 0;

	lockdep_assert_held(&quota_lock);
	if (group < 0)
		return 0;

	list_for_each_entry(q, &users, user)
		nr += q->group == group;
	return nr;
}

static bool number_left(const struct xpi_caps *caps, int group)
{
	u32 share = (caps->max_ctx - caps->ctx_reserve) / 2;

	return nr_in_group(group) < max(share, 1U);
}

/* Page tables for each of @nr contexts of a group; 0 is Xen's default for one. */
static u32 tables_each(const struct xpi_caps *caps, unsigned int nr)
{
	return nr > 1 ? max(caps->user_tables / 2 / nr, 1U) : 0;
}

/* An older Xen has one kind of contexts: success. */
static int set_limits(const struct xpi_hv *hv, const struct xpi_caps *caps,
		      u16 ctx, u32 flags, u32 tables)
{
	struct xen_pv_iommu_ctx c = {
		.ctx = ctx,
		.flags = flags,
		.pt_pages_max = tables,
	};
	int ret;

	if (!has_limits(caps))
		return 0;

	ret = xpi_hv_one(hv, XEN_PV_IOMMU_OP_CTX_SET, &c);
	if (!ret || ret == -ENOSPC)
		return ret;

	pr_err_ratelimited("context %u keeps its old limits: error %d\n",
			   ctx, ret);
	return -ENODEV;
}

/* Update the limits of a group after a context was added or removed. */
static void share_out(const struct xpi_hv *hv, const struct xpi_caps *caps,
		      int group)
{
	unsigned int nr = nr_in_group(group);
	const struct xpi_quota *q;

	if (!nr)
		return;

	list_for_each_entry(q, &users, user)
		if (q->group == group)
			set_limits(hv, caps, q->ctx, 0,
				   tables_each(caps, nr));
}

static void add_user(struct xpi_quota *q, const struct xpi_hv *hv,
		     const struct xpi_caps *caps)
{
	list_add(&q->user, &users);
	if (nr_in_group(q->group) > 1)
		share_out(hv, caps, q->group);
}

static void del_user(struct xpi_quota *q, const struct xpi_hv *hv,
		     const struct xpi_caps *caps)
{
	list_del_init(&q->user);
	share_out(hv, caps, q->group);
}

void xpi_quota_init(struct xpi_quota *q, int group)
{
	q->ctx = 0;
	q->group = group;
	INIT_LIST_HEAD(&q->user);
}

static int alloc_locked(struct xpi_quota *q, const struct xpi_hv *hv,
			const struct xpi_caps *caps, bool kernel,
			u64 *iova_last)
{
	struct xen_pv_iommu_ctx c = {};
	int ret;

	if (!kernel && !number_left(caps, q->group))
		return -ENOSPC;
	if (kernel && has_limits(caps))
		c.flags = XEN_PV_IOMMU_CTX_F_RESERVE;

	ret = xpi_hv_one(hv, XEN_PV_IOMMU_OP_CTX_ALLOC, &c);
	if (ret)
		return ret == -ENOSPC || ret == -ENOMEM ? ret : -ENODEV;
	if (c.ctx < XEN_PV_IOMMU_CTX_FIRST || c.ctx > XEN_PV_IOMMU_CTX_LAST)
		return -ENODEV;

	q->ctx = c.ctx;
	*iova_last = min(*iova_last, c.iova_last);
	if (!kernel)
		add_user(q, hv, caps);
	return 0;
}

int xpi_quota_alloc(struct xpi_quota *q, const struct xpi_hv *hv,
		    const struct xpi_caps *caps, bool kernel, u64 *iova_last)
{
	int ret;

	mutex_lock(&quota_lock);
	ret = alloc_locked(q, hv, caps, kernel, iova_last);
	mutex_unlock(&quota_lock);
	return ret;
}

static int become_kernels(struct xpi_quota *q, const struct xpi_hv *hv,
			  const struct xpi_caps *caps)
{
	int ret = set_limits(hv, caps, q->ctx, XEN_PV_IOMMU_CTX_F_RESERVE, 0);

	if (!ret)
		del_user(q, hv, caps);
	return ret;
}

static int become_users(struct xpi_quota *q, const struct xpi_hv *hv,
			const struct xpi_caps *caps)
{
	int ret;

	if (!number_left(caps, q->group))
		return -ENOSPC;

	ret = set_limits(hv, caps, q->ctx, 0, 0);
	if (!ret)
		add_user(q, hv, caps);
	return ret;
}

int xpi_quota_settle(struct xpi_quota *q, const struct xpi_hv *hv,
		     const struct xpi_caps *caps, bool kernel)
{
	int ret = 0;

	mutex_lock(&quota_lock);
	if (kernel && is_users(q))
		ret = become_kernels(q, hv, caps);
	else if (!kernel && !is_users(q))
		ret = become_users(q, hv, caps);
	mutex_unlock(&quota_lock);
	return ret;
}

int xpi_quota_free(struct xpi_quota *q, const struct xpi_hv *hv,
		   const struct xpi_caps *caps)
{
	struct xen_pv_iommu_ctx c = { .ctx = q->ctx };
	int ret;

	if (!q->ctx)
		return 0;

	/* The group's other contexts get its share after Xen has freed it. */
	mutex_lock(&quota_lock);
	ret = xpi_hv_one(hv, XEN_PV_IOMMU_OP_CTX_FREE, &c);
	if (is_users(q))
		del_user(q, hv, caps);
	mutex_unlock(&quota_lock);
	return ret;
}

unsigned int xpi_quota_nr_users(void)
{
	unsigned int nr;

	mutex_lock(&quota_lock);
	nr = list_count_nodes(&users);
	mutex_unlock(&quota_lock);
	return nr;
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_QUOTA_H
#define XPI_QUOTA_H

#include <linux/list.h>
#include <linux/types.h>

struct xpi_caps;
struct xpi_hv;

/**
 * struct xpi_quota - a context's share of page tables and context numbers
 * @ctx: number of the context; 0: Xen has not created it
 * @group: number of the IOMMU group that it is for; negative: none
 * @user: entry in the list of users' contexts; empty for the kernel's
 */
struct xpi_quota {
	u16 ctx;
	int group;
	struct list_head user;
};

/**
 * xpi_quota_init() - initialise the struct before the context exists
 * @q: the struct
 * @group: number of the IOMMU group that it is for; negative: none
 */
void xpi_quota_init(struct xpi_quota *q, int group);

/**
 * xpi_quota_alloc() - make Xen create a context
 * @q: from xpi_quota_init(); @q->ctx is filled in
 * @hv: the hypervisor
 * @caps: capabilities of Xen
 * @kernel: it is for the DMA API, by the caller's guess
 * @iova_last: IN/OUT: lowered to the last byte that the context can map
 *
 * May sleep.
 *
 * Return: 0; -ENOSPC if no number is left for this kind or this group;
 * -ENOMEM; -ENODEV for any other answer.
 */
int xpi_quota_alloc(struct xpi_quota *q, const struct xpi_hv *hv,
		    const struct xpi_caps *caps, bool kernel, u64 *iova_last);

/**
 * xpi_quota_settle() - set the limits of the context's kind
 * @q: a context that Xen has created
 * @hv: the hypervisor
 * @caps: capabilities of Xen
 * @kernel: it is for the DMA API
 *
 * Required before a device is attached, when the kind is known. May sleep.
 *
 * Return: 0, -ENOSPC if users have all contexts that they may have, or -ENODEV.
 */
int xpi_quota_settle(struct xpi_quota *q, const struct xpi_hv *hv,
		     const struct xpi_caps *caps, bool kernel);

/**
 * xpi_quota_free() - make Xen free the context, if it exists
 * @q: the context; no device is in it
 * @hv: the hypervisor
 * @caps: capabilities of Xen
 *
 * May sleep.
 *
 * Return: 0 or Xen's error; then Xen keeps the context.
 */
int xpi_quota_free(struct xpi_quota *q, const struct xpi_hv *hv,
		   const struct xpi_caps *caps);

/**
 * xpi_quota_nr_users() - count the contexts that are not the kernel's
 *
 * Return: their number; may change at any time.
 */
unsigned int xpi_quota_nr_users(void);

#endif /* XPI_QUOTA_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_QUOTA_H
#define XPI_QUOTA_H

#include <linux/list.h>
#include <linux/types.h>

struct xpi_caps;
struct xpi_hv;

/**
 * struct xpi_quota - what a context may use of this domain's page tables and
 * context numbers
 * @ctx: its number; 0: Xen has given none
 * @group: number of the IOMMU group that it was made for; negative: none
 * @user: in the list of users' contexts; empty for the kernel's
 */
struct xpi_quota {
	u16 ctx;
	int group;
	struct list_head user;
};

/**
 * xpi_quota_init() - prepare the struct for a context that is not there yet
 * @q: the struct
 * @group: number of the IOMMU group that it is made for; negative: none
 */
void xpi_quota_init(struct xpi_quota *q, int group);

/**
 * xpi_quota_alloc() - let Xen make a context
 * @q: from xpi_quota_init(); @q->ctx is filled in
 * @hv: the hypervisor
 * @caps: what Xen offers
 * @kernel: it is for the DMA API, as far as the caller can tell
 * @iova_last: IN/OUT: lowered to the last byte that the context can map
 *
 * May sleep.
 *
 * Return: 0; -ENOSPC if there is no number left for this kind or this group;
 * -ENOMEM; -ENODEV for any other answer.
 */
int xpi_quota_alloc(struct xpi_quota *q, const struct xpi_hv *hv,
		    const struct xpi_caps *caps, bool kernel, u64 *iova_last);

/**
 * xpi_quota_settle() - give the context the limits of its kind
 * @q: a context that Xen has made
 * @hv: the hypervisor
 * @caps: what Xen offers
 * @kernel: it is for the DMA API
 *
 * To be called before a device is attached: then the kind is known. May sleep.
 *
 * Return: 0, -ENOSPC if users have all contexts that they may have, or -ENODEV.
 */
int xpi_quota_settle(struct xpi_quota *q, const struct xpi_hv *hv,
		     const struct xpi_caps *caps, bool kernel);

/**
 * xpi_quota_free() - let Xen free the context, if there is one
 * @q: the context; no device is in it
 * @hv: the hypervisor
 * @caps: what Xen offers
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
 * Return: how many there are. Others may be made at the same time.
 */
unsigned int xpi_quota_nr_users(void);

#endif /* XPI_QUOTA_H */

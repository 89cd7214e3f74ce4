/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_GFP_H
#define FAKE_LINUX_GFP_H

typedef unsigned int gfp_t;

#define GFP_KERNEL 1U
#define GFP_ATOMIC 2U
#define __GFP_NOWARN 4U
#define __GFP_ACCOUNT 8U
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)

#define gfpflags_allow_blocking(gfp) (!!((gfp) & GFP_KERNEL))

#endif

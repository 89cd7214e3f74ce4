/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_ALIGN_H
#define FAKE_LINUX_ALIGN_H

#define IS_ALIGNED(x, a) (!((x) & ((a) - 1)))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The C library's <limits.h> includes this file too. */
#ifndef FAKE_LINUX_LIMITS_H
#define FAKE_LINUX_LIMITS_H

#include_next <linux/limits.h>

#define U32_MAX (~0U)
#define U64_MAX (~0ULL)

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_CACHE_H
#define FAKE_LINUX_CACHE_H

#define ____cacheline_aligned_in_smp __attribute__((__aligned__(64)))

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_ASM_BARRIER_H
#define FAKE_ASM_BARRIER_H

/* Not a fence, which the thread sanitizer does not know. */
static int __attribute__((__unused__)) fake_fence;
#define smp_mb() ((void)__atomic_fetch_add(&fake_fence, 0, __ATOMIC_SEQ_CST))

#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

#endif

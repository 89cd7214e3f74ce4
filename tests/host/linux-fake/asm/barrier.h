/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_ASM_BARRIER_H
#define FAKE_ASM_BARRIER_H

/* What another CPU does at the last moment before a barrier, if a test says so. */
extern void (*fake_before_mb)(void) __attribute__((__weak__));

/*
 * Not a fence, which the thread sanitizer does not know; and nothing that two
 * threads share, for it would take that for an order between them.
 */
static inline void smp_mb(void)
{
	int here = 0;

	if (&fake_before_mb && fake_before_mb)
		fake_before_mb();
	(void)__atomic_fetch_add(&here, 0, __ATOMIC_SEQ_CST);
}

#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_ASM_BARRIER_H
#define FAKE_ASM_BARRIER_H

/* A test's other CPU runs here, at the last moment before a barrier. */
extern void (*fake_before_mb)(void) __attribute__((__weak__));

/*
 * No fence, which the thread sanitizer does not support. The variable is private to
 * the thread; otherwise the sanitizer would assume an order between threads.
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

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks that only record whether they are held. They detect locking twice and
 * unlocking a lock that is not held. fake_locks_held lets a test detect work that
 * is forbidden under a lock.
 */
#ifndef FAKE_LINUX_SPINLOCK_H
#define FAKE_LINUX_SPINLOCK_H

#include <assert.h>
#include <stdbool.h>

typedef struct {
	bool held;
} raw_spinlock_t;

extern int fake_locks_held;
/* How often a first lock was taken; interrupts are on before that. */
extern unsigned int fake_locks_taken;

/* A test's other CPU runs here, when the last lock is released. */
extern void (*fake_on_unlock)(void) __attribute__((__weak__));

static inline void raw_spin_lock_init(raw_spinlock_t *lock)
{
	lock->held = false;
}

static inline void fake_lock(raw_spinlock_t *lock)
{
	assert(!lock->held);
	lock->held = true;
	if (!fake_locks_held++)
		fake_locks_taken++;
}

static inline void fake_unlock(raw_spinlock_t *lock)
{
	assert(lock->held);
	lock->held = false;
	if (!--fake_locks_held && &fake_on_unlock && fake_on_unlock)
		fake_on_unlock();
}

#define raw_spin_lock_irqsave(lock, flags) \
	do { (flags) = 0; fake_lock(lock); } while (0)
#define raw_spin_unlock_irqrestore(lock, flags) \
	do { (void)(flags); fake_unlock(lock); } while (0)

#endif

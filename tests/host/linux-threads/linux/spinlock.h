/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks for tests with threads: real ones, and each thread counts the locks that it
 * holds.
 */
#ifndef FAKE_LINUX_SPINLOCK_H
#define FAKE_LINUX_SPINLOCK_H

#include <assert.h>
#include <pthread.h>

typedef struct {
	pthread_mutex_t mutex;
} raw_spinlock_t;

extern __thread int fake_locks_held;

static inline void raw_spin_lock_init(raw_spinlock_t *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

static inline void fake_lock(raw_spinlock_t *lock)
{
	int err = pthread_mutex_lock(&lock->mutex);

	assert(!err);
	fake_locks_held++;
}

static inline void fake_unlock(raw_spinlock_t *lock)
{
	int err = pthread_mutex_unlock(&lock->mutex);

	assert(!err);
	fake_locks_held--;
}

#define raw_spin_lock_irqsave(lock, flags) \
	do { (flags) = 0; fake_lock(lock); } while (0)
#define raw_spin_unlock_irqrestore(lock, flags) \
	do { (void)(flags); fake_unlock(lock); } while (0)

#endif

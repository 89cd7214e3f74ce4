/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_COMPILER_H
#define FAKE_LINUX_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifndef noinline
#define noinline __attribute__((__noinline__))
#endif

#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif

#define __aligned(n) __attribute__((__aligned__(n)))

#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

#ifdef XPI_TSAN
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);

#define data_race(x) ({						\
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);		\
	__auto_type data_race_x = (x);				\
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);		\
	data_race_x;						\
})
#else
#define data_race(x) (x)
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test is a function that returns if it passes. CHECK and EXPECT end it at the first
 * failure, from any depth. The runner releases what it holds (contexts, attached
 * devices, memory), and checks that Xen's counters have their old values.
 */
#ifndef MICRO_TEST_H
#define MICRO_TEST_H

#include "lib.h"

struct test {
	const char *name;		/* group.what, without arch prefix */
	void (*fn)(void);
	bool only_pv;			/* for PV page types: not run on PVH */
	bool slow;			/* seconds: only in the long run (--long) */
	bool only_pvh;			/* not run on PV: deferred flushes, 32-bit calls */
	bool from_32bit;		/* its calls are made from 32-bit mode */
};

/* One table per file, ended by an empty entry. */
extern const struct test boot_tests[];
extern const struct test query_tests[];
extern const struct test refused_tests[];
extern const struct test ctx_tests[];
extern const struct test batch_tests[];
extern const struct test frames_tests[];
extern const struct test attach_tests[];
extern const struct test dma_tests[];
extern const struct test multicall_tests[];
extern const struct test errors_tests[];
extern const struct test faults_tests[];
extern const struct test flood_tests[];
extern const struct test defer_tests[];
extern const struct test away_tests[];
extern const struct test foreign_tests[];
extern const struct test rmrr_tests[];
extern const struct test reclaim_tests[];
extern const struct test inject_tests[];
extern const struct test smp_tests[];
extern const struct test ats_tests[];
extern const struct test callers_tests[];
extern const struct test bridge_tests[];
extern const struct test unplug_tests[];
extern const struct test phantom_tests[];
extern const struct test sleep_tests[];
extern const struct test fuzz_tests[];
extern const struct test limits_tests[];
extern const struct test next_tests[];
extern const struct test kexec_tests[];

_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void test_skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* A defect of the test, not of Xen. */
#define test_abort(file, line, why) test_fail(file, line, "harness: %s", why)

#define CHECK(cond, fmt, ...) do {					\
	if (!(cond))							\
		test_fail(__FILE__, __LINE__, fmt, ##__VA_ARGS__);	\
} while (0)

/* Compare integers; prints both as signed numbers, so that errnos are readable. */
#define EXPECT(expr, want) do {						\
	long got_ = (long)(expr);					\
	long want_ = (long)(want);					\
	if (got_ != want_)						\
		test_fail(__FILE__, __LINE__, "%s is %ld (0x%lx), not %ld", \
			  #expr, got_, got_, want_);			\
} while (0)

/* Return how many tests passed, failed and were skipped so far. */
void test_tally(uint32_t *passed, uint32_t *failed, uint32_t *skipped);

/* Return the number in "name=123" on the command line, or @fallback. */
unsigned long option(const char *name, unsigned long fallback);

#endif

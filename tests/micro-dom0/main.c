// SPDX-License-Identifier: GPL-2.0
/* Start, the runner of the tests, and the end. */
#include "arch.h"
#include "clock.h"
#include "domctl.h"
#include "edu.h"
#include "hotplug.h"
#include "hypercall.h"
#include "iommu.h"
#include "mem.h"
#include "output.h"
#include "test.h"
#include "uhci.h"

static const struct test *const groups[] = {
	query_tests, ctx_tests, limits_tests, next_tests, batch_tests,
	frames_tests, attach_tests, errors_tests, multicall_tests, dma_tests,
	faults_tests, flood_tests, defer_tests,
	away_tests, foreign_tests, rmrr_tests, reclaim_tests, inject_tests,
	smp_tests, ats_tests, callers_tests, bridge_tests, unplug_tests,
	phantom_tests, sleep_tests, fuzz_tests,
	/* The last one: it does not return. */
	kexec_tests,
};

/* These run again as "callers.", with all calls made from 32-bit mode. */
static const struct test *const again_groups[] = {
	query_tests, ctx_tests, limits_tests, next_tests, batch_tests,
};

enum outcome { PASSED, FAILED, SKIPPED, NR_OUTCOMES };
static unsigned int tally[NR_OUTCOMES];

/* The running test: the target of test_fail(), and the result. */
static void *escape[5];
static enum outcome outcome;
static char reason[256];

static const char *base_name(const char *path)
{
	const char *p;

	for (p = path; *p; p++)
		if (*p == '/')
			path = p + 1;
	return path;
}

_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	int len;

	outcome = FAILED;
	va_start(ap, fmt);
	len = vformat(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	format(reason + len, sizeof(reason) - len, " (%s:%d)", base_name(file),
	       line);
	__builtin_longjmp(escape, 1);
}

_Noreturn void test_skip(const char *fmt, ...)
{
	va_list ap;

	outcome = SKIPPED;
	va_start(ap, fmt);
	vformat(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	__builtin_longjmp(escape, 1);
}

/* Run @fn; it sets outcome and reason. */
static void __attribute__((noinline)) guarded(void (*fn)(void))
{
	outcome = PASSED;
	if (!__builtin_setjmp(escape))
		fn();
}

static bool have_iommu;
static struct xen_pv_iommu_query before;

/* Release what the test holds. Xen's counters must then have their old values. */
static void reset(void)
{
	struct xen_pv_iommu_query now;

	uhci_reset();
	domctl_reset();
	hotplug_reset();
	if (have_iommu) {
		iommu_reset();
		now = query();
		EXPECT(now.nr_ctx, before.nr_ctx);
		EXPECT(now.pt_pages, before.pt_pages);
	}
	mem_reset();
}

static void report(const char *name)
{
	static const char *const word[] = { "pass", "fail", "skip" };
	const char *colon = outcome == PASSED ? "" : ": ";

	tally[outcome]++;
	result("%s micro.%s.%s%s%s", word[outcome], arch_name, name, colon,
	       outcome == PASSED ? "" : reason);
}

static void run(const struct test *t)
{
	enum outcome first;
	char kept[sizeof(reason)];

	uint64_t began = clock_ns();

	console("micro-dom0: %s\n", t->name);
	iommu_call_from(t->from_32bit ? 32 : 64);
	guarded(t->fn);
	iommu_call_from(64);
	first = outcome;
	memcpy(kept, reason, sizeof(kept));
	guarded(reset);
	if (first != PASSED) {
		/* The result of the test is more important than a leak. */
		if (outcome != PASSED)
			info("after %s: %s", t->name, reason);
		outcome = first;
		memcpy(reason, kept, sizeof(kept));
	}
	console("micro-dom0: %s took %lu ms\n", t->name,
		(clock_ns() - began) / MSEC);
	report(t->name);
}

void test_tally(uint32_t *passed, uint32_t *failed, uint32_t *skipped)
{
	*passed = tally[PASSED];
	*failed = tally[FAILED];
	*skipped = tally[SKIPPED];
}

static const char *find_option(const char *name)
{
	const char *p = arch_cmdline();
	size_t len = strlen(name);

	while (*p) {
		if (str_has_prefix(p, name) && p[len] == '=')
			return p + len + 1;
		while (*p && *p != ' ')
			p++;
		while (*p == ' ')
			p++;
	}
	return NULL;
}

unsigned long option(const char *name, unsigned long fallback)
{
	const char *p = find_option(name);
	unsigned long v = 0;

	if (!p || *p < '0' || *p > '9')
		return fallback;
	while (*p >= '0' && *p <= '9')
		v = v * 10 + *p++ - '0';
	return v;
}

/* True if @name begins with the prefix at @p, which ends at a plus sign. */
static bool begins_as(const char *name, const char *p)
{
	while (*p && *p != ' ' && *p != '+')
		if (*name++ != *p++)
			return false;
	return true;
}

/* "only=dma.+away." runs the tests whose names have one of these prefixes. */
static bool selected(const char *name)
{
	const char *only = find_option("only");

	if (!only)
		return true;
	while (!begins_as(name, only)) {
		while (*only && *only != ' ' && *only != '+')
			only++;
		if (*only++ != '+')
			return false;
	}
	return true;
}

/* Slow tests run with --long, and if the user names tests. */
static bool wants_slow(void)
{
	return option("long", 0) || find_option("only");
}

static void run_if_wanted(const struct test *t)
{
	if (selected(t->name) && (!t->slow || wants_slow()) &&
	    !(arch_is_pv ? t->only_pvh : t->only_pv))
		run(t);
}

static void run_group(const struct test *t)
{
	for (; t->name; t++)
		run_if_wanted(t);
}

static void run_group_again(const struct test *t)
{
	char name[64];

	for (; t->name; t++) {
		struct test again = *t;

		format(name, sizeof(name), "callers.%s", t->name);
		again.name = name;
		again.only_pvh = true;
		again.from_32bit = true;
		run_if_wanted(&again);
	}
}

/* One alloc and free first: memory that Xen allocates once is no leak. */
static void handshake(void)
{
	struct xen_pv_iommu_query q = { 0 };
	long rc = try_query(&q, sizeof(q));

	CHECK(rc != -ENOSYS, "this Xen has no PV-IOMMU; boot a Xen with the series");
	CHECK(rc == 1, "QUERY refused with %ld", rc);
	ctx_free(ctx_alloc());
	before = query();
	have_iommu = true;
}

static const struct test handshake_test = { .name = "handshake", .fn = handshake };

static void run_all(void)
{
	unsigned int i;

	run_group(boot_tests);
	if (option("l1tf", 0)) {
		run_group(refused_tests);
		return;
	}
	run(&handshake_test);
	for (i = 0; have_iommu && i < ARRAY_SIZE(groups); i++)
		run_group(groups[i]);
	for (i = 0; have_iommu && i < ARRAY_SIZE(again_groups); i++)
		run_group_again(again_groups[i]);
}

/* QEMU runs with -no-reboot: a reboot ends it, but a power-off only halts Xen. */
static _Noreturn void leave(void)
{
	uint32_t why = SHUTDOWN_REBOOT;

	for (;;)
		hypercall(HC_SCHED_OP, SCHEDOP_SHUTDOWN, hc_ptr(&why), 0, 0, 0);
}

static const struct test setup_test = { .name = "setup", .fn = edu_find };

void micro_main(void *start_info);
void micro_main(void *start_info)
{
	unsigned long seed, xen;

	arch_init(start_info);
	result_init();
	seed = option("seed", 1);
	random_seed(seed);
	xen = hypercall(HC_XEN_VERSION, 0, 0, 0, 0, 0);
	info("micro-dom0 %s, Xen %lu.%lu, seed %lu", arch_name, xen >> 16,
	     xen & 0xffff, seed);
	run(&setup_test);
	run_all();
	if (edu_remastered)
		info("bus mastering turned on again %u times", edu_remastered);
	result("end %u %u %u", tally[PASSED], tally[FAILED], tally[SKIPPED]);
	leave();
}

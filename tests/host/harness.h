/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole test harness: include it once, write TEST(name) { ... } blocks, and the
 * file is a test program. Tests run in the order of the file, unless the command
 * line names some.
 *
 * A failed CHECK ends its test at once (longjmp), so tests keep their state in
 * static or automatic storage and need no clean-up. The leak check runs only if all
 * tests passed, so it does not report memory that a failed test lost.
 *
 * Random tests call rnd() or rnd_below(). Each test starts the generator from
 * XPI_SEED (or the clock) and its own name. To repeat a failure, run that test
 * alone with the seed that the log shows.
 *
 * A program with its own main() defines HARNESS_NO_MAIN, sets harness_escape, and
 * reads the reason of a failure from harness_reason.
 *
 * Output is the xpi: protocol on stdout, with names host.<file>.<test>.
 */
#ifndef XPI_HARNESS_H
#define XPI_HARNESS_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef HARNESS_FILE
#error "HARNESS_FILE is the test's name; tests/host/Makefile sets it"
#endif

#define HARNESS_UNUSED __attribute__((__unused__))

struct harness_test {
	const char *name;
	void (*fn)(void);
	struct harness_test *next;
};

static struct harness_test *harness_first;
static struct harness_test **harness_tail = &harness_first;
static uint64_t harness_seed, harness_rnd_state;
static jmp_buf harness_escape;
static bool harness_skipped;
static char harness_reason[512];

static HARNESS_UNUSED void harness_register(struct harness_test *t)
{
	*harness_tail = t;
	harness_tail = &t->next;
}

/* Test names are C identifiers; the output shows '_' as '-'. */
#define TEST(id)                                                        \
	static void test_##id(void);                                    \
	static struct harness_test harness_test_##id = {                \
		.name = #id, .fn = test_##id,                           \
	};                                                              \
	static void __attribute__((__constructor__)) harness_reg_##id(void) \
	{                                                               \
		harness_register(&harness_test_##id);                   \
	}                                                               \
	static void test_##id(void)

static HARNESS_UNUSED void __attribute__((__noreturn__,
					  __format__(__printf__, 1, 2)))
harness_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(harness_reason, sizeof(harness_reason), fmt, ap);
	va_end(ap);
	longjmp(harness_escape, 1);
}

static HARNESS_UNUSED void __attribute__((__noreturn__))
harness_skip(const char *why)
{
	harness_skipped = true;
	harness_fail("%s", why);
}

#define HARNESS_STR_(x) #x
#define HARNESS_STR(x) HARNESS_STR_(x)
#define HARNESS_AT "line " HARNESS_STR(__LINE__) ": "

/* End the test as failed: FAIL("seen result", printf style). */
#define FAIL(...) harness_fail(HARNESS_AT __VA_ARGS__)

/* End the test as skipped. */
#define SKIP(why) harness_skip(why)

#define CHECK(cond)                                                     \
	do {                                                            \
		if (!(cond))                                            \
			FAIL("%s", #cond);                              \
	} while (0)

/* Compares both sides as 64 bits and prints them in decimal and hex. */
#define CHECK_EQ(seen, wanted)                                          \
	do {                                                            \
		long long harness_s = (long long)(seen);                \
		long long harness_w = (long long)(wanted);              \
		if (harness_s != harness_w)                             \
			FAIL("%s is %lld (%#llx), not %lld (%#llx)",    \
			     #seen, harness_s, harness_s, harness_w,    \
			     harness_w);                                \
	} while (0)

/* splitmix64: any seed, 0 included, gives a good sequence. */
static HARNESS_UNUSED uint64_t rnd(void)
{
	uint64_t z = harness_rnd_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Return 0 .. n - 1; no test depends on the slight bias of %. */
static HARNESS_UNUSED uint64_t rnd_below(uint64_t n)
{
	return rnd() % n;
}

/* Free text for the log, e.g. figures. */
#define INFO(fmt, ...) printf("xpi: info host." HARNESS_FILE " " fmt "\n", \
			      ##__VA_ARGS__)

static HARNESS_UNUSED const char *harness_shown(const char *name)
{
	static char shown[128];
	size_t i;

	for (i = 0; name[i] && i < sizeof(shown) - 1; i++)
		shown[i] = name[i] == '_' ? '-' : name[i];
	shown[i] = '\0';
	return shown;
}

static HARNESS_UNUSED bool harness_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name) ||
		    !strcmp(argv[i], harness_shown(name)))
			return true;
	return argc < 2;
}

static HARNESS_UNUSED void harness_set_seed(void)
{
	const char *env = getenv("XPI_SEED");

	harness_seed = env ? strtoull(env, NULL, 0) :
			     (uint64_t)time(NULL) * 1000003 + (uint64_t)clock();
	INFO("XPI_SEED=%#" PRIx64, harness_seed);
}

/* The seed depends on the name, not on the tests that ran before. */
static HARNESS_UNUSED void harness_rnd_start(const char *name)
{
	harness_rnd_state = harness_seed;
	for (; *name; name++)
		harness_rnd_state = rnd() ^ (unsigned char)*name;
}

/* 0 passed, 1 failed, 2 skipped */
static HARNESS_UNUSED int harness_run(const struct harness_test *t)
{
	harness_rnd_start(t->name);
	harness_skipped = false;
	if (!setjmp(harness_escape)) {
		t->fn();
		printf("xpi: pass host." HARNESS_FILE ".%s\n",
		       harness_shown(t->name));
		return 0;
	}
	printf("xpi: %s host." HARNESS_FILE ".%s: %s\n",
	       harness_skipped ? "skip" : "fail", harness_shown(t->name),
	       harness_reason);
	return harness_skipped ? 2 : 1;
}

#ifndef HARNESS_NO_MAIN
int main(int argc, char **argv)
{
	unsigned int count[3] = { 0 };
	const struct harness_test *t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	harness_set_seed();
	for (t = harness_first; t; t = t->next)
		if (harness_wanted(t->name, argc, argv))
			count[harness_run(t)]++;
	printf("xpi: end %u %u %u\n", count[0], count[1], count[2]);
	if (count[1] || count[0] + count[2] == 0) {
		fflush(stdout);
		_Exit(1);	/* without the leak check, see the top */
	}
	return 0;
}
#endif /* HARNESS_NO_MAIN */

#endif /* XPI_HARNESS_H */

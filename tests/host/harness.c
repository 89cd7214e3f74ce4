// SPDX-License-Identifier: GPL-2.0
/* Tests of the harness itself, mainly that random tests can be repeated. */
#include "harness.h"

static uint64_t first_of(const char *name)
{
	uint64_t kept = harness_rnd_state, z;

	harness_rnd_start(name);
	z = rnd();
	harness_rnd_state = kept;
	return z;
}

TEST(seed_repeats)
{
	CHECK_EQ(first_of("a"), first_of("a"));
	CHECK(first_of("a") != first_of("b"));
}

TEST(rnd_below_is_below)
{
	unsigned int seen = 0, i;

	for (i = 0; i < 1000; i++) {
		uint64_t r = rnd_below(7);

		CHECK(r < 7);
		seen |= 1U << r;
	}
	CHECK_EQ(seen, 0x7f);
}

static bool check_escapes(long long a, long long b)
{
	jmp_buf kept;
	bool escaped = true;

	memcpy(kept, harness_escape, sizeof(kept));
	if (!setjmp(harness_escape)) {
		CHECK_EQ(a, b);
		escaped = false;
	}
	memcpy(harness_escape, kept, sizeof(kept));
	return escaped;
}

TEST(check_eq_escapes)
{
	CHECK(check_escapes(1, 2));
	CHECK(!check_escapes(2, 2));
	CHECK(strstr(harness_reason, "a is 1 (0x1), not 2 (0x2)"));
}

TEST(names_of_tests)
{
	CHECK(!strcmp(harness_shown("a_b_1"), "a-b-1"));
}

// SPDX-License-Identifier: GPL-2.0
#include "arch.h"
#include "clock.h"
#include "hypercall.h"
#include "io.h"

/* TSC ticks since the stamp, scaled by Xen's 32.32 fixed-point factor. */
static uint64_t scale(uint64_t ticks, const struct xen_time *t)
{
	if (t->tsc_shift >= 0)
		ticks <<= t->tsc_shift;
	else
		ticks >>= -t->tsc_shift;
	return (unsigned __int128)ticks * t->tsc_to_system_mul >> 32;
}

uint64_t clock_ns(void)
{
	const volatile char *page = arch_shared_info();
	const volatile struct xen_time *shared =
		(const volatile void *)(page + SHARED_INFO_TIME);
	struct xen_time t;

	/* Xen is writing while the version is odd, and has written if it changed. */
	do {
		t.version = shared->version & ~1u;
		barrier();
		t.tsc_timestamp = shared->tsc_timestamp;
		t.system_time = shared->system_time;
		t.tsc_to_system_mul = shared->tsc_to_system_mul;
		t.tsc_shift = shared->tsc_shift;
		barrier();
	} while (shared->version != t.version);
	return t.system_time + scale(rdtsc() - t.tsc_timestamp, &t);
}

void sleep_until(uint64_t ns)
{
	struct sched_poll poll = { .timeout = ns };

	while (clock_ns() < ns)
		hypercall(HC_SCHED_OP, SCHEDOP_POLL, hc_ptr(&poll), 0, 0, 0);
}

void sleep_ms(unsigned int ms)
{
	sleep_until(clock_ns() + ms * MSEC);
}

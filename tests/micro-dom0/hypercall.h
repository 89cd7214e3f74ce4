/* SPDX-License-Identifier: GPL-2.0 */
/* Hypercalls through the page that Xen fills: 32 bytes of code for each number. */
#ifndef MICRO_HYPERCALL_H
#define MICRO_HYPERCALL_H

#include "xen-facts.h"

extern char hypercall_page[4096];

/* No call here has more than five arguments. */
static inline long hypercall(unsigned int nr, uint64_t a, uint64_t b,
			     uint64_t c, uint64_t d, uint64_t e)
{
	register uint64_t r10 asm("r10") = d;
	register uint64_t r8 asm("r8") = e;
	long ret;

	/* DEBUG builds of Xen overwrite the argument registers. */
	asm volatile("call *%[entry]"
		     : "=a" (ret), "+D" (a), "+S" (b), "+d" (c),
		       "+r" (r10), "+r" (r8)
		     : [entry] "b" (hypercall_page + nr * 32)
		     : "rcx", "r9", "r11", "memory", "cc");
	return ret;
}

static inline uint64_t hc_ptr(const volatile void *p)
{
	return (uint64_t)p;
}

#endif

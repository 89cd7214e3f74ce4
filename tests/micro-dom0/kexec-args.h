/* SPDX-License-Identifier: GPL-2.0 */
/* Arguments of the image that micro-dom0 starts by kexec, in its first page. */
#ifndef MICRO_KEXEC_ARGS_H
#define MICRO_KEXEC_ARGS_H

/* Size of the image, including its zeroed memory, and offset of its entry. */
#define KEXEC_IMAGE_SIZE	0x40000
#define KEXEC_IMAGE_ENTRY	0x1000

#ifndef __ASSEMBLER__
#include <stdint.h>

#define KEXEC_JOBS		4

enum kexec_fate { KEXEC_BLOCKED, KEXEC_LANDS, KEXEC_EITHER };

/* One device, which writes one word. Addresses are machine addresses. */
struct kexec_job {
	char name[16];
	uint64_t regs;
	uint32_t bdf;
	uint32_t in_flight;		/* enum kexec_fate: begun before the jump */
	uint32_t later;			/* enum kexec_fate: begun after it */
	uint32_t pad;
	uint64_t iova;
	uint64_t page;			/* the page that it would hit */
	uint64_t value;			/* the word, and the old contents */
	uint64_t canary;
};

struct kexec_args {
	char prefix[32];		/* of the tests' names */
	uint32_t passed, failed, skipped;
	uint32_t translates;		/* Is translation on after the jump? */
	struct kexec_job job[KEXEC_JOBS];
};
#endif

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * The requirements of the other tests, without the hypercall under test: these tests
 * pass on any Xen 4.20. If they fail, the testbed is broken, not PV-IOMMU.
 */
#include "clock.h"
#include "edu.h"
#include "mem.h"
#include "output.h"
#include "test.h"

static void clock_runs(void)
{
	uint64_t start = clock_ns();
	uint64_t took;

	sleep_ms(20);
	took = clock_ns() - start;
	CHECK(took >= 20 * MSEC, "20 ms of sleep took %lu ns", took);
	CHECK(took < 20000 * MSEC, "20 ms of sleep took %lu ns", took);
}

static void edu_answers(void)
{
	unsigned int i;

	edu_need(4);
	for (i = 0; i < nr_edu; i++) {
		*(volatile uint32_t *)(edu[i].regs + 4) = 0x12345678 + i;
		EXPECT(edu_live(&edu[i]), (uint32_t)~(0x12345678 + i));
	}
	info("%u edu devices, first at 0x%x, BAR 0x%lx", nr_edu, edu[0].bdf,
	     edu[0].bar);
}

/* In the default context a device reaches our memory by frame number. */
static void edu_default_dma(void)
{
	uint64_t *src = page_alloc(), *dst = page_alloc();

	edu_need(1);
	*src = 0x1122334455667788UL;
	edu_read(&edu[0], gfn_of(src) << PAGE_SHIFT, 8);
	edu_write(&edu[0], gfn_of(dst) << PAGE_SHIFT, 8);
	CHECK(*dst == *src, "read back 0x%lx", *dst);
}

static void readonly_page(void)
{
	volatile uint64_t *p = page_alloc();

	*p = 42;
	page_readonly((void *)p);
	EXPECT(*p, 42);
	page_writable((void *)p);
	*p = 43;
	EXPECT(*p, 43);
}

/* Xen pins a page as L1 table only if it has no writable mapping. */
static void pin_l1(void)
{
	void *p = page_alloc();

	CHECK(arch_pin_l1(gfn_of(p)) < 0, "a writable page was pinned as L1");
	page_readonly(p);
	EXPECT(page_pin(p), 0);
	EXPECT(page_unpin(p), 0);
}

static void foreign_frames(void)
{
	uint64_t gfn;

	CHECK(arch_next_foreign(0, &gfn), "found no frame that belongs to others");
	info("first frame of others: 0x%lx", gfn);
}

const struct test boot_tests[] = {
	{ .name = "boot.clock", .fn = clock_runs },
	{ .name = "boot.edu-answers", .fn = edu_answers },
	{ .name = "boot.edu-default-dma", .fn = edu_default_dma },
	{ .name = "boot.readonly-page", .fn = readonly_page },
	{ .name = "boot.pin-l1", .fn = pin_l1, .only_pv = true },
	{ .name = "boot.foreign-frames", .fn = foreign_frames },
	{ }
};

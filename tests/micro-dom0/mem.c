// SPDX-License-Identifier: GPL-2.0
#include "lib.h"
#include "mem.h"
#include "test.h"

#define POOL_PAGES	512

struct page {
	uint8_t bytes[PAGE_SIZE];
};

static struct page huge[HUGE_PAGES]
	__attribute__((section(".pool,\"aw\",@nobits#"), aligned(0x200000)));
static struct page pool[POOL_PAGES]
	__attribute__((section(".pool,\"aw\",@nobits#"), aligned(0x1000)));
static unsigned int pool_used;

/* Pages whose protection or type a test has changed. */
static struct {
	void *page;
	bool pinned;
} changed[16];
static unsigned int nr_changed;

void *pages_alloc(unsigned int nr)
{
	void *p;

	CHECK(pool_used + nr <= POOL_PAGES, "test pool exhausted");
	p = &pool[pool_used];
	pool_used += nr;
	memset(p, 0, nr * PAGE_SIZE);
	CHECK(frames_contiguous(p, nr), "pool frames are not contiguous");
	return p;
}

void *page_alloc(void)
{
	return pages_alloc(1);
}

void *huge_frame(void)
{
	return huge;
}

int frames_contiguous(const void *va, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++)
		if (gfn_of((const char *)va + i * PAGE_SIZE) != gfn_of(va) + i)
			return 0;
	return 1;
}

void page_readonly(void *page)
{
	CHECK(nr_changed < ARRAY_SIZE(changed), "too many changed pages");
	changed[nr_changed].page = page;
	changed[nr_changed++].pinned = false;
	arch_set_readonly(page);
}

static unsigned int changed_index(const void *page)
{
	unsigned int i;

	for (i = 0; i < nr_changed; i++)
		if (changed[i].page == page)
			return i;
	test_abort(__FILE__, __LINE__, "page was never made read-only");
}

void page_writable(void *page)
{
	unsigned int i = changed_index(page);

	arch_set_writable(page);
	changed[i] = changed[--nr_changed];
}

long page_pin(void *page)
{
	unsigned int i = changed_index(page);
	long rc = arch_pin_l1(gfn_of(page));

	if (!rc)
		changed[i].pinned = true;
	return rc;
}

long page_unpin(void *page)
{
	unsigned int i = changed_index(page);
	long rc = arch_unpin(gfn_of(page));

	if (!rc)
		changed[i].pinned = false;
	return rc;
}

void mem_reset(void)
{
	while (nr_changed) {
		nr_changed--;
		if (changed[nr_changed].pinned)
			arch_unpin(gfn_of(changed[nr_changed].page));
		arch_set_writable(changed[nr_changed].page);
	}
	pool_used = 0;
}

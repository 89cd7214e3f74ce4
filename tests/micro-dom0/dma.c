// SPDX-License-Identifier: GPL-2.0
#include "dma.h"
#include "mem.h"
#include "output.h"
#include "test.h"

void load(const struct place *p, uint64_t value)
{
	p->own[0] = value;
	edu_read(p->e, iova(OWN_DFN), WORD);
}

void positive(const struct place *p)
{
	uint64_t value = random_u64();

	load(p, value);
	p->own[1] = ~value;
	edu_write(p->e, iova(OWN_DFN) + WORD, WORD);
	CHECK(p->own[1] == value, "device %x cannot reach its own page: 0x%lx",
	      p->e->bdf, p->own[1]);
}

void put_word(const struct place *p, uint64_t addr, uint64_t value)
{
	load(p, value);
	edu_write(p->e, addr, WORD);
}

uint64_t get_word(const struct place *p, uint64_t addr)
{
	p->own[4] = 0;
	edu_read(p->e, addr, WORD);
	edu_write(p->e, iova(OWN_DFN) + 4 * WORD, WORD);
	return p->own[4];
}

struct place place_in(struct edu *e, uint32_t ctx)
{
	struct place p = { .e = e, .ctx = ctx, .own = page_alloc() };

	map(ctx, OWN_DFN, gfn_of(p.own), 1, RW);
	attach(e, ctx);
	positive(&p);
	return p;
}

struct place place(unsigned int i)
{
	edu_need(i + 1);
	return place_in(&edu[i], ctx_alloc());
}

void fault_expected(const struct edu *e, uint64_t addr, bool write)
{
	info("fault-expected %02x:%02x.%u %s 0x%lx", e->rid >> 8,
	     (e->rid >> 3) & 31, e->rid & 7, write ? "write" : "read",
	     addr & ~(PAGE_SIZE - 1));
}

void write_blocked(const struct place *p, uint64_t addr, uint64_t *page)
{
	uint64_t canary = random_u64();

	load(p, ~canary);
	page[0] = canary;
	page[511] = canary;
	edu_write(p->e, addr, WORD);
	fault_expected(p->e, addr, true);
	CHECK(page[0] == canary && page[511] == canary,
	      "device %x wrote 0x%lx at 0x%lx", p->e->bdf, page[0], addr);
	/* The same word must land where it may. */
	p->own[1] = canary;
	edu_write(p->e, iova(OWN_DFN) + WORD, WORD);
	CHECK(p->own[1] == ~canary, "device %x cannot reach its own page: 0x%lx",
	      p->e->bdf, p->own[1]);
}

void read_blocked(const struct place *p, uint64_t addr, uint64_t secret)
{
	load(p, ~secret);
	edu_read(p->e, addr, WORD);
	fault_expected(p->e, addr, false);
	p->own[2] = 0;
	edu_write(p->e, iova(OWN_DFN) + 2 * WORD, WORD);
	CHECK(p->own[2] != secret, "device %x read the secret at 0x%lx",
	      p->e->bdf, addr);
	positive(p);
}

void reaches(const struct place *p, uint64_t dfn, uint64_t *page)
{
	uint64_t value = random_u64();

	page[0] = value;
	page[511] = ~value;
	edu_read(p->e, iova(dfn), WORD);
	edu_write(p->e, iova(dfn) + 511 * WORD, WORD);
	CHECK(page[511] == value, "device %x: 0x%lx through dfn 0x%lx",
	      p->e->bdf, page[511], dfn);
}

static bool direct_region(const struct edu *e, struct xen_pv_iommu_dev_resv *r)
{
	uint32_t i;

	for (i = 0; ; i++) {
		*r = (struct xen_pv_iommu_dev_resv){
			.dev = dev_name(e), .index = i,
		};
		if (iommu_op(XEN_PV_IOMMU_OP_DEV_RESV, r, 1) != 1)
			return false;
		if (r->type == XEN_PV_IOMMU_RESV_DIRECT)
			return true;
	}
}

struct edu *direct_device(struct xen_pv_iommu_dev_resv *r)
{
	unsigned int i;

	for (i = 0; i < nr_edu; i++)
		if (direct_region(&edu[i], r))
			return &edu[i];
	test_skip("no device has a DIRECT region (Xen's rmrr= option)");
}

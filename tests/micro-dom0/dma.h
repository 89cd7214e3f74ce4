/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DMA that must land and DMA that must not. The latter is always followed by
 * one of the same device that must: a device that does nothing proves nothing.
 */
#ifndef MICRO_DMA_H
#define MICRO_DMA_H

#include "arch.h"
#include "iommu.h"

#define DFN		0x1000UL
/* Where load() and positive() have a page of their own in every context. */
#define OWN_DFN		0x2000UL
#define WORD		8UL

/* A context with one device in it, and a page that this device can reach. */
struct place {
	struct edu *e;
	uint32_t ctx;
	uint64_t *own;
};

static inline uint64_t iova(uint64_t dfn)
{
	return dfn << PAGE_SHIFT;
}

/* edu[@i], or @e, in a context; it works there. */
struct place place(unsigned int i);
struct place place_in(struct edu *e, uint32_t ctx);

/* Put a word into the device's buffer, through its own page. */
void load(const struct place *p, uint64_t value);
/* One word through @addr; we need no mapping of what is there. */
void put_word(const struct place *p, uint64_t addr, uint64_t value);
uint64_t get_word(const struct place *p, uint64_t addr);
/* In and out again through its own page: this device works. */
void positive(const struct place *p);

/* The runner looks for Xen's line about it on the console. */
void fault_expected(const struct edu *e, uint64_t addr, bool write);

/* A write that must not land in @page, wherever @addr was thought to lead. */
void write_blocked(const struct place *p, uint64_t addr, uint64_t *page);
/* A read that must not see @secret. */
void read_blocked(const struct place *p, uint64_t addr, uint64_t secret);
/* Both ways through @dfn, which leads to @page. */
void reaches(const struct place *p, uint64_t dfn, uint64_t *page);

/* The device that the testbed gave an RMRR; skips if there is none. */
struct edu *direct_device(struct xen_pv_iommu_dev_resv *r);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DMA that must land and DMA that must not. After the latter the same device always
 * does DMA that must land, because an idle device shows nothing.
 */
#ifndef MICRO_DMA_H
#define MICRO_DMA_H

#include "arch.h"
#include "iommu.h"

#define DFN		0x1000UL
/* load() and positive() have a page of their own here in every context. */
#define OWN_DFN		0x2000UL
#define WORD		8UL

/* A context with one device, and a page that this device can reach. */
struct place {
	struct edu *e;
	uint32_t ctx;
	uint64_t *own;
};

static inline uint64_t iova(uint64_t dfn)
{
	return dfn << PAGE_SHIFT;
}

/* Attach edu[@i], or @e, to a new context, and check that it works. */
struct place place(unsigned int i);
struct place place_in(struct edu *e, uint32_t ctx);

/* Put a word into the device's buffer, through its own page. */
void load(const struct place *p, uint64_t value);
/* Write one word to @addr, which the caller need not have mapped. */
void put_word(const struct place *p, uint64_t addr, uint64_t value);
uint64_t get_word(const struct place *p, uint64_t addr);
/* Read and write its own page: the device must work. */
void positive(const struct place *p);

/* Announce a fault that Xen must log; the runner checks the console. */
void fault_expected(const struct edu *e, uint64_t addr, bool write);

/* A write to @addr must not land in @page. */
void write_blocked(const struct place *p, uint64_t addr, uint64_t *page);
/* A read of @addr must not return @secret. */
void read_blocked(const struct place *p, uint64_t addr, uint64_t secret);
/* Read and write @page at @dfn. */
void reaches(const struct place *p, uint64_t dfn, uint64_t *page);

/* Return the device to which the testbed gave an RMRR. Skips the test without one. */
struct edu *direct_device(struct xen_pv_iommu_dev_resv *r);

#endif

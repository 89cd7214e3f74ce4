/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences of a PV and a PVH dom0. arch-pv.c and arch-pvh.c define the same
 * functions; each kernel is linked with one of them.
 */
#ifndef MICRO_ARCH_H
#define MICRO_ARCH_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096UL

/* "pv" or "pvh": part of every test's name. */
extern const char arch_name[];
extern const bool arch_is_pv;

void arch_init(void *start_info);
const char *arch_cmdline(void);

/* The number by which Xen and devices know the frame of a page: PV mfn, PVH gfn. */
uint64_t gfn_of(const void *va);

/* Map one page of device memory (or of any frame that Xen permits), uncached. */
volatile void *arch_map_mmio(uint64_t addr);

/* Xen's shared info page, which has the clock, and its frame. */
volatile void *arch_shared_info(void);
uint64_t arch_shared_info_gfn(void);

/* Make a page read-only, PV and PVH; arch_set_writable() undoes it. */
void arch_set_readonly(void *page);
void arch_set_writable(void *page);

/* Remove a page from the address space for ever. */
void arch_unmap_page(void *page);

/*
 * balloon.c: a page that can be returned to Xen (by frame), a few per boot. It is
 * the same page until arch_balloon_out() returned it.
 */
bool arch_balloon_page(uint64_t *gfn);
long arch_balloon_out(uint64_t gfn);

/*
 * balloon.c, PV: a page that has no mapping, and exchange its frame for another.
 * The latter returns the number of exchanged frames (1), or -errno.
 */
uint64_t arch_exchange_page(void);
long arch_exchange(uint64_t mfn);

/* A page at the end of a mapped range: an access after it faults. */
void *arch_edge_page(void);

/*
 * Find the first frame at or after @from that is RAM of the machine as a whole,
 * above 1 MiB, and not dom0's: Xen's text or heap, or free. False if there is none.
 */
bool arch_next_foreign(uint64_t from, uint64_t *gfn);

/* PV: the frame of the page table in use; 0 on PVH. */
uint64_t arch_root_table_gfn(void);

/*
 * PVH: make a hypercall in 32-bit mode, like a 32-bit kernel. Returns its result.
 * PV: only a 32-bit kernel can do this, so it returns -EOPNOTSUPP.
 */
long arch_hypercall32(unsigned int nr, const uint32_t args[5]);

/* PV: pin and unpin L1 page tables. The page must be read-only with valid entries. */
long arch_pin_l1(uint64_t mfn);
long arch_unpin(uint64_t mfn);

#endif

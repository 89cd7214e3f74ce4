/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between a PV and a PVH dom0. arch-pv.c and arch-pvh.c serve the
 * same functions; one of them is linked in.
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

/* The frame that Xen and devices know a page of ours by: PV mfn, PVH gfn. */
uint64_t gfn_of(const void *va);

/* One page of device memory (or of any frame Xen lets us see), uncached. */
volatile void *arch_map_mmio(uint64_t addr);

/* Xen's page with the clock, and its frame. */
volatile void *arch_shared_info(void);
uint64_t arch_shared_info_gfn(void);

/* Page protection, both flavours; undone by arch_set_writable(). */
void arch_set_readonly(void *page);
void arch_set_writable(void *page);

/* Take a page of ours out of our address space, for good. */
void arch_unmap_page(void *page);

/*
 * balloon.c: a page that can be given back to Xen (by frame), a few per boot.
 * It is the same one until arch_balloon_out() was called for it.
 */
bool arch_balloon_page(uint64_t *gfn);
long arch_balloon_out(uint64_t gfn);

/*
 * balloon.c, PV: a page that nothing of ours maps, and swapping its frame for
 * another: how many were (1), or -errno.
 */
uint64_t arch_exchange_page(void);
long arch_exchange(uint64_t mfn);

/* A page at the end of a mapped range: what follows it faults. */
void *arch_edge_page(void);

/*
 * The first frame at or after @from that is RAM of the machine, whole, above
 * 1 MiB, and not ours: Xen's text or heap, or free. False: there is none.
 */
bool arch_next_foreign(uint64_t from, uint64_t *gfn);

/* PV: the frame of the page table in use; 0 on PVH. */
uint64_t arch_root_table_gfn(void);

/*
 * PVH: a hypercall made in 32-bit mode, the way a 32-bit kernel makes it. Its
 * result. PV: nobody but a 32-bit kernel can, -EOPNOTSUPP.
 */
long arch_hypercall32(unsigned int nr, const uint32_t args[5]);

/* PV: L1 page tables. The page must be read-only and hold valid entries. */
long arch_pin_l1(uint64_t mfn);
long arch_unpin(uint64_t mfn);

#endif

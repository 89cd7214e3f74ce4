/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hypervisor for tests: struct xpi_hv as include/xen/interface/pv-iommu.h has
 * it, and stricter. It is pure logic: the KUnit suites, tests in user space and a
 * fuzzer compile the same file. Each of them provides the lock.
 *
 * The fake keeps the first request that no good caller sends in @wrong, because
 * KUnit cannot report a failure in an interrupt.
 */
#ifndef XPI_FAKE_HV_H
#define XPI_FAKE_HV_H

#include <linux/bits.h>
#include <linux/types.h>

#include <xen/interface/pv-iommu.h>

#include "hv.h"
#include "runs.h"

/* Capacity of a context, although it claims a larger aperture. */
#define XPI_FAKE_DFNS		0x4000U
#define XPI_FAKE_GFNS		0x40000U
#ifndef XPI_FAKE_CTXS
#define XPI_FAKE_CTXS		4U
#endif
#define XPI_FAKE_DEVS		2U
#define XPI_FAKE_RESVS		4U

/*
 * Kinds of pages. The gfn of a page below XPI_PFN_SCATTERED, or from XPI_PFN_LINEAR
 * on, is its pfn plus xpi_fake.linear. A frame of another kind of page is in the
 * range of that kind.
 */
#define XPI_PFN_SCATTERED	0x8000U	/* 0x1000 each: pairs, singles, 4s, 8s */
#define XPI_PFN_FOREIGN		0xc000U	/* another domain's */
#define XPI_PFN_MMIO		0xd000U
#define XPI_PFN_TABLE		0xe000U	/* must not be written to */
#define XPI_PFN_ALIEN		0xe800U	/* not the caller's */
#define XPI_PFN_NONE		0xf000U	/* without a frame */
#define XPI_PFN_MIXED		0xf100U	/* RAM, foreign, MMIO in turn, 4 pages each */
#define XPI_PFN_SPARSE		0xfc00U	/* one page of eight has no frame */
#define XPI_PFN_LINEAR		0x10000U
#define XPI_PFN_SINGLES		0x38000U /* no two are contiguous */
#define XPI_PFN_END		XPI_FAKE_GFNS /* no frames from here on */

/* xpi_fake.leaf returns this to stop the call without an error. */
#define XPI_FAKE_STOP		1

/**
 * struct xpi_fake_pte - what a dfn maps to
 * @gfn: the frame
 * @order: of the leaf that the page belongs to
 * @flags: XEN_PV_IOMMU_F_*; 0: nothing is mapped
 */
struct xpi_fake_pte {
	u32 gfn;
	u8 order;
	u8 flags;
};

/**
 * struct xpi_fake_ctx - a context
 * @used: it exists
 * @broken: whatever is asked of it is -EIO
 * @reserve: it may use the reserve
 * @tables_asked: pt_pages_max as the caller gave it
 * @tables_max: limit of its own on tables
 * @nr_mapped: 4 KiB pages
 * @held: frames whose leaves are gone, but not flushed
 * @nr_held: how many
 * @pte: the mappings
 */
struct xpi_fake_ctx {
	bool used;
	bool broken;
	bool reserve;
	u32 tables_asked;
	u32 tables_max;
	u32 nr_mapped;
	u32 nr_held;
	u32 held[XPI_FAKE_DFNS];
	struct xpi_fake_pte pte[XPI_FAKE_DFNS];
};

/**
 * struct xpi_fake_dev - a device
 * @sbdf: its name
 * @flags: of DEV_QUERY
 * @ctx: where it is
 * @relaxed: it was attached with F_RELAX
 * @masters: it is a bus master, so RESET does not return it to DEFAULT
 * @pgsizes: of its IOMMU
 * @iova_last: likewise
 * @nr_resv: regions in @resv
 * @resv: reserved regions
 */
struct xpi_fake_dev {
	u32 sbdf;
	u32 flags;
	u32 ctx;
	bool relaxed;
	bool masters;
	u64 pgsizes;
	u64 iova_last;
	u32 nr_resv;
	struct {
		u64 start;
		u64 last;
		u32 type;
	} resv[XPI_FAKE_RESVS];
};

/**
 * struct xpi_fake_fault - something is to fail, once as a rule
 * @in: how many are let through before; counts down
 * @err: how it fails; 0: nothing does
 * @always: and so does whatever comes after it
 * @ops: for calls: which of them count, BIT(enum xen_pv_iommu_op)
 * @fired: it did
 * @maps: a map was among what failed
 * @unmaps: an unmap was
 */
struct xpi_fake_fault {
	unsigned int in;
	int err;
	bool always;
	u32 ops;
	bool fired;
	bool maps;
	bool unmaps;
};

/**
 * struct xpi_fake - the hypervisor
 * All of it is guarded by xpi_fake_lock().
 *
 * @features: XEN_PV_IOMMU_FEAT_*
 * @max_ctx: limit of contexts
 * @ctx_reserve: of these, only for contexts with the reserve
 * @max_count: limit of an array
 * @max_maps: limit of one that is sent with interrupts off
 * @max_nr: limit of a descriptor
 * @pt_pages_max: limit of tables, over all contexts; each holds 512 leaves
 * @pt_pages_reserve: of these, only for contexts with the reserve
 * @dfns: capacity of a context, at most XPI_FAKE_DFNS
 * @linear: added to the pfn of a linear page
 * @look: most pages that one translation looks at
 * @fault_virq: what QUERY says of it
 * @fault: what FAULT_READ gives
 * @nr_faults: so many times
 * @call_fault: a call to fail as a whole
 * @page_fault: a page to be refused; a large leaf is one
 * @call: if set, it is called in place of xpi_fake_call(), which it may call
 * @leaf: if set, it is called before a leaf of @size pages is mapped or unmapped at
 *	d->dfn + d->done. Returns 0, XPI_FAKE_STOP, or the error of the leaf
 * @calls: by operation
 * @multis: multicalls
 * @descs: descriptors served
 * @maps: of them, maps
 * @unmaps: of them, unmaps
 * @flushes: IOTLB flushes
 * @pages: pages mapped
 * @wrong: the first thing that a good caller does not do
 * @next_ctx: to be given out next
 * @nr_refs: references to all frames
 * @dev: devices
 * @id: numbers of the contexts
 * @ctx: contexts; number n is ctx[n % XPI_FAKE_CTXS]
 * @refs: references to each frame
 */
struct xpi_fake {
	u32 features;
	u32 max_ctx;
	u32 ctx_reserve;
	u32 max_count;
	u32 max_maps;
	u32 max_nr;
	u32 pt_pages_max;
	u32 pt_pages_reserve;
	u32 dfns;
	u32 linear;
	u32 look;
	u32 fault_virq;
	struct xen_pv_iommu_fault fault;
	unsigned int nr_faults;
	struct xpi_fake_fault call_fault;
	struct xpi_fake_fault page_fault;
	long (*call)(unsigned int op, void *array, unsigned int count);
	int (*leaf)(const struct xen_pv_iommu_batch *d, u32 size);
	unsigned int calls[XEN_PV_IOMMU_OP_CTX_SET + 1];
	unsigned int multis;
	unsigned int descs;
	unsigned int maps;
	unsigned int unmaps;
	unsigned int flushes;
	unsigned int pages;
	const char *wrong;
	u32 next_ctx;
	unsigned long nr_refs;
	struct xpi_fake_dev dev[XPI_FAKE_DEVS];
	u32 id[XPI_FAKE_CTXS];
	struct xpi_fake_ctx ctx[XPI_FAKE_CTXS];
	u16 refs[XPI_FAKE_GFNS];
};

extern struct xpi_fake xpi_fake;
extern const struct xpi_hv xpi_fake_hv;

/* XEN_PV_IOMMU_OP_BATCH and so on, for @ops of a fault. */
#define XPI_FAKE_OP(op)		BIT(XEN_PV_IOMMU_OP_##op)

/**
 * xpi_fake_lock() - take the lock of the fake; the program provides it
 *
 * Return: what xpi_fake_unlock() needs.
 */
unsigned long xpi_fake_lock(void);

/**
 * xpi_fake_unlock() - give the lock back; the program provides it
 * @irqflags: from xpi_fake_lock()
 */
void xpi_fake_unlock(unsigned long irqflags);

/**
 * xpi_fake_reset() - a hypervisor with two devices and no contexts
 */
void xpi_fake_reset(void);

/**
 * xpi_fake_call() - serve one call, without xpi_fake.call
 * @op: enum xen_pv_iommu_op
 * @array: of the operation's struct
 * @count: its elements
 *
 * Return: as struct xpi_hv.iommu_op.
 */
long xpi_fake_call(unsigned int op, void *array, unsigned int count);

/**
 * xpi_fake_add_ctx() - add a context without CTX_ALLOC
 * @id: its number
 *
 * Return: the context, or NULL if its place is taken.
 */
struct xpi_fake_ctx *xpi_fake_add_ctx(u32 id);

/**
 * xpi_fake_clear_counts() - forget what was called until now
 */
void xpi_fake_clear_counts(void);

/**
 * xpi_fake_ctx() - look into a context
 * @id: its number
 *
 * Return: it, or NULL.
 */
struct xpi_fake_ctx *xpi_fake_ctx(u32 id);

/**
 * xpi_fake_nr_ctx() - how many contexts there are
 *
 * Return: that.
 */
unsigned int xpi_fake_nr_ctx(void);

/**
 * xpi_fake_frame() - translate pages, as xpi_hv.frame
 * @pfn: the first page
 * @max: most pages; the fake looks at no more than xpi_fake.look
 *
 * Return: the frames of one run; no pages if @pfn has no frame.
 */
struct xpi_frame xpi_fake_frame(u64 pfn, u32 max);

#endif /* XPI_FAKE_HV_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_PENDING_H
#define XPI_PENDING_H

#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "batch.h"

struct xpi_mappings;

/* Their buffers use at most 16 pages, that is 64 KiB. */
#define XPI_PENDING_PAIRS_MAX	8U

/*
 * Limits on the pages of one list, and of one descriptor. A list is sent with
 * interrupts off. Xen needs about 200 instructions for a page, so this takes 100 us
 * or less.
 */
#define XPI_PENDING_PAGES	768U
#define XPI_CHUNK_PAGES		512U

/**
 * enum xpi_why - why descriptors are sent
 * @XPI_WHY_SYNC_MAP: iotlb_sync_map
 * @XPI_WHY_SYNC: iotlb_sync
 * @XPI_WHY_FLUSH_ALL: flush_iotlb_all
 * @XPI_WHY_FULL: the list has no room for the next descriptor, or too many pages
 * @XPI_WHY_FOREIGN: an unmap of pages that another domain must get back
 * @XPI_WHY_ERROR: an unmap of a map that Xen had refused
 * @XPI_WHY_NO_DEFER: an unmap whose flush Xen does not defer
 * @XPI_WHY_HOLE: an unmap of a map that was never sent
 * @XPI_WHY_PART: an unmap of a part of a pending map
 * @XPI_WHY_REFUSED: unmaps that may be the reason why Xen refused a map
 * @XPI_WHY_ROOM: unmaps, before a map that does not wait
 * @XPI_WHY_UNDO: a map failed
 */
enum xpi_why {
	XPI_WHY_SYNC_MAP,
	XPI_WHY_SYNC,
	XPI_WHY_FLUSH_ALL,
	XPI_WHY_FULL,
	XPI_WHY_FOREIGN,
	XPI_WHY_ERROR,
	XPI_WHY_NO_DEFER,
	XPI_WHY_HOLE,
	XPI_WHY_PART,
	XPI_WHY_REFUSED,
	XPI_WHY_ROOM,
	XPI_WHY_UNDO,
};

/**
 * xpi_why_name() - name a reason
 * @why: the reason
 *
 * Return: the name, one word.
 */
const char *xpi_why_name(enum xpi_why why);

/**
 * struct xpi_map - a map request, in frames
 * @dfn: first device frame
 * @pfn: first page
 * @nr: 4 KiB pages, not 0
 * @order: order of the leaves that the core may unmap one by one
 * @flags: XEN_PV_IOMMU_F_R, XEN_PV_IOMMU_F_W or both
 */
struct xpi_map {
	u64 dfn;
	u64 pfn;
	u64 nr;
	unsigned int order;
	u16 flags;
};

/**
 * struct xpi_pending_list - descriptors of one kind, maps or unmaps, that wait
 * @lock: protects the other members, also while the list is sent; interrupts off
 * @batch: the descriptors, all for disjoint ranges. After a refusal the sender may
 *	drop the lock while Xen has processed those at the front
 * @pages: pages of all descriptors
 * @turn: incremented by changes that may move a descriptor
 * @first: all descriptors lie in [@first, @end). Read without the lock: a CPU that
 * @end: added a descriptor finds it there until Xen has processed it
 */
struct xpi_pending_list {
	raw_spinlock_t lock;
	struct xpi_batch batch;
	unsigned int pages;
	unsigned int turn;
	u64 first;
	u64 end;
};

/**
 * struct xpi_pending_pair - the two lists of one CPU, or of several
 * @maps: waits for iotlb_sync_map
 * @unmaps: waits for iotlb_sync or flush_iotlb_all
 */
struct xpi_pending_pair {
	struct xpi_pending_list maps;
	struct xpi_pending_list unmaps;
} ____cacheline_aligned_in_smp;

/**
 * struct xpi_lost - unmaps that Xen has refused
 * @dfn: of the first one: first device frame
 * @nr: of the first one: 4 KiB pages that Xen keeps
 * @err: of the first one: the error
 * @times: their number; 0: none
 */
struct xpi_lost {
	u64 dfn;
	u64 nr;
	int err;
	unsigned int times;
};

/**
 * struct xpi_pending - the pending lists of one context
 * @mappings: a map that Xen refuses is marked there
 * @lost: logs unmaps that Xen has refused, at the next sync or flush at the latest.
 *	Called in any context, without the lock of a list: the console may be a
 *	network card whose DMA is in these lists
 * @lost_lock: protects @unreported; inside of a list's lock
 * @unreported: not yet passed to @lost; its times is read without the lock
 * @sending: called before a batch is sent, for tracing; any context, with a list's
 *	lock held; may be NULL
 * @free: frees a buffer
 * @max_nr: longest run, at most XPI_CHUNK_PAGES
 * @filled: every list has its buffers; map reads it without a lock
 * @nr: pairs of lists
 * @pair: the pairs
 */
struct xpi_pending {
	struct xpi_mappings *mappings;
	void (*lost)(struct xpi_pending *pending, const struct xpi_lost *what);
	raw_spinlock_t lost_lock;
	struct xpi_lost unreported;
	void (*sending)(const struct xpi_batch *b, enum xpi_why why);
	void (*free)(void *buf);
	u32 max_nr;
	bool filled;
	unsigned int nr;
	struct xpi_pending_pair *pair;
};

/**
 * struct xpi_pending_config - parameters of the lists
 * @hv: the hypervisor
 * @alloc: allocates a buffer of @bytes, or returns NULL; may sleep if gfp allows it
 * @bytes: size of a buffer
 * @max_count: the hypervisor's limit on an array
 * @max_maps: the driver's limit on an array of maps
 * @ctx: the context
 */
struct xpi_pending_config {
	const struct xpi_hv *hv;
	void *(*alloc)(gfp_t gfp);
	size_t bytes;
	unsigned int max_count;
	unsigned int max_maps;
	u16 ctx;
};

/**
 * xpi_pending_init() - initialise lists without buffers
 * @pending: filled in except for the buffers
 */
void xpi_pending_init(struct xpi_pending *pending);

/**
 * xpi_pending_fill() - allocate the buffers of all lists
 * @pending: the lists; some may have buffers, and another CPU may be filling them
 * @c: parameters
 * @gfp: for the buffers
 *
 * Required before the first map. After a failure a later call completes the rest.
 *
 * Return: 0 or -ENOMEM.
 */
int xpi_pending_fill(struct xpi_pending *pending,
		     const struct xpi_pending_config *c, gfp_t gfp);

/**
 * xpi_pending_fini() - free the buffers
 * @pending: lists without users; drops what is pending
 */
void xpi_pending_fini(struct xpi_pending *pending);

/**
 * xpi_pending_map() - let a request wait for xpi_pending_sync_map()
 * @pending: the lists
 * @cpu: selects the list; any number is valid
 * @m: the request, already added to the mappings
 *
 * Sends a full list at once. Marks a map that Xen refuses, now or later, in the
 * mappings.
 *
 * Return: XEN_PV_IOMMU_F_* that any of the frames has, or the error of a page
 * without a frame. The pages before that one are pending, or were sent.
 */
int xpi_pending_map(struct xpi_pending *pending, unsigned int cpu,
		    const struct xpi_map *m);

/**
 * xpi_pending_sync_map() - send the pending maps in a range
 * @pending: the lists
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Sends whole lists, other descriptors included. The caller looks for errors in the
 * mappings.
 */
void xpi_pending_sync_map(struct xpi_pending *pending, u64 dfn, u64 nr);

/**
 * xpi_pending_unmap() - let an unmap wait
 * @pending: the lists
 * @cpu: selects the list; any number is valid
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Drops a pending map of the range; neither is sent to Xen.
 */
void xpi_pending_unmap(struct xpi_pending *pending, unsigned int cpu, u64 dfn,
		       u64 nr);

/**
 * xpi_pending_undo() - unmap a request that was mapped in part
 * @pending: the lists
 * @cpu: selects the list; any number is valid
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Some pages of the request may be mapped, some may be pending, and some may never
 * have been added. On return none is mapped, and none is pending.
 */
void xpi_pending_undo(struct xpi_pending *pending, unsigned int cpu, u64 dfn,
		      u64 nr);

/**
 * xpi_pending_sync_unmap() - send the pending unmaps in a range
 * @pending: the lists
 * @dfn: first device frame
 * @nr: 4 KiB pages
 * @why: reason, for tracing
 *
 * On return the range is unmapped and flushed, also if another CPU sent it.
 */
void xpi_pending_sync_unmap(struct xpi_pending *pending, u64 dfn, u64 nr,
			    enum xpi_why why);

/**
 * xpi_pending_flush() - send all pending unmaps
 * @pending: the lists
 */
void xpi_pending_flush(struct xpi_pending *pending);

/**
 * xpi_pending_waiting() - count pending descriptors, for debugfs
 * @pending: the lists
 * @maps: OUT: descriptors of maps
 * @unmaps: OUT: descriptors of unmaps
 */
void xpi_pending_waiting(const struct xpi_pending *pending, unsigned int *maps,
			 unsigned int *unmaps);

#endif /* XPI_PENDING_H */

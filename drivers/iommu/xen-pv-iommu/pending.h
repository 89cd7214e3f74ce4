/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_PENDING_H
#define XPI_PENDING_H

#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "batch.h"

struct xpi_mappings;

/* Their buffers take at most 16 pages, that is 64 KiB. */
#define XPI_PENDING_PAIRS_MAX	8U

/*
 * Pages that wait in one batch at most, and in one descriptor. A batch is sent
 * with interrupts off, and Xen needs some 200 instructions for a page, so that
 * is 100 us or less.
 */
#define XPI_PENDING_PAGES	768U
#define XPI_CHUNK_PAGES		512U

/**
 * enum xpi_why - why descriptors are sent
 * @XPI_WHY_SYNC_MAP: iotlb_sync_map
 * @XPI_WHY_SYNC: iotlb_sync
 * @XPI_WHY_FLUSH_ALL: flush_iotlb_all
 * @XPI_WHY_FULL: there was no room for another, or that would be many pages
 * @XPI_WHY_FOREIGN: an unmap of pages of another domain, which wants them back
 * @XPI_WHY_ERROR: an unmap of something that Xen had refused to map
 * @XPI_WHY_NO_DEFER: an unmap whose flush Xen does not defer
 * @XPI_WHY_HOLE: an unmap of something that was never sent to be mapped
 * @XPI_WHY_PART: an unmap of a part of something that waits to be mapped
 * @XPI_WHY_REFUSED: unmaps, for a map that Xen has refused, maybe because of them
 * @XPI_WHY_ROOM: unmaps, for a map that does not wait
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
 * xpi_why_name() - a reason in a word
 * @why: the reason
 *
 * Return: the word.
 */
const char *xpi_why_name(enum xpi_why why);

/**
 * struct xpi_map - a map request, in frames
 * @dfn: first device frame
 * @pfn: first page
 * @nr: 4 KiB pages, not 0
 * @order: of the leaves that the core may unmap one by one
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
 * @lock: guards the rest, also while it is sent; interrupts off
 * @batch: the descriptors, all for disjoint ranges. While a sender has given the
 *	lock back after a refusal, Xen is done with those at the front
 * @pages: of all of them
 * @turn: counts changes after which a descriptor may be in another place
 * @first: they lie in [@first, @end). Read without the lock: whoever added
 * @end: something finds it there until Xen is done with it
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
 * @dfn: of the first one: device frame
 * @nr: of the first one: 4 KiB pages that Xen keeps
 * @err: of the first one: why
 * @times: how many there were, 0: none
 */
struct xpi_lost {
	u64 dfn;
	u64 nr;
	int err;
	unsigned int times;
};

/**
 * struct xpi_pending - the pending lists of one context
 * @mappings: where a map that Xen refuses is marked
 * @lost: tells the log of unmaps that Xen has refused, at the next sync or flush
 *	at the latest. Any context, but no list's lock is held: the console may be
 *	a network card whose DMA waits in these lists
 * @lost_lock: guards @unreported; inside of a list's lock
 * @unreported: what @lost has not told yet; its times is read without the lock
 * @sending: told of what is about to be sent; any context, a lock held; may be
 *	NULL
 * @free: gives a buffer back
 * @max_nr: longest run, at most XPI_CHUNK_PAGES
 * @filled: every list has its buffers; a map reads it without a lock
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
 * struct xpi_pending_config - what lists are made of
 * @hv: the hypervisor
 * @alloc: gives a buffer of @bytes, or NULL; sleeps if its argument allows it
 * @bytes: size of a buffer
 * @max_count: the hypervisor's limit on an array
 * @max_maps: and what an array of maps should not be longer than
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
 * xpi_pending_init() - make lists ready but for their buffers
 * @pending: filled in but for the buffers
 */
void xpi_pending_init(struct xpi_pending *pending);

/**
 * xpi_pending_fill() - give all lists their buffers
 * @pending: lists; some may have buffers, and others may be filling them right now
 * @c: what to make them of
 * @gfp: for the buffers
 *
 * To be called before the first map. What fails is made good by a later call.
 *
 * Return: 0 or -ENOMEM.
 */
int xpi_pending_fill(struct xpi_pending *pending,
		     const struct xpi_pending_config *c, gfp_t gfp);

/**
 * xpi_pending_fini() - give the buffers back
 * @pending: lists that nobody uses any more; what waits in them is forgotten
 */
void xpi_pending_fini(struct xpi_pending *pending);

/**
 * xpi_pending_map() - let a request wait for xpi_pending_sync_map()
 * @pending: the lists
 * @cpu: which list; any number
 * @m: the request, recorded in the mappings
 *
 * What does not fit is sent at once. What Xen refuses, now or later, is marked
 * in the mappings.
 *
 * Return: XEN_PV_IOMMU_F_* that any of the frames has, or the error of a page
 * without a frame. What comes before it waits, or was sent.
 */
int xpi_pending_map(struct xpi_pending *pending, unsigned int cpu,
		    const struct xpi_map *m);

/**
 * xpi_pending_sync_map() - send what waits to be mapped in a range
 * @pending: the lists
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Others' descriptors may go along. The caller looks for errors in the mappings.
 */
void xpi_pending_sync_map(struct xpi_pending *pending, u64 dfn, u64 nr);

/**
 * xpi_pending_unmap() - let a range wait to be unmapped
 * @pending: the lists
 * @cpu: which list; any number
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * What is still waiting to be mapped there is dropped; Xen hears of neither.
 */
void xpi_pending_unmap(struct xpi_pending *pending, unsigned int cpu, u64 dfn,
		       u64 nr);

/**
 * xpi_pending_undo() - unmap what was mapped in part
 * @pending: the lists
 * @cpu: which list; any number
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * For a request of which some may be mapped, some may wait and some was never
 * queued. On return nothing of it is mapped, and nothing waits.
 */
void xpi_pending_undo(struct xpi_pending *pending, unsigned int cpu, u64 dfn,
		      u64 nr);

/**
 * xpi_pending_sync_unmap() - send what waits to be unmapped in a range
 * @pending: the lists
 * @dfn: first device frame
 * @nr: 4 KiB pages
 * @why: for whoever looks on
 *
 * On return it is unmapped and flushed, whoever sent it.
 */
void xpi_pending_sync_unmap(struct xpi_pending *pending, u64 dfn, u64 nr,
			    enum xpi_why why);

/**
 * xpi_pending_flush() - send all that waits to be unmapped
 * @pending: the lists
 */
void xpi_pending_flush(struct xpi_pending *pending);

/**
 * xpi_pending_waiting() - how much waits, for a person to see
 * @pending: the lists
 * @maps: OUT: descriptors to be mapped
 * @unmaps: OUT: descriptors to be unmapped
 */
void xpi_pending_waiting(const struct xpi_pending *pending, unsigned int *maps,
			 unsigned int *unmaps);

#endif /* XPI_PENDING_H */

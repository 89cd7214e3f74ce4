/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XPI_MAPPINGS_H
#define XPI_MAPPINGS_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Marks of leaves. */
/* A reserved 1:1 region that Xen maps by itself; never sent to Xen. */
#define XPI_LEAF_DIRECT		0x2U
/* Includes pages of another domain: its unmap must not wait. */
#define XPI_LEAF_FOREIGN	0x4U
/* Xen refused to map it, in whole or in part: an index of the error. */
#define XPI_LEAF_ERROR		0xff0U
#define XPI_LEAF_FLAGS		0xffeU

/* Orders of leaves. */
#define XPI_ORDER_4K		0
#define XPI_ORDER_2M		9

/**
 * struct xpi_mappings_mem - allocator of nodes
 * @alloc: returns a zeroed page, aligned to its size, or NULL; may sleep if gfp
 *	allows it
 * @free: frees a page; never called with a lock held
 */
struct xpi_mappings_mem {
	void *(*alloc)(gfp_t gfp);
	void (*free)(void *node);
};

/**
 * struct xpi_mappings - what a context has mapped: iova to pseudo-physical
 * @lock: protects the tree; innermost, interrupts off
 * @mem: allocates nodes
 * @root: the top node
 * @levels: levels of the tree
 * @last: last dfn that it covers
 * @nr_failed: leaves with an error. Read without the lock: 0 lets lookups skip
 *	the search
 * @nr_leaves: leaves of 4 KiB, and of 2 MiB
 * @recent: the node of 4 KiB leaves that was used last, or NULL
 * @recent_range: dfn / 512 that @recent covers, or NO_RANGE
 */
struct xpi_mappings {
	raw_spinlock_t lock;
	const struct xpi_mappings_mem *mem;
	u64 *root;
	unsigned int levels;
	u64 last;
	unsigned long nr_failed;
	u64 nr_leaves[2];
	u64 *recent;
	u64 recent_range;
};

/**
 * xpi_mappings_init() - start with nothing mapped
 * @maps: the mappings
 * @mem: allocates nodes
 * @last: last dfn that can be mapped
 * @gfp: for the first node
 *
 * Return: 0 or -ENOMEM.
 */
int xpi_mappings_init(struct xpi_mappings *maps,
		      const struct xpi_mappings_mem *mem, u64 last, gfp_t gfp);

/**
 * xpi_mappings_fini() - free all nodes
 * @maps: mappings without users, empty or not; all zeros is valid, too
 */
void xpi_mappings_fini(struct xpi_mappings *maps);

/**
 * xpi_mappings_reserve() - add the nodes that xpi_mappings_add() needs
 * @maps: the mappings
 * @dfn: first device frame, aligned to @order
 * @nr: 4 KiB pages, a multiple of the leaf
 * @order: order of the leaves to be added
 * @gfp: for missing nodes
 *
 * Return: 0; -EEXIST if a part of the range is mapped; -ERANGE if the range is
 * beyond the last dfn; -ENOMEM. An error needs no cleanup: new nodes stay.
 */
int xpi_mappings_reserve(struct xpi_mappings *maps, u64 dfn, u64 nr,
			 unsigned int order, gfp_t gfp);

/**
 * xpi_mappings_add() - add a mapping
 * @maps: the mappings
 * @dfn: first device frame, aligned to @order
 * @pfn: first page
 * @nr: 4 KiB pages, a multiple of the leaf
 * @order: order of the leaves
 * @flags: XPI_LEAF_*
 *
 * The range must be reserved. Does not allocate.
 *
 * Return: pages added; fewer than @nr only if the range was not reserved, or
 * another CPU has mapped a part of it.
 */
u64 xpi_mappings_add(struct xpi_mappings *maps, u64 dfn, u64 pfn, u64 nr,
		     unsigned int order, unsigned int flags);

/**
 * struct xpi_removed - what xpi_mappings_remove_kind() has removed
 *
 * Returned by value, in two registers.
 *
 * @nr: 4 KiB pages
 * @flags: XPI_LEAF_* that all of them had
 */
struct xpi_removed {
	u64 nr;
	unsigned int flags;
};

/**
 * xpi_mappings_remove_kind() - remove mappings of one kind
 * @maps: the mappings
 * @dfn: first device frame
 * @nr: 4 KiB pages to look at
 *
 * Neither allocates nor frees, so it never fails. Callable from any context.
 *
 * Return: pages removed, from @dfn on: those mapped by whole leaves with the same
 * flags; none at a hole or inside a leaf.
 */
struct xpi_removed xpi_mappings_remove_kind(struct xpi_mappings *maps, u64 dfn,
					    u64 nr);

/**
 * xpi_mappings_remove() - remove mappings of any kind
 * @maps: the mappings
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Stops at a hole and at a leaf that extends past the range. Neither allocates nor
 * frees, so it never fails. Callable from any context.
 *
 * Return: pages removed.
 */
u64 xpi_mappings_remove(struct xpi_mappings *maps, u64 dfn, u64 nr);

/**
 * xpi_mappings_mark() - mark leaves that are there
 * @maps: the mappings
 * @dfn: first device frame
 * @nr: 4 KiB pages; leaves that stick out are marked, too, holes passed over
 * @flags: XPI_LEAF_FOREIGN or what xpi_leaf_error() gives; an error stays the
 *	one that came first
 */
void xpi_mappings_mark(struct xpi_mappings *maps, u64 dfn, u64 nr,
		       unsigned int flags);

/**
 * xpi_leaf_error() - an error as a leaf's flags
 * @err: -errno
 *
 * Return: flags for xpi_mappings_mark(), never 0; an error that map never has
 * becomes -EIO.
 */
unsigned int xpi_leaf_error(int err);

/* The same for callers that know of a failure somewhere. */
int xpi_mappings_first_error(struct xpi_mappings *maps, u64 dfn, u64 nr);

/**
 * xpi_mappings_error() - did anything fail in a range?
 * @maps: the mappings
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: 0, or the error of the first leaf that has one.
 */
static inline int xpi_mappings_error(struct xpi_mappings *maps, u64 dfn, u64 nr)
{
	if (!READ_ONCE(maps->nr_failed))
		return 0;
	return xpi_mappings_first_error(maps, dfn, nr);
}

/**
 * xpi_mappings_lookup() - translate
 * @maps: the mappings
 * @dfn: device frame
 * @pfn: the page there
 *
 * Return: whether something is mapped there.
 */
bool xpi_mappings_lookup(struct xpi_mappings *maps, u64 dfn, u64 *pfn);

/**
 * xpi_mappings_flags() - what a leaf is marked with
 * @maps: the mappings
 * @dfn: device frame
 *
 * Return: XPI_LEAF_* of the leaf that it is in, 0 if it is in none.
 */
unsigned int xpi_mappings_flags(struct xpi_mappings *maps, u64 dfn);

/**
 * xpi_mappings_leaves() - how many leaves there are
 * @maps: the mappings
 * @order: of what size
 *
 * Return: the number; others may change it meanwhile.
 */
u64 xpi_mappings_leaves(struct xpi_mappings *maps, unsigned int order);

#endif /* XPI_MAPPINGS_H */

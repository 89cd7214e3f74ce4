// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's own record of what a context has mapped.
 *
 * iova_to_phys() runs at every DMA unmap, in any context, and must return a
 * pseudo-physical address, which Xen cannot provide. So the driver has a radix
 * tree of its own, nine bits a level, eight bytes a leaf. Unmap must not need
 * memory and is callable from hard interrupts. Therefore a map call adds nodes,
 * with its gfp, and empty nodes stay until the context is freed. The one exception
 * is an empty node that a 2 MiB leaf replaces.
 *
 * An entry is 0, a leaf (bit 0 set: physical address and XPI_LEAF_* bits) or a
 * pointer to a node one level down. Level 0 holds 4 KiB leaves, level 1 2 MiB
 * leaves or pointers, the others pointers.
 *
 * Every function holds the lock for the entries of one node at a time.
 */
#include <linux/array_size.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>

#include "mappings.h"

#define NODE_BITS	9
#define NODE_ENTRIES	512U	/* 2 ^ NODE_BITS */
#define MAX_LEVELS	6
#define ENTRY_LEAF	1ULL
/* All bits of a leaf except its address; 0 in a pointer. */
#define ENTRY_MARKS	(XPI_LEAF_FLAGS | ENTRY_LEAF)
#define ENTRY_ADDR	(~0xfffULL)
#define PAGE_BITS	12
/* A range without any dfn. */
#define NO_RANGE	U64_MAX

static unsigned int index_of(u64 dfn, unsigned int level)
{
	return (dfn >> (NODE_BITS * level)) % NODE_ENTRIES;
}

/* 4 KiB pages that an entry of @level covers */
static u64 pages_of(unsigned int level)
{
	return 1ULL << (NODE_BITS * level);
}

static bool is_leaf(u64 entry)
{
	return entry & ENTRY_LEAF;
}

static u64 *to_node(u64 entry)
{
	return (u64 *)(uintptr_t)entry;
}

static u64 from_node(const void *node)
{
	return (uintptr_t)node;
}

static u64 make_leaf(u64 pfn, unsigned int flags)
{
	return pfn << PAGE_BITS | (flags & XPI_LEAF_FLAGS) | ENTRY_LEAF;
}

static bool node_is_empty(const u64 *node)
{
	unsigned int i;

	for (i = 0; i < NODE_ENTRIES; i++)
		if (node[i])
			return false;
	return true;
}

/* An entry and its level; passed by value, in two registers. */
struct slot {
	u64 *entry;
	unsigned int level;
};

/*
 * The entry for @dfn at @level, or the leaf above it. NULL if a node on the path
 * is missing.
 */
static struct slot walk(struct xpi_mappings *maps, u64 dfn, unsigned int level)
{
	unsigned int at = maps->levels - 1;
	u64 *node = maps->root;

	for (;; at--) {
		u64 *entry = &node[index_of(dfn, at)];

		if (at == level || is_leaf(*entry)) {
			if (!at) {
				maps->recent = node;
				maps->recent_range = dfn >> NODE_BITS;
			}
			return (struct slot){ entry, at };
		}
		if (!*entry)
			return (struct slot){ NULL, at };
		node = to_node(*entry);
	}
}

/* The entry at level 0. Common case: in the node that was used last. */
static struct slot find_entry(struct xpi_mappings *maps, u64 dfn)
{
	if (maps->recent_range == dfn >> NODE_BITS)
		return (struct slot){ &maps->recent[index_of(dfn, 0)], 0 };
	return walk(maps, dfn, 0);
}

static void clear_recent(struct xpi_mappings *maps)
{
	maps->recent = NULL;
	maps->recent_range = NO_RANGE;
}

/* Entries of the range in the node of @dfn. */
static u64 entries_here(u64 dfn, u64 nr, unsigned int level)
{
	u64 in_node = NODE_ENTRIES - index_of(dfn, level);
	u64 wanted = nr >> (NODE_BITS * level);

	return min(in_node, wanted);
}

int xpi_mappings_init(struct xpi_mappings *maps,
		      const struct xpi_mappings_mem *mem, u64 last, gfp_t gfp)
{
	/* At least two levels, because a 2 MiB leaf is at level 1. */
	maps->levels = 2;
	while (maps->levels < MAX_LEVELS && last >> (NODE_BITS * maps->levels))
		maps->levels++;

	raw_spin_lock_init(&maps->lock);
	maps->mem = mem;
	maps->last = last;
	maps->nr_failed = 0;
	maps->nr_leaves[0] = 0;
	maps->nr_leaves[1] = 0;
	clear_recent(maps);
	maps->root = mem->alloc(gfp);
	return maps->root ? 0 : -ENOMEM;
}

/* Recursion no deeper than MAX_LEVELS. */
static void free_node(struct xpi_mappings *maps, u64 *node, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < NODE_ENTRIES; i++)
		if (node[i] && !is_leaf(node[i]))
			free_node(maps, to_node(node[i]), level - 1);
	maps->mem->free(node);
}

void xpi_mappings_fini(struct xpi_mappings *maps)
{
	if (maps->root)
		free_node(maps, maps->root, maps->levels - 1);
	maps->root = NULL;
}

/*
 * Descend to the node of @level that covers @dfn, and insert *@spare as the first
 * missing node. -EAGAIN: the caller must provide another spare node.
 */
static int grow(struct xpi_mappings *maps, u64 dfn, unsigned int level,
		void **spare)
{
	unsigned int at = maps->levels - 1;
	u64 *node = maps->root;

	for (; at > level; at--) {
		u64 *entry = &node[index_of(dfn, at)];

		if (is_leaf(*entry))
			return -EEXIST;
		if (!*entry) {
			if (!*spare)
				return -EAGAIN;
			*entry = from_node(*spare);
			*spare = NULL;
		}
		node = to_node(*entry);
	}
	return 0;
}

/* Return true if the part of the range in @dfn's node has no mappings. */
static bool is_vacant(struct xpi_mappings *maps, u64 dfn, u64 nr,
		      unsigned int level)
{
	u64 *entry = walk(maps, dfn, level).entry;
	u64 n = entries_here(dfn, nr, level);

	for (; n--; entry++)
		if (*entry &&
		    (is_leaf(*entry) || !node_is_empty(to_node(*entry))))
			return false;
	return true;
}

/* Reserve the part of the range in one node. */
static int reserve_node(struct xpi_mappings *maps, u64 dfn, u64 nr,
			unsigned int level, gfp_t gfp)
{
	unsigned long irqflags;
	void *spare = NULL;
	int ret;

	for (;;) {
		raw_spin_lock_irqsave(&maps->lock, irqflags);
		ret = grow(maps, dfn, level, &spare);
		if (!ret && !is_vacant(maps, dfn, nr, level))
			ret = -EEXIST;
		raw_spin_unlock_irqrestore(&maps->lock, irqflags);
		if (ret != -EAGAIN)
			break;

		spare = maps->mem->alloc(gfp);
		if (!spare)
			return -ENOMEM;
	}

	/* Another CPU inserted the last missing node. */
	if (spare)
		maps->mem->free(spare);
	return ret;
}

static bool fits(const struct xpi_mappings *maps, u64 dfn, u64 nr)
{
	return nr && dfn <= maps->last && nr - 1 <= maps->last - dfn;
}

int xpi_mappings_reserve(struct xpi_mappings *maps, u64 dfn, u64 nr,
			 unsigned int order, gfp_t gfp)
{
	unsigned int level = order / NODE_BITS;

	if (!fits(maps, dfn, nr))
		return -ERANGE;

	while (nr) {
		u64 n = entries_here(dfn, nr, level) * pages_of(level);
		int ret = reserve_node(maps, dfn, nr, level, gfp);

		if (ret)
			return ret;
		dfn += n;
		nr -= n;
	}
	return 0;
}

/* Add 4 KiB leaves for the part of the range in one node. Returns pages added. */
static __always_inline u64 set_small(struct xpi_mappings *maps, u64 dfn, u64 nr,
				     u64 leaf)
{
	unsigned long irqflags;
	struct slot at;
	u64 i = 0, n;

	raw_spin_lock_irqsave(&maps->lock, irqflags);
	at = find_entry(maps, dfn);
	if (at.entry && !at.level) {
		n = entries_here(dfn, nr, 0);
		for (; i < n && !at.entry[i]; i++)
			at.entry[i] = leaf + (i << PAGE_BITS);
		maps->nr_leaves[0] += i;
	}
	raw_spin_unlock_irqrestore(&maps->lock, irqflags);
	return i;
}

/*
 * Fill entries of one node of level 1. Link the empty nodes that leaves replace
 * through their first word into *@dead. Returns entries filled.
 */
static u64 set_entries(struct xpi_mappings *maps, u64 *entry, u64 n, u64 leaf,
		       u64 *dead)
{
	u64 i;

	for (i = 0; i < n; i++, entry++, leaf += pages_of(1) << PAGE_BITS) {
		if (is_leaf(*entry))
			break;
		if (*entry) {
			u64 *node = to_node(*entry);

			if (!node_is_empty(node))
				break;
			if (maps->recent == node)
				clear_recent(maps);
			node[0] = *dead;
			*dead = from_node(node);
		}
		*entry = leaf;
	}
	return i;
}

static void free_dead(struct xpi_mappings *maps, u64 dead)
{
	while (dead) {
		u64 *node = to_node(dead);

		dead = node[0];
		maps->mem->free(node);
	}
}

/* Add 2 MiB leaves for the part of the range in one node. */
static u64 set_large(struct xpi_mappings *maps, u64 dfn, u64 nr, u64 leaf)
{
	unsigned long irqflags;
	u64 done = 0, dead = 0;
	struct slot at;

	raw_spin_lock_irqsave(&maps->lock, irqflags);
	at = walk(maps, dfn, 1);
	if (at.entry && at.level == 1)
		done = set_entries(maps, at.entry, entries_here(dfn, nr, 1),
				   leaf, &dead);
	maps->nr_leaves[1] += done;
	raw_spin_unlock_irqrestore(&maps->lock, irqflags);

	free_dead(maps, dead);
	return done * pages_of(1);
}

/* Continue after @done pages. */
static noinline u64 set_more(struct xpi_mappings *maps, u64 dfn, u64 nr,
			     u64 leaf, unsigned int order, u64 done)
{
	u64 n;

	do {
		u64 at = leaf + (done << PAGE_BITS);

		n = order == XPI_ORDER_4K ?
		    set_small(maps, dfn + done, nr - done, at) :
		    set_large(maps, dfn + done, nr - done, at);
		done += n;
	} while (n && done < nr);
	return done;
}

u64 xpi_mappings_add(struct xpi_mappings *maps, u64 dfn, u64 pfn, u64 nr,
		     unsigned int order, unsigned int flags)
{
	u64 leaf = make_leaf(pfn, flags);
	u64 n = 0;

	if (!fits(maps, dfn, nr))
		return 0;

	/* Common case. */
	if (order == XPI_ORDER_4K) {
		n = set_small(maps, dfn, nr, leaf);
		if (n == nr)
			return n;
	}
	return set_more(maps, dfn, nr, leaf, order, n);
}

/*
 * Remove whole leaves from @dfn on, in one node, all with the same marks: those
 * of the first, or @marks if that is not 0.
 */
static __always_inline struct xpi_removed
remove_in_node(struct xpi_mappings *maps, u64 dfn, u64 nr, u64 marks)
{
	struct xpi_removed removed = {};
	unsigned long irqflags;
	struct slot at;
	u64 i, n;

	raw_spin_lock_irqsave(&maps->lock, irqflags);
	at = find_entry(maps, dfn);
	if (!at.entry || !is_leaf(*at.entry) || dfn % pages_of(at.level))
		goto out;

	marks = marks ?: *at.entry & ENTRY_MARKS;
	n = entries_here(dfn, nr, at.level);
	for (i = 0; i < n && (at.entry[i] & ENTRY_MARKS) == marks; i++)
		at.entry[i] = 0;

	removed.nr = i * pages_of(at.level);
	removed.flags = marks & XPI_LEAF_FLAGS;
	maps->nr_leaves[at.level] -= i;
	if (marks & XPI_LEAF_ERROR)
		WRITE_ONCE(maps->nr_failed, maps->nr_failed - i);
out:
	raw_spin_unlock_irqrestore(&maps->lock, irqflags);
	return removed;
}

/* Continue after the leaves that were removed. */
static noinline struct xpi_removed remove_more(struct xpi_mappings *maps,
					       u64 dfn, u64 nr,
					       struct xpi_removed removed,
					       bool any_flags)
{
	u64 marks = any_flags ? 0 : removed.flags | ENTRY_LEAF;
	u64 n;

	do {
		struct xpi_removed r = remove_in_node(maps, dfn + removed.nr,
						      nr - removed.nr, marks);

		n = r.nr;
		removed.nr += n;
	} while (n && removed.nr < nr);
	return removed;
}

static __always_inline struct xpi_removed
remove_leaves(struct xpi_mappings *maps, u64 dfn, u64 nr, bool any_flags)
{
	struct xpi_removed removed;

	if (!fits(maps, dfn, nr))
		return (struct xpi_removed){};

	/* Common case. */
	removed = remove_in_node(maps, dfn, nr, 0);
	if (removed.nr == nr || !removed.nr)
		return removed;
	return remove_more(maps, dfn, nr, removed, any_flags);
}

struct xpi_removed xpi_mappings_remove_kind(struct xpi_mappings *maps, u64 dfn,
					    u64 nr)
{
	return remove_leaves(maps, dfn, nr, false);
}

u64 xpi_mappings_remove(struct xpi_mappings *maps, u64 dfn, u64 nr)
{
	return remove_leaves(maps, dfn, nr, true).nr;
}

/* Errors of a map; a leaf has the index. */
static const int map_errors[] = {
	0, -EIO, -ENOMEM, -EACCES, -ETXTBSY, -EEXIST, -EADDRINUSE, -EINVAL,
	-ENOENT, -EPERM, -EFAULT, -EOPNOTSUPP,
};

#define ERROR_SHIFT	4

unsigned int xpi_leaf_error(int err)
{
	unsigned int i;

	for (i = ARRAY_SIZE(map_errors) - 1; i > 1; i--)
		if (map_errors[i] == err)
			break;
	return i << ERROR_SHIFT;
}

static int leaf_error(u64 entry)
{
	unsigned int i = (entry & XPI_LEAF_ERROR) >> ERROR_SHIFT;

	return i < ARRAY_SIZE(map_errors) ? map_errors[i] : -EIO;
}

static void mark_entry(struct xpi_mappings *maps, u64 *entry,
		       unsigned int flags)
{
	if (!is_leaf(*entry))
		return;
	if (flags & XPI_LEAF_ERROR) {
		if (*entry & XPI_LEAF_ERROR)
			return;
		WRITE_ONCE(maps->nr_failed, maps->nr_failed + 1);
	}
	*entry |= flags;
}

/*
 * The entry for @dfn if it is a leaf, else NULL. *@next is the first dfn after the
 * leaf, or after the missing node.
 */
static u64 *leaf_at(struct xpi_mappings *maps, u64 dfn, u64 *next)
{
	struct slot at = find_entry(maps, dfn);

	*next = (dfn | (pages_of(at.entry ? at.level : 1) - 1)) + 1;
	return at.entry && is_leaf(*at.entry) ? at.entry : NULL;
}

void xpi_mappings_mark(struct xpi_mappings *maps, u64 dfn, u64 nr,
		       unsigned int flags)
{
	unsigned long irqflags;
	u64 at, next;

	if (!fits(maps, dfn, nr))
		return;

	for (at = dfn; at - dfn < nr; at = next) {
		u64 *entry;

		raw_spin_lock_irqsave(&maps->lock, irqflags);
		entry = leaf_at(maps, at, &next);
		if (entry)
			mark_entry(maps, entry, flags);
		raw_spin_unlock_irqrestore(&maps->lock, irqflags);
	}
}

int xpi_mappings_first_error(struct xpi_mappings *maps, u64 dfn, u64 nr)
{
	unsigned long irqflags;
	u64 at, next;
	int err = 0;

	if (!fits(maps, dfn, nr))
		return 0;

	for (at = dfn; !err && at - dfn < nr; at = next) {
		const u64 *entry;

		raw_spin_lock_irqsave(&maps->lock, irqflags);
		entry = leaf_at(maps, at, &next);
		if (entry)
			err = leaf_error(*entry);
		raw_spin_unlock_irqrestore(&maps->lock, irqflags);
	}
	return err;
}

/* The leaf that covers @dfn, or 0. */
static u64 look_up(struct xpi_mappings *maps, u64 dfn, unsigned int *level)
{
	unsigned long irqflags;
	struct slot at;
	u64 found = 0;

	if (dfn > maps->last)
		return 0;

	raw_spin_lock_irqsave(&maps->lock, irqflags);
	at = find_entry(maps, dfn);
	if (at.entry)
		found = *at.entry;
	raw_spin_unlock_irqrestore(&maps->lock, irqflags);

	*level = at.level;
	return is_leaf(found) ? found : 0;
}

bool xpi_mappings_lookup(struct xpi_mappings *maps, u64 dfn, u64 *pfn)
{
	unsigned int level = 0;
	u64 leaf = look_up(maps, dfn, &level);

	if (!leaf)
		return false;
	*pfn = ((leaf & ENTRY_ADDR) >> PAGE_BITS) + dfn % pages_of(level);
	return true;
}

unsigned int xpi_mappings_flags(struct xpi_mappings *maps, u64 dfn)
{
	unsigned int level;

	return look_up(maps, dfn, &level) & XPI_LEAF_FLAGS;
}

u64 xpi_mappings_leaves(struct xpi_mappings *maps, unsigned int order)
{
	unsigned long irqflags;
	u64 nr;

	raw_spin_lock_irqsave(&maps->lock, irqflags);
	nr = maps->nr_leaves[order / NODE_BITS];
	raw_spin_unlock_irqrestore(&maps->lock, irqflags);
	return nr;
}

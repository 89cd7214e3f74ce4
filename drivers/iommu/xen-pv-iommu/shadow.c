// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's own record of what a context has mapped.
 *
 * iova_to_phys() runs at every DMA unmap, in any context, and has to answer
 * with a pseudo-physical address: Xen cannot be asked. So the driver keeps a
 * radix tree of its own, nine bits a level, eight bytes a leaf. Unmap must not
 * need memory and may come in hard interrupt context; therefore nodes are only
 * added (by the map call that needs them, with its gfp) and kept when they are
 * empty, until the context is freed. The one exception is an empty node in
 * whose place a 2 MiB leaf is put.
 *
 * An entry is 0, a leaf (bit 0 set: physical address and XPI_LEAF_* bits) or a
 * pointer to a node one level down. Level 0 holds 4 KiB leaves, level 1 2 MiB
 * leaves or pointers, the others pointers.
 *
 * Every function holds the lock for one node's worth of entries at a time.
 */
#include <linux/array_size.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>

#include "shadow.h"

#define NODE_BITS	9
#define NODE_ENTRIES	512U	/* 2 ^ NODE_BITS */
#define MAX_LEVELS	6
#define ENTRY_LEAF	1ULL
/* All that a leaf is besides its address; of a pointer it is 0. */
#define ENTRY_MARKS	(XPI_LEAF_FLAGS | ENTRY_LEAF)
#define ENTRY_ADDR	(~0xfffULL)
#define PAGE_BITS	12
/* No dfn is in it. */
#define NO_RANGE	U64_MAX

static unsigned int index_of(u64 dfn, unsigned int level)
{
	return (dfn >> (NODE_BITS * level)) % NODE_ENTRIES;
}

/* 4 KiB pages that an entry of that level covers */
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

/* An entry and its level; by value, as that is two registers. */
struct place {
	u64 *entry;
	unsigned int level;
};

/*
 * The entry for @dfn at @level, or the leaf that lies above it. NULL if a node
 * on the way is missing.
 */
static struct place walk(struct xpi_shadow *sh, u64 dfn, unsigned int level)
{
	unsigned int at = sh->levels - 1;
	u64 *node = sh->root;

	for (;; at--) {
		u64 *entry = &node[index_of(dfn, at)];

		if (at == level || is_leaf(*entry)) {
			if (!at) {
				sh->recent = node;
				sh->recent_range = dfn >> NODE_BITS;
			}
			return (struct place){ entry, at };
		}
		if (!*entry)
			return (struct place){ NULL, at };
		node = to_node(*entry);
	}
}

/* The same down to 4 KiB; mostly the node is the one that was used last. */
static struct place find_entry(struct xpi_shadow *sh, u64 dfn)
{
	if (likely(sh->recent_range == dfn >> NODE_BITS))
		return (struct place){ &sh->recent[index_of(dfn, 0)], 0 };
	return walk(sh, dfn, 0);
}

static void forget_recent(struct xpi_shadow *sh)
{
	sh->recent = NULL;
	sh->recent_range = NO_RANGE;
}

/* How many entries from @dfn's on lie in the same node and in the range. */
static u64 entries_here(u64 dfn, u64 nr, unsigned int level)
{
	u64 in_node = NODE_ENTRIES - index_of(dfn, level);
	u64 wanted = nr >> (NODE_BITS * level);

	return min(in_node, wanted);
}

int xpi_shadow_init(struct xpi_shadow *sh, const struct xpi_shadow_mem *mem,
		    u64 last, gfp_t gfp)
{
	/* Two levels at least, or there would be no place for a 2 MiB leaf. */
	sh->levels = 2;
	while (sh->levels < MAX_LEVELS && last >> (NODE_BITS * sh->levels))
		sh->levels++;

	raw_spin_lock_init(&sh->lock);
	sh->mem = mem;
	sh->last = last;
	sh->nr_failed = 0;
	sh->nr_leaves[0] = 0;
	sh->nr_leaves[1] = 0;
	forget_recent(sh);
	sh->root = mem->alloc(gfp);
	return sh->root ? 0 : -ENOMEM;
}

/* Recursion no deeper than MAX_LEVELS. */
static void free_node(struct xpi_shadow *sh, u64 *node, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < NODE_ENTRIES; i++)
		if (node[i] && !is_leaf(node[i]))
			free_node(sh, to_node(node[i]), level - 1);
	sh->mem->free(node);
}

void xpi_shadow_fini(struct xpi_shadow *sh)
{
	if (sh->root)
		free_node(sh, sh->root, sh->levels - 1);
	sh->root = NULL;
}

/*
 * Go down to the node of @level that @dfn is in, hanging in *@spare where the
 * first node is missing. -EAGAIN: another spare node is needed.
 */
static int grow(struct xpi_shadow *sh, u64 dfn, unsigned int level,
		void **spare)
{
	unsigned int at = sh->levels - 1;
	u64 *node = sh->root;

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

/* Is there nothing in the part of the range that lies in @dfn's node? */
static bool is_vacant(struct xpi_shadow *sh, u64 dfn, u64 nr,
		      unsigned int level)
{
	u64 *entry = walk(sh, dfn, level).entry;
	u64 n = entries_here(dfn, nr, level);

	for (; n--; entry++)
		if (*entry &&
		    (is_leaf(*entry) || !node_is_empty(to_node(*entry))))
			return false;
	return true;
}

/* The part of the range that lies in one node. */
static int reserve_node(struct xpi_shadow *sh, u64 dfn, u64 nr,
			unsigned int level, gfp_t gfp)
{
	unsigned long irqflags;
	void *spare = NULL;
	int ret;

	for (;;) {
		raw_spin_lock_irqsave(&sh->lock, irqflags);
		ret = grow(sh, dfn, level, &spare);
		if (!ret && !is_vacant(sh, dfn, nr, level))
			ret = -EEXIST;
		raw_spin_unlock_irqrestore(&sh->lock, irqflags);
		if (ret != -EAGAIN)
			break;

		spare = sh->mem->alloc(gfp);
		if (!spare)
			return -ENOMEM;
	}

	/* Somebody else was faster with the last one. */
	if (spare)
		sh->mem->free(spare);
	return ret;
}

static bool fits(const struct xpi_shadow *sh, u64 dfn, u64 nr)
{
	return nr && dfn <= sh->last && nr - 1 <= sh->last - dfn;
}

int xpi_shadow_reserve(struct xpi_shadow *sh, u64 dfn, u64 nr,
		       unsigned int order, gfp_t gfp)
{
	unsigned int level = order / NODE_BITS;

	if (!fits(sh, dfn, nr))
		return -ERANGE;

	while (nr) {
		u64 n = entries_here(dfn, nr, level) * pages_of(level);
		int ret = reserve_node(sh, dfn, nr, level, gfp);

		if (ret)
			return ret;
		dfn += n;
		nr -= n;
	}
	return 0;
}

/*
 * 4 KiB leaves, the part of the range that lies in one node; returns pages
 * recorded.
 */
static __always_inline u64 set_small(struct xpi_shadow *sh, u64 dfn, u64 nr,
				     u64 leaf)
{
	unsigned long irqflags;
	struct place at;
	u64 i = 0, n;

	raw_spin_lock_irqsave(&sh->lock, irqflags);
	at = find_entry(sh, dfn);
	if (at.entry && !at.level) {
		n = entries_here(dfn, nr, 0);
		for (; i < n && !at.entry[i]; i++)
			at.entry[i] = leaf + (i << PAGE_BITS);
		sh->nr_leaves[0] += i;
	}
	raw_spin_unlock_irqrestore(&sh->lock, irqflags);
	return i;
}

/*
 * Fill entries of one node of level 1. Empty nodes that leaves replace are
 * chained through their first word into *@dead. Returns entries filled.
 */
static u64 set_entries(struct xpi_shadow *sh, u64 *entry, u64 n, u64 leaf,
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
			if (sh->recent == node)
				forget_recent(sh);
			node[0] = *dead;
			*dead = from_node(node);
		}
		*entry = leaf;
	}
	return i;
}

static void free_dead(struct xpi_shadow *sh, u64 dead)
{
	while (dead) {
		u64 *node = to_node(dead);

		dead = node[0];
		sh->mem->free(node);
	}
}

/* The same for 2 MiB leaves. */
static u64 set_large(struct xpi_shadow *sh, u64 dfn, u64 nr, u64 leaf)
{
	unsigned long irqflags;
	u64 done = 0, dead = 0;
	struct place at;

	raw_spin_lock_irqsave(&sh->lock, irqflags);
	at = walk(sh, dfn, 1);
	if (at.entry && at.level == 1)
		done = set_entries(sh, at.entry, entries_here(dfn, nr, 1), leaf,
				   &dead);
	sh->nr_leaves[1] += done;
	raw_spin_unlock_irqrestore(&sh->lock, irqflags);

	free_dead(sh, dead);
	return done * pages_of(1);
}

/* Go on after @done pages. */
static noinline u64 set_more(struct xpi_shadow *sh, u64 dfn, u64 nr, u64 leaf,
			     unsigned int order, u64 done)
{
	u64 n;

	do {
		u64 at = leaf + (done << PAGE_BITS);

		n = order == XPI_ORDER_4K ?
		    set_small(sh, dfn + done, nr - done, at) :
		    set_large(sh, dfn + done, nr - done, at);
		done += n;
	} while (n && done < nr);
	return done;
}

u64 xpi_shadow_set(struct xpi_shadow *sh, u64 dfn, u64 pfn, u64 nr,
		   unsigned int order, unsigned int flags)
{
	u64 leaf = make_leaf(pfn, flags);
	u64 n = 0;

	if (!fits(sh, dfn, nr))
		return 0;

	/* Mostly that is all. */
	if (likely(order == XPI_ORDER_4K)) {
		n = set_small(sh, dfn, nr, leaf);
		if (likely(n == nr))
			return n;
	}
	return set_more(sh, dfn, nr, leaf, order, n);
}

/*
 * Erase whole leaves from @dfn on, in one node, all with the same marks: those
 * of the first, or @marks if that is not 0.
 */
static __always_inline struct xpi_taken erase_in_node(struct xpi_shadow *sh,
						      u64 dfn, u64 nr,
						      u64 marks)
{
	struct xpi_taken taken = {};
	unsigned long irqflags;
	struct place at;
	u64 i, n;

	raw_spin_lock_irqsave(&sh->lock, irqflags);
	at = find_entry(sh, dfn);
	if (!at.entry || !is_leaf(*at.entry) || dfn % pages_of(at.level))
		goto out;

	marks = marks ?: *at.entry & ENTRY_MARKS;
	n = entries_here(dfn, nr, at.level);
	for (i = 0; i < n && (at.entry[i] & ENTRY_MARKS) == marks; i++)
		at.entry[i] = 0;

	taken.nr = i * pages_of(at.level);
	taken.flags = marks & XPI_LEAF_FLAGS;
	sh->nr_leaves[at.level] -= i;
	if (marks & XPI_LEAF_ERROR)
		WRITE_ONCE(sh->nr_failed, sh->nr_failed - i);
out:
	raw_spin_unlock_irqrestore(&sh->lock, irqflags);
	return taken;
}

/* Go on behind what was taken. */
static noinline struct xpi_taken erase_more(struct xpi_shadow *sh, u64 dfn,
					    u64 nr, struct xpi_taken taken,
					    bool any_flags)
{
	u64 marks = any_flags ? 0 : taken.flags | ENTRY_LEAF;
	u64 n;

	do {
		n = erase_in_node(sh, dfn + taken.nr, nr - taken.nr, marks).nr;
		taken.nr += n;
	} while (n && taken.nr < nr);
	return taken;
}

static __always_inline struct xpi_taken erase(struct xpi_shadow *sh, u64 dfn,
					      u64 nr, bool any_flags)
{
	struct xpi_taken taken;

	if (!fits(sh, dfn, nr))
		return (struct xpi_taken){};

	/* Mostly that is all. */
	taken = erase_in_node(sh, dfn, nr, 0);
	if (likely(taken.nr == nr) || !taken.nr)
		return taken;
	return erase_more(sh, dfn, nr, taken, any_flags);
}

struct xpi_taken xpi_shadow_take(struct xpi_shadow *sh, u64 dfn, u64 nr)
{
	return erase(sh, dfn, nr, false);
}

u64 xpi_shadow_erase(struct xpi_shadow *sh, u64 dfn, u64 nr)
{
	return erase(sh, dfn, nr, true).nr;
}

/* What map may fail with; the index is what a leaf says. */
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

static void mark_entry(struct xpi_shadow *sh, u64 *entry, unsigned int flags)
{
	if (!is_leaf(*entry))
		return;
	if (flags & XPI_LEAF_ERROR) {
		if (*entry & XPI_LEAF_ERROR)
			return;
		WRITE_ONCE(sh->nr_failed, sh->nr_failed + 1);
	}
	*entry |= flags;
}

/*
 * The entry for @dfn, if it is a leaf, else NULL. *@next is the first dfn
 * behind it, or behind the node that is missing there.
 */
static u64 *leaf_at(struct xpi_shadow *sh, u64 dfn, u64 *next)
{
	struct place at = find_entry(sh, dfn);

	*next = (dfn | (pages_of(at.entry ? at.level : 1) - 1)) + 1;
	return at.entry && is_leaf(*at.entry) ? at.entry : NULL;
}

void xpi_shadow_mark(struct xpi_shadow *sh, u64 dfn, u64 nr,
		     unsigned int flags)
{
	unsigned long irqflags;
	u64 at, next;

	if (!fits(sh, dfn, nr))
		return;

	for (at = dfn; at - dfn < nr; at = next) {
		u64 *entry;

		raw_spin_lock_irqsave(&sh->lock, irqflags);
		entry = leaf_at(sh, at, &next);
		if (entry)
			mark_entry(sh, entry, flags);
		raw_spin_unlock_irqrestore(&sh->lock, irqflags);
	}
}

int xpi_shadow_first_error(struct xpi_shadow *sh, u64 dfn, u64 nr)
{
	unsigned long irqflags;
	u64 at, next;
	int err = 0;

	if (!fits(sh, dfn, nr))
		return 0;

	for (at = dfn; !err && at - dfn < nr; at = next) {
		const u64 *entry;

		raw_spin_lock_irqsave(&sh->lock, irqflags);
		entry = leaf_at(sh, at, &next);
		if (entry)
			err = leaf_error(*entry);
		raw_spin_unlock_irqrestore(&sh->lock, irqflags);
	}
	return err;
}

/* The leaf that @dfn is in, or 0. */
static u64 look_up(struct xpi_shadow *sh, u64 dfn, unsigned int *level)
{
	unsigned long irqflags;
	struct place at;
	u64 found = 0;

	if (dfn > sh->last)
		return 0;

	raw_spin_lock_irqsave(&sh->lock, irqflags);
	at = find_entry(sh, dfn);
	if (at.entry)
		found = *at.entry;
	raw_spin_unlock_irqrestore(&sh->lock, irqflags);

	*level = at.level;
	return is_leaf(found) ? found : 0;
}

bool xpi_shadow_lookup(struct xpi_shadow *sh, u64 dfn, u64 *pfn)
{
	unsigned int level = 0;
	u64 leaf = look_up(sh, dfn, &level);

	if (!leaf)
		return false;
	*pfn = ((leaf & ENTRY_ADDR) >> PAGE_BITS) + dfn % pages_of(level);
	return true;
}

unsigned int xpi_shadow_flags(struct xpi_shadow *sh, u64 dfn)
{
	unsigned int level;

	return look_up(sh, dfn, &level) & XPI_LEAF_FLAGS;
}

u64 xpi_shadow_leaves(struct xpi_shadow *sh, unsigned int order)
{
	unsigned long irqflags;
	u64 nr;

	raw_spin_lock_irqsave(&sh->lock, irqflags);
	nr = sh->nr_leaves[order / NODE_BITS];
	raw_spin_unlock_irqrestore(&sh->lock, irqflags);
	return nr;
}

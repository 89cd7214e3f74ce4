/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine below the page-table builder: memory for tables, and an IOMMU that
 * does not snoop the CPU's caches and has caches of its own.
 *
 * A table has three copies. The builder writes `cpu`, the IOMMU reads `mem`, and
 * only pt_table_sync() copies from the first to the second (XSA-321). Only
 * pt_entry_write() updates `stores`, which detects any other store to a table that
 * the IOMMU may see (XSA-347).
 *
 * A table is FREE, LIVE or RETIRED. A retired table keeps a checksum: it must not
 * be changed, mapped or freed before machine_flush().
 */
#ifndef PT_MACHINE_H
#define PT_MACHINE_H

#include "harness.h"
#include "pt-env.h"

#define MACHINE_TABLES 8192
#define MACHINE_BASE 0x140000000ULL
#define TABLE_BYTES (IOMMU_PT_ENTRIES * sizeof(uint64_t))

enum table_state { TABLE_FREE, TABLE_LIVE, TABLE_RETIRED };

struct table {
	uint64_t cpu[IOMMU_PT_ENTRIES];
	uint64_t mem[IOMMU_PT_ENTRIES];
	uint64_t stores[IOMMU_PT_ENTRIES];
	enum table_state state;
	bool published;		/* the IOMMU may see it */
	unsigned int mapped;
	unsigned long count;
	uint64_t sum;		/* checksum of mem, when retired */
};

/* The meaning of an entry in a format, from its specification. */
enum hw_kind { HW_NONE, HW_TABLE, HW_LEAF };
struct hw_entry {
	enum hw_kind kind;
	uint64_t maddr;
	bool r, w;
};
typedef struct hw_entry hw_decode_t(uint64_t pte, unsigned int level);

static struct {
	struct table *tab;		/* one array, pages touched on use */
	unsigned int nr_used;		/* entries of tab that were ever in use */
	unsigned int free_slot[MACHINE_TABLES], nr_free;
	unsigned int live, retired;
	unsigned int mapped;		/* tables mapped now, in total */
	hw_decode_t *decode;
	bool no_alloc;			/* unmap runs: an allocation is a bug */
	int fail_in;			/* allocations until one fails, -1: none */
	bool failed;			/* an allocation failed */
	unsigned long allocs, maps, syncs;
	void (*probe)(void);		/* called between any two stores */
} machine;

static void machine_start(hw_decode_t *decode)
{
	unsigned int i;

	if (!machine.tab)
		machine.tab = calloc(MACHINE_TABLES, sizeof(*machine.tab));
	for (i = 0; i < machine.nr_used; i++)
		machine.tab[i].state = TABLE_FREE;
	for (i = 0; i < MACHINE_TABLES; i++)
		machine.free_slot[i] = MACHINE_TABLES - 1 - i;
	machine.nr_used = 0;
	machine.nr_free = MACHINE_TABLES;
	machine.live = machine.retired = machine.mapped = 0;
	machine.decode = decode;
	machine.no_alloc = machine.failed = false;
	machine.fail_in = -1;
	machine.allocs = machine.maps = machine.syncs = 0;
	machine.probe = NULL;
}

static struct table *machine_table(uint64_t maddr)
{
	uint64_t slot = (maddr - MACHINE_BASE) >> 12;

	if (maddr < MACHINE_BASE || slot >= machine.nr_used || maddr & 0xfff ||
	    machine.tab[slot].state == TABLE_FREE)
		FAIL("%#" PRIx64 " is no table", maddr);
	return &machine.tab[slot];
}

static uint64_t table_sum(const struct table *t)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < IOMMU_PT_ENTRIES; i++)
		sum = (sum ^ t->mem[i]) * 0x100000001b3ULL;
	return sum;
}

/* New memory is zero for the CPU, and random valid-looking entries for the IOMMU. */
static void table_reset(struct table *t)
{
	memset(t->cpu, 0, sizeof(t->cpu));
	memset(t->stores, 0, sizeof(t->stores));
	memset(t->mem, 0xff, sizeof(t->mem));
	t->state = TABLE_LIVE;
	t->published = false;
	t->mapped = 0;
	t->count = 0x5a5a;	/* the builder sets it */
}

static bool machine_alloc_fails(void)
{
	if (machine.fail_in < 0 || machine.fail_in-- > 0)
		return machine.nr_free == 0;
	machine.failed = true;
	return true;
}

uint64_t pt_table_alloc(struct iommu_pt *pt)
{
	unsigned int slot;

	(void)pt;
	CHECK(!machine.no_alloc);
	if (machine_alloc_fails())
		return 0;
	machine.allocs++;
	machine.live++;
	/* Reuse the last freed slot first, which exposes use after free at once. */
	slot = machine.free_slot[--machine.nr_free];
	if (slot >= machine.nr_used)
		machine.nr_used = slot + 1;
	table_reset(&machine.tab[slot]);
	return MACHINE_BASE + ((uint64_t)slot << 12);
}

static void machine_release(uint64_t maddr)
{
	machine_table(maddr)->state = TABLE_FREE;
	machine.free_slot[machine.nr_free++] = (maddr - MACHINE_BASE) >> 12;
}

void pt_table_free(struct iommu_pt *pt, uint64_t maddr)
{
	(void)pt;
	CHECK(machine_table(maddr)->state == TABLE_LIVE);
	CHECK(!machine_table(maddr)->mapped);
	machine_release(maddr);
	machine.live--;
}

void pt_table_retire(struct iommu_pt *pt, uint64_t maddr)
{
	struct table *t = machine_table(maddr);

	(void)pt;
	CHECK(t->state == TABLE_LIVE);
	CHECK(t->published);
	t->sum = table_sum(t);
	t->state = TABLE_RETIRED;
	machine.live--;
	machine.retired++;
}

uint64_t *pt_table_map(uint64_t maddr)
{
	struct table *t = machine_table(maddr);

	CHECK(t->state == TABLE_LIVE);
	t->mapped++;
	machine.mapped++;
	machine.maps++;
	return t->cpu;
}

/* Return the table whose `cpu` copy has this address. */
static struct table *table_of(const void *addr)
{
	size_t offset = (const char *)addr - (const char *)machine.tab;
	struct table *t = &machine.tab[offset / sizeof(*t)];

	if ((const char *)addr < (const char *)machine.tab ||
	    offset / sizeof(*t) >= machine.nr_used ||
	    offset % sizeof(*t) >= TABLE_BYTES)
		FAIL("a store or sync outside of tables");
	return t;
}

void pt_table_unmap(const uint64_t *table)
{
	struct table *t = table_of(table);

	CHECK(t->mapped);
	t->mapped--;
	machine.mapped--;
	if (!t->published)
		memcpy(t->stores, t->cpu, TABLE_BYTES);
	else if (memcmp(t->stores, t->cpu, TABLE_BYTES))
		FAIL("an entry in use was changed by other than one store");
}

unsigned long *pt_table_count(uint64_t maddr)
{
	struct table *t = machine_table(maddr);

	CHECK(t->state == TABLE_LIVE);
	return &t->count;
}

void pt_entry_write(uint64_t *entry, uint64_t pte)
{
	struct table *t = table_of(entry);

	CHECK(t->state == TABLE_LIVE && t->mapped);
	*entry = pte;
	t->stores[entry - t->cpu] = pte;
	if (machine.probe)
		machine.probe();
}

/* The IOMMU may see the target of a present entry from now on. */
static void publish(uint64_t pte)
{
	uint64_t maddr = pte & 0x0000fffffffff000ULL;
	uint64_t slot = (maddr - MACHINE_BASE) >> 12;

	if (pte & 3 && maddr >= MACHINE_BASE && slot < machine.nr_used &&
	    machine.tab[slot].state == TABLE_LIVE)
		machine.tab[slot].published = true;
}

/* Entries reach memory in any order; a probe may come between any two. */
void pt_table_sync(const struct iommu_pt *pt, const void *addr,
		   unsigned int bytes)
{
	struct table *t = table_of(addr);
	unsigned int i = (const uint64_t *)addr - t->cpu;
	unsigned int end = i + bytes / sizeof(uint64_t);

	(void)pt;
	machine.syncs++;
	CHECK(bytes && bytes % sizeof(uint64_t) == 0);
	CHECK(end <= IOMMU_PT_ENTRIES);
	CHECK(t->state == TABLE_LIVE && t->mapped);
	for (; i < end; i++) {
		t->mem[i] = t->cpu[i];
		publish(t->cpu[i]);
	}
	if (machine.probe)
		machine.probe();
}

/*
 * The IOMMU. Until a flush its caches hold everything that it read: for each level
 * the tables that it used, and the leaves. It does not cache faults.
 */
#define HW_SLOTS 64
static struct hw_cached {
	bool valid;
	uint64_t tag;
	struct hw_entry e;
} hw_cache[IOMMU_PT_MAX_LEVELS + 1][HW_SLOTS];

static void hw_start(void)
{
	memset(hw_cache, 0, sizeof(hw_cache));
}

/* Return the cached entry of `level` that covers dfn. */
static struct hw_cached *hw_slot(unsigned int level, uint64_t dfn)
{
	uint64_t tag = dfn >> (9 * (level - 1));

	return &hw_cache[level][(tag ^ (tag >> 9)) % HW_SLOTS];
}

static bool hw_cache_hit(unsigned int level, uint64_t dfn, struct hw_entry *e)
{
	struct hw_cached *c = hw_slot(level, dfn);

	*e = c->e;
	return c->valid && c->tag == dfn >> (9 * (level - 1));
}

static struct hw_entry hw_read(uint64_t table, unsigned int level,
			       uint64_t dfn)
{
	struct table *t = machine_table(table);	/* fails on a freed one */
	struct hw_entry e;

	if (t->state == TABLE_RETIRED && table_sum(t) != t->sum)
		FAIL("a retired table was written before the flush");
	e = machine.decode(t->mem[(dfn >> (9 * (level - 1))) & 511], level);
	if (e.kind != HW_NONE)
		*hw_slot(level, dfn) = (struct hw_cached){
			.valid = true, .tag = dfn >> (9 * (level - 1)), .e = e,
		};
	return e;
}

/* Translate like hardware; *order is that of the leaf. */
static struct hw_entry hw_access(uint64_t root, unsigned int levels,
				 uint64_t dfn, unsigned int *order)
{
	struct hw_entry e = { .kind = HW_TABLE, .maddr = root };
	unsigned int level;

	/* Start from the lowest cached level. */
	for (level = 1; level <= levels; level++)
		if (hw_cache_hit(level, dfn, &e))
			break;
	if (level > levels)
		e = (struct hw_entry){ .kind = HW_TABLE, .maddr = root };
	while (e.kind == HW_TABLE)
		e = hw_read(e.maddr, --level, dfn);
	*order = 9 * (level - 1);
	return e;
}

/* Flush everything, like a domain-wide flush; retired tables become free. */
static void machine_flush(void)
{
	unsigned int i;

	hw_start();
	for (i = 0; i < machine.nr_used; i++) {
		struct table *t = &machine.tab[i];

		if (t->state != TABLE_RETIRED)
			continue;
		if (table_sum(t) != t->sum)
			FAIL("a retired table was written before the flush");
		machine_release(MACHINE_BASE + ((uint64_t)i << 12));
		machine.retired--;
	}
}

#endif /* PT_MACHINE_H */

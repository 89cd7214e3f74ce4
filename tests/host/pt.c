// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the page-table builder (xen/overlay/xen/drivers/passthrough/ctx/pt.c):
 * every result of every function, and a random test against a flat model. A
 * simulated IOMMU reads the tables between any two stores.
 */
#include "pt-machine.h"

#define ORDER_2M 9
#define ORDER_1G 18
#define NR_2M (1ULL << ORDER_2M)
#define NR_1G (1ULL << ORDER_1G)
#define RW (IOMMU_LEAF_R | IOMMU_LEAF_W)

/*
 * Formats. pt.c gets the tables of constants. The decoders follow the
 * specifications and check what hardware treats as reserved.
 */
static struct hw_entry vtd_decode(uint64_t pte, unsigned int level)
{
	struct hw_entry e = { .r = pte & 1, .w = pte & 2,
			      .maddr = pte & 0x000ffffffffff000ULL };

	if (!(pte & 3))
		return e;
	e.kind = level == 1 || (level < 4 && pte & 0x80) ? HW_LEAF : HW_TABLE;
	if (pte & 0x400000000000007cULL || (level == 1 && pte & 0x80))
		FAIL("reserved bits in %#" PRIx64, pte);
	if (e.kind == HW_TABLE && (!e.r || !e.w))
		FAIL("a table entry without rights: %#" PRIx64, pte);
	return e;
}

/* LPAE stage 2: level 1 here is Arm's level 3, the only one of pages. */
static const struct iommu_pt_fmt fmt_lpae = {
	.name = "lpae",
	.addr_mask = 0x0000fffffffff000ULL,
	.present_mask = 1,
	.leaf_mask = { 0, 0, 2, 2, 0 },
	.leaf_value = { 0, 0, 0, 0, 1 },
	.leaf_set = { 0, 0x73f, 0x73d, 0x73d, 0 },
	.table_set = { 0, 0, 3, 3, 3 },
	.r = 1 << 6,
	.w = 1 << 7,
	.sw_ref = 1ULL << 55,
	.sw_type = 1ULL << 56,
	.max_order = ORDER_1G,
};

static struct hw_entry lpae_decode(uint64_t pte, unsigned int level)
{
	struct hw_entry e = { .r = pte & 0x40, .w = pte & 0x80,
			      .maddr = pte & 0x0000fffffffff000ULL };

	if (!(pte & 1))
		return e;
	e.kind = level == 1 || !(pte & 2) ? HW_LEAF : HW_TABLE;
	if (level == 1 ? !(pte & 2) : level == 4 && e.kind == HW_LEAF)
		FAIL("a reserved descriptor %#" PRIx64, pte);
	if (e.kind == HW_LEAF && !(pte & 0x400))
		FAIL("no access flag in %#" PRIx64, pte);
	return e;
}

/* AMD v1: an entry has the level of its target, 0 for a page. */
#define AMD_TABLE(level) (0x6000000000000001ULL | ((level) - 1) << 9)
static const struct iommu_pt_fmt fmt_amd = {
	.name = "amd",
	.addr_mask = 0x000ffffffffff000ULL,
	.present_mask = 1,
	.leaf_mask = { 0, 0, 0xe00, 0xe00, 0 },
	.leaf_value = { 0, 0, 0, 0, 1 },
	.leaf_set = { 0, 1ULL << 60 | 1, 1ULL << 60 | 1, 1ULL << 60 | 1, 0 },
	.table_set = { 0, 0, AMD_TABLE(2), AMD_TABLE(3), AMD_TABLE(4) },
	.r = 1ULL << 61,
	.w = 1ULL << 62,
	.sw_ref = 1ULL << 52,
	.sw_type = 1ULL << 53,
	.max_order = ORDER_1G,
};

static struct hw_entry amd_decode(uint64_t pte, unsigned int level)
{
	unsigned int next = pte >> 9 & 7;
	struct hw_entry e = { .r = pte >> 61 & 1, .w = pte >> 62 & 1,
			      .maddr = pte & 0x000ffffffffff000ULL };

	if (!(pte & 1))
		return e;
	e.kind = next ? HW_TABLE : HW_LEAF;
	if (next && (next != level - 1 || !e.r || !e.w))
		FAIL("level %u in an entry of level %u", next, level);
	return e;
}

/*
 * Shared by the tests: one tree, and short functions to use it.
 */
static struct iommu_pt pt;
static iommu_leaf_t buf[IOMMU_PT_ENTRIES], gathered[IOMMU_PT_ENTRIES];
static struct iommu_gather gather;
static bool unlinked;

static void tree_start(const struct iommu_pt_fmt *fmt, hw_decode_t *decode,
		       unsigned int levels, unsigned int pin_level)
{
	unsigned int level;

	machine_start(decode);
	hw_start();
	CHECK_EQ(iommu_pt_init(&pt, fmt, levels, pin_level), 0);
	for (level = pin_level; level <= levels; level++)
		machine_table(iommu_pt_root(&pt, level))->published = true;
	unlinked = false;
}

static void vtd_start(unsigned int levels, unsigned int pin_level)
{
	tree_start(&iommu_pt_fmt_vtd, vtd_decode, levels, pin_level);
}

/* Map nr leaves to consecutive frames, all with the same flags. */
static int map(uint64_t dfn, unsigned int order, uint64_t mfn,
	       unsigned int flags, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && i < IOMMU_PT_ENTRIES; i++)
		buf[i] = (mfn + ((uint64_t)i << order)) << 12 | flags;
	return iommu_pt_map(&pt, dfn, order, buf, nr, &unlinked);
}

static int64_t unmap(uint64_t dfn, uint64_t nr, unsigned int max,
		     unsigned int budget)
{
	int64_t rc;

	iommu_gather_init(&gather, gathered, max);
	machine.no_alloc = true;
	rc = iommu_pt_unmap(&pt, dfn, nr, &gather, budget);
	machine.no_alloc = false;
	return rc;
}

static int64_t unmap_all(uint64_t dfn, uint64_t nr)
{
	return unmap(dfn, nr, IOMMU_PT_ENTRIES, ~0U);
}

/* Return the leaf at dfn, or the error. */
static int64_t look(uint64_t dfn)
{
	iommu_leaf_t leaf;
	int rc = iommu_pt_lookup(&pt, dfn, &leaf);

	return rc ?: (int64_t)leaf;
}

static bool prune(uint64_t *cursor, unsigned int budget)
{
	return iommu_pt_prune(&pt, cursor, budget, &unlinked);
}

static void prune_all(void)
{
	uint64_t cursor = 0;

	while (!prune(&cursor, 1 + rnd_below(64)))
		;
	CHECK_EQ(cursor, 0);
}

/* Unmap everything; no table stays allocated or mapped. */
static void tree_end(void)
{
	uint64_t end = 1ULL << (9 * pt.levels), dfn = 0;

	while (dfn < end) {
		int64_t done = unmap_all(dfn, end - dfn);

		CHECK(done > 0);
		dfn += done;
	}
	prune_all();
	CHECK_EQ(pt.nr_empty, 0);
	CHECK_EQ(pt.nr_tables, pt.levels - pt.pin_level + 1);
	CHECK_EQ(pt.nr_mapped, 0);
	machine_flush();
	CHECK_EQ(machine.live, pt.nr_tables);
	iommu_pt_fini(&pt);
	CHECK_EQ(pt.nr_tables, 0);
	CHECK_EQ(machine.live + machine.retired + machine.mapped, 0);
}

/*
 * iommu_pt_init, iommu_pt_root, iommu_pt_fini
 */
TEST(init_tables)
{
	unsigned int pin;

	for (pin = 1; pin <= 4; pin++) {
		vtd_start(4, pin);
		CHECK_EQ(pt.nr_tables, 5 - pin);
		CHECK_EQ(machine.live, 5 - pin);
		iommu_pt_fini(&pt);
		CHECK_EQ(machine.live, 0);
	}
}

TEST(init_enomem)
{
	int n;

	for (n = 0; n < 3; n++) {
		machine_start(vtd_decode);
		machine.fail_in = n;
		CHECK_EQ(iommu_pt_init(&pt, &iommu_pt_fmt_vtd, 4, 2), -ENOMEM);
		CHECK(machine.failed);
		CHECK_EQ(machine.live, 0);
		CHECK_EQ(pt.nr_tables, 0);
	}
}

/*
 * Units of 3 and 4 levels translate to the same pages below 39 bits of iova
 * (XSA-445).
 */
TEST(root_of_fewer_levels)
{
	unsigned int order;
	struct hw_entry e;

	vtd_start(4, 3);
	CHECK_EQ(map(0x3ffffff, 0, 0x777, RW, 1), 1);
	e = hw_access(iommu_pt_root(&pt, 3), 3, 0x3ffffff, &order);
	CHECK(e.kind == HW_LEAF);
	CHECK_EQ(e.maddr, 0x777000);
	hw_start();
	e = hw_access(iommu_pt_root(&pt, 4), 4, 0x3ffffff, &order);
	CHECK_EQ(e.maddr, 0x777000);
	CHECK_EQ(iommu_pt_root(&pt, 4), pt.root);
	tree_end();
}

/*
 * iommu_pt_map
 */
TEST(map_einval_order)
{
	struct iommu_pt_fmt small = iommu_pt_fmt_vtd;
	unsigned int order;

	vtd_start(4, 4);
	for (order = 0; order < 64; order++)
		if (order != 0 && order != ORDER_2M && order != ORDER_1G)
			CHECK_EQ(map(0, order, 0, RW, 1), -EINVAL);
	tree_end();

	small.max_order = 0;
	tree_start(&small, vtd_decode, 4, 4);
	CHECK_EQ(map(0, ORDER_2M, 0, RW, 1), -EINVAL);
	CHECK_EQ(map(0, 0, 0, RW, 1), 1);
	tree_end();

	vtd_start(2, 2);
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), -EINVAL);
	CHECK_EQ(map(0, ORDER_2M, 0, RW, 1), 1);
	tree_end();
}

TEST(map_einval_range)
{
	vtd_start(4, 4);
	CHECK_EQ(map(0, 0, 0, RW, 0), -EINVAL);
	CHECK_EQ(map(1, ORDER_2M, 0, RW, 1), -EINVAL);
	CHECK_EQ(map(NR_2M, ORDER_1G, 0, RW, 1), -EINVAL);
	CHECK_EQ(map(1, 0, 0, RW, 512), -EINVAL);
	CHECK_EQ(map(511, 0, 0, RW, 2), -EINVAL);
	CHECK_EQ(map(511 * NR_2M, ORDER_2M, 0, RW, 2), -EINVAL);
	CHECK_EQ(map(0, 0, 0, RW, 513), -EINVAL);
	CHECK_EQ(map(0, 0, 0, RW, ~0U), -EINVAL);
	CHECK_EQ(map(1ULL << 36, 0, 0, RW, 1), -EINVAL);
	CHECK_EQ(map(~0ULL, 0, 0, RW, 1), -EINVAL);
	CHECK_EQ(pt.nr_mapped, 0);
	CHECK_EQ(pt.nr_tables, 1);
	tree_end();
}

TEST(map_einval_leaf)
{
	vtd_start(4, 4);
	CHECK_EQ(map(0, ORDER_2M, 1, RW, 1), -EINVAL);
	CHECK_EQ(map(0, ORDER_1G, NR_2M, RW, 1), -EINVAL);
	CHECK_EQ(map(0, 0, 1ULL << 40, RW, 1), -EINVAL);
	CHECK_EQ(map(0, 0, 1, 0, 1), -EINVAL);
	CHECK_EQ(map(0, 0, 1, IOMMU_LEAF_REF | IOMMU_LEAF_TYPE, 1), -EINVAL);
	/* One bad leaf anywhere: the builder writes none. */
	CHECK_EQ(map(0, 0, 1, RW, 8), 8);
	CHECK_EQ(unmap_all(0, 8), 8);
	buf[7] = 0x7000;
	CHECK_EQ(iommu_pt_map(&pt, 0, 0, buf, 8, &unlinked), -EINVAL);
	CHECK_EQ(look(0), -ENOENT);
	CHECK_EQ(pt.nr_mapped, 0);
	tree_end();
}

TEST(map_over_mapping)
{
	vtd_start(4, 4);
	CHECK_EQ(map(4, 0, 0x100, RW, 1), 1);
	/* Map stops before the leaf, which stays unchanged. */
	CHECK_EQ(map(0, 0, 0x200, RW, 8), 4);
	CHECK_EQ(map(4, 0, 0x200, RW, 4), -EEXIST);
	CHECK_EQ(look(3), 0x203000 | RW);
	CHECK_EQ(look(4), 0x100000 | RW);
	CHECK_EQ(look(5), -ENOENT);
	CHECK_EQ(pt.nr_mapped, 5);
	/* Larger leaves over smaller ones, and smaller into larger. */
	CHECK_EQ(map(0, ORDER_2M, 0x400, RW, 1), -EEXIST);
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), -EEXIST);
	CHECK_EQ(map(NR_2M, ORDER_2M, 0x400, RW, 1), 1);
	CHECK_EQ(map(NR_2M + 5, 0, 0x400, RW, 1), -EEXIST);
	CHECK_EQ(map(NR_2M, ORDER_2M, 0x800, RW, 1), -EEXIST);
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), -EEXIST);
	CHECK_EQ(map(NR_1G, ORDER_1G, 0, RW, 1), 1);
	CHECK_EQ(map(NR_1G + NR_2M, ORDER_2M, 0, RW, 1), -EEXIST);
	CHECK_EQ(map(NR_1G + 77, 0, 0, RW, 1), -EEXIST);
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 2), -EEXIST);
	CHECK(!unlinked);
	tree_end();
}

TEST(map_enomem_changes_nothing)
{
	unsigned int order, n;

	for (order = 0; order <= ORDER_1G; order += 9)
		for (n = 0; n < 3 - order / 9; n++) {
			vtd_start(4, 4);
			machine.fail_in = n;
			CHECK_EQ(map(NR_1G, order, 0, RW, 3), -ENOMEM);
			CHECK(machine.failed);
			CHECK_EQ(machine.live, 1);
			CHECK_EQ(pt.nr_tables, 1);
			CHECK_EQ(look(NR_1G), -ENOENT);
			machine.fail_in = -1;
			CHECK_EQ(map(NR_1G, order, 0, RW, 3), 3);
			CHECK_EQ(machine.live, 4 - order / 9);
			CHECK_EQ(pt.nr_mapped, 3ULL << order);
			tree_end();
		}
}

/* The builder keeps rights and software bits in every order and combination. */
TEST(leaf_flags)
{
	unsigned int order, flags;

	vtd_start(4, 4);
	for (order = 0; order <= ORDER_1G; order += 9)
		for (flags = 1; flags < 16; flags++) {
			uint64_t want = NR_1G << 12 | flags |
					order / 9 << IOMMU_LEAF_ORDER_SHIFT;

			if (!(flags & RW))
				continue;
			CHECK_EQ(map(0, order, NR_1G, flags, 1), 1);
			CHECK_EQ(look(0), want);
			CHECK_EQ(look((1ULL << order) - 1), want);
			CHECK_EQ(iommu_leaf_order(look(0)), order);
			CHECK_EQ(unmap_all(0, 1ULL << order), 1LL << order);
			CHECK_EQ(gather.nr, 1);
			CHECK_EQ(gathered[0], want);
		}
	tree_end();
}

/*
 * Speed depends on this: the builder maps each table once and writes it back once
 * (XSA-347).
 */
TEST(one_walk_per_table)
{
	unsigned long maps, syncs;

	vtd_start(4, 4);
	CHECK_EQ(map(0, 0, 0x1000, RW, 1), 1);
	maps = machine.maps;
	syncs = machine.syncs;
	CHECK_EQ(map(1, 0, 0x1000, RW, 511), 511);
	CHECK_EQ(machine.maps - maps, 4);
	CHECK_EQ(machine.syncs - syncs, 1);
	maps = machine.maps;
	syncs = machine.syncs;
	/* The builder finds the table of the previous call without a walk. */
	CHECK_EQ(unmap_all(0, 512), 512);
	CHECK_EQ(gather.nr, 512);
	CHECK_EQ(machine.maps - maps, 1);
	CHECK_EQ(machine.syncs - syncs, 1);
	tree_end();
}

/* Distant tables need a walk each time; so does a table that was removed. */
TEST(recent_table)
{
	unsigned long maps;

	vtd_start(4, 4);
	CHECK_EQ(map(0, 0, 0x1000, RW, 1), 1);
	CHECK_EQ(map(NR_2M, 0, 0x2000, RW, 1), 1);
	CHECK_EQ(map(1, 0, 0x1001, RW, 1), 1);
	CHECK_EQ(map(NR_2M + 1, 0, 0x2001, RW, 1), 1);
	maps = machine.maps;
	CHECK_EQ(map(2, 0, 0x1002, RW, 1), 1);
	CHECK_EQ(machine.maps - maps, 4);
	CHECK_EQ(unmap_all(0, 3), 3);
	machine_flush();

	/* A leaf replaces the recent table and is removed again. */
	CHECK_EQ(map(0, ORDER_2M, 0x400, RW, 1), 1);
	machine_flush();
	CHECK_EQ(map(5, 0, 0x3005, RW, 1), -EEXIST);
	CHECK_EQ(unmap_all(0, NR_2M), NR_2M);
	machine_flush();
	CHECK_EQ(map(5, 0, 0x3005, RW, 1), 1);
	CHECK_EQ(look(5), (int64_t)(0x3005ULL << 12 | RW));
	tree_end();
}

/*
 * Replacing empty tables
 */
/* XSA-275: the replaced table requires a flush. */
TEST(order_9_replaces_empty_table)
{
	unsigned int order;
	struct hw_entry e;

	vtd_start(4, 4);
	CHECK_EQ(map(NR_2M + 7, 0, 0x123, RW, 1), 1);
	e = hw_access(pt.root, 4, NR_2M + 7, &order);
	CHECK(e.kind == HW_LEAF);
	CHECK_EQ(map(NR_2M, ORDER_2M, 0x400, RW, 1), -EEXIST);
	CHECK_EQ(unmap_all(NR_2M + 7, 1), 1);
	machine_flush();
	e = hw_access(pt.root, 4, NR_2M + 7, &order);
	CHECK(e.kind == HW_NONE);
	CHECK(!unlinked);
	CHECK_EQ(map(NR_2M, ORDER_2M, 0x400, RW, 1), 1);
	CHECK(unlinked);
	CHECK_EQ(machine.retired, 1);
	CHECK_EQ(pt.nr_tables, 3);
	/* The IOMMU still caches the old table, and may read it. */
	e = hw_access(pt.root, 4, NR_2M + 7, &order);
	CHECK(e.kind == HW_NONE);
	machine_flush();
	e = hw_access(pt.root, 4, NR_2M + 7, &order);
	CHECK(e.kind == HW_LEAF);
	CHECK_EQ(e.maddr, 0x400000);
	CHECK_EQ(order, ORDER_2M);
	tree_end();
}

TEST(order_18_replaces_void_tables)
{
	unsigned int i;

	vtd_start(4, 4);
	for (i = 0; i < 5; i++)
		CHECK_EQ(map(i * 100 * NR_2M, 0, i, RW, 2), 2);
	CHECK_EQ(map(77 * NR_2M, ORDER_2M, 0, RW, 1), 1);
	CHECK_EQ(pt.nr_tables, 8);
	for (i = 0; i < 5; i++) {
		CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), -EEXIST);
		CHECK_EQ(unmap_all(i * 100 * NR_2M, 2), 2);
	}
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), -EEXIST);
	CHECK_EQ(unmap_all(77 * NR_2M, NR_2M), (long long)NR_2M);
	CHECK(!unlinked);
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), 1);
	CHECK(unlinked);
	CHECK_EQ(machine.retired, 6);
	CHECK_EQ(pt.nr_tables, 2);
	CHECK_EQ(look(123456), (long long)(RW | 2 << IOMMU_LEAF_ORDER_SHIFT));
	tree_end();
}

/* Several leaves in one call: those before the obstacle are mapped. */
TEST(replace_stops_at_mapping)
{
	vtd_start(4, 4);
	CHECK_EQ(map(0, 0, 1, RW, 1), 1);
	CHECK_EQ(map(2 * NR_2M, 0, 1, RW, 1), 1);
	CHECK_EQ(unmap_all(0, 1), 1);
	CHECK_EQ(map(0, ORDER_2M, 0, RW, 4), 2);
	CHECK(unlinked);
	CHECK_EQ(machine.retired, 1);
	CHECK_EQ(look(2 * NR_2M + 1), -ENOENT);
	CHECK_EQ(pt.nr_mapped, 2 * NR_2M + 1);
	tree_end();
}

/* IOMMUs of fewer levels start at pinned tables: those may be empty but must stay. */
TEST(pinned_tables_stay)
{
	vtd_start(4, 2);
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), -EEXIST);
	CHECK_EQ(map(NR_1G, ORDER_1G, 0, RW, 1), 1);
	CHECK_EQ(map(0, ORDER_2M, 0, RW, 1), 1);
	CHECK_EQ(unmap_all(0, 2 * NR_1G), (long long)(2 * NR_1G));
	CHECK(!unlinked);
	prune_all();
	CHECK_EQ(pt.nr_tables, 3);
	CHECK(!unlinked);
	tree_end();
}

/*
 * iommu_pt_unmap
 */
TEST(unmap_einval)
{
	vtd_start(4, 4);
	CHECK_EQ(unmap_all(0, 0), -EINVAL);
	CHECK_EQ(unmap_all(0, (1ULL << 36) + 1), -EINVAL);
	CHECK_EQ(unmap_all(1ULL << 36, 1), -EINVAL);
	CHECK_EQ(unmap_all(5, ~0ULL), -EINVAL);
	CHECK_EQ(unmap_all(~0ULL, 1), -EINVAL);
	CHECK_EQ(unmap_all(0, 1ULL << 36), 1LL << 36);
	tree_end();
}

/* XSA-78: the range to flush covers everything that was mapped. */
TEST(unmap_holes)
{
	vtd_start(4, 4);
	CHECK_EQ(map(10, 0, 0x100, RW, 2), 2);
	CHECK_EQ(map(3 * NR_2M, ORDER_2M, 0x200, RW, 1), 1);
	CHECK_EQ(map(NR_1G + 5, 0, 0x400, RW, 1), 1);
	CHECK_EQ(unmap_all(0, 10), 10);
	CHECK_EQ(gather.nr, 0);
	CHECK_EQ(gather.first, ~0ULL);
	CHECK_EQ(gather.end, 0);
	CHECK_EQ(unmap_all(11, 2 * NR_1G), (long long)(2 * NR_1G));
	CHECK_EQ(gather.nr, 3);
	CHECK_EQ(gather.first, 11);
	CHECK_EQ(gather.end, NR_1G + 6);
	CHECK_EQ(gathered[0], 0x101000 | RW);
	CHECK_EQ(gathered[1], 0x200000 | RW | 1 << IOMMU_LEAF_ORDER_SHIFT);
	CHECK_EQ(gathered[2], 0x400000 | RW);
	CHECK_EQ(look(10), 0x100000 | RW);
	CHECK_EQ(pt.nr_mapped, 1);
	tree_end();
}

/* XSA-275: the builder never splits a large leaf. */
TEST(unmap_leaf_sticks_out)
{
	vtd_start(4, 4);
	CHECK_EQ(map(0, 0, 0x100, RW, 4), 4);
	CHECK_EQ(map(NR_2M, ORDER_2M, 0x200, RW, 1), 1);
	CHECK_EQ(unmap_all(NR_2M + 1, NR_2M), -ERANGE);
	CHECK_EQ(unmap_all(NR_2M, NR_2M - 1), -ERANGE);
	CHECK_EQ(unmap_all(NR_2M + 511, 1), -ERANGE);
	/* Unmap stops at the leaf; it removes the leaves before it first. */
	CHECK_EQ(unmap_all(2, NR_2M), NR_2M - 2);
	CHECK_EQ(gather.nr, 2);
	CHECK_EQ(unmap_all(NR_2M, 2), -ERANGE);
	CHECK_EQ(gather.nr, 0);
	/* -ERANGE even if the gather is full too. */
	CHECK_EQ(unmap(NR_2M, 2, 0, ~0U), -ERANGE);
	CHECK_EQ(pt.nr_mapped, NR_2M + 2);
	CHECK_EQ(unmap_all(NR_2M, NR_2M), NR_2M);
	CHECK_EQ(map(0x40000000, ORDER_1G, 0, RW, 1), 1);
	CHECK_EQ(unmap_all(0x40000000 + NR_2M, NR_2M), -ERANGE);
	tree_end();
}

TEST(unmap_gather_full)
{
	vtd_start(4, 4);
	CHECK_EQ(map(500, 0, 0x100, RW, 12), 12);
	CHECK_EQ(map(512, 0, 0x200, RW, 12), 12);
	CHECK_EQ(unmap(500, 24, 0, ~0U), 0);
	CHECK_EQ(unmap(499, 24, 0, ~0U), 1);
	CHECK_EQ(unmap(0, 1024, 12, ~0U), 512);
	CHECK_EQ(gather.nr, 12);
	CHECK_EQ(gather.first, 500);
	CHECK_EQ(gather.end, 512);
	CHECK_EQ(unmap(512, 512, 5, ~0U), 5);
	CHECK_EQ(unmap(517, 507, 7, ~0U), 507);
	CHECK_EQ(pt.nr_mapped, 0);
	tree_end();
}

/* Any budget makes progress, and limits the work of one call. */
TEST(unmap_budget)
{
	uint64_t dfn = 0, calls = 0;

	vtd_start(4, 4);
	CHECK_EQ(map(0, 0, 0x100, RW, 512), 512);
	CHECK_EQ(map(NR_1G, 0, 0x100, RW, 512), 512);
	CHECK_EQ(unmap(0, 512, 512, 100), 100);
	CHECK_EQ(gather.nr, 100);
	for (dfn = 100; dfn < 2 * NR_1G; calls++) {
		int64_t done = unmap(dfn, 2 * NR_1G - dfn, 512, 1);

		CHECK(done > 0);
		CHECK(gather.nr <= 1);
		dfn += done;
	}
	CHECK_EQ(dfn, 2 * NR_1G);
	CHECK_EQ(pt.nr_mapped, 0);
	/* One for each leaf, entry of an upper level, and empty table. */
	CHECK(calls < 412 + 512 + 2 * 512 + 8);
	tree_end();
}

/* A range that ends or starts in the middle of big holes. */
TEST(unmap_partial_holes)
{
	vtd_start(4, 4);
	CHECK_EQ(unmap_all(5, 1), 1);
	CHECK_EQ(unmap_all(5, NR_1G), (long long)NR_1G);
	CHECK_EQ(map(NR_2M, 0, 1, RW, 1), 1);
	CHECK_EQ(unmap_all(5, 3), 3);
	CHECK_EQ(unmap_all(2 * NR_2M + 5, 3), 3);
	CHECK_EQ(unmap_all(5, NR_2M), (long long)NR_2M);
	CHECK_EQ(gather.nr, 1);
	tree_end();
}

TEST(lookup_errors)
{
	vtd_start(3, 3);
	CHECK_EQ(look(0), -ENOENT);
	CHECK_EQ(look((1ULL << 27) - 1), -ENOENT);
	CHECK_EQ(look(1ULL << 27), -EINVAL);
	CHECK_EQ(look(~0ULL), -EINVAL);
	tree_end();
}

/*
 * iommu_pt_next
 */

/* Return the first dfn of the next leaf, or the error. */
static int64_t next(uint64_t dfn, unsigned int budget)
{
	iommu_leaf_t leaf;
	int rc = iommu_pt_next(&pt, &dfn, &leaf, budget);

	if (rc)
		return rc;
	CHECK_EQ(look(dfn), (long long)leaf);
	CHECK_EQ(dfn & ((1ULL << iommu_leaf_order(leaf)) - 1), 0);
	return dfn;
}

TEST(next_leaf)
{
	uint64_t top = (1ULL << 36) - 1;

	vtd_start(4, 3);
	CHECK_EQ(next(0, ~0U), -ENOENT);
	CHECK_EQ(map(5, 0, 1, RW, 1), 1);
	CHECK_EQ(map(NR_1G + NR_2M, ORDER_2M, NR_2M, RW, 1), 1);
	CHECK_EQ(map(3 * NR_1G, ORDER_1G, NR_1G, RW, 1), 1);
	CHECK_EQ(map(top, 0, 1, RW, 1), 1);
	CHECK_EQ(next(0, ~0U), 5);
	CHECK_EQ(next(5, ~0U), 5);
	CHECK_EQ(next(6, ~0U), NR_1G + NR_2M);
	/* In the middle of a leaf it is that leaf. */
	CHECK_EQ(next(NR_1G + NR_2M + 511, ~0U), NR_1G + NR_2M);
	CHECK_EQ(next(NR_1G + 2 * NR_2M, ~0U), 3 * NR_1G);
	CHECK_EQ(next(4 * NR_1G - 1, ~0U), 3 * NR_1G);
	CHECK_EQ(next(4 * NR_1G, ~0U), (long long)top);
	CHECK_EQ(next(top, ~0U), (long long)top);
	/* After the last page there is no leaf; the question is valid. */
	CHECK_EQ(next(top + 1, ~0U), -ENOENT);
	CHECK_EQ(next(~0ULL, ~0U), -ENOENT);
	tree_end();
}

/* It skips empty tables, a few at a time. */
TEST(next_leaf_budget)
{
	unsigned int i, calls = 0;
	iommu_leaf_t leaf;
	uint64_t dfn = 0;
	int rc;

	vtd_start(4, 3);
	for (i = 0; i < 300; i++)
		CHECK_EQ(map(i * NR_2M, 0, 1, RW, 1), 1);
	CHECK_EQ(unmap_all(0, 299 * NR_2M), (long long)(299 * NR_2M));
	CHECK_EQ(next(0, 0), -EAGAIN);
	while ((rc = iommu_pt_next(&pt, &dfn, &leaf, 10)) == -EAGAIN)
		calls++;
	CHECK_EQ(rc, 0);
	CHECK_EQ(dfn, 299 * NR_2M);
	CHECK(calls >= 20 && calls < 100);
	tree_end();
}

/*
 * iommu_pt_prune
 */
TEST(prune_keeps_what_is_used)
{
	uint64_t cursor = 0;
	unsigned int i, calls = 0;

	vtd_start(4, 4);
	for (i = 0; i < 20; i++)
		CHECK_EQ(map(i * 3 * NR_2M, 0, i, RW, 1), 1);
	CHECK_EQ(pt.nr_tables, 23);
	for (i = 0; i < 20; i += 2)
		CHECK_EQ(unmap_all(i * 3 * NR_2M, 1), 1);
	while (!prune(&cursor, 1))
		calls++;
	CHECK(unlinked);
	CHECK_EQ(pt.nr_tables, 13);
	CHECK_EQ(machine.retired, 10);
	CHECK(calls >= 20 && calls < 50);
	for (i = 1; i < 20; i += 2)
		CHECK_EQ(look(i * 3 * NR_2M), i << 12 | RW);
	tree_end();
}

TEST(prune_whole_branch)
{
	vtd_start(4, 4);
	CHECK_EQ(map((1ULL << 35) + 1, 0, 1, RW, 1), 1);
	CHECK_EQ(map(NR_1G, ORDER_2M, 0, RW, 1), 1);
	CHECK_EQ(pt.nr_tables, 6);
	prune_all();
	CHECK(!unlinked);
	CHECK_EQ(unmap_all((1ULL << 35) + 1, 1), 1);
	CHECK_EQ(unmap_all(NR_1G, NR_2M), (long long)NR_2M);
	prune_all();
	CHECK(unlinked);
	CHECK_EQ(pt.nr_tables, 1);
	CHECK_EQ(machine.retired, 5);
	tree_end();
}

TEST(prune_budget_0)
{
	uint64_t cursor = 0;

	vtd_start(4, 4);
	CHECK(!prune(&cursor, 0));
	CHECK_EQ(cursor, 0);
	tree_end();
}

/*
 * First and last page of trees of every height (XSA-311: trees that were too low
 * for their top address).
 */
TEST(aperture_ends)
{
	unsigned int levels, order;

	for (levels = 1; levels <= 4; levels++) {
		uint64_t top = (1ULL << (9 * levels)) - 1;

		vtd_start(levels, levels);
		CHECK_EQ(map(0, 0, 0xabc, RW, 1), 1);
		CHECK_EQ(map(top, 0, 0xdef, RW, 1), 1);
		CHECK_EQ(map(top + 1, 0, 0xdef, RW, 1), -EINVAL);
		CHECK_EQ(hw_access(pt.root, levels, 0, &order).maddr, 0xabc000);
		CHECK_EQ(hw_access(pt.root, levels, top, &order).maddr,
			 0xdef000);
		CHECK_EQ(unmap_all(top, 2), -EINVAL);
		CHECK_EQ(unmap_all(top, 1), 1);
		CHECK_EQ(unmap_all(0, 1), 1);
		CHECK_EQ(look(top), -ENOENT);
		tree_end();
	}
}

/* The same with large leaves (XSA-311). */
TEST(aperture_ends_large_leaves)
{
	uint64_t top = 1ULL << 36;

	vtd_start(4, 3);
	CHECK_EQ(map(top - NR_2M, ORDER_2M, 0, RW, 1), 1);
	CHECK_EQ(map(top - NR_1G, ORDER_1G, 0, RW, 1), -EEXIST);
	CHECK_EQ(map(top - 2 * NR_1G, ORDER_1G, 0, RW, 1), 1);
	CHECK_EQ(map(0, ORDER_1G, 0, RW, 1), 1);
	CHECK_EQ(unmap_all(top - 2 * NR_1G, 2 * NR_1G),
		 (long long)(2 * NR_1G));
	CHECK_EQ(gather.nr, 2);
	CHECK_EQ(gather.end, top);
	tree_end();
}

/*
 * The random test. The model is a window of single pages around a 1 GiB boundary. A
 * leaf that covers a whole GiB is recorded apart.
 */
#define WINDOW 8192ULL
#define STEPS 250000

static struct {
	uint64_t base;			/* dfn of the two GiB */
	uint64_t start;			/* dfn of the window */
	iommu_leaf_t page[WINDOW];	/* 0: not mapped */
	bool stale[WINDOW];		/* no flush yet: the IOMMU may cache it */
	iommu_leaf_t big[2];
	bool big_stale[2];
	unsigned int used[2];		/* pages mapped singly in each GiB */
	bool pruned;			/* since the last flush */
	uint64_t flux, flux_end;	/* being changed right now */
	unsigned long maps, exists, nomems, unmaps, sticks, fulls, probes;
	unsigned long bigs, replaced;
} m;

static iommu_leaf_t model_leaf(uint64_t dfn)
{
	iommu_leaf_t big = m.big[(dfn - m.base) / NR_1G];

	if (big)
		return big;
	return dfn - m.start < WINDOW ? m.page[dfn - m.start] : 0;
}

static bool model_stale(uint64_t dfn)
{
	return m.big_stale[(dfn - m.base) / NR_1G] ||
	       (dfn - m.start < WINDOW && m.stale[dfn - m.start]);
}

/* Set the range of one leaf: a whole GiB, or within the window. */
static void model_set(uint64_t dfn, unsigned int order, iommu_leaf_t leaf)
{
	unsigned int gib = (dfn - m.base) / NR_1G;
	uint64_t i;

	if (order == ORDER_1G) {
		m.big[gib] = leaf;
		return;
	}
	for (i = 0; i < 1ULL << order; i++)
		m.page[dfn - m.start + i] = leaf;
	m.used[gib] += (leaf ? 1 : -1) * (1 << order);
}

static void model_mark_stale(uint64_t dfn, unsigned int order)
{
	if (order == ORDER_1G)
		m.big_stale[(dfn - m.base) / NR_1G] = true;
	else
		memset(&m.stale[dfn - m.start], true, 1ULL << order);
}

/* Return whether a leaf may be mapped there. */
static bool model_free(uint64_t dfn, unsigned int order)
{
	unsigned int gib = (dfn - m.base) / NR_1G;
	uint64_t i;

	if (m.big[gib] || (order == ORDER_1G && m.used[gib]))
		return false;
	/* The entry points to a pinned table. */
	if (order && order / 9 >= pt.pin_level && !(dfn >> order))
		return false;
	for (i = 0; order != ORDER_1G && i < 1ULL << order; i++)
		if (m.page[dfn - m.start + i])
			return false;
	return true;
}

static void check_page(uint64_t dfn)
{
	iommu_leaf_t want = model_leaf(dfn);

	CHECK_EQ(look(dfn), want ? (long long)want : -ENOENT);
}

/* The IOMMU must find the model's leaf at dfn, unless it may cache an old one. */
static void check_hw(uint64_t dfn)
{
	iommu_leaf_t want = model_leaf(dfn);
	unsigned int order;
	struct hw_entry e = hw_access(pt.root, pt.levels, dfn, &order);

	m.probes++;
	if ((dfn >= m.flux && dfn < m.flux_end) || model_stale(dfn))
		return;
	if (!want)
		CHECK(e.kind == HW_NONE);
	else if (e.kind != HW_LEAF)
		CHECK(m.pruned);
	else if (e.maddr != (want & IOMMU_LEAF_MADDR_MASK) ||
		 e.r != !!(want & IOMMU_LEAF_R) ||
		 e.w != !!(want & IOMMU_LEAF_W) ||
		 order != iommu_leaf_order(want))
		FAIL("the IOMMU reads something else at %#" PRIx64, dfn);
}

static uint64_t some_dfn(void)
{
	return m.start + rnd_below(WINDOW);
}

/* Let the IOMMU read at a random place; called at any moment. */
static void model_probe(void)
{
	if (rnd_below(8) == 0)
		check_hw(some_dfn());
}

static void model_flush(void)
{
	machine_flush();
	memset(m.stale, false, sizeof(m.stale));
	memset(m.big_stale, false, sizeof(m.big_stale));
	m.pruned = false;
}

static void flux(uint64_t dfn, uint64_t nr)
{
	m.flux = dfn;
	m.flux_end = dfn + nr;
}

/* Make leaves to random frames; some are not aligned, few have no rights. */
static bool random_leaves(unsigned int order, unsigned int nr)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		uint64_t mfn = rnd_below(1ULL << 36);

		if (order && rnd_below(64))
			mfn &= ~((1ULL << order) - 1);
		buf[i] = mfn << 12 | (rnd() & 15);
		if (rnd_below(4096))
			buf[i] |= 1 + rnd_below(3);
		if (!(buf[i] & RW) || mfn & ((1ULL << order) - 1))
			good = false;
	}
	return good;
}

static unsigned int expect_map(uint64_t dfn, unsigned int order,
			       unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!model_free(dfn + ((uint64_t)i << order), order))
			break;
	return i;
}

static void model_commit(uint64_t dfn, unsigned int order, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++, dfn += 1ULL << order) {
		model_set(dfn, order, (buf[i] & (IOMMU_LEAF_MADDR_MASK | 15)) |
				      order / 9 << IOMMU_LEAF_ORDER_SHIFT);
		if (unlinked)
			model_mark_stale(dfn, order);
	}
}

static void step_map_at(uint64_t dfn, unsigned int order, unsigned int nr)
{
	bool good = random_leaves(order, nr);
	unsigned int want = expect_map(dfn, order, nr);
	unsigned int live = machine.live;
	int rc;

	if (rnd_below(16) == 0)
		machine.fail_in = rnd_below(3);
	machine.failed = false;
	unlinked = false;
	flux(dfn, (uint64_t)nr << order);
	rc = iommu_pt_map(&pt, dfn, order, buf, nr, &unlinked);
	machine.fail_in = -1;
	if (!good) {
		CHECK_EQ(rc, -EINVAL);
	} else if (machine.failed) {
		CHECK_EQ(rc, -ENOMEM);
		CHECK_EQ(machine.live, live);
		m.nomems++;
	} else if (!want) {
		CHECK_EQ(rc, -EEXIST);
		m.exists++;
	} else {
		CHECK_EQ(rc, want);
		model_commit(dfn, order, want);
		m.maps += want;
		m.bigs += order == ORDER_1G;
		m.replaced += unlinked;
	}
}

static void step_map(void)
{
	unsigned int order = rnd_below(8) ? 0 : rnd_below(12) ? 9 : 18;
	uint64_t dfn = some_dfn() & ~((1ULL << order) - 1);
	unsigned int nr = 1 + rnd_below(1 << rnd_below(9));

	if (order == ORDER_1G) {
		step_map_at(m.base + NR_1G * rnd_below(2), order, 1);
		return;
	}
	if (nr > 512 - (dfn >> order) % 512)
		nr = 512 - (dfn >> order) % 512;
	if (nr > (m.start + WINDOW - dfn) >> order)
		nr = (m.start + WINDOW - dfn) >> order;
	step_map_at(dfn, order, nr);
}

/* Compute the result of an unmap without a budget; leaves[] gets the leaves to gather. */
static int64_t expect_unmap(uint64_t dfn, uint64_t end, unsigned int max,
			    iommu_leaf_t *leaves, unsigned int *nr)
{
	uint64_t pos = dfn;

	for (*nr = 0; pos < end; ) {
		iommu_leaf_t leaf = model_leaf(pos);
		uint64_t span = leaf ? 1ULL << iommu_leaf_order(leaf) : 1;

		if (pos % span || end - pos < span)
			return pos == dfn ? -ERANGE : (int64_t)(pos - dfn);
		if (leaf && *nr == max)
			break;
		if (leaf)
			leaves[(*nr)++] = leaf;
		/* Outside of the window there are only large leaves. */
		if (!leaf && pos - m.start >= WINDOW)
			span = (pos < m.start ? m.start :
				m.base + 2 * NR_1G) - pos;
		pos += span;
	}
	return (pos < end ? pos : end) - dfn;
}

static void model_clear(uint64_t dfn, uint64_t end)
{
	while (dfn < end) {
		iommu_leaf_t leaf = model_leaf(dfn);
		unsigned int order = iommu_leaf_order(leaf);

		if (leaf) {
			model_set(dfn, order, 0);
			model_mark_stale(dfn, order);
		} else if (dfn - m.start >= WINDOW) {
			dfn = dfn < m.start ? m.start : m.base + 2 * NR_1G;
			continue;
		}
		dfn += 1ULL << order;
	}
}

static void step_unmap_range(uint64_t dfn, uint64_t nr)
{
	static iommu_leaf_t want_leaf[IOMMU_PT_ENTRIES];
	unsigned int max = rnd_below(4) ? 512 : rnd_below(512), want_nr;
	unsigned int budget = rnd_below(4) ? ~0U : 1 + rnd_below(600);
	int64_t want = expect_unmap(dfn, dfn + nr, max, want_leaf, &want_nr);
	int64_t rc;

	flux(dfn, nr);
	rc = unmap(dfn, nr, max, budget);
	if (budget == ~0U) {
		CHECK_EQ(rc, want);
		CHECK_EQ(gather.nr, want_nr);
	} else {
		CHECK(want > 0 ? rc > 0 && rc <= want : rc == want);
		CHECK(gather.nr <= want_nr);
	}
	CHECK(!memcmp(gathered, want_leaf, gather.nr * sizeof(*gathered)));
	m.unmaps += gather.nr;
	m.sticks += rc == -ERANGE;
	m.fulls += gather.nr == max;
	if (gather.nr)
		CHECK(gather.first >= dfn && gather.end <= dfn + rc);
	if (rc > 0)
		model_clear(dfn, dfn + rc);
}

static void step_unmap(void)
{
	uint64_t dfn = some_dfn(), nr = 1 + rnd_below(1 << rnd_below(11));

	if (rnd_below(4) == 0)
		dfn &= ~511ULL;
	if (nr > m.base + 2 * NR_1G - dfn)
		nr = m.base + 2 * NR_1G - dfn;
	step_unmap_range(dfn, nr);
}

/* Unmap all of one of the two GiB, and perhaps map it by one leaf. */
static void step_gib(bool fill)
{
	unsigned int gib = rnd_below(2);

	do
		step_unmap_range(m.base + gib * NR_1G, NR_1G);
	while (m.used[gib] || m.big[gib]);
	if (fill)
		step_map_at(m.base + gib * NR_1G, ORDER_1G, 1);
}

static uint64_t prune_cursor;

static void step_prune(void)
{
	unlinked = false;
	if (rnd_below(2))
		prune_cursor = 0;
	prune(&prune_cursor, 1 + rnd_below(100));
	m.pruned |= unlinked;
}

/* Compare with the model, in one step or in many. */
static void step_next(void)
{
	unsigned int budget = rnd_below(2) ? ~0U : 1 + rnd_below(8);
	uint64_t from = some_dfn(), dfn = from, want = from;
	iommu_leaf_t leaf;
	int rc;

	while (want < m.start + WINDOW && !model_leaf(want))
		want++;
	do
		rc = iommu_pt_next(&pt, &dfn, &leaf, budget);
	while (rc == -EAGAIN);
	if (want == m.start + WINDOW) {
		CHECK(rc == -ENOENT || (!rc && dfn >= want));
		return;
	}
	CHECK_EQ(rc, 0);
	CHECK_EQ(leaf, model_leaf(want));
	CHECK_EQ(dfn, want & ~((1ULL << iommu_leaf_order(leaf)) - 1));
}

/* Every count is right; a walk from the root finds every table. */
static unsigned int check_table(uint64_t maddr, unsigned int level,
				uint64_t dfn, unsigned int *empty)
{
	const struct table *t = machine_table(maddr);
	unsigned int i, present = 0, tables = 1;

	CHECK(t->state == TABLE_LIVE);
	CHECK(!memcmp(t->cpu, t->mem, TABLE_BYTES));
	for (i = 0; i < IOMMU_PT_ENTRIES; i++) {
		struct hw_entry e = machine.decode(t->cpu[i], level);

		present += e.kind != HW_NONE;
		if (e.kind == HW_TABLE)
			tables += check_table(e.maddr, level - 1,
					      dfn + ((uint64_t)i <<
						     9 * (level - 1)), empty);
	}
	CHECK_EQ(t->count, present);
	if (!present && (level < pt.pin_level || dfn >> 9 * level))
		++*empty;
	return tables;
}

static void check_everything(void)
{
	unsigned int empty = 0;
	uint64_t i, mapped = 0;

	for (i = 0; i < WINDOW; i++) {
		check_page(m.start + i);
		mapped += m.page[i] != 0;
	}
	mapped += (!!m.big[0] + !!m.big[1]) * NR_1G;
	CHECK_EQ(pt.nr_mapped, mapped);
	CHECK_EQ(pt.nr_tables, machine.live);
	CHECK_EQ(check_table(pt.root, pt.levels, 0, &empty), pt.nr_tables);
	CHECK_EQ(empty, pt.nr_empty);
}

static void model_step(unsigned long n)
{
	unsigned int what = rnd_below(100);

	if (n % 512 < 50 && n % 8 == 0)
		step_gib(n % 512 < 5);
	else if (what < 45)
		step_map();
	else if (what < 95)
		step_unmap();
	else
		step_prune();
	CHECK_EQ(machine.mapped, 0);
	flux(0, 0);
	if (rnd_below(3) == 0)
		model_flush();
	check_page(some_dfn());
	step_next();
	check_hw(some_dfn());
	check_hw(some_dfn());
	if (n % 1024 == 0)
		check_everything();
}

static void model_run(const struct iommu_pt_fmt *fmt, hw_decode_t *decode,
		      unsigned int levels, unsigned int pin_level,
		      uint64_t base)
{
	unsigned long n;

	tree_start(fmt, decode, levels, pin_level);
	memset(&m, 0, sizeof(m));
	prune_cursor = 0;
	m.base = base;
	m.start = base + NR_1G - WINDOW / 2;
	machine.probe = model_probe;
	for (n = 0; n < STEPS; n++)
		model_step(n);
	check_everything();
	machine.probe = NULL;
	INFO("%s %u/%u: %d steps, %lu leaves in, %lu out, %lu -EEXIST, %lu -ENOMEM, %lu -ERANGE, %lu full, %lu of 1 GiB, %lu in place of tables, %lu probes",
	     fmt->name, levels, pin_level, STEPS, m.maps, m.unmaps, m.exists,
	     m.nomems, m.sticks, m.fulls, m.bigs, m.replaced, m.probes);
	CHECK(m.exists && m.nomems && m.sticks && m.fulls && m.bigs &&
	      m.replaced);
	model_flush();
	tree_end();
}

/* XSA-321: this IOMMU reads only what was written back. */
TEST(random_vtd_4_pin_4)
{
	/* The GiB below and above an entry of the root. */
	model_run(&iommu_pt_fmt_vtd, vtd_decode, 4, 4, (1ULL << 27) - NR_1G);
}

TEST(random_vtd_4_pin_3)
{
	model_run(&iommu_pt_fmt_vtd, vtd_decode, 4, 3, 0);
}

TEST(random_vtd_4_pin_2)
{
	model_run(&iommu_pt_fmt_vtd, vtd_decode, 4, 2, 0);
}

TEST(random_vtd_3_top)
{
	model_run(&iommu_pt_fmt_vtd, vtd_decode, 3, 3,
		  (1ULL << 27) - 2 * NR_1G);
}

TEST(random_lpae)
{
	model_run(&fmt_lpae, lpae_decode, 3, 3, 5 * NR_1G);
}

/* XSA-347: AMD's entries, which have more fields. */
TEST(random_amd)
{
	model_run(&fmt_amd, amd_decode, 4, 4, (1ULL << 36) - 2 * NR_1G);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's parts that need no context: grouping of random trees, and random
 * answers and fault records of Xen. The driver must accept all valid ones and
 * reject the others.
 */
#ifndef XPI_FUZZ_DRIVER_PARTS_H
#define XPI_FUZZ_DRIVER_PARTS_H

#include <stdlib.h>

#include <linux/limits.h>
#include <linux/sizes.h>

#include <xen/interface/pv-iommu.h>

#include "caps.h"
#include "fault-record.h"
#include "group.h"

#include "group-tree.h"
#include "harness.h"
#include "input.h"

static uint64_t input_below(uint64_t n)
{
	return word() % n;
}

/* A path of random hops; the key is one of them, with its segment. */
static void play_path(void)
{
	struct xpi_hop hops[XPI_MAX_HOPS];
	unsigned int nr = 1 + byte() % XPI_MAX_HOPS, i;
	bool found = false;
	u64 key;

	for (i = 0; i < nr; i++)
		hops[i] = (struct xpi_hop){
			.sbdf = wild(), .kind = byte() % 4,
			.multifunction = byte() & 1, .acs = byte() & 1,
		};
	key = xpi_group_key(hops, nr);
	CHECK(!(key >> 33));
	for (i = 0; i < nr; i++)
		found |= key >> 32 ? (u32)key == (hops[i].sbdf & ~7U) :
				     key == hops[i].sbdf;
	CHECK(found);
}

static void play_group(void)
{
	enum xpi_late late = byte() % 3;
	int i, j;

	CHECK(xpi_may_take(XPI_UNBOUND, late));
	CHECK(!xpi_may_take(XPI_LIVE, late));
	play_path();
	random_tree(input_below);
	for (i = 0; i < NODES; i++)
		for (j = 0; j < i; j++)
			if (tree[i].group == tree[j].group)
				CHECK_EQ(key_of(i), key_of(j));
}

/* Make a valid answer of Xen; in most calls one field is random. */
static struct xen_pv_iommu_query some_query(void)
{
	struct xen_pv_iommu_query q;

	xpi_query_init(&q);
	q.features = word() | XEN_PV_IOMMU_FEAT_BLOCKED;
	q.max_ctx = 256;
	q.ctx_reserve = 16;
	q.pt_pages_max = 1024;
	q.pt_pages_reserve = 256;
	q.pgsize_bitmap = SZ_4K | wild();
	q.iova_last = (1ULL << (32 + byte() % 32)) - 1;
	q.max_count = 1 + word();
	q.max_nr = 1 + word();
	q.fault_virq = word();
	switch (byte() % 16) {
	case 0: q.size = wild(); break;
	case 1: q.magic_version = wild(); break;
	case 2: q.features = wild(); break;
	case 3: q.max_ctx = wild(); break;
	case 4: q.pgsize_bitmap = wild(); break;
	case 5: q.iova_last = wild(); break;
	case 6: q.max_count = wild(); break;
	case 7: q.max_nr = wild(); break;
	case 8: q.magic_version ^= 1U << byte() % 32; break;
	case 9: q.ctx_reserve = wild(); break;
	case 10: q.pt_pages_max = wild(); break;
	case 11: q.pt_pages_reserve = wild(); break;
	}
	return q;
}

static bool space_makes_sense(u64 pgsizes, u64 iova_last)
{
	return pgsizes & SZ_4K && iova_last >= UINT32_MAX &&
	       !((iova_last + 1) % SZ_4K);
}

static bool limits_make_sense(const struct xen_pv_iommu_query *q)
{
	return !(q->features & XEN_PV_IOMMU_FEAT_LIMITS) ||
	       (q->ctx_reserve < q->max_ctx &&
		q->pt_pages_reserve < q->pt_pages_max);
}

static bool query_makes_sense(const struct xen_pv_iommu_query *q)
{
	return q->magic_version == (XEN_PV_IOMMU_MAGIC | 1) &&
	       q->size >= offsetof(struct xen_pv_iommu_query,
				   pt_pages_reserve) &&
	       limits_make_sense(q) && q->max_ctx && q->max_nr &&
	       q->max_count && q->max_count < XEN_PV_IOMMU_COUNT_LIMIT &&
	       space_makes_sense(q->pgsize_bitmap, q->iova_last) &&
	       q->features & XEN_PV_IOMMU_FEAT_BLOCKED;
}

static void check_caps(const struct xpi_caps *caps)
{
	CHECK(space_makes_sense(caps->pgsizes, caps->iova_last));
	CHECK(!(caps->pgsizes & ~((u64)SZ_4K | SZ_2M)));
	CHECK(caps->max_ctx && caps->max_nr && caps->max_count);
	CHECK(caps->ctx_reserve < caps->max_ctx);
	CHECK(caps->user_tables ||
	      !(caps->features & XEN_PV_IOMMU_FEAT_LIMITS));
	CHECK(!caps->fault_virq ||
	      caps->features & XEN_PV_IOMMU_FEAT_FAULTS);
}

static void play_dev(const struct xpi_caps *caps)
{
	struct xen_pv_iommu_dev_query dq = {
		.pgsize_bitmap = wild() | (byte() & 1 ? SZ_4K : 0),
		.iova_last = wild() | (byte() & 1 ? UINT32_MAX : 0),
	};
	struct xpi_caps dev;
	const char *why = xpi_caps_narrow(caps, &dq, &dev);

	CHECK_EQ(!why, space_makes_sense(dq.pgsize_bitmap, dq.iova_last));
	if (why)
		return;
	check_caps(&dev);
	CHECK(!(dev.pgsizes & ~(caps->pgsizes & dq.pgsize_bitmap)));
	CHECK(dev.iova_last <= caps->iova_last &&
	      dev.iova_last <= dq.iova_last);
}

static void play_resv(void)
{
	struct xen_pv_iommu_dev_resv r = {
		.start = wild(), .last = wild(), .type = wild(),
	};
	u32 features = wild();
	struct xpi_resv resv;

	if (!xpi_resv_check(&r, features, &resv)) {
		CHECK(r.start > r.last ||
		      (r.start < SZ_4K && r.last >= U64_MAX - (SZ_4K - 1)));
		return;
	}
	CHECK(resv.start <= r.start && r.start - resv.start < SZ_4K);
	CHECK(resv.last >= r.last && resv.last - r.last < SZ_4K);
	CHECK(!(resv.start % SZ_4K) && !((resv.last + 1) % SZ_4K));
	/* The length does not overflow to 0. */
	CHECK(resv.last - resv.start + 1);
	CHECK(resv.type <= XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE);
	CHECK(resv.type != XEN_PV_IOMMU_RESV_DIRECT_RELAXABLE ||
	      features & XEN_PV_IOMMU_FEAT_RELAX);
}

static void play_caps(void)
{
	struct xen_pv_iommu_query q = some_query();
	struct xpi_caps caps;
	const char *why = xpi_caps_check(&q, &caps);

	CHECK_EQ(!why, query_makes_sense(&q));
	play_resv();
	if (why) {
		CHECK(*why);
		return;
	}
	check_caps(&caps);
	play_dev(&caps);
}

/* The text is in memory of its size, so the sanitizer detects a write after it. */
static void check_text(const struct xpi_fault *f, size_t size)
{
	char whole[2 * XPI_FAULT_TEXT_MAX];
	char *buf = malloc(size);

	CHECK(buf);
	xpi_fault_text(f, buf, size);
	xpi_fault_text(f, whole, sizeof(whole));
	CHECK(strlen(whole) < XPI_FAULT_TEXT_MAX);
	CHECK_EQ(strlen(buf), strlen(whole) < size ? strlen(whole) : size - 1);
	CHECK(!strncmp(buf, whole, size - 1));
	free(buf);
}

static void play_record(void)
{
	struct xen_pv_iommu_fault rec = {
		.dev = { .type = wild(), .id = wild(), .mbz = wild() },
		.iova = wild(), .ctx = wild(), .pasid = wild(),
		.reason = wild(), .flags = wild(), .lost = wild(),
		.time = wild(),
	};
	struct xpi_fault f;

	xpi_fault_check(&rec, &f);
	CHECK(f.ctx <= XEN_PV_IOMMU_CTX_LAST ||
	      f.ctx == XEN_PV_IOMMU_CTX_BLOCKED ||
	      f.ctx == XEN_PV_IOMMU_CTX_INVALID);
	CHECK(f.ctx == rec.ctx || f.ctx == XEN_PV_IOMMU_CTX_INVALID);
	CHECK(f.reason <= XEN_PV_IOMMU_FAULT_RANGE);
	CHECK(!f.has_pasid || f.pasid < 1U << 20);
	CHECK(*xpi_fault_reason(&f));
	check_text(&f, 1 + word() % 300);
}

#endif /* XPI_FUZZ_DRIVER_PARTS_H */

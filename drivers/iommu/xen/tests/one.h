/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One domain, without a device: what the suites about maps and unmaps begin with.
 */
#ifndef XPI_ONE_H
#define XPI_ONE_H

#include <linux/types.h>

struct iommu_domain;
struct kunit;
struct xpi_fake_pte;

#define XPI_ONE_DFN	0x20U
#define XPI_ONE_PFN	0x1000U

/* Hypercalls that had descriptors, since the counts were cleared. */
#define XPI_ONE_BATCHES	(xpi_fake.calls[XEN_PV_IOMMU_OP_BATCH])

/* Tests may replace it. */
extern struct iommu_domain *xpi_one;

/**
 * xpi_one_init() - kunit_suite.init: a fresh fake, and the domain
 * @test: the test
 *
 * Return: 0 or -errno.
 */
int xpi_one_init(struct kunit *test);

/**
 * xpi_one_exit() - kunit_suite.exit: Xen and the mappings must agree
 * @test: the test
 */
void xpi_one_exit(struct kunit *test);

/**
 * xpi_one_renew() - another domain, after the test has changed Xen's limits
 * @test: the test
 */
void xpi_one_renew(struct kunit *test);

/**
 * xpi_one_map() - map through the core; may sleep
 * @dfn: first device frame
 * @pfn: first page
 * @nr: 4 KiB pages
 *
 * Return: as the core does.
 */
int xpi_one_map(u64 dfn, u64 pfn, u64 nr);

/**
 * xpi_one_map_only() - map as the core does it, but leave the sync to the caller
 * @dfn: first device frame
 * @pfn: first page
 * @nr: 4 KiB pages
 * @mapped: OUT: bytes mapped
 *
 * Return: as the driver does.
 */
int xpi_one_map_only(u64 dfn, u64 pfn, u64 nr, size_t *mapped);

/**
 * xpi_one_sync_map() - the sync of a map
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: as the driver does.
 */
int xpi_one_sync_map(u64 dfn, u64 nr);

/**
 * xpi_one_unmap() - unmap through the core, strict
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: pages unmapped.
 */
u64 xpi_one_unmap(u64 dfn, u64 nr);

/**
 * xpi_one_unmap_later() - unmap as the DMA API does it if the flush is deferred
 * @dfn: first device frame
 * @nr: 4 KiB pages
 *
 * Return: pages unmapped.
 */
u64 xpi_one_unmap_later(u64 dfn, u64 nr);

/**
 * xpi_one_pte() - what Xen has mapped
 * @dfn: device frame
 *
 * Return: the entry of the fake.
 */
const struct xpi_fake_pte *xpi_one_pte(u64 dfn);

/**
 * xpi_one_pfn() - what the driver says is mapped
 * @dfn: device frame
 *
 * Return: the page; 0: nothing.
 */
u64 xpi_one_pfn(u64 dfn);

/**
 * xpi_one_expect_same() - Xen and the mappings must agree
 * @test: the test
 */
void xpi_one_expect_same(struct kunit *test);

/**
 * xpi_one_expect_nothing() - nothing may be mapped
 * @test: the test
 */
void xpi_one_expect_nothing(struct kunit *test);

#endif /* XPI_ONE_H */

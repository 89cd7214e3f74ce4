/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver as it is loaded: the kernel's IOMMU core and its PCI devices are
 * real, only Xen is the fake.
 */
#ifndef XPI_CORE_H
#define XPI_CORE_H

#include <linux/types.h>

struct device;
struct iommu_domain;
struct kunit;
struct pci_dev;

/* Vendor and device ids. */
#define XPI_QEMU	0x1234
#define XPI_EDU		0x11e8

#define XPI_CORE_DIR	"/sys/kernel/debug/xen-pv-iommu"

/* Functions 0 and 1: without access control services, so in one group. */
extern struct pci_dev *xpi_core_pdev[2];

/**
 * xpi_core_init() - kunit_suite.init: the fake knows the two functions
 * @test: the test; skipped without them
 *
 * Return: 0 or -errno.
 */
int xpi_core_init(struct kunit *test);

/**
 * xpi_core_exit() - kunit_suite.exit: nothing may be left over
 * @test: the test
 */
void xpi_core_exit(struct kunit *test);

/**
 * xpi_core_dev() - one of the two functions
 * @fn: its number
 *
 * Return: the device.
 */
struct device *xpi_core_dev(unsigned int fn);

/**
 * xpi_core_domain() - the domain that the core has put a function into
 * @fn: its number
 *
 * Return: the domain, or NULL.
 */
struct iommu_domain *xpi_core_domain(unsigned int fn);

/**
 * xpi_core_load() - load the driver, which must not fail
 * @test: the test
 */
void xpi_core_load(struct kunit *test);

/**
 * xpi_core_expect() - expect a type of default domain
 * @test: the test
 * @fn: number of a function
 * @translated: it has a context of its own, and not Xen's
 */
void xpi_core_expect(struct kunit *test, unsigned int fn, bool translated);

/**
 * xpi_core_path() - the path of a device's file in debugfs
 * @test: the test, which frees it
 * @p: the device
 * @file: name of the file
 *
 * Return: the path.
 */
const char *xpi_core_path(struct kunit *test, struct pci_dev *p,
			  const char *file);

/**
 * xpi_core_read() - read a device's file in debugfs, which must not fail
 * @test: the test, which frees it
 * @p: the device
 * @file: name of the file
 *
 * Return: the text.
 */
const char *xpi_core_read(struct kunit *test, struct pci_dev *p,
			  const char *file);

#endif /* XPI_CORE_H */

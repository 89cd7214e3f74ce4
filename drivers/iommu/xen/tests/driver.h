/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver as the suites see it: its own functions, with fake-hv.c in the
 * place of Xen and allocations that can be made to fail.
 */
#ifndef XPI_DRIVER_H
#define XPI_DRIVER_H

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/types.h>

#include "group.h"

struct irq_domain;
struct kunit;
struct pci_dev;

#define XPI_ADDR(frame)		((u64)(frame) << 12)
#define XPI_RW			(IOMMU_READ | IOMMU_WRITE)

/**
 * struct xpi_driver - what tests turn, and what they look at
 * @alloc_fails_in: this many allocations succeed before one that fails; -1: all
 * @alloc_failed: one did
 * @allocated: pages and structs that are not freed yet
 * @cpu: added to the CPU's number, so that another list is taken
 * @nowhere: as if the CPU had the number 0, wherever the test runs
 * @not_dom0: this domain is not one that Xen would serve
 * @no_dma_api: swiotlb-xen is in the way of translated DMA
 * @registers_fail: so many times the core takes no driver
 * @no_sysfs: there is no place in sysfs
 * @bypasses: times that swiotlb-xen was bypassed, and not let be again
 * @is_protected: who is asked then which devices are translated
 * @msi_domain: of every PCI device
 * @bound: in the place of xpi_dev_bound() if it is set
 * @holds: references to the module when the test began
 * @acs_lost: no device can be given to a user, for its group claims too much
 * @held: devices that users have
 * @warned: the last warning, as it is in the source; NULL: there was none
 */
struct xpi_driver {
	atomic_t alloc_fails_in;
	bool alloc_failed;
	atomic_t allocated;
	unsigned int cpu;
	bool nowhere;
	bool not_dom0;
	bool no_dma_api;
	unsigned int registers_fail;
	bool no_sysfs;
	unsigned int bypasses;
	bool (*is_protected)(struct device *dev);
	struct irq_domain *msi_domain;
	enum xpi_bound (*bound)(struct pci_dev *pdev);
	int holds;
	bool acs_lost;
	unsigned int held;
	const char *warned;
};

extern struct xpi_driver xpi_driver;

/**
 * xpi_driver_init() - kunit_suite.init: a fresh fake and a driver that asked it
 * @test: the test
 *
 * Return: 0 or -errno.
 */
int xpi_driver_init(struct kunit *test);

/**
 * xpi_driver_exit() - kunit_suite.exit: nothing may be left over
 * @test: the test
 */
void xpi_driver_exit(struct kunit *test);

/**
 * xpi_driver_ask() - let the driver ask the fake what it offers
 *
 * Return: 0, or -ENODEV if the driver cannot work with the answer.
 */
int xpi_driver_ask(void);

/**
 * xpi_driver_reset() - let the driver send RESET, as when it is loaded
 *
 * Return: as the driver does.
 */
int xpi_driver_reset(void);

/**
 * xpi_driver_batch() - set the module parameter "batch"
 * @on: to what
 */
void xpi_driver_batch(bool on);

/**
 * xpi_driver_late() - set the module parameter "late"
 * @what: to what
 *
 * Return: whether there is such a parameter. If not, it is as if it were "skip".
 */
bool xpi_driver_late(char *what);

/**
 * xpi_driver_msi_isolated() - set the module parameter "msi_isolated"
 * @on: to what
 */
void xpi_driver_msi_isolated(bool on);

/**
 * xpi_driver_load() - as modprobe does: the core and its PCI devices are real
 * @test: the test, at whose end it is unloaded
 *
 * Return: 0 or -errno.
 */
int xpi_driver_load(struct kunit *test);

/**
 * xpi_driver_unload() - before the end of the test
 * @test: the test
 */
void xpi_driver_unload(struct kunit *test);

/**
 * xpi_driver_ops() - what the driver gives to the IOMMU core
 *
 * Return: that.
 */
const struct iommu_ops *xpi_driver_ops(void);

/**
 * xpi_driver_domain() - a paging domain, made ready as the core does it
 * @dev: for which device, or NULL
 *
 * Return: the domain, or an ERR_PTR.
 */
struct iommu_domain *xpi_driver_domain(struct device *dev);

/**
 * xpi_driver_domain_as() - the same, of another type than a user's
 * @dev: for which device, or NULL
 * @type: IOMMU_DOMAIN_*
 *
 * Return: the domain, or an ERR_PTR.
 */
struct iommu_domain *xpi_driver_domain_as(struct device *dev,
					  unsigned int type);

/**
 * xpi_driver_free() - free it
 * @domain: the domain; NULL and ERR_PTRs are nothing
 */
void xpi_driver_free(struct iommu_domain *domain);

/**
 * xpi_driver_attach() - put a device into a domain
 * @domain: the domain
 * @dev: from xpi_driver_add_dev()
 *
 * Return: as the driver does.
 */
int xpi_driver_attach(struct iommu_domain *domain, struct device *dev);

/**
 * xpi_driver_ctx() - the context behind a domain
 * @domain: the domain
 *
 * Return: its number.
 */
u32 xpi_driver_ctx(struct iommu_domain *domain);

/**
 * xpi_driver_holds() - what keeps the module from being unloaded
 *
 * Return: references that were taken since the test began.
 */
int xpi_driver_holds(void);

/**
 * xpi_driver_differs() - I1: Xen maps what the mappings show, less what waits to
 *	be mapped, plus what waits to be unmapped
 * @domain: a domain without concurrent users
 * @lost: Xen may have more, for it refused to unmap something
 *
 * Ignores maps that Xen refused and the driver marked. Not for use in
 * two threads at a time.
 *
 * Return: NULL, or what is wrong.
 */
const char *xpi_driver_differs(struct iommu_domain *domain, bool lost);

/**
 * xpi_driver_waiting() - how many descriptors wait
 * @domain: a domain without concurrent users
 * @unmaps: of which kind
 *
 * Return: that.
 */
unsigned int xpi_driver_waiting(struct iommu_domain *domain, bool unmaps);

/**
 * xpi_driver_add_dev() - give the driver a device, as its probe_device does
 * @test: the test, at whose end it is taken away
 * @which: of the fake's devices
 *
 * Return: the device.
 */
struct device *xpi_driver_add_dev(struct kunit *test, unsigned int which);

#endif /* XPI_DRIVER_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A container of VFIO and the edu devices in it, by plain ioctls.
 *
 * There are two kinds, and a program is linked with one: type1.c is a container
 * of vfio_iommu_type1, iommufd.c an address space of iommufd.
 *
 * Opening either one dies with a sentence that says what to do; mapping and
 * unmapping return -errno, because tests want to see them fail.
 */
#ifndef XPI_VFIO_H
#define XPI_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edu.h"

struct container {
	int fd;
	bool ready;			/* type1: a first group has brought the IOMMU */
	uint32_t space;			/* iommufd: the id of the address space */
};

struct device {
	const char *bdf;
	int group;			/* type1 */
	uint32_t id;			/* iommufd */
	int fd;
	uint64_t config;		/* offset of configuration space in fd */
	struct edu edu;
};

struct container container_open(void);
void container_close(struct container *c);

/* Fetches dev->fd, and what dev->bdf names becomes part of c; the way back. */
void container_take(struct container *c, struct device *dev);
void container_leave(struct device *dev);

/*
 * The device, or all of its group, becomes part of c, be it the first or one
 * more; its bus mastering is switched on.  device_take() is for a device of any
 * kind, whose way back is container_leave(); device_open() also maps the
 * registers of an edu.
 */
struct device device_take(struct container *c, const char *bdf);
struct device device_open(struct container *c, const char *bdf);
void device_close(struct device *dev);

/* What the device has behind BAR nr, and its size; the caller unmaps it. */
void *device_map(const struct device *dev, unsigned int nr, size_t *bytes);

/* VFIO_DEVICE_RESET; 0 or -errno.  What the device had been told it forgets. */
int device_reset(const struct device *dev);

/* Does the command register allow DMA?  Xen takes it away after many faults. */
bool device_is_master(const struct device *dev);

#define MAY_READ	1
#define MAY_WRITE	2
int container_map(struct container *c, uint64_t iova, void *mem, size_t bytes,
		  unsigned int may);
/* New memory that the device may read and write at iova; dies if there is none. */
uint8_t *container_memory(struct container *c, const char *bdf, uint64_t iova,
			  size_t bytes);
/* What container_memory() has given; dies if VFIO does not take it back. */
void container_memory_free(struct container *c, const char *bdf, uint64_t iova,
			   uint8_t *mem, size_t bytes);
/* Also -EIO if fewer bytes went than were asked for. */
int container_unmap(struct container *c, uint64_t iova, size_t bytes);
/* Bytes that were mapped, or -errno; there may be holes between them. */
int64_t container_unmap_holes(struct container *c, uint64_t iova, size_t bytes);
int64_t container_unmap_all(struct container *c);

/* Why the registers of a device cannot be mapped for another one, or NULL. */
extern const char *const container_refuses_registers;
/* What the names of tests begin with, as one boot may do them with both kinds. */
extern const char *const container_prefix;

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A container of VFIO and the edu devices in it, by plain ioctls.
 *
 * There are two kinds, and a program is linked with one: type1.c is a container
 * of vfio_iommu_type1, iommufd.c an address space of iommufd.
 *
 * Functions that open a container or device exit the program on failure, with a
 * sentence that says what to do. Functions that map and unmap return -errno, because
 * tests check their failures.
 */
#ifndef XPI_VFIO_H
#define XPI_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edu.h"

struct container {
	int fd;
	bool ready;			/* type1: the first group has set the IOMMU */
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

/* Open dev->fd of the device dev->bdf and add it to c; and undo this. */
void container_take(struct container *c, struct device *dev);
void container_leave(struct device *dev);

/*
 * Add the device, or all of its group, to c, and turn on its bus mastering. c may have
 * other devices. device_take() is for any device, and container_leave() undoes it.
 * device_open() also maps the registers of an edu.
 */
struct device device_take(struct container *c, const char *bdf);
struct device device_open(struct container *c, const char *bdf);
void device_close(struct device *dev);

/* Map BAR nr of the device, and return its size; the caller unmaps it. */
void *device_map(const struct device *dev, unsigned int nr, size_t *bytes);

/* Reset the device by VFIO_DEVICE_RESET; its registers are lost. Returns 0 or -errno. */
int device_reset(const struct device *dev);

/* True if the command register allows DMA. Xen turns it off after many faults. */
bool device_is_master(const struct device *dev);

#define MAY_READ	1
#define MAY_WRITE	2
int container_map(struct container *c, uint64_t iova, void *mem, size_t bytes,
		  unsigned int may);
/* Map new memory for the device at iova. Exits the program on failure. */
uint8_t *container_memory(struct container *c, const char *bdf, uint64_t iova,
			  size_t bytes);
/* Undo container_memory(). Exits the program on failure. */
void container_memory_free(struct container *c, const char *bdf, uint64_t iova,
			   uint8_t *mem, size_t bytes);
/* Returns -EIO too, if fewer bytes than requested were unmapped. */
int container_unmap(struct container *c, uint64_t iova, size_t bytes);
/* Returns the number of bytes that were mapped, or -errno. The range may have holes. */
int64_t container_unmap_holes(struct container *c, uint64_t iova, size_t bytes);
int64_t container_unmap_all(struct container *c);

/* The reason why a device's registers cannot be mapped for another device, or NULL. */
extern const char *const container_refuses_registers;
/* Prefix of the tests' names, because one boot may run them with both kinds. */
extern const char *const container_prefix;

#endif

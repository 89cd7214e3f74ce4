// SPDX-License-Identifier: GPL-2.0
/* A container of vfio_iommu_type1, to which groups are added. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"
#include "vfio.h"

const char *const container_refuses_registers = NULL;
const char *const container_prefix = "";

struct container container_open(void)
{
	struct container c = { .fd = open("/dev/vfio/vfio", O_RDWR) };

	if (c.fd < 0)
		die("/dev/vfio/vfio: %s; load the module vfio first",
		    strerror(errno));
	if (ioctl(c.fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		die("this kernel has another version of VFIO");
	if (ioctl(c.fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1)
		die("VFIO has no type1 IOMMU; load the module vfio_iommu_type1");
	return c;
}

void container_close(struct container *c)
{
	close(c->fd);
	c->fd = -1;
	c->ready = false;
}

static int group_of(const char *bdf)
{
	char path[128], target[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		die("%s has no IOMMU group, so no IOMMU driver took it; load xen-pv-iommu first",
		    bdf);
	target[len] = '\0';
	return atoi(strrchr(target, '/') + 1);
}

static int group_open(const char *bdf)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int nr = group_of(bdf);
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%d", nr);
	fd = open(path, O_RDWR);
	if (fd < 0)
		die("%s: %s; bind %s to vfio-pci first", path, strerror(errno),
		    bdf);
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) ||
	    !(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		die("group %d is not viable: every device in it must be bound to vfio-pci",
		    nr);
	return fd;
}

/*
 * For the first group in a container VFIO decides whether it accepts the IOMMU. VFIO
 * adds later groups to the same domain, or refuses them.
 */
static void join(struct container *c, int group, const char *bdf)
{
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &c->fd))
		die("the group of %s cannot join the container: %s", bdf,
		    strerror(errno));
	if (c->ready)
		return;
	c->ready = !ioctl(c->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	if (c->ready)
		return;
	if (errno == EPERM)
		die("VFIO refuses this machine's interrupts as unsafe; Xen isolates them, but Linux cannot see that: load vfio_iommu_type1 with allow_unsafe_interrupts=1");
	die("VFIO_SET_IOMMU for %s: %s", bdf, strerror(errno));
}

void container_take(struct container *c, struct device *dev)
{
	dev->group = group_open(dev->bdf);
	join(c, dev->group, dev->bdf);
	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->bdf);
	if (dev->fd < 0)
		die("VFIO does not open %s: %s", dev->bdf, strerror(errno));
}

void container_leave(struct device *dev)
{
	close(dev->fd);
	close(dev->group);
}

int container_map(struct container *c, uint64_t iova, void *mem, size_t bytes,
		  unsigned int may)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.vaddr = (uintptr_t)mem,
		.iova = iova,
		.size = bytes,
	};

	if (may & MAY_READ)
		map.flags |= VFIO_DMA_MAP_FLAG_READ;
	if (may & MAY_WRITE)
		map.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	return ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static int64_t unmap(struct container *c, uint32_t flags, uint64_t iova,
		     size_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = bytes,
	};

	if (ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	return unmap.size;
}

int64_t container_unmap_holes(struct container *c, uint64_t iova, size_t bytes)
{
	return unmap(c, 0, iova, bytes);
}

int64_t container_unmap_all(struct container *c)
{
	return unmap(c, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0);
}

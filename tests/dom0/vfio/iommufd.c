// SPDX-License-Identifier: GPL-2.0
/* An address space of iommufd, to which devices are attached one by one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"
#include "vfio.h"

const char *const container_refuses_registers = "iommufd pins pages of memory only";
const char *const container_prefix = "iommufd.";

struct container container_open(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct container c = { .fd = open("/dev/iommu", O_RDWR) };

	if (c.fd < 0)
		die("/dev/iommu: %s; load the module iommufd first",
		    strerror(errno));
	if (ioctl(c.fd, IOMMU_IOAS_ALLOC, &alloc))
		die("iommufd allocates no address space: %s", strerror(errno));
	c.space = alloc.out_ioas_id;
	return c;
}

void container_close(struct container *c)
{
	close(c->fd);
	c->fd = -1;
}

/* The file is /dev/vfio/devices/vfioN; sysfs has N. */
static int device_file(const char *bdf)
{
	char path[128], file[300];
	struct dirent *entry;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		die("%s: %s; bind %s to vfio-pci first, of a kernel with VFIO_DEVICE_CDEV",
		    path, strerror(errno), bdf);
	do {
		entry = readdir(dir);
	} while (entry && entry->d_name[0] == '.');
	if (!entry)
		die("%s is empty; bind %s to vfio-pci again", path, bdf);
	snprintf(file, sizeof(file), "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
	fd = open(file, O_RDWR);
	if (fd < 0)
		die("%s: %s; is there a devtmpfs?", file, strerror(errno));
	return fd;
}

static void die_of_bind(const char *bdf)
{
	if (errno == EPERM)
		die("iommufd refuses this machine's interrupts as unsafe; Xen isolates them, but Linux cannot see that: load iommufd with allow_unsafe_interrupts=1");
	die("iommufd refuses %s: %s", bdf, strerror(errno));
}

void container_take(struct container *c, struct device *dev)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = c->fd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = c->space,
	};

	dev->fd = device_file(dev->bdf);
	if (ioctl(dev->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		die_of_bind(dev->bdf);
	dev->id = bind.out_devid;
	if (ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		die("%s cannot be attached to the address space: %s", dev->bdf,
		    strerror(errno));
}

void container_leave(struct device *dev)
{
	close(dev->fd);
}

int container_map(struct container *c, uint64_t iova, void *mem, size_t bytes,
		  unsigned int may)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA,
		.ioas_id = c->space,
		.user_va = (uintptr_t)mem,
		.length = bytes,
		.iova = iova,
	};

	if (may & MAY_READ)
		map.flags |= IOMMU_IOAS_MAP_READABLE;
	if (may & MAY_WRITE)
		map.flags |= IOMMU_IOAS_MAP_WRITEABLE;
	return ioctl(c->fd, IOMMU_IOAS_MAP, &map) ? -errno : 0;
}

int64_t container_unmap_holes(struct container *c, uint64_t iova, size_t bytes)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = c->space,
		.iova = iova,
		.length = bytes,
	};

	if (ioctl(c->fd, IOMMU_IOAS_UNMAP, &unmap))
		return errno == ENOENT ? 0 : -errno;
	return unmap.length;
}

int64_t container_unmap_all(struct container *c)
{
	return container_unmap_holes(c, 0, UINT64_MAX);
}

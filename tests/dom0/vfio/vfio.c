// SPDX-License-Identifier: GPL-2.0
/* A VFIO device in a container of either kind. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"
#include "vfio.h"

static struct vfio_region_info region(const struct device *dev, uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		die("%s has no region %u: %s", dev->bdf, index,
		    strerror(errno));
	return info;
}

static uint16_t read_command(const struct device *dev)
{
	uint16_t command;

	if (pread(dev->fd, &command, 2, dev->config + PCI_COMMAND) != 2)
		die("%s: cannot read its command register: %s", dev->bdf,
		    strerror(errno));
	return command;
}

static void start_master(const struct device *dev)
{
	uint16_t command = read_command(dev) | PCI_COMMAND_MASTER |
			   PCI_COMMAND_MEMORY;

	if (pwrite(dev->fd, &command, 2, dev->config + PCI_COMMAND) != 2)
		die("%s: cannot write its command register: %s", dev->bdf,
		    strerror(errno));
}

bool device_is_master(const struct device *dev)
{
	return read_command(dev) & PCI_COMMAND_MASTER;
}

int device_reset(const struct device *dev)
{
	return ioctl(dev->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

struct device device_take(struct container *c, const char *bdf)
{
	struct device dev = { .bdf = bdf };

	container_take(c, &dev);
	dev.config = region(&dev, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	start_master(&dev);
	return dev;
}

void *device_map(const struct device *dev, unsigned int nr, size_t *bytes)
{
	struct vfio_region_info bar =
		region(dev, VFIO_PCI_BAR0_REGION_INDEX + nr);
	void *mem;

	mem = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
		   bar.offset);
	if (mem == MAP_FAILED)
		die("%s: cannot map its BAR %u: %s", dev->bdf, nr,
		    strerror(errno));
	*bytes = bar.size;
	return mem;
}

struct device device_open(struct container *c, const char *bdf)
{
	struct device dev = device_take(c, bdf);
	size_t bytes;

	dev.edu.regs = device_map(&dev, 0, &bytes);
	edu_check(&dev.edu, bdf);
	return dev;
}

void device_close(struct device *dev)
{
	munmap((void *)dev->edu.regs,
	       region(dev, VFIO_PCI_BAR0_REGION_INDEX).size);
	container_leave(dev);
}

int container_unmap(struct container *c, uint64_t iova, size_t bytes)
{
	int64_t gone = container_unmap_holes(c, iova, bytes);

	if (gone < 0)
		return gone;
	return (size_t)gone == bytes ? 0 : -EIO;
}

uint8_t *container_memory(struct container *c, const char *bdf, uint64_t iova,
			  size_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int rc;

	if (mem == MAP_FAILED)
		die("no memory for %s: %s", bdf, strerror(errno));
	rc = container_map(c, iova, mem, bytes, MAY_READ | MAY_WRITE);
	if (rc)
		die("%s: cannot map its memory: %s", bdf, strerror(-rc));
	return mem;
}

void container_memory_free(struct container *c, const char *bdf, uint64_t iova,
			   uint8_t *mem, size_t bytes)
{
	int rc = container_unmap(c, iova, bytes);

	if (rc)
		die("%s: cannot unmap its memory: %s", bdf, strerror(-rc));
	munmap(mem, bytes);
}

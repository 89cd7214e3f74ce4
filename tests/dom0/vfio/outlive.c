// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates a page table for a device, closes the device and keeps the table until
 * a signal ends the program:	iommufd-outlive BDF
 * It prints "holding" when it has only the table.
 */
#include <errno.h>
#include <linux/iommufd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"
#include "vfio.h"

static void make_table(const struct container *c, const struct device *dev)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.dev_id = dev->id,
		.pt_id = c->space,
	};

	if (ioctl(c->fd, IOMMU_HWPT_ALLOC, &alloc))
		die("iommufd allocates no page table for %s: %s", dev->bdf,
		    strerror(errno));
}

int main(int argc, char **argv)
{
	struct container c;
	struct device dev;

	if (argc != 2)
		die("usage: iommufd-outlive BDF, a device that is bound to vfio-pci");
	c = container_open();
	dev = device_open(&c, argv[1]);
	make_table(&c, &dev);
	device_close(&dev);
	puts("holding");
	fflush(stdout);
	pause();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "irq.h"
#include "report.h"

#define PATIENCE_MS	30000		/* an emulator on a busy host is slow */
#define A_WHILE_MS	300

unsigned int irq_count(const struct device *dev, uint32_t index, uint32_t *flags)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info))
		die("%s: VFIO has no interrupts of kind %u: %s", dev->bdf, index,
		    strerror(errno));
	if (flags)
		*flags = info.flags;
	return info.count;
}

/* VFIO returns a positive number if fewer vectors are available than requested. */
static int set(const struct irqs *irqs, uint32_t flags, unsigned int start,
	       unsigned int count, const int *fds)
{
	const size_t bytes = fds ? count * sizeof(*fds) : 0;
	struct {
		struct vfio_irq_set head;
		int fds[IRQS_MAX];
	} all = {
		.head = {
			.argsz = sizeof(all.head) + bytes,
			.flags = flags,
			.index = irqs->index,
			.start = start,
			.count = count,
		},
	};
	int rc;

	if (fds)
		memcpy(all.head.data, fds, bytes);
	rc = ioctl(irqs->dev->fd, VFIO_DEVICE_SET_IRQS, &all);
	if (rc < 0)
		return -errno;
	return rc ? -EAGAIN : 0;
}

static void open_fds(struct irqs *irqs, unsigned int nr)
{
	for (irqs->open = 0; irqs->open < nr; irqs->open++) {
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		if (fd < 0)
			die("no more eventfds after %u: %s", irqs->open,
			    strerror(errno));
		irqs->fds[irqs->open] = fd;
	}
}

int irqs_enable(struct irqs *irqs, const struct device *dev, uint32_t index,
		unsigned int nr)
{
	int rc;

	if (nr > IRQS_MAX)
		die("%s: at most %d vectors can be enabled, not %u", dev->bdf,
		    IRQS_MAX, nr);
	*irqs = (struct irqs){ .dev = dev, .index = index };
	open_fds(irqs, nr);
	rc = set(irqs, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		 0, nr, irqs->fds);
	if (rc)
		irqs_close(irqs);
	else
		irqs->nr = nr;
	return rc;
}

int irqs_disable(struct irqs *irqs)
{
	irqs->nr = 0;
	return set(irqs, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		   0, 0, NULL);
}

void irqs_close(struct irqs *irqs)
{
	while (irqs->open)
		close(irqs->fds[--irqs->open]);
}

static int set_one(struct irqs *irqs, unsigned int vector, int fd)
{
	return set(irqs, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		   vector, 1, &fd);
}

int irq_detach(struct irqs *irqs, unsigned int vector)
{
	return set_one(irqs, vector, -1);
}

int irq_attach(struct irqs *irqs, unsigned int vector)
{
	return set_one(irqs, vector, irqs->fds[vector]);
}

int irq_mask(struct irqs *irqs)
{
	return set(irqs, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK,
		   0, 1, NULL);
}

int irq_unmask(struct irqs *irqs)
{
	return set(irqs, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
		   0, 1, NULL);
}

int irq_unmask_by(struct irqs *irqs, int fd)
{
	return set(irqs, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
		   0, 1, &fd);
}

uint64_t irq_take(struct irqs *irqs, unsigned int vector)
{
	uint64_t times;
	ssize_t got = read(irqs->fds[vector], &times, sizeof(times));

	if (got == sizeof(times))
		return times;
	if (got < 0 && errno == EAGAIN)
		return 0;
	die("%s: the eventfd of vector %u does not read: %s", irqs->dev->bdf,
	    vector, strerror(errno));
}

static bool comes(struct irqs *irqs, unsigned int vector, int ms)
{
	struct pollfd fd = { .fd = irqs->fds[vector], .events = POLLIN };

	return poll(&fd, 1, ms) == 1;
}

uint64_t irq_wait(struct irqs *irqs, unsigned int vector)
{
	return comes(irqs, vector, PATIENCE_MS) ? irq_take(irqs, vector) : 0;
}

bool irq_silent(struct irqs *irqs, unsigned int vector)
{
	return !comes(irqs, vector, A_WHILE_MS);
}

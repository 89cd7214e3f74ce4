/* SPDX-License-Identifier: GPL-2.0 */
/* A device of any kind that interrupts on command. */
#ifndef XPI_SOURCE_H
#define XPI_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "igb.h"
#include "irq.h"
#include "nvme.h"
#include "vfio.h"

struct source;

struct source_kind {
	const char *name;		/* for the names of tests */
	const char *ids;		/* vendor and device, in sysfs' spelling */
	unsigned int offers[3];		/* number of interrupts, by VFIO's index */
	bool noisy;			/* the start raises the first interrupt */
	void (*open)(struct source *s);
	void (*close)(struct source *s);
	/* Called after its first nr interrupts were enabled, and after a reset. */
	void (*start)(struct source *s, uint32_t index, unsigned int nr);
	void (*raise)(struct source *s, uint32_t index, unsigned int vector);
	/* Acknowledge the vector: deasserts INTx, so that it can be raised again. */
	void (*lower)(struct source *s, unsigned int vector);
	/* Make the device mask its interrupts, or unmask them; NULL: not supported. */
	void (*hold)(struct source *s, uint32_t index, bool on);
};

struct source {
	const char *bdf;
	unsigned int nr;		/* number among its kind in this program, from 1 */
	const struct source_kind *kind;
	struct container container;
	struct device edu;
	struct igb igb;
	struct nvme nvme;
};

/* Open a device in a container of its own. Exits the program on failure. */
void source_open(struct source *s, const char *bdf, unsigned int nr);
/* Close the device, and open it in a new container. */
void source_reopen(struct source *s);
void source_close(struct source *s);

const struct source_kind *source_kind_of(const char *bdf);

/* Return the VFIO device. */
const struct device *source_device(const struct source *s);

#endif

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
	const char *name;		/* as it is in the names of tests */
	const char *ids;		/* vendor and device, as sysfs has them */
	unsigned int offers[3];		/* how many interrupts, by VFIO's index */
	bool noisy;			/* the first comes while it is started */
	void (*open)(struct source *s);
	void (*close)(struct source *s);
	/* Its first nr interrupts are enabled, or a reset is over. */
	void (*start)(struct source *s, uint32_t index, unsigned int nr);
	void (*raise)(struct source *s, uint32_t index, unsigned int vector);
	/* Its driver has seen the vector: INTx falls silent, the next can be raised. */
	void (*lower)(struct source *s, unsigned int vector);
	/* The device holds back what is raised, or lets it go; NULL: it cannot. */
	void (*hold)(struct source *s, uint32_t index, bool on);
};

struct source {
	const char *bdf;
	unsigned int nr;		/* of its kind in this program, from 1 on */
	const struct source_kind *kind;
	struct container container;
	struct device edu;
	struct igb igb;
	struct nvme nvme;
};

/* The nr-th of its kind, in a container of its own; dies if it cannot. */
void source_open(struct source *s, const char *bdf, unsigned int nr);
/* The same device in a new container. */
void source_reopen(struct source *s);
void source_close(struct source *s);

const struct source_kind *source_kind_of(const char *bdf);

/* The VFIO device, whatever kind it is of. */
const struct device *source_device(const struct source *s);

#endif

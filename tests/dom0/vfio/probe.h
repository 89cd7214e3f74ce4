/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Can this device reach that memory?  Questions put to a real device.
 *
 * Every bed has a mailbox, a page that its device may always use: through it
 * the device's own buffer is filled and looked at.  A "blocked" answer only
 * counts if the device still works right after, which the probes check.
 */
#ifndef XPI_PROBE_H
#define XPI_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio.h"

#define PAGE		4096UL
#define MAILBOX_IOVA	0x300000000UL

struct bed {
	struct container container;
	struct device dev;
	uint8_t *mailbox;
};

/* Memory that is present and zero; dies if there is none. */
uint8_t *new_pages(unsigned int nr);

/* A container with one device and a mailbox. */
struct bed bed_open(const char *bdf);
void bed_close(struct bed *bed);

/*
 * One more device in the container of the first, with the same mailbox.  It
 * has to be closed before.
 */
struct bed bed_join(const struct bed *first, const char *bdf);
void bed_leave(struct bed *bed);

/* Map the mailbox, which bed_open() has done; dies if it is refused. */
void bed_map_mailbox(struct bed *bed);

/* Seeds the patterns; every run prints its seed. */
void probe_seed(uint64_t seed);

/* Does what the device fetches from iova equal what is now put into mem? */
bool can_read(struct bed *bed, uint64_t iova, uint8_t *mem);
/* Does what the device stores to iova arrive in mem? */
bool can_write(struct bed *bed, uint64_t iova, uint8_t *mem);

/* The runner looks for the hypervisor's report of each of these. */
void announce_fault(const struct bed *bed, const char *kind, uint64_t iova);

/*
 * The same, expecting failure.  NULL if blocked and the device works on, else
 * what went wrong.  Each announces the fault that Xen has to report.  mem is
 * what the device would reach if nothing stood in between.
 */
const char *not_read(struct bed *bed, uint64_t iova, uint8_t *mem);
const char *not_written(struct bed *bed, uint64_t iova, uint8_t *mem);

/*
 * For memory that this program cannot see: the device fetches 64 bytes from
 * iova, which must not contain text.
 */
const char *text_not_read(struct bed *bed, uint64_t iova, const char *text);

#endif

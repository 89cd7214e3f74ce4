/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes of a real device: can it reach this memory?
 *
 * Every bed has a mailbox, a page that its device may always access. By the mailbox a
 * probe fills and reads the device's own buffer. The result "blocked" counts only if
 * the device still works right after, which the probes check.
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

/* Return populated memory filled with zeroes. Exits the program if there is none. */
uint8_t *new_pages(unsigned int nr);

/* Open a container with one device and a mailbox. */
struct bed bed_open(const char *bdf);
void bed_close(struct bed *bed);

/*
 * Add one more device to the container of the first, with the same mailbox. It must
 * leave before the first is closed.
 */
struct bed bed_join(const struct bed *first, const char *bdf);
void bed_leave(struct bed *bed);

/* Map the mailbox, as bed_open() does. Exits the program on failure. */
void bed_map_mailbox(struct bed *bed);

/* Seeds the patterns; every run prints its seed. */
void probe_seed(uint64_t seed);

/* Fill mem with a pattern; true if the device fetches the pattern from iova. */
bool can_read(struct bed *bed, uint64_t iova, uint8_t *mem);
/* True if a pattern that the device stores to iova arrives in mem. */
bool can_write(struct bed *bed, uint64_t iova, uint8_t *mem);

/* Announce a fault that Xen must report; the runner checks this. */
void announce_fault(const struct bed *bed, const char *kind, uint64_t iova);

/*
 * The same for an access that must be blocked. Return NULL if it was and the device
 * still works, else the problem. Each announces the fault. mem is the memory that the
 * device would reach without an IOMMU.
 */
const char *not_read(struct bed *bed, uint64_t iova, uint8_t *mem);
const char *not_written(struct bed *bed, uint64_t iova, uint8_t *mem);

/*
 * For memory that this program has not mapped: the device fetches 64 bytes from iova,
 * which must not contain text.
 */
const char *text_not_read(struct bed *bed, uint64_t iova, const char *text);

#endif

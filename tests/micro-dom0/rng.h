/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's virtio random number generator below a root port: a PCI Express device with
 * address translation services. It writes to memory on request.
 */
#ifndef MICRO_RNG_H
#define MICRO_RNG_H

#include <stdbool.h>
#include <stdint.h>

#define RNG_NONE	0xffffffffU

/* Return the requester id, or RNG_NONE. */
uint32_t rng_find(void);

/* Start it with its queue in @ring, which it reaches at @ring_iova. */
void rng_start(void *ring, uint64_t ring_iova);
void rng_stop(void);

/*
 * Request @len bytes at @iova, and wait until it reports that it wrote them. False if
 * Xen turned it off after faults in DEFAULT; the caller must start it again.
 */
bool rng_write(uint64_t iova, uint32_t len);
bool rng_is_master(void);

/* True if a write to @iova lands in @page. */
bool rng_reaches(uint64_t iova, uint64_t *page);

#endif

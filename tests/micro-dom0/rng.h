/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's virtio random number generator behind a root port: a PCI Express
 * device with address translation services. It writes to memory when asked.
 */
#ifndef MICRO_RNG_H
#define MICRO_RNG_H

#include <stdbool.h>
#include <stdint.h>

#define RNG_NONE	0xffffffffU

/* Requester id, or RNG_NONE. */
uint32_t rng_find(void);

/* Take it over, with its queue in @ring, which it reaches at @ring_iova. */
void rng_start(void *ring, uint64_t ring_iova);
void rng_stop(void);

/*
 * Ask for @len bytes at @iova, and wait until it says that it has written. False:
 * Xen turned it off for its faults, in DEFAULT; it has to be started again.
 */
bool rng_write(uint64_t iova, uint32_t len);
bool rng_is_master(void);

/* Does it get through to @page when it writes to @iova? */
bool rng_reaches(uint64_t iova, uint64_t *page);

#endif

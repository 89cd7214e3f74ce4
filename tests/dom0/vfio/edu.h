/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's edu device: a PCI device that copies up to a page between memory and
 * a buffer of its own when told to.
 */
#ifndef XPI_EDU_H
#define XPI_EDU_H

#include <stdint.h>

#define EDU_BUFFER_SIZE	4096

/* Registers of four bytes: a fixed number, and one that inverts what it gets. */
#define EDU_ID		0x00
#define EDU_INVERTER	0x04

/* regs is the device's BAR 0, mapped by whoever opened it. */
struct edu {
	volatile uint8_t *regs;
};

/* Map BAR 0 of a device that has no driver, through sysfs. */
struct edu edu_open(const char *bdf);

/* Die unless an edu answers behind regs. */
void edu_check(const struct edu *edu, const char *bdf);

uint32_t edu_get(const struct edu *edu, unsigned int reg);

/*
 * One transfer between the bus address and the device's buffer, from its
 * start; returns when the device says that it is done, which takes 100 ms and
 * says nothing about whether the data arrived.
 */
void edu_fetch(struct edu *edu, uint64_t addr, uint32_t bytes);
void edu_store(struct edu *edu, uint64_t addr, uint32_t bytes);

/* The same to the device's buffer, but an interrupt tells the end. */
void edu_start_fetch(struct edu *edu, uint64_t addr, uint32_t bytes);

/* An interrupt without a transfer; with INTx it stays raised until it is lowered. */
void edu_raise(struct edu *edu);
void edu_lower(struct edu *edu);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's edu device: a PCI device that copies up to a page between memory and its
 * buffer on command.
 */
#ifndef XPI_EDU_H
#define XPI_EDU_H

#include <stdint.h>

#define EDU_BUFFER_SIZE	4096

/* Registers of four bytes: a fixed number, and one that inverts the value written. */
#define EDU_ID		0x00
#define EDU_INVERTER	0x04

/* @regs: the device's BAR 0, mapped by the function that opened the device. */
struct edu {
	volatile uint8_t *regs;
};

/* Map BAR 0 of a device that has no driver, through sysfs. */
struct edu edu_open(const char *bdf);

/* Exit the program unless regs are those of an edu. */
void edu_check(const struct edu *edu, const char *bdf);

uint32_t edu_get(const struct edu *edu, unsigned int reg);

/*
 * Transfer data between the bus address and the beginning of the device's buffer.
 * Return when the device has finished, after 100 ms. The device does not report
 * whether the data arrived.
 */
void edu_fetch(struct edu *edu, uint64_t addr, uint32_t bytes);
void edu_store(struct edu *edu, uint64_t addr, uint32_t bytes);

/* Start a transfer to the device's buffer, which ends with an interrupt. */
void edu_start_fetch(struct edu *edu, uint64_t addr, uint32_t bytes);

/* Raise an interrupt without a transfer; INTx stays asserted until edu_lower(). */
void edu_raise(struct edu *edu);
void edu_lower(struct edu *edu);

#endif

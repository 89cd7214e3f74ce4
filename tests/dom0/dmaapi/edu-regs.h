/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers of QEMU's edu device, for the module here and the programs in ../vfio.
 * Interrupt: bits written to REG_IRQ_RAISE stay set until REG_IRQ_LOWER clears them.
 * Transfer: write source, destination, count, then the command. The device clears
 * CMD_RUN when the transfer is done.
 */
#ifndef XPI_EDU_REGS_H
#define XPI_EDU_REGS_H

#define REG_IRQ_RAISE	0x60
#define REG_IRQ_LOWER	0x64
#define REG_SRC		0x80
#define REG_DST		0x88
#define REG_COUNT	0x90
#define REG_CMD		0x98
#define CMD_RUN		1
#define CMD_TO_MEMORY	2
#define CMD_INTERRUPT	4		/* when it is done */
#define BUFFER		0x40000		/* as the device sees its own buffer */
#define PATIENCE_MS	20000		/* an emulator on a busy host is slow */

#endif /* XPI_EDU_REGS_H */

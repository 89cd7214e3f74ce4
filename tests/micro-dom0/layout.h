/* SPDX-License-Identifier: GPL-2.0 */
/* Where things are; for C, assembly and the linker scripts alike. */
#ifndef MICRO_LAYOUT_H
#define MICRO_LAYOUT_H

/* 4 MiB aligned, as Xen wants it. Low, so that both flavours link alike. */
#define PV_VIRT_BASE	0x400000
/* The pool (see mem.h) begins a 2 MiB frame of its own in both flavours. */
#define PVH_BASE	0x400000
#define STACK_SIZE	32768

#endif

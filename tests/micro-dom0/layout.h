/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses for C, assembly and the linker scripts. */
#ifndef MICRO_LAYOUT_H
#define MICRO_LAYOUT_H

/* Aligned to 4 MiB, as Xen requires. Low, so that PV and PVH are linked alike. */
#define PV_VIRT_BASE	0x400000
/* The pool (see mem.h) begins at a 2 MiB boundary for PV and PVH. */
#define PVH_BASE	0x400000
#define STACK_SIZE	32768

#endif

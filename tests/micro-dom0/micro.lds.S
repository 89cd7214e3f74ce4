/* SPDX-License-Identifier: GPL-2.0 */
/* One script for PV and PVH; ENTRY_POINT and BASE come from the Makefile. */
#include "layout.h"
OUTPUT_FORMAT("elf64-x86-64")
ENTRY(ENTRY_POINT)
PHDRS {
	all PT_LOAD FLAGS(7);
	note PT_NOTE FLAGS(4);
}
SECTIONS {
	. = BASE;
	.note.Xen : { *(.note.Xen) } :all :note
	.text : { *(.text.start) *(.text .text.*) . = ALIGN(4096); *(.hypercall_page) } :all
	.rodata : { *(.rodata .rodata.*) } :all
	.data : { *(.data .data.*) } :all
	.bss : { *(.bss .bss.*) *(COMMON) . = ALIGN(0x200000); *(.pool) } :all
	/DISCARD/ : { *(.note.gnu*) *(.note.GNU-stack) *(.comment) *(.eh_frame*) }
}

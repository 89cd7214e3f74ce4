/* SPDX-License-Identifier: GPL-2.0 */
/* The image for kexec: flat and position-independent. */
#include "kexec-args.h"
OUTPUT_FORMAT("elf64-x86-64")
ENTRY(kexec_start)
SECTIONS {
	. = 0;
	.args : { *(.args) }
	. = KEXEC_IMAGE_ENTRY;
	.text : { *(.text.start) *(.text .text.*) }
	.rodata : { *(.rodata .rodata.*) }
	.data : { *(.data .data.*) }
	.rela.dyn : { *(.rela .rela.*) }
	.bss : { *(.bss .bss.*) *(COMMON) }
	ASSERT(SIZEOF(.rela.dyn) == 0, "the image must not contain addresses")
	ASSERT(. <= KEXEC_IMAGE_SIZE, "the image is too large")
	/DISCARD/ : {
		*(.note*) *(.comment) *(.eh_frame*)
		*(.interp) *(.dyn*) *(.hash) *(.gnu*) *(.got*)
	}
}

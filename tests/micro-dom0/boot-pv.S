/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Start as a PV dom0: Xen's domain builder reads the notes, loads the kernel at
 * VIRT_BASE with page tables that it makes, and fills hypercall_page. It enters the
 * kernel in 64-bit mode (in ring 3) with rsi = start_info.
 */
#include "layout.h"

#define NOTE_STRING(type, text)			\
	.balign 4;				\
	.long 4, 2f - 1f, type;			\
	.asciz "Xen";				\
1:	.asciz text;				\
2:	.balign 4

#define NOTE_QUAD(type, value)			\
	.balign 4;				\
	.long 4, 8, type;			\
	.asciz "Xen";				\
	.quad value

#define NOTE_LONG(type, value)			\
	.balign 4;				\
	.long 4, 4, type;			\
	.asciz "Xen";				\
	.long value

	.section .note.Xen, "a", @note
	NOTE_STRING(6, "micro-dom0")		/* GUEST_OS */
	NOTE_STRING(8, "generic")		/* LOADER */
	NOTE_STRING(5, "xen-3.0")		/* XEN_VERSION */
	NOTE_QUAD(3, PV_VIRT_BASE)		/* VIRT_BASE */
	NOTE_QUAD(4, PV_VIRT_BASE)		/* PADDR_OFFSET: linked at virtual addresses */
	NOTE_QUAD(1, start_pv)			/* ENTRY */
	NOTE_QUAD(2, hypercall_page)		/* HYPERCALL_PAGE */
	NOTE_LONG(17, 1 << 11)			/* SUPPORTED_FEATURES: dom0 */

	.section .text.start, "ax"
	.globl start_pv
start_pv:
	cld
	lea	stack_top(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rdi
	call	micro_main
1:	pause
	jmp	1b

	.section .hypercall_page, "ax"
	.balign 4096
	.globl hypercall_page
hypercall_page:
	.skip	4096

	.bss
	.balign 4096
	.skip	STACK_SIZE
stack_top:

	.section .note.GNU-stack, "", @progbits

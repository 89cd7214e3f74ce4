/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Start as a PVH dom0: Xen enters here in flat 32-bit mode with ebx = start_info.
 * Map the first 4 GiB 1:1 with 2 MiB pages, for RAM and every BAR below 4 GiB, and
 * change to 64-bit mode.
 */
#include "layout.h"

	.section .note.Xen, "a", @note
	.long	4, 4, 18			/* PHYS32_ENTRY */
	.asciz	"Xen"
	.long	start_pvh

	.code32
	.section .text.start, "ax"
	.globl start_pvh
start_pvh:
	cld
	mov	$stack_top, %esp

	/* Four L2 tables in a row: 2048 entries of 2 MiB, all writable. */
	mov	$pt_l2, %edi
	mov	$0x83, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b

	mov	$pt_l3, %edi
	mov	$pt_l2 + 3, %eax
	mov	$4, %ecx
2:	mov	%eax, (%edi)
	add	$0x1000, %eax
	add	$8, %edi
	loop	2b
	movl	$pt_l3 + 3, pt_l4

	mov	%cr4, %eax
	or	$0x20, %eax			/* PAE */
	mov	%eax, %cr4
	mov	$pt_l4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx		/* EFER */
	rdmsr
	or	$0x100, %eax			/* LME */
	wrmsr
	mov	%cr0, %eax
	/* PG, PE, and WP: Xen's copies must respect read-only pages. */
	or	$0x80010001, %eax
	mov	%eax, %cr0
	lgdt	gdt_descr
	ljmp	$8, $start64

	.code64
start64:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%ebp, %ebp
	mov	%ebx, %edi
	call	micro_main
1:	hlt
	jmp	1b

/*
 * void call32(struct call32 *): call its entry in 32-bit mode with its registers.
 * All memory is below 4 GiB, also the stack. 32-bit code may clear the upper halves
 * of registers, so the stack has those that must be preserved.
 */
	.text
	.globl call32
call32:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi
	push	$24
	push	$in32
	lretq

	.code32
in32:
	mov	(%esp), %ebp
	mov	4(%ebp), %ebx
	mov	8(%ebp), %ecx
	mov	12(%ebp), %edx
	mov	16(%ebp), %esi
	mov	20(%ebp), %edi
	call	*(%ebp)
	mov	(%esp), %ebp
	mov	%eax, 24(%ebp)
	ljmp	$8, $in64

	.code64
in64:
	mov	%esp, %esp
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.data
	.balign 8
/* Code for 64-bit mode (8), data (16), code for 32-bit mode (24). */
gdt:	.quad	0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0x00cf9a000000ffff
gdt_descr:
	.word	gdt_descr - gdt - 1
	.long	gdt

	.section .hypercall_page, "ax"
	.balign 4096
	.globl hypercall_page
hypercall_page:
	.skip	4096

	.bss
	.balign 4096
pt_l4:	.skip	4096
pt_l3:	.skip	4096
	.globl pt_l2
pt_l2:	.skip	4 * 4096
	.skip	STACK_SIZE
stack_top:

	.section .note.GNU-stack, "", @progbits

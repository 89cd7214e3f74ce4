/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Xen jumps here on the bare machine: in 64-bit mode, with interrupts off, on page
 * tables that map only this image. The image may be at any address. Make tables that
 * map the first 4 GiB 1:1.
 */
#include "layout.h"

	.section .text.start, "ax"
	.globl kexec_start
kexec_start:
	cli
	cld
	lea	stack_top(%rip), %rsp

	/* Four L2 tables in a row: 2048 entries of 2 MiB, all writable. */
	lea	pt_l2(%rip), %rdi
	mov	$0x83, %rax
	mov	$2048, %ecx
1:	mov	%rax, (%rdi)
	add	$0x200000, %rax
	add	$8, %rdi
	loop	1b

	lea	pt_l3(%rip), %rdi
	lea	pt_l2 + 3(%rip), %rax
	mov	$4, %ecx
2:	mov	%rax, (%rdi)
	add	$0x1000, %rax
	add	$8, %rdi
	loop	2b
	lea	pt_l3 + 3(%rip), %rax
	lea	pt_l4(%rip), %rdi
	mov	%rax, (%rdi)
	mov	%rdi, %cr3

	xor	%ebp, %ebp
	call	kexec_main
3:	hlt
	jmp	3b

	.bss
	.balign 4096
pt_l4:	.skip	4096
pt_l3:	.skip	4096
pt_l2:	.skip	4 * 4096
	.skip	STACK_SIZE
stack_top:

	.section .note.GNU-stack, "", @progbits

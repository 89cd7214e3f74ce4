/* SPDX-License-Identifier: GPL-2.0 */
/* The image as data in micro-dom0. */
	.data
	.balign 4096
	.globl kexec_image, kexec_image_end
kexec_image:
	.incbin "kexec.bin"
kexec_image_end:

	.section .note.GNU-stack, "", @progbits

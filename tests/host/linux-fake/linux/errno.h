/* SPDX-License-Identifier: GPL-2.0 */
/* The C library's <errno.h> includes this file too. */
#ifndef FAKE_LINUX_ERRNO_H
#define FAKE_LINUX_ERRNO_H

#include <asm/errno.h>

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_ERR_H
#define FAKE_LINUX_ERR_H

#include <linux/errno.h>

#define MAX_ERRNO 4095
#define IS_ERR_VALUE(x) ((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)

#endif

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAKE_LINUX_STRING_H
#define FAKE_LINUX_STRING_H

#include <string.h>

#endif

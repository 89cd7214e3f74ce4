// SPDX-License-Identifier: GPL-2.0
#include "../sysfs.c"

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices that are pulled out and plugged in again, as Xen is told of it: the
 * device itself stays. Those that are out at the end of a test are added again.
 */
#ifndef MICRO_HOTPLUG_H
#define MICRO_HOTPLUG_H

#include "edu.h"

void dev_remove(const struct edu *e);
/* It is in DEFAULT afterwards, for Xen knows nothing of it from before. */
void dev_add(const struct edu *e);

void hotplug_reset(void);

#endif

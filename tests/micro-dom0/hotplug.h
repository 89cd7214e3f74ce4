/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices that are pulled out and plugged in again, as Xen is told of it: the
 * device itself stays. All that are out at the end of a test are added again.
 */
#ifndef MICRO_HOTPLUG_H
#define MICRO_HOTPLUG_H

#include "edu.h"

void dev_remove(const struct edu *e);
/* It is in DEFAULT afterwards, for Xen knows nothing of it from before. */
void dev_add(const struct edu *e);

/* One bridge at a time. The devices behind it stay, as far as Xen is told. */
void bridge_remove(uint32_t bdf);
void bridge_add(uint32_t bdf);

/* Say that the device, which Xen knows, is a virtual function of @pf. */
long try_add_vf(const struct edu *e, uint32_t pf);

void hotplug_reset(void);

#endif

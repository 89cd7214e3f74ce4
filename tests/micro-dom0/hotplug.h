/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Report to Xen that devices were removed and added; the devices themselves stay in
 * the machine. The end of a test adds all that are removed.
 */
#ifndef MICRO_HOTPLUG_H
#define MICRO_HOTPLUG_H

#include "edu.h"

void dev_remove(const struct edu *e);
/* The device is in DEFAULT afterwards, because Xen has forgotten its old state. */
void dev_add(const struct edu *e);

/* Remove a bridge, one at a time. For Xen the devices below it stay. */
void bridge_remove(uint32_t bdf);
void bridge_add(uint32_t bdf);

/* Report a device that Xen knows as a virtual function of @pf. */
long try_add_vf(const struct edu *e, uint32_t pf);

void hotplug_reset(void);

#endif

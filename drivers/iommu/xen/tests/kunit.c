// SPDX-License-Identifier: GPL-2.0
/*
 * The module of all suites. Each xpi-NAME-test.c registers its own; they run
 * when the module is loaded.
 */
#include <linux/module.h>

MODULE_DESCRIPTION("KUnit suites of xen-pv-iommu");
MODULE_LICENSE("GPL");

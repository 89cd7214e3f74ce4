# SPDX-License-Identifier: GPL-2.0
# Tests of the hypervisor half, the ABI header and the harness itself.

TESTS += harness

# The builder, with the tests' own table environment before Xen's.
TESTS += pt
pt-src := xen/overlay/xen/drivers/passthrough/ctx/pt.c
pt-cflags := -I$(TOP)/xen/overlay/xen/include -include $(TOP)/tests/host/pt-env.h

# The ABI header: abi-layout.c for every target.
SCRIPTS += abi

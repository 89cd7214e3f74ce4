# SPDX-License-Identifier: GPL-2.0
# Tests of the hypervisor half, the ABI header and the harness itself.

TESTS += harness

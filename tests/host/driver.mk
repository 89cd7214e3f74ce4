# SPDX-License-Identifier: GPL-2.0
# Tests of the Linux driver's pure-C parts. linux-fake/ has the parts of the
# kernel's headers that they need.

TESTS += runs mappings group caps quota batch pending context stats fault-record threads threads-asan

xpi-parts := drivers/iommu/xen
# The fake hypervisor, shared with the KUnit suites.
xpi-fake := $(xpi-parts)/tests/fake-hv.c
xpi-cflags := -I$(TOP)/tests/host/linux-fake -I$(TOP)/$(xpi-parts)

runs-src := $(xpi-parts)/runs.c
runs-cflags := $(xpi-cflags)
mappings-src := $(xpi-parts)/mappings.c
mappings-cflags := $(xpi-cflags)
group-src := $(xpi-parts)/group.c
group-cflags := $(xpi-cflags)
caps-src := $(xpi-parts)/caps.c
caps-cflags := $(xpi-cflags)
quota-src := $(xpi-parts)/quota.c $(xpi-fake)
quota-cflags := $(xpi-cflags) -DXPI_FAKE_CTXS=16U
batch-src := $(addprefix $(xpi-parts)/,batch.c stats.c) $(xpi-fake)
batch-cflags := $(xpi-cflags)
pending-src := $(addprefix $(xpi-parts)/,pending.c batch.c runs.c mappings.c stats.c) $(xpi-fake)
pending-cflags := $(xpi-cflags)
context-src := $(pending-src) $(xpi-parts)/context.c
context-cflags := $(xpi-cflags)
stats-src := $(pending-src)
stats-cflags := $(xpi-cflags)
fault-record-src := $(xpi-parts)/fault-record.c
fault-record-cflags := $(xpi-cflags)

# Real threads, with their own locks and CPUs; two builds of one source.
threads-src := $(context-src)
threads-cflags := -I$(TOP)/tests/host/linux-threads $(xpi-cflags)
threads-san := -fsanitize=thread -DXPI_TSAN
threads-ldflags := -pthread
threads-asan-main := tests/host/threads.c
threads-asan-src := $(threads-src)
threads-asan-cflags := $(threads-cflags)
threads-asan-ldflags := $(threads-ldflags)

# tests/fuzz/driver.c: as Xen's, see xen.mk.
PROGS_OTHER += fuzz-linux
fuzz-linux-main := tests/fuzz/driver.c
fuzz-linux-src := $(addprefix $(xpi-parts)/, \
	caps.c context.c group.c pending.c batch.c fault-record.c runs.c mappings.c stats.c)
fuzz-linux-cflags := $(xpi-cflags) -O2 $(FUZZ_FLAGS)
fuzz-linux-ldflags := $(FUZZ_FLAGS)

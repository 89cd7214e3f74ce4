# SPDX-License-Identifier: GPL-2.0
# Tests of the hypervisor half, the ABI header and the harness itself.

TESTS += harness

# The builder, with the tests' table environment before Xen's.
TESTS += pt
pt-src := xen/overlay/xen/drivers/passthrough/ctx/pt.c
pt-cflags := -I$(TOP)/xen/overlay/xen/include -include $(TOP)/tests/host/pt-env.h

# The ABI header: abi-layout.c for every target.
SCRIPTS += abi

# Xen's headers, for sources of the hypervisor half. The compiler includes
# xen-fake/xen.h by force; the headers that the sources include are empty.
XEN_OVERLAY := $(TOP)/xen/overlay/xen
XEN_EMPTY := $(O)/xen-empty
XEN_SOURCES := $(wildcard $(XEN_OVERLAY)/drivers/passthrough/*/*.[ch] \
		$(XEN_OVERLAY)/include/xen/*.h)
XEN_CFLAGS := -I$(XEN_OVERLAY)/include -I$(XEN_OVERLAY)/drivers/passthrough/ctx \
	-I$(TOP)/tests/host/xen-fake -I$(XEN_EMPTY) \
	-include $(TOP)/tests/host/xen-fake/xen.h \
	-Wno-unused-parameter -Wno-unused-function -Wno-sign-compare

$(XEN_EMPTY)/.done: $(XEN_SOURCES)
	@mkdir -p $(XEN_EMPTY)
	@sed -n 's/^#include <\(\(xen\|asm\|xsm\)\/.*\)>.*/\1/p' $^ | sort -u | \
	while read -r h; do \
		test -e $(XEN_OVERLAY)/include/$$h && continue; \
		mkdir -p $$(dirname $(XEN_EMPTY)/$$h); \
		: >$(XEN_EMPTY)/$$h; \
	done
	@touch $@

# Contexts and the hypercall, with a fake back end and fake frames.
XEN_GENERIC := $(addprefix xen/overlay/xen/drivers/passthrough/ctx/, \
	attach.c batch.c ctx.c direct.c dump.c end.c fault.c gather.c map.c \
	op.c pt.c pt-mem.c quota.c reclaim.c suppress.c)
TESTS += ctx
ctx-src := $(XEN_GENERIC)
ctx-cflags := $(XEN_CFLAGS)
ctx-deps := $(XEN_EMPTY)/.done

# Regions that devices need mapped 1:1.
TESTS += direct
direct-src := $(XEN_GENERIC)
direct-cflags := $(XEN_CFLAGS)
direct-deps := $(XEN_EMPTY)/.done

# Deferred flushes, on two CPUs.
TESTS += defer
defer-src := $(XEN_GENERIC)
defer-cflags := $(XEN_CFLAGS)
defer-deps := $(XEN_EMPTY)/.done

# Faults, memory that runs short, domains that die.
TESTS += life
life-src := $(XEN_GENERIC)
life-cflags := $(XEN_CFLAGS)
life-deps := $(XEN_EMPTY)/.done

# Limits of contexts, and their lists.
TESTS += limits next
limits-src := $(XEN_GENERIC)
limits-cflags := $(XEN_CFLAGS)
limits-deps := $(XEN_EMPTY)/.done
next-src := $(XEN_GENERIC)
next-cflags := $(XEN_CFLAGS)
next-deps := $(XEN_EMPTY)/.done

# Xen's own self-test, with the page tables that it tests.
TESTS += selftest
selftest-src := $(XEN_GENERIC) xen/overlay/xen/drivers/passthrough/ctx/selftest.c
selftest-cflags := $(XEN_CFLAGS) -DCONFIG_IOMMU_CTX_SELFTEST
selftest-deps := $(XEN_EMPTY)/.done

# tests/fuzz: not in the list of tests, tests/fuzz/run builds it. FUZZ_FLAGS selects
# the fuzzing engine.
PROGS_OTHER += fuzz
fuzz-main := tests/fuzz/fuzz.c
fuzz-src := $(XEN_GENERIC)
fuzz-cflags := $(XEN_CFLAGS) -O2 $(FUZZ_FLAGS)
fuzz-ldflags := $(FUZZ_FLAGS)
fuzz-deps := $(XEN_EMPTY)/.done

# Which frames may be mapped.
TESTS += frames
frames-src := xen/overlay/xen/drivers/passthrough/x86/ctx-frames.c
frames-cflags := $(XEN_CFLAGS) -include $(TOP)/tests/host/xen-fake/x86.h
frames-deps := $(XEN_EMPTY)/.done

# The VT-d back end; the headers next to it in Xen are empty too.
XEN_VTD_EMPTY := $(XEN_EMPTY)/vtd/.done
$(XEN_VTD_EMPTY): $(XEN_EMPTY)/.done
	@mkdir -p $(@D)
	@touch $(XEN_EMPTY)/ats.h $(foreach h,dmar iommu extern vtd,$(@D)/$h.h)
	@touch $@

TESTS += vtd
vtd-src := $(addprefix xen/overlay/xen/drivers/passthrough/, \
	vtd/ctx.c ctx/inject.c)
vtd-cflags := $(XEN_CFLAGS) -DCONFIG_IOMMU_CTX_INJECT -I$(XEN_EMPTY)/vtd \
	-include $(TOP)/tests/host/xen-fake/vtd.h
vtd-deps := $(XEN_VTD_EMPTY)

# Xen's own functions, as xen/hooks changes them, with the back end.
XEN_HOOKED := $(O)/xen-hooked/xen-hooked.c
XEN_HOOKED_FUNCTIONS := $(addprefix vtd/iommu.c:, device_domid device_pgtable \
		vtd_find_aliases domain_context_mapping_one \
		domain_context_mapping domain_context_unmap_one \
		domain_context_unmap) \
	vtd/dmar.c:acpi_find_matched_drhd_unit \
	$(addprefix vtd/x86/ats.c:, vtd_enable_ats vtd_disable_ats \
		device_in_domain dev_invalidate_iotlb \
		dev_invalidate_iotlb_one) \
	$(addprefix ats.c:, enable_ats_device disable_ats_device) \
	$(addprefix vtd/quirks.c:, map_me_phantom_function me_wifi_slot \
		me_wifi_quirk me_wifi_affected)

# Built each time, since make cannot watch the cache.
.PHONY: xen-hooked
xen-hooked:
	@mkdir -p $(dir $(XEN_HOOKED))
	@$(TOP)/tests/host/xen-hooked $(XEN_HOOKED) $(XEN_HOOKED_FUNCTIONS)

TESTS += hooked
hooked-cflags := $(vtd-cflags) -I$(dir $(XEN_HOOKED)) -Wno-implicit-fallthrough
hooked-deps := $(XEN_VTD_EMPTY) xen-hooked

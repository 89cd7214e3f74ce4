# SPDX-License-Identifier: GPL-2.0
# Facts about this kernel for compat.h. No header of the kernel has a macro for them.

xpi-header := $(srctree)/include/linux/iommu.h
xpi-attach := $(shell sed -n '/[*]attach_dev/{/;/!N;p}' $(xpi-header))

ifneq ($(findstring iommu_domain *old,$(xpi-attach)),)
ccflags-y += -DXPI_HAVE_ATTACH_OLD
endif

# A kernel whose core knows kinds of cookies regards it as a defect, and warns, if
# a device has a driver when its IOMMU comes.
ifneq ($(shell grep '^enum iommu_domain_cookie_type {' $(xpi-header)),)
ccflags-y += -DXPI_HAVE_LATE_WARNING
endif

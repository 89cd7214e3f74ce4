#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# linux/export must remove code for older kernels, keep all other code, and fail for code
# that it does not understand.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
export=$here/../../linux/export

# becomes NAME FILE [TREE]: $W/in, exported as FILE, must equal $W/want
becomes()
{
	if ! "$export" "${@:2}" <"$W/in" >"$W/out" 2>"$W/err"; then
		fail "$1" "refused: $(cat "$W/err")"
	elif ! diff -u "$W/want" "$W/out" >"$W/diff"; then
		fail "$1" "$(tail -n +4 "$W/diff" | tr '\n' '|')"
	else
		pass "$1"
	fi
}

# objects NAME FILE REGEX: the export of $W/in as FILE must fail with a matching message
objects()
{
	if "$export" "$2" <"$W/in" >/dev/null 2>"$W/err"; then
		fail "$1" "it did not object"
	elif ! grep -qE "$3" "$W/err"; then
		fail "$1" "it said: $(cat "$W/err")"
	else
		pass "$1"
	fi
}

cat >"$W/in" <<'END'
#include "xen/caps.h"
#include "xen/compat.h"

static int attach(struct iommu_domain *old)
{
#ifdef CONFIG_X86
	return 1;
#endif
}

XPI_ATTACH_FN(attach);

#ifdef XPI_HAVE_NEW
#ifndef CONFIG_PCI
new
#else
with
#endif
#else
#ifdef CONFIG_PCI
old
#endif
#endif
#ifndef XPI_HAVE_NEW
old
#endif
	.attach_dev = XPI_ATTACH(attach),

#ifndef XPI_HAVE_NEW
old
#endif

last
END
cat >"$W/want" <<'END'
#include "xen/caps.h"

static int attach(struct iommu_domain *old)
{
#ifdef CONFIG_X86
	return 1;
#endif
}

#ifndef CONFIG_PCI
new
#else
with
#endif
	.attach_dev = attach,

last
END
becomes linux-export.source drivers/iommu/xen-pv-iommu.c

echo '#if defined(XPI_HAVE_NEW) && X' >"$W/in"
objects linux-export.condition drivers/iommu/xen/hv.c 'cannot take apart'

printf '#ifdef XPI_HAVE_NEW\n#elif X\n#endif\n' >"$W/in"
objects linux-export.elif drivers/iommu/xen/hv.c 'use #else'

printf 'x\ny = XPI_ATTACH_OTHER(z);\n' >"$W/in"
objects linux-export.left-over drivers/iommu/xen/hv.c 'line 2 .*XPI_ATTACH_OTHER'

echo '#if LINUX_VERSION_CODE < 3' >"$W/in"
objects linux-export.version drivers/iommu/xen/hv.c 'LINUX_VERSION_CODE.*headers'

cat >"$W/in" <<'END'
``xen/hv``        hypercalls
``xen/compat.h``  what older kernels lack

Text.

.. out of tree

See ``packaging/modprobe.d``.

.. in tree

More text.
END
cat >"$W/want" <<'END'
``xen/hv``        hypercalls

Text.

More text.
END
becomes linux-export.page Documentation/driver-api/xen-pv-iommu.rst

echo 'See ``packaging/modprobe.d``.' >"$W/in"
objects linux-export.page-refers Documentation/driver-api/xen-pv-iommu.rst 'packaging/.*out of tree'

cat >"$W/in" <<'END'
# SPDX-License-Identifier: GPL-2.0
#
# Out of tree: make modules
#
# The name.

CONFIG_XEN_PV_IOMMU ?= m

obj-$(CONFIG_XEN_PV_IOMMU) += xen_pv_iommu.o

xen_pv_iommu-y := drivers/iommu/xen-pv-iommu.o
xen_pv_iommu-y += drivers/iommu/xen/hv.o

# Why.
CFLAGS_drivers/iommu/xen/trace.o := -I$(src)/drivers/iommu/xen

# Out of tree: what the kernel has better.
xen_pv_iommu-$(CONFIG_X86) += drivers/xen/swiotlb-xen-bypass.o

ccflags-y += -I$(src)/include

# Out of tree: the facts about this kernel.
include $(src)/drivers/iommu/xen/compat.mk
END
cat >"$W/want" <<'END'
# The name.
obj-$(CONFIG_XEN_PV_IOMMU) += xen_pv_iommu.o

xen_pv_iommu-y := xen-pv-iommu.o
xen_pv_iommu-y += xen/hv.o

# Why.
CFLAGS_xen/trace.o := -I$(src)/xen
END
becomes linux-export.kbuild Kbuild

# In a tree that has no hv.c yet, and neither the suites.
mkdir -p "$W/tree/drivers/iommu/xen"
touch "$W/tree/drivers/iommu/xen-pv-iommu.c" "$W/tree/drivers/iommu/xen/trace.c"
sed -i '/hv.o/d' "$W/want"
cat >>"$W/in" <<'END'

# The suites.
obj-$(CONFIG_XEN_PV_IOMMU_KUNIT_TEST) += drivers/iommu/xen/tests/
END
becomes linux-export.kbuild-of-a-tree Kbuild "$W/tree"
rm "$W/tree/drivers/iommu/xen-pv-iommu.c"
mkdir "$W/tree/drivers/iommu/xen/tests"
touch "$W/tree/drivers/iommu/xen/tests/Makefile"
printf '# The suites.\nobj-$(CONFIG_XEN_PV_IOMMU_KUNIT_TEST) += xen/tests/\n' >"$W/want"
becomes linux-export.kbuild-of-suites-only Kbuild "$W/tree"

cat >"$W/in" <<'END'
# SPDX-License-Identifier: GPL-2.0
# All suites.

# Out of tree: all kernels.
CONFIG_XEN_PV_IOMMU_KUNIT_TEST ?= m

obj-$(CONFIG_XEN_PV_IOMMU_KUNIT_TEST) += xpi_kunit.o

xpi_kunit-y := kunit.o
xpi_kunit-y += hv-test.o
END
cat >"$W/want" <<'END'
# SPDX-License-Identifier: GPL-2.0
# All suites.

obj-$(CONFIG_XEN_PV_IOMMU_KUNIT_TEST) += xpi_kunit.o

xpi_kunit-y := kunit.o
END
touch "$W/tree/drivers/iommu/xen/tests/kunit.c"
becomes linux-export.suites drivers/iommu/xen/tests/Kbuild "$W/tree"

printf 'config A\n\tbool\n\nconfig B\n\ttristate "B"\n\n\t  Text.\n' >"$W/in"
printf 'config B\n\ttristate "B"\n\n\t  Text.\n' >"$W/want"
becomes linux-export.kconfig Kconfig:B
objects linux-export.kconfig-none Kconfig:C 'no entry C'

printf '# Notes.\nCONFIG_KUNIT=y\nCONFIG_GCOV_KERNEL=y\n' >"$W/in"
printf 'CONFIG_%s=y\n' KUNIT SMP ACPI HYPERVISOR_GUEST PARAVIRT XEN_PVH IOMMU_SUPPORT XEN_PV_IOMMU_KUNIT_TEST >"$W/want"
becomes linux-export.kunitconfig drivers/iommu/xen/tests/.kunitconfig

printf '# SPDX-License-Identifier: x\n#\n# Name.\n\nccflags-y += x\nobj-m += y.o\n' >"$W/in"
objects linux-export.kbuild-mixed Kbuild 'both what is built and how'

printf '# SPDX-License-Identifier: x\n#\n# Name.\n\ninclude $(src)/drivers/iommu/xen/compat.mk\n' >"$W/in"
objects linux-export.kbuild-facts Kbuild 'compat.*does not get that file'
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# packaging/linux: the patch applies to each kernel as it is, the module's
# makefile notices it, and the module builds with it.
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/xpi.sh" || exit 1
PATCH=$top/packaging/linux/dma-iommu-before-other-ops.patch
HEADER=include/linux/dma-map-ops.h

# Does the makefile say so of a kernel with the header in $1?
notices()
{
	printf 'include Kbuild\nall:\n\t@echo $(ccflags-y)\n' |
		make -s -C "$top" -f - srctree="$1" 2>/dev/null |
		grep -q -- -DXPI_HAVE_DMA_IOMMU_FIRST
}

# With the patched header before the kernel's directory.
builds()
{
	mkdir "$W/module.$1"
	cp -R "$top"/{Kbuild,Kconfig,include,drivers} "$W/module.$1/"
	"$top/testbed/in-root" -- make -C "$2" M="$W/module.$1" W=1 \
		NOSTDINC_FLAGS="-nostdinc -I$W/$1/include" \
		KCFLAGS="-DXPI_HAVE_DMA_IOMMU_FIRST -Werror" modules &&
		grep -q "$W/$1/$HEADER" "$W/module.$1"/drivers/xen/.swiotlb-xen-bypass.o.cmd
}

while read -r name _ _ _ headers; do
	mkdir -p "$W/$name/include/linux"
	cp "${headers%-*}-common/$HEADER" "$W/$name/include/linux/"
	if notices "$W/$name"; then
		fail "linux-patch.$name.absent" "the makefile sees it where it is not"
	else
		pass "linux-patch.$name.absent"
	fi
	accepts "linux-patch.$name.applies" \
		patch -d "$W/$name" -p1 --fuzz=0 -i "$PATCH"
	accepts "linux-patch.$name.noticed" notices "$W/$name"
	accepts "linux-patch.$name.builds" builds "$name" "$headers"
done < <("$top/testbed/kernels")
finish

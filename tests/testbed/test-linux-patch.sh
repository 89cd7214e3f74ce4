#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# packaging/linux: the patches must apply to each unmodified kernel. With
# dma-iommu-before-other-ops dma-iommu has priority, and the module builds. The module
# recognises a patched kernel by its behaviour; a word in a header has no effect. VFIO
# must build with its patch, whose effect tests/dom0 tests (step irqkept).
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/xpi.sh" || exit 1
PATCH=$top/packaging/linux/dma-iommu-before-other-ops.patch
HEADER=include/linux/dma-map-ops.h
ACS_PATCH=$top/packaging/linux/pvh-dom0-requests-acs.patch
MSI_X_PATCH=$top/packaging/linux/pvh-dom0-restores-msi-x.patch

# kbuild DIR KERNEL HEADERS TARGET: the header in $W/KERNEL replaces the kernel's header
kbuild()
{
	"$top/testbed/in-root" --bind "$W/$2/$HEADER:${3%-*}-common/$HEADER" -- \
		make -C "$3" M="$1" W=1 KCFLAGS=-Werror "$4"
}

# True if get_dma_ops() returns NULL for a device of dma-iommu, as the compiler shows.
ignores_others()
{
	local dir
	dir=$(mktemp -d "$W/ask.XXXXXX")
	echo 'obj-m := ask.o' >"$dir/Kbuild"
	cat >"$dir/ask.c" <<-'END'
		/* Replaces the kernel's header: dma-iommu serves all devices. */
		#define _LINUX_IOMMU_DMA_H
		#include <linux/device.h>
		static inline bool use_dma_iommu(struct device *dev) { return true; }
		#include <linux/dma-map-ops.h>
		void has_others(void) __attribute__((error("get_dma_ops() names some")));
		void ask(struct device *dev);
		void ask(struct device *dev)
		{
			if (get_dma_ops(dev))
				has_others();
		}
	END
	kbuild "$dir" "$1" "$2" ask.o
}

module()
{
	rm -rf "$W/module"
	mkdir "$W/module"
	cp -R "$top"/{Kbuild,Kconfig,include,drivers} "$W/module/"
}

builds()
{
	module
	kbuild "$W/module" "$1" "$2" modules
}

# The module must have the parts for an unpatched kernel, even if a comment of the header
# has the word.
word_is_not_enough()
{
	module
	sed -i 's,^static inline const struct dma_map_ops \*get_dma_ops,/* See use_dma_iommu(). */\n&,' "$W/$1/$HEADER"
	grep -q use_dma_iommu "$W/$1/$HEADER" &&
		kbuild "$W/module" "$1" "$2" drivers/xen/swiotlb-xen-bypass.o &&
		grep -q parm=pv_dma_ops_swap: "$W"/module/drivers/xen/swiotlb-xen-bypass.o
}

while read -r name _ _ _ headers; do
	mkdir -p "$W/$name/include/linux"
	cp "${headers%-*}-common/$HEADER" "$W/$name/include/linux/"
	cp "$W/$name/$HEADER" "$W/original"
	if ignores_others "$name" "$headers" >"$W/out" 2>&1; then
		fail "linux-patch.$name.absent" "get_dma_ops() has the patched behaviour without the patch"
	elif grep -q 'names some' "$W/out"; then
		pass "linux-patch.$name.absent"
	else
		fail "linux-patch.$name.absent" "the test program does not compile: $(tail -n 1 "$W/out")"
	fi
	accepts "linux-patch.$name.word-is-not-enough" word_is_not_enough "$name" "$headers"
	cp "$W/original" "$W/$name/$HEADER"
	accepts "linux-patch.$name.applies" \
		patch -d "$W/$name" -p1 --fuzz=0 -i "$PATCH"
	accepts "linux-patch.$name.works" ignores_others "$name" "$headers"
	accepts "linux-patch.$name.builds" builds "$name" "$headers"
	tree=$("$top/testbed/linux-files" "$name")/tree
	accepts "linux-patch.$name.acs-applies" patch --dry-run -p1 --fuzz=0 -d "$tree" -i "$ACS_PATCH"
	accepts "linux-patch.$name.msi-x-applies" patch --dry-run -p1 --fuzz=0 -d "$tree" -i "$MSI_X_PATCH"
	accepts "linux-patch.$name.vfio-applies-and-builds" "$top/testbed/vfio-patched" "$name"
done < <("$top/testbed/kernels")
finish

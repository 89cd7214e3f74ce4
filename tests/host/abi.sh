#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The ABI header must have one layout everywhere. abi-layout.c asserts the layout,
# and this script compiles it for every kind of caller. Nothing runs. -ffreestanding
# needs only the compiler's own headers, so no foreign libc is required. Only the
# arm64 compiler may have to come from the Debian root.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
CC=${CC:-gcc}
header=$top/include/xen/interface/pv-iommu.h
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
. "$top/testbed/judge/report.sh" host.abi

# status NAME STATUS: the log has a reason.
status() {
	if [ "$2" = 0 ]; then
		pass "$1"
	else
		fail "$1" "$(grep -m 1 -E 'error|warning' "$tmp/$1.log" || tail -n 1 "$tmp/$1.log")"
	fi
}

# name, command ...: the file must compile without a warning or padding.
layout() {
	name=$1
	shift
	"$@" -ffreestanding -Wall -Wextra -Wpadded -Werror -I"$top/include" \
		-S -o /dev/null "$here/abi-layout.c" >"$tmp/$name.log" 2>&1
	status "$name" $?
}

# Use an arm64 compiler of this machine or, if there is none, of the root.
arm64() {
	if command -v aarch64-linux-gnu-gcc >/dev/null; then
		layout arm64 aarch64-linux-gnu-gcc -std=gnu99
	elif command -v clang >/dev/null; then
		layout arm64 clang --target=aarch64-linux-gnu -std=gnu99
	elif [ -x "$top/testbed/in-root" ]; then
		layout arm64 "$top/testbed/in-root" --chdir "$top" -- \
			aarch64-linux-gnu-gcc -std=gnu99
	else
		skip arm64 "no aarch64-linux-gnu-gcc, clang or testbed/in-root"
	fi
}

layout x86-64 "$CC" -m64 -std=gnu99
layout i386 "$CC" -m32 -std=gnu99
arm64

# As Xen checks its public headers: C89, C99 and C++.
layout ansi "$CC" -x c -ansi -pedantic
layout c99 "$CC" -x c -std=c99 -pedantic
layout cxx "$CC" -x c++ -std=gnu++98 -pedantic

# The file that includes the header must define the types: the header includes
# nothing.
! grep -nE '^[[:space:]]*#[[:space:]]*include' "$header" >"$tmp/no-includes.log"
status no-includes $?

# abi-layout.c records the interface: it has every name of the header, and the
# header has every name that it records.
names_of_header() {
	{
		sed -nE 's/^#define XEN_PV_IOMMU_([A-Z0-9_]+)[[:space:]].*/\1/p' "$header"
		sed -nE 's/^\tXEN_PV_IOMMU_([A-Z0-9_]+)[[:space:]]*=.*/\1/p' "$header"
		awk '/^struct xen_pv_iommu_[a-z_]+ \{/ { s = substr($2, 14); next }
		     /^\};/ { s = "" }
		     s && /;/ { f = $NF; sub(/;/, "", f); print s "." f }' "$header"
	} | LC_ALL=C sort
}

names_recorded() {
	sed -nE 's/^VALUE\(([A-Z0-9_]+),.*/\1/p
		s/^FIELD\(([a-z_]+), ([a-z_]+),.*/\1.\2/p' "$here/abi-layout.c" |
		LC_ALL=C sort
}

diff <(names_of_header) <(names_recorded) >"$tmp/all-recorded.log"
rc=$?
[ "$rc" = 0 ] || sed -i '1s/^/error: header and record name different things: /;1!s/^</only in the header:/;s/^>/only in the record:/' "$tmp/all-recorded.log"
status all-recorded "$rc"

# Each record detects a change: a header with another number or offset does not
# compile. Prints the changes that were not detected.
unnoticed() {
	local name line copy=$tmp/xen/interface/pv-iommu.h

	mkdir -p "${copy%/*}"
	cp "$header" "$copy"
	"$CC" -ffreestanding -fsyntax-only -I"$tmp" "$here/abi-layout.c" 2>&1
	while read -r name line; do
		sed "${line}s/$name.*/& + 1/;${line}s/, + 1/ + 1,/" "$header" >"$copy"
		"$CC" -ffreestanding -fsyntax-only -I"$tmp" "$here/abi-layout.c" 2>/dev/null &&
			echo "error: $name + 1 went unnoticed"
	done < <(grep -nE '^(#define |	)XEN_PV_IOMMU_[A-Z0-9_]+[[:space:]]' "$header" |
		 sed -E 's/^([0-9]+):(#define |	)([A-Z0-9_]+).*/\3 \1/')
	while read -r line; do
		sed "${line}s/;/; uint32_t another[2];/" "$header" >"$copy"
		"$CC" -ffreestanding -fsyntax-only -I"$tmp" "$here/abi-layout.c" 2>/dev/null &&
			echo "error: a field after line $line went unnoticed"
	done < <(grep -nE '^	(u?int[0-9]+_t|struct xen_pv_iommu_dev) [a-z_]+;' "$header" | cut -d: -f1)
	return 0
}

unnoticed >"$tmp/changes-noticed.log"
[ ! -s "$tmp/changes-noticed.log" ]
status changes-noticed $?

finish

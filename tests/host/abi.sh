#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The ABI header must give one layout everywhere: abi-layout.c asserts it, and
# is compiled here for every caller there is. Nothing runs, and -ffreestanding
# makes do with the compiler's own headers, so that no foreign libc is needed.
# Only the arm64 compiler may have to come from the Debian root.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
CC=${CC:-gcc}
header=$top/include/xen/interface/pv-iommu.h
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

verdict() {
	if [ "$2" = 0 ]; then
		echo "xpi: pass host.abi.$1"
		passed=$((passed + 1))
	else
		echo "xpi: fail host.abi.$1: $(grep -m 1 -E 'error|warning' "$tmp/$1.log" || tail -n 1 "$tmp/$1.log")"
		failed=$((failed + 1))
	fi
}

# name, command ...: the file must compile without a warning or padding.
layout() {
	name=$1
	shift
	"$@" -ffreestanding -Wall -Wextra -Wpadded -Werror -I"$top/include" \
		-S -o /dev/null "$here/abi-layout.c" >"$tmp/$name.log" 2>&1
	verdict "$name" $?
}

# An arm64 compiler from here or, if there is none, from the root.
arm64() {
	if command -v aarch64-linux-gnu-gcc >/dev/null; then
		layout arm64 aarch64-linux-gnu-gcc -std=gnu99
	elif command -v clang >/dev/null; then
		layout arm64 clang --target=aarch64-linux-gnu -std=gnu99
	elif [ -x "$top/testbed/in-root" ]; then
		layout arm64 "$top/testbed/in-root" --chdir "$top" -- \
			aarch64-linux-gnu-gcc -std=gnu99
	else
		echo "xpi: skip host.abi.arm64: no aarch64-linux-gnu-gcc, clang or testbed/in-root"
		skipped=$((skipped + 1))
	fi
}

layout x86-64 "$CC" -m64 -std=gnu99
layout i386 "$CC" -m32 -std=gnu99
arm64

# As Xen checks its public headers: C89, C99 and C++.
layout ansi "$CC" -x c -ansi -pedantic
layout c99 "$CC" -x c -std=c99 -pedantic
layout cxx "$CC" -x c++ -std=gnu++98 -pedantic

# Whoever includes the header brings the types: it includes nothing.
! grep -nE '^[[:space:]]*#[[:space:]]*include' "$header" >"$tmp/no-includes.log"
verdict no-includes $?

# And the assertions do assert.
sed 's/SIZE(batch, 32)/SIZE(batch, 40)/' "$here/abi-layout.c" >"$tmp/wrong.c"
! "$CC" -ffreestanding -I"$top/include" -S -o /dev/null "$tmp/wrong.c" \
	>"$tmp/asserts-bite.log" 2>&1
verdict asserts-bite $?

echo "xpi: end $passed $failed $skipped"
[ "$failed" = 0 ]

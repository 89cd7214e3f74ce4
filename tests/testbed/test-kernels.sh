#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# testbed/kernels: a newer kernel that the mirror lacks causes a WARNING and has no line,
# but the line of 6.12 is still printed. Without 6.12 the command fails.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
kernels=$here/../../testbed/kernels
unset XPI_KERNELS MIRROR MIRROR_SECURITY

if [ "$(id -u)" != 0 ]; then
	skip kernels "taking the network away needs root"
	finish
fi

offline()
{
	unshare --net -- "$@"
}

refuses kernels.lts-missing '^kernels: no network' \
	env XPI_CACHE="$W/empty" XPI_NO_DISK_CHECK=1 unshare --net -- "$kernels" 6.12

if ! offline "$kernels" 6.12 >"$W/lts" 2>/dev/null; then
	skip kernels.newer-missing "kernel 6.12 is not in the cache"
	finish
fi
read -r name version vmlinuz modules headers <"$W/lts"
if [ "$name" = 6.12 ] && [[ $version = 6.12.* ]] && [ -s "$vmlinuz" ] &&
   [ -d "$modules/kernel" ] && [ -f "$headers/Module.symvers" ]; then
	pass kernels.line
else
	fail kernels.line "it was: $(cat "$W/lts")"
fi

offline "$kernels" 6.12 9.99 >"$W/both" 2>"$W/err"
rc=$?
if [ $rc != 0 ] || ! cmp -s "$W/lts" "$W/both"; then
	fail kernels.newer-missing "exit status $rc, lines: $(cut -c1-60 "$W/both" | tr '\n' '|')"
elif ! grep -q 'WARNING: .*9\.99' "$W/err"; then
	fail kernels.newer-missing "there was no WARNING"
else
	pass kernels.newer-missing
fi
finish

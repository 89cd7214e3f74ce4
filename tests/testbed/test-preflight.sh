#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Conditions that testbed/preflight must refuse. Each is faked, and each test has a
# counterpart without the condition.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
preflight=$here/../../testbed/preflight
unset QEMU MIRROR MIRROR_SECURITY XEN_SOURCE_DIR XPI_NO_DISK_CHECK

if [ "$(id -u)" != 0 ]; then
	skip preflight "the conditions are faked with mounts and namespaces, which needs root"
	finish
fi

# A cache that has all parts that preflight checks.
full=$W/full
mkdir -p "$full/sources" "$full"/{root,xen-stock,xen-release,xen-debug,dpdk}-0
touch "$full/kernels.chosen" "$full/sources/xen.orig.tar.xz"
mkdir "$W/empty"

# shim COMMAND: a directory with the host's commands except COMMAND, and an apt-get that
# fails.
shim()
{
	local d=$W/shim.$1 b

	mkdir "$d"
	for b in /bin/* /sbin/* /usr/bin/* /usr/sbin/*; do
		[ -e "$d/${b##*/}" ] || ln -s "$b" "$d/${b##*/}"
	done
	rm -f "$d/$1" "$d/apt-get"
	printf '#!/bin/sh\necho "E: nothing can be installed" >&2\nexit 100\n' >"$d/apt-get"
	chmod +x "$d/apt-get"
	echo "$d"
}

fake_qemu()
{
	printf '#!/bin/sh\necho "QEMU emulator version %s (fake)"\n' "$1" >"$W/qemu-$1"
	chmod +x "$W/qemu-$1"
	echo "$W/qemu-$1"
}

offline()
{
	unshare --net -- "$@"
}

on_tmpfs()
{
	local mib=$1
	shift
	unshare --mount -- sh -c 'mount -t tmpfs -o size="$1"m none "$2" && shift 2 && exec "$@"' \
		sh "$mib" "$W/empty" "$@"
}

accepts preflight.full-cache-offline offline env XPI_CACHE="$full" "$preflight"

printf '#!/bin/sh\necho 1000\n' >"$W/id"
chmod +x "$W/id"
refuses preflight.not-root 'needs root' \
	env XPI_CACHE="$full" PATH="$W:$PATH" "$preflight"

refuses preflight.no-network '^preflight: no network' \
	offline env XPI_CACHE="$W/empty" MIRROR=http://mirror.invalid/debian "$preflight"
refuses preflight.no-mirror 'does not serve Debian .*MIRROR=' \
	env XPI_CACHE="$W/empty" MIRROR=http://127.0.0.1:9/debian "$preflight"

refuses preflight.little-disk 'needs [0-9]+ MiB .* only [0-9]+ MiB are free' \
	on_tmpfs 16 env XPI_CACHE="$W/empty" "$preflight"
# With enough space the next condition fails: there is no network.
refuses preflight.enough-disk '^preflight: no network' \
	on_tmpfs 8000 env XPI_CACHE="$W/empty" MIRROR=http://127.0.0.1:9/debian "$preflight"
refuses preflight.cache-not-writable 'cannot write the cache directory' \
	env XPI_CACHE=/proc/nowhere "$preflight"

d=$(shim rsync)
refuses preflight.missing-package 'package rsync is missing' \
	offline env XPI_CACHE="$full" PATH="$d" "$preflight"
ln -s "$(command -v rsync || command -v true)" "$d/rsync"
accepts preflight.package-there offline env XPI_CACHE="$full" PATH="$d" "$preflight"

refuses preflight.qemu-old 'is version 7, but 10' \
	offline env XPI_CACHE="$full" QEMU="$(fake_qemu 7.2.17)" "$preflight"
refuses preflight.qemu-absent 'cannot be run' \
	offline env XPI_CACHE="$full" QEMU="$W/no-qemu" "$preflight"
accepts preflight.qemu-new \
	offline env XPI_CACHE="$full" QEMU="$(fake_qemu 10.0.2)" "$preflight"

refuses preflight.xen-source-dir '^preflight: XEN_SOURCE_DIR=.* does not hold the two tarballs' \
	offline env XPI_CACHE="$full" XEN_SOURCE_DIR="$W/empty" "$preflight"

head -c 100000 /dev/urandom >"$W/xen-without"
{ cat "$W/xen-without"; printf 'nr-ctx=\0'; cat "$W/xen-without"; } >"$W/xen-with"
gzip -k "$W/xen-without" "$W/xen-with"
for f in "$W"/xen-without{,.gz}; do
	refuses "preflight.${f##*/}" 'lacks the PV-IOMMU series' "$preflight" --xen "$f"
done
for f in "$W"/xen-with{,.gz}; do
	accepts "preflight.${f##*/}" "$preflight" --xen "$f"
done
refuses preflight.xen-absent 'no Xen at' "$preflight" --xen "$W/nothing"

# Real Xen binaries, if the cache has them: only ours must have the mark.
cache=${XPI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xen-pv-iommu}
newest()
{
	ls -dt "$cache"/xen-"$1"-*/xen 2>/dev/null | head -n 1
}
for v in stock release debug; do
	f=$(newest $v)
	if [ -z "$f" ]; then
		skip "preflight.xen-real-$v" "not built here"
	elif [ $v = stock ]; then
		refuses preflight.xen-real-$v 'lacks the PV-IOMMU series' "$preflight" --xen "$f"
	else
		accepts preflight.xen-real-$v "$preflight" --xen "$f"
	fi
done
finish

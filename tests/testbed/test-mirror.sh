#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Mirrors with other versions of Xen's source and of packages with a version in their
# names: the testbed uses what the index offers, or prints one sentence why it cannot.
# The script makes these mirrors, and small packages for them.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
top=$here/../..
unset MIRROR MIRROR_SECURITY MIRROR_OPTIONS XEN_SOURCE_DIR XPI_KERNELS
export XPI_NO_DISK_CHECK=1

if [ "$(id -u)" != 0 ]; then
	skip mirror "the testbed needs root"
	finish
fi

# A checkout of the testbed and one hook.
T=$W/top
mkdir -p "$T/xen/hooks" "$T/xen/overlay" "$T/include/xen/interface"
cp -R "$top/testbed" "$T/"
touch "$T/include/xen/interface/pv-iommu.h"
printf -- '--- a/xen/file\n+++ b/xen/file\n@@ -2,2 +2,3 @@\n second\n+ours\n third\n' \
	>"$T/xen/hooks/0001-hook.patch"
root=$("$top/testbed/root" --path) || exit 1

# cache NAME: a new cache with the existing root.
cache()
{
	export XPI_CACHE=$W/cache-$1
	mkdir "$XPI_CACHE"
	ln -s "$root" "$XPI_CACHE/"
}

# upload VERSION [LINE]: make an upload of Xen in $W/VERSION: its source is one file of
# four lines.
upload()
{
	local d=$W/$1 t=$W/tree

	rm -rf "$t"
	mkdir -p "$d" "$t/xen-0/xen/include/public" "$t/debian/patches"
	printf '%s\n' "first of $1" "${2:-second}" third fourth >"$t/xen-0/xen/file"
	echo "debian's" >"$t/debian/patches/series"
	printf -- '--- a/xen/file\n+++ b/xen/file\n@@ -3,2 +3,3 @@\n third\n fourth\n+fifth\n' \
		>"$t/debian/patches/debian's"
	tar -C "$t" -cJf "$d/xen_${1%-*}.orig.tar.xz" xen-0
	tar -C "$t" -cJf "$d/xen_$1.debian.tar.xz" debian
}

upload 4.20.2+1-1
upload 4.20.3+1-1
upload 4.20.4+9-1
upload 4.20.10+1-1 other
upload 4.21.0-1
# config/xen.sha256 has the two oldest.
for v in 4.20.3+1-1 4.20.2+1-1; do
	(cd "$W/$v" && sha256sum xen_*.debian.tar.xz xen_*.orig.tar.xz)
done >"$T/testbed/config/xen.sha256"

# with_xen [OPTION|VERSION]... -- CMD...: run CMD with a mirror that offers these versions.
with_xen()
{
	local options=()

	while [ "$1" != -- ]; do
		case $1 in
		--*) options+=("$1") ;;
		4.*) options+=(--xen "$1=$W/$1") ;;
		*) options+=("$1") ;;
		esac
		shift
	done
	"$T/testbed/local-mirror" "${options[@]}" "$@"
}

# takes NAME VERSION CMD...: CMD must print this version and the directory of its source.
takes()
{
	local name=$1 want=$2 version dir
	shift 2

	read -r version dir < <("$@" 2>"$W/err")
	if [ "$version" != "$want" ]; then
		fail "$name" "it took '$version': $(tail -n 1 "$W/err")"
	elif ! grep -qx "first of $want-1" "$dir/xen/file"; then
		fail "$name" "the directory has another source"
	else
		pass "$name"
	fi
}

offline()
{
	unshare --net -- "$@"
}

source_of=$T/testbed/xen-source

cache choice
takes mirror.older-upload 4.20.2+1 with_xen 4.20.2+1-1 -- "$source_of"
takes mirror.choice-kept 4.20.2+1 offline "$source_of"
takes mirror.newer-upload 4.20.10+1 \
	with_xen 4.20.4+9-1 4.20.10+1-1 4.21.0-1 -- "$source_of" --refresh
takes mirror.newer-upload-kept 4.20.10+1 offline "$source_of"

# Apply the hook to the upload that was chosen last.
cat >"$W/series" <<'END'
. "$1/testbed/build/lib.sh"
. "$TESTBED/build/mirror.sh"
. "$TESTBED/build/xen-source.sh"
mkdir "$2" "$2/tree"
snapshot_series "$2/snap"
xen_base
cp -a "$REPLY/." "$2/tree/"
apply_series "$2/tree" "$2/snap"
END
refuses mirror.hook-not-by-fuzz 'xen/hooks/0001-hook.patch does not apply to Xen 4\.20\.10\+1; refresh' \
	offline bash "$W/series" "$T" "$W/series-new"
refuses mirror.hook-named-by-build '^xen-build: xen/hooks/0001-hook.patch does not apply to Xen 4\.20\.10\+1;' \
	offline "$T/testbed/xen-build" release

cache seeds
mkdir "$XPI_CACHE/sources"
cp "$W/4.20.2+1-1"/* "$W/4.20.10+1-1"/* "$XPI_CACHE/sources/"
takes mirror.seed-taken-by-sum 4.20.2+1 offline "$source_of"
takes mirror.directory-by-sum 4.20.3+1 \
	offline env XEN_SOURCE_DIR="$W/4.20.3+1-1" "$source_of" --refresh
refuses mirror.directory-unknown 'testbed/config/xen.sha256' \
	offline env XEN_SOURCE_DIR="$W/4.20.4+9-1" "$source_of" --refresh
takes mirror.refusal-keeps-choice 4.20.3+1 offline "$source_of"
accepts mirror.hook-applies offline bash "$W/series" "$T" "$W/series-old"

cache superseded
takes mirror.superseded-by-sum 4.20.3+1 \
	with_xen --superseded "$W/4.20.3+1-1" -- "$source_of"

cache refused
refuses mirror.other-series '^xen-source: http.* offers Xen 4\.21\.0-1, but xen/hooks are for Xen 4\.20; ' \
	with_xen 4.21.0-1 -- "$source_of"
refuses mirror.wrong-sum '^xen-source: xen_4\.20\.4\+9.* does not have the sum .* not used; ' \
	with_xen --spoil 4.20.4+9-1 -- "$source_of"
refuses mirror.no-xen "^xen-source: fetching Xen's source from " with_xen -- "$source_of"
if [ -e "$XPI_CACHE/xen.chosen" ] || compgen -G "$XPI_CACHE/tmp.*" >/dev/null; then
	fail mirror.refused-leaves-nothing "the cache has a choice, or a temporary directory"
else
	pass mirror.refused-leaves-nothing
fi

# --- packages -----------------------------------------------------------

# deb DIR NAME VERSION [LINE OF CONTROL]: build a package of the files in $W/pkg, and
# remove them.
deb()
{
	mkdir -p "$W/pkg/DEBIAN" "$1"
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x\nDescription: x\n' "$2" "$3" \
		>"$W/pkg/DEBIAN/control"
	[ -z "${4:-}" ] || echo "$4" >>"$W/pkg/DEBIAN/control"
	dpkg-deb --build --root-owner-group -Znone "$W/pkg" "$1/${2}_$3_all.deb" >/dev/null
	rm -rf "$W/pkg"
}

# kernel DIR VERSION [-unsigned]: a kernel in one package, as up to 6.12
kernel()
{
	local v=$2-amd64 pkg=$W/pkg

	mkdir -p "$pkg/boot" "$pkg/lib/modules/$v/kernel" "$pkg/usr/share" "$pkg/usr/src/linux-headers-$v"
	echo x | tee "$pkg/boot/vmlinuz-$v" >"$pkg/usr/src/linux-headers-$v/Module.symvers"
	touch "$pkg/lib/modules/$v/modules.order" "$pkg/lib/modules/$v/modules.builtin"
	deb "$1" "linux-image-$v${3:-}" 1
	deb "$1" "linux-headers-$v" 1
	deb "$1" "linux-headers-$2-common" 1
	deb "$1" "linux-kbuild-$2" 1
}

# split_kernel DIR VERSION: a split kernel, as after 6.12, without its signed package
split_kernel()
{
	local v=$2-amd64 pkg=$W/pkg

	kernel "$1" "$2"
	rm "$1/linux-image-$v"_*
	mkdir -p "$pkg/usr/lib/modules/$v/kernel"
	touch "$pkg/usr/lib/modules/$v/modules.order" "$pkg/usr/lib/modules/$v/modules.builtin"
	deb "$1" "linux-modules-$v" 1
	mkdir -p "$pkg/usr/lib/modules/$v" "$pkg/usr/share" "$pkg/usr/src/linux-headers-$v"
	echo x | tee "$pkg/usr/lib/modules/$v/vmlinuz.unsigned" >"$pkg/usr/src/linux-headers-$v/Module.symvers"
	deb "$1" "linux-binary-unsigned-$v" 1
	deb "$1" "linux-base-$v" 1
}

with_debs()
{
	"$T/testbed/local-mirror" --debs "$@"
}

# kernels_are NAME "6.12 VERSION" "SERIES VERSION" CMD...
kernels_are()
{
	local name=$1 want=$2$'\n'$3 got
	shift 3

	got=$("$@" 2>"$W/err" | cut -d' ' -f1,2)
	if [ "$got" = "$want" ]; then
		pass "$name"
	else
		fail "$name" "they are '$(paste -sd'|' <<<"$got")': $(tail -n 1 "$W/err")"
	fi
}

kernel "$W/debs" 6.12.2+deb13
kernel "$W/debs" 6.12.10+deb13 -unsigned
kernel "$W/debs" 6.12.10+deb13-rt
split_kernel "$W/debs" 7.9.9
kernel "$W/debs" 7.10.1+deb13
rm "$W/debs/linux-image-7.10.1+deb13-amd64_1_all.deb"	# an incomplete kernel
deb "$W/debs" linux-source-6.12 6.12.10-1

cache kernels
kernels_are mirror.kernels "6.12 6.12.10+deb13-amd64" "7.9 7.9.9-amd64" \
	with_debs "$W/debs" -- "$T/testbed/kernels"

rm "$W"/debs/*6.12.10*
kernel "$W/debs" 6.12.11+deb13
kernel "$W/debs" 7.10.1+deb13
deb "$W/debs" linux-source-6.12 6.12.11-1
kernels_are mirror.kernels-kept "6.12 6.12.10+deb13-amd64" "7.9 7.9.9-amd64" \
	with_debs "$W/debs" -- "$T/testbed/kernels"
refuses mirror.kernel-source-gone '^linux-files: the mirror has no linux-source-6\.12 of 6\.12\.10 any more; run testbed/kernels --refresh' \
	with_debs "$W/debs" -- "$T/testbed/linux-files" 6.12
kernels_are mirror.kernels-refreshed "6.12 6.12.11+deb13-amd64" "7.10 7.10.1+deb13-amd64" \
	with_debs "$W/debs" -- "$T/testbed/kernels" --refresh

# The package lists in the cache come from an earlier mirror.
cat >"$W/linux-source" <<'END'
. "$1/testbed/build/lib.sh"
. "$TESTBED/build/mirror.sh"
. "$TESTBED/build/linux-source.sh"
SERIES=6.12 UPSTREAM=6.12.11
fetch() { cd "$1"; download_linux; }
apt_artifact linux-test 0123456789abcdef fetch
[ -s "$REPLY"/linux-source-6.12_6.12.11-1_all.deb ]
END
accepts mirror.lists-are-fresh with_debs "$W/debs" -- bash "$W/linux-source" "$T"

# --- versions in names --------------------------------------------------

# names NAME WANT PKG HOW REGEX: the pattern must find the package WANT
names()
{
	local got

	got=$(with_debs "$W/abi" -- bash -c '
		. "$1/testbed/build/lib.sh"
		. "$TESTBED/build/mirror.sh"
		apt_setup
		in_apt apt list "$(named_by "${@:2}")"' sh "$T" "${@:3}" 2>"$W/err" |
		sed -n 's,/.*,,p')
	if [ "$got" = "$2" ]; then
		pass "$1"
	else
		fail "$1" "it is '$got': $(tail -n 1 "$W/err")"
	fi
}

deb "$W/abi" dpdk 30 'Recommends: librte-net-e1000-31, librte-net-e1000-extra'
deb "$W/abi" gcc-multilib 19 'Depends: gcc-19-multilib'
for name in librte-net-e1000-{25,31,extra} gcc-{14,19}-multilib; do
	deb "$W/abi" $name 1
done
names mirror.abi-in-name librte-net-e1000-31 dpdk recommends '^librte-net-e1000-[0-9]+$'
names mirror.release-in-name gcc-19-multilib gcc-multilib depends '^gcc-[0-9]+-multilib$'
finish

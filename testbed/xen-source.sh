# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where Xen's source comes from, and what becomes of it.

SOURCES=$CACHE/sources
ABI_IN_XEN=xen/include/public/pv-iommu.h

xen_sums()
{
	grep -v '^#' "$TESTBED/xen.sha256"
}

xen_tarball()
{
	xen_sums | awk -v re="$1" '$2 ~ re { print $2 }'
}

# Are both tarballs in directory $1, byte for byte?
sources_good()
{
	[ -d "$1" ] && (cd "$1" && xen_sums | sha256sum --status -c - 2>/dev/null)
}

sources_from_dir()
{
	sources_good "$1" ||
		die "XEN_SOURCE_DIR=$1 does not hold the two tarballs that testbed/xen.sha256 names, or they differ; give a directory that does, or unset it."
	mkdir -p "$SOURCES"
	xen_sums | while read -r _ f; do cp "$1/$f" "$SOURCES/.$f.new"; mv "$SOURCES/.$f.new" "$SOURCES/$f"; done
}

# apt may fail at the .dsc and have brought the tarballs all the same: the
# sums decide, not its exit status.
sources_download()
{
	local v f

	v=$(xen_tarball '\.debian\.tar' | sed 's/^xen_//; s/\.debian\.tar.*//')
	cd "$1" || return
	in_apt apt-get source --download-only "xen=$v" || true
	sources_good . && return 0
	in_apt apt-get source --download-only xen || true
	sources_good . && return 0
	for f in $(xen_sums | awk '{ print $2 }'); do
		[ -s "$f" ] || "$TESTBED/in-root" -- /usr/lib/apt/apt-helper \
			download-file "$MIRROR/pool/main/x/xen/$f" "$f" || true
	done
	sources_good .
}

sources_from_apt()
{
	local tmp=$CACHE/tmp.xen-download.$$

	need_root
	apt_setup
	mkdir -p "$tmp"
	step xen-download sources_download "$tmp" || {
		rm -rf "$tmp"
		die "Xen's source ($(xen_tarball 'orig')) could not be fetched from $MIRROR; fetch the two files that testbed/xen.sha256 names by hand and give their directory as XEN_SOURCE_DIR=."
	}
	mkdir -p "$SOURCES"
	xen_sums | while read -r _ f; do mv "$tmp/$f" "$SOURCES/$f"; done
	rm -rf "$tmp"
}

# Cache, then the user's directory, then apt; say which.
xen_sources()
{
	cache_setup
	if sources_good "$SOURCES"; then
		say "    Xen's source: from the cache"
	elif [ -n "${XEN_SOURCE_DIR:-}" ]; then
		say "    Xen's source: from XEN_SOURCE_DIR=$XEN_SOURCE_DIR"
		sources_from_dir "$XEN_SOURCE_DIR"
	else
		say "    Xen's source: from Debian by apt"
		sources_from_apt
	fi
}

unpack_xen()
{
	local p

	tar -xf "$SOURCES/$(xen_tarball orig)" -C "$1" --strip-components=1
	tar -xf "$SOURCES/$(xen_tarball '\.debian\.')" -C "$1"
	grep -v '^ *\(#\|$\)' "$1/debian/patches/series" | while read -r p; do
		echo "$p"
		patch -d "$1" -p1 -s -f --no-backup-if-mismatch <"$1/debian/patches/$p"
	done
	rm -r "$1/debian"
}

xen_base_key()
{
	{ xen_sums; declare -f unpack_xen; } | key
}

# Debian's patched source; its path is left in REPLY.
xen_base()
{
	need_host patch patch
	REPLY=$CACHE/xen-base-$(xen_base_key)
	have "$REPLY" && return 0
	need_host xz xz-utils
	xen_sources
	artifact xen-base "$(xen_base_key)" unpack_xen
}

# Our half of the house as it is now, copied to directory $1: key and build
# must see the same files even while somebody edits them.
snapshot_series()
{
	mkdir -p "$1/xen/overlay" "$1/xen/hooks" "$1/include"
	cp -R "$TOP/xen/overlay/." "$1/xen/overlay/"
	cp -R "$TOP/xen/hooks/." "$1/xen/hooks/"
	cp "$TOP/include/xen/interface/pv-iommu.h" "$1/include/"
}

apply_patch()
{
	patch -d "$1" -p1 -s -f --no-backup-if-mismatch <"$2" >&2 || {
		say "$ME: ${2##*/} does not apply to Xen's source; refresh it."
		return 1
	}
}

# Put the snapshot $2 into the tree $1: new files, the one ABI header as it
# is, then the hooks in order.
apply_series()
{
	local p

	cp -R "$2/xen/overlay/." "$1/"
	install -m 644 "$2/include/pv-iommu.h" "$1/$ABI_IN_XEN"
	for p in "$2"/xen/hooks/[0-9]*.patch; do
		[ -e "$p" ] || continue
		apply_patch "$1" "$p" || return 1
	done
}

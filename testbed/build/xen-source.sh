# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Fetches, patches and unpacks Xen's source.
#
# An upload is Debian's source package of one version: two tarballs, here two lines
# "SUM  NAME" that sha256sum reads. The upload is chosen once and kept in
# $CACHE/xen.chosen. Its sums come from the mirror's signed index. For tarballs without
# an index they come from testbed/config/xen.sha256.

XEN_SERIES=4.20
XEN_CHOICE=$CACHE/xen.chosen
SOURCES=$CACHE/sources
ABI_IN_XEN=xen/include/public/pv-iommu.h

# The chosen upload. Set by xen_choose; a later choice of another process does not
# change it.
XEN_UPLOAD=
xen_sums()
{
	echo "$XEN_UPLOAD"
}

xen_tarball()
{
	xen_sums | awk -v re="$1" '$2 ~ re { print $2 }'
}

xen_version()
{
	xen_tarball '\.orig\.' | sed 's/^xen_//; s/\.orig\..*//'
}

# holds DIR UPLOAD: true if DIR has both tarballs with the right sums.
holds()
{
	[ -d "$1" ] && (cd "$1" && sha256sum --status -c - <<<"$2" 2>/dev/null)
}

# cp_upload FROM TO UPLOAD: copy the upload; false if FROM lacks it.
cp_upload()
{
	local name

	holds "$1" "$3" || return 1
	while read -r _ name; do
		cp "$1/$name" "$2/.$name.new"
		mv "$2/.$name.new" "$2/$name"
	done <<<"$3"
}

# first_known CMD [ARG]...: print the first upload in testbed/config/xen.sha256 that CMD
# accepts. CMD gets the upload as its last argument.
first_known()
{
	local debian orig

	while read -r debian <&5 && read -r orig <&5; do
		"$@" "$debian"$'\n'"$orig" >&2 || continue
		echo "$debian"$'\n'"$orig"
		return 0
	done 5< <(grep '^[0-9a-f]' "$TESTBED/config/xen.sha256")
	return 1
}

# All uploads in the mirror's index: lines "VERSION SUM NAME SUM NAME".
offered()
{
	in_apt apt-cache showsrc --only-source xen | awk '
		function tell() {
			if (version && debian && orig) print version, debian, orig
			version = debian = orig = ""
		}
		/^$/ { tell() }
		/^[^ ]/ { sums = ($1 == "Checksums-Sha256:") }
		/^Version:/ { version = $2 }
		sums && $3 ~ /^xen_[^_\/]*\.debian\.tar\.[a-z0-9]*$/ { debian = $1 " " $3 }
		sums && $3 ~ /^xen_[^_\/]*\.orig\.tar\.[a-z0-9]*$/ { orig = $1 " " $3 }
		END { tell() }'
}

newest_of_series()
{
	grep -E "^([0-9]+:)?${XEN_SERIES/./[.]}[.+~-]" | sort -V | tail -n 1
}

# fetch_file SUM NAME: download a file into the current directory, from the release or
# from the security suite.
fetch_file()
{
	local pool

	for pool in "$MIRROR/pool/main" ${MIRROR_SECURITY:+"$MIRROR_SECURITY/pool/updates/main"}; do
		[ -s "$2" ] || "$TESTBED/in-root" -- /usr/lib/apt/apt-helper \
			download-file "$pool/x/xen/$2" "$2" || continue
		sha256sum --status -c - <<<"$1  $2" && return 0
		echo "$2 does not have the sum $1"
		mv "$2" "$2.wrong"
	done
	return 1
}

# fetch_upload UPLOAD [VERSION]: copy the upload from the cache, or else download it,
# into the current directory. VERSION is apt's version of it. apt may fail at the .dsc
# after it downloaded both tarballs, so only the sums count.
fetch_upload()
{
	local sum name

	cp_upload "$SOURCES" . "$1" && return 0
	[ -z "${2:-}" ] || in_apt apt-get source --download-only "xen=$2" || true
	while read -r sum name <&4; do
		fetch_file "$sum" "$name" || return 1
	done 4<<<"$1"
}

# Exit with the reason why no upload was fetched. $1 has all uploads of the index, $2 is
# the wanted version or empty.
nothing_fetched()
{
	local wrong=(*.wrong) versions
	local instead="give another mirror with MIRROR=URI, or the two tarballs of an upload that testbed/config/xen.sha256 names with XEN_SOURCE_DIR=DIR."

	versions=$(awk '{ print $1 }' <<<"$1" | sort -Vu | paste -sd, | sed 's/,/, /g')
	[ ! -e "${wrong[0]}" ] ||
		die "${wrong[0]%.wrong} from $MIRROR does not have the sum that the index or testbed/config/xen.sha256 gives, and is not used; $instead"
	[ -n "$2" ] || [ -z "$versions" ] ||
		die "$MIRROR offers Xen $versions, but xen/hooks are for Xen $XEN_SERIES; $instead"
	die "fetching Xen's source${2:+ $2} from $MIRROR failed; $instead"
}

# Download into directory $1 the newest upload of the index, else a superseded upload
# that the mirror may still have. The file "offered" is the upload of the index, the
# file "upload" is the one that was downloaded.
download_xen()
{
	local all version s1 n1 s2 n2

	cd "$1" || return
	all=$(offered)
	read -r version s1 n1 s2 n2 < <(newest_of_series <<<"$all") || true
	if [ -n "$version" ]; then
		printf '%s  %s\n' "$s1" "$n1" "$s2" "$n2" >offered
		! fetch_upload "$(cat offered)" "$version" || { cp offered upload; return 0; }
	fi
	first_known fetch_upload >upload || nothing_fetched "$all" "$version"
}

# keep_upload FROM UPLOAD WORDS: record the upload in FROM as the chosen one. WORDS name
# its origin in a message.
keep_upload()
{
	mkdir -p "$SOURCES"
	[ "$1" = "$SOURCES" ] || cp_upload "$1" "$SOURCES" "$2"
	echo "$2" >"$XEN_CHOICE.new"
	mv "$XEN_CHOICE.new" "$XEN_CHOICE"
	XEN_UPLOAD=$2
	say "    Xen's source: $(xen_version), from $3"
}

choose_from_cache()
{
	local upload

	upload=$(first_known holds "$SOURCES") || return 1
	keep_upload "$SOURCES" "$upload" "the cache"
}

bad_source_dir()
{
	die "XEN_SOURCE_DIR=$XEN_SOURCE_DIR does not hold the two tarballs of an upload that testbed/config/xen.sha256 names, or they differ; give a directory that does, or unset it."
}

choose_from_dir()
{
	local upload

	upload=$(first_known holds "$XEN_SOURCE_DIR") || bad_source_dir
	keep_upload "$XEN_SOURCE_DIR" "$upload" "XEN_SOURCE_DIR=$XEN_SOURCE_DIR"
}

choose_from_apt()
{
	local tmp=$CACHE/tmp.xen-download.$$ named

	need_root
	apt_setup
	rm -rf "$tmp"
	mkdir "$tmp"
	step xen-download download_xen "$tmp" || {
		rm -rf "$tmp"
		die "$(why xen-download)"
	}
	keep_upload "$tmp" "$(cat "$tmp/upload")" "$MIRROR"
	named=$(sed -n 's/.* xen_\(.*\)\.debian\..*/\1/p' "$tmp/offered" 2>/dev/null) || true
	cmp -s "$tmp/offered" "$tmp/upload" ||
		say "$ME: note: the mirror's index names ${named:-no Xen $XEN_SERIES}${named:+, but the mirror lacks its files}; an older upload from the mirror is used."
	rm -rf "$tmp"
}

# True if an upload was chosen and its files are in the cache.
xen_chosen()
{
	XEN_UPLOAD=$(cat "$XEN_CHOICE" 2>/dev/null) &&
		{ [ -e "$CACHE/xen-base-$(xen_base_key)" ] || holds "$SOURCES" "$XEN_UPLOAD"; }
}

# xen_choose [--refresh]: choose the upload: the one chosen before, else one in the
# cache, else one in the user's directory, else one that apt downloads. A refresh begins
# with the user's directory.
xen_choose()
{
	[ -z "${1:-}" ] && [ -n "$XEN_UPLOAD" ] && return 0
	if [ -z "${1:-}" ] && xen_chosen; then
		[ -z "${XEN_SOURCE_DIR:-}" ] || holds "$XEN_SOURCE_DIR" "$XEN_UPLOAD" ||
			say "    Xen's source: $(xen_version) as chosen before, not from XEN_SOURCE_DIR; testbed/xen-source --refresh chooses again"
		return 0
	fi
	cache_setup
	exec 8>"$CACHE/locks/xen-source"
	flock 8
	if [ -n "${1:-}" ] || ! xen_chosen; then
		xen_decide "${1:-}" 8>&-
	fi
	exec 8>&-
}

xen_decide()
{
	if [ -z "$1" ] && choose_from_cache; then
		return 0
	elif [ -n "${XEN_SOURCE_DIR:-}" ]; then
		choose_from_dir
	else
		[ -z "$1" ] || apt_forget
		choose_from_apt
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

# Make Debian's patched source and return its path in REPLY.
xen_base()
{
	xen_choose
	need_host patch patch
	need_host xz xz-utils
	artifact xen-base "$(xen_base_key)" unpack_xen
}

# Copy our files for Xen to directory $1. The key and the build must see the same files
# even if they change meanwhile.
snapshot_series()
{
	mkdir -p "$1/xen/overlay" "$1/xen/hooks" "$1/include"
	cp -R "$TOP/xen/overlay/." "$1/xen/overlay/"
	cp -R "$TOP/xen/hooks/." "$1/xen/hooks/"
	cp "$TOP/include/xen/interface/pv-iommu.h" "$1/include/"
}

# apply_patch DIR PATCH [OPTION]...
apply_patch()
{
	patch -d "$1" -p1 -s -f --no-backup-if-mismatch "${@:3}" <"$2" >&2
}

# Without fuzz: with fuzz patch could apply a hook at a wrong place of another Xen.
apply_hook()
{
	apply_patch "$1" "$2" --fuzz=0 || {
		say "$ME: xen/hooks/${2##*/} does not apply to Xen $(xen_version); refresh it, or choose an older upload with XEN_SOURCE_DIR=DIR testbed/xen-source --refresh."
		return 1
	}
}

# Apply the snapshot $2 to the tree $1: new files, the unchanged ABI header, then the
# hooks in order.
apply_series()
{
	local p

	cp -R "$2/xen/overlay/." "$1/"
	install -m 644 "$2/include/pv-iommu.h" "$1/$ABI_IN_XEN"
	for p in "$2"/xen/hooks/[0-9]*.patch; do
		[ -e "$p" ] || continue
		apply_hook "$1" "$p" || return 1
	done
}

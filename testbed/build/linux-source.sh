# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Linux' source with Debian's patches: the package linux-source-SERIES of the version
# that testbed/kernels chose. Callers set SERIES (6.12) and UPSTREAM (6.12.118), and
# source mirror.sh first.

# Half of the tree is for other architectures, or in no configuration of ours. Kconfig
# requires the Kconfig files and Makefiles of all of it.
LINUX_LEFT_OUT=(
	'*/arch/[!x]*/*.[chS]' '*/arch/[!x]*/*.dts*'
	'*/Documentation/[a-z]*/*' '*/tools/testing/*'
	'*/drivers/gpu/drm/*/*.[ch]' '*/drivers/media/*.[ch]'
	'*/drivers/staging/*.[ch]' '*/sound/*.[ch]'
)

# Download the package of version UPSTREAM, in any Debian revision, into the current
# directory.
download_linux()
{
	local version

	version=$(in_apt apt-cache madison "linux-source-$SERIES" |
		awk -v up="$UPSTREAM-" 'index($3, up) == 1 && !v { v = $3 } END { print v }')
	[ -n "$version" ] ||
		die "the mirror has no linux-source-$SERIES of $UPSTREAM any more; run testbed/kernels --refresh, which chooses what it has."
	in_apt apt-get download "linux-source-$SERIES=$version"
}

unpack_linux()
{
	local out=()

	cd "$1"
	download_linux
	mapfile -t out < <(printf -- '--exclude=%s\n' "${LINUX_LEFT_OUT[@]}")
	dpkg-deb --fsys-tarfile ./linux-source-*.deb |
		tar -xO --wildcards '*/linux-source-*.tar.xz' | xz -dc |
		tar -x --strip-components=1 --anchored --wildcards-match-slash "${out[@]}"
	rm ./linux-source-*.deb
	[ -s Kconfig ] && [ -s arch/x86/Makefile ]
}

linux_source_key()
{
	{ echo "$UPSTREAM ${LINUX_LEFT_OUT[*]}"; declare -f unpack_linux; } | key
}

linux_source_dir()
{
	echo "$CACHE/linux-source-$UPSTREAM-$(linux_source_key)"
}

# Make the source unless the cache has it.
linux_source()
{
	! have "$(linux_source_dir)" || return 0
	need_host xz xz-utils
	need_disk 1200 "Linux' source"
	apt_artifact "linux-source-$UPSTREAM" "$(linux_source_key)" unpack_linux
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Linux' source as Debian patched it: the package linux-source-SERIES of the
# very version that testbed/kernels chose. Callers set SERIES (6.12) and
# UPSTREAM (6.12.118), and source mirror.sh before.

# Half of the tree is other machines' and what nobody configures here. The
# Kconfig files and Makefiles of all of it have to stay.
LINUX_LEFT_OUT=(
	'*/arch/[!x]*/*.[chS]' '*/arch/[!x]*/*.dts*'
	'*/Documentation/[a-z]*/*' '*/tools/testing/*'
	'*/drivers/gpu/drm/*/*.[ch]' '*/drivers/media/*.[ch]'
	'*/drivers/staging/*.[ch]' '*/sound/*.[ch]'
)

# The package's version: UPSTREAM and whatever Debian counts behind it.
linux_package_version()
{
	in_apt apt-cache madison "linux-source-$SERIES" |
		awk -v up="$UPSTREAM-" 'index($3, up) == 1 { print $3; exit }'
}

unpack_linux()
{
	local version out=()

	version=$(linux_package_version)
	if [ -z "$version" ]; then
		echo "the mirror has no linux-source-$SERIES of $UPSTREAM; run testbed/kernels --refresh, which chooses what it has."
		return 1
	fi
	cd "$1"
	in_apt apt-get download "linux-source-$SERIES=$version"
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

# Makes the source unless it is there.
linux_source()
{
	! have "$(linux_source_dir)" || return 0
	need_host xz xz-utils
	need_disk 1200 "Linux' source"
	[ -e "$CACHE/apt/sources.list" ] || apt_setup
	artifact "linux-source-$UPSTREAM" "$(linux_source_key)" unpack_linux
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Configures and builds a Xen tree. WORK is a directory with the source in src and the
# objects in obj. VARIANT names the configuration. Optional are ARCH in Xen's spelling,
# COMPILER (gcc or clang), DEFCONFIG, and SYMBOLS, words like CONFIG_HVM=n that override
# all others. UNKNOWN has words like CONFIG_HVM that this source does not know; no
# configuration has them.

UNKNOWN=
fragments()
{
	all_fragments | grep -vxE "(# )?(${UNKNOWN// /|})(=.*| is not set)"
}

all_fragments()
{
	cat "$TESTBED/config/xen-base.config"
	[ "$VARIANT" = stock ] || cat "$TESTBED/config/xen-ctx.config"
	case $VARIANT in
	debug | flask | no-hvm | shadow | mutant-*) cat "$TESTBED/config/xen-debug.config" ;;
	esac
	[ "$VARIANT" != flask ] || cat "$TESTBED/config/xen-flask.config"
	[ "$VARIANT" != no-hvm ] || cat "$TESTBED/config/xen-no-hvm.config"
	[ "$VARIANT" != shadow ] || cat "$TESTBED/config/xen-shadow.config"
	symbol_lines
}

# Print SYMBOLS in the format of .config.
symbol_lines()
{
	local s

	for s in ${SYMBOLS:-}; do
		case $s in
		*=n) echo "# ${s%=n} is not set" ;;
		*) echo "$s" ;;
		esac
	done
}

compiler_args()
{
	local cross=

	case ${ARCH:-x86_64} in
	arm64) cross=aarch64-linux-gnu- ;;
	arm32) cross=arm-linux-gnueabihf- ;;
	esac
	[ -z "$cross" ] || echo "CROSS_COMPILE=$cross"
	[ "${COMPILER:-gcc}" != clang ] || echo clang=y
	echo "CC=ccache $cross${COMPILER:-gcc}"
}

# Each tree is built at the same path inside the root. So a copy of a built tree needs
# no build, and ccache recognises a file in every tree.
AT=/srv/xen
in_tree()
{
	"$TESTBED/in-root" --bind "$WORK:$AT" --chdir "$AT" -- "$@"
}

xen_make()
{
	local compiler

	mapfile -t compiler < <(compiler_args)
	in_tree make -C src/xen O="$AT/obj" "${compiler[@]}" \
		XEN_TARGET_ARCH="${ARCH:-x86_64}" \
		KBUILD_DEFCONFIG="${DEFCONFIG:-${ARCH:-x86_64}_defconfig}" \
		XEN_BUILD_DATE=testbed \
		XEN_WHOAMI=testbed XEN_DOMAIN= XEN_BUILD_HOST=testbed \
		DEB_VERSION="$(xen_version), $VARIANT" \
		DEB_MAINTAINER='testbed <testbed@testbed>' "$@"
}

# Keep an unchanged .config and its time, because make compares times.
configure()
{
	local line

	mkdir -p "$WORK/obj"
	touch "$WORK"
	cp -p "$WORK/obj/.config" "$WORK/config.old" 2>/dev/null || true
	xen_make -s defconfig
	fragments | grep -v SPDX >>"$WORK/obj/.config"
	xen_make -s olddefconfig
	fragments | grep -E '^(CONFIG_|# CONFIG_.* is not set)' | while read -r line; do
		# The last word of the fragments on a symbol counts.
		sym=$(echo "$line" | grep -o 'CONFIG_[A-Z0-9_]*' | head -n 1)
		[ "$(fragments | grep -w "$sym" | tail -n 1)" = "$line" ] || continue
		grep -qxF "$line" "$WORK/obj/.config" || {
			case $line in '#'*) grep -q "^$sym=" "$WORK/obj/.config" || continue ;; esac
			echo "the configuration refused: $line"
			exit 1
		}
	done
	if cmp -s "$WORK/obj/.config" "$WORK/config.old"; then
		cp -p "$WORK/config.old" "$WORK/obj/.config"
	fi
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How a Xen tree is configured and made.  WORK is a directory with the source
# in src and the objects in obj; VARIANT says which configuration.

fragments()
{
	cat "$TESTBED/xen-base.config"
	case $VARIANT in
	debug | mutant-*) cat "$TESTBED/xen-debug.config" ;;
	esac
}

# All trees are built at one path inside the root, so that a copy of a built
# tree is a built tree, and ccache knows a file in whichever tree it is.
AT=/srv/xen
in_tree()
{
	"$TESTBED/in-root" --bind "$WORK:$AT" --chdir "$AT" -- "$@"
}

xen_make()
{
	in_tree make -C src/xen O="$AT/obj" XEN_TARGET_ARCH=x86_64 CC='ccache gcc' \
		KBUILD_DEFCONFIG=x86_64_defconfig XEN_BUILD_DATE=testbed \
		XEN_WHOAMI=testbed XEN_DOMAIN= XEN_BUILD_HOST=testbed \
		DEB_VERSION="$(xen_tarball orig | sed 's/^xen_//; s/\.orig.*//'), $VARIANT" \
		DEB_MAINTAINER='testbed <testbed@testbed>' "$@"
}

# .config is replaced only if it changed: make compares times.
configure()
{
	local line

	mkdir -p "$WORK/obj"
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

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# linux/series: every file of the driver must be in one patch, or be left out by name. An
# error in the list is reported before a kernel is needed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
top=$here/../..

if [ "$(id -u)" != 0 ]; then
	skip linux-series "linux/series needs root"
	finish
fi

# A checkout of a few files.
T=$W/top parts=drivers/iommu/xen
mkdir -p "$T/$parts" "$T/linux/hooks" "$T/include" "$T/Documentation" "$T/testbed"
cp "$top"/linux/{series,check.sh,export} "$T/linux/"
cp -R "$top/testbed/build" "$T/testbed/"
touch "$T/Kbuild" "$T/Kconfig" "$T/$parts"/{hv.c,hv.h,compat.h} "$T/linux/hooks/0001-x.patch"
cat >"$T/testbed/kernels" <<'END'
#!/bin/sh
echo "the list was accepted; go on." >&2
exit 1
END
chmod +x "$T/testbed/kernels"

# With these lines in the list, and what is common to all.
list()
{
	printf '%s\n' 'Author: A <a@example.invalid>' 'Date: 2026-01-01T00:00:00+00:00' \
		"Left-Out: $parts/compat.h" %% 'Subject: one' "$@" >"$T/linux/series.list"
}

series()
{
	XPI_CACHE="$W/cache" "$T/linux/series" "$W/patches"
}

list "Files: $parts/hv.[ch] Kbuild Kconfig" 'Hooks: 0001'
refuses linux-series.accepted '^series: there is no kernel' series

touch "$T/$parts/fault.c"
refuses linux-series.forgotten-file "^series: no patch takes $parts/fault.c;" series

list "Files: $parts/hv.[ch] $parts/fault.c Kbuild Kconfig"
refuses linux-series.forgotten-hook '^series: no patch takes hooks/0001-x.patch;' series

list "Files: $parts/hv.[ch] $parts/*.c Kbuild Kconfig" 'Hooks: 0001'
refuses linux-series.named-twice "^series: linux/series.list names twice $parts/hv.c;" series

list "Files: $parts/hv.[ch] $parts/fualt.c Kbuild Kconfig" 'Hooks: 0001'
refuses linux-series.no-such-file 'fualt.c, but there is no such file; ' series

list "Files: $parts/hv.[ch] $parts/fault.c Kbuild Kconfig" 'Hooks: 0002'
refuses linux-series.no-such-hook 'the hook 0002, but .* 0 patches of that name; ' series

# nm prints much more after the driver's name, and SIGPIPE kills it if the reader ends.
nm() { echo "ffffffff81016312 t ${SYMBOL}"; seq 100000; }
built_in()
(
	set -o pipefail
	. "$top/linux/check.sh"
	SYMBOL=$1 KIND=y WORK=$W driver_is_there
)
if built_in xpi_init && ! built_in another_init; then
	pass linux-series.built-in-found
else
	fail linux-series.built-in-found "the driver is missed, or found where it is not"
fi
finish

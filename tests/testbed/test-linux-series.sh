#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# linux/series: every file of the driver must be in one patch, or be left out by name. An
# error in the list is reported before a kernel is needed. A feature must fit exactly, and
# no patch may be too long.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
top=$here/../..

if [ "$(id -u)" != 0 ]; then
	skip linux-series "linux/series needs root"
	finish
fi

# A checkout of a few files.
T=$W/top parts=drivers/iommu/xen
mkdir -p "$T/$parts" "$T/linux/hooks" "$T/linux/features" "$T/include" "$T/Documentation" "$T/testbed"
cp "$top"/linux/{series,plan.sh,check.sh,export} "$T/linux/"
cp -R "$top/testbed/build" "$T/testbed/"
echo 'config XPI_X' >"$T/Kconfig"
touch "$T/Kbuild" "$T/$parts"/{hv.c,hv.h,compat.h} "$T/linux/hooks/0001-x.patch"
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

list "Files: $parts/hv.[ch] Kbuild Kconfig:XPI_X" 'Hooks: 0001'
refuses linux-series.accepted '^series: there is no kernel' series

touch "$T/$parts/fault.c"
refuses linux-series.forgotten-file "^series: no patch takes $parts/fault.c;" series

list "Files: $parts/hv.[ch] $parts/fault.c Kbuild Kconfig:XPI_X"
refuses linux-series.forgotten-hook '^series: no patch takes hooks/0001-x.patch;' series

list "Files: $parts/hv.[ch] $parts/*.c Kbuild Kconfig:XPI_X" 'Hooks: 0001'
refuses linux-series.named-twice "^series: linux/series.list names twice $parts/hv.c;" series

list "Files: $parts/hv.[ch] $parts/fualt.c Kbuild Kconfig:XPI_X" 'Hooks: 0001'
refuses linux-series.no-such-file 'fualt.c, but there is no such file; ' series

list "Files: $parts/hv.[ch] $parts/fault.c Kbuild Kconfig:XPI_X" 'Hooks: 0002'
refuses linux-series.no-such-hook 'the hook 0002, but .* 0 patches of that name; ' series

list "Files: $parts/hv.[ch] $parts/fault.c Kbuild" 'Hooks: 0001'
refuses linux-series.forgotten-entry '^series: no patch takes Kconfig:XPI_X;' series

list "Files: $parts/hv.[ch] $parts/fault.c Kbuild Kconfig:XPI_Y" 'Hooks: 0001'
refuses linux-series.no-such-entry 'Kconfig:XPI_Y, but Kconfig has no such entry; ' series

all="Files: $parts/hv.[ch] $parts/fault.c Kbuild Kconfig:XPI_X"
list "$all" 'Hooks: 0001' 'Adds: tracing'
refuses linux-series.no-such-feature 'the feature tracing, but linux/features has no tracing.patch; ' series

touch "$T/linux/features/tracing.patch"
list "$all" 'Hooks: 0001'
refuses linux-series.forgotten-feature '^series: no patch takes features/tracing.patch;' series

list "$all" 'Hooks: 0001' 'Adds: tracing'
refuses linux-series.accepts-feature '^series: there is no kernel' series

# Function $1 of linux/series, and what it needs.
part()
{
	local f

	for f in "${@:2}"; do
		sed -n "/^$f()$/,/^}$/p" "$top/linux/series"
	done
	echo "$1"
}

# Run linux/series on one feature of one file, in which $1 has replaced the line
# "two".
feature_of_file()
(
	rm -rf "$W/f"
	mkdir -p "$W/f/snap/features" "$W/f/state"
	printf 'one\n%s\nthree\nfour\n' "$1" >"$W/f/state/x.c"
	cp "$W/feature" "$W/f/snap/features/x.patch"
	die() { echo "series: $*" >&2; exit 1; }
	SNAP=$W/f/snap STATE=$W/f/state
	eval "$(part '' add_feature)"
	add_feature features/x.patch -R && grep -qx two "$W/f/state/x.c" && exit 1
	add_feature features/x.patch && grep -qx two "$W/f/state/x.c"
)
printf '%s\n' '--- a/x.c' '+++ b/x.c' '@@ -1,2 +1,3 @@' ' one' '+two' ' three' >"$W/feature"
accepts linux-series.feature feature_of_file two
refuses linux-series.stale-feature 'features/x.patch does not fit our files any more; refresh it' feature_of_file TWO

# Comments, blank lines, suites and pages do not count, code does.
cat >"$W/0001.patch" <<'END'
Subject: one
+++ not a file
+no body
diff --git a/drivers/iommu/xen/a.c b/drivers/iommu/xen/a.c
--- /dev/null
+++ b/drivers/iommu/xen/a.c
@@ -0,0 +1,9 @@
+// SPDX-License-Identifier: GPL-2.0
+/*
+ * A comment.
+ */
+#include <linux/types.h>
+
+	*at = 0;	/* code */
+	at++;
+}
 context
-gone
diff --git a/drivers/iommu/xen/tests/a-test.c b/drivers/iommu/xen/tests/a-test.c
--- /dev/null
+++ b/drivers/iommu/xen/tests/a-test.c
@@ -0,0 +1,2 @@
+static void test(void)
+}
diff --git a/drivers/iommu/Kconfig b/drivers/iommu/Kconfig
--- a/drivers/iommu/Kconfig
+++ b/drivers/iommu/Kconfig
@@ -0,0 +1,2 @@
+# A comment.
+config X
END
sizes()
(
	die() { echo "series: $*" >&2; exit 1; }
	. "$top/linux/check.sh"
	LINES_MAX=$1 OUT=$W
	check_sizes
)
if sizes 5 >"$W/out" && grep -qx ' *13 *5  0001' "$W/out"; then
	pass linux-series.lines-of-code
else
	fail linux-series.lines-of-code "it counted: $(tail -n 1 "$W/out")"
fi
refuses linux-series.too-long 'more than 4 lines of code in 0001.patch; split it' sizes 4

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

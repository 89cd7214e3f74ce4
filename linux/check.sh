# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks that linux/series makes of the patches it wrote; see there. It has set
# OUT, TREE (a repository of the few files, at the tip of the branch series),
# FILES and UPSTREAM.

FRAGMENTS='config/linux-base.config ../linux/check.config'
VARIANT=series

# For the interface header: it is Xen's as well and cannot have Linux' types.
HEADER_MAY=BIT_MACRO,PREFER_KERNEL_TYPES,EMBEDDED_FILENAME

# It asks whether MAINTAINERS needs an update; maintained() answers.
NOT_ASKED=FILE_PATH_CHANGES

# A reviewer reads no more in one patch.
LINES_MAX=600

# Lines that a patch adds, and lines of code among them: no blank lines and no
# comments, and neither the suites nor pages for readers. More of those is never worse.
count_added()
{
	awk '
		/^diff --git / { body = 0 }
		/^[+][+][+] b\// {
			counts = $2 !~ /^b\/(Documentation\/|MAINTAINERS|drivers\/iommu\/xen\/tests\/)/
			body = 1
			next
		}
		!body || !/^[+]/ { next }
		{ all++; sub(/^[+][ \t]*/, "") }
		!counts || /^$/ || /^\/[*]/ || /^\/\// || /^[*]([ \t\/]|$)/ { next }
		/^#([ \t]|$)/ && !/^#[ \t]*(if|el|endif|include|define|undef|pragma)/ { next }
		{ code++ }
		END { print all + 0, code + 0 }' "$1"
}

# As a table, and a patch that is too long is an error.
check_sizes()
{
	local p all code long=

	echo "lines added, and lines of code among them:"
	for p in "$OUT"/[0-9]*.patch; do
		read -r all code < <(count_added "$p")
		printf '%6d %5d  %s\n' "$all" "$code" "$(basename "$p" .patch)"
		[ "$code" -le $LINES_MAX ] || long+=" $(basename "$p")"
	done
	[ -z "$long" ] ||
		die "more than $LINES_MAX lines of code in$long; split it in linux/series.list."
}

checkpatch()
{
	local may=$NOT_ASKED

	! grep -q '^+++ b/include/xen/interface/' "$1" || may=$may,$HEADER_MAY
	"$TESTBED/in-root" --bind "$OUT" --chdir "$W" -- "$FILES/tree/scripts/checkpatch.pl" \
		--no-tree --strict --quiet --no-summary --show-types --ignore "$may" "$1"
}

added_files()
{
	g diff --no-renames --name-only --diff-filter=A base "$1"
}

# Does our entry of MAINTAINERS cover every new file?
maintained()
{
	local f pattern
	local -a patterns

	mapfile -t patterns < <(sed -n '/^XEN PV-IOMMU DRIVER$/,/^$/s/^F:[[:space:]]*//p' "$TREE/MAINTAINERS")
	for f in $(added_files series); do
		for pattern in "${patterns[@]}"; do
			case $f in $pattern | "$pattern"*/*) continue 2 ;; esac
			[[ $pattern != */ || $f != "$pattern"* ]] || continue 2
		done
		die "our entry in MAINTAINERS does not cover $f; add it to linux/hooks."
	done
}

check_patches()
{
	local p bad=0

	for p in "$OUT"/[0-9]*.patch; do
		checkpatch "$p" >&2 || bad=$((bad + 1))
	done
	[ $bad = 0 ] || die "checkpatch --strict complains about $bad of $NR patches, see above."
	maintained
	echo "checkpatch --strict: $NR of $NR patches clean; every new file has a maintainer"
}

# Make path $1 of the source what it is in $TREE, else what it was originally.
# Never in place: all other files are shared with the cache.
feed_file()
{
	local from=$TREE/$1 to=$WORK/src/$1

	[ -e "$from" ] || from=$SOURCE/$1
	if [ ! -e "$from" ]; then
		rm -f "$to"
	elif ! cmp -s "$from" "$to"; then
		mkdir -p "${to%/*}"
		rm -f "$to"
		cp "$from" "$to"
	fi
}

# The whole source as of commit $1.
feed()
{
	local f

	g checkout -q --detach "$1"
	g diff --no-renames --name-only base series >>"$WORK/touched"
	while read -r f; do
		feed_file "$f"
	done < <(sort -u "$WORK/touched" | tee "$WORK/touched.new")
	mv "$WORK/touched.new" "$WORK/touched"
}

kmake()
{
	"$TESTBED/in-root" --chdir "$WORK/src" -- make O="$WORK/obj" \
		CC='ccache gcc' HOSTCC='ccache gcc' KBUILD_BUILD_TIMESTAMP=testbed \
		KBUILD_BUILD_USER=testbed KBUILD_BUILD_HOST=testbed -j"$JOBS" "$@"
}

# Is there an entry of ours? Patches without it do not have it yet.
has_entry()
{
	grep -qx "config $1" "$WORK/src/drivers/iommu/Kconfig"
}

# KIND as this patch allows it: the first ones do not allow a module.
kind_of_driver()
{
	if sed -n '/^config XEN_PV_IOMMU$/{n;p}' "$WORK/src/drivers/iommu/Kconfig" | grep -q bool; then
		echo y
	else
		echo "$KIND"
	fi
}

# The suites contain the driver, so one of both is a module.
configure()
{
	local driver suites=y line symbol

	driver=$(kind_of_driver)
	[ "$driver" = m ] || suites=m
	mkdir -p "$WORK/obj"
	printf 'CONFIG_XEN_PV_IOMMU=%s\nCONFIG_XEN_PV_IOMMU_KUNIT_TEST=%s\n' "$driver" "$suites" >"$WORK/wanted"
	{ fragments; cat "$WORK/wanted"; } >"$WORK/fragments"
	kmake KCONFIG_ALLCONFIG="$WORK/fragments" allnoconfig
	kmake olddefconfig
	check_config "$WORK/obj"
	while read -r line; do
		symbol=${line%%=*}
		! has_entry "${symbol#CONFIG_}" || grep -qxF "$line" "$WORK/obj/.config" ||
			{ echo "the configuration refused: $line"; return 1; }
	done <"$WORK/wanted"
}

objects()
{
	added_files "$1" | sed -n 's/\.c$/.o/p'
}

# Everything that this commit has of ours; from nothing, so that no warning is
# lost.
compile_ours()
{
	local objs

	mapfile -t objs < <(objects "$1")
	[ ${#objs[@]} -gt 0 ] || return 0
	(cd "$WORK/obj" && rm -f "${objs[@]}")
	kmake W=1 "${objs[@]}" 2>&1 | tee "$WORK/ours.log"
	! grep -E '(drivers/iommu/xen|swiotlb-xen-bypass)[^ ]*: (warning|error)' "$WORK/ours.log"
}

build_commit()
{
	configure
	kmake drivers/iommu/ drivers/xen/
	compile_ours "$1"
}

# Is the driver where this kind of build should have it?
driver_is_there()
{
	case $KIND in
	m) [ -s "$WORK/obj/drivers/iommu/xen_pv_iommu.ko" ] ;;
	# To its end: nm fails if its output is not read completely.
	y) nm "$WORK/obj/vmlinux" | grep ' xpi_init$' >/dev/null ;;
	esac
}

# The other way round: see configure().
suites_are_there()
{
	case $KIND in
	m) nm "$WORK/obj/vmlinux" | grep ' xpi_fake_reset$' >/dev/null ;;
	y) [ -s "$WORK/obj/drivers/iommu/xen/tests/xpi_kunit.ko" ] ;;
	esac
}

build_whole()
{
	configure
	kmake vmlinux modules
	driver_is_there || { echo "there is no driver in what was built"; return 1; }
	suites_are_there || { echo "there are no suites in what was built"; return 1; }
}

sparse_ours()
{
	local objs o

	configure >"$WORK/sparse.log" 2>&1 || { cat "$WORK/sparse.log"; return 1; }
	mapfile -t objs < <(objects series)
	kmake C=2 CHECK="$TESTBED/sparse" "${objs[@]}" >"$WORK/sparse.log" 2>&1 ||
		{ cat "$WORK/sparse.log"; return 1; }
	for o in "${objs[@]}"; do
		grep -q "^ *CHECK *${o%.o}\.c\$" "$WORK/sparse.log" ||
			{ echo "sparse did not look at ${o%.o}.c"; return 1; }
	done
	! grep -E '(drivers/iommu/xen|swiotlb-xen-bypass)[^ ]*: (warning|error)' "$WORK/sparse.log"
}

# Unpacked only: as a package it wants all of OCaml. Some semantic patches are
# in part Python, of the version that the root has.
fetch_coccinelle()
{
	local deb python

	python=$("$TESTBED/in-root" -- python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	cd "$1"
	in_apt apt-get download coccinelle "libpython$python"
	for deb in *.deb; do
		"$TESTBED/in-root" -- dpkg-deb -x "$1/$deb" "$1"
	done
	rm -r ./*.deb usr/share
	# It asks for the name that only the development package has.
	ln -s "libpython$python.so.1" "usr/lib/x86_64-linux-gnu/libpython$python.so"
	spatch_env "$1" "$1/usr/bin/spatch" --version
}

# spatch_env DIR CMD...: with the spatch of DIR
spatch_env()
{
	"$TESTBED/in-root" --chdir "$TREE" -- env SPATCH="$1/usr/bin/spatch" \
		COCCINELLE_HOME="$1/usr/lib/coccinelle" \
		LD_LIBRARY_PATH="$1/usr/lib/x86_64-linux-gnu" "${@:2}"
}

# Those that are OCaml in part would need its compiler.
semantic_patches()
{
	rm -rf "$WORK/cocci"
	mkdir -p "$WORK/cocci/scripts"
	cp -R "$TREE/scripts/coccinelle" "$WORK/cocci/scripts/"
	grep -rlE '^@.*:ocaml' "$WORK/cocci" | xargs -r rm
}

# Whatever it prints is a report, but for what it says of scripts that have no
# reports.
coccicheck_ours()
{
	local rc=0

	semantic_patches
	rm -f "$WORK/cocci.err"
	spatch_env "$COCCINELLE" srctree="$WORK/cocci" srcroot=drivers MODE=report J=1 \
		LINUXINCLUDE="-Iinclude -I$WORK/src/include" \
		DEBUG_FILE="$WORK/cocci.err" bash scripts/coccicheck >"$WORK/cocci.log" || rc=$?
	[ $rc = 0 ] || { tail -n 5 "$WORK/cocci.err"; return 1; }
	[ "$(grep -c 'spatch' "$WORK/cocci.err")" -gt 50 ] || { echo "coccicheck tried next to nothing"; return 1; }
	! grep -E '^(\./)?drivers/|\* file:' "$WORK/cocci.log"
}

# The functions of a check, on which its result depends besides the commit.
check_key()
{
	{
		linux_source_dir
		fragments
		"$TESTBED/root" --path
		case $1 in
		coccicheck_ours) declare -f "$1" semantic_patches spatch_env ;;
		sparse_ours) declare -f "$1" kmake configure has_entry kind_of_driver; cat "$TESTBED/sparse" ;;
		build_commit) declare -f "$1" kmake configure has_entry kind_of_driver compile_ours ;;
		*) declare -f "$1" kmake configure has_entry kind_of_driver driver_is_there suites_are_there ;;
		esac
	} | key
}

# good NAME COMMIT CMD...: unless this very content was good before
good()
{
	local name=$1 commit=$2 mark
	shift 2

	mark=$CACHE/linux-series-good/$(g rev-parse "$commit^{tree}")-$name-$(check_key "$1")
	if [ -e "$mark" ]; then
		say "    $name: good before"
		return 0
	fi
	mkdir -p "${mark%/*}"
	feed "$commit"
	step "linux-series-$name" "$@" ||
		die "$name fails at '$(g log -1 --format=%s "$commit")'; the log is $CACHE/logs/linux-series-$name.log."
	: >"$mark"
}

build_commits()
{
	local commits c n=0

	mapfile -t commits < <(g rev-list --reverse base..series)
	for c in "${commits[@]}"; do
		n=$((n + 1))
		good "commit-$n-$KIND" "$c" build_commit "$c"
	done
	echo "every commit builds with XEN_PV_IOMMU=$KIND: $n of ${#commits[@]}"
}

work_tree()
{
	WORK=$CACHE/linux-work/series-$(basename "$SOURCE")
	mkdir -p "$WORK"
	touch "$WORK"
	exec 7>"$CACHE/locks/linux-work-series"
	flock 7
	[ -e "$WORK/ready" ] || {
		rm -rf "$WORK/src" "$WORK/obj"
		cp -al "$SOURCE" "$WORK/src"
		: >"$WORK/ready"
	}
}

check_builds()
{
	linux_source
	SOURCE=$(linux_source_dir)
	apt_artifact coccinelle "$(declare -f fetch_coccinelle spatch_env | key)" fetch_coccinelle
	COCCINELLE=$REPLY
	work_tree
	good coccicheck series coccicheck_ours 7>&-
	echo "coccicheck: nothing to say about our files"
	KIND=m
	good sparse series sparse_ours 7>&-
	echo "sparse: nothing to say about our files"
	for KIND in m y; do
		build_commits 7>&-
	done
	for KIND in y m; do
		good "whole-$KIND" series build_whole 7>&-
		echo "a whole kernel links with XEN_PV_IOMMU=$KIND"
	done
}

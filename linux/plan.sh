# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The common part of linux/series and linux/refresh: which patch takes what, from
# linux/series.list, and our files as they are in the kernel. Callers set W, a
# directory for the time being, and SNAP, a directory in it.

# The files to export, as they are now.
snapshot()
{
	mkdir "$SNAP"
	cp "$TOP/Kbuild" "$TOP/Kconfig" "$SNAP/"
	cp -R "$TOP/linux/hooks" "$TOP/drivers" "$TOP/include" "$TOP/Documentation" "$SNAP/"
	[ ! -d "$TOP/linux/features" ] || cp -R "$TOP/linux/features" "$SNAP/"
	mkdir "$SNAP/packaging"
	[ ! -d "$TOP/packaging/linux" ] || cp -R "$TOP/packaging/linux" "$SNAP/packaging/"
}

# The files that a word of the list means, which may be a pattern.
files_of()
{
	case $1 in
	Kconfig:*)
		grep -qxF "config ${1#*:}" "$SNAP/Kconfig" ||
			die "linux/series.list names $1, but Kconfig has no such entry; correct the name."
		echo "$1"
		return ;;
	esac
	(cd "$SNAP" && compgen -G "$1") ||
		die "linux/series.list names $1, but there is no such file; correct the name."
}

# A name of linux/hooks by its number, or any patch by its path.
hook_of()
{
	local name=hooks/$1*.patch n

	case $1 in */*) name=$1 ;; esac
	n=$(cd "$SNAP" && { compgen -G "$name" || true; } | wc -l)
	[ "$n" = 1 ] || die "linux/series.list names the hook $1, but there are $n patches of that name; name one."
	(cd "$SNAP" && compgen -G "$name")
}

# A name of linux/features.
feature_of()
{
	[ -f "$SNAP/features/$1.patch" ] ||
		die "linux/series.list names the feature $1, but linux/features has no $1.patch; write it."
	echo "features/$1.patch"
}

# Files, hooks and features of each patch: $W/p.NNNN.{files,hooks,adds}; and what is
# for modules from elsewhere only: $W/out.
plan()
{
	local head word

	while read -r word; do
		feature_of "$word" >>"$W/out"
	done < <(list_field Out-Of-Tree | tr ' ' '\n')

	for head in "$W"/p.*.head; do
		while read -r word; do
			files_of "$word" >>"${head%.head}.files"
		done < <(words_of Files "$head")
		while read -r word; do
			hook_of "$word" >>"${head%.head}.hooks"
		done < <(words_of Hooks "$head")
		while read -r word; do
			feature_of "$word" >>"${head%.head}.adds"
		done < <(words_of Adds "$head")
	done
}

# All that a patch may take.
there()
{
	local dirs=(Kbuild drivers include Documentation hooks packaging)

	cd "$SNAP" || return
	[ ! -d features ] || dirs+=(features)
	find "${dirs[@]}" -type f \( ! -name '.*' -o -name .kunitconfig \) ! -name '*.md'
	sed -n 's/^config /Kconfig:/p' Kconfig
}

# A file that no patch takes would be missing in the series only.
nothing_forgotten()
{
	local word

	while read -r word; do
		files_of "$word" >>"$W/left-out"
	done < <(words_of Left-Out "$W/series.list")
	find "$W" -maxdepth 1 \( -name '*.files' -o -name '*.hooks' -o \
		-name '*.adds' -o -name out -o -name left-out \) -exec cat {} + |
		sort >"$W/taken"
	uniq -d "$W/taken" >"$W/twice"
	[ ! -s "$W/twice" ] || die "linux/series.list names twice $(paste -sd' ' "$W/twice"); let one patch have it."
	(there) | sort >"$W/there"
	comm -13 "$W/taken" "$W/there" >"$W/forgotten"
	[ ! -s "$W/forgotten" ] ||
		die "no patch takes $(paste -sd' ' "$W/forgotten"); name it in linux/series.list, as Files, Hooks or Left-Out."
}

# export_file NAME [TREE]
export_file()
{
	"$TOP/linux/export" "$@" <"$SNAP/${1%%:*}" || die "$1 cannot be exported; see above."
}

# A file that depends on the patches before; all else is a file of $STATE.
is_growing()
{
	case $1 in Kbuild | */tests/Kbuild) return 0 ;; esac
	return 1
}

lines_of()
{
	cat "$1" 2>/dev/null || true
}

# All our files to directory $1, as they are in the end.
export_files()
{
	local f

	while read -r f; do
		is_growing "$f" || {
			mkdir -p "$(dirname "$1/$f")"
			export_file "$f" >"$1/$f"
		}
	done < <(cat "$W"/p.*.files)
}

# The features that patches add, the last one first.
features_added()
{
	cat "$W"/p.*.adds 2>/dev/null | tac
}

# All features in the order in which they are taken out of our files.
features_taken_out()
{
	lines_of "$W/out"
	features_added
}

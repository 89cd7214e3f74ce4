# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What xen/series and linux/series have in common: a list that says what goes
# into which patch, and a repository that does not depend on who runs this.
# Callers set LIST, the list; W, a directory for the time being; and OUT, where
# the patches go. series_begin sets AUTHOR, EMAIL, DATE; callers then set TREE, the
# repository that g() works in, and REPO, one that has the branch base only.

g()
{
	"$TESTBED/in-root" --bind "$OUT" --chdir "$TREE" -- env \
		GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \
		GIT_AUTHOR_NAME="${AUTHOR% <*}" GIT_AUTHOR_EMAIL="$EMAIL" \
		GIT_COMMITTER_NAME="${AUTHOR% <*}" GIT_COMMITTER_EMAIL="$EMAIL" \
		GIT_AUTHOR_DATE="$DATE" GIT_COMMITTER_DATE="$DATE" \
		git -c gc.auto=0 -c core.autocrlf=false -c advice.detachedHead=false "$@"
}

# What stands on top of the list, before the first patch.
list_field()
{
	sed -n "/^%%/q; s/^$1: *//p" "$W/series.list"
}

words_of()
{
	sed -n "s/^$1: *//p" "$2" | tr ' ' '\n' | sed '/^$/d'
}

# Read the list once, and split it at its '%%' lines: $W/p.NNNN.{head,body}.
series_begin()
{
	local list=${LIST#"$TOP/"}

	[ -f "$LIST" ] || die "$list is missing; it must say what goes into which patch."
	cp "$LIST" "$W/series.list"
	AUTHOR=${XPI_AUTHOR:-$(list_field Author)}
	DATE=$(list_field Date)
	[ -n "$AUTHOR" ] && [ -n "$DATE" ] ||
		die "$list must begin with 'Author: NAME <MAIL>' and 'Date: DATE'."
	EMAIL=${AUTHOR##*<}
	EMAIL=${EMAIL%>}
	awk -v w="$W" '
		/^%%/ { n++; part = "head"; next }
		!n || (part == "head" && /^#/) { next }
		part == "head" && /^$/ { part = "body"; next }
		{ print >(sprintf("%s/p.%04d.%s", w, n, part)) }
	' "$W/series.list"
	compgen -G "$W/p.*.head" >/dev/null ||
		die "$list names no patch; every patch begins with a line '%%'."
}

# commit_as HEAD [OPTION]...: what is in the tree now, as the patch of this head.
commit_as()
{
	local head=$1 subject
	shift

	subject=$(sed -n 's/^Subject: *//p' "$head")
	[ -n "$subject" ] || die "a patch in ${LIST#"$TOP/"} has no 'Subject:'."
	{ echo "$subject"; echo; cat "${head%.head}.body" 2>/dev/null || true; } >"$W/message"
	g add -A -f
	g commit -q "$@" -F "$W/message" ||
		die "the patch '$subject' in ${LIST#"$TOP/"} changes nothing."
}

fresh_clone()
{
	cp -a --reflink=auto "$REPO" "$1"
}

format_patches()
{
	rm -f "$OUT"/[0-9][0-9][0-9][0-9]-*.patch
	g format-patch -q --zero-commit --no-signature --no-renames -o "$OUT" base..HEAD
}

# On a fresh tree the patches must make the very tree that they were made from.
try_am()
{
	local tree=$TREE want

	want=$(g rev-parse 'HEAD^{tree}')
	TREE=$W/am
	fresh_clone "$TREE"
	g am -q --committer-date-is-author-date "$OUT"/[0-9]*.patch >&2 ||
		die "'git am' refuses the series; see above."
	[ "$(g rev-parse 'HEAD^{tree}')" = "$want" ] ||
		die "'git am' of the series gives another tree than the one it was made from."
	rm -rf "$TREE"
	TREE=$tree
}

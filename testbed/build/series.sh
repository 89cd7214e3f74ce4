# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Common part of xen/series and linux/series: a list of the patches and their files,
# and a repository that is the same for every user.
# Callers set LIST, the list; W, a temporary directory; and OUT, the directory for the
# patches. series_begin sets AUTHOR, EMAIL, DATE. Callers then set TREE, the repository
# that g() uses, and REPO, a repository with only the branch base.

g()
{
	"$TESTBED/in-root" --bind "$OUT" --chdir "$TREE" -- env \
		GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \
		GIT_AUTHOR_NAME="${AUTHOR% <*}" GIT_AUTHOR_EMAIL="$EMAIL" \
		GIT_COMMITTER_NAME="${AUTHOR% <*}" GIT_COMMITTER_EMAIL="$EMAIL" \
		GIT_AUTHOR_DATE="$DATE" GIT_COMMITTER_DATE="$DATE" \
		git -c gc.auto=0 -c core.autocrlf=false -c advice.detachedHead=false "$@"
}

# A field from the top of the list, before the first patch.
list_field()
{
	sed -n "/^%%/q; s/^$1: *//p" "$W/series.list"
}

words_of()
{
	sed -n "s/^$1: *//p" "$2" | tr ' ' '\n' | sed '/^$/d'
}

# Read the list once, and split it at its '%%' lines into $W/p.NNNN.{head,body}.
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

# commit_as HEAD [OPTION]...: commit the current tree as the patch of this head.
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

# Apply the patches to a fresh tree: the result must equal the tree they came from.
try_am()
{
	local tree=$TREE want

	want=$(g rev-parse 'HEAD^{tree}')
	TREE=$W/am
	fresh_clone "$TREE"
	g am -q --committer-date-is-author-date "$OUT"/[0-9]*.patch >&2 ||
		die "'git am' rejects the series; see above."
	[ "$(g rev-parse 'HEAD^{tree}')" = "$want" ] ||
		die "'git am' of the series does not reproduce the tree that the series was made from."
	rm -rf "$TREE"
	TREE=$tree
}

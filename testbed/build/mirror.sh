# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where Debian comes from: MIRROR= (and MIRROR_SECURITY=), or what the host's
# own apt uses.  apt itself is asked, so every format it reads is understood.
# MIRROR_OPTIONS= is for a mirror that Debian's own keys have not signed: apt's
# options of a source, as signed-by=FILE, or trusted=yes for one on this host.

SUITE=trixie
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

host_repos()
{
	apt-get indextargets --no-release-info \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Identifier: Packages' 2>/dev/null | sort -u
}

# The first of the host's repositories whose suite matches $1, with main.
host_mirror()
{
	host_repos | awk -v re="$1" '
		$3 == "main" && $2 ~ re { sub(/\/$/, "", $1); print $1; exit }'
}

# Does the URI serve the suite?  apt's own downloader honours apt's proxies.
mirror_serves()
{
	local out rc=0

	out=$(mktemp)
	/usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
		download-file "$1/dists/$2/Release" "$out" >/dev/null 2>&1 || rc=1
	[ -s "$out" ] || rc=1
	rm -f "$out" "$out.FAILED"
	return $rc
}

# Sets MIRROR and MIRROR_SECURITY (empty if there is none), checked.
mirror_setup()
{
	local base='^(bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)$'

	if [ -z "${MIRROR:-}" ]; then
		MIRROR=$(host_mirror "$base")
		: "${MIRROR_SECURITY:=$(host_mirror '-security(/|$)')}"
		[ -n "$MIRROR" ] ||
			die "the host's apt configuration names no Debian main repository; give one with MIRROR=URI."
	fi
	MIRROR=${MIRROR%/}
	: "${MIRROR_SECURITY:=$MIRROR-security}"
	mirror_serves "$MIRROR" $SUITE ||
		die "no network, or $MIRROR does not serve Debian $SUITE; check the connection or give another mirror with MIRROR=URI."
	mirror_serves "$MIRROR_SECURITY" $SUITE-security || {
		say "$ME: note: $MIRROR_SECURITY does not serve $SUITE-security; going on without it (MIRROR_SECURITY=URI gives another)."
		MIRROR_SECURITY=
	}
}

# One-line sources for the suites named ('' for the release itself).
mirror_sources()
{
	local type=$1 s
	shift

	type+=${MIRROR_OPTIONS:+ [$MIRROR_OPTIONS]}
	for s in "$@"; do
		case $s in
		security)
			[ -z "$MIRROR_SECURITY" ] ||
				echo "$type $MIRROR_SECURITY $SUITE-security main" ;;
		'')
			echo "$type $MIRROR $SUITE main" ;;
		*)
			echo "$type $MIRROR $SUITE-$s main" ;;
		esac
	done
}

# Debian's packages are resolved and fetched by the root's apt, with a state
# of its own in the cache: neither the host's apt nor the root is touched.
apt_options()
{
	printf '%s\n' \
		-o "Dir::Etc::sourcelist=$CACHE/apt/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::State::lists=$CACHE/apt/lists" \
		-o "Dir::Cache=$CACHE/apt/cache" \
		-o APT::Sandbox::User=root \
		-o Acquire::Languages=none \
		-o Acquire::Retries=3
}

# in_apt CMD ARG...: apt-get or apt-cache with that state, in the directory
# we are in, and with the user's keyring, if there is one.
in_apt()
{
	local cmd=$1 opts bind=()
	shift

	[[ ! ${MIRROR_OPTIONS:-} =~ signed-by=(/[^ ]*) ]] || bind=(--bind "${BASH_REMATCH[1]}")
	mapfile -t opts < <(apt_options)
	"$TESTBED/in-root" "${bind[@]}" -- "$cmd" "${opts[@]}" "$@"
}

# A list that cannot be renewed is an error, not the one from before.
apt_update()
{
	in_apt apt-get update --error-on=any
}

apt_sources()
{
	local MIRROR_OPTIONS=${MIRROR_OPTIONS:-signed-by=$KEYRING}

	mirror_sources deb '' updates security backports
	mirror_sources deb-src '' security
}

# Package lists of the mirror, at most some minutes old: a mirror drops the files
# that older lists name.  They are in apt/lists, and apt/fresh says since when.
apt_setup()
{
	local dir=$CACHE/apt

	mirror_setup
	mkdir -p "$dir"/{lists,cache/archives/partial} "$CACHE/locks"
	exec 6>"$CACHE/locks/apt"
	flock 6
	if [ -z "$(find "$dir/fresh" -mmin -10 2>/dev/null)" ] ||
	   ! apt_sources | cmp -s - "$dir/sources.list"; then
		rm -f "$dir/fresh"
		apt_sources >"$dir/sources.list"
		step apt-update apt_update 6>&- ||
			die "fetching Debian's package lists from $MIRROR failed; check the network or set MIRROR=URI."
		: >"$dir/fresh"
	fi
	exec 6>&-
}

# The next lists are new ones.
apt_forget()
{
	rm -f "$CACHE/apt/fresh"
}

# apt_artifact NAME KEY FN: one whose recipe asks apt.
apt_artifact()
{
	have "$CACHE/$1-$2" || apt_setup
	artifact "$@"
}

# named_by PKG HOW REGEX: apt's pattern for the package whose name matches and
# that PKG HOW: depends or recommends.  It finds the ABI number or the release
# that stands in such a name.
named_by()
{
	echo "?and(?name($3),?reverse-$2(?exact-name($1)))"
}

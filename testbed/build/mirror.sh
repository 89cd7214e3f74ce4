# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The Debian mirror: MIRROR= (and MIRROR_SECURITY=), or the one that the host's apt
# uses. apt itself prints it, so its configuration may have any format.
# MIRROR_OPTIONS= has apt's options for a mirror that Debian's keys have not signed:
# signed-by=FILE, or trusted=yes for a mirror on this host.

SUITE=trixie
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

host_repos()
{
	apt-get indextargets --no-release-info \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Identifier: Packages' 2>/dev/null | sort -u
}

# The host's first repository whose suite matches $1 and which has main.
host_mirror()
{
	host_repos | awk -v re="$1" '
		$3 == "main" && $2 ~ re { sub(/\/$/, "", $1); print $1; exit }'
}

# True if the URI serves the suite. apt's downloader uses apt's proxies.
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

# Set MIRROR and MIRROR_SECURITY (empty if there is none), and check that they work.
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
		say "$ME: note: $MIRROR_SECURITY does not serve $SUITE-security and is not used; MIRROR_SECURITY=URI names another."
		MIRROR_SECURITY=
	}
}

# One-line sources for these suites ('' is the release itself).
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

# The root's apt resolves and fetches Debian's packages. Its state is in the cache, so
# that the host's apt and the root stay unchanged.
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

# in_apt CMD ARG...: run apt-get or apt-cache with that state in the current directory,
# with the user's keyring if there is one.
in_apt()
{
	local cmd=$1 opts bind=()
	shift

	[[ ! ${MIRROR_OPTIONS:-} =~ signed-by=(/[^ ]*) ]] || bind=(--bind "${BASH_REMATCH[1]}")
	mapfile -t opts < <(apt_options)
	"$TESTBED/in-root" "${bind[@]}" -- "$cmd" "${opts[@]}" "$@"
}

# --error-on=any: a list that apt cannot fetch is an error; otherwise apt would use an
# older one.
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

# Fetch the mirror's package lists unless they are at most 10 minutes old: a mirror
# deletes the files that older lists name. apt/lists has the lists, the time of
# apt/fresh is their age.
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

# Make the next apt_setup fetch new lists.
apt_forget()
{
	rm -f "$CACHE/apt/fresh"
}

# apt_artifact NAME KEY FN: an artifact whose recipe uses apt.
apt_artifact()
{
	have "$CACHE/$1-$2" || apt_setup
	artifact "$@"
}

# named_by PKG HOW REGEX: apt's pattern for the package whose name matches REGEX and
# that PKG depends on or recommends (HOW). The name contains an ABI number or a
# release, which only the lists of the mirror have.
named_by()
{
	echo "?and(?name($3),?reverse-$2(?exact-name($1)))"
}

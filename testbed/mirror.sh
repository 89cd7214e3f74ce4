# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where Debian comes from: MIRROR= (and MIRROR_SECURITY=), or what the host's
# own apt uses.  apt itself is asked, so every format it reads is understood.

SUITE=trixie

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
# we are in.
in_apt()
{
	local cmd=$1 opts
	shift

	mapfile -t opts < <(apt_options)
	"$TESTBED/in-root" -- "$cmd" "${opts[@]}" "$@"
}

apt_update()
{
	in_apt apt-get update
}

# Fresh package lists.  Callers hold the lock of what they resolve.
apt_setup()
{
	mirror_setup
	mkdir -p "$CACHE"/apt/{lists,cache/archives/partial}
	{
		mirror_sources deb '' updates security backports
		mirror_sources deb-src '' security
	} | sed 's,^\(deb[-src]*\) ,\1 [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ,' \
		>"$CACHE/apt/sources.list"
	step apt-update apt_update ||
		die "fetching Debian's package lists from $MIRROR failed; check the network or set MIRROR=URI."
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shell library of the testbed: the cache, its keys, progress and errors.
# Source it from bash; it requires no variable and sets TOP, TESTBED and CACHE.
#
# Results (paths) go to standard output, messages for people to standard error. Every
# artifact is in $CACHE/NAME-KEY. KEY is a digest of all inputs of the artifact. One
# rename puts an artifact there.

set -euo pipefail

TESTBED=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TOP=$(dirname "$TESTBED")
CACHE=${XPI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xen-pv-iommu}
JOBS=${XPI_JOBS:-$(nproc)}
ME=${0##*/}

say()
{
	printf '%s\n' "$*" >&2
}

# Print one sentence with the problem and its remedy, and exit.
die()
{
	say "$ME: $*"
	exit 1
}

need_root()
{
	[ "$(id -u)" = 0 ] ||
		die "this needs root (it mounts and chroots); run it as root or with sudo."
}

cache_setup()
{
	mkdir -p "$CACHE"/{times,logs,locks} 2>/dev/null ||
		die "cannot write the cache directory $CACHE; set XPI_CACHE= to a writable one."
}

# Exit if there is too little disk space, before a long build starts.
need_disk()
{
	local mib=$1 what=$2 free

	[ -n "${XPI_NO_DISK_CHECK:-}" ] && return 0
	free=$(df -Pm "$CACHE" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$mib" ] ||
		die "$what needs $mib MiB in $CACHE but only $free MiB are free; free some space or set XPI_CACHE= to a bigger disk."
}

# Install a package on the host, but only if its command is missing.
need_host()
{
	local cmd=$1 pkg=$2

	command -v "$cmd" >/dev/null && return 0
	command -v apt-get >/dev/null ||
		die "the command $cmd is missing; install it (Debian package $pkg) and try again."
	step "host-$pkg" host_install "$pkg" ||
		die "the host package $pkg is missing and apt-get failed to install it; install it by hand and try again."
}

host_install()
{
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y --no-install-recommends "$1" ||
		{ apt-get update && apt-get install -y --no-install-recommends "$1"; }
}

# Digest of standard input, short enough for a path.
key()
{
	sha256sum | cut -c1-16
}

# Names and contents of files, in a stable order, for use in a key. Names are relative
# to the directory $1, so that two checkouts share one cache.
digest_files()
{
	(cd "$1" && shift && find "${@:-.}" -type f -print0 | LC_ALL=C sort -zu |
	 xargs -0r sha256sum)
}

elapsed_of()
{
	cat "$CACHE/times/$1" 2>/dev/null || true
}

# Progress of a long step, in one line of the terminal.
ticker()
{
	local name=$1 log=$2 last=$3 t=0 of='' line

	[ -n "$last" ] && of=" of about $last"
	while sleep 1; do
		t=$((t + 1))
		line=$(tail -c 300 "$log" 2>/dev/null | tr '\r' '\n' |
		       tail -n 1 | tr -cd '[:print:]' | cut -c1-48)
		printf '\r\033[K    %s: %d%s s  %s' "$name" "$t" "$of" "$line" >&2
	done
}

# Kill processes and all their descendants, parents first, so that no parent continues
# after its child ended.
kill_trees()
{
	local p kids

	for p in "$@"; do
		kids=$(cat "/proc/$p/task/$p/children" 2>/dev/null) || true
		kill "$p" 2>/dev/null || true
		# shellcheck disable=SC2086 # a list of numbers
		kill_trees $kids
	done
}

# step NAME CMD...: run a long command with its output in a log. Show its name, how
# long it has run, and how long it took last time.
step()
{
	local name=$1 log last start tick= cmd rc=0 restore=:
	shift

	cache_setup
	log=$CACHE/logs/$name.log
	last=$(elapsed_of "$name")
	say "==> $name${last:+ (took $last s last time)}"
	start=$SECONDS
	if [ -t 2 ]; then
		ticker "$name" "$log" "$last" </dev/null 9>&- &
		tick=$!
	fi
	# Not 'CMD || rc=$?': bash ignores 'set -e' inside such a list, and a
	# recipe must stop at its first failure. This applies to callers too.
	case $- in *e*) restore='set -e' ;; esac
	set +e
	# In the background: a shell in 'wait' handles signals at once.
	(set -e; "$@") >"$log" 2>&1 </dev/null 9>&- &
	cmd=$!
	trap 'kill_trees "$cmd" $tick; trap - TERM; kill $$' TERM INT HUP
	wait "$cmd"
	rc=$?
	trap - TERM INT HUP
	if [ -n "$tick" ]; then
		kill_trees "$tick"
		wait "$tick" 2>/dev/null
	fi
	$restore
	[ -t 2 ] && printf '\r\033[K' >&2
	if [ "$rc" != 0 ]; then
		say "--- the last lines of $log:"
		tail -n 25 "$log" >&2
		return "$rc"
	fi
	echo $((SECONDS - start)) >"$CACHE/times/$name"
	say "    $name: done in $((SECONDS - start)) s"
}

# have DIR: true if this artifact exists. Updates its time of use, so that prune keeps
# it.
have()
{
	touch -c "$1" 2>/dev/null || true
	[ -e "$1" ]
}

# why STEP: print the last sentence that the failed step printed with die, else the
# path of its log.
why()
{
	local said

	said=$(sed -n "s/^$ME: //p" "$CACHE/logs/$1.log" | tail -n 1)
	echo "${said:-making $1 failed; the whole log is $CACHE/logs/$1.log.}"
}

# artifact NAME KEY FN: make $CACHE/NAME-KEY by FN DIR unless it exists, and return
# its path in REPLY. A second maker of the artifact waits for the first. A maker that
# was killed leaves only a tmp. directory, which the next maker removes.
artifact()
{
	local name=$1 id=$1-$2 fn=$3 tmp rc

	REPLY=$CACHE/$id
	have "$REPLY" && return 0
	cache_setup
	exec 9>"$CACHE/locks/$id"
	flock -n 9 || { say "    waiting for another maker of $name"; flock 9; }
	if [ ! -e "$REPLY" ]; then
		rm -rf --one-file-system "$CACHE/tmp.$id".*
		tmp=$CACHE/tmp.$id.$$
		mkdir "$tmp"
		set +e
		step "$name" "$fn" "$tmp"
		rc=$?
		set -e
		if [ $rc != 0 ]; then
			rm -rf --one-file-system "$tmp"
			die "$(why "$name")"
		fi
		mv -T "$tmp" "$CACHE/$id"
		prune "$name" "$id"
	fi
	exec 9>&-
	REPLY=$CACHE/$id
}

# Remove artifacts of NAME with other keys that no run used for 3 days. Another
# checkout, or a current run, may need younger ones.
prune()
{
	remove_unused "$CACHE" 3 -name "$1-????????????????" ! -name "$2"
}

# remove_unused DIR DAYS TEST...: remove the directories in DIR that match find's TESTs
# and that no run used for DAYS. One rename takes a directory out of DIR, so that DIR
# never has an incomplete one.
remove_unused()
{
	local d

	while IFS= read -r -d '' d; do
		mv -T "$d" "$CACHE/tmp.unused.$$" 2>/dev/null || continue
		rm -rf --one-file-system "$CACHE/tmp.unused.$$"
		say "    removed ${d#"$CACHE"/}, not used for $2 days"
	done < <(find "$1" -mindepth 1 -maxdepth 1 -type d -mtime "+$2" "${@:3}" -print0)
}

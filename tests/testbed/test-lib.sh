#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guarantees of the cache (testbed/build/lib.sh): an artifact is complete or absent,
# is made once even with several makers, and a failed recipe is a failure. The guarantee
# of in-root: no process and no mount of a command remains after its end.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
testbed=$here/../../testbed

# maker NAME BODY: write a program that makes the artifact "thing" with the recipe BODY.
maker()
{
	cat >"$W/$1" <<-END
		#!/bin/bash
		. "$testbed/build/lib.sh"
		recipe() { $2; }
		artifact thing "\$(echo key | key)" recipe
		echo "\$REPLY"
	END
	chmod +x "$W/$1"
}

check()
{
	local name=$1 why=$2
	shift 2

	if "$@"; then pass "$name"; else fail "$name" "$why"; fi
}

cache=$W/cache
run()
{
	XPI_CACHE=$cache "$W/$1" 2>>"$W/err"
}

things()
{
	compgen -G "$cache/$1"
}

# Print those of the processes that still run.
alive()
{
	local k

	for k; do [ ! -d "/proc/$k" ] || echo "$k"; done
}

# set -e must be in effect inside a recipe: the line after the failure must not run.
maker broken 'false; echo x >"$1/file"'
refuses lib.recipe-fails 'making thing failed' env XPI_CACHE="$cache" "$W/broken"
if things 'thing-*' >/dev/null || things 'tmp.*' >/dev/null; then
	fail lib.failure-leaves-nothing "the cache has a remainder"
else
	pass lib.failure-leaves-nothing
fi

# Two makers at once: one makes the artifact, the other waits and gets the same path.
maker slow 'echo made >>'"$W"'/made; sleep 2; echo x >"$1/file"'
run slow >"$W/one" & a=$!
run slow >"$W/two" & b=$!
wait $a $b
check lib.made-once "made $(wc -l <"$W/made") times" [ "$(wc -l <"$W/made")" = 1 ]
check lib.same-for-both "two paths" cmp -s "$W/one" "$W/two"
check lib.whole "not whole" [ -s "$(cat "$W/one")/file" ]
rm -rf "$cache" "$W/made"

# A killed maker must leave no artifact and no recipe; the next maker cleans up.
for sig in TERM KILL; do
	maker half 'echo x >"$1/file"; sleep 86399; echo never'
	XPI_CACHE=$cache "$W/half" >/dev/null 2>&1 &
	p=$!
	for _ in $(seq 50); do things 'tmp.thing-*/file' >/dev/null && break; sleep 0.1; done
	kids=$(cat "/proc/$p/task/$p/children")
	kill -$sig $p
	wait $p 2>/dev/null
	if things 'thing-*' >/dev/null; then
		fail "lib.killed-${sig,,}" "a half-made artifact was published"
	else
		pass "lib.killed-${sig,,}"
	fi
	if [ $sig = TERM ]; then
		# The recipe sleeps longer than this loop, so its end is due to the signal.
		for _ in $(seq 100); do [ -n "$(alive $kids)" ] || break; sleep 0.1; done
		check lib.killed-stops-recipe "the recipe still runs" [ -z "$(alive $kids)" ]
	else
		# After KILL the maker cannot clean up: its children still hold the lock.
		for k in $kids; do
			kill -KILL $(cat "/proc/$k/task/$k/children" 2>/dev/null) "$k" 2>/dev/null
		done
	fi
done
maker good 'echo x >"$1/file"'
run good >"$W/one"
check lib.next-succeeds "it did not" [ -s "$(cat "$W/one")/file" ]
check lib.next-cleans-up "tmp. is left" [ -z "$(things 'tmp.*')" ]

# Artifacts with other keys are removed by the time of their last use, not by their age.
cat >"$W/keyed" <<END
. "$testbed/build/lib.sh"
recipe() { echo x >"\$1/file"; }
artifact "\$1" "\$(echo "\$2" | key)" recipe
echo "\$REPLY"
END
keyed()
{
	XPI_CACHE=$cache bash "$W/keyed" "$@" 2>>"$W/err"
}
days_old()
{
	touch -d "$1 days ago" "${@:2}"
}
there()
{
	local f

	for f; do [ -e "$f/file" ] || return 1; done
}
one=$(keyed thing one)
two=$(keyed thing two)
other=$(keyed other one)
days_old 9 "$one" "$two" "$other"
keyed thing one >/dev/null
three=$(keyed thing three)
check lib.used-stays "an artifact in use was removed" there "$one" "$three" "$other"
check lib.unused-is-removed "an unused artifact was not removed" [ ! -e "$two" ]

# prune works on all of the cache; a build holds the lock of its tree.
trees=$cache/xen-work
mkdir -p "$trees"/{old,used,locked,series-old} "$cache"/tmp.{old,used}.1 "$cache/tmp/mutants.old"
days_old 39 "$trees"/{old,locked,series-old} "$cache"/tmp.old.1 "$cache/tmp/mutants.old" "$other"
pruned()
{
	XPI_CACHE=$cache flock "$cache/locks/xen-work-locked" "$testbed/prune" "$@" 2>>"$W/err"
}
refuses lib.prune-few-days "^prune: '1' is not a number of days from 3 on; " pruned 1
pruned
check lib.prune-unused "unused parts were not removed" \
	[ -z "$(things 'xen-work/*old'; things 'tmp.old*'; things 'tmp/*'; things 'other-*')" ]
check lib.prune-used "parts in use were removed" \
	[ -e "$one/file" -a -e "$three/file" -a -d "$trees/used" -a -d "$trees/locked" -a -d "$cache/tmp.used.1" ]

if [ "$(id -u)" != 0 ]; then
	skip in-root "needs root"
	finish
fi
in_root()
{
	"$testbed/in-root" "$@"
}

in_root -- true >/dev/null 2>&1 </dev/null	# makes the root if it is absent
in_root -- sh -c 'exit 7' >/dev/null 2>&1
check in-root.exit-status "it is lost" [ $? = 7 ]
check in-root.stdin "it is lost" [ "$(echo word | in_root -- cat)" = word ]
check in-root.arguments "they changed" \
	[ "$(in_root -- printf '[%s]' 'a b' '' '$x"' 2>/dev/null)" = "[a b][][\$x\"]" ]
check in-root.read-only "the root could be written" \
	[ "$(in_root -- sh -c 'touch /usr/x 2>/dev/null; echo $?')" != 0 ]
mkdir "$W/dir"
in_root --bind "$W/dir:/mnt" --chdir /mnt -- touch file
check in-root.bind "the file did not arrive" [ -e "$W/dir/file" ]
refuses in-root.bind-absent 'does not exist; ' in_root --bind "$W/none:/mnt" -- true

mounts=$(wc -l </proc/mounts)
for sig in TERM KILL; do
	mark=86$RANDOM
	"$testbed/in-root" -- sh -c "sleep $mark & sleep $mark & wait" >/dev/null 2>&1 &
	p=$!
	running()
	{
		grep -lzx "[8]${mark#8}" /proc/[0-9]*/cmdline 2>/dev/null | wc -l
	}
	for _ in $(seq 50); do [ "$(running)" -ge 2 ] && break; sleep 0.1; done
	before=$(running)
	kill -$sig $p
	wait $p 2>/dev/null
	for _ in $(seq 30); do [ "$(running)" = 0 ] && break; sleep 0.1; done
	check "in-root.killed-${sig,,}" "$before were running, $(running) are left" \
		[ "$before" -ge 2 -a "$(running)" = 0 ]
done
check in-root.no-mounts "mounts are left" [ "$(wc -l </proc/mounts)" = "$mounts" ]
finish

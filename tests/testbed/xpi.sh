# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The result protocol for tests of the testbed that are shell scripts.

P=host.testbed
passed=0 failed=0 skipped=0
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

pass()
{
	passed=$((passed + 1))
	echo "xpi: pass $P.$1"
}

fail()
{
	failed=$((failed + 1))
	echo "xpi: fail $P.$1: $2"
}

skip()
{
	skipped=$((skipped + 1))
	echo "xpi: skip $P.$1: $2"
}

finish()
{
	echo "xpi: end $passed $failed $skipped"
	[ $failed = 0 ] && [ $passed -gt 0 ]
	exit
}

# refuses NAME REGEX CMD...: CMD must fail, and its last word to the user must
# be one sentence that matches.
refuses()
{
	local name=$1 re=$2 rc=0 said
	shift 2

	"$@" >"$W/out" 2>"$W/err" </dev/null || rc=$?
	said=$(tail -n 1 "$W/err")
	if [ $rc = 0 ]; then
		fail "$name" "it did not refuse"
	elif [[ ! $said =~ $re ]]; then
		fail "$name" "it said: $said"
	elif [[ $said != *'; '*. ]]; then
		fail "$name" "it does not say what to do: $said"
	else
		pass "$name"
	fi
}

# accepts NAME CMD...: the positive half of such a test.
accepts()
{
	local name=$1
	shift

	if "$@" >"$W/out" 2>"$W/err" </dev/null; then
		pass "$name"
	else
		fail "$name" "refused: $(tail -n 1 "$W/err")"
	fi
}

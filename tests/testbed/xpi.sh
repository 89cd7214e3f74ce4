# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The common part of the testbed's tests in shell.

. "$(dirname "${BASH_SOURCE[0]}")/../../testbed/judge/report.sh" host.testbed
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

# refuses NAME REGEX CMD...: CMD must fail. Its last line must match, and must say what
# to do after a semicolon.
refuses()
{
	local name=$1 re=$2 rc=0 said
	shift 2

	"$@" >"$W/out" 2>"$W/err" </dev/null || rc=$?
	said=$(tail -n 1 "$W/err")
	if [ $rc = 0 ]; then
		fail "$name" "it did not refuse"
	elif [[ ! $said =~ $re ]]; then
		fail "$name" "it printed: $said"
	elif [[ $said != *'; '*. ]]; then
		fail "$name" "the message does not say what to do: $said"
	else
		pass "$name"
	fi
}

# accepts NAME CMD...: CMD must succeed.
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

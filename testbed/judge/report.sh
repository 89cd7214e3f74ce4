# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions with which a shell script reports its tests and ends:
#	. report.sh PREFIX	the names of its tests begin with PREFIX
P=$1
passed=0 failed=0 skipped=0

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

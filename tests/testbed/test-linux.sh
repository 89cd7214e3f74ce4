#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# testbed/build/linux-config.sh: a symbol that a kernel refuses is an error that names it,
# unless the kernel does not know it and config/linux-not-everywhere lists it.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
. "$here/../../testbed/build/linux-config.sh" || exit 1

# A testbed/ and a kernel of a few lines.
TESTBED=$W/testbed SOURCE=$W/source VARIANT=dom0 FRAGMENTS=one.config
mkdir -p "$TESTBED/config" "$SOURCE/mm"
printf 'config %s\n' OLD WANTED SHUNNED LOCALVERSION >"$SOURCE/mm/Kconfig.debug"
printf 'CONFIG_NEW\tnewer than this\nCONFIG_OLD\tnewer than that\n' >"$TESTBED/config/linux-not-everywhere"

# verdict NAME STATUS REGEX: check_config must return STATUS with matching output
verdict()
{
	local rc=0 said

	echo 'CONFIG_LOCALVERSION="-xpi-dom0"' >>"$W/.config"
	said=$(check_config "$W") || rc=$?
	if [ $rc != "$2" ] || [[ ! $said =~ $3 ]]; then
		fail "$1" "status $rc, it printed: $said"
	else
		pass "$1"
	fi
}

asked()
{
	printf '%s\n' "$@" >"$TESTBED/one.config"
}

got()
{
	printf '%s\n' "$@" >"$W/.config"
}

asked CONFIG_WANTED=y '# CONFIG_SHUNNED is not set'
got CONFIG_WANTED=y
verdict linux.all-there 0 '^$'

got '# CONFIG_WANTED is not set'
verdict linux.refused 1 'refused: CONFIG_WANTED=y'

got CONFIG_WANTED=m
verdict linux.module-for-built-in 1 'refused: CONFIG_WANTED=y'

got CONFIG_WANTED=y CONFIG_SHUNNED=y
verdict linux.there-though-unwanted 1 'refused: # CONFIG_SHUNNED is not set'

asked CONFIG_NEW=y
got CONFIG_WANTED=y
verdict linux.unknown-and-listed 0 'left out.*CONFIG_NEW'

asked CONFIG_OLD=y
got '# CONFIG_OLD is not set'
verdict linux.known-though-listed 1 'refused: CONFIG_OLD=y'

asked CONFIG_NEWER=y
got CONFIG_WANTED=y
verdict linux.unknown-not-listed 1 'refused: CONFIG_NEWER=y'

FRAGMENTS='one.config two.config'
asked CONFIG_WANTED=8 CONFIG_SHUNNED=y
printf '%s\n' '# SHUNNED stays' CONFIG_WANTED=2 '# CONFIG_SHUNNED is not set' >"$TESTBED/two.config"
got CONFIG_WANTED=2
verdict linux.later-fragment-wins 0 '^$'

got CONFIG_WANTED=8
verdict linux.earlier-fragment-loses 1 'refused: CONFIG_WANTED=2'
finish

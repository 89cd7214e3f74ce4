#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What tests/dom0/guest has in common: all steps are read into one shell, so a
# function that two files define is not the one that the first of them means.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/xpi.sh" || exit 1
guest=$here/../dom0/guest

twice=$(grep -hoE '^[a-z_0-9]+\(\)' "$guest"/lib.sh "$guest"/steps/*.sh | sort | uniq -d | tr '\n' ' ')
if [ -z "$twice" ]; then
	pass guest.one-function-a-name
else
	fail guest.one-function-a-name "defined twice: $twice"
fi
for f in "$guest"/init "$guest"/lib.sh "$guest"/steps/*.sh; do
	bash -n "$f" || fail "guest.syntax-${f##*/}" "see above"
done
pass guest.syntax-read
finish

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Builds the configuration of a kernel of our own, and checks that the kernel accepted
# it. Callers set FRAGMENTS, files relative to testbed/, VARIANT, and SOURCE, the
# kernel's tree.

# Keep the last value of each symbol: a later fragment overrides an earlier one.
last_of_each()
{
	tac | awk '{ symbol = "" }
		/^CONFIG_[A-Z0-9_]+=/ { symbol = substr($0, 1, index($0, "=") - 1) }
		/^# CONFIG_[A-Z0-9_]+ is not set$/ { symbol = $2 }
		symbol == "" || !said[symbol]++' | tac
}

fragments()
{
	local f

	for f in $FRAGMENTS; do
		cat "$TESTBED/$f"
	done | last_of_each
	echo "CONFIG_LOCALVERSION=\"-xpi-$VARIANT\""
}

# Symbols that a configuration leaves out if the kernel does not know them.
excused()
{
	sed -n 's/^\(CONFIG_[A-Z0-9_]*\)[[:space:]].*/\1/p' "$TESTBED/config/linux-not-everywhere"
}

# Every line of the fragments must be in .config, literally.
check_config()
{
	local line sym bad=0

	while read -r line; do
		grep -qxF "$line" "$1/.config" && continue
		sym=$(grep -o 'CONFIG_[A-Z0-9_]*' <<<"$line" | head -n 1)
		case $line in '#'*) grep -q "^$sym=" "$1/.config" || continue ;; esac
		if excused | grep -qx "$sym" && ! known_symbol "${sym#CONFIG_}"; then
			echo "left out, as this kernel does not know it: $sym"
			continue
		fi
		echo "the configuration refused: $line"
		bad=1
	done < <(fragments | grep -E '^(CONFIG_|# CONFIG_.* is not set)')
	return $bad
}

known_symbol()
{
	grep -rqE --include='Kconfig*' "^(menu)?config $1\$" "$SOURCE"
}

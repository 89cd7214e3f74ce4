# SPDX-License-Identifier: GPL-2.0
# The step of the guest (tests/dom0/guest) that runs the suites: they run when
# their module is loaded. What KUnit reports goes to the result channel as it
# is, from where kunit/run reads it; the console may have other lines between.

# Which lines were run, where the kernel counts them: packed and printable. The
# files say that they are empty, so tar has to see copies.
send_gcov()
{
	local f copies=/tmp/gcov
	[ -d /sys/kernel/debug/gcov ] || return 0
	find /sys/kernel/debug/gcov -name '*.gcda' | while read -r f; do
		mkdir -p "$copies${f%/*}"
		cat "$f" >"$copies$f"
	done
	tar -C "$copies" -c . | gzip | base64 -w 800 | while read -r line; do
		info "gcov $line"
	done
}

step_kunit()
{
	local r
	mount -t tracefs tracefs /sys/kernel/tracing
	# Where it is built in, the command line has said so.
	modprobe -q kunit enable=1 autorun=1
	if modprobe xpi_kunit random_steps="$(option xpi_random_steps)" \
		random_seed="$(option xpi_random_seed)" 2>/tmp/modprobe; then
		pass loaded
	else
		fail loaded "$(cat /tmp/modprobe)"
	fi
	for r in /sys/kernel/debug/kunit/*/results; do
		[ ! -f "$r" ] || cat "$r" >&3
	done
	send_gcov
}

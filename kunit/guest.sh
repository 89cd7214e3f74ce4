# SPDX-License-Identifier: GPL-2.0
# The step of the guest (tests/dom0/guest) that runs the suites, by loading their
# module. KUnit's report goes to the result channel unchanged, where kunit/run reads
# it. On the console other lines could come between.

# Send the counts of lines, if the kernel counts them, as a printable archive. The size
# of these files reads as 0, so tar needs copies.
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
	# If kunit is built in, the command line has these options.
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

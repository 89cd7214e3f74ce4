# SPDX-License-Identifier: GPL-2.0
# Two groups in one container, and programs that are killed while their devices
# are at work.

step_share()
{
	take_edus share
	relay share vfio-share "$EDU_A" "$EDU_B"
	tell_counters "after sharing"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

# Pages that are pinned for devices; the counters of all CPUs are summed up first.
pinned()
{
	cat /proc/sys/vm/stat_refresh >/dev/null
	awk '$1 == "nr_foll_pin_acquired" { n += $2 } $1 == "nr_foll_pin_released" { n -= $2 } END { print n }' /proc/vmstat
}

free_kib() { sed -n 's/^MemFree: *\([0-9]*\) kB/\1/p' /proc/meminfo; }

# All that a dead program might leave behind.
holdings() { echo "$(cat $LOOK/query), pinned $(pinned), hugepages free $(hugepages Free)"; }

waits_for_running()
{
	local i
	for i in $(seq 600); do
		grep -q running /tmp/victim && return 0
		[ -d "/proc/$1" ] || return 1
		usleep 100000
	done
	return 1
}

# What is freed by a worker is back a little later.
back_to()
{
	local i
	for i in $(seq 20); do
		[ "$(holdings)" = "$1" ] && return 0
		usleep 500000
	done
	return 1
}

# kill_one BEFORE NUMBER: what it had is in /tmp/had; where in a transfer the
# signal falls differs from one to the next
kill_one()
{
	local victim
	vfio-victim "$EDU_A" "$EDU_B" >/tmp/victim 2>&1 &
	victim=$!
	waits_for_running $victim || { echo "it says $(cat /tmp/victim)" >/tmp/why; return 1; }
	holdings >/tmp/had
	[ "$(cat /tmp/had)" != "$1" ] || { echo "it has nothing: $1" >/tmp/why; return 1; }
	usleep $(($2 * 37000 % 200000))
	kill -9 $victim
	wait $victim
	[ $? = 137 ] || { echo "it did not die of the signal" >/tmp/why; return 1; }
	back_to "$1" || { echo "before $1, now $(holdings)" >/tmp/why; return 1; }
}

kill_many()
{
	local i
	for i in $(seq "$2"); do
		kill_one "$1" "$i" || { echo "the kill number $i: $(cat /tmp/why)" >/tmp/why; return 1; }
	done
}

step_kill()
{
	local n before free
	n=$(option xpi_kills)
	take_edus kill
	before=$(holdings)
	free=$(free_kib)
	tell_counters "before the kills"
	if kill_many "$before" "$n"; then
		pass kill.all-back
	else
		fail kill.all-back "$(cat /tmp/why)"
	fi
	info "killed $n programs; before $before; each had $(cat /tmp/had); after $(holdings)"
	info "free memory before $free kB, after $(free_kib) kB"
	# less than what one program has
	check kill.memory-back "$free kB were free, $(free_kib) are" \
		[ "$(free_kib)" -gt $((free - 12 * 1024)) ]
	tell_counters "after the kills"
	# a transfer that was under way when its program died
	sleep 2
	relay kill-after vfio-dma "$EDU_A" "$EDU_B"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

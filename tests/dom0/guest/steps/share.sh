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

# kill_batch BEFORE NUMBER: what free memory lost by it, in kB, is in /tmp/lost
kill_batch()
{
	local free status
	free=$(free_kib)
	kill_many "$1" "$2"
	status=$?
	echo $((free - $(free_kib))) >/tmp/lost
	info "killed $2 programs; before $1; each had $(cat /tmp/had); after $(holdings); free memory before $free kB, after $(free_kib) kB"
	return $status
}

lost_little() { [ "$(cat /tmp/lost)" -lt 12288 ]; }

# Less than what one program has. What fills up once is no leak (KASAN keeps what
# was freed, up to a part of all memory): a leak is as large the second time.
memory_back() { lost_little || { kill_batch "$1" "$2" && lost_little; }; }

what_is_lost() { echo "$(cat /tmp/lost) kB are gone" "$(cat /tmp/why 2>/dev/null)"; }

step_kill()
{
	local n before
	n=$(option xpi_kills)
	take_edus kill
	before=$(holdings)
	tell_counters "before the kills"
	if kill_batch "$before" "$n"; then
		pass kill.all-back
	else
		fail kill.all-back "$(cat /tmp/why)"
	fi
	check_after kill.memory-back what_is_lost memory_back "$before" "$n"
	tell_counters "after the kills"
	# a transfer that was under way when its program died
	sleep 2
	relay kill-after vfio-dma "$EDU_A" "$EDU_B"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

# SPDX-License-Identifier: GPL-2.0
# Two groups in one container, and programs that are killed while their devices do DMA.

step_share()
{
	take_edus share
	relay share vfio-share "$EDU_A" "$EDU_B"
	tell_counters "after sharing"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

# Print how many pages are pinned for devices. stat_refresh adds up the per-CPU counters.
pinned()
{
	cat /proc/sys/vm/stat_refresh >/dev/null
	awk '$1 == "nr_foll_pin_acquired" { n += $2 } $1 == "nr_foll_pin_released" { n -= $2 } END { print n }' /proc/vmstat
}

# Memory that is not free, in kB.
used_memory() { echo $(($(meminfo MemTotal) - $(meminfo MemFree))); }

# Print all resources that a killed program could leak.
holdings() { echo "$(cat $LOOK/query), pinned $(pinned), hugepages free $(meminfo HugePages_Free)"; }

holds() { [ "$(holdings)" = "$1" ]; }

# kill_one BEFORE NUMBER: kill a program; /tmp/had has its resources. The delay differs
# for each NUMBER, so that signals hit different parts of a transfer.
kill_one()
{
	local victim
	vfio-victim "$EDU_A" "$EDU_B" >/tmp/victim 2>&1 &
	victim=$!
	says 60 /tmp/victim running $victim || why "it printed $(cat /tmp/victim)" || return 1
	holdings >/tmp/had
	[ "$(cat /tmp/had)" != "$1" ] || why "it holds no resources: $1" || return 1
	usleep $(($2 * 37000 % 200000))
	kill -9 $victim
	wait $victim
	[ $? = 137 ] || why "the signal did not kill it" || return 1
	# Workers free some of it a little later.
	within 10 holds "$1" || why "before $1, now $(holdings)"
}

kill_many()
{
	local i
	for i in $(seq "$2"); do
		kill_one "$1" "$i" || why "the kill number $i: $(cat /tmp/why)" || return 1
	done
}

# kill_and_tell BEFORE NUMBER: kill NUMBER programs; /tmp/failed has the first failure
kill_and_tell()
{
	[ -s /tmp/failed ] || kill_many "$1" "$2" || cp /tmp/why /tmp/failed
	info "killing $2 programs; before $1; each had $(cat /tmp/had); after $(holdings)"
}

step_kill()
{
	local n before grew
	n=$(option xpi_kills)
	take_edus kill
	before=$(holdings)
	tell_counters "before the kills"
	: >/tmp/failed
	# 12 MiB: less than one program has.
	grows_at_most 12288 used_memory kill_and_tell "$before" "$n"
	grew=$?
	check kill.all-released "$(cat /tmp/failed)" [ ! -s /tmp/failed ]
	check kill.memory-back "$GREW kB are lost" [ $grew = 0 ]
	tell_counters "after the kills"
	# Wait for the transfers of killed programs.
	sleep 2
	relay kill-after vfio-dma "$EDU_A" "$EDU_B"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

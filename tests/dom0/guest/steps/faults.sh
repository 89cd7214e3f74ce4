# SPDX-License-Identifier: GPL-2.0
# Devices of programs cause faults: the programs continue, and the log has a limited
# number of messages.

TOO_OFTEN='faults too often: Xen reports no more of its faults for a second'

# The kernel's lines about refused DMA of a device.
fault_lines() { since_mark | grep -F "$1" | grep -c 'refused in context'; }

step_faults()
{
	local igb
	igb=$(nth 1 "$(devices 8086:10c9)")
	start_vfio
	check_bind faults.bind-igb "$igb"
	check_bind faults.bind-edu "$EDU_A"
	mark
	relay faults vfio-faults "$igb" "$EDU_A"
	if ours; then
		info "the kernel has $(fault_lines "$igb") lines about faults of $igb"
		check faults.logged "the kernel log does not say that $igb faults too often" \
			said "$igb" "$TOO_OFTEN"
		# At most ten in five seconds, and ten in a minute of "too often".
		check faults.log-not-flooded "$(fault_lines "$igb") lines about $igb" \
			[ "$(fault_lines "$igb")" -le 120 ]
		tell_counters "after the faults"
	fi
	unbind "$igb"
	unbind "$EDU_A"
}

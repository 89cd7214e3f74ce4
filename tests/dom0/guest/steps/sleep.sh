# SPDX-License-Identifier: GPL-2.0
# Suspend to RAM and resume: Xen programs the IOMMU again, and Linux its devices. After
# that a device must reach exactly the memory that it could reach before. The host wakes
# the machine up as soon as it sleeps.

POWER=/sys/power

# Print why this dom0 cannot suspend; nothing if it can. Linux as a PVH dom0 does not call
# Xen, but suspends the machine itself, and Xen's state is lost: do not try.
sleepless()
{
	[ "$(cat /sys/hypervisor/guest_type)" = PVH ] && {
		echo "a PVH dom0 suspends the machine without a call to Xen, and the machine does not resume"
		return
	}
	grep -qw mem $POWER/state 2>/dev/null || {
		echo "this kernel has no suspend to RAM, only: $(cat $POWER/state 2>&1)"
		return
	}
	grep -qw deep $POWER/mem_sleep || echo "this machine has no S3, mem is: $(cat $POWER/mem_sleep)"
}

slept() { cat $POWER/suspend_stats/success; }

# power_registers FROM TO SKIP SEEK: copy the eight bytes of q35's LPC bridge with the
# address of PM1
power_registers() { dd if="$1" of="$2" bs=8 skip="$3" seek="$4" count=1 conv=notrunc 2>/dev/null; }

# QEMU's firmware does not restore PM1, without which the machine could not power off. The
# lost value also shows that the machine slept.
suspend()
{
	local before lpc
	lpc=$PCI/$(devices 8086:2918)/config
	before=$(slept)
	power_registers "$lpc" /tmp/pm 8 0
	echo deep >$POWER/mem_sleep
	echo mem 2>/tmp/suspend >$POWER/state || return 1
	power_registers "$lpc" /tmp/pm-after 8 0
	power_registers /tmp/pm "$lpc" 0 8
	! cmp -s /tmp/pm /tmp/pm-after || { echo "the machine never slept" >/tmp/suspend; return 1; }
	[ "$(slept)" = $((before + 1)) ]
}

step_sleep()
{
	local ctx digest
	[ -z "$(sleepless)" ] || {
		skip sleep.suspend "$(sleepless)"
		return
	}
	check sleep.disk-there "the NVMe disk did not appear" start_disk
	digest=$(disk_digest)
	take_edus sleep
	hold held "$EDU_A"
	ctx=$(xen_context "$EDU_A")
	info "held in context $ctx, the disk is in $(xen_context "$(devices 1b36:0010)"), mem is $(cat $POWER/mem_sleep)"
	check sleep.in-context "Xen has the held device in context $ctx" [ "$ctx" -gt 0 ]
	mark
	check_after sleep.suspend "cat /tmp/suspend; since_mark | grep PM: | tail -n 3" suspend
	check_quiet sleep.quiet
	check sleep.same-context "the held device is in context $(xen_context "$EDU_A"), not $ctx" \
		[ "$(xen_context "$EDU_A")" = "$ctx" ]
	let_go
	check sleep.disk-works "dom0 reads other bytes from the disk than before" disk_works "$digest"
	vfio_works sleep-after
	unbind "$EDU_A"
	unbind "$EDU_B"
	check_after sleep.unload "cat /tmp/rmmod" unload
	check sleep.no-context "Xen has $(xen_has contexts) contexts" [ "$(xen_has contexts)" = 0 ]
}

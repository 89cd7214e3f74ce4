# SPDX-License-Identifier: GPL-2.0
# Reset devices: each must stay in its context and keep its mappings. Newer kernels than
# 6.12 block a device with ATS meanwhile: they attach it to the blocked domain, and back
# again.

can_reset() { grep -qw "$2" "$PCI/$1/reset_method" && echo "$2" >"$PCI/$1/reset_method"; }
do_reset() { echo 1 2>/tmp/reset >"$PCI/$1/reset"; }

# check_reset NAME DEVICE METHOD -gt|-eq: reset the device. In Xen it must stay in its
# context, which is one of its own (-gt) or the default one (-eq). False if it does not.
check_reset()
{
	local ctx
	ctx=$(xen_context "$2")
	info "reset of $2 in context $ctx by $3, it supports: $(cat "$PCI/$2/reset_method")"
	check "$1.in-context" "$2 is in context $ctx before the reset" [ "$ctx" "$4" 0 ]
	check "$1.method" "$2 has no reset by $3, only: $(cat "$PCI/$2/reset_method")" can_reset "$2" "$3"
	has tracefs && echo >$TRACE/trace
	check_after "$1.done" "cat /tmp/reset; since_mark | tail -n 2" do_reset "$2"
	check "$1.same-context" "$2 is in context $(xen_context "$2"), not $ctx" [ "$(xen_context "$2")" = "$ctx" ]
	[ "$(xen_context "$2")" = "$ctx" ]
}

# Print the contexts of all attaches since the trace was cleared.
attached() { sed -n 's/.*hypercall: op=attach ctx=\(0x[0-9a-f]*\) count=1 result=1 .*/\1/p' $TRACE/trace | tr '\n' ' '; }

# check_blocked NAME DEVICE: the device was in the blocked domain during its reset
check_blocked()
{
	has tracefs || return
	info "attached during the reset: $(attached)"
	if grep -qw pci_dev_reset_iommu_prepare /proc/kallsyms; then
		check "$1.blocked-meanwhile" "the device was attached to: $(attached)" \
			[ "$(attached)" = "$(printf '0xfffe 0x%x ' "$(xen_context "$2")")" ]
	else
		skip "$1.blocked-meanwhile" "this kernel does not block devices while it resets them"
	fi
}

# The port resets edu, which has no reset of its own.
reset_held()
{
	start_vfio
	check_bind reset.edu.bind "$EDU_A"
	hold held "$EDU_A"
	check_reset reset.edu "$EDU_A" bus -gt
	let_go
	unbind "$EDU_A"
}

# check_disk NAME: its driver reads the right bytes
check_disk()
{
	echo "$VIRTIO" >/sys/bus/pci/drivers_probe
	check "$1-there" "the disk did not appear" within 40 disk_there
	check "$1-reads-right" "dom0 reads other bytes from the disk than the host" \
		[ "$(disk_sum)" = "$(option xpi_digest)" ]
	unbind "$VIRTIO"
}

# reset_disk NAME -gt|-eq: reset it without its driver, which may not support recovery.
# Its default domain stays attached. If the reset fails, stop: the driver would wait for
# a blocked disk for ever.
reset_disk()
{
	check_disk "$1.before"
	check_reset "$1" "$VIRTIO" flr "$2" || return
	check_blocked "$1" "$VIRTIO"
	check_disk "$1.after"
}

step_reset()
{
	VIRTIO=$(devices 1af4:1042)
	# The IOMMU driver takes only idle devices, and the disk has a driver since boot.
	unbind "$VIRTIO"
	set_command "$VIRTIO" 0
	load_driver reset || return
	has tracefs && start_tracing
	mark
	# Step cable checks that igb works afterwards.
	check_reset reset.igb "$(devices 8086:10c9)" flr -gt
	DISK=/dev/vda
	modprobe virtio_blk
	modprobe -q virtio_pci	# fails if it is built in
	reset_disk reset.disk -gt
	check_after reset.identity.type "cat /tmp/set-type" set_type "$VIRTIO" identity
	reset_disk reset.identity -eq
	check_quiet reset.quiet
	reset_held
	stop_tracing
}

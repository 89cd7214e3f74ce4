# SPDX-License-Identifier: GPL-2.0
# Devices that are reset: each stays in its context, and what was mapped for it
# still is.  Newer kernels than 6.12 block a device with ATS meanwhile: an
# attach to the blocked domain and one back.

can_reset() { grep -qw "$2" "$PCI/$1/reset_method" && echo "$2" >"$PCI/$1/reset_method"; }
do_reset() { echo 1 2>/tmp/reset >"$PCI/$1/reset"; }

# check_reset NAME DEVICE METHOD -gt|-eq: Xen has the device in the same context
# after it, one of its own or the default one; false if not
check_reset()
{
	local ctx
	ctx=$(xen_context "$2")
	info "reset of $2 in context $ctx by $3, it knows: $(cat "$PCI/$2/reset_method")"
	check "$1.in-context" "$2 is in context $ctx already before" [ "$ctx" "$4" 0 ]
	check "$1.method" "$2 has no reset by $3, but: $(cat "$PCI/$2/reset_method")" can_reset "$2" "$3"
	has tracefs && echo >$TRACE/trace
	check_after "$1.done" "cat /tmp/reset; since_mark | tail -n 2" do_reset "$2"
	check "$1.same-context" "$2 is in context $(xen_context "$2"), not $ctx" [ "$(xen_context "$2")" = "$ctx" ]
	[ "$(xen_context "$2")" = "$ctx" ]
}

# The contexts that devices were attached to since the trace is empty.
attached() { sed -n 's/.*hypercall: op=attach ctx=\(0x[0-9a-f]*\) count=1 result=1 .*/\1/p' $TRACE/trace | tr '\n' ' '; }

# check_blocked NAME DEVICE: it was, while it was reset
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

# By its port: edu has no reset of its own.
reset_held()
{
	start_vfio
	check_bind reset.edu.bind "$EDU_A"
	hold held "$EDU_A"
	check_reset reset.edu "$EDU_A" bus -gt
	let_go
	unbind "$EDU_A"
}

# check_disk NAME: with its driver the disk reads right
check_disk()
{
	echo "$VIRTIO" >/sys/bus/pci/drivers_probe
	check "$1-there" "the disk did not appear" within 40 disk_there
	check "$1-reads-right" "the disk reads something else than the host has" \
		[ "$(disk_sum)" = "$(option xpi_digest)" ]
	unbind "$VIRTIO"
}

# reset_disk NAME -gt|-eq: without its driver, which need not know how to recover;
# the domain is the default one, which stays.  A disk that may not do DMA would
# keep its driver waiting for ever.
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
	# The driver takes over only what is idle, and this one is there since boot.
	unbind "$VIRTIO"
	set_command "$VIRTIO" 0
	load_driver reset || return
	has tracefs && start_tracing
	mark
	# Step cable shows that this one works.
	check_reset reset.igb "$(devices 8086:10c9)" flr -gt
	DISK=/dev/vda
	modprobe virtio_blk
	modprobe -q virtio_pci	# or it is built in
	reset_disk reset.disk -gt
	check_after reset.identity.type "cat /tmp/set-type" set_type "$VIRTIO" identity
	reset_disk reset.identity -eq
	check_quiet reset.quiet
	reset_held
	stop_tracing
}

# SPDX-License-Identifier: GPL-2.0
# A PVH dom0: the driver is loaded before the disk's driver, so that the disk does all its
# DMA through a context of its own. The host has given the digest of the disk.

disk_type() { cat "$PCI/$(devices 1b36:0010)/iommu_group/type"; }
disk_sum() { dd if=$DISK bs=1M count=8 iflag=direct 2>/dev/null | md5sum | cut -d' ' -f1; }

# Read until the file is removed; count the reads that returned the right bytes.
keep_reading()
{
	local n=0
	while [ -e /tmp/keep-reading ]; do
		[ "$(disk_sum)" = "$1" ] || break
		n=$((n + 1))
		echo $n >/tmp/reads
	done
}

# Switch a group to deferred flushing while its driver works. An IOMMU driver that claims
# to support this but does not would fail here.
switch_under_load()
{
	local reader type=$PCI/$(devices 1b36:0010)/iommu_group/type first
	echo 0 >/tmp/reads
	: >/tmp/keep-reading
	keep_reading "$1" &
	reader=$!
	while [ "$(cat /tmp/reads)" = 0 ] && [ -d /proc/$reader ]; do usleep 100000; done
	first=$(cat /tmp/reads)
	echo DMA-FQ 2>/tmp/switch >"$type"
	info "after DMA-FQ the disk's group is $(cat "$type") $(tr '\n' ' ' </tmp/switch)"
	within 60 eval '[ "$(cat /tmp/reads)" -gt $((first + 1)) ] || [ ! -d /proc/$reader ]'
	rm /tmp/keep-reading
	wait $reader
	info "reads $first before, $(cat /tmp/reads) in all"
	[ "$(cat /tmp/reads)" -gt $((first + 1)) ]
}

# Since 7.3 the kernel's block layer waits for every flush, with any type of the group.
strict_block_io()
{
	set -- $(uname -r | tr .- '  ')
	[ $(($1 * 100 + $2)) -ge 703 ]
}

REQUESTS=16

# Make requests of 128 KiB, one after the other, and print the driver's counters for them.
measure_requests()
{
	snapshot before
	dd if=$DISK of=/dev/null bs=128k count=$REQUESTS iflag=direct || return 1
	snapshot after
	info "$REQUESTS requests of 128 KiB, $(disk_type): $(for c in map_calls unmap_calls hypercalls \
		descriptors runs pages_mapped deferred_unmaps flush_alls; do
			echo "$c $(grown $c before after)"; done | tr '\n' ' ')"
}

# One hypercall must map all pages of a request, even if they are scattered.
one_map_each()
{
	[ "$(grown map_calls before after)" = $REQUESTS ] &&
		[ "$(grown pages_mapped before after)" -ge $((REQUESTS * 32)) ] &&
		[ "$(grown runs before after)" -gt $REQUESTS ]
}

one_unmap_each()
{
	[ "$(grown unmap_calls before after)" = $REQUESTS ] &&
		[ "$(grown deferred_unmaps before after)" = 0 ]
}

unmaps_deferred()
{
	[ "$(grown deferred_unmaps before after)" = $REQUESTS ] &&
		[ "$(grown unmap_calls before after)" -le "$(grown flush_alls before after)" ]
}

# Not by check_after: the reasons use the numbers that the first line measures.
count_strict()
{
	check inside.strict-read "the disk could not be read" measure_requests
	check inside.strict-one-map "$(grown map_calls before after) hypercalls for $REQUESTS requests" one_map_each
	check inside.strict-one-unmap "$(grown unmap_calls before after) hypercalls for $REQUESTS requests" one_unmap_each
}

count_deferred()
{
	check inside.deferred-read "the disk could not be read" measure_requests
	check inside.deferred-one-map "$(grown map_calls before after) hypercalls for $REQUESTS requests" one_map_each
	if strict_block_io; then
		check inside.deferred-one-unmap "$(grown unmap_calls before after) hypercalls for $REQUESTS requests" one_unmap_each
	else
		check inside.deferred-unmaps "$(grown deferred_unmaps before after) deferred, $(grown unmap_calls before after) hypercalls, $(grown flush_alls before after) flushes" unmaps_deferred
	fi
}

step_pvh()
{
	local want
	want=$(option xpi_digest)
	modprobe xpi_secret
	check early.nothing-before "the disk is there before its driver" [ ! -b $DISK ]
	mark
	if ! modprobe xen-pv-iommu 2>/tmp/modprobe; then
		fail early.modprobe "$(cat /tmp/modprobe) $(since_mark | tail -n 3)"
		return
	fi
	pass early.modprobe
	list_groups
	check early.groups "iommu_groups is empty" [ "$(groups)" -gt 0 ]
	# Strict at first, with any default of the kernel.
	echo DMA >"$PCI/$(devices 1b36:0010)/iommu_group/type"
	check early.disk-there "the NVMe disk did not appear" start_disk
	info "the disk's group is $(disk_type)"
	check early.disk-translated "the disk's default domain is $(disk_type)" [ "$(disk_type)" != identity ]
	check early.disk-reads-right "dom0 reads other bytes from the disk than the host" [ "$(disk_sum)" = "$want" ]
	count_strict
	check_after early.deferred-switch "echo reads from the disk stopped or returned wrong bytes:; cat /tmp/switch" \
		switch_under_load "$want"
	check early.disk-reads-right-after "after the switch dom0 reads other bytes from the disk than the host" \
		[ "$(disk_sum)" = "$want" ]
	check inside.deferred-type "the disk's group is $(disk_type)" [ "$(disk_type)" = DMA-FQ ]
	count_deferred
	check early.no-complaint "the kernel logged: $(since_mark | grep -iE 'timeout|timed out|i/o error' | head -n 1)" \
		sh -c '! dmesg | grep -iqE "nvme.*(timeout|timed out)|i/o error"'
}

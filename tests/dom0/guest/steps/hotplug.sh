# SPDX-License-Identifier: GPL-2.0
# Devices appear, disappear and change drivers while the driver is loaded: hotplug by the
# host, virtual functions, resets, xen-pciback.

ROUNDS=20
# Not the directories of a port's services, like 0000:00:04.0:pcie001.
ADDRESS='????:??:??.?'

# port_device N: print the device in the N-th port that was empty at the start
port_device()
{
	local d
	for d in $PCI/"$(nth "$1" "$SLOTS")"/$ADDRESS; do
		[ -e "$d/vendor" ] && echo "${d##*/}"
	done
}

empty_ports()
{
	local p
	for p in $(devices 1b36:000c); do
		ls -d $PCI/"$p"/$ADDRESS >/dev/null 2>&1 || echo "$p"
	done
}

there() { [ -n "$(port_device "$1")" ]; }
not_there() { [ -z "$(port_device "$1")" ]; }

keep_reading_disk()
{
	while [ -e /tmp/keep-reading ]; do
		dd if=$DISK bs=1M count=1 iflag=direct of=/dev/null 2>/dev/null || break
		echo read >>/tmp/reads
	done
}

# One round: plug both devices, check that both work, unplug them while they work. The
# host and the ports' blinking indicators take seconds.
plug_once()
{
	local edu reader copier
	info plug edu
	info plug nvme
	within 40 there 1 || why "the edu did not appear" || return 1
	within 40 there 2 || why "the disk did not appear" || return 1
	edu=$(port_device 1)
	within 40 test -e "$PCI/$edu/iommu_group" || why "$edu is in no group" || return 1
	[ -n "$(group_of "$(port_device 2)")" ] || why "the disk is in no group" || return 1
	enable "$edu"
	edu_reads_secret "$edu" || why "$edu does not read memory" || return 1
	within 40 disk_there || why "there is no $DISK" || return 1
	[ "$(disk_digest)" = "$DIGEST" ] || why "dom0 reads other bytes from the disk than before" || return 1
	: >/tmp/reads
	: >/tmp/keep-reading
	keep_reading_disk &
	reader=$!
	within 40 test -s /tmp/reads || why "no read succeeded" || return 1
	edu-copy "$edu" "$(cat $SECRET/secret_addr)" "$(cat $SECRET/drop_addr)" 64 &
	copier=$!
	info unplug nvme
	info unplug edu
	within 40 not_there 2 || why "the disk did not go" || return 1
	within 40 not_there 1 || why "the edu did not go" || return 1
	rm /tmp/keep-reading
	kill $copier 2>/dev/null
	wait $reader $copier
	[ "$(groups)" = "$1" ] || why "$(groups) groups are left, not $1"
}

step_hotplug()
{
	local i many
	SECRET=/sys/kernel/xpi_secret
	modprobe xpi_secret
	modprobe xpi_look
	SLOTS=$(empty_ports)
	modprobe xen-pv-iommu 2>/tmp/modprobe || {
		fail hotplug.modprobe "$(cat /tmp/modprobe)"
		return
	}
	list_groups
	many=$(groups)
	check hotplug.disk-there "the NVMe disk did not appear" start_disk
	DIGEST=$(disk_digest)
	# The pluggable disk is the only one, so that it is $DISK.
	unbind "$(devices 1b36:0010)"
	for i in $(seq $ROUNDS); do
		plug_once "$many" || {
			fail hotplug.rounds "round $i of $ROUNDS: $(cat /tmp/why)"
			dmesg | tail -n 40
			return
		}
	done
	pass hotplug.rounds
	check hotplug.no-context "Xen has $(xen_has contexts) contexts" [ "$(xen_has contexts)" = 0 ]
}

# Virtual functions must have groups, and groups of their own if the device allows it.
virtual_groups()
{
	check functions.groups "a virtual function is in no group" [ -n "$(group_of "$1")" -a -n "$(group_of "$2")" ]
	if [ "$(group_of "$1")" = "$(group_of "$IGB")" ]; then
		skip functions.vfio "QEMU's igb has no access control services, so its functions share a group with a live driver"
	else
		check_bind functions.vfio "$1"
		unbind "$1"
	fi
}

# Print Linux' message if Xen rejected the device.
not_taken() { since_mark | grep -m1 -F "$1: Failed to add" | sed 's/^\[[^]]*\] //'; }

step_functions()
{
	local vf other ctx many
	IGB=$(devices 8086:10c9)
	modprobe igb
	modprobe vfio-pci
	check functions.driver "igb does not drive $IGB" [ "$(driver_of "$IGB")" = igb ]
	ctx=$(xen_context "$IGB")
	many=$(xen_has contexts)
	mark
	echo 2 2>/tmp/vfs >"$PCI/$IGB/sriov_numvfs"
	vf=$(nth 1 "$(devices 8086:10ca)")
	other=$(nth 2 "$(devices 8086:10ca)")
	[ -n "$other" ] || {
		fail functions.appear "there are no virtual functions: $(cat /tmp/vfs) $(dmesg | tail -n 2)"
		return
	}
	pass functions.appear
	list_groups
	if [ -n "$(not_taken "$vf")" ]; then
		check functions.not-grouped "$vf is in group $(group_of "$vf") although Xen does not know it" \
			[ -z "$(group_of "$vf")" ]
		skip functions.groups "Xen rejects a virtual function of this dom0: $(not_taken "$vf")"
	else
		virtual_groups "$vf" "$other"
	fi
	echo 0 >"$PCI/$IGB/sriov_numvfs"
	check functions.gone "virtual functions are left: $(devices 8086:10ca)" [ -z "$(devices 8086:10ca)" ]
	check functions.physical-stays "the physical function lost its group" [ -n "$(group_of "$IGB")" ]
	check functions.physical-context "the physical function is in context $(xen_context "$IGB"), not $ctx" \
		[ "$(xen_context "$IGB")" = "$ctx" ]
	check functions.no-context "Xen has $(xen_has contexts) contexts, not $many as before" \
		[ "$(xen_has contexts)" = "$many" ]
}

# xen-pciback takes a device, resets it, and releases it.
step_pciback()
{
	local b=/sys/bus/pci/drivers/pciback
	modprobe xen-pciback passthrough=1 2>/tmp/pciback
	[ -d $b ] || {
		fail pciback.load "modprobe xen-pciback: $(cat /tmp/pciback)"
		return
	}
	echo "$EDU_A" >$b/new_slot
	echo "$EDU_A" 2>/tmp/bind >$b/bind
	check pciback.takes "pciback refuses $EDU_A: $(cat /tmp/bind)" [ "$(driver_of "$EDU_A")" = pciback ]
	check pciback.still-grouped "$EDU_A lost its group" [ -n "$(group_of "$EDU_A")" ]
	echo "$EDU_A" >$b/unbind
	echo "$EDU_A" >$b/remove_slot
	enable "$EDU_A"
	check pciback.releases "after pciback the device does not do DMA" edu_reads_secret "$EDU_A"
	vfio_works pciback
}

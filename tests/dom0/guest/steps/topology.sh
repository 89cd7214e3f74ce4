# SPDX-License-Identifier: GPL-2.0
# Load the driver late on a machine with switches and a conventional bus. Below the first
# switch no device has a driver; below the second one the disk is in use.

# peers VENDOR:DEVICE GROUP: print the addresses of these devices in the group
peers()
{
	local d
	for d in $(devices "$1"); do
		[ "$(group_of "$d")" = "$2" ] && echo "$d"
	done
}

# Print devices that are in a group although they have a driver that does DMA.
taken_alive()
{
	local d
	for d in $PCI/*; do
		d=${d##*/}
		[ -n "$(group_of "$d")" ] || continue
		case $(driver_of "$d") in
		""|pcieport|shpchp) ;;
		*) echo "$d $(driver_of "$d")" ;;
		esac
	done
}


port_groups()
{
	local d
	for d in $(devices 104c:8233); do
		group_of "$d"
	done | sort | uniq -c | xargs
}

# Both ports of a switch must be in its devices' group, or in none: newer kernels than
# 6.12 warn if the driver takes a port that has a driver.
ports_with() { [ "$(peers 104c:8233 "$1" | wc -l)" = 2 ] || [ -z "$(port_groups)" ]; }

late_groups()
{
	local first second legacy
	first=$(group_of "$NIC_A")
	second=$(group_of "$NIC_B")
	legacy=$(group_of "$EDU_B")
	check topology.below-switch "the NICs below one switch without ACS are in groups ${first:-none} and ${second:-none}" \
		[ -n "$first" -a "$first" = "$second" ]
	check topology.with-ports "the switch's ports are in other groups than the devices that they cannot isolate: $(port_groups)" \
		ports_with "$first"
	check topology.legacy-has-group "the device on the conventional bus has no group" [ -n "$legacy" ]
	check topology.legacy-with-bridge "the bridge of the conventional bus is not in its device's group" \
		[ -n "$(peers 1b36:000e "$legacy")" ]
	check topology.apart "devices below two root ports share a group" [ "$first" != "$legacy" ]
}

# The disk keeps working, and no program gets a device that could reach the disk.
late_live()
{
	check topology.live-no-group "the live disk was put into group $(group_of "$NVME")" [ -z "$(group_of "$NVME")" ]
	check topology.live-driver-kept "nvme lost its device" [ "$(driver_of "$NVME")" = nvme ]
	check topology.live-disk-works "dom0 reads other bytes from the disk than before" disk_works "$1"
	check topology.live-logged "the kernel log does not say what to do about $NVME" \
		said "$NVME" "unbind it, run setpci -s $NVME COMMAND=0, write 1 to its remove file and rescan"
	check topology.peer-no-group "$EDU_A can reach the live disk and is in group $(group_of "$EDU_A")" \
		[ -z "$(group_of "$EDU_A")" ]
	check topology.peer-logged "the kernel log does not say why $EDU_A is not taken" said "$EDU_A" "$NVME"
	check topology.none-alive "taken although it has a live driver: $(taken_alive)" [ -z "$(taken_alive)" ]
}

# Do what the message advises. set_command replaces setpci, which is on that disk.
bring_in()
{
	echo "$NVME" >$PCI/"$NVME"/driver/unbind
	set_command "$NVME" 0
	echo 1 >$PCI/"$NVME"/remove
	echo 1 >$PCI/"$EDU_A"/remove
	echo 1 >/sys/bus/pci/rescan
	within 40 disk_there
	check topology.back "after the rescan the disk does not work" disk_works "$1"
	check topology.back-has-group "after remove and rescan $NVME is in no group" [ -n "$(group_of "$NVME")" ]
	check topology.back-with-peer "the disk and its peer are in groups $(group_of "$NVME") and $(group_of "$EDU_A")" \
		[ "$(group_of "$NVME")" = "$(group_of "$EDU_A")" ]
	modprobe vfio_iommu_type1
	allow_unsafe Y
	bind_vfio "$EDU_A"
	bind_vfio "$EDU_B"
	vfio-dma "$EDU_A" "$EDU_B" >/tmp/viable 2>&1
	check topology.peer-not-claimed "VFIO accepted a group in which the disk has its driver, or printed: $(tail -n 1 /tmp/viable)" \
		grep -q 'not viable' /tmp/viable
}

# Also below the conventional bridge, whose requester id the device's DMA has.
vfio_below_bridges()
{
	echo "$NVME" >$PCI/"$NVME"/driver/unbind
	vfio_works topology
}

step_topology()
{
	local before
	NVME=$(devices 1b36:0010)
	NIC_A=$(nth 1 "$(devices 8086:10d3)")
	NIC_B=$(nth 2 "$(devices 8086:10d3)")
	check topology.disk-there "the NVMe disk did not appear" start_disk
	before=$(disk_digest)
	modprobe vfio-pci
	mark
	# From now on any warning of the kernel ends the run.
	echo 1 >/proc/sys/kernel/panic_on_warn
	if ! modprobe xen-pv-iommu 2>/tmp/modprobe; then
		fail topology.modprobe "$(cat /tmp/modprobe) $(since_mark | tail -n 3)"
		return
	fi
	pass topology.modprobe
	list_groups
	since_mark
	late_groups
	late_live "$before"
	bring_in "$before"
	list_groups
	vfio_below_bridges
}

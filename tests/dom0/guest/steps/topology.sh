# SPDX-License-Identifier: GPL-2.0
# Load the driver late on a machine with switches and a conventional bus.  Below
# the first switch nothing has a driver; below the second one works the disk.

# Names of the devices of vendor:device $1 in group $2.
mates()
{
	local d
	for d in $(devices "$1"); do
		[ "$(group_of "$d")" = "$2" ] && echo "$d"
	done
}

# Devices that are in a group although they have a driver that does DMA.
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

# All of one switch in its devices' group; or none, for newer kernels than 6.12
# warn if a port that has its driver is taken.
ports_with() { [ "$(mates 104c:8233 "$1" | wc -l)" = 2 ] || [ -z "$(port_groups)" ]; }

late_groups()
{
	local first second legacy
	first=$(group_of "$NIC_A")
	second=$(group_of "$NIC_B")
	legacy=$(group_of "$EDU_B")
	check topology.below-switch "the NICs behind one switch without ACS are in groups ${first:-none} and ${second:-none}" \
		[ -n "$first" -a "$first" = "$second" ]
	check topology.with-ports "the switch's ports are in other groups than what they cannot keep apart: $(port_groups)" \
		ports_with "$first"
	check topology.legacy-has-group "the device on the conventional bus has no group" [ -n "$legacy" ]
	check topology.legacy-with-bridge "the bridge of the conventional bus is not in its device's group" \
		[ -n "$(mates 1b36:000e "$legacy")" ]
	check topology.apart "what hangs below two root ports shares a group" [ "$first" != "$legacy" ]
}

# The disk goes on, and nobody can claim what could reach it.
late_live()
{
	check topology.live-no-group "the live disk was put into group $(group_of "$NVME")" [ -z "$(group_of "$NVME")" ]
	check topology.live-driver-kept "nvme lost its device" [ "$(driver_of "$NVME")" = nvme ]
	check topology.live-disk-works "the disk reads differently now" disk_works "$1"
	check topology.live-said "the kernel log does not say what to do about $NVME" \
		said "$NVME" "unbind it, run setpci -s $NVME COMMAND=0, write 1 to its remove file and rescan"
	check topology.mate-no-group "$EDU_A can reach the live disk and is in group $(group_of "$EDU_A")" \
		[ -z "$(group_of "$EDU_A")" ]
	check topology.mate-said "the kernel log does not say why $EDU_A is not taken" said "$EDU_A" "$NVME"
	check topology.none-alive "taken under a live driver: $(taken_alive)" [ -z "$(taken_alive)" ]
}

# What the message advises; setpci itself would have to come from that disk.
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
	check topology.back-with-mate "the disk and its mate are in groups $(group_of "$NVME") and $(group_of "$EDU_A")" \
		[ "$(group_of "$NVME")" = "$(group_of "$EDU_A")" ]
	modprobe vfio_iommu_type1
	allow_unsafe Y
	bind_vfio "$EDU_A"
	bind_vfio "$EDU_B"
	vfio-dma "$EDU_A" "$EDU_B" >/tmp/viable 2>&1
	check topology.mate-not-claimed "VFIO took a group in which the disk has its driver, or says: $(tail -n 1 /tmp/viable)" \
		grep -q 'not viable' /tmp/viable
}

# Also through the conventional bridge, whose requester id the device borrows.
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
	# Whatever the kernel warns of from now on is the end.
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

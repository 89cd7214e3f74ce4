# SPDX-License-Identifier: GPL-2.0
# Load the driver into a running dom0 while a disk is in use.

disk_digest() { dd if=$DISK bs=1M count=4 iflag=direct 2>/dev/null | md5sum; }

disk_works()
{
	echo 3 >/proc/sys/vm/drop_caches
	[ -b $DISK ] && [ "$(disk_digest)" = "$1" ]
}

list_groups()
{
	local d
	for d in $PCI/*; do
		[ -e "$d/iommu_group" ] && info "group $(group_of "${d##*/}") ${d##*/} $(cat "$d/vendor") $(cat "$d/device")"
	done
}

step_load()
{
	local before start
	check load.disk-there "the NVMe disk did not appear" start_disk
	before=$(disk_digest)
	mark
	start=$(now)
	if ! modprobe xen-pv-iommu 2>/tmp/modprobe; then
		fail load.modprobe "$(cat /tmp/modprobe) $(since_mark | tail -n 3)"
		return
	fi
	pass load.modprobe
	info "load-tenths $(($(now) - start))"
	since_mark | sed 's/^\[[^]]*\] //' | grep -i 'xen.pv.iommu' | while read -r line; do
		info "dmesg $line"
	done
	list_groups
	info "groups $(groups)"
	check load.groups "iommu_groups is empty" [ "$(groups)" -gt 0 ]
	check load.own-group "the edu devices share a group" \
		[ "$(group_of "$EDU_A")" != "$(group_of "$EDU_B")" ]
	check load.live-driver-kept "nvme lost its device" \
		[ "$(driver_of "$(devices 1b36:0010)")" = nvme ]
	check load.disk-works "dom0 reads other bytes from the disk than before" disk_works "$before"
	check load.identity-kept "an ordinary device lost its DMA: edu cannot read what it read before" \
		edu_reads_secret "$EDU_A"
	part_unmap
}

# Unmap one mapping in two halves by the kernel API, as VFIO of 6.12 does.
part_unmap()
{
	modprobe xpi_partunmap "device=$EDU_A" || {
		fail partunmap.load "modprobe xpi_partunmap failed: $(dmesg | tail -n 1)"
		return
	}
	relay partunmap cat /sys/module/xpi_partunmap/parameters/results
	rmmod xpi_partunmap
}

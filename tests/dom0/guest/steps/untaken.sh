# SPDX-License-Identifier: GPL-2.0
# Our driver leaves a device alone that has a driver at load, and its message says how to
# add the device.

# Print the command in the kernel's message about device $1.
advised()
{
	since_mark | sed -n "s/.* $1: left to its driver; .* run \(setpci -s $1 [^ ,]*\), .*/\1/p" |
		grep -m1 .
}

# Do what the message says; setpci is on DPDK's disk.
follow_advice()
{
	[ -n "$2" ] || return 1
	unbind "$1"
	chroot /mnt/dpdk $2 || return 1
	echo 1 >"$PCI/$1/remove"
	echo 1 >/sys/bus/pci/rescan
}

# The device and Linux must have the same base address 0.
address_agrees()
{
	local bar
	bar=$(hexdump -s 16 -n 4 -e '1/4 "%u"' "$PCI/$1/config")
	info "base address 0: $(printf '%#x' $((bar & ~15))), for Linux $(head -n 1 "$PCI/$1/resource")"
	[ $((bar & ~15)) = $(($(head -n 1 "$PCI/$1/resource" | cut -d' ' -f1))) ]
}

step_untaken()
{
	local e1000e d advice
	e1000e=$(devices 8086:10d3)
	d=$PCI/$e1000e
	modprobe vfio-pci && modprobe vfio_iommu_type1
	check untaken.in-use "e1000e does not drive $e1000e" \
		eval 'modprobe e1000e && [ "$(driver_of "$e1000e")" = e1000e ]'
	load_driver untaken || return
	check untaken.logs-how "the log has: $(since_mark | grep "$e1000e" | tail -n 1)" \
		eval 'since_mark | grep -q "$e1000e: left to its driver; to bring it under the IOMMU unbind it, run setpci -s $e1000e COMMAND=0, write 1 to its remove file and rescan"'
	advice=$(advised "$e1000e")
	check untaken.permission-named "the log has: $(since_mark | grep -i vfio | tail -n 1)" \
		eval 'since_mark | grep -q "xen-pv-iommu: VFIO needs vfio_iommu_type1.allow_unsafe_interrupts=1"'
	check untaken.others-taken "$EDU_A has no group" [ -e "$PCI/$EDU_A/iommu_group" ]
	check untaken.no-group "it has a group" [ ! -e "$d/iommu_group" ]
	check untaken.still-works "its driver is gone" [ "$(driver_of "$e1000e")" = e1000e ]
	if bind_vfio "$e1000e"; then
		fail untaken.vfio-refuses "vfio-pci took a device without a group"
	else
		pass untaken.vfio-refuses
	fi
	info "vfio-says $(cat /tmp/bind) $(since_mark | grep -m1 'vfio.pci.*fail' | sed 's/^\[[^]]*\] //')"
	check untaken.disk "the disk with setpci does not mount" mount_dpdk
	rmmod e1000e
	check untaken.advice "the advice was \"$advice\"" follow_advice "$e1000e" "$advice"
	check untaken.group-now "it has no group" [ -e "$d/iommu_group" ]
	# Linux has assigned other addresses. Xen's virtual PCI of a PVH dom0 ignores new
	# ones while decoding is on; the device would not respond to Linux.
	check untaken.addresses-agree "the device has another address than Linux" \
		address_agrees "$e1000e"
	check_bind untaken.vfio-takes-it "$e1000e"
	unbind "$e1000e"
}

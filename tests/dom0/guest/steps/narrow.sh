# SPDX-License-Identifier: GPL-2.0
# An IOMMU that translates fewer bits than a program's addresses have.

# vtd_width DEVICE: print the width in the file that DPDK reads; nothing without the file
vtd_width()
{
	local cap=$PCI/$1/iommu/intel-iommu/cap
	[ -r "$cap" ] && echo $(((0x$(cat "$cap") >> 16 & 0x3f) + 1))
}

# testpmd_ends PORT OPTION...: run testpmd without traffic, with its output in /tmp/testpmd
testpmd_ends()
{
	local port=$1
	shift
	echo quit | chroot /mnt/dpdk timeout 180 /usr/bin/dpdk-testpmd --lcores='0@0,1@0' $(memory_options) \
		--no-telemetry -a "$port" "$@" -- -i --total-num-mbufs=4096 --no-mlockall >/tmp/testpmd 2>&1
	echo "testpmd $* ends with $?" >>/tmp/testpmd
	cat /tmp/testpmd
}

testpmd_said() { grep -q "$1" /tmp/testpmd; }

step_narrow()
{
	local e1000e width
	e1000e=$(devices 8086:10d3)
	width=$(option xpi_width)
	modprobe vfio-pci && modprobe vfio_iommu_type1
	allow_unsafe Y
	mount_dpdk || { fail narrow.disk "the disk with DPDK does not mount"; return; }
	check_bind narrow.bind "$e1000e"
	check narrow.width-is-reported "programs find $(vtd_width "$e1000e") bits, not $width" \
		[ "$(vtd_width "$e1000e")" = "$width" ]
	# SPDK's base address, which has 46 bits.
	testpmd_ends "$e1000e" --iova-mode=va --base-virtaddr=0x200000000000
	check narrow.too-high-is-reported "testpmd printed: $(tail -n 3 /tmp/testpmd)" \
		testpmd_said 'exceeding limits of current DMA mask'
	check narrow.too-high-is-not-mapped "testpmd did not give up" eval '! testpmd_said "testpmd>"'
	# DPDK refuses this mode without hugepages, which a PV domain lacks.
	testpmd_ends "$e1000e" --iova-mode=pa
	info "testpmd with physical addresses: $(tail -n 2 /tmp/testpmd | tr '\n' ' ')"
	testpmd_ends "$e1000e" --iova-mode=va
	check narrow.works-below "testpmd printed: $(tail -n 3 /tmp/testpmd)" testpmd_said '^Bye'
	unbind "$e1000e"
}

# SPDX-License-Identifier: GPL-2.0
# DPDK's testpmd forwards between an e1000e and an igb that share a cable, both
# driven from user space through vfio-pci.

SECONDS_OF_TRAFFIC=20

mount_dpdk()
{
	modprobe nvme
	modprobe ext4
	mkdir -p /mnt/dpdk
	mount -t ext4 -o ro /dev/nvme0n1 /mnt/dpdk || return 1
	for d in dev sys proc; do
		mount --bind /$d /mnt/dpdk/$d || return 1
	done
	mount -t tmpfs tmp /mnt/dpdk/tmp && mount -t tmpfs run /mnt/dpdk/run
}

# The number behind WORD in the final statistics of port $1.
port_stat()
{
	sed -n "/forward statistics for port $1 /,/--------------------/p" /tmp/testpmd |
		grep -o "$2: *[0-9]*" | tail -n 1 | tr -dc 0-9
}

# A PV dom0 has no hugepages: --no-huge.  Two threads share the one CPU.
run_testpmd()
{
	chroot /mnt/dpdk /usr/bin/timeout -s INT -k 120 "$((SECONDS_OF_TRAFFIC + 40))" \
		/usr/bin/dpdk-testpmd --lcores='0@0,1@0' --no-huge -m 64 --iova-mode=va \
		--no-telemetry -a "$1" -a "$2" -- \
		--nb-cores=1 --forward-mode=io --auto-start --tx-first --stats-period=5 \
		--total-num-mbufs=4096 --no-mlockall >/tmp/testpmd 2>&1 </dev/null
}

check_port()
{
	local tx rx
	tx=$(port_stat "$1" TX-packets)
	rx=$(port_stat "$1" RX-packets)
	info "packets $2 sent ${tx:-none} received ${rx:-none}"
	check "dpdk.$2-sends" "testpmd counted ${tx:-no} packets: $(tail -n 2 /tmp/testpmd)" \
		[ "${tx:-0}" -gt 0 ]
	check "dpdk.$2-receives" "testpmd counted ${rx:-no} packets" [ "${rx:-0}" -gt 0 ]
}

step_dpdk()
{
	local e1000e igb
	e1000e=$(devices 8086:10d3)
	igb=$(devices 8086:10c9)
	modprobe vfio-pci && modprobe vfio_iommu_type1
	allow_unsafe Y
	mount_dpdk || { fail dpdk.disk "the disk with DPDK does not mount"; return; }
	check dpdk.bind-e1000e "vfio-pci refuses $e1000e: $(cat /tmp/bind)" bind_vfio "$e1000e"
	check dpdk.bind-igb "vfio-pci refuses $igb: $(cat /tmp/bind)" bind_vfio "$igb"
	run_testpmd "$e1000e" "$igb"
	cat /tmp/testpmd
	check_port 0 e1000e
	check_port 1 igb
}

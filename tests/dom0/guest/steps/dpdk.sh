# SPDX-License-Identifier: GPL-2.0
# DPDK's testpmd forwards between an e1000e and an igb that share a cable, both
# driven from user space through vfio-pci.

SECONDS_OF_TRAFFIC=10

mount_dpdk()
{
	local d
	grep -q ' /mnt/dpdk ' /proc/mounts && return 0
	modprobe -q crc32c_generic
	start_disk && modprobe ext4 || return 1
	mkdir -p /mnt/dpdk
	mount -t ext4 -o ro $DISK /mnt/dpdk || return 1
	for d in dev sys proc; do
		mount --bind /$d /mnt/dpdk/$d || return 1
	done
	mount -t tmpfs tmp /mnt/dpdk/tmp && mount -t tmpfs run /mnt/dpdk/run
}

# A PV dom0 has no hugepages. On PVH step huge has allocated some.
have_hugepages() { [ "$(meminfo HugePages_Free)" -ge 40 ] 2>/dev/null; }

mount_hugepages()
{
	mkdir -p /dev/hugepages && mount -t hugetlbfs huge /mnt/dpdk/dev/hugepages
}

memory_options()
{
	if have_hugepages; then
		echo -m 64
	else
		echo --no-huge -m 64
	fi
}

# check_leaves DEVICE: DPDK's hugepages, which it maps at their virtual addresses, must
# be leaves of 2 MiB
check_leaves()
{
	local start
	echo "$1" >$LOOK/device
	start=$(sed -n 's/^\([0-9a-f]*\)-.*rtemap_.*/\1/p' /proc/$TESTPMD/maps | head -n 1)
	echo "0x${start:-0}" >$LOOK/leaf
	info "testpmd has hugepages from 0x$start on, $(meminfo HugePages_Free) are left; $1 is in $(cat $LOOK/device); leaf: $(cat $LOOK/leaf)"
	check dpdk.leaves-of-2m "Xen reports: $(cat $LOOK/leaf)" \
		grep -q '^order 9 flags 0x3 ' $LOOK/leaf
}

# port_stat PORT WORD: print the number after WORD in the port's final statistics
port_stat()
{
	sed -n "/Forward statistics for port $1 /,/--------------------/p" /tmp/testpmd |
		grep -o "$2: *[0-9]*" | tail -n 1 | tr -dc 0-9
}

# The emulator is slow, so wait up to three minutes.
testpmd_says() { says 180 /tmp/testpmd "$1" $TESTPMD; }

# Two threads share the one CPU.
start_testpmd()
{
	rm -f /tmp/commands
	mkfifo /tmp/commands
	chroot /mnt/dpdk /usr/bin/stdbuf -oL /usr/bin/dpdk-testpmd --lcores='0@0,1@0' $(memory_options) \
		--iova-mode=va --no-telemetry -a "$1" -a "$2" -- \
		-i --nb-cores=1 --forward-mode=io --total-num-mbufs=4096 \
		--no-mlockall </tmp/commands >/tmp/testpmd 2>&1 &
	TESTPMD=$!
	exec 4>/tmp/commands
}

run_testpmd()
{
	start_testpmd "$1" "$2"
	if testpmd_says 'testpmd>'; then
		[ -n "$HUGE" ] && check_leaves "$1"
		echo 'start tx_first' >&4
		sleep "$SECONDS_OF_TRAFFIC"
		echo stop >&4
	fi
	testpmd_says 'Accumulated forward statistics'
	echo quit >&4
	testpmd_says 'Bye' || kill -9 $TESTPMD
	exec 4>&-
	wait $TESTPMD
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
	start_vfio
	mount_dpdk || { fail dpdk.disk "the disk with DPDK does not mount"; return; }
	HUGE=
	if have_hugepages; then
		HUGE=yes
		check dpdk.hugetlbfs "it does not mount" mount_hugepages
		tell_counters "before testpmd"
	fi
	check_bind dpdk.bind-e1000e "$e1000e"
	check_bind dpdk.bind-igb "$igb"
	run_testpmd "$e1000e" "$igb"
	cat /tmp/testpmd
	check dpdk.ends-clean "testpmd did not exit by itself" grep -q Bye /tmp/testpmd
	check_port 0 e1000e
	check_port 1 igb
	[ -n "$HUGE" ] && tell_counters "after testpmd"
	unbind "$e1000e"
	unbind "$igb"
}

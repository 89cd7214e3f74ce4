# SPDX-License-Identifier: GPL-2.0
# A DPDK program in interrupt mode sleeps until a packet arrives. It uses one of the two
# cards; the kernel driver of the other card sends the packets.

WAKES=10

mount_sleeper() { mount_dpdk && cp /bin/rx-sleep /mnt/dpdk/tmp/rx-sleep; }

# start_sleeper DEVICE HOW: HOW is VFIO's kind of interrupt. DPDK maps each page of its
# memory separately, so the memory is small: the emulator would need minutes for more.
start_sleeper()
{
	: >/tmp/sleeper
	chroot /mnt/dpdk /tmp/rx-sleep --lcores=0@0 --no-huge -m 16 --iova-mode=va --no-telemetry \
		--vfio-intr="$2" -a "$1" >/tmp/sleeper 2>&1 &
	SLEEPER=$!
	says 180 /tmp/sleeper '^ready' $SLEEPER
}

# The numbers in the last line "woken N ... packets N" of the program.
woken() { sed -n 's/^woken \([0-9]*\) .*/\1/p' /tmp/sleeper | tail -n 1; }
packets() { sed -n 's/^woken .* packets \([0-9]*\)/\1/p' /tmp/sleeper | tail -n 1; }

# The program waits without a time limit, so that only an interrupt wakes it. System call
# 232 is epoll_wait.
in_epoll() { grep -q '^232 ' /proc/$SLEEPER/syscall && grep -q '^State:.S' /proc/$SLEEPER/status; }
asleep() { within 60 in_epoll || why "it is in system call $(cat /proc/$SLEEPER/syscall), $(grep ^State /proc/$SLEEPER/status)"; }

got_packet() { [ "$(packets)" -gt "$1" ] 2>/dev/null; }

# Send one packet at a time. The program answers none, but each must wake it.
wake_each()
{
	local i before
	for i in $(seq $WAKES); do
		asleep || return 1
		before=$(packets)
		ping -c 1 -W 1 10.0.0.9 >/dev/null
		within 60 got_packet "${before:-0}" ||
			why "packet $i of $WAKES did not wake it; it printed $(tail -n 1 /tmp/sleeper)" || return 1
	done
}

# Each packet must arrive, each with an interrupt of its own.
counts_right()
{
	info "the program woke $(woken) times for $(packets) packets"
	[ "$(packets)" = $WAKES ] && [ "$(woken)" -ge $WAKES ]
}

ends_by_term()
{
	kill "$SLEEPER"
	within 60 grep -q '^over' /tmp/sleeper || kill -9 "$SLEEPER"
	wait "$SLEEPER"
}

# The sender has a static ARP entry for the address of the packets.
send_from()
{
	local name
	modprobe "$2" || return 1
	echo "$1" >/sys/bus/pci/drivers_probe
	within 30 ls "$PCI/$1/net" >/dev/null 2>&1 || return 1
	name=$(ls "$PCI/$1/net")
	echo 1 >"/proc/sys/net/ipv6/conf/$name/disable_ipv6" 2>/dev/null
	ip addr add 10.0.0.1/24 dev "$name" && ip link set "$name" up || return 1
	within 60 grep -q 1 "/sys/class/net/$name/carrier"
	arp -i "$name" -s 10.0.0.9 52:54:00:12:34:99
}

# check_sleeper NAME DEVICE HOW
check_sleeper()
{
	check_after "$1.starts" "echo it printed; tail -n 2 /tmp/sleeper" start_sleeper "$2" "$3"
	check_after "$1.sleeps" "cat /tmp/why" asleep
	check_after "$1.each-packet-wakes" "cat /tmp/why" wake_each
	check_after "$1.counts" "tail -n 1 /tmp/sleeper" counts_right
	check_after "$1.sleeps-again" "cat /tmp/why" asleep
	check "$1.ends" "it did not exit by itself" ends_by_term
	cat /tmp/sleeper
}

# sleep_on_igb NAME E1000E IGB: the program uses igb, the kernel sends with e1000e
sleep_on_igb()
{
	mount_sleeper || { fail "$1.disk" "the disk with DPDK does not mount"; return 1; }
	check "$1.e1000e-sends" "e1000e has no interface" send_from "$2" e1000e
	check_bind "$1.bind-igb" "$3"
	check_sleeper "$1.igb" "$3" msix
	unbind "$2"
	unbind "$3"
}

step_dpdkirq()
{
	local e1000e igb
	e1000e=$(devices 8086:10d3)
	igb=$(devices 8086:10c9)
	start_vfio
	sleep_on_igb dpdkirq "$e1000e" "$igb" || return
	check dpdkirq.igb-sends "igb has no interface" send_from "$igb" igb
	check_bind dpdkirq.bind-e1000e "$e1000e"
	check_sleeper dpdkirq.e1000e-msi "$e1000e" msi
	check_sleeper dpdkirq.e1000e-legacy "$e1000e" legacy
	unbind "$e1000e"
	unbind "$igb"
}

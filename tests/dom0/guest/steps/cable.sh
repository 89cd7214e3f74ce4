# SPDX-License-Identifier: GPL-2.0
# The kernel's drivers of e1000e and igb, which share a cable, send a file each way by
# TCP. Step bypass uses these functions too.

PAYLOAD_MIB=4

# igb has a network namespace of its own; otherwise packets would not use the cable.
igb_space() { nsenter -t "$IGB_SPACE" -n "$@"; }

connect_igb()
{
	local name
	modprobe igb || return 1
	name=$(ls "$PCI/$1/net") || return 1
	unshare -n sleep 100000 &
	IGB_SPACE=$!
	sleep 1
	ip link set "$name" netns "$IGB_SPACE" &&
		igb_space ip addr add 10.0.0.2/24 dev "$name" &&
		igb_space ip link set "$name" up
}

connect_e1000e()
{
	local name
	modprobe e1000e || return 1
	name=$(ls "$PCI/$1/net") || return 1
	ip addr add 10.0.0.1/24 dev "$name" && ip link set "$name" up
}

# An answer may take seconds: the driver of igb checks for missed interrupts only every
# two seconds.
reaches_igb()
{
	local i
	for i in $(seq 30); do
		ping -c 1 -W 5 10.0.0.2 >/dev/null && return 0
	done
	return 1
}

# Print the counters that show where packets without an answer were lost.
what_the_cards_did()
{
	echo "no packet comes back; interrupts:" "$(grep -E 'eth|enp' /proc/interrupts | tr -s ' ')"
	echo "; e1000e:" "$(grep -E 'eth|enp' /proc/net/dev | tr -s ' '; ip neigh)"
	echo "; igb:" "$(igb_space grep -E 'eth|enp' /proc/net/dev | tr -s ' '; igb_space ip neigh)"
}

serve_e1000e()
{
	make_file e1000e
	httpd -p 7777 -h /tmp/e1000e
}

serve_igb()
{
	make_file igb
	igb_space httpd -p 7777 -h /tmp/igb
}

make_file()
{
	mkdir -p "/tmp/$1"
	dd if=/dev/urandom "of=/tmp/$1/file" bs=1M count=$PAYLOAD_MIB 2>/dev/null
}

# arrives FILE COMMAND...: true if COMMAND prints the contents of FILE
arrives()
{
	local file=$1
	shift
	"$@" | sha256sum >/tmp/arrived
	[ "$(cat /tmp/arrived)" = "$(sha256sum <"$file")" ]
}

igb_to_e1000e() { arrives /tmp/igb/file wget -q -T 120 -O - http://10.0.0.2:7777/file; }
e1000e_to_igb() { arrives /tmp/e1000e/file igb_space wget -q -T 120 -O - http://10.0.0.1:7777/file; }

e1000e_carried()
{
	local s=/sys/class/net/$1/statistics
	info "e1000e received $(cat "$s/rx_bytes") bytes, sent $(cat "$s/tx_bytes")"
	[ "$(cat "$s/rx_bytes")" -gt $((PAYLOAD_MIB << 20)) ] &&
		[ "$(cat "$s/tx_bytes")" -gt $((PAYLOAD_MIB << 20)) ]
}

step_cable()
{
	local e1000e igb
	e1000e=$(devices 8086:10d3)
	igb=$(devices 8086:10c9)
	mark
	check cable.igb "igb has no interface" connect_igb "$igb"
	check cable.e1000e "e1000e has no interface" connect_e1000e "$e1000e"
	check_after cable.ping what_the_cards_did reaches_igb
	check_type cable.e1000e-type "$e1000e"
	check_type cable.igb-type "$igb"
	check cable.servers "httpd does not start" eval 'serve_e1000e && serve_igb'
	tell_counters "before TCP"
	check cable.igb-to-e1000e "e1000e received other bytes" igb_to_e1000e
	check cable.e1000e-to-igb "igb received other bytes" e1000e_to_igb
	check cable.not-loopback "e1000e counts fewer bytes than were sent" \
		e1000e_carried "$(ls "$PCI/$e1000e/net")"
	tell_counters "after TCP"
	check_quiet cable.quiet
}

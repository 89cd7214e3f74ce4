# SPDX-License-Identifier: GPL-2.0
# Checks of the driver's fault messages, trace events and debugfs. Other steps call these
# functions.

INSIDE=/sys/kernel/debug/xen-pv-iommu

# snapshot NAME: store all counters under that name
snapshot() { cat $INSIDE/counters >"/tmp/counters.$1"; }

# grown COUNTER BEFORE AFTER: print its growth between two snapshots
grown()
{
	local a b
	a=$(sed -n "s/^$1 //p" "/tmp/counters.$2")
	b=$(sed -n "s/^$1 //p" "/tmp/counters.$3")
	echo $((b - a))
}

# has FILESYSTEM: true if the kernel has it. Debian's kernels have all that are used.
has() { grep -qw "$1" /proc/filesystems; }

start_looking()
{
	has debugfs || skip inside.debugfs "this kernel has no debugfs"
	if has tracefs; then
		check inside.tracing "this kernel does not have our trace events" start_tracing
	else
		skip inside.tracing "this kernel has no tracefs"
	fi
}

start_tracing()
{
	[ -e $TRACE/trace ] || mount -t tracefs tracefs $TRACE || return 1
	echo 1 >$TRACE/events/iommu/io_page_fault/enable &&
		echo 1 >$TRACE/events/xen_pv_iommu/enable &&
		echo >$TRACE/trace
}

stop_tracing()
{
	has tracefs || return
	echo 0 >$TRACE/events/iommu/io_page_fault/enable
	echo 0 >$TRACE/events/xen_pv_iommu/enable
}

# Print the faults that a program announced, in the format of the core's trace event.
wanted_events()
{
	grep -h '^xpi: info expect-fault ' "$@" | while read -r _ _ _ bdf kind addr; do
		[ "$kind" = write ] && kind=1 || kind=0
		printf '%s iova=0x%016x flags=0x%04x\n' "$bdf" "$addr" $kind
	done
}

seen_events() { sed -n 's/.* io_page_fault: IOMMU:.* \([^ ]* iova=\)/\1/p' $TRACE/trace; }

# True if the trace has all events of /tmp/wanted. Writes the missing ones to /tmp/untold.
none_untold()
{
	seen_events | sort >/tmp/seen
	awk 'FILENAME == ARGV[1] { n[$0]++; next } n[$0]-- <= 0 { print }' \
		/tmp/seen /tmp/wanted >/tmp/untold
	[ ! -s /tmp/untold ]
}

# A worker reports faults a little later.
each_fault_traced()
{
	wanted_events "$1" | sort >/tmp/wanted
	[ -s /tmp/wanted ] && within 5 none_untold
}

# check_faults_traced WHAT: check the faults of the program that was relayed under WHAT
check_faults_traced()
{
	has tracefs || return
	if each_fault_traced "/tmp/relay.$1"; then
		pass "$1.faults-traced"
	else
		fail "$1.faults-traced" "$(wc -l </tmp/untold) of $(wc -l </tmp/wanted) faults had no event io_page_fault: $(head -n 2 /tmp/untold)"
	fi
}

# value NAME: print a value of the device's file context, of which /tmp/context is a copy
value() { sed -n "s/^$1 //p" /tmp/context; }

# look IOVA: write both answers to /tmp/lookup
look() { echo "$1" >"$DIR/lookup" && cat "$DIR/lookup" >/tmp/lookup; }
gfn() { sed -n "s/^$1 gfn \([^ ]*\).*/\1/p" /tmp/lookup; }

check_context()
{
	cat "$DIR/context" >/tmp/context
	info "context $(tr '\n' ' ' </tmp/context)"
	check inside.context-known "the file has: $(head -n 1 /tmp/context)" \
		[ "$(value context)" -gt 0 -a "$(value context)" -lt 65520 ]
	check inside.context-agreed "Xen has the device in $(value xen_context)" \
		[ "$(value context)" = "$(value xen_context)" ]
	check inside.leaves-agreed "Linux has $(value leaves_4k) pages mapped, Xen $(value xen_pages_mapped)" \
		[ "$(value leaves_4k)" -ge 2 -a "$(value leaves_4k)" = "$(value xen_pages_mapped)" ]
	check inside.nothing-waits "$(value waiting_maps) descriptors wait after the map returned" \
		[ "$(value waiting_maps)" = 0 ]
}

check_lookup()
{
	look "$1"
	info "lookup $(tr '\n' ' ' </tmp/lookup)"
	check inside.lookup-agrees "the file has: $(tr '\n' ' ' </tmp/lookup)" \
		[ -n "$(gfn xen)" -a "$(gfn xen)" = "$(gfn linux)" ]
	look $(($1 + 0x10000000))
	check inside.lookup-nothing "the file has: $(tr '\n' ' ' </tmp/lookup)" \
		[ "$(tail -n 2 /tmp/lookup | tr '\n' ' ')" = "xen nothing linux nothing " ]
}

check_events()
{
	has tracefs || return
	check inside.flush-traced "the event is: $(grep -m1 batch_send $TRACE/trace)" \
		grep -q "batch_send: ctx=$1 maps descriptors=1 pages=1 why=sync_map" $TRACE/trace
	check inside.hypercall-traced "the event is: $(grep -m1 hypercall: $TRACE/trace)" \
		grep -q "hypercall: op=batch ctx=$1 count=1 result=1 kind=single" $TRACE/trace
}

# hold NAME DEVICE: start a program that has a page mapped for the device at $IOVA, until
# let_go ends it. Its tests begin with NAME. False if it did not map the page.
hold()
{
	: >/tmp/hold
	: >"/tmp/relay.$1"
	relay "$1" vfio-dma hold "$2" "$1" &
	HOLDER=$!
	within 30 grep -q '^xpi: info holding .' "/tmp/relay.$1" || return 1
	IOVA=$(sed -n 's/^xpi: info holding //p' "/tmp/relay.$1")
}

# Let the program check its page once more, and make its device read the page after it.
let_go()
{
	rm /tmp/hold
	wait $HOLDER
}

# look_inside DEVICE: check all files while the device has a page mapped; then make it
# read the next, unmapped page.
look_inside()
{
	local ctx
	has debugfs || return
	DIR=$INSIDE/devices/$1
	has tracefs && echo >$TRACE/trace
	snapshot before
	hold inside "$1"
	check_context
	ctx=$(value context)
	check_lookup "$IOVA"
	check_events "$(printf '0x%x' "$ctx")"
	# The kernel logs at most ten messages in five seconds: wait until earlier ones do
	# not count.
	sleep 6
	mark
	let_go
	check inside.fault-logged "the kernel logged: $(since_mark | grep -m1 refused || echo nothing)" \
		within 5 said " $1: DMA read from iova $(printf '0x%x' $((IOVA + 4096))) refused in context $ctx: nothing is mapped there"
	snapshot after
	check inside.counters-count \
		"maps $(grown pages_mapped before after), unmaps $(grown pages_unmapped before after), faults $(grown faults before after)" \
		[ "$(grown pages_mapped before after)" -ge 2 -a \
		  "$(grown pages_unmapped before after)" -ge 2 -a \
		  "$(grown faults before after)" -ge 1 ]
	check_faults_traced inside
}

# Remove the device while a process has its file open.
unplug_while_open()
{
	local dir=$INSIDE/devices/$1
	exec 5<"$dir/context" || return 1
	echo 1 >"$PCI/$1/remove"
	cat <&5 >/tmp/gone 2>&1 && return 1
	exec 5<&-
	[ ! -e "$dir" ] || return 1
	echo 1 >/sys/bus/pci/rescan
	grep -q '^context ' "$dir/context"
}

check_unplug()
{
	has debugfs || return
	check inside.unplug-while-open "the open file of a removed device did not behave as it must" \
		unplug_while_open "$1"
}

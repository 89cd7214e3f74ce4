# SPDX-License-Identifier: GPL-2.0
# Load, unload and reload the driver. Every device in a group keeps the module loaded, so
# the steps remove all of them before an unload. The console and the result channel are
# no PCI devices.

LEFT=/sys/module/xpi_orphan/parameters

masters() { [ $((0x$(dd if="$PCI/$1/config" bs=1 skip=4 count=1 2>/dev/null | hexdump -e '1/1 "%x"') & 4)) != 0 ]; }

# Make the device copy the text in the mapped page to the next page.
copies()
{
	echo 1 >$LEFT/copied
	edu-copy "$EDU_A" "$(cat $LEFT/iova)" "$(($(cat $LEFT/iova) + 4096))" 64
	[ "$(cat $LEFT/copied)" = Y ]
}

keep_copying()
{
	local n=0
	while [ -e /tmp/keep-copying ]; do
		edu-copy "$EDU_A" "$(cat $LEFT/iova)" "$(($(cat $LEFT/iova) + 4096))" 64
		n=$((n + 1))
		echo $n >/tmp/copies
	done
}

copied() { [ "$(cat /tmp/copies)" -ge "$1" ]; }

# Load the driver while a device of a crashed predecessor is still a bus master.
left_behind()
{
	local looper
	modprobe xpi_look && modprobe xpi_orphan "device=$EDU_A" || {
		fail life.left.load "modprobe failed: $(dmesg | tail -n 1)"
		return 1
	}
	enable "$EDU_A"
	enable "$EDU_B"
	info "left in context $(xen_context "$EDU_A"), $(xen_has contexts) in use"
	check life.left.works-before "the device does not reach what is mapped for it" copies
	echo 0 >/tmp/copies
	: >/tmp/keep-copying
	keep_copying &
	looper=$!
	check life.left.busy "the device does not get on" within 20 copied 2
	# Stop before the load: after faults Xen may turn the device off, and the
	# test could not tell whether the driver did.
	rm /tmp/keep-copying
	wait $looper
	mark
	modprobe xen-pv-iommu 2>/tmp/modprobe || {
		fail life.left.driver "$(cat /tmp/modprobe) $(since_mark | tail -n 3)"
		return 1
	}
	pass life.left.driver
	since_mark
	check life.left.contexts-gone "there are $(xen_has contexts) contexts after the load" [ "$(xen_has contexts)" = 0 ]
	check life.left.silenced "the device is still a bus master in context $(xen_context "$EDU_A")" \
		sh -c "! $(masters "$EDU_A" && echo true || echo false)"
	check life.left.logged "the kernel log does not name $EDU_A" said "$EDU_A" 'bus mastering is off'
	if copies; then
		fail life.left.out-of-reach "the device still copies its predecessor's pages"
	else
		pass life.left.out-of-reach
	fi
	if edu_reads_secret "$EDU_A"; then
		fail life.left.no-wild-dma "bus mastering was not turned on, but the device reads memory"
	else
		pass life.left.no-wild-dma
	fi
	check life.left.others-kept "a device in its default context lost its DMA" edu_reads_secret "$EDU_B"
	enable "$EDU_A"
	check life.left.works-again "after bus mastering was turned on the device does not work" edu_reads_secret "$EDU_A"
	rmmod xpi_orphan
}

in_groups()
{
	local d
	for d in $PCI/*; do
		[ -e "$d/iommu_group" ] && echo "$d"
	done
}

# Remove all devices that are in a group; a rescan brings them back.
remove_devices()
{
	local d
	for d in $(in_groups); do
		[ -e "$d" ] && echo 1 >"$d/remove"
	done
}

rmmod_driver() { rmmod xen-pv-iommu 2>/tmp/rmmod; }

unload()
{
	remove_devices
	rmmod_driver
}

unmap_some() { modprobe xpi_partunmap "device=$EDU_B" && rmmod xpi_partunmap; }

# One life of the driver: groups, a context in use, an unload that leaves nothing.
live_once()
{
	modprobe xen-pv-iommu 2>/tmp/why || return 1
	[ "$(groups)" = "$1" ] || why "$(groups) groups, not $1" || return 1
	unmap_some 2>/tmp/why || return 1
	unload || why "$(cat /tmp/rmmod)" || return 1
	[ "$(groups)" = 0 ] || why "$(groups) groups after the unload" || return 1
	[ "$(xen_has contexts) $(xen_has tables)" = "0 $TABLES" ] ||
		why "Xen has $(cat $LOOK/query), not 0 and $TABLES" || return 1
	echo 1 >/sys/bus/pci/rescan
	[ -e "$PCI/$EDU_B" ] || why "$EDU_B did not come back"
}

slab() { meminfo SUnreclaim; }

# lives NR GROUPS: load and unload NR times; /tmp/why has the reason of a failure
lives()
{
	local i
	for i in $(seq "$1"); do
		live_once "$2" || {
			fail life.loop "life $i of $1: $(tail -n 1 /tmp/why)"
			return 1
		}
	done
}

live_often()
{
	local times=$1 many=$2 grew
	lives 5 "$many" || return
	# 1 KiB a life: a leak of one struct a device would be more
	grows_at_most "$times" slab lives "$times" "$many"
	grew=$?
	# Each CPU has slabs in reserve, which fill one CPU after the other.
	if [ "$grew" = 1 ] && [ "$(nproc)" -gt 1 ]; then
		grows_at_most "$times" slab lives "$times" "$many"
		grew=$?
	fi
	[ "$grew" = 2 ] && return
	pass life.loop
	check life.slab "unreclaimable slab grew by $GREW kB in $times lives" [ "$grew" = 0 ]
}

step_life()
{
	local many
	modprobe xpi_secret
	check life.disk-there "the NVMe disk did not appear" start_disk
	DIGEST=$(disk_digest)
	left_behind || return
	many=$(groups)
	check life.disk-works "dom0 reads other bytes from the disk than before" disk_works "$DIGEST"
	vfio_works life
	check life.rmmod-refused "the module was unloaded although it has devices" eval '! rmmod_driver'
	unbind "$EDU_A"
	unbind "$EDU_B"
	# The driver left the disk alone; from now on the disk has no driver.
	echo "$(devices 1b36:0010)" >/sys/bus/pci/drivers/nvme/unbind
	rmmod nvme
	check_after life.unload "cat /tmp/rmmod" unload
	TABLES=$(xen_has tables)
	check life.no-context "Xen has $(xen_has contexts) contexts" [ "$(xen_has contexts)" = 0 ]
	info "page-table pages with no context: $TABLES"
	echo 1 >/sys/bus/pci/rescan
	# One more group: the disk's.
	live_often "$(option xpi_lives)" $((many + 1))
	modprobe xen-pv-iommu
	check life.disk-back "the disk did not appear again" start_disk
	check life.disk-works-after "dom0 reads other bytes from the disk than before" disk_works "$DIGEST"
}

# SPDX-License-Identifier: GPL-2.0
# A PV dom0 whose devices do not use swiotlb-xen. The same work is done three times:
# under swiotlb-xen, with bounce buffers; with the disk, a network card and edu in DMA
# domains of their own, without any bounce buffer; and with the disk back in an identity
# domain, with bounce buffers again. The other network card keeps its driver all the
# time and therefore stays with swiotlb-xen.

XENMEM=/sys/devices/system/xen_memory/xen_memory0
SCRATCH=/mnt/dpdk/mnt
SHUFFLE=/tmp/shuffle

# --- counting ---------------------------------------------------------------

count_bounces()
{
	mount -t tracefs tracefs $TRACE 2>/dev/null
	echo 'hist:keys=dev_name:vals=size' >$TRACE/events/swiotlb/swiotlb_bounced/trigger
}

# bounced DEVICE: print how often, and how many bytes, it has bounced so far
bounced()
{
	sed -n "s/.*dev_name: $1 *} hitcount: *\([0-9]*\) *size: *\([0-9]*\).*/\1 \2/p" \
		$TRACE/events/swiotlb/swiotlb_bounced/hist | grep . || echo 0 0
}

# since "TIMES BYTES" "TIMES BYTES": the difference
since()
{
	set -- $1 $2
	echo $(($3 - $1)) $(($4 - $2))
}

count() { echo "${1% *}"; }

# --- the machine ------------------------------------------------------------

balloon_is_at()
{
	local current
	current=$(cat $XENMEM/info/current_kb)
	[ "$current" -le $(($1 + 64)) ] && [ "$current" -ge $(($1 - 64)) ]
}

balloon_to()
{
	echo "$1" >$XENMEM/target_kb
	within 60 balloon_is_at "$1"
}

# fill_alternately PIECES: write PIECES pieces of 32 KiB to each of the files even and
# odd, alternately
fill_alternately()
{
	mkdir -p $SHUFFLE && mount -t tmpfs -o size=100% shuffle $SHUFFLE || return 1
	awk -v pieces="$1" -v dir=$SHUFFLE 'BEGIN {
		piece = sprintf("%32767s", "")
		while (pieces-- > 0) {
			print piece >dir "/even"
			print piece >dir "/odd"
		}
	}'
}

# Make memory that is contiguous for Linux scattered for a device: memory goes to Xen and
# returns as other machine pages. Linux and Xen both allocate first what they freed last,
# so memory that goes at once would return in the old order. Therefore every second piece
# goes first, and the others later. Xen merges neighbours and returns them in rows, so
# that two neighbours in Linux get their pages from different rows. A piece is smaller
# than a large folio, and large enough for a thread's stack, which processes need
# meanwhile. The file rest takes nearly all other memory for good, because the page cache
# uses ballooned pages last. Short per-CPU lists keep the allocator from holding pages
# back meanwhile.
shuffle_memory()
{
	local all unused pieces
	all=$(cat $XENMEM/info/current_kb)
	unused=$(meminfo MemFree)
	pieces=$(((unused - 128 * 1024) / 64))
	echo 1000 >/proc/sys/vm/percpu_pagelist_high_fraction
	info "$((64 * pieces)) of $all kB go to Xen and come back"
	fill_alternately $pieces || return 1
	rm $SHUFFLE/even && balloon_to $((all - 32 * pieces)) || return 1
	rm $SHUFFLE/odd && balloon_to $((all - 64 * pieces)) || return 1
	dd if=/dev/zero of=$SHUFFLE/rest bs=1M count=80 2>/dev/null || return 1
	echo 0 >/proc/sys/vm/percpu_pagelist_high_fraction
	balloon_to "$all"
}

# --- the disk ---------------------------------------------------------------

# The disk that is not the root image.
scratch_disk() { serial_disk 1; }

# Set SCRATCH_PCI, and set DISK to the disk with the root image.
mount_disks()
{
	local scratch
	start_both_disks || return 1
	scratch=$(scratch_disk)
	SCRATCH_PCI=$(cat "/sys/block/$scratch/device/address")
	DISK=/dev/$(serial_disk 0)
	mount_dpdk || return 1
	modprobe xfs || return 1
	chroot /mnt/dpdk /usr/sbin/mkfs.xfs -q -f "/dev/$scratch" || return 1
	mount -t xfs "/dev/$scratch" $SCRATCH
}

umount_disks()
{
	umount $SCRATCH
	for d in dev sys proc tmp run ''; do
		umount /mnt/dpdk/$d || return 1
	done
}

checked_fio()
{
	chroot /mnt/dpdk fio --name=bypass --directory=/mnt --thread --size=16m \
		--verify=crc32c --verify_fatal=1 "$@" >/tmp/fio 2>&1
}

# Write and read large folios of XFS, then scattered pages of the program by direct I/O.
fio_all()
{
	checked_fio --rw=write --bs=256k --end_fsync=1 --do_verify=0 || return 1
	echo 3 >/proc/sys/vm/drop_caches
	checked_fio --rw=read --bs=256k && grep -q 'READ:.*io=16.0MiB' /tmp/fio || return 1
	checked_fio --rw=randwrite --bs=128k --direct=1 --ioengine=libaio --iodepth=8 &&
		grep -q 'READ:.*io=16.0MiB' /tmp/fio
}

# disk_work NAME: sets DISK_BOUNCED
disk_work()
{
	local before
	before=$(bounced "$SCRATCH_PCI")
	if fio_all; then
		pass "$1.fio-verifies"
	else
		fail "$1.fio-verifies" "fio printed: $(tail -n 3 /tmp/fio)"
	fi
	DISK_BOUNCED=$(since "$before" "$(bounced "$SCRATCH_PCI")")
	info "$1: the disk bounced ${DISK_BOUNCED% *} times, ${DISK_BOUNCED#* } of about $((5 * 16 << 20)) bytes"
}

# --- the network ------------------------------------------------------------

# start_igb: connect it, with a server in its network namespace
start_igb() { connect_igb "$IGB" && serve_igb; }
start_e1000e() { connect_e1000e "$E1000E" && reaches_igb; }

net_work()
{
	local before
	before=$(bounced "$E1000E")
	check "$1.e1000e-sends" "igb received other bytes" e1000e_to_igb
	check "$1.e1000e-receives" "e1000e received other bytes" igb_to_e1000e
	NET_BOUNCED=$(since "$before" "$(bounced "$E1000E")")
	info "$1: e1000e bounced ${NET_BOUNCED% *} times, ${NET_BOUNCED#* } bytes"
}

# --- edu --------------------------------------------------------------------

# edu_work NAME TRANSLATED DEVICE OTHER [PARAMETER]: sets EDU_BOUNCED
edu_work()
{
	local before
	before=$(bounced "$3")
	modprobe xpi_dmaapi "translated=$2" "device=$3" "other=$4" $5
	relay "edu-$1" sed "s/ dmaapi/ $1.dmaapi/" /sys/module/xpi_dmaapi/parameters/results
	rmmod xpi_dmaapi
	EDU_BOUNCED=$(since "$before" "$(bounced "$3")")
	info "$1: edu bounced ${EDU_BOUNCED% *} times, ${EDU_BOUNCED#* } bytes"
}

# The secret is not mapped for edu, so Xen blocks the access. The next test shows that
# the device works.
edu_is_confined()
{
	local s=/sys/kernel/xpi_secret
	enable "$EDU_B"
	info "expect-fault $EDU_B read $(cat $s/secret_addr)"
	info "expect-fault $EDU_B write $(cat $s/drop_addr)"
	! edu_reads_secret "$EDU_B" && grep -q -- '--------' $s/drop
}

# --- the three runs ---------------------------------------------------------

under_swiotlb()
{
	check before.disks "the disks do not mount" mount_disks
	disk_work before
	check before.disk-bounces "nothing bounced, so the other tests would show nothing" \
		[ "$(count "$DISK_BOUNCED")" -gt 0 ]
	serve_e1000e
	check before.igb "igb has no interface or no server" start_igb
	check_after before.network what_the_cards_did start_e1000e
	net_work before
	edu_work before 0 "$EDU_A" "$EDU_B" "untrusted=$EDU_B"
	check before.edu-bounces "nothing bounced, so the rest would prove nothing" \
		[ "$(count "$EDU_BOUNCED")" -gt 0 ]
	check before.undone "the disks or the card are in use" \
		eval 'umount_disks && rmmod nvme && rmmod e1000e'
}

load_early()
{
	mark
	if ! modprobe xen-pv-iommu pv_dma_ops_swap=1 2>/tmp/modprobe; then
		fail load "$(cat /tmp/modprobe) $(since_mark | tail -n 3)"
		return 1
	fi
	pass load
	since_mark | sed 's/^\[[^]]*\] //' | grep -i 'xen.pv.iommu' | while read -r line; do
		info "dmesg $line"
	done
	list_groups
	check swapped "the module did not say so" \
		sh -c 'dmesg | grep -q "no longer use swiotlb-xen"'
	check live-left-alone "igb, which is in use, is in a group" \
		[ "$(type_of "$IGB")" = none ]
}

translated()
{
	local before all
	before=$(bounced "$SCRATCH_PCI")
	check after.disks "the disks do not mount" mount_disks
	check_after after.network what_the_cards_did start_e1000e
	for d in "$SCRATCH_PCI" "$E1000E" "$EDU_A" "$EDU_B"; do
		check "after.type-${d##*:}" "its domain is $(type_of "$d")" \
			[ "$(type_of "$d")" = DMA ]
	done
	disk_work after
	all=$(since "$before" "$(bounced "$SCRATCH_PCI")")
	check after.disk-bounces-never "it bounced $all" [ "$all" = '0 0' ]
	net_work after
	check after.e1000e-bounces-never "it bounced $NET_BOUNCED" [ "$NET_BOUNCED" = '0 0' ]
	edu_work after 1 "$EDU_A" "$EDU_B"
	check after.edu-bounces-never "it bounced $EDU_BOUNCED" [ "$EDU_BOUNCED" = '0 0' ]
	check after.edu-confined "edu reached memory that is not mapped for it" edu_is_confined
	edu_work untrusted 1 "$EDU_B" "$EDU_A"
	check untrusted.part-pages-copied "a device at an external port got whole pages" \
		[ "$(count "$EDU_BOUNCED")" -gt 0 ]
}

# Remove igb and rescan: then it is translated like the others.
newcomer()
{
	local before
	echo 1 >"$PCI/$IGB/remove"
	echo 1 >/sys/bus/pci/rescan
	check newcomer.type "its domain is $(type_of "$IGB")" [ "$(type_of "$IGB")" = DMA ]
	kill $IGB_SPACE
	check newcomer.igb "igb has no interface or no server" start_igb
	check_after newcomer.network what_the_cards_did reaches_igb
	before=$(bounced "$IGB")
	check newcomer.sends "e1000e received other bytes" igb_to_e1000e
	NET_BOUNCED=$(since "$before" "$(bounced "$IGB")")
	check newcomer.bounces-never "it bounced $NET_BOUNCED" [ "$NET_BOUNCED" = '0 0' ]
}

# rebind_as DEVICE TYPE: change the type of a disk's domain while it has no driver
rebind_as()
{
	echo "$1" >"$PCI/$1/driver/unbind"
	set_type "$1" "$2"
	echo "$1" >/sys/bus/pci/drivers/nvme/bind
	[ "$(type_of "$1")" = "$2" ]
}

# The domain of one disk changes while it has no driver. The other disk, from which fio
# was loaded, stays in use.
there_and_back()
{
	umount $SCRATCH
	check_after identity.set "echo its domain is \$(type_of $SCRATCH_PCI)" \
		rebind_as "$SCRATCH_PCI" identity
	check identity.disk "the disk does not mount" remount_scratch
	disk_work identity
	check identity.disk-bounces "the disk does not use swiotlb-xen" \
		[ "$(count "$DISK_BOUNCED")" -gt 0 ]
	umount $SCRATCH
	check_after again.set "echo its domain is \$(type_of $SCRATCH_PCI)" \
		rebind_as "$SCRATCH_PCI" DMA
	check again.disk "the disk does not mount" remount_scratch
	disk_work again
	check again.disk-bounces-never "it bounced $DISK_BOUNCED" [ "$DISK_BOUNCED" = '0 0' ]
}

remount_scratch()
{
	start_both_disks && mount -t xfs "/dev/$(scratch_disk)" $SCRATCH
}

step_bypass()
{
	E1000E=$(devices 8086:10d3)
	IGB=$(devices 8086:10c9)
	modprobe xpi_secret
	count_bounces
	check memory-shuffled "the balloon does not move" shuffle_memory
	under_swiotlb
	load_early || return
	translated
	there_and_back
	newcomer
	check stays "the module could be unloaded" sh -c '! rmmod xen_pv_iommu 2>/dev/null'
}

# SPDX-License-Identifier: GPL-2.0
# fio writes to an NVMe disk in a context of its own, and verifies all of it. fio itself
# is on another such disk.

# At least 10: fio prints smaller sizes in KiB.
FIO_MIB=16

# serial_disk NUMBER: the disk with the serial number xpiNUMBER
serial_disk()
{
	local d
	for d in /sys/block/nvme*n1; do
		case $(cat "$d/device/serial" 2>/dev/null) in
		xpi"$1"*) echo "${d##*/}" ;;
		esac
	done
}

both_disks_there() { [ -n "$(serial_disk 0)" ] && [ -n "$(serial_disk 1)" ]; }

start_both_disks()
{
	modprobe nvme
	within 60 both_disks_there
}

# verify NAME OPTION...: run fio, which must read and verify all that it wrote
verify()
{
	local name=$1 status
	shift
	chroot /mnt/dpdk fio --name=disk "--filename=/dev/$FIO_DISK" --thread "--size=${FIO_MIB}m" \
		--direct=1 --verify=crc32c --verify_fatal=1 --randrepeat=0 "$@" >/tmp/fio 2>&1
	status=$?
	info "fio $name: $(grep -E 'READ:|WRITE:' /tmp/fio | tr '\n' ' ')"
	check "fio.$name" "fio ended with $status: $(grep -v '^$' /tmp/fio | tail -n 3)" \
		eval '[ $status = 0 ] && grep -q "READ:.*io=$FIO_MIB.0MiB" /tmp/fio && grep -q "err= 0" /tmp/fio'
}

# One job a CPU, each on a part of the disk of its own, so that all CPUs map and unmap
# concurrently in the disk's context.
verify_each_cpu()
{
	local n=$(nproc)

	[ "$n" = 1 ] || verify each-cpu --rw=randwrite --bs=4k --ioengine=libaio --iodepth=16 \
		--numjobs=$n --cpus_allowed=0-$((n - 1)) --cpus_allowed_policy=split \
		--size=$((FIO_MIB / n))m --offset_increment=$((FIO_MIB / n))m --group_reporting
}

# fio must report bytes that it did not write; otherwise the other tests show nothing.
verify_notices()
{
	dd if=/dev/zero "of=/dev/$FIO_DISK" bs=4k seek=100 count=1 oflag=direct 2>/dev/null
	! chroot /mnt/dpdk fio --name=disk "--filename=/dev/$FIO_DISK" --thread "--size=${FIO_MIB}m" \
		--direct=1 --verify=crc32c --verify_fatal=1 --rw=read --bs=256k >/tmp/fio 2>&1 &&
		grep -qE 'verify: bad|verify failed' /tmp/fio
}

step_fio()
{
	mark
	if ! start_both_disks; then
		fail fio.disks "the disks did not appear: $(ls /sys/block)"
		return
	fi
	pass fio.disks
	DISK=/dev/$(serial_disk 0)
	FIO_DISK=$(serial_disk 1)
	check fio.root "the disk with fio does not mount" mount_dpdk
	check_type fio.type "$(cat "/sys/block/$FIO_DISK/device/address")"
	tell_counters "before fio"
	verify scattered --rw=randwrite --bs=4k --ioengine=libaio --iodepth=16
	verify mixed-sizes --rw=randwrite --bsrange=512-128k --ioengine=libaio --iodepth=8
	verify large --rw=write --bs=256k --ioengine=libaio --iodepth=4
	verify_each_cpu
	tell_counters "after fio"
	check fio.notices "fio verifies bytes that it did not write" verify_notices
	check_quiet fio.quiet
}

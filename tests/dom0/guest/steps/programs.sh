# SPDX-License-Identifier: GPL-2.0
# Programs of administrators: dpdk-devbind refuses a port in use, and qemu-img reads an
# NVMe disk with a driver of its own.

PROGRAM_MIB=16
PROGRAM_REQUESTS=2400

sum_of() { md5sum | cut -d' ' -f1; }

# Print the digest of what the kernel's driver reads from disk $1.
kernels_sum() { dd if="/dev/$1" bs=1M count=$PROGRAM_MIB 2>/dev/null | sum_of; }

# program COMMAND...: run a program of the disk, with its output in /tmp/program
program() { chroot /mnt/dpdk "$@" >/tmp/program 2>&1; }

program_said() { tail -n 2 /tmp/program | tr '\n' ' '; }

# A port with an address and a route is in use.
start_port()
{
	modprobe e1000e
	PORT_IF=$(ls "$PCI/$1/net" 2>/dev/null)
	[ -n "$PORT_IF" ] && ip addr add 192.0.2.1/24 dev "$PORT_IF" && ip link set "$PORT_IF" up
}

devbind() { program dpdk-devbind.py -b vfio-pci "$1"; [ "$(driver_of "$1")" = "$2" ]; }

check_devbind()
{
	local port
	port=$(devices 8086:10d3)
	check programs.port-starts "e1000e creates no interface for $port" start_port "$port"
	check_after programs.devbind-refuses program_said devbind "$port" e1000e
	check programs.devbind-reports-active "it printed $(program_said)" grep -q 'is active' /tmp/program
	ip link set "$PORT_IF" down
	check_after programs.devbind-binds program_said devbind "$port" vfio-pci
	unbind "$port"
}

# Use the controller of disk $1, of which no file system is mounted.
check_user_nvme()
{
	local bdf sum
	bdf=$(basename "$(readlink -f "/sys/block/$1/device/device")")
	sum=$(kernels_sum "$1")
	unbind "$bdf"
	check_bind programs.nvme-bind "$bdf"
	check_after programs.nvme-reads program_said program qemu-img dd -f raw -O raw \
		bs=1M count=$PROGRAM_MIB "if=nvme://$bdf/1" of=/tmp/copy
	check programs.nvme-reads-right "qemu-img reads other bytes than the kernel" \
		[ "$(sum_of </mnt/dpdk/tmp/copy)" = "$sum" ]
	rm -f /mnt/dpdk/tmp/copy
	check_after programs.nvme-many-requests program_said program qemu-img bench -f raw \
		-c $PROGRAM_REQUESTS -d 16 -s 4096 "nvme://$bdf/1"
	info "qemu-img bench: $(program_said)"
	unbind "$bdf"
	echo "$bdf" >/sys/bus/pci/drivers/nvme/bind
	check programs.nvme-kernel-again "the kernel's driver creates no disk for it" \
		within 30 eval '[ -n "$(serial_disk prog)" ]'
	check programs.nvme-same "the kernel now reads other bytes" \
		[ "$(kernels_sum "$(serial_disk prog)")" = "$sum" ]
}

step_programs()
{
	start_vfio
	check programs.disks "they did not appear" \
		eval 'modprobe nvme && within 60 eval "[ -n \"\$(serial_disk prog)\" ] && [ -n \"\$(serial_disk 0)\" ]"'
	DISK=/dev/$(serial_disk 0)
	check programs.mounted "$DISK does not mount" mount_dpdk
	check_devbind
	check_user_nvme "$(serial_disk prog)"
}

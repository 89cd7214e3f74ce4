# SPDX-License-Identifier: GPL-2.0
# With the patches of packaging/linux: a patched module of VFIO replaces the kernel's, and
# denies programs the MSI-X table of their devices. A PVH dom0 restores MSI-X after a
# reset; a module patches the running kernel for this.

patch_vfio()
{
	rmmod vfio_pci && rmmod vfio_pci_core && insmod /xpi/vfio-pci-core.ko 2>&1
}

# PV and bare machines restore it without the module.
restore_msi_x()
{
	[ "$(cat /sys/hypervisor/guest_type 2>/dev/null)" != PVH ] || modprobe xpi_restore
}

step_irqkept()
{
	irq_devices
	irq_unbind
	check_after irqkept.loads "dmesg | tail -n 1" patch_vfio
	check_after irqkept.bind "cat /tmp/why" irq_bind
	if ours; then
		relay irqkept-tables vfio-irq kept kept "$IRQ_IGB" "$IRQ_NVME"
	else
		relay irqkept-table vfio-irq table kept "$IRQ_IGB" "$EDU_A"
	fi
	check irqkept.restores "xpi_restore does not load" restore_msi_x
	relay irqkept-restored vfio-irq restored kept "$IRQ_IGB" "$IRQ_NVME"
	relay irqkept-quick vfio-irq quick quick-kept $IRQ_ALL
	irq_unbind
	sleep_on_igb irqkept "$(devices 8086:10d3)" "$IRQ_IGB"
}

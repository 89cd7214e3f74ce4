# SPDX-License-Identifier: GPL-2.0
# The same DMA with devices in address spaces of iommufd, if the kernel has it.

# A program's page table exists without any device, and keeps the driver loaded.
table_outlives_devices()
{
	local holder
	iommufd-outlive "$EDU_A" >/tmp/outlive 2>&1 &
	holder=$!
	check_after iommufd.outlive.holds "cat /tmp/outlive" says 60 /tmp/outlive holding $holder
	unbind "$EDU_A"
	remove_devices
	check iommufd.outlive.no-device "there are $(groups) groups" [ "$(groups)" = 0 ]
	check iommufd.outlive.rmmod-refused \
		"the module was unloaded although a page table exists" eval '! rmmod_driver'
	kill $holder
	wait $holder
	check iommufd.outlive.no-context "Xen has $(xen_has contexts) contexts" [ "$(xen_has contexts)" = 0 ]
	check_after iommufd.outlive.rmmod-works "cat /tmp/rmmod" rmmod_driver
}

step_iommufd()
{
	if ! modprobe iommufd 2>/dev/null; then
		skip iommufd "this kernel is built without IOMMUFD; 6.12-debug has it"
		return
	fi
	modprobe vfio-pci
	check_bind iommufd.bind-first "$EDU_A"
	check_bind iommufd.bind-second "$EDU_B"
	check iommufd.interrupts-need-permission \
		"it accepted a device although Linux cannot see that its interrupts are isolated" \
		needs_permission iommufd iommufd-dma
	allow_unsafe Y iommufd
	relay iommufd iommufd-dma "$EDU_A" "$EDU_B"
	relay iommufd-share iommufd-share "$EDU_A" "$EDU_B"
	unbind "$EDU_B"
	table_outlives_devices
}

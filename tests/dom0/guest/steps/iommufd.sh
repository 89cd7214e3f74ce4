# SPDX-License-Identifier: GPL-2.0
# The same DMA with devices in iommufd's address spaces, for kernels that have it.

step_iommufd()
{
	if ! modprobe iommufd 2>/dev/null; then
		skip iommufd "this kernel is built without IOMMUFD; 6.12-dom0 has it"
		return
	fi
	modprobe vfio-pci
	check_bind iommufd.bind-first "$EDU_A"
	check_bind iommufd.bind-second "$EDU_B"
	check iommufd.interrupts-need-permission \
		"it took a device whose interrupts Linux cannot know to be isolated" \
		needs_permission iommufd iommufd-dma
	allow_unsafe Y iommufd
	relay iommufd iommufd-dma "$EDU_A" "$EDU_B"
	relay iommufd-share iommufd-share "$EDU_A" "$EDU_B"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

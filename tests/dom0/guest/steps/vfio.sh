# SPDX-License-Identifier: GPL-2.0
# DMA through VFIO containers.
#
# In a PV dom0 Xen isolates MSIs by the IOMMU's interrupt remapping, but Linux cannot see
# it. VFIO refuses groups whose interrupts may not be isolated;
# allow_unsafe_interrupts=1 makes VFIO accept them.

# allow_unsafe Y|N [MODULE]
allow_unsafe() { echo "$1" >"/sys/module/${2:-vfio_iommu_type1}/parameters/allow_unsafe_interrupts"; }

# Load VFIO with type1 containers, and make it accept devices.
start_vfio()
{
	modprobe vfio-pci && modprobe vfio_iommu_type1
	allow_unsafe Y
}

# needs_permission MODULE PROGRAM: without the option the module refuses devices, and the
# program names the option.
needs_permission()
{
	allow_unsafe N "$1"
	"$2" "$EDU_A" "$EDU_B" >/tmp/unsafe 2>&1
	grep -q allow_unsafe_interrupts=1 /tmp/unsafe
}

# take_edus NAME: bind both edu devices to vfio-pci
take_edus()
{
	start_vfio
	check_bind "$1.bind-first" "$EDU_A"
	check_bind "$1.bind-second" "$EDU_B"
}

# vfio_works NAME: all cases of VFIO pass with them
vfio_works()
{
	take_edus "$1"
	relay vfio vfio-dma "$EDU_A" "$EDU_B"
}

# True if our driver runs, not Linux' own VT-d driver.
ours() { [ "$(option xpi_bare)" != 1 ]; }

step_vfio()
{
	local s=/sys/kernel/xpi_secret
	modprobe vfio-pci && modprobe vfio_iommu_type1
	check_bind vfio.bind-first "$EDU_A"
	check_bind vfio.bind-second "$EDU_B"
	if ours; then
		check vfio.interrupts-need-permission \
			"VFIO accepted a device although Linux cannot see that its interrupts are isolated" \
			needs_permission vfio_iommu_type1 vfio-dma
		start_looking
	fi
	allow_unsafe Y
	if [ -d $s ]; then
		relay vfio vfio-dma "$EDU_A" "$EDU_B" "$(cat $s/secret_addr)" "$(cat $s/secret)"
	else
		relay vfio vfio-dma "$EDU_A" "$EDU_B"
	fi
	if ours; then
		check_faults_traced vfio
		look_inside "$EDU_A"
		stop_tracing
	fi
	relay vfio-irq vfio-irq quick quick "$EDU_A" "$EDU_B"
	unbind "$EDU_A"
	unbind "$EDU_B"
	# A translated default domain has no mapping now.
	[ -d $s ] && [ "$(cat "$PCI/$EDU_B/iommu_group/type")" = identity ] && {
		enable "$EDU_B"
		check vfio.closed.default-again \
			"after vfio-pci the device is not back in its default domain" \
			edu_reads_secret "$EDU_B"
	}
	if ours; then
		check_unplug "$EDU_B"
	fi
}

# SPDX-License-Identifier: GPL-2.0
# DMA through VFIO containers.
#
# A PV dom0's MSIs come from Xen, which isolates them by the IOMMU's interrupt
# remapping, but Linux has no way to know and VFIO refuses groups whose
# interrupts it cannot trust.  allow_unsafe_interrupts=1 says "trust them".

# allow_unsafe Y|N [MODULE]
allow_unsafe() { echo "$1" >"/sys/module/${2:-vfio_iommu_type1}/parameters/allow_unsafe_interrupts"; }

# VFIO with type1 containers, which takes devices.
start_vfio()
{
	modprobe vfio-pci && modprobe vfio_iommu_type1
	allow_unsafe Y
}

# needs_permission MODULE PROGRAM: without it the module says no, and the program
# says it in a way one can act on.
needs_permission()
{
	allow_unsafe N "$1"
	"$2" "$EDU_A" "$EDU_B" >/tmp/unsafe 2>&1
	grep -q allow_unsafe_interrupts=1 /tmp/unsafe
}

# take_edus NAME: both edu devices for VFIO, which is allowed to have them
take_edus()
{
	start_vfio
	check_bind "$1.bind-first" "$EDU_A"
	check_bind "$1.bind-second" "$EDU_B"
}

# vfio_works NAME: all that VFIO does with them
vfio_works()
{
	take_edus "$1"
	relay vfio vfio-dma "$EDU_A" "$EDU_B"
}

# Our driver, and not the one for real hardware, has something to show.
ours() { [ "$(option xpi_bare)" != 1 ]; }

step_vfio()
{
	local s=/sys/kernel/xpi_secret
	modprobe vfio-pci && modprobe vfio_iommu_type1
	check_bind vfio.bind-first "$EDU_A"
	check_bind vfio.bind-second "$EDU_B"
	if ours; then
		check vfio.interrupts-need-permission \
			"VFIO took a device whose interrupts Linux cannot know to be isolated" \
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
	# Where the default domain translates, nothing is mapped there now.
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

# SPDX-License-Identifier: GPL-2.0
# A USB controller with memory at a fixed address that firmware requires (Xen's rmrr=
# option). The kernel's drivers have it mapped, a program does not.

# region_listed DEVICE: Linux lists it as a region that users need not map
region_listed()
{
	grep -q "^$(printf '0x%016x' "$(option xpi_region)") .* direct-relaxable$" \
		"$PCI/$1/iommu_group/reserved_regions"
}

# region_mapped DEVICE: it is mapped 1:1, readable and writable
region_mapped()
{
	local frame
	frame=$(printf '0x%x' $(($(option xpi_region) >> 12)))
	echo "$1" >/sys/kernel/xpi_look/device
	option xpi_region >/sys/kernel/xpi_look/leaf
	grep -qx "order 0 flags 0x7 gfn $frame" /sys/kernel/xpi_look/leaf
}

# In a translated default domain the region must be mapped.
default_has_region()
{
	[ "$(type_of "$2")" = identity ] ||
		check "$1" "Xen reports: $(cat /sys/kernel/xpi_look/leaf)" region_mapped "$2"
}

step_region()
{
	local usb
	usb=$(devices 1b36:000d)
	modprobe xpi_look
	check_after region.listed "cat $PCI/$usb/iommu_group/reserved_regions" region_listed "$usb"
	default_has_region region.default-has-it "$usb"
	take_edus region
	check_bind region.bind-usb "$usb"
	relay region vfio-region "$EDU_A" "$usb" "$(option xpi_region)"
	unbind "$usb"
	unbind "$EDU_A"
	unbind "$EDU_B"
	default_has_region region.default-has-it-again "$usb"
}

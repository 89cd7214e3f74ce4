# SPDX-License-Identifier: GPL-2.0
# A device that Xen does not know, and whose DMA has the requester id of a device that Xen
# knows: like the disks behind Intel's VMD. A test module makes its bus, and an edu does
# its DMA.

behind_vmd()
{
	local child group
	child=$(devices 1234:11e9)
	group=$(group_of "$EDU_B")
	check vmd.translated "the domain of $EDU_B is $(type_of "$EDU_B")" \
		[ "$(type_of "$EDU_B")" != identity ]
	check vmd.same-group "$child is in group $(group_of "$child"), not in $group" \
		[ -n "$group" -a "$(group_of "$child")" = "$group" ]
	modprobe xpi_dmaapi "device=$EDU_B" "behind=$child"
	relay vmd-dma sed "s/ dmaapi/ vmd.dmaapi/" /sys/module/xpi_dmaapi/parameters/results
	rmmod xpi_dmaapi
	check vmd.in-its-context "Xen has $EDU_B in context $(xen_context "$EDU_B")" \
		[ "$(xen_context "$EDU_B")" != 0 ]
}

step_vmd()
{
	modprobe xpi_look
	if modprobe xpi_vmd "device=$EDU_B" 2>/tmp/modprobe; then
		pass vmd.stand-in
	elif grep -q 'not supported' /tmp/modprobe; then
		skip vmd "this kernel is built without VMD; Debian's have it"
		return
	else
		fail vmd.stand-in "$(cat /tmp/modprobe)"
		return
	fi
	behind_vmd
	rmmod xpi_vmd
	check vmd.gone "there is still $(devices 1234:11e9)" [ -z "$(devices 1234:11e9)" ]
}

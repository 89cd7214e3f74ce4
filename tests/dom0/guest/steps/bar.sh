# SPDX-License-Identifier: GPL-2.0
# A device with a BAR of 256 MiB, which an edu uses through VFIO.

step_bar()
{
	local owner
	owner=$(devices 1af4:1110)
	take_edus bar
	check_bind bar.bind-owner "$owner"
	relay bar vfio-bar "$EDU_A" "$owner" 2
	unbind "$owner"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

# SPDX-License-Identifier: GPL-2.0
# With msi_isolated=1, which the step before has loaded the driver with, VFIO takes
# devices without the option that says that their interrupts are trusted.

step_isolated()
{
	check isolated.logged "it says: $(since_mark | grep VFIO)" said "VFIO may rely on isolated interrupts"
	take_edus isolated
	allow_unsafe N
	relay isolated vfio-irq quick isolated "$EDU_A" "$EDU_B"
	unbind "$EDU_A"
	unbind "$EDU_B"
}

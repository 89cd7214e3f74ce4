# SPDX-License-Identifier: GPL-2.0
# The first and the last iova, holes, and all kinds of memory, through VFIO.

step_edges()
{
	start_vfio
	check_bind edges.bind "$EDU_A"
	relay edges vfio-edges "$EDU_A"
	unbind "$EDU_A"
}

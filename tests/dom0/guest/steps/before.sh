# SPDX-License-Identifier: GPL-2.0
# A dom0 without the driver. The other steps of the suite check that each of these
# results is different with it.

# Make edu device $1 copy the kernel's secret to the page "drop"; true if it arrived.
edu_reads_secret()
{
	local s=/sys/kernel/xpi_secret
	echo 1 >$s/drop
	edu-copy "$1" "$(cat $s/secret_addr)" "$(cat $s/drop_addr)" 64 || return 1
	grep -qF "$(cat $s/secret)" $s/drop
}

step_before()
{
	modprobe xpi_secret && modprobe vfio-pci && modprobe vfio_iommu_type1 || {
		fail before.modules "modprobe failed"
		return
	}
	info "groups $(groups)"
	check before.no-groups "there are IOMMU groups already" [ "$(groups)" = 0 ]
	check before.two-edus "this machine needs two edu devices, it has: $EDU" \
		[ -n "$EDU_B" ]

	mark
	if bind_vfio "$EDU_A"; then
		fail before.vfio-refuses "vfio-pci took $EDU_A without an IOMMU"
	else
		pass before.vfio-refuses
		info "vfio-says $(since_mark | grep -m1 'vfio.pci.*fail' | sed 's/^\[[^]]*\] //')"
	fi
	unbind "$EDU_A"

	enable "$EDU_A"
	if edu_reads_secret "$EDU_A"; then
		pass before.device-reads-kernel
		info "leak address $(cat /sys/kernel/xpi_secret/secret_addr) text $(cut -c1-30 /sys/kernel/xpi_secret/drop)"
	else
		fail before.device-reads-kernel "the device did not read the kernel's page, so the tests of isolation would show nothing: $(cut -c1-30 /sys/kernel/xpi_secret/drop)"
	fi
}

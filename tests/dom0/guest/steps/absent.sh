# SPDX-License-Identifier: GPL-2.0
# A Xen without the hypercall: the driver must refuse, quietly, every time.

step_absent()
{
	local i lines
	mark
	for i in 1 2 3; do
		modprobe xen-pv-iommu 2>/tmp/modprobe.$i && {
			fail absent.refuses "modprobe succeeded on a Xen without PV-IOMMU"
			return
		}
	done
	pass absent.refuses
	check absent.enodev "modprobe said: $(cat /tmp/modprobe.1)" \
		grep -q 'No such device' /tmp/modprobe.1
	# the first load of an unsigned module says so, which is not the driver's doing
	since_mark | grep -v 'taint\|module verification' >/tmp/said
	lines=$(wc -l </tmp/said)
	info "dmesg $(sed 's/^\[[^]]*\] //' /tmp/said | head -n 1)"
	check absent.quiet "three loads printed $lines lines: $(head -n 4 /tmp/said)" \
		[ "$lines" -le 3 ]
	check absent.no-groups "there are IOMMU groups" [ "$(groups)" = 0 ]
	check absent.not-loaded "the module stayed loaded" \
		sh -c '! grep -q xen_pv_iommu /proc/modules'
}

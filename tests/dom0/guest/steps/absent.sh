# SPDX-License-Identifier: GPL-2.0
# A Xen without the hypercall: each load must fail with one message.

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
	check absent.enodev "modprobe printed: $(cat /tmp/modprobe.1)" \
		grep -q 'No such device' /tmp/modprobe.1
	# The kernel logs the first load of an unsigned module as a taint. busybox
	# tries each load twice, with finit_module and with init_module.
	since_mark | grep -v 'taint\|module verification' | sed 's/^\[[^]]*\] //' >/tmp/said
	info "dmesg $(head -n 1 /tmp/said)"
	check absent.one-line "it printed more than one sentence: $(sort -u /tmp/said | head -n 4)" \
		[ "$(sort -u /tmp/said | wc -l)" -le 1 ]
	check absent.once-a-load "six attempts printed $(wc -l </tmp/said) lines" \
		[ "$(wc -l </tmp/said)" -le 6 ]
	check absent.no-groups "there are IOMMU groups" [ "$(groups)" = 0 ]
	check absent.not-loaded "the module stayed loaded" \
		sh -c '! grep -q xen_pv_iommu /proc/modules'
}
